"""All ways to transfer in one table, best first."""

from __future__ import annotations

from typing import Any

from ....evidence.reading import arm_label, compared_metric, direction_label
from ....evidence.verdicts import rank_methods
from ....results import Results
from ...figures.ranking import name_way, plot_ranking
from .. import text as write
from ..table import Row, badge, table
from .section import Section, paragraph, picture
from .section import table as block

_AT_LEAST = 5


def ranking(results: Results) -> Section | None:
    """Rank the transfer arms of every direction over scratch and over the best of their controls."""
    if not results.verdict_list:
        return None
    ranked = rank_methods(results)
    transfers = ranked[ranked["role"] == "transfer"]
    if transfers.empty or transfers.groupby("direction").size().max() < _AT_LEAST:
        return None
    metric = compared_metric(results)
    columns = {
        "way": False, "lever": False, "network": False, "over scratch": True, "95 % interval": True,
        "best control": False, "over best control": True, "its 95 % interval": True, "verdict": False,
    }  # fmt: skip
    blocks = [
        paragraph(
            "Every way to transfer beside scratch under the same inputs, and beside whichever control of the "
            "same inputs did best. The best control is picked after the fact and so is a hard test; the "
            "verdict is the study's own rule, corrected for the number of comparisons. The order itself is "
            "subject to chance: with few people neighbors in this list cannot be told apart."
        )
    ]
    for direction, part in transfers.groupby("direction", sort=False):
        ends = results.directions[str(direction)]
        name = direction_label(ends)
        caption = f"{name}: gains over people with 95 % intervals, by lever; a bar marks the best control."
        blocks.append(
            picture(
                plot_ranking, ranked, results, direction, name=f"ranking-{ends.slug.lower()}", caption=caption
            )
        )
        rows = [_row(item, metric) for item in part.to_dict("records")]
        blocks.append(block(table(columns, rows, f"{name}, in order of the gain."), "The ranking as a table"))
    return Section("ranking", "Ranking of methods", "ranking", blocks)


def _row(item: dict[str, Any], metric: str) -> Row:
    known = isinstance(item["best_control"], str)
    return [
        name_way(item),
        str(item["lever"]),
        str(item["network"]),
        write.gain(item["gain"], metric),
        write.interval(item["ci_low"], item["ci_high"], metric),
        arm_label(item["best_control"]) if known else write.NOTHING,
        write.gain(item["over_control"], metric) if known else write.NOTHING,
        write.interval(item["control_low"], item["control_high"], metric) if known else write.NOTHING,
        badge(item),
    ]
