"""Every source by every target: the gains as a heat map."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ...errors import check
from ...evidence.reading import (
    Condition,
    arm_label,
    baseline_arm,
    compared_metric,
    condition_label,
    conditions_of,
    data_label,
    is_share,
    metric_label,
    rows_of,
)
from ...results import Results
from .style import FAINT, INK, MUTED, PAGE_WIDTH, blank, headline, new_figure, panel_grid, title, wrapped

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.image import AxesImage

_MARKS = {"positive": "▲", "negative": "▼", "equivalent": "≈", "not_assayable": "○"}


def gain_matrix(results: Results, arm: str, condition: Condition) -> pd.DataFrame:
    """Return the verdicts on one arm, one row per source and one column per target.

    Parameters
    ----------
    results : Results
        A study with verdicts.
    arm : str
        Compared with the study's baseline.
    condition : Condition
        Network, way to transfer and split rule.

    Returns
    -------
    DataFrame
        Index source, columns (value, target) with the values ``difference``, ``ci_low``, ``ci_high`` and
        ``verdict`` of ``results.verdicts``; NaN where a direction was not run. Sources and targets stand in
        the order of the study's data.

    Raises
    ------
    BiotransferError
        When the arm was not compared.
    """
    table = results.at_largest_budget().verdicts
    kept = rows_of(table, arm=arm, **condition._asdict())
    check(
        len(kept),
        f"arm={arm!r} has no verdict for {condition_label(condition, [condition])}. The study compares "
        f"{', '.join(map(str, table['arm'].unique())) or 'nothing'}.",
    )
    wide = kept.pivot(index="source", columns="target", values=["difference", "ci_low", "ci_high", "verdict"])
    sources = [name for name in results.data if name in set(kept["source"])]
    targets = [name for name in results.data if name in set(kept["target"])]
    columns = pd.MultiIndex.from_product([["difference", "ci_low", "ci_high", "verdict"], targets])
    return wide.reindex(index=sources, columns=columns)


def plot_matrix(results: Results, arms: Sequence[str] = ("transferred",)) -> Figure:
    """Draw the gain of every source for every target, with its interval and verdict.

    Parameters
    ----------
    results : Results
        A study with verdicts.
    arms : sequence of str
        One panel for each, and for each network and split rule.

    Returns
    -------
    matplotlib.figure.Figure
        Rows are sources, columns targets. A cell says the difference, its 95 % interval and, by a mark, the
        verdict; a frame marks a set's own people as the source. All panels share one color scale.

    Raises
    ------
    BiotransferError
        When an arm was not compared.
    """
    conditions = conditions_of(results.verdicts)
    panels = [
        (condition, arm, gain_matrix(results, arm, condition)) for condition in conditions for arm in arms
    ]
    scale = 100.0 if is_share(compared_metric(results)) else 1.0
    largest = max(float(np.nanmax(np.abs(p["difference"].to_numpy(float)))) for *_, p in panels)
    limit = 1.25 * max(largest, float(results.verdicts["margin"].iloc[0]))
    n_sources, n_targets = panels[0][2].shape[0], panels[0][2].shape[1] // 4
    full = len(panels) <= 2
    n_rows, n_columns = panel_grid(len(panels), 2 if full else 3)
    width, height = (1.35, 0.62) if full else (0.72, 0.42)
    figure = new_figure(
        min(n_columns * (n_targets * width + 1.3) + 0.9, PAGE_WIDTH),
        n_rows * (n_sources * height + 1.05) + 0.4,
    )
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    drawn = list(axes.flat)
    for i, (condition, arm, table) in enumerate(panels):
        ax = drawn[i]
        image = _draw_cells(ax, table, limit, scale, full=full, labeled=i % n_columns == 0)
        where = condition_label(condition, conditions) if len(conditions) > 1 else ""
        title(ax, "\n".join(part for part in (wrapped(arm_label(arm), 24), where) if part))
    blank(axes, len(panels))
    bar = figure.colorbar(image, ax=drawn, shrink=0.85, aspect=22, pad=0.02)
    bar.outline.set_visible(False)
    bar.ax.tick_params(colors=MUTED, labelsize=8.5, length=2)
    unit = "points of " if is_share(compared_metric(results)) else ""
    headline(
        figure,
        f"Gain over {arm_label(baseline_arm(results))}, {unit}{metric_label(compared_metric(results))}",
    )
    return figure


def _draw_cells(
    ax: Axes, table: pd.DataFrame, limit: float, scale: float, *, full: bool, labeled: bool
) -> AxesImage:
    from matplotlib.patches import Rectangle

    gains = table["difference"].to_numpy(float)
    image = ax.imshow(
        np.ma.masked_invalid(gains * scale),
        cmap="RdBu",
        vmin=-limit * scale,
        vmax=limit * scale,
        aspect="auto",
    )
    sources, targets = list(table.index), list(table["difference"].columns)
    for (i, j), gain in np.ndenumerate(gains):
        if np.isnan(gain):
            ax.text(j, i, "–", ha="center", va="center", fontsize=9, color=FAINT)
            continue
        cell = {key: table[key].iloc[i, j] for key in ("ci_low", "ci_high", "verdict")}
        color = "white" if abs(gain) > 0.66 * limit else INK
        text = f"{gain * scale:+.1f} {_MARKS.get(str(cell['verdict']), '')}".rstrip()
        ax.text(
            j, i - (0.14 if full else 0), text, ha="center", va="center", fontsize=10 if full else 8.5,
            color=color, fontweight="bold", gid=f"gain:{sources[i]}:{targets[j]}",
        )  # fmt: skip
        if full:
            low, high = float(cell["ci_low"] or np.nan) * scale, float(cell["ci_high"] or np.nan) * scale
            inside = f"{low:.1f} to {high:.1f}" if np.isfinite([low, high]).all() else "not estimable"
            ax.text(j, i + 0.2, inside, ha="center", va="center", fontsize=8, color=color)
        if sources[i] == targets[j]:
            ax.add_patch(
                Rectangle((j - 0.48, i - 0.47), 0.96, 0.94, fill=False, edgecolor=INK, linewidth=1.4)
            )
    names = [wrapped(data_label(str(name)), 16) for name in targets]
    ax.set_xticks(range(len(names)), names, fontsize=9, color=INK, parse_math=False)
    names = [wrapped(data_label(str(name)), 16) for name in sources] if labeled else [""] * len(sources)
    ax.set_yticks(range(len(names)), names, fontsize=9, color=INK, parse_math=False)
    if labeled:
        ax.set_ylabel("source", fontsize=9, color=MUTED)
    ax.set_xlabel("target", fontsize=9, color=MUTED)
    ax.tick_params(length=0)
    for spine in ax.spines.values():
        spine.set_visible(False)
    return image
