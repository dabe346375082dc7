"""What the figures draw, read back from their axes."""

from __future__ import annotations

import copy
from dataclasses import replace

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from matplotlib._pylab_helpers import Gcf
from matplotlib.colors import to_hex
from sklearn.metrics import confusion_matrix

from biotransfer.errors import BiotransferError
from biotransfer.evidence.reading import Condition, outcome_label
from biotransfer.evidence.stats import SHARES, mean_interval
from biotransfer.pages import figures
from biotransfer.pages.figures.carried import carried_shares, distinct_shares
from biotransfer.pages.figures.curves import interval_over_people, people_curves
from biotransfer.pages.figures.outcomes import confusion
from biotransfer.pages.figures.style import arm_look, headline, new_figure, spread_labels
from biotransfer.results import Results
from tests.factories import ARMS, make_results

MLP = Condition("mlp", "", "subject")
ALL = (
    (figures.plot_learning_curves, "emg->eeg"),
    (figures.plot_subjects, "eeg->emg"),
    (figures.plot_gains, "emg->eeg"),
    (figures.plot_confusion, "eeg->emg"),
    (figures.plot_ledger, "emg->eeg"),
    (figures.plot_signals, "emg"),
    (figures.plot_spectra, "eeg"),
)


@pytest.fixture(scope="module")
def results() -> Results:
    return make_results()


@pytest.fixture(scope="module")
def small() -> Results:
    return make_results(
        directions=["emg->eeg"],
        arms=["scratch", "transferred"],
        protocols=["subject"],
        n_subjects=3,
        n_epochs=2,
    )


def by_gid(ax, prefix: str) -> dict:
    found = {}
    for artist in [*ax.lines, *ax.patches, *ax.collections]:
        gid = str(artist.get_gid() or "")
        if gid.startswith(prefix):
            found[gid.removeprefix(prefix)] = artist
    return found


def person_mean(results: Results, direction: str, protocol: str, arm: str, epoch: int) -> float:
    """The curve's height, by loops: seeds and splits inside a person first, then people."""
    table = results.curves
    kept = table[
        (table["direction"] == direction) & (table["protocol"] == protocol) & (table["arm"] == arm)
        & (table["epoch"] == epoch) & (table["metric"] == "balanced_accuracy")
        & (table["split_part"] == "test")
    ]  # fmt: skip
    return float(np.mean([np.mean(kept.loc[kept["subject"] == s, "value"]) for s in set(kept["subject"])]))


@pytest.mark.parametrize("inches", [3.0, 4.6, 8.5])
def test_no_headline_leaves_its_figure(inches):
    figure = new_figure(inches, 3.0)
    headline(figure, "EMG \u2192 EEG: every person, mean of the last epochs, three at most, and so on")
    figure.draw_without_rendering()
    assert figure._suptitle.get_window_extent().x1 <= figure.bbox.x1


def test_learning_curves_start_before_any_update(results):
    figure = figures.plot_learning_curves(results, "emg->eeg")
    panels = [ax for ax in figure.axes if ax.lines]
    assert len(panels) == 2
    for ax, protocol in zip(panels, ["subject", "shuffled_windows"], strict=True):
        curves, starts = by_gid(ax, "curve:"), by_gid(ax, "step0:")
        assert set(curves) == set(starts) == set(ARMS)
        for arm in ARMS:
            x, y = curves[arm].get_data()
            np.testing.assert_array_equal(x, range(7))
            expected = [person_mean(results, "emg->eeg", protocol, arm, e) for e in range(7)]
            np.testing.assert_allclose(y, expected, rtol=1e-12)
            np.testing.assert_allclose(starts[arm].get_data(), [[0], [expected[0]]], rtol=1e-12)
            assert to_hex(starts[arm].get_markerfacecolor()) == "#ffffff"
        ticks = dict(zip(ax.get_xticks(), (label.get_text() for label in ax.get_xticklabels()), strict=True))
        assert ticks[0] == "step 0"
        assert ax.get_xlim()[0] < 0 < ax.get_xlim()[1]


def test_people_weigh_the_same_however_often_they_are_tested(small):
    table = small.curves
    one = table[(table["subject"] == "S1") & (table["split_part"] == "test")]
    more = pd.concat([table, *(one.assign(split=f"again {i}", value=one["value"] + 0.3) for i in range(2))])
    curves = people_curves(replace(small, curves=more), "emg->eeg")
    before = people_curves(small, "emg->eeg")
    wanted = before.copy()
    rows = wanted.index.get_level_values("subject") == "S1"
    wanted[rows] += 0.2
    pd.testing.assert_frame_equal(curves, wanted)


