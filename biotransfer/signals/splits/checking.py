"""The refusal of overlap: what no split may do, whoever made it."""

from __future__ import annotations

from typing import Any
from weakref import WeakKeyDictionary

import numpy as np

from ...errors import BiotransferError, a_kind, check, check_option
from ..windows import Windows
from .split import APART, Split

_UNITS = {"subject": ["subject"], "session": ["subject", "session"], "recording": ["recording"], "sample": []}
_RULES = {"subject": "subject", "session": "session", "recording": "recording"}


def check_windows(windows: Any) -> None:
    """Refuse what is no Windows."""
    check(
        isinstance(windows, Windows),
        f"windows is {a_kind(windows)}. Expected Windows. Type: cut_windows(recordings).",
    )


def check_split(windows: Windows, split: Split) -> None:
    """Refuse a split that shares rows, samples or its unit (people, sessions) between training and test.

    Raises
    ------
    BiotransferError
        With the recording and the seconds that both sides would see.
    """
    check_option("split.apart", split.apart, APART)
    for name in ("train", "test"):
        check(
            len(getattr(split, name)),
            f"split {split.name}: no window left in {name}. Use fewer folds or a smaller gap.",
        )
    absent = sorted(set(range(len(windows.classes))) - set(np.unique(windows.y[split.train])))
    check(
        not absent,
        f"split {split.name}: no training window of class {', '.join(windows.classes[i] for i in absent)}. "
        "Leave the class out with classes=[...] or split otherwise.",
    )
    check_apart(windows, split)


def check_apart(windows: Windows, split: Split) -> None:
    """Refuse what :func:`check_split` does, but allow parts to be empty and classes to be absent.

    Raises
    ------
    BiotransferError
        With what both sides would see.
    """
    everything = np.concatenate([rows for _, rows in split.parts()])
    check(len(np.unique(everything)) == len(everything), f"split {split.name}: a window is in two parts.")
    check(
        len(everything) == 0 or (everything.min() >= 0 and everything.max() < len(windows)),
        f"split {split.name}: rows up to {everything.max(initial=0)} of {len(windows)} windows. Split the "
        "windows that are trained on.",
    )
    if split.leaks:
        return
    unit = _UNITS[split.apart]
    if unit:
        rows = _on_both_sides(windows, unit, split)
        both = sorted({" ".join(map(str, key)) for key in windows.metadata.iloc[rows][unit].to_numpy()})
        check(
            not both,
            f"split {split.name}: {', '.join(both[:5])} would train and test. "
            f"Use split: {{by: {_RULES.get(split.apart, 'block')}}}.",
        )
    rows = _on_both_sides(windows, ["recording"], split)
    if len(rows):
        found = windows.metadata[["recording", "start", "stop"]]
        seen, test = (found.iloc[np.intersect1d(side, rows)] for side in (split.seen, split.test))
        _check_samples(seen, test, split.name)


def _on_both_sides(windows: Windows, unit: list[str], split: Split) -> np.ndarray:
    """Return the rows of all units (people, sessions, recordings) that are tested and seen before it."""
    codes = _codes(windows, unit)
    mine, theirs = (np.unique(codes[rows]) for rows in (split.test, split.seen))
    both = np.intersect1d(mine, theirs, assume_unique=True)
    return np.flatnonzero(np.isin(codes, both)) if len(both) else both


_known: WeakKeyDictionary[Windows, dict[tuple[str, ...], np.ndarray]] = WeakKeyDictionary()


def _codes(windows: Windows, unit: list[str]) -> np.ndarray:
    """Return a number for the unit of every row; windows never change, so they are counted once."""
    known = _known.setdefault(windows, {})
    if tuple(unit) not in known:
        known[tuple(unit)] = windows.metadata.groupby(unit, sort=False).ngroup().to_numpy()
    return known[tuple(unit)]


def _check_samples(train: Any, test: Any, name: str) -> None:
    """Refuse training and test windows of the same recordings that saw the same samples."""
    spans = dict(iter(train.groupby("recording")[["start", "stop"]]))
    for recording, part in test.groupby("recording")[["start", "stop"]]:
        ours = spans[recording].sort_values("start")
        begins, ends = ours["start"].to_numpy(float), np.maximum.accumulate(ours["stop"].to_numpy(float))
        upto = np.searchsorted(begins, part["stop"].to_numpy(float) - 1e-9)
        reach = np.where(upto > 0, ends[np.maximum(upto - 1, 0)], -np.inf)
        overlap = reach - part["start"].to_numpy(float)
        if np.any(overlap > 1e-9):
            i = int(np.argmax(overlap > 1e-9))
            first = part.iloc[i]
            raise BiotransferError(
                f"split {name}: a training window of {recording!r} shares samples with the test window at "
                f"{first['start']:.2f} to {first['stop']:.2f} s. Use split: {{by: subject}}, or by: block."
            )
