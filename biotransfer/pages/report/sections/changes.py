"""What moved: what training on the target changed in the baseline, a transfer and a control."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ....evidence.changes.layers import barrier_height
from ....evidence.metrics import CONDITION
from ....evidence.reading import arm_label, direction_label, directions_of, network_label
from ....results import Results
from ...figures.changes import group_shares, plot_moved
from ..table import Row, Table
from ..table import table as make_table
from .section import Block, Section, paragraph, picture, table

_SHOWN = 2
_INTRO = (
    "Looked at on windows of the people tested, who trained none of these networks; folds and the first "
    "seeds are averaged. A layer that stays where it started was either useful as it came or not needed: "
    "the change of accuracy on resetting it tells which. A rise of the loss on the straight line between "
    "two solutions means that they lie in different basins (Neyshabur et al. 2020, arXiv:2008.11687). "
    "Attributions are integrated gradients (arXiv:1703.01365): what the answers rest on, not what causes the "
    "state."
)
_CAPTION = (
    "Distance of a layer from its initial weights in units of their length; CKA of what it gives on the same "
    "windows before and after; cross-entropy on the line between two arms' solutions, in the color of the "
    "second; shares of the attribution."
)


def make_changes(results: Results) -> Section | None:
    """Show layers, lines and attributions of every direction."""
    if "layers" not in results.extras:
        return None
    blocks: list[Block] = [paragraph(_INTRO)]
    for i, (text, direction) in enumerate(directions_of(results).items()):
        folded = "" if i < _SHOWN else direction_label(direction)
        blocks.append(picture(plot_moved, results, text, name=f"moved-{i}", caption=_CAPTION, folded=folded))
    blocks += [table(_layers(results)), table(_barriers(results))]
    return Section("moved", "What moved", "What moved", blocks)


def _place(results: Results, direction: str, network: str, variant: str, protocol: str) -> str:
    return f"{direction_label(results.directions[direction])}, {network_label(network, variant)}, {protocol}"


def _mean(value: float, digits: int = 2, sign: str = "") -> str:
    return "–" if np.isnan(value) else f"{value:{sign}.{digits}f}"


def _layers(results: Results) -> Table:
    keys = ["direction", *CONDITION, "arm", "layer"]
    columns = [
        "relative_distance",
        "cka_initial",
        "cka_source",
        "cka_scratch",
        "reset_initial",
        "reset_fresh",
    ]
    means = results.extras["layers"].groupby(keys, sort=False, observed=True)[columns].mean().reset_index()
    rows: list[Row] = []
    where = ""
    for row in means.to_dict("records"):
        heading = _place(results, row["direction"], row["network"], row["variant"], row["protocol"])
        if heading != where:
            rows.append(heading)
            where = heading
        resets = [_mean(100 * row[name], 1, "+") for name in columns[4:]]
        rows.append(
            [arm_label(row["arm"]), row["layer"], *(_mean(row[name]) for name in columns[:4]), *resets]
        )
    head = {"arm": False, "layer": False, "distance": True, "CKA to start": True, "to source": True,
            "to scratch": True, "reset to start": True, "reset to fresh": True}  # fmt: skip
    caption = (
        "Means over folds and seeds. Reset: change of balanced accuracy in points when this layer alone goes "
        "back to its initial, or to fresh, weights (Zhang et al. 2019, arXiv:1902.01996)."
    )
    return make_table(head, rows, caption, "Layers")


def barrier_heights(barriers: pd.DataFrame) -> pd.DataFrame:
    """Return the mean height of the barrier between two arms, by direction, condition and arms."""
    keys = ["direction", *CONDITION, "first", "second"]
    each = [
        (*names, barrier_height(part["position"].to_numpy(), part["loss"].to_numpy()))
        for names, part in barriers.groupby([*keys, "split", "seed"], sort=False, observed=True)
    ]
    table = pd.DataFrame(each, columns=[*keys, "split", "seed", "height"])
    return table.groupby(keys, sort=False)["height"].mean().reset_index()


def _barriers(results: Results) -> Table:
    if "barriers" not in results.extras:
        heights = pd.DataFrame(columns=["direction", *CONDITION, "first", "second", "height"])
    else:
        heights = barrier_heights(results.extras["barriers"])
    keys = ["direction", *CONDITION]
    rows: list[Row] = []
    for names, part in results.extras["attributions"].groupby(keys, sort=False, observed=True):
        mine = heights[(heights[keys] == list(names)).all(axis=1)]
        lines = [f"{arm_label(r.first)} – {arm_label(r.second)}: {r.height:.3f}" for r in mine.itertuples()]
        shares = group_shares(part)
        best = [
            f"{arm_label(str(arm))}: {shares[arm].idxmax()} ({100 * shares[arm].max():.0f} %)"
            for arm in shares
        ]
        rows.append([_place(results, *names), "; ".join(lines), "; ".join(best)])
    head = {"direction": False, "barrier, nats": False, "answers rest most on": False}
    return make_table(
        head, rows, "Barrier: rise of the loss above the line between its ends.", "Lines and inputs"
    )
