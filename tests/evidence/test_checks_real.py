"""Every check on real recordings: silent on clean ones, and heard where its fault was planted in them."""

from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.evidence.checks import (
    CHECKS,
    guard_names,
    refuse_errors,
    refuse_test_rows,
    rows_fitted,
    run_checks,
    run_guards,
    say_accepted,
)
from biotransfer.results import load_results
from biotransfer.signals.datasets import load_dataset
from biotransfer.signals.quality import group_findings, inspect_recordings
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from biotransfer.signals.splits import fingerprint, make_splits
from biotransfer.signals.windows import cut_windows
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import run_study
from biotransfer.transfer.align import Alignment, fit_alignment

GESTURES = ["hand_close", "hand_open", "flexion", "extension"]
SIDE = {
    "data": "myodisco",
    "sessions": ["day1"],
    "classes": GESTURES,
    "windows": {"length": 1.0, "step": 1.0},
}
RECIPE = {
    "title": "real",
    "sets": {
        "donors": {**SIDE, "subjects": ["S10", "S11", "S13", "S14"]},
        "tested": {**SIDE, "subjects": [f"S{i}" for i in range(1, 9)]},
    },
    "directions": ["donors->tested"],
    "features": "band_power",
    "network": {"name": "mlp", "hidden": [32]},
    "train": {"epochs": 30},
    "seeds": 2,
}


@pytest.fixture(scope="module")
def real(real_data, tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("real") / "out", data_dir=real_data).results


@dataclass(frozen=True)
class _Side:
    """Signals without features."""

    signals: Any
    about: Any

    @property
    def prints(self):
        return fingerprint(self.signals)

    def windows(self, network):
        return self.signals


@pytest.fixture(scope="module")
def muse(real_data):
    """Real EEG of three people, two recordings per class."""
    return load_dataset("muse-mental-state", data_dir=real_data, download=False, subjects=["a", "b", "d"])


def _cut(recordings):
    return cut_windows(recordings, length=1.0, step=1.0)


def _frame(windows, *, split="subject", other=None, arms=("scratch", "transferred"), **changes):
    settings: dict[str, Any] = {"folds": 2} if split != "subject" else {}
    raw = {
        "eeg": {"data": "muse-mental-state"},
        "emg": {"data": "simulated"},
        "features": "statistical",
        "arms": list(arms),
        "split": {"by": split, **settings},
        "directions": ["emg->eeg"],
        **changes,
    }
    far = cut_windows(simulate_emg(n_subjects=1), length=1.0, step=1.0)
    sides = {
        "eeg": _Side(windows, {"dataset": "muse-mental-state", "simulated": False}),
        "emg": _Side(far, {"dataset": "simulated", "simulated": True}),
    }
    if other is not None:
        sides["same_modality eeg"] = _Side(other, {"dataset": "own", "simulated": False})
    splits = {("eeg", split, "mlp"): make_splits(windows, split, **settings)}
    return SimpleNamespace(recipe=load_recipe(raw), sides=sides, splits=splits, labelled={})


def _renamed(recording, subject, run="copy"):
    return replace(recording, subject=subject, run=run, dataset="copies")


def _shifted(recording, subject):
    """The same signal from 3.7 s on, under another name, one sample in fifty moved by its last digit."""
    raw = recording.raw.copy().crop(tmin=3.7)
    data = raw.get_data()
    data[:, ::50] += 1e-9
    raw._data[:] = data
    return replace(_renamed(recording, subject), raw=raw, timestamps=None)


