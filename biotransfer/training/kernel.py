"""The training loop of dense networks in machine code: no interpreter between two operations.

A model is one row of flat arrays. Its weights lie transposed, (n_in, n_out), the order in which small
products run fastest, and it trains for a whole epoch before the next one does, so that what it reads and
writes stays in the core's own cache. Compiled by numba at the first use, and kept on disk from then on.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

from .updates import BETAS, EPS

_FIRST, _SECOND, _EPS = BETAS[0], BETAS[1], EPS


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile at the first call; where no folder can be written, every process compiles for itself."""
    options: dict[str, Any] = {"error_model": "numpy", "fastmath": {"contract", "nsz", "reassoc"}}
    try:
        return njit(cache=True, **options)(function)
    except RuntimeError:
        return njit(**options)(function)


class Shape(NamedTuple):
    """What the models of a stack have in common.

    Parameters
    ----------
    widths : ndarray, shape (n_layers + 1,), int64
        Units from the input to the logits.
    relus : ndarray, shape (n_layers,), bool
        Whether a ReLU follows each layer.
    offsets : ndarray, shape (2 * n_layers + 1,), int64
        Where weight and bias of each layer begin in a model's row.
    decay : float
        Decoupled weight decay.
    batch : int
        Windows per update.
    """

    widths: np.ndarray
    relus: np.ndarray
    offsets: np.ndarray
    decay: float
    batch: int


class State(NamedTuple):
    """Everything that moves; one row per model, and per tensor where it says so.

    Parameters
    ----------
    weights, means, squares : ndarray, shape (n_models, n_parameters)
        Parameters with AdamW's two moments.
    references : ndarray, shape (n_models, n_parameters) or (0, 0)
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
    """Memory for one model's batch: values and slopes of all layers, gradients, a transposed weight."""

    values: np.ndarray
    slopes: np.ndarray
    gradient: np.ndarray
    turned: np.ndarray


def make_scratch(shape: Shape, like: np.ndarray) -> Scratch:
    """Return memory for batches of ``shape.batch``, of the precision of ``like``."""
    units = int(shape.widths.sum())
    sizes = (
        units * shape.batch,
        units * shape.batch,
        int(shape.offsets[-1]),
        int(np.diff(shape.offsets).max()),
    )
    return Scratch(*(np.zeros(size, like.dtype) for size in sizes))


@_compiled
def train_epoch(shape, state, scratch, X, order, y, update, loss, hits):
    """Train every model on its windows once.

    Parameters
    ----------
    shape : Shape
        Of the models.
    state : State
        Changed in place.
    scratch : Scratch
        Overwritten.
    X : ndarray, shape (n_pool, n_features)
        All windows.
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
    """
    n_train = order.shape[1]
    for m in range(order.shape[0]):
        loss[m], hits[m], made = 0.0, 0, update
        for begin in range(0, n_train, shape.batch):
            rows = order[m, begin : min(begin + shape.batch, n_train)]
            _forward(shape, state.weights[m], scratch.values, X, rows)
            found = _answer(shape, scratch, y, rows)
            loss[m] += found[0]
            hits[m] += found[1]
            _backward(shape, state, scratch, m, len(rows), made)
            _step(shape, state, scratch.gradient, m, made)
            made += 1


@_compiled
def find_logits(shape, state, scratch, X, rows, out):
    """Fill in ``out``, shape (n_models, n_windows, n_classes), for each model's ``rows`` of ``X``."""
    n_windows, n_classes = rows.shape[1], shape.widths[-1]
    for m in range(rows.shape[0]):
        for begin in range(0, n_windows, shape.batch):
            part = rows[m, begin : min(begin + shape.batch, n_windows)]
            _forward(shape, state.weights[m], scratch.values, X, part)
            at = len(part) * shape.widths[:-1].sum()
            for i in range(len(part)):
                for c in range(n_classes):
                    out[m, begin + i, c] = scratch.values[at + i * n_classes + c]


@_compiled
def _forward(shape, weights, values, X, rows):
    """Fill in the values of every layer; those of layer l are (n, widths[l]), after what is before them."""
    n, at, zero, infinite = len(rows), 0, values.dtype.type(0), values.dtype.type(np.inf)
    windows = values[: n * X.shape[1]].reshape(n, X.shape[1])
    for i in range(n):
        given, taken = X[rows[i]], windows[i]
        for j in range(len(taken)):
            taken[j] = given[j]
    for k in range(len(shape.relus)):
        n_in, n_out, w, b = (
            shape.widths[k],
            shape.widths[k + 1],
            shape.offsets[2 * k],
            shape.offsets[2 * k + 1],
        )
        below = values[at : at + n * n_in].reshape(n, n_in)
        at += n * n_in
        value = values[at : at + n * n_out].reshape(n, n_out)
        np.dot(below, weights[w:b].reshape(n_in, n_out), value)
        bias, least = weights[b : b + n_out], zero if shape.relus[k] else -infinite
        for i in range(n):
            row = value[i]
            for j in range(n_out):
                row[j] = max(row[j] + bias[j], least)


