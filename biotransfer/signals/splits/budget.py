"""How much labelled target data a training gets: seconds of distinct signal per class.

A budget changes whose labels a split may use, never what it tests on, and is the same for every arm.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ...errors import check
from ...settings import Reader, Settings, UnexpectedError, key, maybe, number, option, whole
from ..windows import Windows, natural_sorted
from .checking import check_apart, check_split
from .split import NONE, Split

ALL = "all"
LABELS_OF = ("test_person", "training_people")
OTHERS = ("unlabelled", "labelled")
_ROUNDING = 1e-6


def _seconds(where: str, given: Any) -> tuple[float, ...] | str:
    if isinstance(given, str) and given == ALL:
        return ALL
    listed = given if isinstance(given, (list, tuple)) else [given]
    try:
        values = [number(0).accepts(where, s) for s in listed]
    except UnexpectedError:
        values = []
    if not values:
        raise UnexpectedError
    check(len(set(values)) == len(values), f"{where}={given!r} repeats one. Name each once.")
    return tuple(sorted(values))


@dataclass(frozen=True)
class Budget(Settings):
    """How much labelled target data a training gets: all of it, or seconds per class.

    Parameters
    ----------
    seconds : sequence of float or "all"
        Labelled seconds per class, each a budget of its own.
    labels_of : {"test_person", "training_people"}
        Whose labels they are, see :func:`budget_splits`.
    others : {"unlabelled", "labelled"}
        What the training people add to a test person's labels.
    epochs : int, optional
        Passes over the labelled windows; as for every training when not given.
    """

    SECTION = "budget"
    ALONE = "seconds"

    seconds: Any = key(
        "all, or labelled seconds per class, such as [0, 1, 2, 5, 10].",
        Reader("all, or labelled seconds per class, such as [0, 1, 2, 5, 10]", _seconds),
        ALL,
    )
    labels_of: str = key(
        "Whose labels: the test person's, from other recordings, or the training people's.",
        option(LABELS_OF),
        LABELS_OF[0],
    )
    others: str = key(
        "What the training people add to a test person's labels: unlabelled windows, or labelled ones.",
        option(OTHERS),
        OTHERS[0],
    )
    epochs: int | None = key(
        "Passes over the labelled windows; train.epochs when left out.", maybe(whole(1)), None
    )

    def agree(self) -> None:
        """Refuse labels of others where the training people's are counted, and choices about all labels."""
        others = {name: value for name, value in self.defaults().items() if name != "seconds"}
        check(
            not self.everything or all(getattr(self, name) == value for name, value in others.items()),
            f"budget: {', '.join(others)} say whose labels are counted, and seconds='all' counts none. Leave "
            "them out, or give seconds: [1, 2, 5, 10].",
        )
        check(
            self.calibrates or self.others == "unlabelled",
            "budget.others='labelled' goes with labels_of: test_person. Leave it out.",
        )

    def plain(self) -> Any:
        """Return "all", or every key with its value."""
        return ALL if self.everything else super().plain()

    @property
    def everything(self) -> bool:
        """Whether all labels are used."""
        return bool(self.seconds == ALL)

    @property
    def calibrates(self) -> bool:
        """Whether the test person's own labels are counted."""
        return self.labels_of == "test_person"

    @property
    def names(self) -> list[str]:
        """The budgets as tables write them, from the smallest."""
        return [ALL] if self.everything else [budget_name(s) for s in self.seconds]

    @property
    def always_labelled(self) -> bool:
        """Whether every training has labelled windows."""
        return self.everything or self.others == "labelled" or min(self.seconds) > 0

    @property
    def ever_labelled(self) -> bool:
        """Whether the largest budget leaves trainings a labelled window."""
        return self.everything or self.others == "labelled" or max(self.seconds) > 0


def budget_name(seconds: float) -> str:
    """Return a budget as tables write it.

    Examples
    --------
    >>> budget_name(2.0), budget_name(0.5)
    ('2', '0.5')
    """
    return f"{seconds:g}"


def budget_seconds(name: str) -> float:
    """Return the seconds of a budget's name, infinite for "all"; they order budgets."""
    return float("inf") if name == ALL else float(name)


def budget_label(name: str) -> str:
    """Return a budget as people read it.

    Examples
    --------
    >>> [budget_label(name) for name in ("all", "0", "5")]
    ['all labels', 'no labels', '5 s of labels per class']
    """
    known = {ALL: "all labels", "0": "no labels"}
    return known.get(name, f"{name} s of labels per class")


