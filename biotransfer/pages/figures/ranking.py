"""Ways to transfer in order of what they gain."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from ...evidence.reading import (
    arm_label,
    compared,
    compared_metric,
    direction_label,
    is_share,
    metric_label,
    outcome_label,
)
from ...results import Results
from .style import (
    BAND,
    CATEGORIES,
    INK,
    MUTED,
    PAGE_WIDTH,
    VERDICT_COLORS,
    clean,
    headline,
    new_figure,
    wrapped,
)

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure


def plot_ranking(ranking: pd.DataFrame, results: Results, direction: str) -> Figure:
    """Draw the gain of every transfer arm of one direction with its interval, and its best control's.

    Parameters
    ----------
    ranking : DataFrame
        See :func:`.rank_methods`.
    results : Results
        The study, for its metric and margin.
    direction : str
        Such as "emg->eeg".

    Returns
    -------
    matplotlib.figure.Figure
        One row per way and arm, colored by lever; a bar marks what the best control gains.
    """
    from matplotlib.lines import Line2D

    part = ranking[(ranking["direction"] == direction) & (ranking["role"] == "transfer")]
    scale = 100.0 if is_share(compared_metric(results)) else 1.0
    figure = new_figure(0.85 * PAGE_WIDTH, 0.23 * len(part) + 1.2)
    ax = figure.subplots()
    margin = compared(results).margin * scale
    ax.axvspan(-margin, margin, color=BAND, zorder=0)
    ax.axvline(0, color=MUTED, linewidth=1.0, zorder=1)
    levers = {name: CATEGORIES[i % len(CATEGORIES)] for i, name in enumerate(dict.fromkeys(part["lever"]))}
    labels = []
    for row, item in enumerate(part.to_dict("records")):
        color = levers[item["lever"]]
        if np.isfinite([item["ci_low"], item["ci_high"]]).all():
            ax.plot([item["ci_low"] * scale, item["ci_high"] * scale], [row, row], color=color, linewidth=1.8)
        ax.plot(item["gain"] * scale, row, "o", color=color, markersize=5.5, zorder=4)
        if np.isfinite(item["over_control"]):
            ax.plot(
                (item["gain"] - item["over_control"]) * scale, row, "|", color=INK, markersize=9, zorder=3
            )
        ax.text(
            1.02, row, outcome_label(item), transform=ax.get_yaxis_transform(), fontsize=8, va="center",
            color=VERDICT_COLORS.get(item["verdict"], INK),
        )  # fmt: skip
        labels.append(name_way(item))
    clean(ax, grid="x")
    ax.set_yticks(range(len(labels)), labels, color=INK, fontsize=8.5, parse_math=False)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    unit = "points of " if is_share(compared_metric(results)) else ""
    ax.set_xlabel(
        f"gain, {unit}{metric_label(compared_metric(results))}", fontsize=9, color=MUTED, parse_math=False
    )
    handles = [Line2D([], [], color=color, marker="o", label=name) for name, color in levers.items()]
    handles.append(Line2D([], [], color=INK, marker="|", linestyle="", label="best control"))
    figure.legend(handles=handles, loc="outside upper right", ncols=len(handles), fontsize=8, frameon=False)
    headline(figure, direction_label(results.directions[direction]))
    return figure


def name_way(item: dict) -> str:
    """Name an arm of one way to transfer."""
    arm = arm_label(str(item["arm"]))
    way = str(item["variant"])
    return wrapped(f"{way}: {arm}" if way else arm, 60)
