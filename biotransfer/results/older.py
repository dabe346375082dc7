"""Upgrades of what older formats say."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pandas as pd

from ..tables import with_coded_text
from ..transfer.carry import known_arms
from .results import Results
from .tables import CORE, LONG, TABLES, VERDICTS

_OLDER = "judged by an older rule, without a positive control; biotransfer run on its recipe judges it again"


def with_claims(results: Results) -> Results:
    """Upgrade formats 1 and 2: what was said without a positive control is not assayable."""
    roles = {label: arm.role for label, arm in known_arms(results.recipe["arms"]).items()}

    def upgraded(old: dict[str, Any]) -> dict[str, Any]:
        new = {**dict.fromkeys(VERDICTS), "controls": [], **old, "role": roles.get(old["arm"], "transfer")}
        if new["role"] != "transfer":
            return {**new, "verdict": None, "p_holm": None}
        if old["verdict"] == "positive":
            return new
        told = old["sentence"].rpartition(":")[0] or old["sentence"]
        sentence = f"{told}: not assayable; {_OLDER}."
        return {**new, "verdict": "not_assayable", "obstacle": _OLDER, "sentence": sentence}

    return replace(results, verdict_list=[upgraded(row) for row in results.verdict_list])


def with_variants(results: Results) -> Results:
    """Upgrade format 1: give the way to transfer, packed as "network + label", a column of its own."""
    methods = results.recipe.get("methods") or []
    names = [spec["name"] for spec in results.recipe["network"]]
    unpacked = {f"{name} + {item['label']}": (name, item["label"]) for name in names for item in methods}

    def table(name: str, old: pd.DataFrame) -> pd.DataFrame:
        if "network" not in old:
            return old
        pairs = [unpacked.get(text, (text, "")) for text in old["network"]]
        new = old.assign(network=[name for name, _ in pairs])
        new.insert(list(new).index("network") + 1, "variant", [label for _, label in pairs])
        later = [column for column in TABLES.get(name) or [] if column not in new]
        if name in ("trainings", "sources"):
            new = new.assign(**dict.fromkeys(later, ""))
        return with_coded_text(new) if name in LONG else new

    def verdict(old: dict[str, Any]) -> dict[str, Any]:
        network, variant = unpacked.get(old["network"], (old["network"], ""))
        return {**old, "network": network, "variant": variant}

    return replace(
        results,
        **{name: table(name, getattr(results, name)) for name in CORE},
        verdict_list=[verdict(row) for row in results.verdict_list],
        extras={name: table(name, old) for name, old in results.extras.items()},
    )