def budget_splits(
    windows: Windows,
    split: Split,
    seconds: float | Sequence[float],
    *,
    labels_of: str = LABELS_OF[0],
    others: str = OTHERS[0],
    seed: int = 0,
) -> list[Split]:
    """Return one split per budget: the same test, and so many labelled seconds of every class to train on.

    Parameters
    ----------
    windows : Windows
        What ``split`` splits.
    split : Split
        One fold; with ``labels_of="test_person"`` it tests one person whom it does not train on.
    seconds : float or sequence of float
        Labelled seconds per class of distinct signal; a larger budget holds the smaller ones. 0 is no label.
    labels_of : {"test_person", "training_people"}
        Whose labels are counted. "test_person": calibration. For every class the first half of the person's
        recordings, in order, is labelled from its beginning, and the test shrinks to the other half.
        "training_people": windows of the training people in turn, each person's from the beginning; the
        test stays whole.
    others : {"unlabelled", "labelled"}
        With "test_person", what the training people are for: signals without labels, or labelled training
        data that every budget is added to.
    seed : int
        Draws the order of the training people.

    Returns
    -------
    list of Split
        In the order of ``seconds``. Training windows that a budget leaves without label are ``unlabelled``;
        with a budget of 0 ``train`` may be empty.

    Raises
    ------
    BiotransferError
        When somebody has too little signal, or one recording of a class only.
    """
    asked = [float(s) for s in np.atleast_1d(np.asarray(seconds, dtype=float))]
    Budget(asked, labels_of, others)
    check(not split.leaks, f"split {split.name} leaks: a budget counts distinct seconds. Use by: subject.")
    if labels_of == "training_people":
        queues = list(_in_turn(windows, split, seed))
        pool, test, always, apart = split.train, split.test, NONE, split.apart
    else:
        pool, test = _calibration(windows, split)
        queues = [pool[windows.y[pool] == label] for label in np.unique(windows.y[test])]
        always, apart = (split.train if others == "labelled" else NONE), "recording"
    made = []
    for s in asked:
        taken = [_take(windows, queue, s, split.name) for queue in queues]
        labelled = np.sort(np.concatenate([always, *taken]).astype(np.int64))
        rest = np.setdiff1d(np.concatenate([split.train, pool]), labelled)
        item = replace(split, train=labelled, test=test, unlabelled=rest, apart=apart)
        (check_split if len(labelled) else check_apart)(windows, item)
        made.append(item)
    return made


def _calibration(windows: Windows, split: Split) -> tuple[np.ndarray, np.ndarray]:
    """Halve the test person's recordings: rows to calibrate on, in order, and rows to test on."""
    table = windows.metadata.iloc[split.test]
    people = natural_sorted(table["subject"].unique())
    check(
        len(people) == 1 and people[0] not in set(windows.metadata["subject"].iloc[split.seen]),
        f"split {split.name} by {split.rule}: it tests {', '.join(people[:5])}. labels_of: test_person needs "
        "one person per fold who is not in training. Use split: {by: subject}, or "
        "labels_of: training_people.",
    )
    recordings, y = table["recording"].to_numpy(dtype=str), windows.y[split.test]
    session = dict(zip(recordings, table["session"].astype(str), strict=True))
    alike: dict[tuple[int, ...], list[str]] = {}
    for name in natural_sorted(set(recordings.tolist())):
        alike.setdefault(tuple(np.unique(y[recordings == name]).tolist()), []).append(name)
    first: list[str] = []
    for members in alike.values():
        days = natural_sorted({session[name] for name in members})
        ordered = sorted(members, key=lambda name: days.index(session[name]))
        first += ordered[: len(ordered) // 2]
    mine = np.isin(recordings, first)
    for label in np.unique(y):
        check(
            np.any(mine & (y == label)) and np.any(~mine & (y == label)),
            f"budget: {people[0]} of {table['dataset'].iloc[0]!r} has one recording of "
            f"{windows.classes[label]}, so nothing is left to test on after calibration. Leave the person "
            "out, or use budget: {seconds: [...], labels_of: training_people}.",
        )
    order = {name: i for i, name in enumerate(first)}
    rows = split.test[mine]
    place = np.array([order[name] for name in recordings[mine]])
    start = windows.metadata["start"].to_numpy(float)[rows]
    return rows[np.lexsort([start, place])], split.test[~mine]


def _in_turn(windows: Windows, split: Split, seed: int) -> Iterator[np.ndarray]:
    """Yield, class by class, the training rows: everybody's first window, everybody's second, ..."""
    table, y = windows.metadata.iloc[split.train], windows.y[split.train]
    subjects = table["subject"].to_numpy(dtype=str)
    people = natural_sorted(set(subjects.tolist()))
    rng = np.random.default_rng([seed, zlib.crc32(split.name.encode())])
    turn = dict(zip(people, rng.permutation(len(people)).tolist(), strict=True))
    names = natural_sorted(table["recording"].unique())
    place = {name: i for i, name in enumerate(names)}
    at = np.array([place[name] for name in table["recording"]])
    for label in np.unique(y):
        mine = np.flatnonzero(y == label)
        mine = mine[np.lexsort([table["start"].to_numpy(float)[mine], at[mine]])]
        seen: dict[str, int] = {}
        position = []
        for i in mine:
            position.append(seen.get(subjects[i], 0))
            seen[subjects[i]] = position[-1] + 1
        order = np.lexsort([[turn[subjects[i]] for i in mine], position])
        yield split.train[mine[order]]


def _take(windows: Windows, queue: np.ndarray, seconds: float, name: str) -> np.ndarray:
    """Return the longest beginning of ``queue`` that saw no more than ``seconds``."""
    if seconds == 0:
        return NONE
    table = windows.metadata.iloc[queue]
    recording = table["recording"].to_numpy(dtype=str)
    start, stop = table["start"].to_numpy(float), table["stop"].to_numpy(float)
    reach: dict[str, float] = {}
    total, taken = 0.0, 0
    for where, begin, end in zip(recording, start, stop, strict=True):
        added = max(end - max(begin, reach.get(where, begin)), 0.0)
        if total + added > seconds + _ROUNDING:
            break
        reach[where] = max(end, reach.get(where, end))
        total, taken = total + added, taken + 1
    label = windows.classes[windows.y[queue[0]]]
    check(
        taken > 0,
        f"budget of {seconds:g} s, split {name}: a window of {label} sees {stop[0] - start[0]:g} s. "
        "Ask for more seconds, or cut shorter windows.",
    )
    check(
        taken < len(queue) or total >= seconds - _ROUNDING,
        f"budget of {seconds:g} s, split {name}: there are {total:g} s of {label} to label. "
        f"Use budgets up to {np.floor(total):g}.",
    )
    return queue[:taken]
