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
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils
from numba.extending import intrinsic, overload

from ...edges import compile_apart, publish_products

_PRODUCTS = {"float32": "biotransfer_sgemm", "float64": "biotransfer_dgemm"}
PRODUCTS_OF = publish_products({"sgemm": _PRODUCTS["float32"], "dgemm": _PRODUCTS["float64"]})
"""Whose matrix products these are: "torch" or "scipy"."""

LINEAR, CONV, NORM, POOL, AVERAGE = range(5)
_PATCHES, _LARGE, _LINE = 1 << 16, 1 << 13, 64
_OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "reassoc"},
    "no_cfunc_wrapper": True,
}
_NORM_EPS = 1e-5
"""Of :class:`torch.nn.GroupNorm` and :class:`torch.nn.LayerNorm`."""


def _in_ir(function: Callable[..., Any]) -> Any:
    """Write a function in the compiler's own language."""
    make: Any = intrinsic
    return make(function)


def _by_precision(stand_in: Callable[..., Any]) -> Any:
    """Choose what a call of ``stand_in`` compiles to by the types of its arguments."""
    make: Any = overload
    return make(stand_in, jit_options=_OPTIONS)


def _compiled(function: Callable[..., Any]) -> Any:
    """Compile together with what calls it."""
    make: Any = njit
    return make(**_OPTIONS, no_cpython_wrapper=True)(function)


def _entry(function: Callable[..., Any]) -> Any:
    """Compile apart before the first call; where no folder can be written, every process for itself."""
    make: Any = njit
    try:
        return compile_apart(make(**_OPTIONS, nogil=True, cache=True)(function), _command)
    except RuntimeError:
        return make(**_OPTIONS, nogil=True)(function)


def _command(signature: tuple[Any, ...]) -> str:
    """Return the code that compiles an entry for arguments of these types."""
    return f"from {__package__}.compiled import compile_kernel; compile_kernel({str(signature[3].dtype)!r})"


@_in_ir
def _gemm(typing, turn_a, turn_b, sizes, a, b, out):
    """Fill in ``out`` with the product of two row-major matrices, shapes (m, k) and (k, n).

    ``sizes`` are m, n and k; a matrix that is to be turned lies transposed.
    """

    def generate(context, builder, signature, values):
        integer, letter = ir.IntType(32), ir.IntType(8)
        number = context.get_value_type(out.dtype)
        arrays = [
            context.make_array(kind)(context, builder, value).data
            for kind, value in zip(signature.args[3:], values[3:], strict=True)
        ]
        m, n, k = (
            cgutils.alloca_once_value(builder, builder.trunc(part, integer))
            for part in cgutils.unpack_tuple(builder, values[2])
        )
        row_a, row_b = builder.select(values[0], m, k), builder.select(values[1], k, n)
        letters = [
            cgutils.alloca_once_value(builder, builder.select(turns, letter(ord("T")), letter(ord("N"))))
            for turns in values[:2]
        ]
        one, zero = (cgutils.alloca_once_value(builder, number(float(x))) for x in (1, 0))
        # In the columns of Fortran the same memory holds the transposes: b turned times a turned.
        given = [letters[1], letters[0], n, m, k, one, arrays[1], row_b, arrays[0], row_a, zero, arrays[2], n]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        function = cgutils.get_or_insert_function(builder.module, kind, _PRODUCTS[str(out.dtype)])
        builder.call(function, given)
        return context.get_dummy_value()

    turn = types.boolean
    return types.void(turn, turn, types.UniTuple(types.intp, 3), a, b, out), generate


@_in_ir
def _near_inverse(typing, value):
    """Return 1 / a float32 to 12 %, by its exponent (Lomont 2003 does so for the root)."""

    def generate(context, builder, signature, values):
        integer = ir.IntType(32)
        bits = builder.sub(integer(0x7EF311C7), builder.bitcast(values[0], integer))
        return builder.bitcast(bits, values[0].type)

    return types.float32(types.float32), generate


@_in_ir
def _two_to_the(typing, exponent):
    """Return 2 to the power of a float32 that is a whole number between -126 and 127."""

    def generate(context, builder, signature, values):
        integer = ir.IntType(32)
        bits = builder.add(builder.fptosi(values[0], integer), integer(127))
        return builder.bitcast(builder.shl(bits, integer(23)), values[0].type)

    return types.float32(types.float32), generate


