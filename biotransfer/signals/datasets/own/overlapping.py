"""Trials that were cut with an overlap: their signal tells, whatever they are called."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ....errors import check

_STRETCH, _SHARE, _TURNS = 16, 0.25, 8
_BASE = np.uint64(6364136223846793005)


def check_no_overlap(trials: Sequence[np.ndarray], people: Sequence[str]) -> None:
    """Refuse trials of one person of which one begins inside another.

    Parameters
    ----------
    trials : sequence of ndarray, shape (n_chans, n_times)
        Signals, in any unit.
    people : sequence of str
        Who was recorded, one for each.

    Raises
    ------
    BiotransferError
        With two such trials, and how much they share.

    Notes
    -----
    Trials are independent recordings to a split, which would train and test on the same samples. Two overlap
    where one begins with exactly what another ends with, over a quarter of it or more, in a signal that turns
    there in every second sample of 16. Source: own.
    """
    for person in dict.fromkeys(people):
        mine = [i for i, name in enumerate(people) if name == person and trials[i].shape[1] >= _STRETCH]
        if len(mine) > 1:
            _check_person(trials, mine)


def _check_person(trials: Sequence[np.ndarray], mine: Sequence[int]) -> None:
    keys = [_keys(trials[i]) for i in mine]
    firsts = {int(own[0]): k for k, own in enumerate(keys)}
    starts = np.array(list(firsts), dtype=np.uint64)
    for k, own in enumerate(keys):
        for at in np.flatnonzero(np.isin(own, starts)):
            other = firsts[int(own[at])]
            if other != k:
                _check_pair(trials, mine[k], mine[other], int(at))


def _check_pair(trials: Sequence[np.ndarray], i: int, j: int, at: int) -> None:
    n = min(trials[i].shape[1] - at, trials[j].shape[1])
    first, second = trials[i][:, at : at + n], trials[j][:, :n]
    turns = np.abs(np.diff(np.sign(np.diff(first[:, :_STRETCH], axis=1)), axis=1)).any(axis=0).sum()
    same = n >= _SHARE * trials[j].shape[1] and turns >= _TURNS and np.array_equal(first, second)
    check(
        not same,
        f"X[{j}] begins with what X[{i}] holds from sample {at} on, {n} samples: trials were cut with an "
        "overlap, and a split would train and test on the same signal. Expected trials that share no sample. "
        "Pass the signal uncut, and let cut_windows(length=..., step=...) overlap them.",
    )


def _keys(trial: np.ndarray) -> np.ndarray:
    """Return one number for each stretch of 16 samples of all channels."""
    rng = np.random.default_rng(0)
    weights = rng.integers(1, 2**62, size=len(trial), dtype=np.int64).astype(np.uint64) | np.uint64(1)
    bits = np.ascontiguousarray(trial, dtype=np.float64).view(np.uint64)
    with np.errstate(over="ignore"):
        code = (bits * weights[:, None]).sum(axis=0, dtype=np.uint64)
        n = len(code) - _STRETCH + 1
        key = np.zeros(n, dtype=np.uint64)
        for i in range(_STRETCH):
            key = key * _BASE + code[i : i + n]
    return key
