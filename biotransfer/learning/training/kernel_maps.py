"""The training loop in machine code for maps over time: convolutions, norms by batches, pooling, dropout.

As in :mod:`.kernel` a model is one row of flat arrays and trains for a whole epoch before the next one does.
Here values lie as (channels, windows, times): a norm, an activation or a pooling runs along one stretch of
memory for every channel, and whatever mixes channels is one matrix product over all windows and times.

A filter bank (filters over time, the same for every channel; a norm; a sum over the channels for each filter)
is one operation: the sum comes first, so that the long filters run over a few sums and not over every
channel, and the norm's mean and variance follow from the moments of the windows, which no training changes.

Compiled by numba at the first use, apart from the kernel of dense networks; kept until this file or
:mod:`.kernel` changes.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.core import cgutils

from ...edges import compile_apart
from . import kernel
from .kernel import _OPTIONS, _PRODUCTS, _compiled, _exp, _in_ir, _step_values, _sum_of_logs

BANK, JOINED, CONV, EACH, NORM, ELU, RELU, SQUARE, LOG, MEAN, LARGEST, DROP = range(12)
CODE, N_IN, T_IN, N_OUT, T_OUT, KERNEL, PAD, STRIDE, DILATION, FILTERS, TENSOR, BIASED, STATISTIC, CHOSEN = (
    range(14)
)
"""Columns of ``MapShape.ops``."""
EPS, MOMENTUM, KEEP, MOST = range(4)
"""Columns of ``MapShape.reals``: of a norm; what dropout keeps; the largest norm of filters, 0 for any."""
_TOGETHER = 8
_RENORM_EPS = 1e-7
"""Of :func:`torch.renorm`."""


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


class Given(NamedTuple):
    """What an epoch is given beside the windows.

    Parameters
    ----------
    kept : ndarray, shape (n_streams, n_updates, n_values), uint8
        What dropout keeps of every update's values, each batch as (windows, channels, times).
    stream : ndarray, shape (n_models,), int64
        Which of the streams a model draws.
    moments : ndarray, shape (n_rows, n_moments), float64
        Of single windows, see :func:`find_moments`; no rows where they are found anew in every update.
    row_of : ndarray, shape (n_pool,), int64
        Which of the rows belongs to a window.
    """

    kept: np.ndarray
    stream: np.ndarray
    moments: np.ndarray
    row_of: np.ndarray


def _entry(function: Any) -> Any:
    make: Any = njit
    try:
        made = make(**_OPTIONS, nogil=True, cache=True)(function)
        return compile_apart(made, _command, beside=kernel.__file__)
    except RuntimeError:
        return make(**_OPTIONS, nogil=True)(function)


def _command(signature: tuple[Any, ...]) -> str:
    """Return the code that compiles an entry for arguments of these types."""
    return f"from {__package__}.compiled_maps import compile_maps; compile_maps({str(signature[3].dtype)!r})"


@_in_ir
def _product(typing, turns, sizes, strides, a, b, out, adds):
    """Fill in ``out`` with the product of two row-major matrices, or add it.

    ``sizes`` are m, n and k; ``strides`` from row to row of a, b and out as they lie; a matrix that is to be
    turned lies transposed.
    """

    def generate(context, builder, signature, values):
        integer, letter = ir.IntType(32), ir.IntType(8)
        number = context.get_value_type(out.dtype)
        arrays = [
            context.make_array(kind)(context, builder, value).data
            for kind, value in zip(signature.args[3:6], values[3:6], strict=True)
        ]
        whole = [
            builder.trunc(part, integer) for n in (1, 2) for part in cgutils.unpack_tuple(builder, values[n])
        ]
        m, n, k, row_a, row_b, row_out = (cgutils.alloca_once_value(builder, part) for part in whole)
        letters = [
            cgutils.alloca_once_value(builder, builder.select(turn, letter(ord("T")), letter(ord("N"))))
            for turn in cgutils.unpack_tuple(builder, values[0])
        ]
        one = cgutils.alloca_once_value(builder, number(1.0))
        more = builder.select(values[6], number(1.0), number(0.0))
        add = cgutils.alloca_once_value(builder, more)
        # In the columns of Fortran the same memory holds the transposes: b turned times a turned.
        given = [
            letters[1],
            letters[0],
            n,
            m,
            k,
            one,
            arrays[1],
            row_b,
            arrays[0],
            row_a,
            add,
            arrays[2],
            row_out,
        ]
        kind = ir.FunctionType(ir.VoidType(), [value.type for value in given])
        function = cgutils.get_or_insert_function(builder.module, kind, _PRODUCTS[str(out.dtype)])
        builder.call(function, given)
        return context.get_dummy_value()

    pair, triple = types.UniTuple(types.boolean, 2), types.UniTuple(types.intp, 3)
    return types.void(pair, triple, triple, a, b, out, types.boolean), generate


@_entry
def run(shape, state, scratch, X, order, y, update, loss, hits, counts, given, logits):
    """Train every model on its windows once, or fill in what it says of them.

    One function, so that all that both need is compiled once.

    Parameters
    ----------
    shape, state, scratch, X, order, y, update, loss, hits, counts
        See :func:`.kernel.train_epoch`.
    given : Given
        What an epoch is given beside the windows.
    logits : ndarray, shape (n_models, n_windows, n_classes)
        Filled in with what each model says of ``order``; without any models all train instead.
    """
    n_train, n_classes = order.shape[1], shape.ops[-1, N_OUT]
    for m in range(order.shape[0]):
        trains = logits.shape[0] == 0
        made = update if trains else -1
        if trains:
            loss[m], hits[m] = 0.0, 0
        for begin in range(0, n_train, shape.batch):
            rows = order[m, begin : min(begin + shape.batch, n_train)]
            n = len(rows)
            kept = given.kept[given.stream[m], begin // shape.batch] if trains else given.kept[0, 0, :0]
            if trains:
                _add_moments(shape, scratch, X, rows, given)
            _forward(shape, state, scratch, X, rows, m, made, kept)
            if not trains:
                said = _after(shape, scratch, len(shape.ops) - 1, n)
                for i in range(n):
                    for c in range(n_classes):
                        logits[m, begin + i, c] = said[c * n + i]
                continue
            found = _answer(shape, scratch, y, rows)
            if counts.shape[1] > 0:
                _count(shape, scratch, counts[m, begin : begin + n])
            loss[m] += found[0]
            hits[m] += found[1]
            _backward(shape, state, scratch, m, n, made, kept)
            made += 1


@_entry
def find_moments(ops, X, rows, out):
    """Fill in ``out``, shape (n_rows, n_moments), with the sums over what a filter sees of each window.

    First of every tap, then of every product of two taps, the second not before the first.
    """
    row = np.empty(2 * ops[0, PAD] + ops[0, T_IN], X.dtype)
    out[:] = 0
    for i in range(len(rows)):
        _window_moments(ops[0], X[rows[i]], row, out[i])


@_compiled
def _window_moments(op, window, row, out):
    """Add one window's sums; the times beside a window are 0."""
    times, pad, kernel, n_out = op[T_IN], op[PAD], op[KERNEL], op[T_OUT]
    row[:] = 0
    for c in range(op[N_IN]):
        for t in range(times):
            row[pad + t] = window[c * times + t]
        at = kernel
        for k in range(kernel):
            first = row[k : k + n_out]
            total = 0.0
            for t in range(n_out):
                total += first[t]
            out[k] += total
            if k == 0:
                for j in range(kernel):
                    second = row[j : j + n_out]
                    total = 0.0
                    for t in range(n_out):
                        total += np.float64(first[t]) * np.float64(second[t])
                    out[at + j] += total
                at += kernel
                continue
        # The products of taps k and j differ from those one tap earlier by what left and what entered.
        for d in range(kernel):
            value, place = 0.0, kernel + d
            for k in range(1, kernel - d):
                before, behind = k - 1, k - 1 + n_out
                value += np.float64(row[behind]) * np.float64(row[behind + d])
                value -= np.float64(row[before]) * np.float64(row[before + d])
                place = kernel + k * kernel - (k * (k - 1)) // 2 + d
                out[place] += value


