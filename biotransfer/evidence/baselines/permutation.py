"""Chance for the test windows at hand: the labels of whole recordings permuted inside every person."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...errors import check

_TIE = 1e-12


class LabelNull(NamedTuple):
    """Observed balanced accuracy (mean over people), what permuted labels give, and the p of the former."""

    observed: float
    null: np.ndarray
    p: float


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
    n_permutations: int = 1999,
    seed: int = 0,
) -> LabelNull:
    """Permute the labels of whole recordings inside every person, the predictions left as they are.

    Parameters
    ----------
    y_true, y_pred : array_like, shape (n_windows,), int
        Class codes; one prediction per test window.
    blocks : array_like, shape (n_windows,), str
        The recording of each window. A recording that holds several classes counts as several blocks.
    subjects : array_like, shape (n_windows,), str
        The person of each window.
    n_permutations : int
        Random assignments.
    seed : int
        Draws them.

    Returns
    -------
    LabelNull
        ``null`` has shape (n_permutations,); p = (1 + number of null values at or above the observed one) /
        (1 + n_permutations).

    Raises
    ------
    BiotransferError
        When arrays differ in length.

    Notes
    -----
    Exact when the predictions of a person do not depend on this person's labels, as in leaving people out:
    then the labels of the person's recordings can be exchanged if they are not related to the signal. Windows
    of one recording stay together, so that a recording counts once however many windows it gives.
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
    total, observed = np.zeros(n_permutations), 0.0
    for person in range(everybody):
        mine = people == person
        inverse, labels = _blocks(names[mine], true[mine])
        counts = np.zeros((len(labels), n_classes))
        np.add.at(counts, (inverse, pred[mine]), 1.0)
        orders = np.argsort(rng.random((n_permutations, len(labels))), axis=1)
        values = _recalls(np.concatenate([labels[None], labels[orders]]), counts)
        observed += values[0]
        total += values[1:]
    null, observed = total / everybody, observed / everybody
    return LabelNull(
        float(observed), null, float((1 + np.sum(null >= observed - _TIE)) / (1 + n_permutations))
    )


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