def _guard_faults(muse):
    windows = _cut(muse)
    yield "leaking_split", _frame(windows, split="shuffled_windows"), "error"
    yield "label_is_recording", _frame(windows, split="block"), "error"
    copied = replace(_shifted(muse[0], "e"), dataset=muse[0].dataset)
    yield "shared_samples", _frame(_cut([*muse, copied])), "error"
    others = [_renamed(r, f"x{r.subject}", r.run) for r in muse if r.subject != "a"]
    yield "same_people", _frame(_cut(muse), other=_cut([*others[2:], _shifted(muse[0], "y")])), "error"
    arms = ["scratch", "transferred", {"name": "l2_sp", "label": "weak"},
            {"name": "l2_sp", "alpha": 0.5, "label": "strong"}]  # fmt: skip
    yield "unequal_tuning", _frame(windows, arms=arms), "error"


@pytest.fixture(scope="module")
def guard_faults(muse):
    return {name: (frame, severity) for name, frame, severity in _guard_faults(muse)}


@pytest.mark.parametrize("name", [n for n, entry in CHECKS.items() if entry.facts["before"]])
def test_a_guard_stops_its_fault_in_real_data_and_is_silent_without(name, muse, guard_faults):
    mine, others = ([r for r in muse if (r.subject == "d") == aside] for aside in (False, True))
    clean = _frame(_cut(mine), other=_cut([replace(r, dataset="own") for r in others]))
    assert CHECKS[name].function(clean) == []
    frame, severity = guard_faults[name]
    faults = CHECKS[name].function(frame)
    assert {fault.severity for fault in faults} == {severity}
    found = run_guards(frame)
    item = next(f for f in found if f["name"] == name)
    assert item["severity"] == "error"
    with pytest.raises(BiotransferError, match=rf"check {item['id']} {name}: .*accept: {{{name}"):
        refuse_errors([item])
    accepted = replace(frame.recipe, accept={name: "to see what it does"})
    item = next(
        f for f in run_guards(SimpleNamespace(**{**vars(frame), "recipe": accepted})) if f["name"] == name
    )
    refuse_errors([item])
    assert item["leads"]
    assert item["accepted"] == "to see what it does"
    row = {
        "target": "eeg",
        "protocol": frame.recipe["split"][0]["by"],
        "source": "emg",
        "sentence": "It helps.",
    }
    said = say_accepted([row], [item])[0]["sentence"]
    assert said.startswith("It helps. Made under an accepted error")
    assert "to see what it does" in said


def _real_faults(r, real_data):
    few = [{**v, "n_subjects": 4} for v in r.verdict_list]
    yield "too_few_people", replace(r, verdict_list=few), "warning"
    gained = [
        {**v, "difference": 0.03} if v["arm"] in ("redrawn", "transferred") else v for v in r.verdict_list
    ]
    yield "control_as_good", replace(r, verdict_list=gained), "warning"
    yield "missing_controls", replace(r, recipe={**r.recipe, "arms": r.recipe["arms"][:2]}), "warning"
    shuffled = r.sources[r.sources["source"] == "shuffled_labels"]
    yield (
        "source_at_chance",
        replace(r, sources=shuffled.assign(source="supervised", subjects="a, b, c, d")),
        "warning",
    )
    start = r.curves[r.curves["step"] == 0]
    yield "target_at_chance", replace(r, curves=start), "warning"
    scratch = r.ledger[r.ledger["arm"] == "scratch"]
    yield "little_carried", replace(r, ledger=scratch.assign(arm="transferred")), "warning"
    frozen = scratch.assign(arm="frozen_body", action="fresh")
    yield "frozen_with_fresh_stem", replace(r, ledger=frozen), "note"
    stem = "same name and shape; inputs put in the target's order of channels or features by name (A, B)"
    yield "inputs_of_weights", replace(r, ledger=r.ledger.assign(reason=stem)), "note"
    early = r.curves[r.curves["epoch"] <= 4]
    yield "still_rising", replace(r, curves=early), "warning"
    yield "data_defects", r, "warning"
    torn = [{**row, "n_seeds": 5, "seed_share": 0.8} for row in r.verdict_list]
    yield "luck_of_seeds", replace(r, verdict_list=torn), "warning"
    who = r.predictions["subject"].iloc[0]
    mine = (r.predictions["subject"] == who).to_numpy()
    moved = r.predictions.assign(
        y_pred=np.where(mine, (r.predictions["y_true"] + 1) % 4, r.predictions["y_pred"])
    )
    yield "people_who_stand_out", replace(r, predictions=moved), "warning"
    made = {name: {**side, "simulated": True} for name, side in r.data.items()}
    yield "simulated_data", replace(r, data=made), "note"
    yield (
        "inputs_without_meaning",
        replace(r, recipe={**r.recipe, "align": {"name": "pca", "k": 8}}),
        "warning",
    )
    fits = r.extras["fits"].assign(outside=3)
    yield "fitted_on_test_rows", replace(r, extras={**r.extras, "fits": fits}), "error"
    loss = (r.curves["metric"] == "log_loss") & (r.curves["step"] > 0)
    yield (
        "trainings_diverged",
        replace(r, curves=r.curves.assign(value=r.curves["value"] * (1 + 1e6 * loss))),
        "error",
    )
    other = {"machines": [{"cpu": name, "blas": ["openblas Haswell"]} for name in ("one", "another")]}
    yield "several_machines", replace(r, provenance={**r.provenance, **other}), "note"


