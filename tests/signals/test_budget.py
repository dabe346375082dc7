"""Budgets of labels: what they take, what they leave, and what a study makes of them."""

import itertools
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotransfer.errors import BiotransferError
from biotransfer.evidence.metrics import labelled_seconds, seconds_needed
from biotransfer.evidence.verdicts import compare
from biotransfer.learning.networks import build_network
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.pages import figures
from biotransfer.pages.report import methods_text
from biotransfer.pages.report import text as write
from biotransfer.pages.report.page import render
from biotransfer.pages.report.sections.calibration import calibration
from biotransfer.results import CURVES, load_results
from biotransfer.signals.splits import (
    Split,
    budget_label,
    budget_seconds,
    budget_splits,
    check_split,
    make_splits,
)
from biotransfer.studies.running import run_study
from biotransfer.transfer.carry import make_arms
from tests.builders import make_windows
from tests.factories import make_results

BUDGETS = [0, 1, 2, 3.5, 6]
RECIPE = {
    "title": "calibration",
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 3},
    "directions": ["emg->eeg"],
    "features": "statistical",
    "align": {"name": "pca", "k": 16},
    "network": {"name": "mlp", "hidden": [8, 6]},
    "arms": ["scratch", "transferred", "permuted"],
    "budget": {"seconds": [0, 2, 8], "epochs": 6},
    "train": {"epochs": 3, "batch_size": 16},
    "seeds": 2,
}


def _seconds_by_brute_force(windows, rows):
    """Count every tenth of a second once."""
    table = windows.metadata.iloc[rows]
    return 0.1 * len(
        {(r.recording, t) for r in table.itertuples() for t in range(round(r.start * 10), round(r.stop * 10))}
    )


@settings(max_examples=8, deadline=None)
@given(st.integers(2, 4), st.integers(2, 5), st.sampled_from([0.2, 0.5, 1.0]), st.integers(0, 3))
def test_what_every_budget_of_a_test_person_keeps(n_subjects, n_recordings, step, person):
    n_windows = 1 + round(6 / step)
    windows = make_windows(n_subjects=n_subjects, n_recordings=n_recordings, n_windows=n_windows, step=step)
    split = make_splits(windows, "subject")[person % n_subjects]
    made = budget_splits(windows, split, BUDGETS)
    recording = windows.metadata["recording"].to_numpy()
    who = windows.metadata["subject"].to_numpy()
    for seconds, item in zip(BUDGETS, made, strict=True):
        assert np.array_equal(item.test, made[0].test)
        assert set(item.test) < set(split.test)
        assert not set(recording[item.test]) & set(recording[item.seen])
        everything = np.concatenate([item.train, item.test, item.unlabelled])
        assert np.array_equal(np.sort(everything), np.sort(np.concatenate([split.train, split.test])))
        assert set(who[item.train]) <= set(who[split.test])
        for label in range(3):
            mine = item.train[windows.y[item.train] == label]
            known = _seconds_by_brute_force(windows, mine)
            assert seconds - max(step, 1e-9) < known + 1e-9 <= seconds + 1e-6 or seconds == known == 0
        if seconds:
            check_split(windows, item)
    for small, large in itertools.pairwise(made):
        assert set(small.train) < set(large.train)
        assert np.array_equal(small.fit_rows, large.fit_rows)


@pytest.mark.parametrize("by", ["subject", "subjects_out", "recording", "session", "sklearn"])
def test_what_every_budget_of_the_training_people_keeps(by):
    windows = make_windows(n_subjects=5, n_windows=13, n_sessions=2)
    for split in make_splits(windows, by)[:4]:
        made = budget_splits(windows, split, BUDGETS, labels_of="training_people")
        for seconds, item in zip(BUDGETS, made, strict=True):
            assert np.array_equal(item.test, split.test)
            everything = np.concatenate([item.train, item.unlabelled])
            assert np.array_equal(np.sort(everything), np.sort(split.train))
            assert item.apart == split.apart
            for label in range(3):
                known = _seconds_by_brute_force(windows, item.train[windows.y[item.train] == label])
                assert seconds - 1 < known <= seconds + 1e-6 or seconds == known == 0
        for small, large in itertools.pairwise(made):
            assert set(small.train) < set(large.train)
        people = windows.metadata["subject"].iloc[made[-1].train].nunique()
        assert people == min(6, windows.metadata["subject"].iloc[split.train].nunique())
        again = budget_splits(windows, split, BUDGETS, labels_of="training_people")
        assert [s.uid for s in again] == [s.uid for s in made]
    drawn = [budget_splits(windows, split, [2], labels_of="training_people", seed=s)[0] for s in range(6)]
    assert len({item.uid for item in drawn}) > 1


