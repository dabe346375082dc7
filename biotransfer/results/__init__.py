"""What a study found: long tables and where they come from, as one value and one folder.

The folder is a public contract: other tools read it.
"""

from __future__ import annotations

from .direction import Direction
from .pages import PAGES, forget_page, note_page, page_damage
from .reading import load_results
from .results import Results, Verdicts
from .tables import (
    ATTRIBUTIONS,
    BARRIERS,
    BASELINES,
    CHOICES,
    CONDITION,
    CORE,
    CURVES,
    FITS,
    KEYS,
    LAYERS,
    LEDGER,
    LONG,
    NUISANCE,
    NUISANCE_TESTS,
    PREDICTIONS,
    SCORES,
    SELECTION,
    SOURCES,
    TABLES,
    TRAININGS,
    VERDICTS,
)
from .written import FORMAT, save_results, study_contents

__all__ = [
    "ATTRIBUTIONS",
    "BARRIERS",
    "BASELINES",
    "CHOICES",
    "CONDITION",
    "CORE",
    "CURVES",
    "Direction",
    "FITS",
    "FORMAT",
    "KEYS",
    "LAYERS",
    "LEDGER",
    "LONG",
    "NUISANCE",
    "NUISANCE_TESTS",
    "PAGES",
    "PREDICTIONS",
    "Results",
    "SCORES",
    "SELECTION",
    "SOURCES",
    "TABLES",
    "TRAININGS",
    "VERDICTS",
    "Verdicts",
    "forget_page",
    "load_results",
    "note_page",
    "page_damage",
    "save_results",
    "study_contents",
]
