"""A study of three sets and every direction between them, each set to itself included."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.pages import figures
from biotransfer.pages.report import methods_text
from biotransfer.pages.report.sections.matrix import make_matrix
from biotransfer.pages.report.text import gain
from biotransfer.signals.features import extract_features
from biotransfer.signals.simulate import simulate_eeg
from biotransfer.signals.splits import fingerprint
from biotransfer.signals.windows import cut_windows
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import lay_out, prepare, run_study
from biotransfer.studies.running.given import keep_given
from biotransfer.studies.running.tasks import SourceTask
from biotransfer.studies.running.tasks.source import _source_windows

MADE = {
    "data": "simulated",
    "n_subjects": 3,
    "classes": ["relaxed", "neutral"],
    "modality": "eeg",
    "preprocess": "none",
}
SETS = {
    "calm": {**MADE, "seed": 1},
    "busy": {**MADE, "seed": 2},
    "hand": {
        "data": "simulated",
        "modality": "emg",
        "n_subjects": 3,
        "classes": ["fist", "flexion"],
        "preprocess": "none",
    },
}
RECIPE = {
    "title": "three sets",
    "sets": SETS,
    "directions": "all",
    "features": "band_power",
    "align": {"name": "top_k", "k": 8},
    "network": {"name": "mlp", "hidden": [4]},
    "arms": ["scratch", "transferred", "permuted", "redrawn", "noise_source"],
    "split": {"by": "subject", "donors": 1},
    "train": {"epochs": 2},
    "seeds": 2,
}
EVERY = [f"{a}->{b}" for a in SETS for b in SETS]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("sides") / "out")


def test_no_person_of_the_target_is_in_its_source():
    plan = prepare(load_recipe(RECIPE))
    own = 0
    tasks = [entry.task for entry in lay_out(plan, ("sources",))]
    for task in tasks:
        assert isinstance(task, SourceTask)
        source, target = task.direction.source, task.direction.target
        people = set(_source_windows(plan, task, 0).metadata["subject"])
        if source != target and task.kind != "own_donors":
            assert task.fold is None
            assert people == set(plan.sides[source].signals.subjects)
            continue
        split = plan.split(task.direction, task.network, task.protocol, task.fold)
        subjects = plan.sides[target].windows(task.network).metadata["subject"].to_numpy()
        assert people == set(subjects[split.donors])
        assert not people & {*subjects[split.test], *subjects[split.train]}
        own += 1
    assert own == 3 * 3 * 2 + 6 * 3


@pytest.mark.parametrize("made", ["features", "signals", "given signals", "given features"])
def test_prints_of_a_side_are_those_of_its_windows(made):
    """They are made as recordings are cut, in float64 where features are; signals are stored in float32."""
    raw = {**RECIPE, "sets": {name: SETS[name] for name in ("calm", "busy")}, "directions": ["calm->busy"]}
    windows = cut_windows(simulate_eeg(n_subjects=6), length=1.0, step=0.5)
    given = None
    if made == "signals":
        raw |= {"features": None, "align": "none", "network": "EEGNet"}
    elif made == "given features":
        raw |= {"features": None, "arms": ["scratch", "transferred"]}
        windows = extract_features(windows, "band_power")
    if made.startswith("given"):
        first = windows.metadata["subject"].isin(windows.subjects[:3]).to_numpy()
        given = keep_given(None, {"calm": windows.take(first), "busy": windows.take(~first)})
    for side in prepare(load_recipe(raw, data=given)).sides.values():
        assert side.signals.is_signal == (made != "given features")
        wanted = fingerprint(side.signals) if side.signals.is_signal else []
        assert len(side.prints) == len(wanted)
        assert bool(wanted) == side.signals.is_signal
        for ours, theirs in zip(side.prints, wanted, strict=True):
            assert (ours.recording, ours.subject, ours.begin) == (
                theirs.recording, theirs.subject, theirs.begin,
            )  # fmt: skip
            np.testing.assert_array_equal(ours.values, theirs.values)


def test_every_direction_is_in_the_tables(study):
    r = study.results
    assert list(r.curves["direction"].unique()) == EVERY
    assert list(r.verdicts["direction"].unique()) == EVERY
    assert set(r.data) == set(SETS)
    per_direction = r.curves.groupby("direction")["split"].nunique()
    assert per_direction.to_dict() == dict.fromkeys(EVERY, 3)
    assert set(r.sources["direction"]) == set(EVERY)


def test_the_columns_of_the_matrix_share_their_baseline(study):
    """Whatever the source, scratch and the people tested are the same: the gains of a target compare."""
    scratch = study.results.curves.query("arm == 'scratch' and split_part == 'test'")
    keys = ["split", "subject", "seed", "step", "metric"]
    for target in SETS:
        mine = scratch[scratch["direction"].str.endswith(f"->{target}")]
        wide = mine.set_index([*keys, "direction"])["value"].unstack("direction")
        assert wide.shape[1] == len(SETS)
        assert wide.eq(wide.iloc[:, 0], axis=0).all(axis=None)


def test_directions_of_sets_read_well(study):
    text = methods_text(study.results)
    assert "other people's calm → calm" in text
    assert "kept aside fold by fold" in text
    assert "The hand was simulated" in text
    sentences = {(v["direction"], v["arm"]): v["sentence"] for v in study.results.verdict_list}
    assert sentences["hand->calm", "transferred"].startswith("Pretraining on hand changed calm balanced")
    assert sentences["busy->busy", "transferred"].startswith(
        "Pretraining on other people's busy changed busy"
    )


def test_the_heat_map_says_what_the_verdicts_say(study):
    verdicts = {(v["source"], v["target"], v["arm"]): v for v in study.results.verdict_list}
    figure = figures.plot_matrix(study.results, ["transferred", "redrawn"])
    panels = [ax for ax in figure.axes if ax.images]
    assert [ax.get_title(loc="left") for ax in panels] == ["transferred", "redrawn"]
    for ax, arm in zip(panels, ("transferred", "redrawn"), strict=True):
        texts = {str(t.get_gid() or ""): t.get_text() for t in ax.texts}
        shown = ax.images[0].get_array()
        for (i, source), (j, target) in itertools.product(enumerate(SETS), enumerate(SETS)):
            verdict = verdicts[source, target, arm]
            assert shown[i, j] == pytest.approx(100 * verdict["difference"])
            mark = {"positive": " ▲", "negative": " ▼", "equivalent": " ≈",
                    "not_assayable": " ○"}.get(verdict["verdict"], "")  # fmt: skip
            gain = f"{100 * verdict['difference']:+.1f}"
            assert texts[f"gain:{source}:{target}"] == gain + mark
            interval = f"{100 * verdict['ci_low']:.1f} to {100 * verdict['ci_high']:.1f}"
            assert interval in {t.get_text() for t in ax.texts}
        framed = {(round(p.get_x() + 0.48), round(p.get_y() + 0.47)) for p in ax.patches}
        assert framed == {(0, 0), (1, 1), (2, 2)}
    with pytest.raises(BiotransferError, match="frozen_body"):
        figures.plot_matrix(study.results, ["frozen_body"])


def test_a_direction_that_was_not_run_is_left_blank(study):
    kept = [v for v in study.results.verdict_list if v["direction"] != "hand->calm"]
    figure = figures.plot_matrix(replace(study.results, verdict_list=kept))
    ax = next(ax for ax in figure.axes if ax.images)
    assert ax.images[0].get_array().mask.tolist() == [[False] * 3, [False] * 3, [True, False, False]]
    assert "–" in {t.get_text() for t in ax.texts}


def test_the_section_averages_gains_by_kind_of_source(study):
    section = make_matrix(study.results)
    assert section is not None
    rows = {row[0]: row for row in section.blocks[2].content.rows}
    verdicts = study.results.verdicts.query("arm == 'permuted'").set_index("direction")["difference"]
    for name, directions in {
        "other people of the target's own set": ["calm->calm", "busy->busy", "hand->hand"],
        "another set of the target's modality": ["calm->busy", "busy->calm"],
        "EMG for EEG": ["hand->calm", "hand->busy"],
        "EEG for EMG": ["calm->hand", "busy->hand"],
    }.items():
        head = section.blocks[2].content.head
        assert rows[name][1] == str(len(directions))
        assert rows[name][head.index("permuted")] == gain(verdicts[directions].mean(), "balanced_accuracy")
    two = study.results.curves[study.results.curves["direction"].isin(EVERY[:2])]
    assert make_matrix(replace(study.results, curves=two)) is None


def test_two_sets_of_the_same_people_are_refused():
    same = {**RECIPE, "sets": {"a": MADE, "b": {**MADE, "shared": 0.2}}, "directions": ["a->b"]}
    with pytest.raises(BiotransferError, match=r"a->b has S1, S2, S3 of 'simulated' in both sets"):
        prepare(load_recipe(same))


def test_a_set_to_itself_keeps_people_aside():
    alone = {**RECIPE, "directions": ["calm->calm"]}
    for split in ({"by": "subject"}, [{"by": "subject", "donors": 1}, {"by": "block"}]):
        with pytest.raises(BiotransferError, match="calm->calm starts from other people of its own set"):
            load_recipe({**alone, "split": split})
    by_target = {**alone, "split": {"by": "subject"}, "same_modality": {"calm": {"people": 1}}}
    plan = prepare(load_recipe(by_target))
    splits = plan.splits["calm", "subject", "mlp"]
    subjects = plan.sides["calm"].windows("mlp").metadata["subject"].to_numpy()
    assert [len(set(subjects[s.donors])) for s in splits] == [1] * 3
    assert [len(set(subjects[s.train])) for s in splits] == [1] * 3


def test_smoke_runs_a_set_to_itself(tmp_path):
    study = run_study({**RECIPE, "directions": ["calm->calm"]}, tmp_path / "out", smoke=True)
    assert study.results.verdicts["n_subjects"].eq(3).all()
