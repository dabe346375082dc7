"""What a search for a topology tried, and what it chose."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import check
from ...evidence.reading import direction_label, network_label
from ...results import Results
from .style import INK, MUTED, PAGE_WIDTH, clean, new_figure, panel_grid, title

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_TRIED, _FRONT, _CHOSEN = "#AAB2BD", "#0072B2", "#D55E00"


def plot_search(results: Results) -> Figure:
    """Draw every topology that was tried: validation error against size.

    Parameters
    ----------
    results : Results
        A study with a search.

    Returns
    -------
    matplotlib.figure.Figure
        One panel per direction and network; a panel pools the folds of a search on the target.

    Raises
    ------
    BiotransferError
        When the study searched nothing.
    """
    table = results.extras.get("search")
    check(
        table is not None and len(table),
        "results hold no search. Add search: {side: source} to the recipe and run it again.",
    )
    assert table is not None
    keys = ["direction", "network", "variant"]
    groups = table.groupby(keys, sort=False)
    n_rows, n_columns = panel_grid(groups.ngroups, 2)
    figure = new_figure(PAGE_WIDTH, 3.1 * n_rows)
    for i, ((direction, network, variant), mine) in enumerate(groups):
        ax = figure.add_subplot(n_rows, n_columns, i + 1)
        for rows, color, size, label in (
            (mine[~mine["front"]], _TRIED, 18, "tried"),
            (mine[mine["front"]], _FRONT, 26, "on the front"),
        ):
            ax.errorbar(
                rows["parameters"], 100 * rows["error"], yerr=100 * rows["standard_error"], fmt="none",
                ecolor=color, elinewidth=0.7, alpha=0.6,
            )  # fmt: skip
            ax.scatter(rows["parameters"], 100 * rows["error"], s=size, color=color, label=label, zorder=3)
        chosen = mine[mine["chosen"]]
        ax.scatter(
            chosen["parameters"], 100 * chosen["error"], s=90, facecolors="none", edgecolors=_CHOSEN,
            linewidths=1.8, label="chosen", zorder=4,
        )  # fmt: skip
        ax.set_xscale("log")
        clean(ax)
        title(ax, f"{direction_label(results.directions[direction])}, {network_label(network, variant)}")
        ax.set_xlabel("parameters", color=MUTED, fontsize=9)
        ax.set_ylabel("validation error, %", color=MUTED, fontsize=9)
        if i == 0:
            ax.legend(frameon=False, fontsize=8.5, labelcolor=INK)
    return figure
