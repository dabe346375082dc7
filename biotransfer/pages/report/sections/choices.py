"""The section on what inner validation chose."""

from __future__ import annotations

import json

import pandas as pd

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
from ....signals.splits import ALL, budget_label
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
    if results.recipe["tune"].get("per") == "arm":
        return _by_arm(results, tried)
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


def _by_arm(results: Results, tried: pd.DataFrame) -> Section:
    """Show for every arm how often each candidate was best inside a fold."""
    tune, metric = results.recipe["tune"], compared_metric(results)
    lead = (
        f"Every arm got its own values, chosen for every fold and budget on {tune['folds']} inner folds of "
        "the labelled rows of its training people: all arms were trained with the same candidates by "
        f"{write.counted(tune['seeds'], 'seed')}, and the highest mean in {metric_label(metric)} decided. "
        "People who are tested were in no inner fold."
    )
    said = [json.loads(str(values)) for values in tried["values"].unique()]
    names = [", ".join(f"{path} {value}" for path, value in values.items()) for values in said]
    rows: list[Row] = []
    where = ["direction", *CONDITION, "budget"]
    for (direction, network, variant, protocol, budget), part in tried.groupby(where, sort=False):
        place = [direction_label(results.directions[direction]), network_label(network, variant)]
        place += [protocol_label(protocol), *([] if budget == ALL else [budget_label(budget)])]
        rows.append(", ".join(place))
        for arm, mine in part.groupby("arm", sort=False):
            best = [best_candidate(fold) for _, fold in mine.groupby("fold")]
            counts = [f"{sum(one == values for one in best)} of {len(best)}" for values in said]
            rows.append([arm_label(str(arm)), *counts])
    caption = "In how many folds each candidate was best for each arm."
    columns = {"arm": False, **dict.fromkeys(names, True)}
    return Section("choices", "Values chosen by inner validation", "Choices",
                   [paragraph(lead), table(make_table(columns, rows, caption))])  # fmt: skip
