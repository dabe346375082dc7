"""Who gains what: paired people, gains with their intervals, and which classes are confused."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ...errors import check
from ...evidence import metrics
from ...evidence.metrics import CONDITION
from ...evidence.reading import (
    Condition,
    arm_label,
    arms_of,
    baseline_arm,
    chance_level,
    compared_measure,
    compared_metric,
    condition_label,
    conditions_of,
    direction_label,
    is_share,
    measure_label,
    metric_label,
    outcome_label,
    people_measures,
    rows_of,
    select,
    target_of,
)
from ...results import Results
from .style import (
    BAND,
    FAINT,
    INK,
    MUTED,
    PAGE_WIDTH,
    VERDICT_COLORS,
    arm_look,
    blank,
    clean,
    headline,
    new_figure,
    panel_grid,
    shorten,
    spread_labels,
    title,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_NAMES = 16


def plot_subjects(
    results: Results,
    direction: str,
    *,
    arms: tuple[str, str] | None = None,
    metric: str | None = None,
) -> Figure:
    """Draw every person's level with the baseline and with the transferred arm, joined by a line.

    Parameters
    ----------
    results : Results
        A study.
    direction : str
        Such as "emg->eeg".
    arms : tuple of two str, optional
        From which arm to which; the baseline and "transferred" when not given.
    metric : str, optional
        A metric of the curves; the one the study compares when not given.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per network and split rule; levels are the measure the study compares, seeds
        averaged.

    Raises
    ------
    BiotransferError
        For an unknown direction, metric or arm.
    """
    metric = metric or compared_metric(results)
    first, second = arms or (baseline_arm(results), "transferred")
    measure = compared_measure(results)
    conditions = conditions_of(results.curves, direction)
    measures = people_measures(results, metric)
    measures = measures[measures["direction"] == direction]
    levels = measures.set_index([*CONDITION, "subject", "arm"])[measure].unstack("arm")
    for arm in (first, second):
        check(
            arm in levels, f"arms={arm!r} was not run in {direction!r}. It has {', '.join(map(str, levels))}."
        )
    n_rows, n_columns = panel_grid(len(conditions), 4)
    figure = new_figure(max(2.6 * n_columns, 4.6), 3.8 * n_rows + 0.3)
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True)
    pairs = levels[[first, second]].dropna()
    chance = chance_level(results, direction, metric)
    low, high = float(pairs.to_numpy().min()), float(pairs.to_numpy().max())
    if chance is not None:
        low = min(low, chance)
    room = 0.06 * (high - low) or 0.05
    for ax, condition in zip(axes.flat, conditions, strict=False):
        ax.set_ylim(low - room, high + room)
        _draw_pairs(ax, select(pairs, **condition._asdict()), second, arms_of(results))
        clean(ax)
        if chance is not None:
            ax.axhline(chance, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)), zorder=1)
        ax.set_xlim(-0.15, 1.15)
        labels = [wrapped(arm_label(a), 16) for a in (first, second)]
        ax.set_xticks([0, 1], labels, fontsize=9, color=INK, parse_math=False)
        if is_share(metric):
            from matplotlib.ticker import PercentFormatter

            ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        title(ax, condition_label(condition, conditions).replace(" · ", "\n"))
    blank(axes, len(conditions))
    for ax in axes[:, 0]:
        ax.set_ylabel(metric_label(metric), fontsize=9.5, color=MUTED, parse_math=False)
    headline(
        figure, f"{direction_label(results.directions[direction])}: every person, {measure_label(measure)}"
    )
    return figure


def _draw_pairs(ax: Axes, pairs: pd.DataFrame, arm: str, arms: Sequence[str]) -> None:
    """One line per person, colored by the sign of the change, and the mean on top."""
    color = arm_look(arm, arms).color
    before, after = pairs.iloc[:, 0].to_numpy(), pairs.iloc[:, 1].to_numpy()
    for name, a, b in zip(pairs.index, before, after, strict=True):
        ax.plot(
            [0, 1], [a, b], "o-", color=color if b > a else MUTED, linewidth=1.1, markersize=4, alpha=0.75,
            gid=f"person:{name}",
        )  # fmt: skip
    ax.plot(
        [0, 1],
        [before.mean(), after.mean()],
        "o-",
        color=INK,
        linewidth=3,
        markersize=7,
        gid="mean",
        zorder=5,
    )
    if len(pairs) <= _MOST_NAMES:
        low, high = ax.get_ylim()
        for name, b, y in zip(pairs.index, after, spread_labels(after, low, high, 72 * 2.8), strict=True):
            ax.annotate(
                shorten(name, 12), (1, b), xytext=(1.02, (y - low) / (high - low)), textcoords=ax.transAxes,
                fontsize=8, color=MUTED, va="center", annotation_clip=False, parse_math=False,
                arrowprops={"arrowstyle": "-", "color": FAINT, "linewidth": 0.5, "shrinkA": 0, "shrinkB": 4,
                            "relpos": (0, 0.5)},
            )  # fmt: skip


def plot_gains(results: Results, direction: str) -> Figure:
    """Draw every comparison's difference with its interval and the margin that counts as equivalent.

    Parameters
    ----------
    results : Results
        A study with verdicts.
    direction : str
        Such as "emg->eeg".

    Returns
    -------
    matplotlib.figure.Figure
        One panel per network and split rule.

    Raises
    ------
    BiotransferError
        When the direction has no verdict.
    """
    verdicts = results.at_largest_budget().verdicts
    check(
        len(verdicts),
        "the study holds no verdicts: it needs scratch and another arm. Add arms to the recipe.",
    )
    conditions = conditions_of(verdicts, direction)
    metric = str(verdicts["metric"].iloc[0])
    panels = []
    for condition in conditions:
        part = rows_of(verdicts, direction=direction, **condition._asdict())
        later = (part["against"] != baseline_arm(results)).to_numpy()
        panels.append(part.iloc[np.argsort(later, kind="stable")])
    n_rows, n_columns = panel_grid(len(panels), 2)
    tallest = max(len(p) for p in panels)
    figure = new_figure(
        PAGE_WIDTH if n_columns > 1 else 0.85 * PAGE_WIDTH, n_rows * (0.25 * tallest + 0.9) + 0.3
    )
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharex=True)
    several = verdicts["against"].nunique() > 1
    scale = 100.0 if is_share(metric) else 1.0
    for ax, condition, part in zip(axes.flat, conditions, panels, strict=False):
        _draw_forest(ax, part, arms_of(results), scale, several)
        title(ax, condition_label(condition, conditions))
        unit = "points of " if is_share(metric) else ""
        ax.set_xlabel(f"difference, {unit}{metric_label(metric)}", fontsize=9, color=MUTED, parse_math=False)
    blank(axes, len(panels))
    headline(
        figure, f"{direction_label(results.directions[direction])}: gains with 95 % intervals over people"
    )
    return figure


def _draw_forest(ax: Axes, part: pd.DataFrame, arms: Sequence[str], scale: float, several: bool) -> None:
    margin = float(part["margin"].iloc[0]) * scale
    ax.axvspan(-margin, margin, color=BAND, zorder=0, gid="margin")
    ax.axvline(0, color=MUTED, linewidth=1.0, zorder=1)
    labels = []
    split = int((part["against"] == part["against"].iloc[0]).sum())
    if several:
        ax.axhline(split - 0.5, color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
    for row, item in enumerate(part.to_dict("records")):
        color = arm_look(item["arm"], arms).color
        low, high = item["ci_low"], item["ci_high"]
        if low is not None and high is not None and np.isfinite([low, high]).all():
            ax.plot(
                [low * scale, high * scale], [row, row], color=color, linewidth=2.0, solid_capstyle="butt"
            )
        ax.plot(
            item["difference"] * scale, row, arm_look(item["arm"], arms).marker, color=color, markersize=6.5,
            markeredgecolor="white", markeredgewidth=0.5, zorder=4,
            gid=f"gain:{item['arm']}:{item['against']}",
        )  # fmt: skip
        ax.text(
            1.02, row, wrapped(outcome_label(item), 30), transform=ax.get_yaxis_transform(), fontsize=8.5,
            va="center",
            color=VERDICT_COLORS.get(item["verdict"], INK), fontweight="bold" if item["verdict"] in
            ("positive", "negative") else "normal",
        )  # fmt: skip
        arm, other = (arm_label(item[k]) for k in ("arm", "against"))
        labels.append(wrapped(f"{arm} − {other}" if several else arm, 50))
    clean(ax, grid="x")
    ax.set_yticks(range(len(labels)), labels, color=INK, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(labels) - 0.4, -0.6)


def confusion(results: Results, direction: str, condition: Condition, arm: str) -> np.ndarray:
    """Return which class is taken for which, rows adding up to 1, averaged over people.

    Parameters
    ----------
    results : Results
        A study.
    direction, arm : str
        Which training.
    condition : Condition
        Its network, way to transfer and split rule.

    Returns
    -------
    ndarray, shape (n_classes, n_classes), float64
        Row: the true class. Each person counts once in the rows of the classes that this person has;
        a class without any test window is a row of NaN.
    """
    n = len(target_of(results, direction)["classes"])
    table = results.at_largest_budget().predictions
    kept = rows_of(table, direction=direction, **condition._asdict(), arm=arm)
    people = []
    for _, part in kept.groupby("subject", observed=True):
        counts = metrics.confusion(part["y_true"].to_numpy(), part["y_pred"].to_numpy(), n).astype(float)
        totals = counts.sum(axis=1, keepdims=True)
        people.append(np.divide(counts, totals, out=np.full_like(counts, np.nan), where=totals > 0))
    if not people:
        return np.full((n, n), np.nan)
    stack = np.stack(people)
    present = np.isfinite(stack)
    number = present.sum(axis=0)
    return np.divide(
        np.where(present, stack, 0).sum(axis=0), number, out=np.full((n, n), np.nan), where=number > 0
    )


def plot_confusion(results: Results, direction: str, *, arms: Sequence[str] | None = None) -> Figure:
    """Draw confusion matrices after the last update.

    Parameters
    ----------
    results : Results
        A study.
    direction : str
        Such as "emg->eeg".
    arms : sequence of str, optional
        Which arms; the baseline and "transferred" (where they were run) when not given.

    Returns
    -------
    matplotlib.figure.Figure
        One row of panels per network and split rule, one panel per arm.

    Raises
    ------
    BiotransferError
        For an unknown direction.
    """
    conditions = conditions_of(results.curves, direction)
    names = [str(c) for c in target_of(results, direction)["classes"]]
    run = arms_of(results)
    arms = [a for a in (baseline_arm(results), "transferred") if a in run] if arms is None else list(arms)
    arms = arms or run[:1]
    pairs = [(c, a) for c in conditions for a in arms]
    columns = len(arms) * (2 if len(arms) * len(conditions) > 2 and len(names) <= 6 and len(arms) <= 2 else 1)
    n_rows, n_columns = panel_grid(len(pairs), columns)
    lines = 1 if len(conditions) == 1 else 1 + condition_label(conditions[0], conditions).count("·") + 1
    side = min(max(1.0 + 0.33 * len(names), 1.9), PAGE_WIDTH / n_columns - 0.6)
    figure = new_figure(
        min((side + 0.35) * n_columns + 1.0, PAGE_WIDTH), n_rows * (side + 0.95 + 0.19 * lines) + 0.45
    )
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    for i, (ax, (condition, arm)) in enumerate(zip(axes.flat, pairs, strict=False)):
        _draw_matrix(ax, confusion(results, direction, condition, arm), names, labeled=i % n_columns == 0)
        where = condition_label(condition, conditions).split(" · ") if len(conditions) > 1 else []
        title(ax, "\n".join([wrapped(arm_label(arm)), *where]))
    blank(axes, len(pairs))
    headline(
        figure, f"{direction_label(results.directions[direction])}: true class (rows) taken for (columns), %"
    )
    return figure


def _draw_matrix(ax: Axes, matrix: np.ndarray, names: list[str], *, labeled: bool) -> None:
    colors: Any = "Blues"
    ax.imshow(np.ma.masked_invalid(matrix), cmap=colors, vmin=0, vmax=1, aspect="equal")
    size = 9 if len(names) <= 5 else 7.5 if len(names) <= 10 else 6
    for (i, j), value in np.ndenumerate(matrix):
        text = "–" if np.isnan(value) else f"{100 * value:.0f}"
        ax.text(j, i, text, ha="center", va="center", fontsize=size, color="white" if value > 0.62 else INK)
    short = [wrapped(arm_label(n), 14) for n in names]
    ax.set_xticks(range(len(names)), short, fontsize=8.5, rotation=40, ha="right", rotation_mode="anchor",
                  color=INK, parse_math=False)  # fmt: skip
    ax.set_yticks(range(len(names)), short if labeled else [""] * len(names), fontsize=8.5, color=INK,
                  parse_math=False)  # fmt: skip
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