@_compiled
def _answer(shape, scratch, y, rows):
    """Return summed cross-entropy and hits, and fill in the slopes of the logits."""
    n, n_classes = len(rows), shape.widths[-1]
    at = n * shape.widths[:-1].sum()
    total, hits = 0.0, 0
    for i in range(n):
        logits = scratch.values[at + i * n_classes : at + (i + 1) * n_classes]
        slopes = scratch.slopes[at + i * n_classes : at + (i + 1) * n_classes]
        best = 0
        for c in range(1, n_classes):
            if logits[c] > logits[best]:
                best = c
        norm = logits.dtype.type(0)
        for c in range(n_classes):
            slopes[c] = math.exp(logits[c] - logits[best])
            norm += slopes[c]
        label = y[rows[i]]
        total += math.log(norm) - (logits[label] - logits[best])
        hits += label == best
        for c in range(n_classes):
            slopes[c] /= norm * n
        slopes[label] -= logits.dtype.type(1) / n
    return total, hits


@_compiled
def _moves(state, m, tensor, made):
    return state.rates[m, tensor] > 0 and state.begins[m, tensor] <= made


@_compiled
def _backward(shape, state, scratch, m, n, made):
    """Go from the logits' slopes down to the lowest layer that moves, and fill in the gradients."""
    lowest = 0
    while lowest < len(shape.relus) and not (
        _moves(state, m, 2 * lowest, made) or _moves(state, m, 2 * lowest + 1, made)
    ):
        lowest += 1
    at, zero = n * shape.widths[:-1].sum(), scratch.slopes.dtype.type(0)
    for k in range(len(shape.relus) - 1, lowest - 1, -1):
        n_in, n_out, w, b = (
            shape.widths[k],
            shape.widths[k + 1],
            shape.offsets[2 * k],
            shape.offsets[2 * k + 1],
        )
        under = at - n * n_in
        slope = scratch.slopes[at : at + n * n_out].reshape(n, n_out)
        below = scratch.values[under:at].reshape(n, n_in)
        if _moves(state, m, 2 * k, made):
            np.dot(below.T, slope, scratch.gradient[w:b].reshape(n_in, n_out))
        if _moves(state, m, 2 * k + 1, made):
            bias = scratch.gradient[b : b + n_out]
            bias[:] = 0
            for i in range(n):
                row = slope[i]
                for j in range(n_out):
                    bias[j] += row[j]
        if k > lowest:
            weight = state.weights[m, w:b].reshape(n_in, n_out)
            turned = scratch.turned[: b - w].reshape(n_out, n_in)
            for i in range(n_in):
                for j in range(n_out):
                    turned[j, i] = weight[i, j]
            lower = scratch.slopes[under:at].reshape(n, n_in)
            np.dot(slope, turned, lower)
            if shape.relus[k - 1]:
                for i in range(n):
                    value, row = below[i], lower[i]
                    for j in range(n_in):
                        row[j] = row[j] if value[j] > 0 else zero
        at = under


@_compiled
def _step(shape, state, gradient, m, made):
    """AdamW on every tensor that moves (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2)."""
    one = gradient.dtype.type(1)
    for t in range(len(shape.offsets) - 1):
        if not _moves(state, m, t, made):
            continue
        own = slice(shape.offsets[t], shape.offsets[t + 1])
        weights, means, squares = state.weights[m, own], state.means[m, own], state.squares[m, own]
        slope, step = gradient[own], made - state.begins[m, t] + 1
        if state.pulls[m, t] != 0:
            pull, reference = one * state.pulls[m, t], state.references[m, own]
            for i in range(len(weights)):
                slope[i] += pull * (weights[i] - reference[i])
        shrink = gradient.dtype.type(1 - state.rates[m, t] * shape.decay)
        first, second = gradient.dtype.type(1 - _FIRST), gradient.dtype.type(1 - _SECOND)
        keep = gradient.dtype.type(_SECOND)
        root = math.sqrt(1 - _SECOND**step)
        size = gradient.dtype.type(root * state.rates[m, t] / (1 - _FIRST**step))
        eps = gradient.dtype.type(root * _EPS)
        for i in range(len(weights)):
            means[i] += first * (slope[i] - means[i])
            squares[i] = keep * squares[i] + second * slope[i] * slope[i]
            weights[i] = shrink * weights[i] - size * means[i] / (np.sqrt(squares[i]) + eps)
