"""Calibration curves: how far every arm gets with so many labelled seconds, and what transfer gains there."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...errors import check
from ...evidence.metrics import CONDITION, calibration_curves
from ...evidence.reading import (
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
    metric_label,
    select,
)
from ...results import Results
from .curves import axis_limits, interval_over_people, name_ends
from .style import MUTED, PAGE_WIDTH, arm_look, blank, clean, headline, new_figure, panel_grid, title

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANEL_HEIGHT = 3.7


def people_levels(results: Results, direction: str, *, metric: str | None = None) -> pd.DataFrame:
    """Return every person's level with every budget: seeds and splits are averaged inside the person.

    Parameters
    ----------
    results : Results
        A study with two budgets of labels or more.
    direction : str
        Such as "emg->eeg".
    metric : str, optional
        A metric of the curves; the one the study compares when not given.

    Returns
    -------
    DataFrame
        Index (network, variant, protocol, arm, subject), one column per budget, in labelled seconds per
        class.

    Raises
    ------
    BiotransferError
        When the study has one budget, or no such direction.
    """
    conditions_of(results.curves, direction)
    check(
        len(results.budgets) > 1,
        f"the study has one budget of labels, {results.budgets[0]}. Expected several for a calibration "
        "curve. Set budget: [0, 1, 2, 5, 10].",
    )
    levels = calibration_curves(
        results.curves,
        against=baseline_arm(results),
        metric=metric or compared_metric(results),
        measure=compared_measure(results),
    )
    return select(levels, direction=direction)


def plot_calibration(
    results: Results, direction: str, *, metric: str | None = None, bands: tuple[str, ...] | None = None
) -> Figure:
    """Draw the mean level over people of every arm against labelled seconds.

    Parameters
    ----------
    results : Results
        A study with two budgets of labels or more.
    direction : str
        Such as "emg->eeg".
    metric : str, optional
        A metric of the curves; the one the study compares when not given.
    bands : tuple of str, optional
        Arms whose 95 % interval over people is shaded; the baseline and "transferred" when not given.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per network and split rule; seconds on a square-root scale.

    Raises
    ------
    BiotransferError
        For an unknown direction or metric, or a study with one budget.
    """
    metric = metric or compared_metric(results)
    levels = people_levels(results, direction, metric=metric)
    conditions = conditions_of(results.curves, direction)
    bands = (baseline_arm(results), "transferred") if bands is None else bands
    n_rows, n_columns = panel_grid(len(conditions), 2)
    figure = new_figure(PAGE_WIDTH if n_columns > 1 else 0.78 * PAGE_WIDTH, _PANEL_HEIGHT * n_rows + 0.1)
    axes = figure.subplots(n_rows, n_columns, squeeze=False, sharey=True)
    chance = chance_level(results, direction, metric)
    shown = [
        np.stack([values.to_numpy(float).mean(axis=0), *(interval if key[-1] in bands else ())])
        for key, values in levels.groupby(level=[*CONDITION, "arm"], sort=False)
        for interval in [interval_over_people(values.to_numpy(float), metric)]
    ]
    low, high = axis_limits(np.concatenate(shown), chance, metric)
    for ax, condition in zip(axes.flat, conditions, strict=False):
        part = select(levels, **condition._asdict())
        ax.set_ylim(low, high)
        _draw_frame(ax, part.columns.to_numpy(float), chance, metric)
        _draw_arms(ax, part, arms_of(results), bands, chance, metric)
        title(ax, condition_label(condition, conditions))
    blank(axes, len(conditions))
    for ax in axes[:, 0]:
        ax.set_ylabel(metric_label(metric), fontsize=9.5, color=MUTED, parse_math=False)
    headline(
        figure,
        f"{direction_label(results.directions[direction])}: {metric_label(metric)} by labels of the target",
    )
    return figure


def _draw_arms(
    ax: Axes, part: pd.DataFrame, arms: list[str], bands: tuple[str, ...], chance: float | None, metric: str
) -> None:
    """Draw every arm's mean, those with bands last, on top, and their names."""
    present = [a for a in arms if a in set(part.index.get_level_values("arm"))]
    x, ends = part.columns.to_numpy(float), {}
    for arm in sorted(present, key=lambda a: a in bands):
        values = select(part, arm=arm).to_numpy(float)
        look, mean, strong = arm_look(arm, arms), values.mean(axis=0), arm in bands
        if strong:
            low, high = interval_over_people(values, metric)
            ax.fill_between(x, low, high, color=look.color, alpha=0.13, linewidth=0, gid=f"band:{arm}")
        ax.plot(
            x, mean, look.marker, color=look.color, linestyle=look.dashes, linewidth=2.2 if strong else 1.3,
            markersize=5 if strong else 3.5, label=arm_label(arm), gid=f"calibration:{arm}",
            zorder=4 if strong else 3, clip_on=False,
        )  # fmt: skip
        ends[arm] = float(mean[-1])
    name_ends(ax, {arm: ends[arm] for arm in present}, float(x[-1]), arms, bands, chance)


def _draw_frame(ax: Axes, seconds: np.ndarray, chance: float | None, metric: str) -> None:
    """Scale and name the axes, mark chance."""
    from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator, PercentFormatter

    clean(ax)
    ax.set_xscale("function", functions=(lambda s: np.sqrt(np.maximum(s, 0.0)), np.square))
    ax.set_xlim(seconds[0], seconds[-1])
    ax.xaxis.set_major_locator(FixedLocator(seconds.tolist()))
    ax.xaxis.set_minor_locator(NullLocator())
    ax.xaxis.set_major_formatter(FuncFormatter(lambda s, _: "none" if s == 0 else f"{s:g}"))
    ax.set_xlabel("labelled seconds per class", fontsize=9, color=MUTED)
    if chance is not None:
        ax.axhline(chance, color=MUTED, linewidth=1.0, linestyle=(0, (2, 2)), zorder=2, gid="chance")
    if is_share(metric):
        ax.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