def test_bands_are_intervals_over_people(results):
    ax = figures.plot_learning_curves(results, "emg->eeg").axes[0]
    assert len(ax.collections) == 2
    part = people_curves(results, "emg->eeg").loc[("mlp", "", "subject", "scratch")].to_numpy()
    low, high = interval_over_people(part, "balanced_accuracy")
    for epoch in (0, 3, 6):
        assert (low[epoch], high[epoch]) == mean_interval(part[:, epoch], limits=SHARES)
    path = ax.collections[0].get_paths()[0].vertices
    for epoch in (0, 6):
        ends = path[np.isclose(path[:, 0], epoch), 1]
        assert np.isclose(ends.min(), low[epoch])
        assert np.isclose(ends.max(), high[epoch])


@pytest.mark.parametrize(("direction", "chance"), [("emg->eeg", 1 / 3), ("eeg->emg", 1 / 4)])
def test_chance_line_belongs_to_the_target(results, direction, chance):
    ax = figures.plot_learning_curves(results, direction).axes[0]
    assert np.allclose(by_gid(ax, "chance")[""].get_ydata(), chance)


def test_an_arm_has_one_color_everywhere(results):
    colors = [arm_look(arm).color for arm in ARMS]
    assert len(set(colors)) == len(ARMS)
    for direction in ("emg->eeg", "eeg->emg"):
        curves = by_gid(figures.plot_learning_curves(results, direction).axes[0], "curve:")
        gains = by_gid(figures.plot_gains(results, direction).axes[0], "gain:")
        for arm, color in zip(ARMS, colors, strict=True):
            assert curves[arm].get_color() == color
            if arm != "scratch":
                assert gains[f"{arm}:scratch"].get_color() == color
    others = [arm_look(name, ["scratch", "lora", "bss"]).color for name in ("lora", "bss")]
    assert len({*others, *colors}) == len(ARMS) + 2


def test_every_person_is_a_line_between_its_two_levels(results):
    ax = figures.plot_subjects(results, "eeg->emg").axes[0]
    lines = by_gid(ax, "person:")
    assert set(lines) == {"S1", "S2", "S3", "S4", "S5"}
    people = people_curves(results, "eeg->emg").xs(("mlp", "", "subject"))
    for person, line in lines.items():
        expected = [people.loc[(arm, person)].iloc[-3:].mean() for arm in ("scratch", "transferred")]
        np.testing.assert_allclose(line.get_ydata(), expected, rtol=1e-12)
    middle = by_gid(ax, "mean")[""].get_ydata()
    np.testing.assert_allclose(middle, np.mean([line.get_ydata() for line in lines.values()], axis=0))


def test_gains_show_the_stored_verdicts(results):
    figure = figures.plot_gains(results, "emg->eeg")
    ax = figure.axes[0]
    stored = [v for v in results.verdict_list if v["direction"] == "emg->eeg" and v["protocol"] == "subject"]
    points = by_gid(ax, "gain:")
    assert len(points) == len(stored) == 7
    intervals = sorted(tuple(line.get_xdata()) for line in ax.lines if len(line.get_xdata()) == 2)
    for v in stored:
        assert np.isclose(points[f"{v['arm']}:{v['against']}"].get_xdata()[0], 100 * v["difference"])
        assert (100 * v["ci_low"], 100 * v["ci_high"]) in intervals
    margin = by_gid(ax, "margin")[""].get_extents().transformed(ax.transData.inverted())
    np.testing.assert_allclose([margin.x0, margin.x1], [-2, 2])
    assert [t.get_text() for t in ax.texts] == [outcome_label(v) for v in stored]


def test_gains_without_interval_still_show_the_difference(results):
    bare = [{**v, "ci_low": None, "ci_high": None, "p": None} for v in results.verdict_list]
    ax = figures.plot_gains(replace(results, verdict_list=bare), "emg->eeg").axes[0]
    assert len(by_gid(ax, "gain:")) == 7


def test_comparisons_with_controls_follow_those_with_the_baseline(results):
    first = results.verdict_list[0]
    extra = [{**first, "against": "permuted", "difference": 0.5}]
    ax = figures.plot_gains(replace(results, verdict_list=extra + results.verdict_list), "emg->eeg").axes[0]
    labels = [label.get_text() for label in ax.get_yticklabels()]
    assert labels[-1] == "transferred − permuted"
    assert labels[0] == "transferred − scratch"


