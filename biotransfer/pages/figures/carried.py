"""What was carried over: the share of parameters each arm copies, permutes, redraws or draws afresh."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ...errors import check
from ...evidence.metrics import CONDITION
from ...evidence.reading import (
    Condition,
    arm_label,
    condition_label,
    conditions_of,
    direction_label,
    network_label,
    select,
)
from ...results import Results
from .style import INK, MUTED, PAGE_WIDTH, blank, clean, headline, new_figure, panel_grid, title, wrapped

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.figure import Figure

ACTIONS = {
    "copied": "#0072B2",
    "adapted": "#56B4E9",
    "permuted": "#E69F00",
    "redrawn": "#D55E00",
    "fresh": "#D5DAE1",
}


def carried_shares(results: Results, direction: str) -> pd.DataFrame:
    """Return each arm's share of parameters by what was done with them.

    Parameters
    ----------
    results : Results
        A study.
    direction : str
        Such as "emg->eeg".

    Returns
    -------
    DataFrame
        Index (network, variant, protocol, arm); columns ``copied adapted permuted redrawn fresh`` (shares
        that add up to 1), ``trained`` (share that moves in training), and ``parameters`` (how many there
        are).
    """
    import pandas as pd

    check(len(results.ledger), "results.ledger is empty. Run the study again to rebuild ledger.parquet.")
    conditions_of(results.ledger, direction)
    part = results.ledger[results.ledger["direction"] == direction]
    keys = [*CONDITION, "arm"]
    alike = part.groupby([*keys, "tensor"], observed=True)["parameters"].transform("size")
    part = part.assign(parameters=part["parameters"] / alike)
    sums = part.pivot_table(
        index=keys,
        columns="action",
        values="parameters",
        aggfunc="sum",
        fill_value=0,
        sort=False,
        observed=True,
    )
    names = [*ACTIONS, *(a for a in sums.columns if a not in ACTIONS)]
    sums = sums.reindex(columns=names, fill_value=0)
    total = sums.sum(axis=1)
    trained = part[part["trained"].astype(bool)].groupby(keys, observed=True)["parameters"].sum()
    shares = sums.div(total, axis=0)
    shares["trained"] = trained.reindex(shares.index).fillna(0) / total
    shares["parameters"] = total.round().astype(int)
    return pd.DataFrame(shares).rename_axis(columns=None)


def plot_ledger(results: Results, direction: str) -> Figure:
    """Draw what every arm started from, as shares of its parameters.

    Parameters
    ----------
    results : Results
        A study.
    direction : str
        Such as "emg->eeg".

    Returns
    -------
    matplotlib.figure.Figure
        One panel per network (and per split rule, where the ledgers differ).
    """
    from matplotlib.patches import Patch
    from matplotlib.ticker import PercentFormatter

    shares = carried_shares(results, direction)
    panels = distinct_shares(shares)
    conditions = [c for c, _ in panels]
    n_rows, n_columns = panel_grid(len(panels), 2)
    n_arms = max(len(part) for _, part in panels)
    figure = new_figure(
        PAGE_WIDTH if n_columns > 1 else 0.78 * PAGE_WIDTH, n_rows * (0.27 * n_arms + 0.75) + 0.5
    )
    axes = figure.subplots(n_rows, n_columns, squeeze=False)
    used = [a for a in shares.columns[:-2] if shares[a].any()]
    for ax, (condition, part) in zip(axes.flat, panels, strict=False):
        left = part["trained"] * 0.0
        for action in used:
            ax.barh(range(len(part)), part[action], left=left, height=0.68, label=action, linewidth=0,
                    color=ACTIONS.get(action, "#525252"))  # fmt: skip
            left = left + part[action]
        frozen = 1 - part["trained"].to_numpy()
        for row, share in enumerate(frozen):
            if share > 0:
                ax.text(
                    1.01, row, f"{100 * share:.0f} % frozen", transform=ax.get_yaxis_transform(), fontsize=8,
                    color=MUTED, va="center",
                )  # fmt: skip
        clean(ax, grid="x")
        ax.set_yticks(range(len(part)), [wrapped(arm_label(a), 40) for a in part.index], parse_math=False)
        ax.invert_yaxis()
        ax.set_xlim(0, 1)
        ax.xaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
        if len(panels) > 1:
            network = network_label(condition.network, condition.variant)
            alone = sum(network_label(c.network, c.variant) == network for c in conditions) == 1
            title(ax, network if alone else condition_label(condition, conditions))
    blank(axes, len(panels))
    figure.legend(
        handles=[Patch(color=ACTIONS.get(a, "#525252"), label=a) for a in used], loc="outside lower left",
        ncols=len(used), fontsize=9, frameon=False, labelcolor=INK,
    )  # fmt: skip
    headline(
        figure, f"{direction_label(results.directions[direction])}: where each arm's parameters come from"
    )
    return figure


def distinct_shares(shares: pd.DataFrame) -> list[tuple[Condition, pd.DataFrame]]:
    """Return one table per network and way to transfer, and more where the ledger depends on the split rule.

    Parameters
    ----------
    shares : DataFrame
        See :func:`carried_shares`.

    Returns
    -------
    list of (Condition, DataFrame)
        The tables have one row per arm.
    """
    panels: list[tuple[Condition, pd.DataFrame]] = []
    for condition in dict.fromkeys(Condition(*map(str, key[:3])) for key in shares.index):
        part = select(shares, **condition._asdict())
        if not any(seen[:2] == condition[:2] and part.equals(other) for seen, other in panels):
            panels.append((condition, part))
    return panels
