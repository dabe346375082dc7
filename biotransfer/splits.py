"""Who trains and who tests: grouped splits, and the refusal of overlap.

A split is values, made once and shared by every arm. Rules that let near copies of test windows into training
exist because the field uses them; they are flagged ``leaks`` and every result made with them says so.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from .catalog import Catalog, Entry
from .errors import BiotransferError, check
from .windows import Windows, natural_sorted

_NONE = np.empty(0, dtype=np.int64)


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
    """

    name: str
    rule: str
    train: np.ndarray
    test: np.ndarray
    validation: np.ndarray = field(default_factory=lambda: _NONE)
    donors: np.ndarray = field(default_factory=lambda: _NONE)
    unlabelled: np.ndarray = field(default_factory=lambda: _NONE)
    leaks: bool = False

    @cached_property
    def uid(self) -> str:
        """Hash of the rule and every row number."""
        state = hashlib.sha256(f"{self.rule}|{self.name}".encode())
        parts = [self.train, self.validation, self.test, self.donors]
        for rows in [*parts, self.unlabelled] if len(self.unlabelled) else parts:
            state.update(np.asarray(rows, dtype=np.int64).tobytes() + b"|")
        return state.hexdigest()[:16]

    def __repr__(self) -> str:
        return f"<Split {self.name} by {self.rule}: {len(self.train)} train, {len(self.test)} test>"


