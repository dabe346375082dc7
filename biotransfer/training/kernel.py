"""The training loop in machine code: no interpreter between two operations.

A model is one row of flat arrays, and it trains for a whole epoch before the next one does, so that what it
reads and writes stays in the core's own cache.

Windows lie one after the other, each as (times, channels) with the channels last; a vector of features is one
time. Weights lie as (kernel, n_in, n_out): then what a filter sees is one stretch of memory, and small
products run fastest.

Compiled by numba at the first use and kept on disk until **this file** changes: so all that is compiled
stands here, and takes its settings as arguments.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
from numba import njit

LINEAR, CONV, NORM, POOL, AVERAGE = range(5)
_PATCHES, _TURNED = 1 << 16, 1 << 14
_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "reassoc"},
    "no_cfunc_wrapper": True,
}
_NORM_EPS = 1e-5
"""Of :class:`torch.nn.GroupNorm` and :class:`torch.nn.LayerNorm`."""


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile together with what calls it."""
    make: Any = njit
    return make(**_OPTIONS, no_cpython_wrapper=True)(function)


def _entry(function: Callable[..., Any]) -> Any:
    """Compile at the first call; where no folder can be written, every process compiles for itself."""
    make: Any = njit
    try:
        return make(**_OPTIONS, nogil=True, cache=True)(function)
    except RuntimeError:
        return make(**_OPTIONS, nogil=True)(function)


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
    """Memory for one model's batch.

    Parameters
    ----------
    values, slopes : ndarray
        Of all layers.
    gradient : ndarray
        Of all tensors.
    turned, part : ndarray
        A weight, transposed; a gradient's share.
    patches : ndarray
        What filters see of some windows.
    statistics : ndarray
        Mean and 1 / deviation of every group of every norm.
    chosen : ndarray, int64
        Where the largest values were.
    """

    values: np.ndarray
    slopes: np.ndarray
    gradient: np.ndarray
    turned: np.ndarray
    part: np.ndarray
    patches: np.ndarray
    statistics: np.ndarray
    chosen: np.ndarray


def make_scratch(shape: Shape, like: np.ndarray) -> Scratch:
    """Return memory for batches of ``shape.batch``, of the precision of ``like``."""
    values = int(shape.widths.sum()) * shape.batch
    largest = int(np.diff(shape.offsets).max())
    convolves = shape.kinds == CONV
    patch = shape.infos[convolves][:, [0, 1, 3]].prod(axis=1).max(initial=0)
    return Scratch(
        values=np.zeros(values, like.dtype),
        slopes=np.zeros(values, like.dtype),
        gradient=np.zeros(int(shape.offsets[-1]), like.dtype),
        turned=np.zeros(largest, like.dtype),
        part=np.zeros(largest, like.dtype),
        patches=np.zeros(max(_PATCHES, int(patch)) if convolves.any() else 0, like.dtype),
        statistics=np.zeros(2 * int(shape.infos[:, 4].sum()) * shape.batch, like.dtype),
        chosen=np.zeros(values if (shape.kinds == POOL).any() else 0, np.int64),
    )