@_compiled
def _add_moments(shape, scratch, X, rows, given):
    """Sum the moments of a batch's windows, where a filter bank begins the network."""
    if shape.ops[0, CODE] != BANK:
        return
    total = scratch.moments
    total[:] = 0
    kernel = shape.ops[0, KERNEL]
    if given.moments.shape[0] == 0:
        for i in range(len(rows)):
            _window_moments(shape.ops[0], X[rows[i]], scratch.row, total)
    else:
        for i in range(len(rows)):
            own = given.moments[given.row_of[rows[i]]]
            for j in range(len(total)):
                total[j] += own[j]
    # Products of taps at lag d lie relative to lag d of the first tap.
    for k in range(1, kernel):
        at = kernel + k * kernel - (k * (k - 1)) // 2
        for d in range(kernel - k):
            total[at + d] += total[kernel + d]


@_compiled
def _after(shape, scratch, k, n):
    """Return what operation ``k`` gives for a batch of n windows."""
    begin = shape.at[k + 1] * shape.batch
    return scratch.values[begin : begin + n * shape.ops[k, N_OUT] * shape.ops[k, T_OUT]]


@_compiled
def _before(shape, scratch, k, n):
    """Return what enters operation ``k``."""
    begin = shape.at[k] * shape.batch
    return scratch.values[begin : begin + n * shape.ops[k, N_IN] * shape.ops[k, T_IN]]


@_compiled
def _tensor(shape, rows, t):
    """Return tensor ``t`` of a model's row."""
    return rows[shape.offsets[t] : shape.offsets[t + 1]]


@_compiled
def _moves(state, m, t, made):
    """Whether tensor ``t`` is moved; nothing is where ``made`` is -1."""
    return state.rates[m, t] > 0 and state.begins[m, t] <= made


@_compiled
def _forward(shape, state, scratch, X, rows, m, made, kept):
    """Fill in the values of every operation; ``made`` is -1 where nothing trains."""
    n, weights, ops = len(rows), state.weights[m], shape.ops
    channels, times = ops[0, N_IN], ops[0, T_IN]
    windows = _before(shape, scratch, 0, n)
    for i in range(n):
        taken = X[rows[i]]
        for c in range(channels):
            at, first = (c * n + i) * times, c * times
            for j in range(times):
                windows[at + j] = taken[first + j]
    drawn = 0
    for k in range(len(ops)):
        op, code = ops[k], ops[k, CODE]
        x, out = _before(shape, scratch, k, n), _after(shape, scratch, k, n)
        if code == BANK:
            _bank(shape, state, scratch, m, k, n, made, x, out)
        elif code in (CONV, JOINED):
            filters, bias = _acting_filters(shape, scratch, weights, k)
            _convolve(op, filters, bias, x, out, scratch.patches, n)
        elif code == EACH:
            _convolve_each(op, _tensor(shape, weights, op[TENSOR]), x, out, scratch.row, scratch.filters, n)
        elif code == NORM:
            _normalize(shape, state, scratch, m, k, n, made, x, out)
        elif code == ELU:
            _elu(out)
        elif code == RELU:
            _relu(out)
        elif code == SQUARE:
            for j in range(len(out)):
                out[j] = x[j] * x[j]
        elif code == LOG:
            _log(x, out, out.dtype.type(shape.reals[k, EPS]))
        elif code == MEAN:
            _mean(op, x, out, n)
        elif code == LARGEST:
            _largest(op, x, out, scratch.chosen[op[CHOSEN] * shape.batch :], n)
        else:
            if shape.at[k] != shape.at[k + 1]:
                for j in range(len(out)):
                    out[j] = x[j]
            if len(kept) > 0:
                _drop(op, out, kept[drawn * shape.batch :], shape.reals[k, KEEP], n)
                drawn += op[N_OUT] * op[T_OUT]