def test_the_other_people_may_be_labelled_training_data():
    windows = make_windows(n_windows=13)
    split = make_splits(windows, "subject", donors=1)[1]
    none, some = budget_splits(windows, split, [0, 2], others="labelled")
    assert np.array_equal(none.train, split.train)
    assert set(split.train) < set(some.train)
    assert set(windows.metadata["subject"].iloc[some.unlabelled]) == {"s1"}
    assert np.array_equal(some.donors, split.donors)


def test_calibration_comes_first_and_follows_the_days():
    windows = make_windows(n_subjects=2, n_sessions=2, n_recordings=12, n_windows=3)
    item = budget_splits(windows, make_splits(windows, "subject")[0], [20])[0]
    table = windows.metadata
    assert set(table["session"].iloc[item.train]) == {"1"}
    assert set(table["session"].iloc[item.test]) == {"2"}
    assert set(table["run"].iloc[item.train]) == {f"c{c}r{r}" for c in range(3) for r in range(10)}


@pytest.mark.parametrize(
    ("change", "budgets", "options", "message"),
    [
        ({}, [50], {}, "there are 7 s of class0 to label. Use budgets up to 7"),
        ({}, [0.5], {}, "a window of class0 sees 1 s"),
        ({}, [-1], {}, "Expected all, or labelled seconds per class"),
        ({}, [1], {"labels_of": "somebody"}, "labels_of"),
        ({}, [1], {"labels_of": "training_people", "others": "labelled"}, "goes with labels_of"),
        ({"n_recordings": 1}, [1], {}, "one recording of class0"),
    ],
)
def test_budgets_that_cannot_be_made(change, budgets, options, message):
    windows = make_windows(**{"n_windows": 13, **change})
    with pytest.raises(BiotransferError, match=message):
        budget_splits(windows, make_splits(windows, "subject")[0], budgets, **options)


def test_a_budget_of_the_test_person_needs_one_new_person():
    windows = make_windows(n_windows=13)
    for by, options in (("subject", {"folds": 2}), ("recording", {})):
        with pytest.raises(BiotransferError, match="one person per fold who is not in training"):
            budget_splits(windows, make_splits(windows, by, **options)[0], [1])
    with pytest.raises(BiotransferError, match="leaks"):
        budget_splits(windows, make_splits(windows, "shuffled_windows")[0], [1], labels_of="training_people")


def test_names_of_budgets():
    assert [budget_seconds(name) for name in ("0", "2.5", "all")] == [0, 2.5, np.inf]
    assert budget_label("2.5") == "2.5 s of labels per class"


def test_without_labels_curves_stand_where_training_would_have_begun():
    windows = make_windows()
    split = make_splits(windows, "subject")[0]
    network = build_network({"name": "mlp", "hidden": [5]}, windows.shape, 3)
    arms = make_arms(["scratch"], {}, network, 0) + make_arms(["scratch"], {}, network, 1)
    schedule = Schedule(epochs=3)
    trained = train(network, arms, windows, split, schedule)
    none = replace(split, train=split.train[:0], unlabelled=split.train)
    untrained = train(network, arms, windows, none, schedule)
    assert np.array_equal(untrained.epochs, trained.epochs)
    assert not untrained.steps.any()
    for point in range(4):
        assert np.array_equal(untrained.predicted[:, point], trained.predicted[:, 0])
        np.testing.assert_allclose(untrained.loss[:, point], trained.loss[:, 0], rtol=1e-5)
    np.testing.assert_allclose(untrained.probabilities.sum(-1), 1, rtol=1e-5)
    for arm, tensors in zip(arms, untrained.tensors, strict=True):
        assert all(np.array_equal(arm.tensors[name], value) for name, value in tensors.items())


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("budget") / "out")


