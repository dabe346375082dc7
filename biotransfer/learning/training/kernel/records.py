"""What the kernel is told of models, and the memory that it works in."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

LINEAR, CONV, NORM, POOL, AVERAGE = range(5)
_PATCHES, _LINE = 1 << 16, 64


class Shape(NamedTuple):
    """What the models of a stack have in common.

    Parameters
    ----------
    kinds : ndarray, shape (n_layers,), int64
        LINEAR, CONV, NORM, POOL or AVERAGE.
    infos : ndarray, shape (n_layers, 6), int64
        Times, channels in and out, length of kernel or tile, groups, and whether a ReLU follows.
    weights : ndarray, shape (n_layers,), int64
        Position of the layer's weight among the tensors, its bias behind it; -1 for none.
    widths, begins : ndarray, shape (n_layers + 1,), int64
        Values of one window before each layer, and after the last; and how many come before them.
    offsets : ndarray, shape (n_tensors + 1,), int64
        Where each tensor begins in a model's row.
    turns : bool
        Whether windows come with their channels first.
    betas : tuple of float
        Of AdamW's two moments.
    eps, decay : float
        What it adds to the root, and decoupled weight decay.
    batch : int
        Windows per update.
    """

    kinds: np.ndarray
    infos: np.ndarray
    weights: np.ndarray
    widths: np.ndarray
    begins: np.ndarray
    offsets: np.ndarray
    turns: bool
    betas: tuple[float, float]
    eps: float
    decay: float
    batch: int


class State(NamedTuple):
    """Everything that moves; one row per model, and per tensor where it says so.

    Parameters
    ----------
    weights, means, squares : ndarray, shape (n_models, n_values)
        Parameters with AdamW's two moments; a row holds more than these, see :func:`aligned_rows`.
    references : ndarray, shape (n_models, n_values) or (0, n_values)
        What anchors pull towards.
    pulls : ndarray, shape (n_models, n_tensors), float64
        How strongly; 0 where there is no anchor.
    rates : ndarray, shape (n_models, n_tensors), float64
        Learning rates; 0 for what is frozen.
    begins : ndarray, shape (n_models, n_tensors), int64
        The first update, from 0, that moves a tensor.
    """

    weights: np.ndarray
    means: np.ndarray
    squares: np.ndarray
    references: np.ndarray
    pulls: np.ndarray
    rates: np.ndarray
    begins: np.ndarray


class Scratch(NamedTuple):
    """Memory for one model's batch.

    Parameters
    ----------
    values, slopes : ndarray
        Of all layers.
    gradient : ndarray
        Of one layer's tensors.
    turned, part : ndarray
        A weight, transposed; a gradient's share.
    patches : ndarray
        What filters see of some windows.
    statistics : ndarray
        Mean and 1 / deviation of every group of every norm.
    chosen : ndarray, int64
        Where the largest values were.
    answers : ndarray
        Of every class, then its largest and its sum, for all windows.
    """

    values: np.ndarray
    slopes: np.ndarray
    gradient: np.ndarray
    turned: np.ndarray
    part: np.ndarray
    patches: np.ndarray
    statistics: np.ndarray
    chosen: np.ndarray
    answers: np.ndarray


def aligned(n: int, dtype: np.dtype) -> np.ndarray:
    """Return zeros that begin where a cache line does: how products round may depend on it."""
    room = np.zeros(n + _LINE // dtype.itemsize, dtype)
    begin = -room.ctypes.data % _LINE // dtype.itemsize
    return room[begin : begin + n]


def aligned_rows(n: int, width: int, dtype: np.dtype) -> np.ndarray:
    """Return rows of zeros with room for ``width`` values, each of which begins where a cache line does."""
    line = _LINE // dtype.itemsize
    room = -(-width // line) * line
    return aligned(n * room, dtype).reshape(n, room)


def make_scratch(shape: Shape, dtype: np.dtype) -> Scratch:
    """Return memory for batches of ``shape.batch``."""
    values = int(shape.widths.sum()) * shape.batch
    largest = int(np.diff(shape.offsets).max())
    convolves = shape.kinds == CONV
    patch = shape.infos[convolves][:, [0, 1, 3]].prod(axis=1).max(initial=0)
    return Scratch(
        values=aligned(values, dtype),
        slopes=aligned(values, dtype),
        gradient=aligned(largest + int(shape.widths.max()), dtype),
        turned=aligned(largest, dtype),
        part=aligned(largest, dtype),
        patches=aligned(max(_PATCHES, int(patch)) if convolves.any() else 0, dtype),
        statistics=aligned(2 * int(shape.infos[:, 4].sum()) * shape.batch, dtype),
        chosen=np.zeros(values if (shape.kinds == POOL).any() else 0, np.int64),
        answers=aligned((int(shape.widths[-1]) + 2) * shape.batch, dtype),
    )
