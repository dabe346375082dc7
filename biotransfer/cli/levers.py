"""The levers of transfer: which catalog entries pull each, and what every one of them asks for."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module

from ..catalog import Catalog, Entry

LEVERS = {
    "select": ("transfer.select", "SELECT", "which people and classes of the source are learned from"),
    "align": ("transfer.align", "ALIGN", "how the inputs of source and target are brought together"),
    "pretrain": ("transfer.pretrain", "METHODS", "how the source network is trained"),
    "carry": ("transfer.carry", "ARMS", "which weights the target starts from, and which train"),
    "regularize": ("transfer.carry", "ARMS", "what is added to the loss on the target"),
    "extra data": ("transfer.carry", "ARMS", "what else the target learns from"),
}


def lever_entries(lever: str) -> Iterator[Entry]:
    """Yield the entries that pull one lever."""
    module, name, _ = LEVERS[lever]
    catalog: Catalog = getattr(import_module(f"biotransfer.{module}"), name)
    for entry in catalog.values():
        if entry.facts.get("lever", lever) == lever:
            yield entry


def validity(entry: Entry) -> str:
    """Say what a method asks for, from the facts of its entry.

    Examples
    --------
    >>> from biotransfer.transfer.pretrain import METHODS
    >>> validity(METHODS["reptile"])
    '2 people or more; a network of ours'
    """
    facts, said = entry.facts, []
    if "role" in facts:
        from ..transfer.carry.validity import NEEDS

        said += [str(facts["role"])] if facts["role"] != "transfer" else []
        said += [NEEDS[need] for need in facts["needs"]]
    if facts.get("takes") in ("signals.features", "signals"):
        said.append(str(facts["takes"]))
    if facts.get("compares"):
        said.append("the same columns on both sides")
    if facts.get("joint"):
        said.append("looks at the target's training windows")
    if facts.get("trains"):
        said.append("tries choices on inner folds")
    if "people" in facts:
        said += [] if facts["labels"] else ["no labels"]
        said += [f"{facts['people']} people or more"] if facts["people"] > 1 else []
        said += [] if entry.name == "supervised" else ["a network of ours"]
    if facts.get("packages"):
        said.append(f"pip install 'biotransfer[{facts['extra']}]'")
    return "; ".join(said)