def test_every_budget_is_a_condition_of_its_own(study):
    results = load_results(study.folder)
    assert results.budgets == ["0", "2", "8"]
    curves = results.curves
    assert set(curves["epoch"]) == set(range(7))
    counts = curves.groupby("budget").size()
    assert counts["2"] == counts["8"] > counts["0"]
    assert set(curves.loc[curves["budget"] == "0", "split_part"]) == {"test"}
    steps = curves.groupby("budget")["step"].max()
    assert steps["0"] == 0 < steps["2"] < steps["8"]
    assert [row["budget"] for row in results.verdict_list] == ["0", "0", "2", "2", "8", "8"]
    assert "(2 s of labels per class)" in results.verdict_list[2]["sentence"]
    tested = results.predictions.groupby("budget")["window_uid"].apply(set)
    assert tested["0"] == tested["2"] == tested["8"]
    half = results.at_budget("2")
    assert set(half.curves["budget"]) == set(half.predictions["budget"]) == {"2"}
    assert len(half.verdict_list) == 2
    assert results.at_largest_budget().budgets == ["8"]
    with pytest.raises(BiotransferError, match="budget='3'"):
        results.at_budget("3")


def test_without_labels_nothing_moves_in_a_study(study):
    curves = study.results.curves
    none = curves[(curves["budget"] == "0") & (curves["metric"] == "log_loss")]
    by = ["arm", "subject", "seed"]
    assert (none.groupby(by)["value"].nunique() == 1).all()


def test_a_study_of_all_labels_has_one_budget(tmp_path):
    recipe = {**RECIPE, "budget": "all", "arms": ["scratch", "transferred"], "seeds": 1}
    results = run_study(recipe, tmp_path / "out").results
    assert results.budgets == ["all"]
    assert results.at_largest_budget() is results
    assert "labels" not in results.verdict_list[0]["sentence"]


def _curves(levels, budgets):
    """Long curves from {arm: {person: level per budget}}."""
    rows = [
        ("emg->eeg", "mlp", "", "subject", budget, arm, f"subject={person}", person, 0, epoch, epoch, "test",
         "balanced_accuracy", 0.3 if epoch == 0 else level)
        for arm, people in levels.items()
        for person, values in people.items()
        for budget, level in zip(budgets, values, strict=True)
        for epoch in range(3)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=CURVES)


def test_labelled_seconds_saved_in_closed_form():
    levels = {
        "scratch": {"a": [0.3, 0.5, 0.7], "b": [0.4, 0.4, 0.6], "c": [0.5, 0.4, 0.4]},
        "transferred": {"a": [0.3, 0.7, 0.8], "b": [0.3, 0.3, 0.5], "c": [0.6, 0.6, 0.6]},
    }
    table = labelled_seconds(_curves(levels, ["0", "2", "10"])).set_index(["arm", "subject"])
    level = 0.3 + 0.95 * 0.4
    a = table.loc["transferred", "a"]
    assert a["level"] == pytest.approx(level)
    assert a["against_needed"] == pytest.approx(2 + 8 * (level - 0.5) / 0.2)
    assert a["needed"] == pytest.approx(2 * (level - 0.3) / 0.4)
    assert a["saved"] == pytest.approx(a["against_needed"] - a["needed"])
    assert not a["censored"]
    b = table.loc["transferred", "b"]
    assert b["censored"]
    assert b["needed"] == 10
    assert b["saved"] == pytest.approx(2 + 8 * 0.95 - 10)
    c = table.loc["transferred", "c"]
    assert np.isnan(c["saved"])
    assert not c["censored"]
    assert (table.loc["scratch", "saved"].dropna() == 0).all()
    with pytest.raises(BiotransferError, match="between two or more"):
        labelled_seconds(_curves({"scratch": {"a": [0.5], "b": [0.5]}}, ["all"]))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.floats(0, 1), min_size=2, max_size=6),
    st.floats(0.01, 0.99),
)
def test_the_seconds_needed_agree_with_a_fine_grid(values, level):
    seconds = np.cumsum([0.0, *np.arange(1, len(values))])
    found = float(seconds_needed(values, seconds, level))
    grid = np.union1d(np.linspace(0, seconds[-1], 20001), seconds)
    above = np.flatnonzero(np.interp(grid, seconds, values) >= level)
    if len(above):
        assert found == pytest.approx(grid[above[0]], abs=2 * seconds[-1] / 20000)
    elif not np.isnan(found):
        assert level == pytest.approx(max(values), abs=1e-3)


