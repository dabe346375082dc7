"""The same signal under two names: copies found by content, whatever their files and time stamps say.

A copy may be cut elsewhere, hold part of the original, or differ in a few samples by the last digit, so no
hash of a file or window finds it. Here the signs of all channels' steps over a stretch of samples make a key
that does not depend on where the stretch lies; equal keys are candidates, and the signals decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from ...errors import check
from ..windows import Windows
from .split import Split

_STEPS = 24
_KEEP = 4
_MOST_PLACES = 6
_DIFFER = 0.1
_LEAST_STEPS = 16


@dataclass(frozen=True)
class Copy:
    """A window that holds what another recording's window holds.

    Parameters
    ----------
    first, second : str
        Uids of the two windows.
    first_recording, second_recording : str
        Where they are from.
    seconds : float
        How much they share.
    differ : float
        Root mean square of the difference, as a share of the signal's deviation.
    """

    first: str
    second: str
    first_recording: str
    second_recording: str
    seconds: float
    differ: float


def find_copies(windows: Windows) -> list[Copy]:
    """Find signal that stands in two recordings.

    Parameters
    ----------
    windows : Windows
        Signals, as cut; features remember too little of where they come from.

    Returns
    -------
    list of Copy
        Every pair of windows of two recordings that share samples.

    Raises
    ------
    BiotransferError
        For features.

    Notes
    -----
    Source: own. Every sample of a window gets a key: the signs of the next 24 steps of every channel. A
    quarter of the keys (by their own value, so the same on both sides) are looked up; a key that stands in
    more than six places says nothing. Two windows are copies when, laid over each other as the keys say, they
    differ by less than a tenth of their deviation over at least 24 steps. Volume and offset do not matter to
    the keys, but do to the comparison.
    """
    check(
        windows.is_signal,
        "windows are features: copies are found in signals. Pass the windows before extract_features.",
    )
    if len(windows) < 2 or windows.X.shape[2] <= _STEPS:
        return []
    names, recording = np.unique(windows.metadata["recording"].to_numpy(dtype=str), return_inverse=True)
    sfreq = float(windows.sfreq or 1.0)
    begin = np.round(windows.metadata["start"].to_numpy(float) * sfreq).astype(np.int64)
    return [
        copy
        for one, other, lag in _candidates(windows.X, recording, begin)
        for copy in _compare(windows, names, recording, begin, one, other, lag, sfreq)
    ]


def _keys(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return a key per window and sample, and whether enough of its steps move to mean something."""
    steps = np.sign(np.diff(X, axis=2)).astype(np.int8)
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 2**62, size=(X.shape[1],), dtype=np.int64).astype(np.uint64)
    with np.errstate(over="ignore"):
        code = np.zeros((X.shape[0], steps.shape[2]), dtype=np.uint64)
        turns = np.zeros(code.shape, dtype=np.int32)
        for channel in range(X.shape[1]):
            code += (steps[:, channel] + 1).astype(np.uint64) * weights[channel]
            turns[:, 1:] += steps[:, channel, 1:] != steps[:, channel, :-1]
        n = steps.shape[2] - _STEPS + 1
        key = np.zeros((X.shape[0], n), dtype=np.uint64)
        lively = np.zeros(key.shape, dtype=np.int32)
        for i in range(_STEPS):
            key = key * np.uint64(6364136223846793005) + code[:, i : i + n] + np.uint64(1442695040888963407)
            lively += turns[:, i : i + n] if i else 0
        key ^= key >> np.uint64(29)
        key *= np.uint64(0xBF58476D1CE4E5B9)
        key ^= key >> np.uint64(32)
    return key, lively >= _LEAST_STEPS


def _candidates(X: np.ndarray, recording: np.ndarray, begin: np.ndarray) -> list[tuple[int, int, int]]:
    """Return (recording, recording, lag in samples) of every pair that has a key in common."""
    key, lively = _keys(X)
    wanted = lively & (key % np.uint64(_KEEP) == 0)
    row, offset = np.nonzero(wanted)
    place = np.stack([recording[row], begin[row] + offset], axis=1)
    table = np.unique(np.column_stack([key[row, offset].view(np.int64), place]), axis=0)
    starts = np.flatnonzero(np.diff(table[:, 0], prepend=table[:1, 0] - 1))
    counts = np.diff(starts, append=len(table))
    several = (counts > 1) & (counts <= _MOST_PLACES)
    found: set[tuple[int, int, int]] = set()
    for start, count in zip(starts[several], counts[several], strict=True):
        for (_, one, at), (_, other, there) in combinations(table[start : start + count].tolist(), 2):
            if one != other:
                found.add((one, other, there - at))
    return sorted(found)


def _compare(
    windows: Windows,
    names: np.ndarray,
    recording: np.ndarray,
    begin: np.ndarray,
    one: int,
    other: int,
    lag: int,
    sfreq: float,
) -> list[Copy]:
    """Lay the windows of two recordings over each other and keep the pairs that agree."""
    uids, length = windows.metadata["uid"].to_numpy(dtype=str), windows.X.shape[2]
    mine, theirs = np.flatnonzero(recording == one), np.flatnonzero(recording == other)
    theirs = theirs[np.argsort(begin[theirs], kind="stable")]
    out = []
    for i in mine:
        at = begin[i] + lag
        low, high = np.searchsorted(begin[theirs], [at - length + _STEPS + 1, at + length - _STEPS])
        for j in theirs[low:high]:
            shift = int(begin[j] - at)
            a = windows.X[i][:, max(shift, 0) : length + min(shift, 0)].astype(np.float64)
            b = windows.X[j][:, max(-shift, 0) : length - max(shift, 0)].astype(np.float64)
            a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
            deviation = np.sqrt(np.mean(a**2, axis=1))
            moves = deviation > 0
            if not moves.any():
                continue
            differ = float(np.max(np.sqrt(np.mean((a - b)[moves] ** 2, axis=1)) / deviation[moves]))
            if differ < _DIFFER:
                out.append(
                    Copy(uids[i], uids[j], str(names[one]), str(names[other]), a.shape[1] / sfreq, differ)
                )
    return out


def shared_content(windows: Windows, split: Split, *, copies: Sequence[Copy] | None = None) -> list[Copy]:
    """Return copies of which one stands in the test and the other on the training side.

    Parameters
    ----------
    windows : Windows
        What ``split`` splits.
    split : Split
        Which rows train and test.
    copies : sequence of Copy, optional
        What :func:`find_copies` found in the signals; looked for in ``windows`` when not given, which must
        then be signals.

    Returns
    -------
    list of Copy
        ``first`` is the test window, ``second`` what was seen before it.
    """
    copies = find_copies(windows) if copies is None else copies
    if not copies:
        return []
    uids = windows.metadata["uid"].to_numpy(dtype=str)
    tested, seen = set(uids[split.test]), set(uids[split.seen])
    out = []
    for c in copies:
        if c.first in tested and c.second in seen:
            out.append(c)
        elif c.second in tested and c.first in seen:
            out.append(Copy(c.second, c.first, c.second_recording, c.first_recording, c.seconds, c.differ))
    return out