@pytest.fixture(scope="module")
def hum(real_data, tmp_path_factory):
    """A study of the set in which mains hum carries the label."""
    recipe = {
        "title": "hum",
        "eeg": {"data": "muse-mental-state", "windows": {"length": 1.0, "step": 1.0}},
        "emg": {"data": "simulated", "n_subjects": 2},
        "directions": ["emg->eeg"],
        "features": "band_power",
        "align": "none",
        "network": {"name": "mlp", "hidden": [16]},
        "arms": ["scratch"],
        "train": {"epochs": 10},
        "seeds": 1,
    }
    return run_study(recipe, tmp_path_factory.mktemp("hum") / "out", data_dir=real_data).results


AFTER = [name for name, entry in CHECKS.items() if not entry.facts["before"]]


@pytest.mark.slow
@pytest.mark.parametrize("name", AFTER)
def test_a_finding_is_heard_in_real_results_and_silent_without_its_fault(name, real, hum, real_data):
    faults = {n: (results, severity) for n, results, severity in _real_faults(real, real_data)}
    faults |= dict.fromkeys(("mains_carries_label", "nuisance_carries_label"), (hum, "warning"))
    clean = real
    if name == "data_defects":
        found = group_findings(inspect_recordings(simulate_eeg(n_subjects=2, mains=None)))
        clean = replace(real, data={n: {**side, "findings": found} for n, side in real.data.items()})
    if name == "nuisance_carries_label":
        severity, message = CHECKS[name].function(real)
        assert severity == "note"
        assert message.startswith("What was learned may be effort: tested, tested on new people: the level")
        tables = {n: t[t["family"] != "pattern"] if "family" in t else t for n, t in real.extras.items()}
        clean = replace(real, extras=tables)
    if name == "luck_of_seeds":
        assert CHECKS[name].function(real)[0] == "warning"  # two seeds explore
        calm = [{**row, "n_seeds": 5, "seed_share": 0.2} for row in real.verdict_list]
        clean = replace(real, verdict_list=calm)
    if name == "control_as_good":
        low = [{**row, "difference": -1.0} if row["role"] == "control" else row for row in real.verdict_list]
        clean = replace(real, verdict_list=low)
    if name == "source_at_chance":
        assert CHECKS[name].function(real)[0] == "note"  # too few strangers to judge by
        clean = replace(real, sources=real.sources.assign(subjects="a, b, c, d"))
    if name == "too_few_people":
        many = [{**row, "n_subjects": 14} for row in real.verdict_list]
        clean = replace(real, verdict_list=many)
    assert CHECKS[name].function(clean)[0] == "ok"
    results, severity = faults[name]
    found, message = CHECKS[name].function(results)
    assert found == severity
    assert message.endswith(".")