@_entry
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
    """
    n_train = order.shape[1]
    for m in range(order.shape[0]):
        loss[m], hits[m], made = 0.0, 0, update
        for begin in range(0, n_train, shape.batch):
            rows = order[m, begin : min(begin + shape.batch, n_train)]
            _forward(shape, state.weights[m], scratch, X, rows)
            found = _answer(shape, scratch, y, rows)
            loss[m] += found[0]
            hits[m] += found[1]
            _backward(shape, state, scratch, m, len(rows), made)
            _step(shape, state, scratch.gradient, m, made)
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


@_compiled
def _part(shape, values, at, n):
    """Return what a batch of n windows has before layer ``at``."""
    begin = shape.begins[at] * shape.batch
    return values[begin : begin + n * shape.widths[at]]


@_compiled
def _forward(shape, weights, scratch, X, rows):
    """Fill in the values of every layer."""
    n = len(rows)
    windows = _part(shape, scratch.values, 0, n).reshape(n, X.shape[1])
    for i in range(n):
        given, taken = X[rows[i]], windows[i]
        if shape.turns:
            _swap(given, taken, shape.infos[0, 1], shape.infos[0, 0])
        else:
            for j in range(len(taken)):
                taken[j] = given[j]
    statistics = 0
    for k in range(len(shape.kinds)):
        x, out = _part(shape, scratch.values, k, n), _part(shape, scratch.values, k + 1, n)
        kind, info, t = shape.kinds[k], shape.infos[k], shape.weights[k]
        if t >= 0:
            weight = weights[shape.offsets[t] : shape.offsets[t + 1]]
            bias = weights[shape.offsets[t + 1] : shape.offsets[t + 2]]
            if kind == LINEAR:
                _linear(x, weight, bias, out, info[1], info[2])
            elif kind == CONV:
                _convolve(x, weight, bias, out, scratch.patches, info)
            else:
                _normalize(x, weight, bias, out, scratch.statistics[statistics:], info)
                statistics += 2 * info[4] * shape.batch
        elif kind == POOL:
            _pool(x, out, _part(shape, scratch.chosen, k + 1, n), info)
        else:
            _average(x, out, info)
        if info[5]:
            _rectify(out)


@_compiled
def _answer(shape, scratch, y, rows):
    """Return summed cross-entropy and hits, and fill in the slopes of the logits."""
    n, n_classes = len(rows), shape.widths[-1]
    at = shape.begins[-1] * shape.batch
    total, hits, one = 0.0, 0, scratch.values.dtype.type(1)
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
        share = one / (norm * n)
        for c in range(n_classes):
            slopes[c] *= share
        slopes[label] -= one / n
    return total, hits


@_compiled
def _moves(state, m, tensor, made):
    return state.rates[m, tensor] > 0 and state.begins[m, tensor] <= made


@_compiled
def _backward(shape, state, scratch, m, n, made):
    """Go from the logits' slopes down to the lowest layer that moves, and fill in the gradients."""
    lowest = 0
    while lowest < len(shape.kinds):
        t = shape.weights[lowest]
        if t >= 0 and (_moves(state, m, t, made) or _moves(state, m, t + 1, made)):
            break
        lowest += 1
    statistics = 2 * shape.infos[:, 4].sum() * shape.batch
    for k in range(len(shape.kinds) - 1, lowest - 1, -1):
        x, slope = _part(shape, scratch.values, k, n), _part(shape, scratch.slopes, k + 1, n)
        lower, down = _part(shape, scratch.slopes, k, n), k > lowest
        kind, info, t = shape.kinds[k], shape.infos[k], shape.weights[k]
        if info[5]:
            _stop_rectified(slope, _part(shape, scratch.values, k + 1, n))
        if t >= 0:
            own, ends = slice(shape.offsets[t], shape.offsets[t + 1]), shape.offsets[t + 2]
            weight, gradient = state.weights[m, own], scratch.gradient[own]
            bias_gradient = scratch.gradient[shape.offsets[t + 1] : ends]
            wanted = _moves(state, m, t, made) or _moves(state, m, t + 1, made)
            if kind == LINEAR:
                if wanted:
                    _linear_gradient(x, slope, gradient, bias_gradient, info[1], info[2])
                if down:
                    _linear_slope(slope, weight, scratch.turned, lower, info[1], info[2])
            elif kind == CONV:
                if wanted:
                    _convolve_gradient(x, slope, gradient, bias_gradient, scratch.patches, scratch.part, info)
                if down:
                    _convolve_slope(slope, weight, scratch.turned, lower, scratch.patches, info)
            else:
                statistics -= 2 * info[4] * shape.batch
                kept = scratch.statistics[statistics:]
                _normalize_back(x, slope, weight, gradient, bias_gradient, lower, kept, info, down)
        elif down and kind == POOL:
            _pool_slope(slope, _part(shape, scratch.chosen, k + 1, n), lower, info)
        elif down:
            _average_slope(slope, lower, info)


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
        first, second = gradient.dtype.type(1 - shape.betas[0]), gradient.dtype.type(1 - shape.betas[1])
        keep = gradient.dtype.type(shape.betas[1])
        root = math.sqrt(1 - shape.betas[1] ** step)
        size = gradient.dtype.type(root * state.rates[m, t] / (1 - shape.betas[0] ** step))
        eps = gradient.dtype.type(root * shape.eps)
        for i in range(len(weights)):
            means[i] += first * (slope[i] - means[i])
            squares[i] = keep * squares[i] + second * slope[i] * slope[i]
            weights[i] = shrink * weights[i] - size * means[i] / (np.sqrt(squares[i]) + eps)


