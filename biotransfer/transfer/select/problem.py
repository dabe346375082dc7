"""What a selection is given, and what it says."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import pandas as pd

from ...showing import html_table, one_line
from ...signals.splits import Split
from ...signals.windows import Windows, natural_sorted

Gains = Callable[[Sequence[tuple[str, ...]]], np.ndarray]
COLUMNS = ("what", "name", "score", "error", "chosen", "reason")


@dataclass(frozen=True, eq=False)
class SelectProblem:
    """A source to be chosen from.

    Parameters
    ----------
    source : Windows
        Aligned windows of the people that a source network may be trained on.
    target : Windows
        Aligned **training rows** of the target.
    gains : callable, optional
        Takes groups of source people; returns, shape (n_groups, n_inner_folds), what pretraining on each
        group adds to scratch on people kept out of the target's training rows (see :func:`inner_gains`).
    at_least : int
        People that the method of pretraining needs.
    """

    source: Windows
    target: Windows
    gains: Gains | None = None
    at_least: int = 1

    @property
    def people(self) -> list[str]:
        """The source's people."""
        return [str(name) for name in natural_sorted(self.source.metadata["subject"].unique())]


@dataclass(frozen=True, eq=False)
class Selection:
    """Who and what of a source is learned from.

    Parameters
    ----------
    people, classes : tuple of str
        Chosen.
    transfer : bool
        False when nothing is worth transferring: arms that would start from this source start from scratch.
    table : DataFrame
        Why: one row per person, class, size, pair or window that was looked at, and one that says whether to
        transfer; columns what (person, class, size, pair, windows, window, transfer), name, score, error,
        chosen, reason. The score of a window is how much it counts.
    """

    people: tuple[str, ...]
    classes: tuple[str, ...]
    transfer: bool
    table: pd.DataFrame

    def __repr__(self) -> str:
        what = f"{len(self.people)} people, {len(self.classes)} classes" if self.transfer else "nothing"
        return one_line(f"Selection of {what}: {', '.join((*self.people, *self.classes))}")

    def _repr_html_(self) -> str:
        facts = {"people": ", ".join(self.people), "classes": ", ".join(self.classes)}
        return html_table({**facts, "transfer": "yes" if self.transfer else "no"})

    @cached_property
    def weights(self) -> dict[str, float]:
        """How much every window counts, by uid; empty where all count the same."""
        mine = self.table[self.table["what"] == "window"]
        return dict(zip(mine["name"].astype(str), mine["score"].astype(float), strict=True))

    def weights_of(self, windows: Windows) -> np.ndarray | None:
        """Return how much each of some windows counts; None where all count the same.

        Parameters
        ----------
        windows : Windows
            The source's, or a control's of the same rows; one that was not looked at counts 1.
        """
        if not self.weights:
            return None
        return np.array([self.weights.get(uid, 1.0) for uid in windows.metadata["uid"].astype(str)])

    def apply(self, windows: Windows, split: Split) -> tuple[Windows, Split]:
        """Return windows of the chosen classes, and a split whose training rows are the chosen people's.

        Parameters
        ----------
        windows : Windows
            The source's, or a control's of the same rows.
        split : Split
            Who trains and who is kept out to see what the network knows.
        """
        number = {name: i for i, name in enumerate(self.classes)}
        label = np.array([number.get(name, -1) for name in windows.classes])[windows.y]
        kept = np.flatnonzero(label >= 0)
        new = np.full(len(windows), -1, np.int64)
        new[kept] = np.arange(len(kept))
        mine = np.isin(windows.metadata["subject"].to_numpy(dtype=str), self.people)
        train = split.train[mine[split.train] & (label[split.train] >= 0)]
        test = split.test[label[split.test] >= 0]
        chosen = replace(windows.take(kept), y=label[kept], classes=self.classes)
        return chosen, replace(split, train=new[train], test=new[test])


def row(
    what: str, name: str, *, chosen: bool, score: float = np.nan, error: float = np.nan, reason: str = ""
) -> dict[str, object]:
    """Return one row of a selection's table."""
    return dict(zip(COLUMNS, (what, name, float(score), float(error), chosen, reason), strict=True))


def read_selection(table: pd.DataFrame) -> Selection:
    """Return the selection that a table tells of."""
    chosen = table[table["chosen"].astype(bool)]

    def names(what: str) -> tuple[str, ...]:
        return tuple(chosen.loc[chosen["what"] == what, "name"])

    return Selection(names("person"), names("class"), bool(names("transfer")), table)
