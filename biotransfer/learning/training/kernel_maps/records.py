"""What the kernel of maps over time is told, and the memory that it works in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

BANK, JOINED, CONV, EACH, NORM, ELU, RELU, SQUARE, LOG, MEAN, LARGEST, DROP = range(12)
CODE, N_IN, T_IN, N_OUT, T_OUT, KERNEL, PAD, STRIDE, DILATION, FILTERS, TENSOR, BIASED, STATISTIC, CHOSEN = (
    range(14)
)
"""Columns of ``MapShape.ops``."""
EPS, MOMENTUM, KEEP, MOST = range(4)
"""Columns of ``MapShape.reals``: of a norm; what dropout keeps; the largest norm of filters, 0 for any."""


class MapShape(NamedTuple):
    """What the models of a stack have in common.

    Parameters
    ----------
    ops : ndarray, shape (n_ops, 14), int64
        What to compute, in order: code, channels and times in and out, length of filters or tiles, padding,
        stride, dilation, filters over time, position of the first tensor (-1 for none), whether it has a
        bias, where its statistics begin, where what it chose begins.
    reals : ndarray, shape (n_ops, 4), float64
        Epsilon, momentum, share kept, largest norm.
    at : ndarray, shape (n_ops + 1,), int64
        Where the values before each operation begin, and those after the last, in values of one window; an
        activation writes where it reads.
    offsets : ndarray, shape (n_tensors + 1,), int64
        Where each tensor begins in a model's row.
    betas : tuple of float
        Of AdamW's two moments.
    eps, decay : float
        What it adds to the root, and decoupled weight decay.
    batch : int
        Windows per update.
    """

    ops: np.ndarray
    reals: np.ndarray
    at: np.ndarray
    offsets: np.ndarray
    betas: tuple[float, float]
    eps: float
    decay: float
    batch: int


class MapScratch(NamedTuple):
    """Memory for one model's batch.

    Parameters
    ----------
    values : ndarray
        Of all operations.
    slopes, lower : ndarray
        Of what leaves an operation, and of what enters it.
    gradient : ndarray
        Of all tensors.
    patches, row, filters : ndarray
        What filters see of some windows; one padded series; filters as they act.
    statistics : ndarray
        What an operation keeps for its way back.
    chosen : ndarray, int64
        Where the largest values were.
    moments : ndarray, float64
        Of a batch's windows.
    answers : ndarray
        The largest and the sum of all windows.
    kept : ndarray, uint8
        What dropout keeps of an update's values, each batch as (windows, channels, times).
    words : ndarray, shape (1248,), uint32
        Of the generator that draws it, and what they give.
    """

    values: np.ndarray
    slopes: np.ndarray
    lower: np.ndarray
    gradient: np.ndarray
    patches: np.ndarray
    row: np.ndarray
    filters: np.ndarray
    statistics: np.ndarray
    chosen: np.ndarray
    moments: np.ndarray
    answers: np.ndarray
    kept: np.ndarray
    words: np.ndarray


class Given(NamedTuple):
    """What an epoch is given beside the windows.

    Parameters
    ----------
    seeds : ndarray, shape (n_models, n_updates), int64
        Of what dropout draws in every update.
    moments : ndarray, shape (n_rows, n_moments), float64
        Of single windows, see :func:`find_moments`; no rows where they are found anew in every update.
    row_of : ndarray, shape (n_pool,), int64
        Which of the rows belongs to a window.
    """

    seeds: np.ndarray
    moments: np.ndarray
    row_of: np.ndarray
