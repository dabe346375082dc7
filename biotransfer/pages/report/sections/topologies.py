"""The section on the search for a topology."""

from __future__ import annotations

import json

from ....evidence.metrics import CONDITION
from ....evidence.reading import direction_label, network_label, rows_of
from ....results import Results
from ... import figures
from .. import text as write
from ..table import table as make_table
from .section import Section, paragraph, picture, table

_RULES = {
    "one_standard_error": "the cheapest within one standard error of the least error",
    "least_error": "the one with the least error",
}


def topology_search(results: Results) -> Section | None:
    """Show what was tried and what was chosen, where the study searched."""
    rows = results.extras.get("search")
    settings = results.recipe.get("search")
    if rows is None or not settings or not len(rows):
        return None
    where = "the source's training people" if settings["side"] == "source" else "the target's training rows"
    lead = (
        f"Topologies were bred by NSGA-II ({settings['generations']} generations of "
        f"{settings['population']}) to lower validation error, parameters and operations at once, on inner "
        f"folds of {where}, starting from random weights; test rows were never used. Every arm got the "
        f"chosen topology: {_RULES[settings['choose']]}."
    )
    chosen = rows[rows["chosen"]]
    columns = {
        "direction": False, "network": False, "fold": False, "topology": False, "tried": True,
        "error, %": True, "parameters": True,
    }  # fmt: skip
    lines = []
    for row in chosen.itertuples():
        mine = rows_of(rows, **{key: getattr(row, key) for key in ("direction", *CONDITION, "fold")})
        topology = ", ".join(f"{k} {v}" for k, v in json.loads(str(row.topology)).items())
        lines.append(
            [
                direction_label(results.directions[str(row.direction)]),
                network_label(str(row.network), str(row.variant)),
                f"{row.protocol} {int(str(row.fold)) + 1}" if row.protocol else "all",
                topology,
                write.whole(len(mine)),
                f"{100 * float(str(row.error)):.1f} ± {100 * float(str(row.standard_error)):.1f}",
                write.whole(row.parameters),
            ]
        )
    return Section(
        "search",
        "Search for a topology",
        "Topology",
        [
            paragraph(lead),
            table(
                make_table(columns, lines, "Chosen topologies; error is 100 - balanced accuracy, ± one "
                           "standard error over validation people.")
            ),
            picture(
                figures.plot_search, results, name="search",
                caption="Every topology that was tried: validation error against the number of parameters. "
                "Bars: one standard error over people.",
            ),
        ],
    )  # fmt: skip
