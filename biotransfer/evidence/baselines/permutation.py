"""Chance for the test windows at hand: the labels of whole recordings permuted inside every person."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...errors import check

_TIE = 1e-12
_TRAINED_EACH_OTHER = 2.0
"""How much wider the variance under no relation is than permuted labels of fixed predictions show."""


class LabelNull(NamedTuple):
    """What :func:`label_null` found.

    ``observed`` balanced accuracy (mean over people), what permuted labels give (``null``), the p of the
    former and the ``floor`` of p: what predictions without any error would get.
    """

    observed: float
    null: np.ndarray
    p: float
    floor: float


def permute_labels(y: ArrayLike, blocks: ArrayLike, subjects: ArrayLike, *, seed: int) -> np.ndarray:
    """Permute the labels of whole recordings inside every person.

    Parameters
    ----------
    y : array_like, shape (n_windows,), int
        Class codes.
    blocks, subjects : array_like, shape (n_windows,), str
        As for :func:`label_null`.
    seed : int
        Draws the permutation.

    Returns
    -------
    ndarray, shape (n_windows,), int64
        Every recording keeps one label, every person as many recordings of each class.

    Examples
    --------
    >>> permute_labels([0, 0, 1], ["r1", "r1", "r2"], ["a"] * 3, seed=1).tolist() in ([0, 0, 1], [1, 1, 0])
    True
    """
    true = np.asarray(y)
    (people, everybody), (names, _) = _codes(subjects), _codes(blocks)
    rng = np.random.default_rng(seed)
    out = np.empty(len(true), dtype=np.int64)
    for person in range(everybody):
        mine = people == person
        inverse, labels = _blocks(names[mine], true[mine])
        out[mine] = rng.permutation(labels)[inverse]
    return out


def _blocks(names: np.ndarray, labels: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the block of every window, and the label of every block: recordings, apart by class."""
    keys = names * (int(labels.max()) + 1) + labels
    _, first, inverse = np.unique(keys, return_index=True, return_inverse=True)
    return inverse, labels[first].astype(np.int64)


def _codes(values: ArrayLike) -> tuple[np.ndarray, int]:
    """Return the place of every value among the sorted ones, and how many there are."""
    codes, names = pd.factorize(np.asarray(values), sort=True)
    return codes.astype(np.int64), len(names)


def label_null(
    y_true: ArrayLike,
    y_pred: ArrayLike,
    blocks: ArrayLike,
    subjects: ArrayLike,
    *,
    shared: bool = True,
    n_permutations: int = 1999,
    seed: int = 0,
) -> LabelNull:
    """Test over the recordings of these people that their labels mean nothing to the predictions.

    It says nothing about other people: for those, people are the sample (:func:`.mean_interval`).

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n_windows,), int
        Class codes; one prediction per test window.
    blocks : array_like, shape (n_windows,), str
        The recording of each window. A recording that holds several classes counts as several blocks.
    subjects : array_like, shape (n_windows,), str
        The person of each window.
    shared : bool
        Whether people who are tested trained the predictions of others, as in leaving people out in turn.
    n_permutations : int
        Random assignments of labels to recordings inside people, the predictions left as they are.
    seed : int
        Draws them.

    Returns
    -------
    LabelNull
        ``null`` has shape (n_permutations,); p = (1 + number of null values at or above the observed one) /
        (1 + n_permutations). Few recordings have few assignments, so p has a floor above that.

    Raises
    ------
    BiotransferError
        When arrays differ in length.

    Notes
    -----
    Windows of one recording stay together, so that a recording counts once however many windows it gives.
    Exact where nobody who is tested trained anything (``shared=False``). Where people are left out in turn,
    two people who look alike by chance raise each other, once as a test person and once as a training person;
    fixed predictions show one half of that variance. The sum over pairs counts each twice: (a + a)^2 = 2 (a^2
    + a^2). So the distribution is widened by sqrt(2) about its mean. Simulated without any relation (4 to 14
    people, 4 to 10 recordings each, 2 and 3 classes, four classifiers, ``benchmarks/bench_statistics.py``),
    p <= 0.05 in 1 to 4 % and p <= 0.01 in 0 to 1 %; without it 5 to 11 % and 1 to 4 %.

    Source: Ojala & Garriga 2010, JMLR 11:1833, test 1, with recordings in place of samples.
    """
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    (people, everybody), (names, _) = _codes(subjects), _codes(blocks)
    check(
        len(true) == len(pred) == len(names) == len(people) > 0,
        f"y_true, y_pred, blocks and subjects have {len(true)}, {len(pred)}, {len(names)} and {len(people)} "
        "entries. Expected one per test window.",
    )
    n_classes = int(max(true.max(), pred.max())) + 1
    rng = np.random.default_rng(seed)
    told, right = np.zeros(1 + n_permutations), np.zeros(1 + n_permutations)
    for person in range(everybody):
        mine = people == person
        inverse, labels = _blocks(names[mine], true[mine])
        orders = np.argsort(rng.random((n_permutations, len(labels))), axis=1)
        assigned = np.concatenate([labels[None], labels[orders]])
        told += _recalls(assigned, _tally(inverse, pred[mine], n_classes)) / everybody
        right += _recalls(assigned, _tally(inverse, true[mine], n_classes)) / everybody
    null, p = _placed(told, shared)
    return LabelNull(float(told[0]), null, p, _placed(right, shared)[1])


def _tally(blocks: np.ndarray, classes: np.ndarray, n_classes: int) -> np.ndarray:
    """Count the windows of every block that were given each class."""
    counts = np.zeros((int(blocks.max()) + 1, n_classes))
    np.add.at(counts, (blocks, classes), 1.0)
    return counts


def _placed(values: np.ndarray, shared: bool) -> tuple[np.ndarray, float]:
    """Return the null distribution, and p of the first value, the observed one."""
    observed, null = values[0], values[1:]
    if shared and null.size:
        center = null.mean()
        null = np.clip(center + np.sqrt(_TRAINED_EACH_OTHER) * (null - center), 0.0, 1.0)
    return null, float((1 + np.sum(null >= observed - _TIE)) / (1 + null.size))


def _recalls(labels: np.ndarray, counts: np.ndarray) -> np.ndarray:
    """Mean recall over the classes present, for every assignment (row) of labels to blocks."""
    sizes = counts.sum(axis=1)
    recall, present = np.zeros(len(labels)), np.zeros(len(labels))
    for label in np.unique(labels[0]):
        chosen = labels == label
        windows = chosen @ sizes
        recall += (chosen @ counts[:, label]) / windows
        present += 1
    return recall / present
