"""The same samples in two recordings, wherever they stand, found by the samples' own hashes.

Every sample time is hashed over its channels, and places are marked where the hash happens to be a multiple
of 16, so that the same signal is marked at the same places wherever it begins. The hash of the eight samples
from a mark on is its fingerprint. Fingerprints that two recordings share say where they may overlap, which is
then counted in the samples themselves: the work grows with the signal and not with the number of pairs.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from ..datasets.common import NEAR_COPY
from ..recording import Recording
from .finding import Finding, error, warning

_EVERY = 16
_LENGTH = 8
_MOST_PLACES = 8
_LEAST_MARKS = 2
SHARED_SECONDS = 1.0


def copy_findings(recordings: Sequence[Recording]) -> Iterator[Finding]:
    """Yield recordings that repeat others of the set, whole or for a second or more.

    Notes
    -----
    near_copy: nine in ten of the samples of the shorter one, or more, are those of the other. shared: fewer,
    but a second or more. Samples count where they agree in every channel at one distance, and move.
    """
    pairs = _candidates(recordings)
    for (first, second), lags in sorted(pairs.items(), key=lambda item: (item[0][1], item[0][0])):
        a, b = recordings[first], recordings[second]
        x, y = a.raw.get_data(picks=a.picks), b.raw.get_data(picks=b.picks)
        hits, lag = max((_equal(x, y, lag), lag) for lag, _ in lags.most_common(3))
        share = hits / min(x.shape[1], y.shape[1])
        if share >= NEAR_COPY:
            message = f"{share:.2%} of its samples are those of {a.uid}: keep one of the two."
            yield error("near_copy", b.uid, message, share)
        elif hits >= SHARED_SECONDS * b.sfreq:
            other = f"{a.uid} at {max(0, lag) / a.sfreq:.1f} s" if lag else a.uid
            message = f"{hits / b.sfreq:.1f} s of its samples are also in {other}."
            yield warning("shared", b.uid, message, share)


def _candidates(recordings: Sequence[Recording]) -> dict[tuple[int, int], Counter[int]]:
    """Return pairs of recordings that share fingerprints, with the distances at which they do."""
    prints, places, owners = [], [], []
    for i, recording in enumerate(recordings):
        marks, where = _fingerprints(recording.raw.get_data(picks=recording.picks))
        prints.append(marks)
        places.append(where)
        owners.append(np.full(len(marks), i))
    marks, where, owner = (np.concatenate(parts) for parts in (prints, places, owners))
    order = np.argsort(marks, kind="stable")
    marks, where, owner = marks[order], where[order], owner[order]
    borders = np.concatenate([[0], np.flatnonzero(np.diff(marks)) + 1, [len(marks)]])
    found: dict[tuple[int, int], Counter[int]] = {}
    sizes = np.diff(borders)
    for begin in borders[:-1][(sizes >= 2) & (sizes <= _MOST_PLACES)]:
        end = int(np.searchsorted(marks, marks[begin], side="right"))
        for i in range(begin, end):
            for j in range(i + 1, end):
                if owner[i] != owner[j]:
                    lags = found.setdefault((int(owner[i]), int(owner[j])), Counter())
                    lags[int(where[i] - where[j])] += 1
    return {pair: lags for pair, lags in found.items() if lags.most_common(1)[0][1] >= _LEAST_MARKS}


def _fingerprints(data: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return fingerprints and where they stand; those of samples that do not move are left out."""
    n = data.shape[1] - _LENGTH
    if n < 1:
        return np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
    draws = np.random.default_rng(0).integers(1, 2**63, size=(2, max(len(data), _LENGTH)), dtype=np.uint64)
    odd = draws | np.uint64(1)
    bits = np.ascontiguousarray(data).view(np.uint64)
    with np.errstate(over="ignore"):
        column = np.zeros(data.shape[1], dtype=np.uint64)
        for factor, channel in zip(odd[0], bits, strict=False):
            mixed = channel * factor
            column += mixed ^ (mixed >> np.uint64(29))
        column *= odd[1, 0]
        column ^= column >> np.uint64(32)
        marked = np.flatnonzero(column[:n] % np.uint64(_EVERY) == 0)
        marked = marked[column[marked] != column[marked + 1]]
        total = np.zeros(len(marked), dtype=np.uint64)
        for k in range(_LENGTH):
            total = total * odd[1, 1] + column[marked + k]
    return total, marked


def _equal(x: np.ndarray, y: np.ndarray, lag: int) -> int:
    """Count the samples of ``y`` that are those of ``x`` ``lag`` samples later."""
    if len(x) != len(y):
        return 0
    a, b = x[:, max(0, lag) :], y[:, max(0, -lag) :]
    n = min(a.shape[1], b.shape[1])
    same = (a[:, :n] == b[:, :n]).all(axis=0)
    moves = np.ones(n, dtype=bool)
    moves[1:] = (np.diff(b[:, :n], axis=1) != 0).any(axis=0)
    still = same & ~moves
    return int(same.sum() - (still.sum() if still.mean() > 0.5 else 0))