def _held_out(
    groups: np.ndarray, train: np.ndarray, number: int, position: int, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Move ``number`` whole groups from ``train`` aside; which ones rotates with the fold's position."""
    if number == 0:
        return train, _NONE
    names = natural_sorted(np.unique(groups[train]))
    check(
        len(names) > number,
        f"split: {what}={number} leaves nobody to train on: the fold has {len(names)} people or recordings "
        f"besides the test. Use {what}={max(len(names) - 1, 0)} or less.",
    )
    chosen = [names[(position + i) % len(names)] for i in range(number)]
    aside = np.isin(groups[train], chosen)
    return train[~aside], train[aside]


def by_subject(
    windows: Windows, *, folds: int | None = None, validation: int = 0, donors: int = 0, seed: int = 0
) -> list[Split]:
    """Test on people the network has never seen.

    Parameters
    ----------
    windows : Windows
        What to split.
    folds : int, optional
        Number of groups of people; leave one person out when not given.
    validation : int
        People kept out of training to watch the curve.
    donors : int
        People kept aside to train the same-modality source.
    seed : int
        Draws the groups of people when ``folds`` is given.

    Raises
    ------
    BiotransferError
        When there are fewer people than the rule needs.
    """
    groups = windows.metadata["subject"].to_numpy(dtype=str)
    people = natural_sorted(np.unique(groups))
    check(
        len(people) >= 2,
        f"split by subject: {windows.metadata['dataset'].iloc[0]!r} has one subject, {people}. "
        "At least two are needed. Use split: {by: recording} or load more subjects.",
    )
    if folds is None:
        tests = [[person] for person in people]
    else:
        check(
            2 <= folds <= len(people),
            f"split: folds={folds} with {len(people)} people. Expected 2 to {len(people)}.",
        )
        order = np.random.default_rng(seed).permutation(len(people))
        tests = [[people[i] for i in sorted(order[f::folds])] for f in range(folds)]
    splits = []
    for position, test_people in enumerate(tests):
        test = np.flatnonzero(np.isin(groups, test_people))
        train = np.flatnonzero(~np.isin(groups, test_people))
        train, aside = _held_out(groups, train, donors, position, "donors")
        train, watched = _held_out(groups, train, validation, position, "validation")
        splits.append(Split("subject=" + "+".join(test_people), "subject", train, test, watched, aside))
    return splits


def by_recording(windows: Windows, *, folds: int = 2) -> list[Split]:
    """Test on other recordings of the same people: the i-th recording of each person and class is in fold i.

    Parameters
    ----------
    windows : Windows
        What to split.
    folds : int
        Number of folds; a person with fewer recordings of a class is missing from some tests.

    Raises
    ------
    BiotransferError
        When a class has a single recording, so that nothing could be trained on.
    """
    check(folds >= 2, f"split: folds={folds}. Expected 2 or more.")
    recordings = windows.metadata["recording"].to_numpy(dtype=str)
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    fold = np.empty(len(windows), dtype=np.int64)
    for subject in np.unique(subjects):
        for label in range(len(windows.classes)):
            mine = (subjects == subject) & (windows.y == label)
            for i, recording in enumerate(natural_sorted(np.unique(recordings[mine]))):
                fold[mine & (recordings == recording)] = i % folds
    shared = [r for r in np.unique(recordings) if len(np.unique(fold[recordings == r])) > 1]
    check(
        not shared,
        f"split by recording: {shared[:3]} hold several classes that fall into different folds. "
        "Use split: {by: block}."
        if shared
        else "",
    )
    rows = np.arange(len(windows))
    return [
        Split(f"recording={f + 1}", "recording", rows[fold != f], rows[fold == f])
        for f in range(folds)
        if np.any(fold == f)
    ]


def by_block(windows: Windows, *, folds: int = 5, gap: float = 1.0) -> list[Split]:
    """Test on a contiguous block of every recording, with a gap around it that nobody uses.

    Parameters
    ----------
    windows : Windows
        What to split.
    folds : int
        Blocks per recording.
    gap : float
        Seconds between training and test samples; windows that reach into the gap are dropped.
    """
    check(folds >= 2, f"split: folds={folds}. Expected 2 or more.")
    check(gap >= 0, f"split: gap={gap} s is negative. Expected 0 or more.")
    table = windows.metadata
    start, stop = table["start"].to_numpy(float), table["stop"].to_numpy(float)
    _, inverse = np.unique(table["recording"].to_numpy(dtype=str), return_inverse=True)
    middle = (start + stop) / 2
    fold = np.empty(len(windows), dtype=np.int64)
    for group in range(inverse.max() + 1):
        mine = np.flatnonzero(inverse == group)
        order = mine[np.argsort(middle[mine], kind="stable")]
        fold[order] = np.arange(len(order)) * folds // len(order)
    splits = []
    for f in range(folds):
        test = np.flatnonzero(fold == f)
        keep = fold != f
        for group in np.unique(inverse[test]):
            mine = test[inverse[test] == group]
            low, high = start[mine].min() - gap, stop[mine].max() + gap
            keep &= ~((inverse == group) & (stop > low) & (start < high))
        splits.append(Split(f"block={f + 1}", "block", np.flatnonzero(keep), test))
    return splits


def by_shuffled_windows(windows: Windows, *, folds: int = 10, seed: int = 0) -> list[Split]:
    """Shuffle all windows, as the field often does: near copies of test windows are trained on. It leaks.

    Parameters
    ----------
    windows : Windows
        What to split.
    folds : int
        Number of folds.
    seed : int
        Draws the shuffle.
    """
    check(2 <= folds <= len(windows), f"split: folds={folds}. Expected 2 to {len(windows)}.")
    order = np.random.default_rng(seed).permutation(len(windows))
    return [
        Split(
            f"fold={f + 1}",
            "shuffled_windows",
            np.sort(np.concatenate([order[g::folds] for g in range(folds) if g != f])),
            np.sort(order[f::folds]),
            leaks=True,
        )
        for f in range(folds)
    ]


SPLITS = Catalog(
    "split",
    [
        Entry("subject", "Test on people never seen in training.", by_subject, facts={"leaks": False}),
        Entry(
            "recording", "Test on other recordings of the same people.", by_recording, facts={"leaks": False}
        ),
        Entry(
            "block",
            "Test on contiguous blocks of each recording, with a gap around them.",
            by_block,
            "Roberts et al. 2017, doi:10.1111/ecog.02881",
            facts={"leaks": False},
        ),
        Entry(
            "shuffled_windows",
            "Shuffle windows before splitting: leaks, kept to reproduce published numbers.",
            by_shuffled_windows,
            facts={"leaks": True},
        ),
    ],
)


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


def check_split(windows: Windows, split: Split) -> None:
    """Refuse a split that shares rows, samples or (by subject) people between training and test.

    Raises
    ------
    BiotransferError
        With the recording and the seconds that both sides would see.
    """
    parts: Mapping[str, np.ndarray] = {
        "train": split.train, "validation": split.validation, "test": split.test, "donors": split.donors,
        "unlabelled": split.unlabelled,
    }  # fmt: skip
    for name in ("train", "test"):
        check(
            len(parts[name]),
            f"split {split.name}: no window left in {name}. Use fewer folds or a smaller gap.",
        )
    everything = np.concatenate(list(parts.values()))
    check(len(np.unique(everything)) == len(everything), f"split {split.name}: a window is in two parts.")
    absent = sorted(set(range(len(windows.classes))) - set(np.unique(windows.y[split.train])))
    check(
        not absent,
        f"split {split.name}: no training window of class {', '.join(windows.classes[i] for i in absent)}. "
        "Leave the class out with classes=[...] or split otherwise.",
    )
    if split.leaks:
        return
    test = windows.metadata.iloc[split.test]
    train = windows.metadata.iloc[
        np.concatenate([split.train, split.validation, split.donors, split.unlabelled])
    ]
    if split.rule == "subject":
        both = sorted(set(test["subject"]) & set(train["subject"]))
        check(
            not both,
            f"split {split.name}: {', '.join(both)} would train and test. Use split: {{by: subject}}.",
        )
    _check_samples(train, test, split.name)


def _check_samples(train: Any, test: Any, name: str) -> None:
    """Refuse training and test windows that saw the same samples of one recording."""
    spans = dict(iter(train.groupby("recording")[["start", "stop"]]))
    for recording, part in test.groupby("recording")[["start", "stop"]]:
        if recording not in spans:
            continue
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