def test_confusion_counts_every_person_once(results):
    table = results.predictions
    kept = table[
        (table["direction"] == "emg->eeg")
        & (table["protocol"] == "subject")
        & (table["arm"] == "transferred")
    ]
    people = [
        confusion_matrix(part["y_true"], part["y_pred"], labels=[0, 1, 2], normalize="true")
        for _, part in kept.groupby("subject")
    ]
    found = confusion(results, "emg->eeg", MLP, "transferred")
    np.testing.assert_allclose(found, np.mean(people, axis=0))
    ax = next(
        a for a in figures.plot_confusion(results, "emg->eeg").axes if "transferred" in a.get_title("left")
    )
    assert [t.get_text() for t in ax.texts] == [f"{100 * v:.0f}" for v in found.ravel()]


def test_confusion_leaves_out_classes_a_person_lacks(small):
    table = small.predictions
    without = table[~((table["subject"] == "S1") & (table["y_true"] == 2))]
    found = confusion(replace(small, predictions=without), "emg->eeg", MLP, "scratch")
    others = table[table["subject"] != "S1"]
    np.testing.assert_allclose(
        found[2], confusion(replace(small, predictions=others), "emg->eeg", MLP, "scratch")[2]
    )
    np.testing.assert_allclose(found.sum(axis=1), 1)
    nobody = replace(small, predictions=table[table["y_true"] != 2])
    assert np.isnan(confusion(nobody, "emg->eeg", MLP, "scratch")[2]).all()
    texts = [t.get_text() for t in figures.plot_confusion(nobody, "emg->eeg").axes[0].texts]
    assert texts[-3:] == ["–"] * 3


def test_ledger_shares_add_up(results):
    shares = carried_shares(results, "emg->eeg")
    actions = ["copied", "adapted", "permuted", "redrawn", "fresh"]
    np.testing.assert_allclose(shares[actions].sum(axis=1), 1)
    row = shares.loc[("mlp", "", "subject", "frozen_body")]
    assert row["parameters"] == 8192 + 64 + 2048 + 32 + 96 + 3
    assert np.isclose(row["copied"], 1 - 99 / 10435)
    assert np.isclose(row["trained"], 1 - 2080 / 10435)
    assert shares.loc[("mlp", "", "subject", "scratch"), "fresh"] == 1
    ax = figures.plot_ledger(results, "emg->eeg").axes[0]
    widths = np.zeros(len(ARMS))
    for bars in ax.containers:
        widths += [bar.get_width() for bar in bars]
    np.testing.assert_allclose(widths, 1)
    assert [t.get_text() for t in ax.texts] == ["20 % frozen"]


def test_a_ledger_that_depends_on_the_split_gets_its_own_panel(results):
    assert len(distinct_shares(carried_shares(results, "emg->eeg"))) == 1
    ledger = results.ledger.copy()
    other = (ledger["protocol"] == "shuffled_windows") & (ledger["tensor"] == "stem.weight")
    ledger.loc[other, "action"] = "fresh"
    assert len(distinct_shares(carried_shares(replace(results, ledger=ledger), "emg->eeg"))) == 2


def test_signals_keep_shape_and_scale(results):
    data = copy.deepcopy(results.data)
    facts = data["eeg"]
    facts["excerpts"] = dict(reversed(facts["excerpts"].items()))
    figure = figures.plot_signals(replace(results, data=data), "eeg")
    assert [ax.get_title("left") for ax in figure.axes] == ["relaxed", "neutral", "concentrating"]
    for ax, name in zip(figure.axes, facts["classes"], strict=True):
        traces = [line for line in ax.lines if line.get_gid() != "scale"]
        for line, signal in zip(traces, facts["excerpts"][name]["signals"], strict=True):
            y = line.get_ydata()
            np.testing.assert_allclose(y - np.median(y), signal - np.median(signal), atol=1e-9)
    bar = next(line for line in figure.axes[-1].lines if line.get_gid() == "scale")
    label = next(t.get_text() for t in figure.axes[-1].texts if "µV" in t.get_text())
    assert np.isclose(np.ptp(bar.get_ydata()), float(label.removesuffix(" µV")))


