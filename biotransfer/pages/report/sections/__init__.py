"""Sections of the report that stand on tables of their own: one file each.

A section is a function ``(results) -> Section or None`` with an entry in ``SECTIONS``; None where the study
has no such table. The page puts them, in this order, after the source networks, and a link to each into the
navigation.
"""

from __future__ import annotations

from ....catalog import Catalog, Entry
from .account import account_section
from .calibration import calibration
from .changes import make_changes
from .choices import choices
from .levels import level_section
from .matrix import make_matrix
from .nuisance import lead_pictures, nuisance_section
from .otherwise import otherwise
from .outliers import outlier_section
from .preregistration import preregistration
from .ranking import ranking
from .scores import make_scores
from .section import Block, Section, paragraph, picture, table
from .selection import selection
from .topologies import topology_search

__all__ = ["SECTIONS", "Block", "Section", "lead_pictures", "paragraph", "picture", "table"]

SECTIONS = Catalog(
    "section",
    [
        Entry(
            "preregistration",
            "What was fixed before the study was run, and what changed since.",
            preregistration,
        ),
        Entry("ranking", "Transfer arms ranked over scratch and over the best of their controls.", ranking),
        Entry("nuisance", "What should not carry the label, and how far it goes.", nuisance_section),
        Entry("outliers", "People who stand out, and verdicts that one person makes.", outlier_section),
        Entry("otherwise", "The same comparisons by a mixed model, Bayes and survival.", otherwise),
        Entry("calibration", "Gains by how much of the target is labelled.", calibration),
        Entry("levels", "Every arm's and baseline's level, and what permuted labels give.", level_section),
        Entry("matrix", "Every source by every target.", make_matrix),
        Entry("scores", "Transferability scores against the gains that came.", make_scores),
        Entry("changes", "What training changed, layer by layer.", make_changes),
        Entry("topologies", "Networks that were tried, and the one that was chosen.", topology_search),
        Entry("choices", "Settings that were tried, and how often each was chosen.", choices),
        Entry("selection", "Who of the source was learned from, fold by fold.", selection),
        Entry("account", "Where every file, trial and sample went on the way to windows.", account_section),
    ],
    word="sections",
)
"""Sections by name, in the order of the page."""