@_compiled
def _backward(shape, state, scratch, m, n, made, kept):
    """Go from the logits' slopes down to the lowest operation that moves, then move every tensor."""
    ops, weights = shape.ops, state.weights[m]
    lowest, drawn = len(ops), 0
    for k in range(len(ops) - 1, -1, -1):
        for t in range(ops[k, TENSOR], ops[k, TENSOR] + _n_tensors(ops[k])):
            if _moves(state, m, t, made) and not _is_statistic(ops, t):
                lowest = k
    for k in range(len(ops)):
        if ops[k, CODE] == DROP:
            drawn += ops[k, N_OUT] * ops[k, T_OUT]
    slopes, lowers = scratch.slopes, scratch.lower
    scratch.gradient[:] = 0
    for k in range(len(ops) - 1, lowest - 1, -1):
        op, code, down = ops[k], ops[k, CODE], k > lowest
        slope = slopes[: n * op[N_OUT] * op[T_OUT]]
        lower = lowers[: n * op[N_IN] * op[T_IN]]
        x, out = _before(shape, scratch, k, n), _after(shape, scratch, k, n)
        turned = True
        if code == BANK:
            _bank_back(shape, state, scratch, m, k, n, made, x, slope, lowers)
        elif code in (CONV, JOINED):
            _convolve_back(shape, scratch, weights, k, x, slope, lower, n, down)
        elif code == EACH:
            gradient = _tensor(shape, scratch.gradient, op[TENSOR])
            own = _tensor(shape, weights, op[TENSOR])
            _convolve_each_back(op, own, gradient, x, slope, lower, scratch.row, scratch.filters, n, down)
        elif code == NORM:
            _normalize_back(shape, state, scratch, m, k, n, made, x, slope)
            turned = False
        elif code == ELU:
            _elu_back(out, slope)
            turned = False
        elif code == RELU:
            zero = slope.dtype.type(0)
            for j in range(len(slope)):
                slope[j] = slope[j] if out[j] > zero else zero
            turned = False
        elif code == SQUARE:
            for j in range(len(slope)):
                slope[j] *= x[j] + x[j]
            turned = False
        elif code == LOG:
            least, zero = slope.dtype.type(shape.reals[k, EPS]), slope.dtype.type(0)
            for j in range(len(slope)):
                slope[j] = slope[j] / x[j] if x[j] >= least else zero
            turned = False
        elif code == MEAN:
            if down:
                _mean_back(op, slope, lower, n)
        elif code == LARGEST:
            if down:
                _largest_back(op, slope, lower, scratch.chosen[op[CHOSEN] * shape.batch :], n)
        else:
            drawn -= op[N_OUT] * op[T_OUT]
            _drop(op, slope, kept[drawn * shape.batch :], shape.reals[k, KEEP], n)
            turned = False
        if turned:
            slopes, lowers = lowers, slopes
    for t in range(len(shape.offsets) - 1):
        if _moves(state, m, t, made) and not _is_statistic(ops, t):
            own = _tensor(shape, scratch.gradient, t)
            _step_values(shape, state, own, m, t, made, shape.offsets[t])


@_compiled
def _n_tensors(op):
    """How many tensors an operation has: those of a bank are filters, its norm's four, sums over channels."""
    code = op[CODE]
    if code == BANK:
        return 6
    if code == NORM:
        return 4
    if code == JOINED:
        return 3 + op[BIASED]
    if code in (CONV, EACH):
        return 1 + op[BIASED]
    return 0


@_compiled
def _is_statistic(ops, t):
    """Whether a tensor holds running statistics."""
    for k in range(len(ops)):
        first = ops[k, TENSOR]
        if ops[k, CODE] == NORM and (t == first + 2 or t == first + 3):
            return True
        if ops[k, CODE] == BANK and (t == first + 3 or t == first + 4):
            return True
    return False


@_compiled
def _answer(shape, scratch, y, rows):
    """Return summed cross-entropy and hits, and fill in the slopes of the logits, class by class."""
    n, last = len(rows), len(shape.ops) - 1
    n_classes = shape.ops[last, N_OUT]
    logits, slopes = _after(shape, scratch, last, n), scratch.slopes[: n * n_classes]
    largest, sums = scratch.answers[:n], scratch.answers[n : 2 * n]
    for i in range(n):
        largest[i] = logits[i]
    for c in range(1, n_classes):
        own = logits[c * n : (c + 1) * n]
        for i in range(n):
            largest[i] = own[i] if own[i] > largest[i] else largest[i]
    sums[:] = 0
    total, hits, one = 0.0, 0, logits.dtype.type(1)
    for i in range(n):
        label = y[rows[i]]
        total += largest[i] - logits[label * n + i]
        hit = logits[label * n + i] == largest[i]
        for c in range(label):
            hit = hit and logits[c * n + i] < largest[i]
        hits += hit
    for c in range(n_classes):
        own, slope = logits[c * n : (c + 1) * n], slopes[c * n : (c + 1) * n]
        for i in range(n):
            slope[i] = _exp(own[i] - largest[i])
            sums[i] += slope[i]
    total += _sum_of_logs(sums)
    for i in range(n):
        sums[i] = one / (sums[i] * n)
    for c in range(n_classes):
        slope = slopes[c * n : (c + 1) * n]
        for i in range(n):
            slope[i] *= sums[i]
    for i in range(n):
        slopes[y[rows[i]] * n + i] -= one / n
    return total, hits


@_compiled
def _count(shape, scratch, counts):
    """Let each window count as it is to in the slopes of the logits."""
    n = len(counts)
    for c in range(shape.ops[-1, N_OUT]):
        for i in range(n):
            scratch.slopes[c * n + i] *= counts[i]