def test_spectra_show_channels_or_their_mean(results):
    figure = figures.plot_spectra(results, "eeg")
    psd = results.data["eeg"]["psd"]
    assert [ax.get_title("left") for ax in figure.axes] == ["TP9", "AF7", "AF8", "TP10"]
    np.testing.assert_array_equal(figure.axes[2].lines[1].get_ydata(), psd["classes"]["neutral"][2])

    assert figure.axes[0].get_xlim() == (0, psd["freqs"][-1])
    data = copy.deepcopy(results.data)
    data["eeg"]["psd"]["classes"] = {
        c: [[x - 200 * (f > 60) for f, x in zip(psd["freqs"], level, strict=True)] for level in levels]
        for c, levels in psd["classes"].items()
    }
    filtered = figures.plot_spectra(replace(results, data=data), "eeg").axes[0]
    assert filtered.get_xlim() == (0, 60)

    data = copy.deepcopy(results.data)
    data["eeg"]["ch_names"] = [f"E{i}" for i in range(19)]
    levels = {c: np.arange(19)[:, None] + np.array(psd["freqs"]) for c in psd["classes"]}
    data["eeg"]["psd"]["classes"] = {c: v.tolist() for c, v in levels.items()}
    pooled = figures.plot_spectra(replace(results, data=data), "eeg")
    assert len(pooled.axes) == 1
    np.testing.assert_allclose(pooled.axes[0].lines[0].get_ydata(), levels["relaxed"].mean(axis=0))


def test_nothing_global_changes(results):
    watched = [name for name in mpl.rcParams if not name.startswith("backend")]
    before = [copy.deepcopy(mpl.rcParams[name]) for name in watched]
    for draw, what in ALL:
        draw(results, what)
    assert [mpl.rcParams[name] for name in watched] == before
    assert not Gcf.figs


@pytest.mark.parametrize(("draw", "what"), ALL, ids=lambda v: getattr(v, "__name__", v))
def test_unknown_names_get_the_nearest_one(results, draw, what):
    with pytest.raises(BiotransferError, match=f"Did you mean '{what}'"):
        draw(results, what + "g")


def test_a_metric_that_was_not_measured_is_refused(small):
    with pytest.raises(BiotransferError, match="balanced_accuracy"):
        figures.plot_learning_curves(small, "emg->eeg", metric="kappa")


def test_metrics_without_chance_can_be_drawn(small):
    table = small.curves.copy()
    table.loc[table["metric"] == "accuracy", "metric"] = "kappa"
    ax = figures.plot_learning_curves(replace(small, curves=table), "emg->eeg", metric="kappa").axes[0]
    assert not by_gid(ax, "chance")


def test_one_person_has_no_band():
    alone = make_results(
        directions=["emg->eeg"],
        arms=["scratch", "transferred"],
        protocols=["subject"],
        n_subjects=1,
        n_epochs=2,
    )
    figure = figures.plot_learning_curves(alone, "emg->eeg")
    assert len(by_gid(figure.axes[0], "curve:")) == 2
    assert len(by_gid(figures.plot_subjects(alone, "emg->eeg").axes[0], "person:")) == 1
    figure.canvas.draw()
    with pytest.raises(BiotransferError, match="no verdicts"):
        figures.plot_gains(alone, "emg->eeg")


def test_long_and_odd_names_fit():
    names = ["$\\alpha_x$ is no formula", "a_class_with_a_name_that_goes_on_and_on_and_on", "c"]
    odd = make_results(arms=["scratch", "transferred", "an_arm_from_the_future_with_a_long_name"],
                       protocols=["subject"], n_subjects=2, n_epochs=1, eeg_classes=names)  # fmt: skip
    for draw, what in ALL:
        figure = draw(odd, {"emg": "eeg"}.get(what, "emg->eeg" if "->" in what else what))
        figure.canvas.draw()


def test_many_classes_and_people_fit():
    many = make_results(
        directions=["eeg->emg"], arms=["scratch", "transferred"], protocols=["subject"], n_subjects=18,
        n_seeds=1, n_epochs=1, emg_classes=[f"gesture_{i}" for i in range(10)],
    )  # fmt: skip
    figure = figures.plot_confusion(many, "eeg->emg")
    figure.canvas.draw()
    boxes = [ax.get_window_extent() for ax in figure.axes]
    assert all(box.width > 100 for box in boxes)
    assert not figures.plot_subjects(many, "eeg->emg").axes[0].texts


@settings(max_examples=60, deadline=None)
@given(st.lists(st.floats(0, 1), min_size=1, max_size=9))
def test_labels_keep_order_and_distance(values):
    placed = spread_labels(values, 0.0, 1.0, 150.0)
    gap = 10.5 / 150
    assert placed.min() >= -1e-9
    assert placed.max() <= 1 + 1e-9
    order = np.argsort(values, kind="stable")
    assert np.all(np.diff(placed[order]) >= gap - 1e-9)


def test_labels_that_do_not_collide_stay():
    np.testing.assert_allclose(spread_labels([0.9, 0.1, 0.5], 0, 1, 150), [0.9, 0.1, 0.5])
