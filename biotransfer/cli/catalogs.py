"""Every catalog by the word that ``list`` takes, and the levers of transfer that their entries pull."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import import_module

from ..catalog import Catalog, Entry
from ..registry import CATALOGS


@dataclass(frozen=True)
class Lever:
    """Where a method of transfer acts: the word that ``list`` takes for its catalog, and what it changes."""

    kind: str
    doc: str


LEVERS = {
    "select": Lever("select", "which people and classes of the source are learned from"),
    "align": Lever("align", "how the inputs of source and target are brought together"),
    "pretrain": Lever("pretrain", "how the source network is trained"),
    "carry": Lever("arms", "which weights the target starts from, and which train"),
    "regularize": Lever("arms", "what is added to the loss on the target"),
    "extra data": Lever("arms", "what else the target learns from"),
    "adapt": Lever("arms", "how windows of a new person without labels are used, inside one modality"),
}


def catalog_of(kind: str) -> Catalog:
    """Return one catalog.

    Examples
    --------
    >>> catalog_of("pretrain").asks("reptile")
    '2 people or more; a network of ours'
    """
    module, name = CATALOGS[kind].split(":")
    found: Catalog = getattr(import_module(f"biotransfer.{module}"), name)
    return found


def lever_entries(lever: str) -> Iterator[Entry]:
    """Yield the entries that pull one lever."""
    catalog = catalog_of(LEVERS[lever].kind)
    for entry in catalog.values():
        if "lever" not in catalog.facts or entry.facts["lever"] == lever:
            yield entry