def _inverse(x):
    """Return 1 / x of a positive number."""


@_by_precision(_inverse)
def _inverse_of(x):
    if x != types.float32:
        return lambda x: 1 / x
    two, most = np.float32(2), np.float32(8e37)

    def by_newton(x):  # beside the root, which keeps the divider busy
        x = most if x > most else x
        inverse = _near_inverse(x)
        inverse *= two - x * inverse
        inverse *= two - x * inverse
        inverse *= two - x * inverse
        return inverse

    return by_newton


def _exp(x):
    """Return e to a power that is at most 0."""


@_by_precision(_exp)
def _exp_of(x):
    if x != types.float32:
        return lambda x: math.exp(x)
    least, log2e, half, one = np.float32(-87), np.float32(1.44269504), np.float32(0.5), np.float32(1)
    high, low = np.float32(0.693359375), np.float32(-2.12194440e-4)
    p = [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]
    p0, p1, p2, p3, p4, p5 = (np.float32(value) for value in p)

    def by_polynomial(x):  # Cephes' expf
        x = max(x, least) if x == x else x
        exponent = np.floor(x * log2e + half)
        x = x - exponent * high - exponent * low
        sum_ = ((((p0 * x + p1) * x + p2) * x + p3) * x + p4) * x + p5
        return (sum_ * x * x + x + one) * _two_to_the(exponent)

    return by_polynomial


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
            found = _answer(shape, scratch, y, rows)
            if counts.shape[1] > 0:
                _count(shape, scratch, counts[m, begin : begin + len(rows)])
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
    logits = _part(shape, scratch.values, len(shape.kinds), n)
    slopes = _part(shape, scratch.slopes, len(shape.kinds), n)
    largest = scratch.answers[n_classes * n : (n_classes + 1) * n]
    sums = scratch.answers[(n_classes + 1) * n : (n_classes + 2) * n]
    for c in range(n_classes):
        own = scratch.answers[c * n : (c + 1) * n]
        for i in range(n):
            own[i] = logits[i * n_classes + c]
        for i in range(n):
            largest[i] = own[i] if c == 0 or own[i] > largest[i] else largest[i]
    sums[:] = 0
    total, hits, one = 0.0, 0, logits.dtype.type(1)
    for i in range(n):
        label = y[rows[i]]
        own = logits[i * n_classes : (i + 1) * n_classes]
        total += largest[i] - own[label]
        hit = own[label] == largest[i]
        for c in range(label):
            hit = hit and own[c] < own[label]
        hits += hit
    for c in range(n_classes):
        own = scratch.answers[c * n : (c + 1) * n]
        for i in range(n):
            own[i] = _exp(own[i] - largest[i])
            sums[i] += own[i]
    total += _sum_of_logs(sums)
    for i in range(n):
        sums[i] = one / (sums[i] * n)
    for c in range(n_classes):
        own = scratch.answers[c * n : (c + 1) * n]
        for i in range(n):
            slopes[i * n_classes + c] = own[i] * sums[i]
    for i in range(n):
        slopes[i * n_classes + y[rows[i]]] -= one / n
    return total, hits


@_compiled
def _count(shape, scratch, counts):
    """Let each window count as it is to in the slopes of the logits."""
    n, n_classes = len(counts), shape.widths[-1]
    slopes = _part(shape, scratch.slopes, len(shape.kinds), n)
    for i in range(n):
        for c in range(n_classes):
            slopes[i * n_classes + c] *= counts[i]


@_compiled
def _sum_of_logs(values):
    """Return the sum of logarithms of values from 1 to the number of classes: one logarithm for some."""
    total = 0.0
    for begin in range(0, len(values), 16):
        product = 1.0
        for i in range(begin, min(begin + 16, len(values))):
            product *= values[i]
        total += math.log(product)
    return total


@_compiled
def _moves(state, m, tensor, made):
    return state.rates[m, tensor] > 0 and state.begins[m, tensor] <= made