def test_a_split_of_unlabelled_rows_fits_on_both_sides_of_the_budget():
    rows = np.arange(6)
    split = Split("s", "r", rows[[4, 0]], rows[5:], unlabelled=rows[1:3])
    assert split.fit_rows.tolist() == [0, 1, 2, 4]
    assert replace(split, unlabelled=rows[:0]).fit_rows.tolist() == [4, 0]


@pytest.fixture(scope="module")
def several():
    """A study of three budgets, in which transfer gains with few labels and nothing with many."""
    one = make_results(arms=["scratch", "transferred", "permuted"], protocols=["subject"], n_epochs=3)
    parts = []
    for budget, lower in (("0", 0.2), ("2", 0.1), ("10", 0.0)):
        table = one.curves.assign(budget=budget)
        helped = (table["arm"] == "transferred") & (table["epoch"] > 0)
        parts.append(table.assign(value=table["value"] - lower * (1 - 0.6 * helped)))
    curves = pd.concat(parts, ignore_index=True)
    roles = {"scratch": "baseline", "transferred": "transfer", "permuted": "control"}
    budget = {"seconds": [0.0, 2.0, 10.0], "labels_of": "test_person", "others": "unlabelled", "epochs": None}
    return replace(
        one,
        curves=curves,
        predictions=pd.concat([one.predictions.assign(budget=b) for b in ("0", "2", "10")]),
        recipe={**one.recipe, "budget": budget},
        verdict_list=compare(curves, roles=roles),
    )


def test_the_section_says_what_the_tables_hold(several):
    section = calibration(several)
    assert section is not None
    tables = [block.content for block in section.blocks if block.kind == "table"]
    gains, saved = tables[:2]
    assert list(gains.head) == ["arm", "no labels", "2 s of labels", "10 s of labels"]
    verdicts = several.verdicts
    for row in gains.rows:
        mine = verdicts[(verdicts["direction"] == "emg->eeg") & (verdicts["arm"] == row[0])]
        for cell, d in zip(row[1:], mine["difference"], strict=True):
            assert cell.startswith(write.gain(d, "balanced_accuracy") + " (")
    table = labelled_seconds(several.curves)
    for row in saved.rows:
        mine = table[(table["direction"] == "emg->eeg") & (table["arm"] == row[0]) & table["level"].notna()]
        assert row[1] == f"{int((~mine['censored']).sum())} of {len(mine)}"
        assert row[2].removeprefix("≥ ") == f"{mine['needed'].mean():.1f}"
        assert row[2].startswith("≥") == mine["censored"].any()
        if row[0] == "transferred":
            assert row[3] == f"{mine['saved'].mean():+.1f}"
            assert mine["saved"].mean() > 1
    assert calibration(make_results(n_epochs=2)) is None


def test_calibration_curves_are_means_over_people(several):
    figure = figures.plot_calibration(several, "eeg->emg")
    lines = {str(line.get_gid()): line for line in figure.axes[0].lines}
    curves = several.curves
    last = curves[(curves["direction"] == "eeg->emg") & (curves["metric"] == "balanced_accuracy")]
    last = last[(last["split_part"] == "test") & (last["epoch"] > 0)]
    for arm in ("scratch", "transferred", "permuted"):
        line = lines[f"calibration:{arm}"]
        assert line.get_xdata().tolist() == [0, 2, 10]
        mine = last[last["arm"] == arm].groupby("budget")["value"].mean()
        np.testing.assert_allclose(line.get_ydata(), mine[["0", "2", "10"]])
    with pytest.raises(BiotransferError, match="has one budget of labels, 10"):
        figures.plot_calibration(several.at_largest_budget(), "eeg->emg")


def test_all_other_figures_and_tables_show_the_largest_budget(several):
    largest = several.at_budget("10")
    for draw in (figures.plot_learning_curves, figures.plot_gains, figures.plot_subjects):
        for one, other in zip(draw(several, "emg->eeg").axes, draw(largest, "emg->eeg").axes, strict=True):
            for a, b in zip(one.lines, other.lines, strict=True):
                np.testing.assert_array_equal(a.get_ydata(), b.get_ydata())
    page = render(several)
    assert "Labels of the target" in page
    assert "(2 s of labels per class)" in page
    assert "0, 2 and 10 s of distinct signal per class of each test person" in methods_text(several)
