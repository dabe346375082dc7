"""Guards before training: what is asked where content cannot tell, days, and choices tried on the target."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from biotransfer.evidence.checks import CHECKS
from biotransfer.signals.features import extract_features
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from biotransfer.signals.splits import fingerprint, make_splits
from biotransfer.signals.windows import cut_windows
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import run_study

BASE = {
    "eeg": {"data": "simulated"},
    "emg": {"data": "simulated"},
    "directions": ["emg->eeg"],
    "features": "band_power",
    "align": {"name": "pca", "k": 8},
    "network": "mlp",
    "arms": ["scratch", "transferred"],
}


def _cut(recordings):
    return cut_windows(recordings, length=1.0, step=1.0)


@pytest.fixture(scope="module")
def eeg():
    return _cut(simulate_eeg(n_subjects=4, n_runs=2, seconds_per_class=8.0, seed=1))


@pytest.fixture(scope="module")
def emg():
    return _cut(simulate_emg(n_subjects=3, n_repetitions=2, seed=1))


def _side(windows, simulated=False):
    return SimpleNamespace(
        signals=windows,
        about={"dataset": windows.metadata["dataset"].iloc[0], "simulated": simulated},
        prints=fingerprint(windows),
        windows=lambda _: windows,
    )


def _frame(target, source, **changes):
    recipe = load_recipe({**BASE, **changes})
    splits = {("eeg", "subject", "mlp"): make_splits(target, "subject")}
    return SimpleNamespace(
        recipe=recipe, sides={"eeg": _side(target), "emg": _side(source)}, splits=splits, labelled={}
    )


def _run(name, frame):
    return CHECKS[name].function(frame)


def _named(windows, **columns):
    return replace(windows, metadata=windows.metadata.assign(**columns))


def test_declared_people_may_not_be_set_apart_by_a_split(eeg, emg):
    clean = _frame(eeg, emg, eeg={"data": "muse-mental-state"})
    assert _run("same_people", clean) == []
    one, two = eeg.subjects[:2]
    faults = _run("same_people", replace_recipe(clean, same_people=(("eeg/" + one, "eeg/" + two),)))
    assert [fault.severity for fault in faults] == ["error"]
    assert f"{one} and {two}" in faults[0].message
    merged = _named(eeg, subject=eeg.metadata["subject"].replace(two, one))
    again = _frame(merged, emg, eeg={"data": "muse-mental-state"})
    assert _run("same_people", replace_recipe(again, same_people=(("eeg/" + one, "eeg/" + two),))) == []


def replace_recipe(frame, **changes):
    return SimpleNamespace(**{**vars(frame), "recipe": replace(frame.recipe, **changes)})


@pytest.mark.parametrize("declared", [False, True])
def test_people_of_both_signals_are_disjoint_across_modalities(eeg, emg, declared, tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).mkdir()
    folder = {"data": "folder", "path": str(tmp_path / "a"), "classes": ["a", "b"], "modality": "eeg"}
    here = {**folder, "modality": "emg"}
    there = {**here, "path": str(tmp_path / "b")}
    both = _frame(eeg, emg, eeg=folder, emg=here)
    found = _run("same_people", both)
    assert "recorded in both signals" in found[0].message
    apart = _frame(eeg, emg, eeg=folder, emg=there)
    if declared:
        apart = replace_recipe(apart, same_people=(("eeg/" + eeg.subjects[0], "emg/" + emg.subjects[0]),))
    assert [f.severity for f in _run("same_people", apart)] == ["error"] * declared


@pytest.mark.parametrize("part", ["features", "short"])
def test_what_was_not_compared_is_said(eeg, emg, part):
    if part == "features":
        other = extract_features(eeg, "band_power")
    else:
        rows = np.arange(20)
        other = _named(
            eeg.take(rows), recording=[f"epoch{i}" for i in rows], stop=eeg.metadata["start"][:20] + 0.5
        )
    for name in ("shared_samples", "same_people"):
        frame = _frame(eeg, emg)
        frame.sides["eeg"] = SimpleNamespace(
            signals=other,
            about={"dataset": "x", "simulated": False},
            prints=fingerprint(other) if other.is_signal else (),
            windows=lambda _: eeg,
        )
        faults = [f for f in _run(name, frame) if f.severity == "note"]
        assert len(faults) == 1
        assert (
            "features" in faults[0].message if part == "features" else "shorter than 1 s" in faults[0].message
        )


def test_a_class_that_is_a_day_is_told(eeg, emg):
    assert {f.severity for f in _run("label_is_recording", _frame(eeg, emg))} <= {"note"}
    day = _named(eeg, session=[f"day{label}" for label in eeg.y])
    faults = _run("label_is_recording", _frame(day, emg))
    assert "warning" in {f.severity for f in faults}
    assert any("name of the session alone gives 100.0 %" in f.message for f in faults)


TUNED = {
    "two settings": {
        "arms": ["scratch", {"name": "l2_sp", "label": "a"}, {"name": "l2_sp", "alpha": 0.5, "label": "b"}]
    },
    "a repeated baseline": {
        "arms": ["scratch", {"name": "scratch", "label": "again"}, {"name": "l2_sp", "label": "a"},
                 {"name": "l2_sp", "alpha": 0.5, "label": "b"}]
    },
    "a way with other values": {"methods": [{"label": "six", "align": {"name": "pca", "k": 6}}]},
    "two ways": {
        "align": "none",
        "methods": [{"label": k, "align": {"name": "top_k", "k": int(k)}} for k in ("4", "6")],
    },
}  # fmt: skip
FAIR = {
    "one of each": {"arms": ["scratch", "transferred", "l2_sp", "frozen_body"]},
    "the same twice": {"arms": ["scratch", "transferred", {"name": "transferred", "label": "again"}]},
    "another method": {"methods": [{"label": "a", "align": {"name": "top_k", "k": 8}}]},
}


@pytest.mark.parametrize("name", [*TUNED, *FAIR])
def test_choices_of_parameters_are_counted_however_they_are_written(name):
    recipe = load_recipe({**BASE, **(TUNED | FAIR)[name]})
    faults = _run("unequal_tuning", SimpleNamespace(recipe=recipe))
    assert [f.severity for f in faults] == ["error"] * (name in TUNED)


def test_order_that_is_the_class_is_judged(tmp_path):
    people = []
    for recording in simulate_eeg(n_subjects=6, n_runs=2, seconds_per_class=8.0, seed=3):
        raw = recording.raw.copy()
        first = set(raw.annotations.description)
        for i, label in enumerate(sorted(first & set(recording.classes))):
            part = raw.copy()
            part.annotations.delete([j for j, d in enumerate(raw.annotations.description) if d != label])
            people.append(
                replace(recording, raw=part, session=f"day{i}", run=f"{recording.run}{i}", timestamps=None)
            )
    recipe = {**BASE, "arms": ["scratch"], "train": {"epochs": 2}, "seeds": 1, "baselines": []}
    results = run_study(recipe, tmp_path / "out", recordings={"eeg": people}).results
    said = {c["name"]: c for c in results.checks}
    assert said["label_is_recording"]["severity"] == "warning"
    assert said["nuisance_carries_label"]["severity"] == "warning"
    assert "session, day and rank of the recording 100.0 %" in said["nuisance_carries_label"]["message"]