@_compiled
def _slide(row, taps, out):
    """Add to every ``out[t]`` the sum of ``taps[k] * row[t + k]``; taps come in eights."""
    n = len(out)
    for k in range(0, len(taps), 8):
        a0, a1, a2, a3 = taps[k], taps[k + 1], taps[k + 2], taps[k + 3]
        a4, a5, a6, a7 = taps[k + 4], taps[k + 5], taps[k + 6], taps[k + 7]
        r = row[k : k + n + 8]
        for t in range(n):
            out[t] += (a0 * r[t] + a1 * r[t + 1] + a2 * r[t + 2] + a3 * r[t + 3]) + (
                a4 * r[t + 4] + a5 * r[t + 5] + a6 * r[t + 6] + a7 * r[t + 7]
            )


@_compiled
def _correlate(row, slope, gradient):
    """Add to every ``gradient[k]`` the sum of ``slope[t] * row[t + k]``; taps come in eights."""
    n, zero = len(slope), slope.dtype.type(0)
    for k in range(0, len(gradient), 8):
        r = row[k : k + n + 8]
        s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
        for t in range(n):
            g = slope[t]
            s0 += g * r[t]
            s1 += g * r[t + 1]
            s2 += g * r[t + 2]
            s3 += g * r[t + 3]
            s4 += g * r[t + 4]
            s5 += g * r[t + 5]
            s6 += g * r[t + 6]
            s7 += g * r[t + 7]
        gradient[k] += s0
        gradient[k + 1] += s1
        gradient[k + 2] += s2
        gradient[k + 3] += s3
        gradient[k + 4] += s4
        gradient[k + 5] += s5
        gradient[k + 6] += s6
        gradient[k + 7] += s7


@_compiled
def _in_eights(n):
    """Return n rounded up to a multiple of eight."""
    return (n + 7) // 8 * 8


@_compiled
def _taps(own, kernel, taps, backwards):
    """Fill in the taps of one filter, in time's order or against it, zeros behind them."""
    taps[:] = 0
    for k in range(kernel):
        taps[k] = own[kernel - 1 - k] if backwards else own[k]


@_compiled
def _slide_rows(x, taps, out, row, n, times, n_out, left):
    """Let one filter run over the series of n windows, padded by ``left`` zeros and what it takes."""
    row[: n_out + len(taps)] = 0
    for i in range(n):
        for t in range(times):
            row[left + t] = x[i * times + t]
        own = out[i * n_out : (i + 1) * n_out]
        own[:] = 0
        _slide(row, taps, own)


@_compiled
def _correlate_rows(x, slope, gradient, row, n, times, n_out, left):
    """Add what n windows say of one filter's taps."""
    row[: n_out + len(gradient)] = 0
    for i in range(n):
        for t in range(times):
            row[left + t] = x[i * times + t]
        _correlate(row, slope[i * n_out : (i + 1) * n_out], gradient)


@_compiled
def _slide_back(slope, taps, lower, row, n, times, n_out, left, kernel):
    """Hand the slopes of n windows back through one filter whose ``taps`` come backwards."""
    first = kernel - 1 - left
    row[: max(times, first + n_out) + len(taps)] = 0
    for i in range(n):
        for t in range(n_out):
            row[first + t] = slope[i * n_out + t]
        own = lower[i * times : (i + 1) * times]
        own[:] = 0
        _slide(row, taps, own)


@_compiled
def _acting_sums(shape, scratch, weights, k):
    """Return a bank's sums over channels as they act: no row longer than it may be."""
    op, most = shape.ops[k], shape.reals[k, MOST]
    given = _tensor(shape, weights, op[TENSOR] + 5)
    acting = scratch.filters[: len(given)]
    channels = op[N_IN]
    for f in range(op[N_OUT]):
        own, filled = given[f * channels : (f + 1) * channels], acting[f * channels : (f + 1) * channels]
        factor = given.dtype.type(_renorm(own, most)[0])
        for c in range(channels):
            filled[c] = own[c] * factor
    return acting


@_compiled
def _renorm(own, most):
    """Return the factor that keeps a row as long as it may be, and its length."""
    if most <= 0:
        return 1.0, 0.0
    total = 0.0
    for c in range(len(own)):
        total += np.float64(own[c]) * np.float64(own[c])
    length = np.sqrt(total)
    return (most / (length + _RENORM_EPS) if length > most else 1.0), length


@_compiled
def _bank(shape, state, scratch, m, k, n, made, x, out):
    """Run filters over time, a norm, and sums over channels: the sums first.

    Kept: per filter mean, 1 / deviation and both factors; then the series of the sums and what filters give.
    """
    op, weights = shape.ops[k], state.weights[m]
    channels, times, n_sums, n_out = op[N_IN], op[T_IN], op[N_OUT], op[T_OUT]
    filters, kernel, each = op[FILTERS], op[KERNEL], op[N_OUT] // op[FILTERS]
    taps = _tensor(shape, weights, op[TENSOR])
    scale, shift = _tensor(shape, weights, op[TENSOR] + 1), _tensor(shape, weights, op[TENSOR] + 2)
    sums = _acting_sums(shape, scratch, weights, k)
    kept = scratch.statistics[op[STATISTIC] :]
    series = kept[4 * filters :][: n_sums * n * times]
    passed = kept[4 * filters + n_sums * shape.batch * times :][: n_sums * n * n_out]
    wide = n * times
    _product((False, False), (n_sums, wide, channels), (channels, wide, wide), sums, x, series, False)
    _bank_statistics(shape, state, scratch, m, k, n, made)
    room = scratch.filters[len(sums) : len(sums) + _in_eights(kernel)]
    for f in range(filters):
        _taps(taps[f * kernel : (f + 1) * kernel], kernel, room, False)
        factor = scale[f] * kept[4 * f + 1]
        constant = shift[f] - kept[4 * f] * factor
        kept[4 * f + 2], kept[4 * f + 3] = factor, constant
        for d in range(f * each, (f + 1) * each):
            gone = passed[d * n * n_out : (d + 1) * n * n_out]
            own = series[d * wide : (d + 1) * wide]
            _slide_rows(own, room, gone, scratch.row, n, times, n_out, op[PAD])
            weight = x.dtype.type(0)
            for c in range(channels):
                weight += sums[d * channels + c]
            filled, extra = out[d * n * n_out : (d + 1) * n * n_out], constant * weight
            for j in range(len(filled)):
                filled[j] = factor * gone[j] + extra


