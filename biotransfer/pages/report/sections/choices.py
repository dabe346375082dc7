"""The section on what inner validation chose."""

from __future__ import annotations

import json

from ....evidence.metrics import CONDITION
from ....evidence.reading import (
    arm_label,
    compared_metric,
    direction_label,
    metric_label,
    network_label,
    protocol_label,
)
from ....results import Results
from ....studies.recipe.tuning import best_candidate
from .. import text as write
from ..table import Row
from ..table import table as make_table
from .section import Section, paragraph, table


def choices(results: Results) -> Section | None:
    """Show every combination that was tried and how often it was chosen, where the study tuned."""
    tried = results.extras.get("choices")
    if tried is None or not len(tried):
        return None
    arms = [arm_label(str(arm)) for arm in tried["arm"].unique()]
    metric = compared_metric(results)
    n_folds = int(results.recipe["tune"]["folds"])
    lead = (
        f"Values were chosen for every fold by itself, on {n_folds} inner folds of its training people: "
        f"{write.joined(arms)} were trained with every combination, the same for each, and the highest mean "
        f"over them in {metric_label(metric)} decided. All arms got what was chosen; test rows were never "
        "used."
    )
    rows: list[Row] = []
    where = ["direction", *CONDITION]
    for (direction, network, variant, protocol), part in tried.groupby(where, sort=False):
        label = direction_label(results.directions[direction])
        rows.append(f"{label}, {network_label(network, variant)}, {protocol_label(protocol)}")
        best = [best_candidate(fold) for _, fold in part.groupby("fold")]
        for values, mine in part.groupby("values", sort=False):
            said = json.loads(str(values))
            levels = mine.groupby("arm", sort=False)["value"].mean()
            rows.append(
                [
                    ", ".join(f"{path} {value}" for path, value in said.items()),
                    *(write.level(levels[arm], metric) for arm in tried["arm"].unique()),
                    f"{sum(one == said for one in best)} of {len(best)}",
                ]
            )
    columns = {"values": False, **dict.fromkeys(arms, True), "folds that chose it": True}
    caption = f"Inner validation, {metric_label(metric)}: means over outer folds and validation people."
    return Section("choices", "Values chosen by inner validation", "Choices",
                   [paragraph(lead), table(make_table(columns, rows, caption))])  # fmt: skip