@_compiled
def _linear(x, weight, bias, out, n_in, n_out):
    """Dense layer; ``bias`` is added."""
    n = len(out) // n_out
    value = out.reshape(n, n_out)
    np.dot(x.reshape(n, n_in), weight.reshape(n_in, n_out), value)
    _add_bias(value, bias)


@_compiled
def _add_bias(value, bias):
    """Add a vector to every row."""
    for i in range(value.shape[0]):
        row = value[i]
        for j in range(len(bias)):
            row[j] += bias[j]


@_compiled
def _rectify(out):
    """ReLU in place."""
    zero = out.dtype.type(0)
    for i in range(len(out)):
        out[i] = max(out[i], zero)


@_compiled
def _stop_rectified(slope, out):
    """Take the slope away where the ReLU gave nothing."""
    zero = out.dtype.type(0)
    for i in range(len(out)):
        slope[i] = slope[i] if out[i] > zero else zero


@_compiled
def _sum_rows(rows, out):
    """Add every row to ``out``."""
    for i in range(rows.shape[0]):
        row = rows[i]
        for j in range(len(out)):
            out[j] += row[j]


@_compiled
def _transpose(weight, turned):
    """Fill in the transpose: a small product with it runs faster than one that transposes."""
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            turned[j, i] = weight[i, j]


@_compiled
def _linear_gradient(x, slope, gradient, bias_gradient, n_in, n_out):
    """Gradients of weight and bias."""
    n = len(slope) // n_out
    rows = slope.reshape(n, n_out)
    np.dot(x.reshape(n, n_in).T, rows, gradient.reshape(n_in, n_out))
    bias_gradient[:] = 0
    _sum_rows(rows, bias_gradient)


@_compiled
def _linear_slope(slope, weight, turned, lower, n_in, n_out):
    """Slope of what entered."""
    n = len(slope) // n_out
    rows, under, own = slope.reshape(n, n_out), lower.reshape(n, n_in), weight.reshape(n_in, n_out)
    if n_in * n_out > _TURNED:
        np.dot(rows, own.T, under)
        return
    other = turned[: n_in * n_out].reshape(n_out, n_in)
    _transpose(own, other)
    np.dot(rows, other, under)


