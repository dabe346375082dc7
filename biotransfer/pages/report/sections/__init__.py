"""Sections of the report that stand on tables of their own: one file each, one line in ``SECTIONS``.

A section is a function ``(results) -> Section or None``; None where the study has no such table. The page
puts them, in this order, after the source networks, and a link to each into the navigation.
"""

from __future__ import annotations

from collections.abc import Callable

from ....results import Results
from .calibration import calibration
from .changes import make_changes
from .choices import choices
from .levels import level_section
from .matrix import make_matrix
from .nuisance import lead_pictures, nuisance_section
from .otherwise import otherwise
from .ranking import ranking
from .scores import make_scores
from .section import Block, Section, paragraph, picture, table
from .selection import selection
from .topologies import topology_search

__all__ = ["SECTIONS", "Block", "Section", "lead_pictures", "paragraph", "picture", "table"]

SECTIONS: tuple[Callable[[Results], Section | None], ...] = (
    ranking,
    nuisance_section,
    otherwise,
    calibration,
    level_section,
    make_matrix,
    make_scores,
    make_changes,
    topology_search,
    choices,
    selection,
)