@_compiled
def _bank_statistics(shape, state, scratch, m, k, n, made):
    """Keep mean and 1 / deviation of every filter; a norm that moves takes the batch's and remembers them."""
    op, weights = shape.ops[k], state.weights[m]
    filters, kernel = op[FILTERS], op[KERNEL]
    taps = _tensor(shape, weights, op[TENSOR])
    mean, variance = _tensor(shape, weights, op[TENSOR] + 3), _tensor(shape, weights, op[TENSOR] + 4)
    kept, eps, share = scratch.statistics[op[STATISTIC] :], shape.reals[k, EPS], shape.reals[k, MOMENTUM]
    moving = _moves(state, m, op[TENSOR] + 3, made)
    count = float(n * op[N_IN] * op[T_OUT])
    for f in range(filters):
        middle, spread = np.float64(mean[f]), np.float64(variance[f])
        if moving:
            own = taps[f * kernel : (f + 1) * kernel]
            middle, square = np.float64(0), 0.0
            for a in range(kernel):
                middle += own[a] * scratch.moments[a]
                at = kernel + a * kernel - (a * (a - 1)) // 2
                inside = 0.5 * own[a] * scratch.moments[at]
                for d in range(1, kernel - a):
                    inside += own[a + d] * scratch.moments[at + d]
                square += 2 * own[a] * inside
            middle /= count
            spread = np.float64(max(square / count - middle * middle, 0.0))
            mean[f] = (1 - share) * mean[f] + share * middle
            variance[f] = (1 - share) * variance[f] + share * spread * count / (count - 1)
        kept[4 * f], kept[4 * f + 1] = middle, 1 / np.sqrt(spread + eps)


@_compiled
def _bank_back(shape, state, scratch, m, k, n, made, x, slope, lowers):
    """Gradients of a filter bank; nothing below it moves."""
    op, weights = shape.ops[k], state.weights[m]
    channels, times, n_sums, n_out = op[N_IN], op[T_IN], op[N_OUT], op[T_OUT]
    filters, kernel, each, t = op[FILTERS], op[KERNEL], op[N_OUT] // op[FILTERS], op[TENSOR]
    taps, scale = _tensor(shape, weights, t), _tensor(shape, weights, t + 1)
    slope_taps, slope_scale = _tensor(shape, scratch.gradient, t), _tensor(shape, scratch.gradient, t + 1)
    slope_shift, slope_sums = _tensor(shape, scratch.gradient, t + 2), _tensor(shape, scratch.gradient, t + 5)
    sums = _acting_sums(shape, scratch, weights, k)
    kept = scratch.statistics[op[STATISTIC] :]
    series = kept[4 * filters :][: n_sums * n * times]
    passed = kept[4 * filters + n_sums * shape.batch * times :][: n_sums * n * n_out]
    room = scratch.filters[len(sums) : len(sums) + _in_eights(kernel)]
    found = scratch.filters[len(sums) + len(room) : len(sums) + 2 * len(room)]
    wide, own_slopes = n * times, lowers[: n_sums * n * times]
    taps_move, sums_move = _moves(state, m, t, made), _moves(state, m, t + 5, made)
    moving = _moves(state, m, t + 3, made)
    for f in range(filters):
        middle, inverse, factor, constant = kept[4 * f], kept[4 * f + 1], kept[4 * f + 2], kept[4 * f + 3]
        of_factor, of_constant = 0.0, 0.0
        found[:] = 0
        for d in range(f * each, (f + 1) * each):
            own, gone = (
                slope[d * n * n_out : (d + 1) * n * n_out],
                passed[d * n * n_out : (d + 1) * n * n_out],
            )
            total, along = x.dtype.type(0), x.dtype.type(0)
            for j in range(len(own)):
                total += own[j]
                along += own[j] * gone[j]
            weight = x.dtype.type(0)
            for c in range(channels):
                weight += sums[d * channels + c]
                slope_sums[d * channels + c] = constant * total
            of_factor += along
            of_constant += weight * total
            if taps_move:
                lying = series[d * wide : (d + 1) * wide]
                _correlate_rows(lying, own, found, scratch.row, n, times, n_out, op[PAD])
        slope_scale[f] = inverse * (of_factor - middle * of_constant)
        slope_shift[f] = of_constant
        gradient = slope_taps[f * kernel : (f + 1) * kernel]
        for a in range(kernel):
            gradient[a] = factor * found[a]
        if moving and taps_move:
            of_spread = -0.5 * scale[f] * (of_factor - middle * of_constant) * inverse**3
            _through_moments(scratch.moments, taps[f * kernel : (f + 1) * kernel], gradient, middle,
                             -factor * of_constant, of_spread, float(n * channels * n_out))  # fmt: skip
        if sums_move:
            _taps(taps[f * kernel : (f + 1) * kernel], kernel, room, True)
            for a in range(kernel):
                room[a] *= factor
            for d in range(f * each, (f + 1) * each):
                own, under = slope[d * n * n_out : (d + 1) * n * n_out], own_slopes[d * wide : (d + 1) * wide]
                _slide_back(own, room, under, scratch.row, n, times, n_out, op[PAD], kernel)
    if sums_move:
        _product(
            (False, True), (n_sums, channels, wide), (wide, wide, channels), own_slopes, x, slope_sums, True
        )
        _through_renorm(_tensor(shape, weights, t + 5), slope_sums, shape.reals[k, MOST], n_sums, channels)