@_compiled
def _unfold(x, patches, times, n_in, kernel):
    """Fill in what the filters see at every time of every window: (times, kernel, n_in), zeros outside."""
    left, size = kernel // 2, kernel * n_in
    for i in range(len(x) // (times * n_in)):
        window = x[i * times * n_in : (i + 1) * times * n_in]
        own = patches[i * times * size : (i + 1) * times * size]
        for t in range(times):
            first, last = max(0, left - t), min(kernel, times + left - t)
            begin, end = t * size + first * n_in, t * size + last * n_in
            for j in range(t * size, begin):
                own[j] = 0
            for j in range(end, (t + 1) * size):
                own[j] = 0
            seen, filled = window[(t - left + first) * n_in :], own[begin:end]
            for j in range(len(filled)):
                filled[j] = seen[j]


@_compiled
def _fold(patches, lower, times, n_in, kernel):
    """Add what came back through every patch to the values that it was made of."""
    left, size = kernel // 2, kernel * n_in
    for i in range(len(lower) // (times * n_in)):
        window = lower[i * times * n_in : (i + 1) * times * n_in]
        own = patches[i * times * size : (i + 1) * times * size]
        for t in range(times):
            first, last = max(0, left - t), min(kernel, times + left - t)
            came = own[t * size + first * n_in : t * size + last * n_in]
            values = window[(t - left + first) * n_in :]
            for j in range(len(came)):
                values[j] += came[j]


@_compiled
def _convolve(x, weight, bias, out, patches, info):
    """Convolution that keeps the size, some windows' patches at a time; ``bias`` is added."""
    times, n_in, n_out, kernel = info[0], info[1], info[2], info[3]
    seen = kernel * n_in
    n, together = len(out) // (times * n_out), max(1, len(patches) // (times * seen))
    filters = weight.reshape(seen, n_out)
    for begin in range(0, n, together):
        end = min(n, begin + together)
        _unfold(x[begin * times * n_in : end * times * n_in], patches, times, n_in, kernel)
        rows = (end - begin) * times
        value = out[begin * times * n_out : end * times * n_out].reshape(rows, n_out)
        np.dot(patches[: rows * seen].reshape(rows, seen), filters, value)
        _add_bias(value, bias)


@_compiled
def _convolve_gradient(x, slope, gradient, bias_gradient, patches, part, info):
    """Gradients of filters and bias."""
    times, n_in, n_out, kernel = info[0], info[1], info[2], info[3]
    seen = kernel * n_in
    n, together = len(slope) // (times * n_out), max(1, len(patches) // (times * seen))
    own_part = part[: seen * n_out].reshape(seen, n_out)
    gradient[:] = 0
    bias_gradient[:] = 0
    for begin in range(0, n, together):
        end = min(n, begin + together)
        _unfold(x[begin * times * n_in : end * times * n_in], patches, times, n_in, kernel)
        rows = (end - begin) * times
        slopes = slope[begin * times * n_out : end * times * n_out].reshape(rows, n_out)
        np.dot(patches[: rows * seen].reshape(rows, seen).T, slopes, own_part)
        for j in range(seen * n_out):
            gradient[j] += part[j]
        _sum_rows(slopes, bias_gradient)


@_compiled
def _convolve_slope(slope, weight, turned, lower, patches, info):
    """Slope of what entered a convolution."""
    times, n_in, n_out, kernel = info[0], info[1], info[2], info[3]
    seen = kernel * n_in
    n, together = len(slope) // (times * n_out), max(1, len(patches) // (times * seen))
    other = turned[: seen * n_out].reshape(n_out, seen)
    _transpose(weight.reshape(seen, n_out), other)
    lower[:] = 0
    for begin in range(0, n, together):
        end = min(n, begin + together)
        rows = (end - begin) * times
        slopes = slope[begin * times * n_out : end * times * n_out].reshape(rows, n_out)
        np.dot(slopes, other, patches[: rows * seen].reshape(rows, seen))
        _fold(patches, lower[begin * times * n_in : end * times * n_in], times, n_in, kernel)


@_compiled
def _normalize(x, weight, bias, out, statistics, info):
    """Group norm (a layer norm is one of one group); keep mean and 1 / deviation of every group."""
    times, channels, groups = info[0], info[1], info[4]
    size, each = times * channels, channels // groups
    n = len(out) // size
    sums, factors, shifts = np.empty(channels, out.dtype), np.empty(channels, out.dtype), np.empty_like(bias)
    for i in range(n):
        rows = x[i * size : (i + 1) * size].reshape(times, channels)
        value = out[i * size : (i + 1) * size].reshape(times, channels)
        own = statistics[2 * i * groups : 2 * (i + 1) * groups]
        sums[:] = 0
        _sum_rows(rows, sums)
        for g in range(groups):
            own[2 * g] = sums[g * each : (g + 1) * each].sum() / (times * each)
            for c in range(g * each, (g + 1) * each):
                shifts[c] = own[2 * g]
        sums[:] = 0
        for p in range(times):
            row = rows[p]
            for c in range(channels):
                away = row[c] - shifts[c]
                sums[c] += away * away
        for g in range(groups):
            variance = sums[g * each : (g + 1) * each].sum() / (times * each)
            own[2 * g + 1] = 1 / np.sqrt(variance + _NORM_EPS)
        for c in range(channels):
            factors[c] = weight[c] * own[2 * (c // each) + 1]
            shifts[c] = bias[c] - own[2 * (c // each)] * factors[c]
        for p in range(times):
            row, filled = rows[p], value[p]
            for c in range(channels):
                filled[c] = row[c] * factors[c] + shifts[c]


@_compiled
def _normalize_back(x, slope, weight, gradient, bias_gradient, lower, statistics, info, down):
    """Gradients of weight and bias and, where ``down`` asks for it, the slope of what entered."""
    times, channels, groups = info[0], info[1], info[4]
    size, each = times * channels, channels // groups
    n, dtype = len(slope) // size, slope.dtype
    sums, products = np.empty(channels, dtype), np.empty(channels, dtype)
    means, scales = np.empty(channels, dtype), np.empty(channels, dtype)
    a, b, c0 = np.empty(channels, dtype), np.empty(channels, dtype), np.empty(channels, dtype)
    gradient[:] = 0
    bias_gradient[:] = 0
    for i in range(n):
        rows = x[i * size : (i + 1) * size].reshape(times, channels)
        slopes = slope[i * size : (i + 1) * size].reshape(times, channels)
        for c in range(channels):
            means[c] = statistics[2 * (i * groups + c // each)]
            scales[c] = statistics[2 * (i * groups + c // each) + 1]
        sums[:] = 0
        products[:] = 0
        for p in range(times):
            row, own = rows[p], slopes[p]
            for c in range(channels):
                sums[c] += own[c]
                products[c] += own[c] * (row[c] - means[c])
        for c in range(channels):
            products[c] *= scales[c]
            gradient[c] += products[c]
            bias_gradient[c] += sums[c]
        if not down:
            continue
        for g in range(groups):
            mean, along = dtype.type(0), dtype.type(0)
            for c in range(g * each, (g + 1) * each):
                mean += weight[c] * sums[c]
                along += weight[c] * products[c]
            mean /= times * each
            along /= times * each
            for c in range(g * each, (g + 1) * each):
                a[c] = scales[c] * weight[c]
                b[c] = -scales[c] * scales[c] * along
                c0[c] = -scales[c] * mean - b[c] * means[c]
        under = lower[i * size : (i + 1) * size].reshape(times, channels)
        for p in range(times):
            row, own, filled = rows[p], slopes[p], under[p]
            for c in range(channels):
                filled[c] = a[c] * own[c] + b[c] * row[c] + c0[c]


@_compiled
def _pool(x, out, chosen, info):
    """Largest value of each tile and channel; ``chosen`` remembers where in the window it was."""
    times, channels, tile = info[0], info[1], info[3]
    tiles = times // tile
    for i in range(len(out) // (tiles * channels)):
        window = x[i * times * channels : (i + 1) * times * channels]
        for t in range(tiles):
            at, first = (i * tiles + t) * channels, t * tile * channels
            value, place = out[at : at + channels], chosen[at : at + channels]
            for c in range(channels):
                value[c], place[c] = window[first + c], first + c
            for other in range(first + channels, first + tile * channels, channels):
                seen = window[other : other + channels]
                for c in range(channels):
                    larger = seen[c] > value[c] or seen[c] != seen[c]
                    place[c] = other + c if larger else place[c]
                    value[c] = seen[c] if larger else value[c]


@_compiled
def _pool_slope(slope, chosen, lower, info):
    """Hand every slope to the value that was largest."""
    size, out = info[0] * info[1], info[0] // info[3] * info[1]
    lower[:] = 0
    for i in range(len(slope) // out):
        window = lower[i * size : (i + 1) * size]
        for j in range(i * out, (i + 1) * out):
            window[chosen[j]] += slope[j]


@_compiled
def _average(x, out, info):
    """Mean over time."""
    times, channels = info[0], info[1]
    share = out.dtype.type(1) / out.dtype.type(times)
    out[:] = 0
    for i in range(len(out) // channels):
        value = out[i * channels : (i + 1) * channels]
        _sum_rows(x[i * times * channels : (i + 1) * times * channels].reshape(times, channels), value)
        for c in range(channels):
            value[c] *= share


@_compiled
def _average_slope(slope, lower, info):
    """Share every slope among the times."""
    times, channels = info[0], info[1]
    share = slope.dtype.type(1) / slope.dtype.type(times)
    for i in range(len(slope) // channels):
        own = slope[i * channels : (i + 1) * channels]
        for p in range(i * times, (i + 1) * times):
            filled = lower[p * channels : (p + 1) * channels]
            for c in range(channels):
                filled[c] = own[c] * share


@_compiled
def _swap(window, out, n_rows, n_columns):
    """Transpose a window: the network's own order has the channels first."""
    for r in range(n_rows):
        for c in range(n_columns):
            out[c * n_rows + r] = window[r * n_columns + c]
