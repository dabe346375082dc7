"""Transferability scores as part of a study: the numbers of direct calls, on training rows, in the report."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.evidence.transferability import SCORES
from biotransfer.evidence.transferability.judging import score_transfer
from biotransfer.evidence.transferability.ranking import rank_agreement
from biotransfer.learning.networks import build_network
from biotransfer.learning.weights import load_weights
from biotransfer.pages.figures import plot_scores
from biotransfer.pages.figures.scores import score_agreement, score_gains
from biotransfer.pages.report.sections.scores import make_scores, verdict_on_scores
from biotransfer.results import SCORES as COLUMNS
from biotransfer.results import Direction
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare, run_study
from biotransfer.studies.running.tasks import lay_out
from biotransfer.studies.running.tasks import source as source_tasks
from biotransfer.transfer.align import fit_alignment
from biotransfer.transfer.pretrain.held_out import hold_out_people
from biotransfer.transfer.select import Selection

MADE = {"data": "simulated", "n_subjects": 3, "modality": "eeg", "classes": 2, "preprocess": "none"}
RECIPE = {
    "title": "scores",
    "sets": {
        "a": {**MADE, "seed": 1},
        "b": {**MADE, "seed": 2},
        "c": {**MADE, "seed": 3},
        "d": {**MADE, "seed": 4},
    },
    "directions": ["a->d", "b->d", "c->d", "d->d"],
    "features": "band_power",
    "align": {"name": "top_k", "k": 8},
    "network": {"name": "mlp", "hidden": [4]},
    "arms": ["scratch", "frozen_body", "transferred"],
    "split": {"by": "subject", "donors": 1},
    "train": {"epochs": 2},
    "seeds": 1,
    "scores": ["logme", "leep", "otdd"],
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("scores") / "out")


@pytest.fixture(scope="module")
def agreement(study):
    return score_agreement(study.results)


def test_a_study_scores_as_a_direct_call_does(study):
    table = study.results.extras["scores"]
    assert list(table.columns) == COLUMNS
    plan = prepare(load_recipe(RECIPE))
    source, target = plan.sides["a"].windows("mlp"), plan.sides["d"].windows("mlp")
    source = source.take(hold_out_people(source, 0.2).train)
    split = plan.splits["d", "subject", "mlp"][1]
    train = target.take(split.train)
    alignment = fit_alignment(source, train, {"name": "top_k", "k": 8})
    weights = load_weights(study.folder / "weights" / "a-to-d_mlp_supervised_seed0")
    expected = score_transfer(
        build_network({"name": "mlp", "hidden": [4]}, (8,), 2), weights.tensors,
        alignment.target.apply(train), alignment.source.apply(source),
        scores=RECIPE["scores"], permutations=19, max_windows=300, seed=0,
    )  # fmt: skip
    mine = table[(table["direction"] == "a->d") & (table["split"] == split.name)].reset_index(drop=True)
    assert mine["arm"].eq("transferred").all(), "one source serves both arms; fine-tuning stands for it"
    pd.testing.assert_frame_equal(mine[expected.columns], expected, check_dtype=False, rtol=1e-6)


def test_test_windows_do_not_reach_a_score(study):
    """Other labels and signals of the test person: the same scores."""
    plan = prepare(load_recipe(RECIPE))
    (entry,) = [
        e for e in lay_out(plan, ("analyses",)) if str(e.task.direction) == "a->d" and e.task.fold == 0
    ]
    weights = {
        ref: load_weights(study.folder / "weights" / "a-to-d_mlp_supervised_seed0")
        for trial in entry.trials
        for ref in trial.needs.values()
    }
    side = plan.sides["d"]
    test = plan.splits["d", "subject", "mlp"][0].test
    X, y = side.features.X.copy(), side.features.y.copy()
    X[test], y[test] = 100.0, 0
    other = replace(plan, sides={**plan.sides, "d": replace(side, features=replace(side.features, X=X, y=y))})
    tables = [
        entry.kind.run(p, entry.task, entry.trials, weights, "cpu").tables["scores"] for p in (plan, other)
    ]
    pd.testing.assert_frame_equal(*tables)
    assert tables[0]["value"].notna().all()


def test_gains_and_ranks_are_those_of_the_verdicts(study, agreement):
    gains = score_gains(study.results)
    verdicts = study.results.verdicts.query("arm == 'transferred'").set_index("direction")["difference"]
    assert len(gains) == 4 * 3
    np.testing.assert_array_equal(gains["gain"], verdicts[gains["direction"]])
    raw = study.results.extras["scores"]
    for name in RECIPE["scores"]:
        sign = 1 if SCORES[name].facts["larger_is_better"] else -1
        mine = gains[gains["score"] == name].set_index("direction")
        means = sign * raw[raw["score"] == name].groupby("direction")["value"].mean()
        np.testing.assert_allclose(mine["value"], means[mine.index])
        tau = rank_agreement(mine["value"].to_numpy(), mine["gain"].to_numpy(), n_resamples=1)["tau"]
        assert agreement.set_index("score").loc[name, "tau"] == pytest.approx(tau)


def test_every_transfer_is_a_point_of_the_figure(study, agreement):
    gains = score_gains(study.results)
    panels = [ax for ax in plot_scores(study.results, agreement).axes if ax.lines]
    assert len(panels) == 3
    for ax, name in zip(panels, RECIPE["scores"], strict=True):
        points = {
            str(line.get_gid()).split(":")[1]: line.get_data()
            for line in ax.lines
            if "score" in str(line.get_gid())
        }
        for row in gains[gains["score"] == name].itertuples():
            np.testing.assert_allclose(points[row.direction], [[row.value], [100 * row.gain]])


def test_the_report_says_whether_scores_foretell_gains(study, agreement):
    section = make_scores(study.results)
    assert section is not None
    said = verdict_on_scores(study.results, agreement.assign(p_holm=0.5))
    assert "nothing here shows that the scores foretell what helps" in said
    assert "over 4 transfers" in said
    good = verdict_on_scores(study.results, agreement.assign(p_holm=[0.01, 0.5, 0.5], tau=[0.9, 0.1, 0.1]))
    assert good.startswith("Of 3 scores, logme (τ = 0.90) ranks the sources of a target as training did")
    bad = verdict_on_scores(study.results, agreement.assign(p_holm=[0.5, 0.5, 0.01], tau=[0.9, 0.1, -0.8]))
    assert "otdd (τ = -0.80) ranks them the other way round" in bad
    blind = verdict_on_scores(study.results, agreement.assign(tau=np.nan))
    assert blind.startswith("No target has three sources")
    assert make_scores(replace(study.results, extras={})) is None
    with pytest.raises(BiotransferError, match="Add scores: true"):
        score_gains(replace(study.results, extras={}))


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["lep"], "Did you mean 'leep'"),
        (["cka"], "judges no source"),
        (["leep", "leep"], "once"),
        (3, "Expected true"),
    ],
)
def test_what_cannot_be_scored_is_said(given, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**RECIPE, "scores": given})


def test_true_stands_for_every_score_that_judges_a_source():
    every = load_recipe({**RECIPE, "scores": True})["scores"]
    assert every == [name for name in SCORES if name != "cka"]
    assert load_recipe({**RECIPE, "scores": False})["scores"] == []


def test_networks_that_cannot_take_the_targets_windows_are_scored_behind_a_fresh_stem(tmp_path):
    recipe = {
        "title": "fresh stem",
        "emg": {"data": "simulated", "n_subjects": 2, "classes": 2},
        "eeg": {"data": "simulated", "n_subjects": 2, "classes": 2},
        "directions": "emg->eeg",
        "network": {"name": "cnn_signal", "filters": [4, 4]},
        "arms": ["scratch", "transferred"],
        "train": {"epochs": 1},
        "seeds": 1,
        "scores": ["h_score", "leep", "otdd"],
    }
    table = run_study(recipe, tmp_path / "out").results.extras["scores"].set_index("score")
    assert table.loc["h_score", "value"].notna().all()
    assert table.loc["leep", "note"].eq("the source's head does not fit").all()
    assert table.loc["otdd", "note"].eq("no source windows").all()


CHOSEN = {
    "title": "chosen classes",
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 3},
    "directions": ["emg->eeg"],
    "features": "band_power",
    "align": {"name": "top_k", "k": 8},
    "network": {"name": "mlp", "hidden": [4]},
    "select": "separable_classes",
}


def test_a_source_is_scored_on_the_classes_that_it_learned(tmp_path):
    """The head has as many outputs as there are chosen classes, and the score sees only their windows."""
    recipe = {
        **CHOSEN,
        "arms": ["scratch", "transferred"],
        "train": {"epochs": 2},
        "seeds": 1,
        "scores": ["leep"],
    }
    study = run_study(recipe, tmp_path / "out")
    picked = study.results.extras["selection"].query("what == 'class' and chosen")["name"]
    plan = prepare(load_recipe(recipe))
    source, target = plan.sides["emg"].windows("mlp"), plan.sides["eeg"].windows("mlp")
    assert 2 <= len(picked) < len(source.classes)
    source = source.take(hold_out_people(source, 0.2).train)
    train = target.take(plan.splits["eeg", "subject", "mlp"][0].train)
    alignment = fit_alignment(source, train, {"name": "top_k", "k": 8})
    of_picked = np.isin(np.array(source.classes)[source.y], picked)
    weights = load_weights(study.folder / "weights" / "emg-to-eeg_mlp_supervised_seed0")
    aligned = alignment.source.apply(source).take(np.flatnonzero(of_picked))
    expected = score_transfer(
        build_network({"name": "mlp", "hidden": [4]}, (8,), len(picked)), weights.tensors,
        alignment.target.apply(train), aligned, scores=["leep"], permutations=19, max_windows=300, seed=0,
    )  # fmt: skip
    table = study.results.extras["scores"]
    assert table["value"].iloc[0] == pytest.approx(expected["value"].iloc[0])


def test_controls_of_chosen_classes_train_on_the_rows_of_the_source():
    recipe = {
        **CHOSEN,
        "arms": ["scratch", "transferred", "shuffled_source", "noise_source", "phase_source"],
        "seeds": 2,
    }
    plan = prepare(load_recipe(recipe))
    task = source_tasks.SourceTask(Direction("emg", "eeg"), "mlp", "", "supervised", "")
    windows = plan.sides["emg"].windows("mlp")
    picked = Selection(tuple(windows.subjects), tuple(windows.classes[:2]), True, pd.DataFrame())
    split = hold_out_people(windows, 0.2)
    expected, _ = picked.apply(windows, split)
    for kind in ("supervised", "shuffled_labels", "noise", "phase"):
        for seed in (0, 1, 2):
            asked = replace(task, kind=kind)
            made = source_tasks._source_windows(plan, asked, seed)
            chosen, inner = source_tasks._pick(plan, asked, picked, made, seed, split)
            assert list(chosen.metadata["uid"]) == list(expected.metadata["uid"])
            assert np.array_equal(np.sort(chosen.y), np.sort(expected.y))
            assert len(inner.train) == len(picked.apply(windows, split)[1].train)
            assert (kind in ("shuffled_labels", "noise")) == (not np.array_equal(chosen.y, expected.y))


def test_without_a_labelled_window_nothing_is_scored():
    few = {**RECIPE, "directions": ["a->d"], "align": {"name": "pca", "k": 4}, "split": "subject"}
    with pytest.raises(BiotransferError, match="a budget of 0 s leaves none"):
        load_recipe({**few, "budget": [0]})
    assert load_recipe({**few, "budget": [0, 2]})["scores"]
