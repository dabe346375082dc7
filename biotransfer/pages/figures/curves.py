"""Learning curves: where an arm starts before any update, and where it goes."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from ...errors import check
from ...evidence.metrics import CONDITION, hold_last_values
from ...evidence.reading import (
    Condition,
    arm_label,
    arms_of,
    baseline_arm,
    chance_level,
    compared_metric,
    condition_label,
    conditions_of,
    direction_label,
    is_share,
    metric_label,
    metric_limits,
    select,
)
from ...evidence.stats import mean_interval
from ...results import Results
from .style import (
    FAINT,
    MUTED,
    PAGE_WIDTH,
    arm_look,
    blank,
    clean,
    headline,
    new_figure,
    panel_grid,
    spread_labels,
    title,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL_HEIGHT = 3.7


def people_curves(
    results: Results, direction: str, *, metric: str | None = None, split_part: str = "test"
) -> pd.DataFrame:
    """Return one curve per person and arm: seeds and splits are averaged inside the person.

    Parameters
    ----------
    results : Results
        A study.
    direction : str
        Such as "emg->eeg".
    metric : str, optional
        A metric of the curves; the one the study compares when not given.
    split_part : {"test", "validation", "train"}
        Whose windows; the training part pools all people.

    Returns
    -------
    DataFrame
        Index (network, variant, protocol, arm, subject), one column per epoch; column 0 is before any
        update. Of several budgets of labels, the largest; a training that ended earlier holds its last
        values.

    Raises
    ------
    BiotransferError
        When the study holds no such rows.
    """
    results = results.at_largest_budget()
    metric = metric or compared_metric(results)
    conditions_of(results.curves, direction)
    table = results.curves
    kept = table[
        (table["direction"] == direction) & (table["metric"] == metric) & (table["split_part"] == split_part)
    ]
    check(
        len(kept),
        f"metric={metric!r}, split_part={split_part!r} has no rows in {direction!r}. There are metrics "
        f"{', '.join(table['metric'].unique())} and parts {', '.join(table['split_part'].unique())}.",
    )
    keys = [*CONDITION, "arm", "subject", "epoch"]
    kept = hold_last_values(kept)
    return kept.groupby(keys, sort=False, observed=True)["value"].mean().unstack("epoch").sort_index(axis=1)


def interval_over_people(values: np.ndarray, metric: str) -> tuple[np.ndarray, np.ndarray]:
    """Return the 95 % interval of the mean over people at every epoch, NaN where it cannot be estimated.

    Parameters
    ----------
    values : ndarray, shape (n_people, n_epochs), float64
        One row per person.
    metric : str
        Whose values they are.

    Returns
    -------
    low, high : ndarray, shape (n_epochs,), float64
        The interval's ends.
    """
    low, high = np.transpose([mean_interval(column, limits=metric_limits(metric)) for column in values.T])
    return low, high


def plot_learning_curves(
    results: Results, direction: str, *, metric: str | None = None, bands: tuple[str, ...] | None = None
) -> Figure:
    """Draw the mean curve over people of every arm, with step 0 marked.

    Parameters
    ----------
    results : Results
        A study.
    direction : str
        Such as "emg->eeg".
    metric : str, optional
        A metric of the curves; the one the study compares when not given.
    bands : tuple of str, optional
        Arms whose 95 % interval over people is shaded; the baseline and "transferred" when not given.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per network and split rule.

    Raises
    ------
    BiotransferError
        For an unknown direction or metric.
    """
    metric = metric or compared_metric(results)
    curves = people_curves(results, direction, metric=metric)
    conditions = conditions_of(results.curves, direction)
    bands = (baseline_arm(results), "transferred") if bands is None else bands
    label = metric_label(metric)
    chance = chance_level(results, direction, metric)
    heading = f"{direction_label(results.directions[direction])}: {label} on test windows"
    return _panels(curves, conditions, arms_of(results), bands, chance, metric, label, heading)


def plot_curve_gains(results: Results, direction: str, *, metric: str | None = None) -> Figure:
    """Draw how far every arm is ahead of the baseline after each pass.

    Parameters
    ----------
    results : Results
        A study.
    direction : str
        Such as "emg->eeg".
    metric : str, optional
        A metric of the curves; the one the study compares when not given.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per network and split rule: mean differences over people; the arm "transferred" (the first
        other arm where it was not run) with its 95 % interval.

    Raises
    ------
    BiotransferError
        For an unknown direction or metric, and where the baseline is alone.
    """
    metric = metric or compared_metric(results)
    base, conditions = baseline_arm(results), conditions_of(results.curves, direction)
    curves = people_curves(results, direction, metric=metric)
    levels = curves.index.get_level_values("arm")
    check(
        base in levels and (levels != base).any(),
        f"direction={direction!r} has no arm beside {base!r} to compare. Add arms to the recipe.",
    )
    scale = 100.0 if is_share(metric) else 1.0
    usual = curves[levels == base].droplevel("arm")
    others = curves[levels != base]
    ahead = scale * (others - usual.reindex(others.index.droplevel("arm")).to_numpy())
    arms = [arm for arm in arms_of(results) if arm in set(others.index.get_level_values("arm"))]
    bands = ("transferred",) if "transferred" in arms else (arms[0],)
    ahead_of = f"ahead of {arm_label(base)}"
    label = f"{ahead_of}, {'points of ' if is_share(metric) else ''}{metric_label(metric)}"
    heading = f"{direction_label(results.directions[direction])}: {ahead_of}"
    return _panels(ahead, conditions, arms, bands, 0.0, "difference", label, heading)


def _panels(
    curves: pd.DataFrame,
    conditions: Sequence[Condition],
    arms: list[str],
    bands: tuple[str, ...],
    level: float | None,
    metric: str,
    label: str,
    heading: str,
) -> Figure:
    """Draw one panel per condition; ``level`` is chance, or of a difference the line of none."""
    chance = None if metric == "difference" else level
    n_rows, n_columns = panel_grid(len(conditions), 2)
    figure = new_figure(PAGE_WIDTH if n_columns > 1 else 0.78 * PAGE_WIDTH, _PANEL_HEIGHT * n_rows + 0.1)
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True)
    means = curves.groupby(level=[*CONDITION, "arm"], sort=False).mean()
    low, high = axis_limits(means.to_numpy(), level, metric)
    for ax, condition in zip(axes.flat, conditions, strict=False):
        part = select(curves, **condition._asdict())
        ax.set_ylim(low, high)
        _draw_arms(ax, part, arms, bands, chance, metric)
        _draw_frame(ax, float(part.columns[-1]), chance, metric)
        if metric == "difference":
            ax.axhline(0, color=MUTED, linewidth=1.0, zorder=1)
        title(ax, condition_label(condition, conditions))
    blank(axes, len(conditions))
    for ax in axes[:, 0]:
        ax.set_ylabel(label, fontsize=9.5, color=MUTED, parse_math=False)
    headline(figure, heading)
    return figure


def axis_limits(means: np.ndarray, chance: float | None, metric: str) -> tuple[float, float]:
    """Axis limits with room for the bands and the chance line."""
    shown = [*means[np.isfinite(means)], *([chance] if chance is not None else [])]
    low, high = min(shown), max(shown)
    room = 0.12 * (high - low) or 0.05
    if is_share(metric):
        return max(low - room, 0.0), min(high + 1.5 * room, 1.0)
    return low - room, high + room


def _draw_arms(
    ax: Axes, part: pd.DataFrame, arms: list[str], bands: tuple[str, ...], chance: float | None, metric: str
) -> None:
    """Draw curves and their names; those with bands last, on top."""
    present = [a for a in arms if a in set(part.index.get_level_values("arm"))]
    means = {arm: select(part, arm=arm).to_numpy().mean(axis=0) for arm in present}
    x = part.columns.to_numpy(dtype=float)
    for arm in sorted(present, key=lambda a: a in bands):
        look, mean = arm_look(arm, arms), means[arm]
        strong = arm in bands
        if strong:
            band_low, band_high = interval_over_people(select(part, arm=arm).to_numpy(), metric)
            ax.fill_between(x, band_low, band_high, color=look.color, alpha=0.13, linewidth=0)
        ax.plot(
            x, mean, color=look.color, linestyle=look.dashes, linewidth=2.2 if strong else 1.3,
            label=arm_label(arm), gid=f"curve:{arm}", zorder=4 if strong else 3,
        )  # fmt: skip
        ax.plot(
            x[:1], mean[:1], look.marker, color=look.color, markerfacecolor="white", markersize=6,
            markeredgewidth=1.4, gid=f"step0:{arm}", zorder=5, clip_on=False,
        )  # fmt: skip
        ax.plot(x[1:], mean[1:], look.marker, color=look.color, markersize=3.2 if strong else 2.4, zorder=4)
    name_ends(ax, {arm: float(means[arm][-1]) for arm in present}, float(x[-1]), arms, bands, chance)


def name_ends(
    ax: Axes,
    ends: dict[str, float],
    last: float,
    arms: list[str],
    bands: tuple[str, ...],
    chance: float | None,
) -> None:
    """Write every curve's name beside its end, and "chance" beside its line."""
    low, high = ax.get_ylim()
    names = {arm: (arm_label(arm), arm_look(arm, arms).color, end) for arm, end in ends.items()}
    if chance is not None:
        names[""] = ("chance", MUTED, chance)
    places = spread_labels([end for _, _, end in names.values()], low, high, 72 * 2.75)
    for (arm, (name, color, end)), y in zip(names.items(), places, strict=True):
        ax.annotate(
            wrapped(name, 40), (last, end), xytext=(1.06, (y - low) / (high - low)), textcoords=ax.transAxes,
            fontsize=8.5, va="center", color=color, parse_math=False, annotation_clip=False,
            fontweight="bold" if arm in bands else "normal",
            arrowprops={"arrowstyle": "-", "color": color, "linewidth": 0.6, "shrinkA": 1, "shrinkB": 2,
                        "relpos": (0, 0.5)},
        )  # fmt: skip


def _draw_frame(ax: Axes, last: float, chance: float | None, metric: str) -> None:
    """Mark step 0 and chance, name the axes."""
    from matplotlib.ticker import FuncFormatter, MaxNLocator, PercentFormatter

    clean(ax)
    ax.axvline(0, color=FAINT, linewidth=1.0, zorder=1)
    if chance is not None:
        ax.axhline(chance, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)), zorder=2, gid="chance")
    ax.set_xlim(-0.02 * max(last, 1.0), max(last, 1.0))
    ax.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    ax.xaxis.set_major_formatter(FuncFormatter(lambda epoch, _: "step 0" if epoch == 0 else f"{epoch:g}"))
    ax.set_xlabel("passes over the training windows (epochs)", fontsize=9, color=MUTED)
    if is_share(metric):
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
