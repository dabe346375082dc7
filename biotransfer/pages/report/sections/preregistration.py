"""The section on what was fixed before the study was run."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ....results import Results
from .. import text as write
from ..table import Row
from ..table import table as make_table
from .section import Section, paragraph, table


def preregistration(results: Results) -> Section | None:
    """Show what was registered, by which hash and when, and every deviation from it."""
    registered = results.provenance.get("preregistration")
    if not registered:
        return None
    deviations = list(registered["deviations"])
    changed = "Nothing was changed since."
    if deviations:
        changed = f"This run deviates in {write.counted(len(deviations), 'point')}, listed below."
    lead = (
        f"Fixed on {registered['date']} and registered at {registered['registered']} with the SHA-256 "
        f"{registered['hash']} of the block and of every key that can change a number; registration.json "
        "in the study folder holds what was hashed. The date is as good as the place that keeps the hash: "
        f"compare it with the one that was published. {changed}"
    )
    fixed = "What the recipe of this run says."
    blocks = [paragraph(lead), table(make_table({"what": False, "fixed": False}, _rows(results), fixed))]
    if deviations:
        caption = "What differs between the registration and this run."
        rows: list[Row] = [[text] for text in deviations]
        blocks.append(table(make_table({"deviation": False}, rows, caption)))
    return Section("preregistration", "What was fixed before", "Preregistration", blocks)


def _rows(results: Results) -> list[Row]:
    block: Mapping[str, Any] = results.recipe.get("preregistration") or {}
    family = block.get("family", "all")
    rows: list[Row] = [["hypothesis", text] for text in block.get("hypotheses", [])]
    rows += [[name, str(block[name])] for name in ("measure", "margin", "alpha") if name in block]
    if block:
        rows.append(["claims of", "every arm that transfers" if family == "all" else write.joined(family)])
    for side, names in block.get("exclusions", {}).items():
        rows += [[f"left out of {side}: {name}", reason] for name, reason in names.items()]
    return rows
