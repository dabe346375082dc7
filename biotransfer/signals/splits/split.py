"""A split as a value: row numbers, and what its two sides must not share."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from ...showing import html_table, one_line

NONE = np.empty(0, dtype=np.int64)
APART = ("subject", "session", "recording", "sample")


@dataclass(frozen=True, eq=False)
class Split:
    """Row numbers of the windows that train, validate and test.

    Parameters
    ----------
    name : str
        Which fold this is, such as "subject=a".
    rule : str
        The rule that made it.
    train, test, validation, donors : ndarray of int64
        Rows of the Windows; ``donors`` are people kept aside to train the same-modality source.
    unlabelled : ndarray of int64
        Rows of the training side whose labels a budget withholds: their windows may be seen, never their y.
    leaks : bool
        Whether test windows may have near copies among the training windows.
    apart : {"subject", "session", "recording", "sample"}
        What a test window must not share with any other window; people, sessions and recordings are units
        of the metadata, a session or recording that of one person.
    """

    name: str
    rule: str
    train: np.ndarray
    test: np.ndarray
    validation: np.ndarray = field(default_factory=lambda: NONE)
    donors: np.ndarray = field(default_factory=lambda: NONE)
    unlabelled: np.ndarray = field(default_factory=lambda: NONE)
    leaks: bool = False
    apart: str = "sample"

    @cached_property
    def uid(self) -> str:
        """Hash of the rule and every row number."""
        state = hashlib.sha256(f"{self.rule}|{self.name}".encode())
        parts = [self.train, self.validation, self.test, self.donors]
        for rows in [*parts, self.unlabelled] if len(self.unlabelled) else parts:
            state.update(np.asarray(rows, dtype=np.int64).tobytes() + b"|")
        return state.hexdigest()[:16]

    @property
    def seen(self) -> np.ndarray:
        """Rows of everything but the test: what may be looked at before it."""
        return np.concatenate([self.train, self.validation, self.donors, self.unlabelled])

    @property
    def fit_rows(self) -> np.ndarray:
        """Rows that scalers and alignments are fitted on: labelled or not, the training side's."""
        if not len(self.unlabelled):
            return self.train
        return np.sort(np.concatenate([self.train, self.unlabelled]))

    def parts(self) -> Iterator[tuple[str, np.ndarray]]:
        """Yield every part's name and rows."""
        for name in ("train", "validation", "test", "donors", "unlabelled"):
            yield name, getattr(self, name)

    def __repr__(self) -> str:
        return one_line(f"Split {self.name} by {self.rule}: {len(self.train)} train, {len(self.test)} test")

    def _repr_html_(self) -> str:
        rows = {name: f"{len(rows)} windows" for name, rows in self.parts() if len(rows)}
        leaks = {"leaks": "near copies of test windows may be trained on"} if self.leaks else {}
        return html_table({"split": self.name, "rule": self.rule, **rows, **leaks})