def test_every_guard_has_its_fault_here(guard_faults):
    assert set(guard_faults) == set(CHECKS) - set(AFTER)
    assert set(guard_names()) == {*guard_faults, "fitted_on_test_rows"}


@pytest.mark.slow
def test_the_hum_of_the_muse_set_is_said_by_the_study_itself(hum):
    item = next(c for c in hum.checks if c["name"] == "mains_carries_label")
    assert item["severity"] == "warning"
    assert item["leads"]
    assert "the power at 50 and 100 Hz of 4 channels alone reaches" in item["message"]


def test_an_alignment_remembers_its_rows_and_test_rows_stop_the_training(muse):
    windows = _cut(muse)
    split = make_splits(windows, "subject")[0]
    source = windows.take(np.arange(50))
    good = fit_alignment(source, windows.take(split.train), "none")
    assert rows_fitted(good, windows, split) == {"fitted": len(split.train), "outside": 0}
    bad = fit_alignment(source, windows, "none")
    rows = rows_fitted(bad, windows, split)
    assert rows == {"fitted": len(windows), "outside": len(split.test)}
    with pytest.raises(BiotransferError, match=f"{len(split.test)} windows outside its training side"):
        refuse_test_rows(rows, split, "")
    refuse_test_rows(rows, split, "a reason of three words")
    assert isinstance(bad, Alignment)


def test_declared_people_are_the_same_whatever_their_signals(muse):
    a, others = [r for r in muse if r.subject == "a"], [r for r in muse if r.subject != "a"]
    windows = _cut(others)
    other = _cut([replace(r, dataset="own", subject="me") for r in a])
    arms = ["scratch", "same_modality"]
    extra = {"same_modality": {"eeg": {"data": "mental-arithmetic"}}}
    clean = _frame(windows, other=other, arms=arms, **extra)
    assert CHECKS["same_people"].function(clean) == []
    same = [["same_modality eeg/me", "eeg/b"]]
    found = CHECKS["same_people"].function(_frame(windows, other=other, arms=arms, same_people=same, **extra))
    assert "me (declared in same_people)" in found[0].message


def test_an_error_stops_the_study_and_an_accepted_one_is_printed(real_data, tmp_path):
    recipe = {
        "title": "shuffled",
        "eeg": {"data": "muse-mental-state", "subjects": ["a", "b"]},
        "emg": {"data": "simulated", "n_subjects": 2},
        "directions": ["emg->eeg"],
        "features": "band_power",
        "align": "none",
        "network": {"name": "mlp", "hidden": [4]},
        "arms": ["scratch", "redrawn"],
        "split": [{"by": "shuffled_windows", "folds": 2}, {"by": "subject"}],
        "train": {"epochs": 1},
        "seeds": 1,
        "nuisance": False,
    }
    out = tmp_path / "out"
    with pytest.raises(BiotransferError, match="C01 leaking_split"):
        run_study(recipe, out, data_dir=real_data)
    assert not (out / "trials").exists()
    reasons = {"leaking_split": "to show the habit", "label_is_recording": "it comes with the habit"}
    results = load_results(
        run_study({**recipe, "accept": reasons}, tmp_path / "other", data_dir=real_data).folder
    )
    for row in results.verdict_list:
        assert ("to show the habit" in row["sentence"]) == (row["protocol"] == "shuffled_windows")
    lead = [c["name"] for c in results.checks if c["leads"]]
    assert lead == ["leaking_split", "label_is_recording"]


@pytest.mark.slow
def test_findings_come_in_the_order_of_their_numbers(real, muse):
    found = run_checks(real, run_guards(_frame(_cut(muse))))
    assert [f["id"] for f in found] == [entry.facts["id"] for entry in CHECKS.values()]
    assert len({f["id"] for f in found}) == len(CHECKS)
