"""Who trains and who tests: grouped splits, budgets of labels, and the refusal of overlap.

A split is values, made once and shared by every arm.
"""

from __future__ import annotations

from typing import Any

from ...catalog import Catalog, Entry
from ..windows import Windows
from .budget import (
    ALL,
    LABELS_OF,
    OTHERS,
    budget_label,
    budget_name,
    budget_seconds,
    budget_splits,
)
from .checking import check_apart, check_split
from .foreign import by_sklearn, splits_from
from .inner import inner_splits
from .overlap import Copy, find_copies, shared_content
from .rules import by_block, by_recording, by_session, by_shuffled_windows, by_subject, by_subjects_out
from .split import Split

__all__ = [
    "ALL", "LABELS_OF", "OTHERS", "SPLITS", "Copy", "Split", "budget_label", "budget_name", "budget_seconds",
    "budget_splits", "check_apart", "check_split", "find_copies", "inner_splits",
    "make_splits", "shared_content", "splits_from",
]  # fmt: skip

SPLITS = Catalog(
    "split",
    [
        Entry("subject", "Test on people never seen in training.", by_subject,
              facts={"leaks": False, "tests": "people whose recordings took no part in training"}),
        Entry("subjects_out", "Test on n people at a time, in all or drawn combinations.", by_subjects_out,
              facts={"leaks": False, "tests": "combinations of people whose recordings took no part in "
                     "training, folds averaged inside each person"}),
        Entry("session", "Test on sessions (days) never trained on, of the same people.", by_session,
              facts={"leaks": False, "tests": "sessions that took no part in training, of people whose other "
                     "sessions did"}),
        Entry("recording", "Test on other recordings of the same people.", by_recording,
              facts={"leaks": False, "tests": "other recordings of the people in training"}),
        Entry("block", "Test on contiguous blocks of each recording, with a gap around them.", by_block,
              "Roberts et al. 2017, doi:10.1111/ecog.02881",
              {"leaks": False, "tests": "contiguous blocks of each recording, a gap around each left out"}),
        Entry("sklearn", "Test on the folds of a scikit-learn splitter, by groups of the metadata.",
              by_sklearn, "Pedregosa et al. 2011, JMLR 12:2825-2830",
              {"leaks": False, "tests": "folds of a scikit-learn splitter"}),
        Entry("shuffled_windows", "Shuffle windows before splitting: leaks, kept to reproduce published "
              "numbers.", by_shuffled_windows,
              facts={"leaks": True, "tests": "windows drawn at random from the same recordings"}),
    ],
)  # fmt: skip


def make_splits(windows: Windows, by: str = "subject", **parameters: Any) -> list[Split]:
    """Return the splits of one rule, each checked.

    Parameters
    ----------
    windows : Windows
        What to split.
    by : str
        A rule of ``SPLITS``.
    **parameters
        Its parameters.

    Raises
    ------
    BiotransferError
        For an unknown rule or parameter, or a split that could not be trusted (see :func:`check_split`).
    """
    entry, given = SPLITS.resolve({"name": by, **parameters})
    splits = entry.function(windows, **given)
    for split in splits:
        check_split(windows, split)
    return splits