@_compiled
def _through_moments(moments, own, gradient, middle, of_middle, of_spread, count):
    """Add what mean and variance of the batch, which follow from the taps, say of them."""
    kernel = len(own)
    for a in range(kernel):
        inside = own[a] * moments[kernel + a * kernel - (a * (a - 1)) // 2]
        at = kernel + a * kernel - (a * (a - 1)) // 2
        for d in range(1, kernel - a):
            inside += own[a + d] * moments[at + d]
        for b in range(a):
            inside += own[b] * moments[kernel + b * kernel - (b * (b - 1)) // 2 + a - b]
        share = moments[a] / count
        gradient[a] += of_middle * share + of_spread * 2 * (inside / count - middle * share)


@_compiled
def _through_renorm(given, gradient, most, n_rows, width):
    """Turn the slopes of rows as they act into those of rows as they are (torch's renorm)."""
    for f in range(n_rows):
        own, slope = given[f * width : (f + 1) * width], gradient[f * width : (f + 1) * width]
        factor, length = _renorm(own, most)
        if most <= 0 or length <= most:
            continue
        along = 0.0
        for c in range(width):
            along += np.float64(own[c]) * np.float64(slope[c])
        along /= length * (length + _RENORM_EPS)
        for c in range(width):
            slope[c] = factor * (slope[c] - along * own[c])


@_compiled
def _acting_filters(shape, scratch, weights, k):
    """Return filters and bias of a convolution as they act; those of two joined ones are made of both."""
    op, t = shape.ops[k], shape.ops[k, TENSOR]
    if op[CODE] == CONV:
        bias = _tensor(shape, weights, t + 1) if op[BIASED] else weights[:0]
        return _tensor(shape, weights, t), bias
    channels, kernel, n_out, n_time = op[N_IN], op[KERNEL], op[N_OUT], op[FILTERS]
    in_time, in_time_bias = _tensor(shape, weights, t), _tensor(shape, weights, t + 1)
    across, size = _tensor(shape, weights, t + 2), channels * kernel
    filters, bias = scratch.filters[: n_out * size], scratch.filters[n_out * size : n_out * size + n_out]
    for o in range(n_out):
        _product((True, False), (channels, kernel, n_time), (channels, kernel, kernel),
                 across[o * n_time * channels :], in_time, filters[o * size :], False)  # fmt: skip
        bias[o] = _tensor(shape, weights, t + 3)[o] if op[BIASED] else 0
        for f in range(n_time):
            for c in range(channels):
                bias[o] += across[(o * n_time + f) * channels + c] * in_time_bias[f]
    return filters, bias


@_compiled
def _windows_together(op, patches):
    """How many windows' patches there is room for."""
    return max(1, len(patches) // (op[N_IN] * op[KERNEL] * op[T_OUT]))


@_compiled
def _see(op, x, patches, n, begin, end):
    """Fill in what the filters see of some windows: (channels * taps, windows * times)."""
    times, n_out, kernel = op[T_IN], op[T_OUT], op[KERNEL]
    wide = (end - begin) * n_out
    for c in range(op[N_IN]):
        for k in range(kernel):
            shift = k * op[DILATION] - op[PAD]
            row = patches[(c * kernel + k) * wide : (c * kernel + k + 1) * wide]
            first, last = min(max(0, -shift), n_out), max(0, min(n_out, times - shift))
            for i in range(begin, end):
                filled = row[(i - begin) * n_out : (i - begin + 1) * n_out]
                for t in range(first):
                    filled[t] = 0
                for t in range(max(first, last), n_out):
                    filled[t] = 0
                if last > first:
                    at = (c * n + i) * times + first + shift
                    seen, inside = x[at : at + last - first], filled[first:last]
                    for t in range(len(inside)):
                        inside[t] = seen[t]


@_compiled
def _see_back(op, patches, lower, n, begin, end):
    """Add what came back through every patch to the values that it was made of."""
    times, n_out, kernel = op[T_IN], op[T_OUT], op[KERNEL]
    wide = (end - begin) * n_out
    for c in range(op[N_IN]):
        for k in range(kernel):
            shift = k * op[DILATION] - op[PAD]
            row = patches[(c * kernel + k) * wide : (c * kernel + k + 1) * wide]
            first, last = min(max(0, -shift), n_out), max(0, min(n_out, times - shift))
            if last <= first:
                continue
            for i in range(begin, end):
                came = row[(i - begin) * n_out + first : (i - begin) * n_out + last]
                at = (c * n + i) * times + first + shift
                values = lower[at : at + last - first]
                for t in range(len(came)):
                    values[t] += came[t]


@_compiled
def _pointwise(op):
    """Whether filters see one time each, so that what they see is what there is."""
    return op[KERNEL] == 1 and op[PAD] == 0


@_compiled
def _dense(op):
    """Whether filters are as long as the series: a dense layer."""
    return op[KERNEL] == op[T_IN] and op[PAD] == 0 and op[KERNEL] > 1


@_compiled
def _convolve(op, filters, bias, x, out, patches, n):
    """Run filters over all channels and a stretch of time, some windows' patches at a time."""
    seen, n_out, times = op[N_IN] * op[KERNEL], op[N_OUT], op[T_OUT]
    whole, together, kernel = n * times, _windows_together(op, patches), op[KERNEL]
    if _dense(op):
        for c in range(op[N_IN]):
            _product((False, True), (n_out, n, kernel), (seen, kernel, n), filters[c * kernel :],
                     x[c * n * kernel :], out, c > 0)  # fmt: skip
    elif _pointwise(op):
        _product((False, False), (n_out, whole, seen), (seen, whole, whole), filters, x, out, False)
    else:
        for begin in range(0, n, together):
            end = min(n, begin + together)
            wide = (end - begin) * times
            _see(op, x, patches, n, begin, end)
            _product((False, False), (n_out, wide, seen), (seen, wide, whole), filters, patches,
                     out[begin * times :], False)  # fmt: skip
    for o in range(len(bias)):
        own = out[o * whole : (o + 1) * whole]
        for j in range(whole):
            own[j] += bias[o]


@_compiled
def _convolve_back(shape, scratch, weights, k, x, slope, lower, n, down):
    """Gradients of filters and bias and, where ``down`` asks for it, the slope of what entered."""
    op, t, patches = shape.ops[k], shape.ops[k, TENSOR], scratch.patches
    seen, n_out, times, size = op[N_IN] * op[KERNEL], op[N_OUT], op[T_OUT], op[N_IN] * op[KERNEL] * op[N_OUT]
    whole, together = n * times, _windows_together(op, patches)
    joined = op[CODE] == JOINED
    filters = _acting_filters(shape, scratch, weights, k)[0]
    if joined:
        gradient = scratch.filters[size + n_out : 2 * size + n_out]
        gradient[:] = 0
        of_bias = scratch.filters[2 * size + n_out : 2 * size + 2 * n_out]
    else:
        gradient = _tensor(shape, scratch.gradient, t)
        of_bias = _tensor(shape, scratch.gradient, t + 1) if op[BIASED] else scratch.gradient[:0]
    for o in range(len(of_bias)):
        own, total = slope[o * whole : (o + 1) * whole], slope.dtype.type(0)
        for j in range(whole):
            total += own[j]
        of_bias[o] = total
    if _dense(op):
        kernel = op[KERNEL]
        for c in range(op[N_IN]):
            own, at = gradient[c * kernel :], c * n * kernel
            _product((False, False), (n_out, kernel, n), (n, kernel, seen), slope, x[at:], own, True)
            if down:
                _product((True, False), (n, kernel, n_out), (n, seen, kernel), slope, filters[c * kernel :],
                         lower[at:], False)  # fmt: skip
    elif _pointwise(op):
        _product((False, True), (n_out, seen, whole), (whole, whole, seen), slope, x, gradient, True)
        if down:
            _product((True, False), (seen, whole, n_out), (seen, whole, whole), filters, slope, lower, False)
    else:
        if down:
            lower[:] = 0
        for begin in range(0, n, together):
            end = min(n, begin + together)
            wide, own = (end - begin) * times, slope[begin * times :]
            _see(op, x, patches, n, begin, end)
            _product((False, True), (n_out, seen, wide), (whole, wide, seen), own, patches, gradient, True)
            if down:
                _product(
                    (True, False), (seen, wide, n_out), (seen, whole, wide), filters, own, patches, False
                )
                _see_back(op, patches, lower, n, begin, end)
    if joined:
        _apart(shape, scratch, weights, k, gradient, of_bias)


@_compiled
def _apart(shape, scratch, weights, k, gradient, of_bias):
    """Turn the slopes of joined filters into those of the two that they are made of."""
    op, t = shape.ops[k], shape.ops[k, TENSOR]
    channels, kernel, n_out, n_time = op[N_IN], op[KERNEL], op[N_OUT], op[FILTERS]
    in_time, in_time_bias = _tensor(shape, weights, t), _tensor(shape, weights, t + 1)
    across, size = _tensor(shape, weights, t + 2), channels * kernel
    of_time, of_time_bias = _tensor(shape, scratch.gradient, t), _tensor(shape, scratch.gradient, t + 1)
    of_across = _tensor(shape, scratch.gradient, t + 2)
    for o in range(n_out):
        own, mixed = gradient[o * size :], across[o * n_time * channels :]
        _product(
            (False, False), (n_time, kernel, channels), (channels, kernel, kernel), mixed, own, of_time, True
        )
        _product((False, True), (n_time, channels, kernel), (kernel, kernel, channels), in_time, own,
                 of_across[o * n_time * channels :], False)  # fmt: skip
        for f in range(n_time):
            total, filled = _zero(of_bias), of_across[(o * n_time + f) * channels :]
            for c in range(channels):
                total += mixed[f * channels + c]
                filled[c] += in_time_bias[f] * of_bias[o]
            of_time_bias[f] += total * of_bias[o]
        if op[BIASED]:
            _tensor(shape, scratch.gradient, t + 3)[o] = of_bias[o]


@_compiled
def _zero(like):
    """Return 0 in the precision of an array."""
    return like.dtype.type(0)


@_compiled
def _convolve_each(op, own, x, out, row, filters, n):
    """One filter for every channel."""
    times, n_out, kernel = op[T_IN], op[T_OUT], op[KERNEL]
    taps = filters[: _in_eights(kernel)]
    for c in range(op[N_IN]):
        _taps(own[c * kernel : (c + 1) * kernel], kernel, taps, False)
        _slide_rows(x[c * n * times : (c + 1) * n * times], taps, out[c * n * n_out : (c + 1) * n * n_out],
                    row, n, times, n_out, op[PAD])  # fmt: skip


@_compiled
def _convolve_each_back(op, own, gradient, x, slope, lower, row, filters, n, down):
    """Gradient of one filter for every channel, and the slope of what entered."""
    times, n_out, kernel = op[T_IN], op[T_OUT], op[KERNEL]
    taps, found = filters[: _in_eights(kernel)], filters[_in_eights(kernel) : 2 * _in_eights(kernel)]
    for c in range(op[N_IN]):
        came = slope[c * n * n_out : (c + 1) * n * n_out]
        found[:] = 0
        _correlate_rows(x[c * n * times : (c + 1) * n * times], came, found, row, n, times, n_out, op[PAD])
        for k in range(kernel):
            gradient[c * kernel + k] = found[k]
        if down:
            _taps(own[c * kernel : (c + 1) * kernel], kernel, taps, True)
            _slide_back(came, taps, lower[c * n * times : (c + 1) * n * times], row, n, times, n_out,
                        op[PAD], kernel)  # fmt: skip


@_compiled
def _normalize(shape, state, scratch, m, k, n, made, x, out):
    """Norm over the batch; one that moves takes the batch's mean and variance and remembers them."""
    op, weights, t = shape.ops[k], state.weights[m], shape.ops[k, TENSOR]
    scale, shift = _tensor(shape, weights, t), _tensor(shape, weights, t + 1)
    mean, variance = _tensor(shape, weights, t + 2), _tensor(shape, weights, t + 3)
    kept, size = scratch.statistics[op[STATISTIC] :], n * op[T_IN]
    eps, share, moving = shape.reals[k, EPS], shape.reals[k, MOMENTUM], _moves(state, m, t + 2, made)
    for c in range(op[N_IN]):
        own, filled = x[c * size : (c + 1) * size], out[c * size : (c + 1) * size]
        middle, spread = mean[c], variance[c]
        if moving:
            total = _zero(own)
            for j in range(size):
                total += own[j]
            middle, spread = total / size, _zero(own)
            for j in range(size):
                away = own[j] - middle
                spread += away * away
            mean[c] = (1 - share) * mean[c] + share * middle
            variance[c] = (1 - share) * variance[c] + share * spread / (size - 1)
            spread /= size
        inverse = 1 / np.sqrt(np.float64(spread) + eps)
        kept[2 * c], kept[2 * c + 1] = middle, inverse
        factor = scale[c] * kept[2 * c + 1]
        constant = shift[c] - middle * factor
        for j in range(size):
            filled[j] = own[j] * factor + constant


@_compiled
def _normalize_back(shape, state, scratch, m, k, n, made, x, slope):
    """Gradients of scale and shift; the slope becomes that of what entered."""
    op, weights, t = shape.ops[k], state.weights[m], shape.ops[k, TENSOR]
    scale = _tensor(shape, weights, t)
    of_scale, of_shift = _tensor(shape, scratch.gradient, t), _tensor(shape, scratch.gradient, t + 1)
    kept, size, moving = scratch.statistics[op[STATISTIC] :], n * op[T_IN], _moves(state, m, t + 2, made)
    for c in range(op[N_IN]):
        own, came = x[c * size : (c + 1) * size], slope[c * size : (c + 1) * size]
        middle, inverse = kept[2 * c], kept[2 * c + 1]
        total, along = _zero(own), _zero(own)
        for j in range(size):
            total += came[j]
            along += came[j] * (own[j] - middle)
        along *= inverse
        of_scale[c], of_shift[c] = along, total
        a = scale[c] * inverse
        b, constant = _zero(own), _zero(own)
        if moving:
            b = -a * inverse * along / size
            constant = -a * total / size - b * middle
        for j in range(size):
            came[j] = a * came[j] + b * own[j] + constant


@_compiled
def _elu(out):
    """Negative values approach -1."""
    zero, one = out.dtype.type(0), out.dtype.type(1)
    for j in range(len(out)):
        low = _exp(min(out[j], zero)) - one
        out[j] = out[j] if out[j] > zero else low


@_compiled
def _elu_back(out, slope):
    zero, one = out.dtype.type(0), out.dtype.type(1)
    for j in range(len(slope)):
        slope[j] *= one + min(out[j], zero)


@_compiled
def _relu(out):
    zero = out.dtype.type(0)
    for j in range(len(out)):
        out[j] = max(out[j], zero)


@_compiled
def _log(x, out, least):
    """Logarithm of values that are not below ``least``."""
    for j in range(len(out)):
        out[j] = np.log(max(x[j], least))


@_compiled
def _mean(op, x, out, n):
    """Mean of tiles of time, which may overlap."""
    times, n_out, tile, stride = op[T_IN], op[T_OUT], op[KERNEL], op[STRIDE]
    share = out.dtype.type(1) / out.dtype.type(tile)
    if tile == stride == 4 and times % 4 == 0:
        for t in range(len(out)):
            out[t] = (x[4 * t] + x[4 * t + 1] + (x[4 * t + 2] + x[4 * t + 3])) * share
        return
    for i in range(op[N_IN] * n):
        series, filled = x[i * times : (i + 1) * times], out[i * n_out : (i + 1) * n_out]
        for t in range(n_out):
            total = _zero(out)
            seen = series[t * stride : t * stride + tile]
            for j in range(tile):
                total += seen[j]
            filled[t] = total * share


@_compiled
def _mean_back(op, slope, lower, n):
    times, n_out, tile, stride = op[T_IN], op[T_OUT], op[KERNEL], op[STRIDE]
    share = slope.dtype.type(1) / slope.dtype.type(tile)
    lower[:] = 0
    for i in range(op[N_IN] * n):
        under = lower[i * times : (i + 1) * times]
        for t in range(n_out):
            came, seen = slope[i * n_out + t] * share, under[t * stride : t * stride + tile]
            for j in range(tile):
                seen[j] += came


@_compiled
def _largest(op, x, out, chosen, n):
    """Largest value of tiles of time; ``chosen`` remembers where it was."""
    times, n_out, tile, stride = op[T_IN], op[T_OUT], op[KERNEL], op[STRIDE]
    for i in range(op[N_IN] * n):
        series = x[i * times : (i + 1) * times]
        for t in range(n_out):
            place, value = t * stride, series[t * stride]
            for j in range(t * stride + 1, t * stride + tile):
                if series[j] > value or series[j] != series[j]:
                    place, value = j, series[j]
            out[i * n_out + t], chosen[i * n_out + t] = value, place


@_compiled
def _largest_back(op, slope, lower, chosen, n):
    times, n_out = op[T_IN], op[T_OUT]
    lower[:] = 0
    for i in range(op[N_IN] * n):
        under = lower[i * times : (i + 1) * times]
        for t in range(n_out):
            under[chosen[i * n_out + t]] += slope[i * n_out + t]


@_compiled
def _drop(op, values, kept, share, n):
    """Keep what was drawn, larger by as much as is lost; draws lie as (windows, channels, times)."""
    channels, times = op[N_OUT], op[T_OUT]
    scale = values.dtype.type(1) / values.dtype.type(share)
    for c in range(channels):
        for i in range(n):
            own, drawn = (
                values[(c * n + i) * times : (c * n + i + 1) * times],
                kept[(i * channels + c) * times :],
            )
            for t in range(times):
                own[t] *= scale * drawn[t]
