"""Arms and shallow classifiers beside the chance that this many test recordings leave."""

from __future__ import annotations

from ....evidence.checks.levels import level_table
from ....evidence.metrics import CONDITION
from ....evidence.reading import Condition, arm_label, condition_label, conditions_of, direction_label
from ....results import Results
from .. import text as write
from ..table import Row
from ..table import table as make_table
from .section import Section, paragraph, table

_METRIC = "balanced_accuracy"


def level_section(results: Results) -> Section | None:
    """Return every arm's and baseline's level, and what permuted labels give."""
    if results.predictions.empty:
        return None
    levels = level_table(results)
    blocks = [
        paragraph(
            "Chance is no single number: with few recordings, labels that mean nothing can be told apart by "
            "luck. Here the labels of whole recordings were permuted inside people: a test over the "
            "recordings of these people, not over people, and no p can be below the smallest given. For arms "
            "the predictions were left as they are, and the distribution was widened by √2 where people who "
            "are tested train the predictions of others; a shallow classifier was fitted again to every "
            "permutation, where the recipe asks for permutations."
        )
    ]
    for direction, part in levels.groupby("direction", sort=False):
        conditions = conditions_of(results.curves, str(direction))
        rows: list[Row] = []
        for condition, mine in part.groupby(CONDITION, sort=False):
            rows.append(condition_label(Condition(*map(str, condition)), conditions))
            rows += [
                [
                    arm_label(str(r["name"])) + ("" if r["kind"] == "arm" else " (shallow, same inputs)"),
                    write.level(r["value"], _METRIC), write.level_range(r["low"], r["high"], _METRIC),
                    write.level(r["null_mean"], _METRIC), write.level(r["null_95"], _METRIC),
                    write.p_value(r["p"]), write.p_value(r["floor"]),
                ]
                for r in mine.to_dict("records")
            ]  # fmt: skip
        columns = {
            "arm": False, "balanced accuracy": True, "95 % interval": True, "chance": True,
            "95 % of permutations below": True, "p": True,
            "smallest p": True,
        }  # fmt: skip
        label = direction_label(results.directions[str(direction)])
        caption = f"{label}: levels after the last update, means over people."
        blocks.append(table(make_table(columns, rows, caption)))
    return Section("levels", "Above chance?", "Chance", blocks)
