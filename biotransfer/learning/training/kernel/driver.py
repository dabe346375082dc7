"""The entries of the kernel: an epoch of every model, or what it says.

Compiled by numba at the first use and kept on disk until a file of this folder changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from .activations import rectify, stop_rectified
from .adamw import step_layer
from .answers import answer, count_windows
from .compiling import compiled, entry
from .convolutions import convolve, convolve_gradient, convolve_slope
from .linear import linear, linear_gradient, linear_slope
from .norms import normalize, normalize_back
from .pooling import average, average_slope, pool, pool_slope
from .records import CONV, LINEAR, POOL
from .tensors import moves, values_before


def sources() -> list[Path]:
    """Return the files of all that is compiled here."""
    return sorted(Path(__file__).parent.glob("*.py"))


def _command(signature: tuple[Any, ...]) -> str:
    """Return the code that compiles an entry for arguments of these types."""
    above, dtype = __name__.rsplit(".", 2)[0], str(signature[3].dtype)
    return f"from {above}.compiled import compile_kernel; compile_kernel({dtype!r})"


_entry = entry(_command, sources())


@_entry
def train_epoch(shape, state, scratch, X, order, y, update, loss, hits, counts):
    """Train every model on its windows once.

    Parameters
    ----------
    shape : Shape
        Of the models.
    state : State
        Changed in place.
    scratch : Scratch
        Overwritten.
    X : ndarray, shape (n_pool, n_values)
        All windows, flat.
    order : ndarray, shape (n_models, n_train), int64
        Windows of each model in the order in which it sees them.
    y : ndarray, shape (n_pool,), int64
        Labels.
    update : int
        How many updates were made before.
    loss : ndarray, shape (n_models,), float64
        Filled with the sum of the windows' cross-entropies, each as its update saw it.
    hits : ndarray, shape (n_models,), int64
        Filled with how many windows were classified correctly.
    counts : ndarray, shape (n_models, n_train) or (n_models, 0)
        What each window of ``order`` counts in the gradients; the same without any.
    """
    n_train = order.shape[1]
    for m in range(order.shape[0]):
        loss[m], hits[m], made = 0.0, 0, update
        for begin in range(0, n_train, shape.batch):
            rows = order[m, begin : min(begin + shape.batch, n_train)]
            _forward(shape, state.weights[m], scratch, X, rows)
            found = answer(shape, scratch, y, rows)
            if counts.shape[1] > 0:
                count_windows(shape, scratch, counts[m, begin : begin + len(rows)])
            loss[m] += found[0]
            hits[m] += found[1]
            _backward(shape, state, scratch, m, len(rows), made)
            made += 1


@_entry
def find_logits(shape, state, scratch, X, rows, out):
    """Fill in ``out``, shape (n_models, n_windows, n_classes), for each model's ``rows`` of ``X``."""
    n_windows, n_classes = rows.shape[1], shape.widths[-1]
    at = shape.begins[-1] * shape.batch
    for m in range(rows.shape[0]):
        for begin in range(0, n_windows, shape.batch):
            part = rows[m, begin : min(begin + shape.batch, n_windows)]
            _forward(shape, state.weights[m], scratch, X, part)
            for i in range(len(part)):
                for c in range(n_classes):
                    out[m, begin + i, c] = scratch.values[at + i * n_classes + c]


@compiled
def _forward(shape, weights, scratch, X, rows):
    """Fill in the values of every layer."""
    n = len(rows)
    windows = values_before(shape, scratch.values, 0, n).reshape(n, X.shape[1])
    for i in range(n):
        given, taken = X[rows[i]], windows[i]
        if shape.turns:
            _swap(given, taken, shape.infos[0, 1], shape.infos[0, 0])
        else:
            for j in range(len(taken)):
                taken[j] = given[j]
    statistics = 0
    for k in range(len(shape.kinds)):
        x, out = values_before(shape, scratch.values, k, n), values_before(shape, scratch.values, k + 1, n)
        kind, info, t = shape.kinds[k], shape.infos[k], shape.weights[k]
        if t >= 0:
            weight = weights[shape.offsets[t] : shape.offsets[t + 1]]
            bias = weights[shape.offsets[t + 1] : shape.offsets[t + 2]]
            if kind == LINEAR:
                linear(x, weight, bias, out, info[1], info[2])
            elif kind == CONV:
                convolve(x, weight, bias, out, scratch.patches, info)
            else:
                normalize(x, weight, bias, out, scratch.statistics[statistics:], info)
                statistics += 2 * info[4] * shape.batch
        elif kind == POOL:
            pool(x, out, values_before(shape, scratch.chosen, k + 1, n), info)
        else:
            average(x, out, info)
        if info[5]:
            rectify(out)


@compiled
def _backward(shape, state, scratch, m, n, made):
    """Go from the logits' slopes down to the lowest layer that moves, and move each on the way.

    A layer moves as soon as the slope of what entered it is known: then its gradient is still in the cache.
    """
    lowest = 0
    while lowest < len(shape.kinds):
        t = shape.weights[lowest]
        if t >= 0 and (moves(state, m, t, made) or moves(state, m, t + 1, made)):
            break
        lowest += 1
    statistics = 2 * shape.infos[:, 4].sum() * shape.batch
    for k in range(len(shape.kinds) - 1, lowest - 1, -1):
        x, slope = values_before(shape, scratch.values, k, n), values_before(shape, scratch.slopes, k + 1, n)
        lower, down = values_before(shape, scratch.slopes, k, n), k > lowest
        kind, info, t = shape.kinds[k], shape.infos[k], shape.weights[k]
        if info[5]:
            stop_rectified(slope, values_before(shape, scratch.values, k + 1, n))
        if t >= 0:
            begin, middle, end = shape.offsets[t], shape.offsets[t + 1], shape.offsets[t + 2]
            weight, gradient = state.weights[m, begin:middle], scratch.gradient[: middle - begin]
            bias_gradient = scratch.gradient[middle - begin : end - begin]
            wanted = moves(state, m, t, made) or moves(state, m, t + 1, made)
            if kind == LINEAR:
                if down:
                    linear_slope(slope, weight, scratch.turned, lower, info[1], info[2])
                if wanted:
                    linear_gradient(x, slope, gradient, bias_gradient, info[1], info[2])
            elif kind == CONV:
                if down:
                    convolve_slope(slope, weight, scratch.turned, lower, scratch.patches, info)
                if wanted:
                    convolve_gradient(x, slope, gradient, bias_gradient, scratch.patches, scratch.part, info)
            else:
                statistics -= 2 * info[4] * shape.batch
                kept = scratch.statistics[statistics:]
                normalize_back(x, slope, weight, gradient, bias_gradient, lower, kept, info, down)
            if wanted:
                step_layer(shape, state, scratch.gradient, m, t, made)
        elif down and kind == POOL:
            pool_slope(slope, values_before(shape, scratch.chosen, k + 1, n), lower, info)
        elif down:
            average_slope(slope, lower, info)


@compiled
def _swap(window, out, n_rows, n_columns):
    """Transpose a window: the network's own order has the channels first."""
    for r in range(n_rows):
        for c in range(n_columns):
            out[c * n_rows + r] = window[r * n_columns + c]
