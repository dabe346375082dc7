"""One verdict at a glance: the gain, the gain over every control, and what the positive control gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...evidence.reading import arm_label, is_share, metric_label
from ...evidence.verdicts import contested
from ...results import Results
from .style import BAND, FAINT, INK, MUTED, VERDICT_COLORS, clean, most_lines, new_figure, wrapped

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_WIDTH, _LETTERS = 4.1, 21
"""Inches, and letters of a label in a line: on a phone the letters are still to be read."""


def plot_contest(results: Results, row: Mapping[str, Any]) -> Figure:
    """Draw what one verdict weighs.

    Parameters
    ----------
    results : Results
        A study.
    row : mapping
        One of its verdicts.

    Returns
    -------
    matplotlib.figure.Figure
        The arm over its baseline on top, over every control below, and hollow at the bottom what the
        positive control gains; lines are 95 % intervals over people, the band is the margin inside which a
        difference counts as none.
    """
    table = contested(results, row)
    scale = 100.0 if is_share(row["metric"]) else 1.0
    kinds = zip(table["kind"], table["over"], strict=True)
    labels = [
        "positive control" if kind == "positive_control" else wrapped(f"over {arm_label(over)}", _LETTERS)
        for kind, over in kinds
    ]
    height = 0.235 if most_lines(labels) == 1 else 0.05 + 0.145 * most_lines(labels)
    figure = new_figure(_WIDTH, height * len(table) + 0.72)
    ax = figure.subplots()
    margin = row["margin"] * scale
    ax.axvspan(-margin, margin, color=BAND, zorder=0, gid="margin")
    ax.axvline(0, color=MUTED, linewidth=1.0, zorder=1)
    own = VERDICT_COLORS.get(row["verdict"], MUTED)
    for y, item in enumerate(table.to_dict("records")):
        main, vouches = item["kind"] == "gain", item["kind"] == "positive_control"
        color = own if main else INK if vouches else MUTED
        if item["ci_low"] is not None and item["ci_low"] == item["ci_low"]:
            ends = [item["ci_low"] * scale, item["ci_high"] * scale]
            ax.plot(ends, [y, y], color=color, linewidth=3.0 if main else 1.6, solid_capstyle="butt",
                    gid=f"interval:{item['kind']}:{item['over']}")  # fmt: skip
        ax.plot(
            item["difference"] * scale, y, "D" if vouches else "o", color=color, zorder=4,
            markersize=9 if main else 6, markerfacecolor="white" if vouches else color,
            markeredgecolor=color if vouches else "white", gid=f"{item['kind']}:{item['over']}",
        )  # fmt: skip
        value = f"{item['difference'] * scale:+.1f}".replace("-", "\u2212")
        ax.text(1.02, y, value, transform=ax.get_yaxis_transform(), fontsize=9.5 if main else 9,
                va="center", color=color, fontweight="bold" if main else "normal")  # fmt: skip
    if table["kind"].iloc[-1] == "positive_control":
        ax.axhline(len(table) - 1.5, color=FAINT, linewidth=0.8, linestyle=(0, (1, 2)))
    clean(ax, grid="x")
    ax.set_yticks(range(len(labels)), labels, color=INK, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.set_ylim(len(labels) - 0.4, -0.6)
    left, right = ax.get_xlim()
    ax.set_xlim(min(left, -1.6 * margin), max(right, 1.6 * margin))
    unit = "points of " if is_share(row["metric"]) else ""
    ax.set_xlabel(f"difference, {unit}{metric_label(row['metric'])}", fontsize=9, color=MUTED,
                  parse_math=False)  # fmt: skip
    return figure