@_compiled
def _backward(shape, state, scratch, m, n, made):
    """Go from the logits' slopes down to the lowest layer that moves, and move each on the way.

    A layer moves as soon as the slope of what entered it is known: then its gradient is still in the cache.
    """
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
            begin, middle, end = shape.offsets[t], shape.offsets[t + 1], shape.offsets[t + 2]
            weight, gradient = state.weights[m, begin:middle], scratch.gradient[: middle - begin]
            bias_gradient = scratch.gradient[middle - begin : end - begin]
            wanted = _moves(state, m, t, made) or _moves(state, m, t + 1, made)
            if kind == LINEAR:
                if down:
                    _linear_slope(slope, weight, scratch.turned, lower, info[1], info[2])
                if wanted:
                    _linear_gradient(x, slope, gradient, bias_gradient, info[1], info[2])
            elif kind == CONV:
                if down:
                    _convolve_slope(slope, weight, scratch.turned, lower, scratch.patches, info)
                if wanted:
                    _convolve_gradient(x, slope, gradient, bias_gradient, scratch.patches, scratch.part, info)
            else:
                statistics -= 2 * info[4] * shape.batch
                kept = scratch.statistics[statistics:]
                _normalize_back(x, slope, weight, gradient, bias_gradient, lower, kept, info, down)
            if wanted:
                _step(shape, state, scratch.gradient, m, t, made)
        elif down and kind == POOL:
            _pool_slope(slope, _part(shape, scratch.chosen, k + 1, n), lower, info)
        elif down:
            _average_slope(slope, lower, info)


@_compiled
def _step(shape, state, gradient, m, t, made):
    """AdamW on a layer's tensors t and t + 1 (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2)."""
    begin, middle, end = shape.offsets[t], shape.offsets[t + 1], shape.offsets[t + 2]
    rates, begins, pulls = state.rates[m], state.begins[m], state.pulls[m]
    if rates[t] == rates[t + 1] and begins[t] == begins[t + 1] and pulls[t] == pulls[t + 1]:
        _step_values(shape, state, gradient[: end - begin], m, t, made, begin)
        return
    if _moves(state, m, t, made):
        _step_values(shape, state, gradient[: middle - begin], m, t, made, begin)
    if _moves(state, m, t + 1, made):
        _step_values(shape, state, gradient[middle - begin : end - begin], m, t + 1, made, middle)


@_compiled
def _step_values(shape, state, slope, m, t, made, begin):
    """AdamW on as many values as there are slopes, with what tensor t is moved by."""
    number, own = slope.dtype.type, slice(begin, begin + len(slope))
    weights, means, squares = state.weights[m, own], state.means[m, own], state.squares[m, own]
    step = made - state.begins[m, t] + 1
    if state.pulls[m, t] != 0:
        pull, reference = number(state.pulls[m, t]), state.references[m, own]
        for i in range(len(weights)):
            slope[i] += pull * (weights[i] - reference[i])
    shrink = number(1 - state.rates[m, t] * shape.decay)
    take, add, keep = number(1 - shape.betas[0]), number(1 - shape.betas[1]), number(shape.betas[1])
    root = math.sqrt(1 - shape.betas[1] ** step)
    size = number(root * state.rates[m, t] / (1 - shape.betas[0] ** step))
    eps = number(root * shape.eps)
    for i in range(len(weights)):
        means[i] += take * (slope[i] - means[i])
        squares[i] = keep * squares[i] + add * slope[i] * slope[i]
        weights[i] = shrink * weights[i] - size * means[i] * _inverse(np.sqrt(squares[i]) + eps)


@_compiled
def _linear(x, weight, bias, out, n_in, n_out):
    """Dense layer; ``bias`` is added."""
    n = len(out) // n_out
    value = out.reshape(n, n_out)
    if n_in * n_out <= _LARGE:
        np.dot(x.reshape(n, n_in), weight.reshape(n_in, n_out), value)
    else:
        _gemm(False, False, (n, n_out, n_in), x, weight, out)
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
    if n_in * n_out <= _LARGE:
        np.dot(x.reshape(n, n_in).T, rows, gradient.reshape(n_in, n_out))
    else:
        _gemm(True, False, (n_in, n_out, n), x, slope, gradient)
    bias_gradient[:] = 0
    _sum_rows(rows, bias_gradient)


@_compiled
def _linear_slope(slope, weight, turned, lower, n_in, n_out):
    """Slope of what entered."""
    n = len(slope) // n_out
    if n_in * n_out > _LARGE:
        _gemm(False, True, (n, n_in, n_out), slope, weight, lower)
        return
    other = turned[: n_in * n_out].reshape(n_out, n_in)
    _transpose(weight.reshape(n_in, n_out), other)
    np.dot(slope.reshape(n, n_out), other, lower.reshape(n, n_in))


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
