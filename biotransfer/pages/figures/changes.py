"""What moved while the target was learned: layers, the line between solutions, and what answers rest on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ...errors import check
from ...evidence.reading import arm_label, arms_of, condition_label, conditions_of, direction_label, rows_of
from ...results import Results
from .style import INK, MUTED, PAGE_WIDTH, arm_look, clean, headline, new_figure, shorten, title

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_MOST_GROUPS = 8
_LAYERS = {"relative_distance": "distance from the start", "cka_initial": "CKA to the start"}


def plot_moved(results: Results, direction: str) -> Figure:
    """Draw what training on the target changed, arm by arm.

    Parameters
    ----------
    results : Results
        A study with ``moved: true``.
    direction : str
        Such as "emg->eeg".

    Returns
    -------
    matplotlib.figure.Figure
        One row per network and split rule: relative distance of every layer from its initial weights, CKA of
        its output before and after, loss on the line between two arms' solutions, and the share of the
        answers that rests on each group of features (folds and seeds averaged).

    Raises
    ------
    BiotransferError
        When the study did not look, or has no such direction.
    """
    check(
        "layers" in results.extras,
        "the study did not look at what moved. Add moved: true to the recipe and run it again.",
    )
    layers = results.extras["layers"]
    conditions = conditions_of(layers, direction)
    figure = new_figure(PAGE_WIDTH, 2.9 * len(conditions) + 0.7)
    axes = figure.subplots(len(conditions), 4, squeeze=False, width_ratios=[1, 1, 1, 1.1])
    for row, condition in zip(axes, conditions, strict=True):
        tables = {
            name: rows_of(results.extras[name], direction=direction, **condition._asdict())
            for name in ("layers", "barriers", "attributions")
        }
        for ax, (column, label) in zip(row[:2], _LAYERS.items(), strict=True):
            _draw_layers(ax, tables["layers"], column, arms_of(results))
            title(ax, label)
        _draw_lines(row[2], tables["barriers"], arms_of(results))
        title(row[2], "loss between solutions")
        _draw_groups(row[3], tables["attributions"], arms_of(results))
        title(row[3], "what answers rest on, %")
        if len(conditions) > 1:
            row[0].set_ylabel(condition_label(condition, conditions), fontsize=9, color=MUTED)
    figure.legend(
        handles=_legend(list(dict.fromkeys(layers["arm"])), arms_of(results)), loc="outside lower left",
        ncols=3, fontsize=9, frameon=False, labelcolor=INK,
    )  # fmt: skip
    headline(figure, f"{direction_label(results.directions[direction])}: what training on the target changed")
    return figure


def group_shares(attributions: pd.DataFrame) -> pd.DataFrame:
    """Return the share of every group by arm: sums inside a network, then means over folds and seeds."""
    sums = attributions.groupby(["arm", "split", "seed", "group"], sort=False, observed=True)["share"].sum()
    filled = sums.unstack("group", fill_value=0.0)
    shares = filled.groupby(level="arm", sort=False).mean().T
    return shares.loc[shares.max(axis=1).sort_values(ascending=False, kind="stable").index]


def _draw_layers(ax: Axes, layers: pd.DataFrame, column: str, arms: list[str]) -> None:
    names = list(dict.fromkeys(layers["layer"]))
    means = layers.groupby(["arm", "layer"], sort=False)[column].mean().unstack("layer")[names]
    for arm, values in means.iterrows():
        look = arm_look(str(arm), arms)
        ax.plot(
            range(len(names)), values.to_numpy(float), marker=look.marker, color=look.color,
            linestyle=look.dashes, linewidth=1.5, markersize=5, gid=f"{column}:{arm}",
        )  # fmt: skip
    clean(ax)
    ax.set_xticks(range(len(names)), [shorten(n, 10) for n in names], fontsize=8, rotation=30, ha="right",
                  rotation_mode="anchor", parse_math=False)  # fmt: skip
    ax.set_ylim(bottom=0, top=1.02 if column.startswith("cka") else None)


def _draw_lines(ax: Axes, barriers: pd.DataFrame, arms: list[str]) -> None:
    for (first, second), part in barriers.groupby(["first", "second"], sort=False):
        line = part.groupby("position")["loss"].mean()
        look, other = arm_look(str(first), arms), arm_look(str(second), arms)
        ax.plot(line.index, line, color=other.color, linewidth=1.6, linestyle=other.dashes,
                gid=f"line:{first}:{second}")  # fmt: skip
        for x, end in ((0.0, look), (1.0, other)):
            ax.plot(x, line.loc[x], end.marker, color=end.color, markersize=6, markeredgecolor="white")
    clean(ax)
    ax.margins(y=0.25)
    ax.set_xlabel("position on the line", fontsize=8.5, color=MUTED)


def _draw_groups(ax: Axes, attributions: pd.DataFrame, arms: list[str]) -> None:
    shares = group_shares(attributions).iloc[:_MOST_GROUPS]
    height = 0.8 / shares.shape[1]
    for i, arm in enumerate(shares.columns):
        at = np.arange(len(shares)) + (i - (shares.shape[1] - 1) / 2) * height
        ax.barh(at, 100 * shares[arm], height=height * 0.9, color=arm_look(str(arm), arms).color, label=arm)
    clean(ax, grid="x")
    names = [shorten(str(name), 18) for name in shares.index]
    ax.set_yticks(range(len(shares)), names, fontsize=8, color=INK, parse_math=False)
    ax.tick_params(axis="y", length=0)
    ax.invert_yaxis()


def _legend(shown: list[str], arms: list[str]) -> list[Any]:
    from matplotlib.lines import Line2D

    looks = {arm: arm_look(arm, arms) for arm in shown}
    return [
        Line2D([], [], marker=look.marker, color=look.color, label=arm_label(arm))
        for arm, look in looks.items()
    ]
