"""Who trains and who tests: grouped splits, budgets of labels, and the refusal of overlap.

A split is values, made once and shared by every arm.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import check
from ..windows import Windows
from .budget import (
    ALL,
    LABELS_OF,
    OTHERS,
    Budget,
    budget_label,
    budget_name,
    budget_seconds,
    budget_splits,
)
from .catalog import SPLITS
from .checking import check_apart, check_split, check_windows
from .foreign import splits_from
from .inner import inner_splits
from .overlap import Copy, compare_prints, find_copies, shared_content
from .prints import LEAST_S, Print, fingerprint, read_prints, write_prints
from .split import Split

__all__ = [
    "ALL", "LABELS_OF", "LEAST_S", "OTHERS", "SPLITS", "Budget", "Copy", "Print", "Split", "budget_label",
    "budget_name", "budget_seconds", "budget_splits", "check_apart", "check_split", "compare_prints",
    "find_copies", "fingerprint", "inner_splits", "make_splits", "read_prints", "shared_content",
    "splits_from", "write_prints",
]  # fmt: skip


def make_splits(windows: Windows, by: str | Mapping[str, Any] = "subject", **parameters: Any) -> list[Split]:
    """Return the splits of one rule, each checked.

    Parameters
    ----------
    windows : Windows
        What to split.
    by : str or mapping
        A rule of ``SPLITS``, or ``{"by": rule, parameter: value}`` as in a recipe.
    **parameters
        Its parameters.

    Raises
    ------
    BiotransferError
        For an unknown rule or parameter, or a split that could not be trusted (see :func:`check_split`).
    """
    if isinstance(by, Mapping):
        check("by" in by, f"by={dict(by)!r} names no rule. Expected a name, or {{'by': 'subject', ...}}.")
        parameters = {**{k: v for k, v in by.items() if k != "by"}, **parameters}
        by = by["by"]
    check_windows(windows)
    entry, given = SPLITS.resolve({"name": by, **parameters})
    splits = entry.function(windows, **given)
    for split in splits:
        check_split(windows, split)
    return splits
