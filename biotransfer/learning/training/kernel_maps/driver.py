"""The entries of the kernel of maps over time: an epoch of every model, or what it says; moments of windows.

Compiled by numba at the first use, apart from the kernel of dense networks; kept until a file of this folder
or :mod:`..kernel` changes.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ..kernel import driver as dense
from ..kernel.adamw import step_values
from ..kernel.compiling import entry
from ..kernel.tensors import moves
from .activations import drop, elu, elu_back, log_back, log_of, relu, relu_back, square, square_back
from .answers import answer, count_windows
from .banks import bank, bank_back
from .compiling import OPTIONS, compiled
from .convolutions import acting_filters, convolve, convolve_back
from .draws import WORDS, begin_draws, draw_kept
from .moments import add_moments, window_moments
from .norms import normalize, normalize_back
from .pooling import largest_of_tiles, largest_of_tiles_back, mean_of_tiles, mean_of_tiles_back
from .records import (
    BANK,
    CHOSEN,
    CODE,
    CONV,
    DROP,
    EACH,
    ELU,
    EPS,
    JOINED,
    KEEP,
    LARGEST,
    LOG,
    MEAN,
    N_IN,
    N_OUT,
    NORM,
    RELU,
    SQUARE,
    T_IN,
    T_OUT,
    TENSOR,
)
from .sliding import convolve_each, convolve_each_back
from .tensors import is_statistic, n_tensors, tensor_of, values_after, values_before


def sources() -> list[Path]:
    """Return the files of all that is compiled here."""
    return [*dense.sources(), *sorted(Path(__file__).parent.glob("*.py"))]


def _command(signature: tuple[Any, ...]) -> str:
    """Return the code that compiles an entry for arguments of these types."""
    above, dtype = __name__.rsplit(".", 2)[0], str(signature[3].dtype)
    return f"from {above}.compiled_maps import compile_maps; compile_maps({dtype!r})"


_entry = entry(_command, sources(), OPTIONS)


@_entry
def run(shape, state, scratch, X, order, y, update, loss, hits, counts, given, logits):
    """Train every model on its windows once, or fill in what it says of them.

    One function, so that all that both need is compiled once.

    Parameters
    ----------
    shape, state, scratch, X, order, y, update, loss, hits, counts
        See :func:`..kernel.driver.train_epoch`.
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
            if trains:
                begin_draws(scratch.words, given.seeds[m, begin // shape.batch])
                add_moments(shape, scratch, X, rows, given)
            _forward(shape, state, scratch, X, rows, m, made)
            if not trains:
                said = values_after(shape, scratch, len(shape.ops) - 1, n)
                for i in range(n):
                    for c in range(n_classes):
                        logits[m, begin + i, c] = said[c * n + i]
                continue
            found = answer(shape, scratch, y, rows)
            if counts.shape[1] > 0:
                count_windows(shape, scratch, counts[m, begin : begin + n])
            loss[m] += found[0]
            hits[m] += found[1]
            _backward(shape, state, scratch, m, n, made)
            made += 1


@_entry
def find_moments(ops, X, rows, row, out):
    """Fill in ``out``, shape (n_rows, n_moments), with the sums over what a filter sees of each window.

    First of every tap, then of every product of two taps, the second not before the first. ``row`` is
    overwritten.
    """
    out[:] = 0
    for i in range(len(rows)):
        window_moments(ops[0], X[rows[i]], row, out[i])


@compiled
def _forward(shape, state, scratch, X, rows, m, made):
    """Fill in the values of every operation; ``made`` is -1 where nothing trains."""
    n, weights, ops = len(rows), state.weights[m], shape.ops
    channels, times = ops[0, N_IN], ops[0, T_IN]
    windows = values_before(shape, scratch, 0, n)
    for i in range(n):
        taken = X[rows[i]]
        for c in range(channels):
            at, first = (c * n + i) * times, c * times
            for j in range(times):
                windows[at + j] = taken[first + j]
    drawn, taken = 0, WORDS
    for k in range(len(ops)):
        op, code = ops[k], ops[k, CODE]
        x, out = values_before(shape, scratch, k, n), values_after(shape, scratch, k, n)
        if code == BANK:
            bank(shape, state, scratch, m, k, n, made, x, out)
        elif code in (CONV, JOINED):
            filters, bias = acting_filters(shape, scratch, weights, k)
            convolve(op, filters, bias, x, out, scratch.patches, n)
        elif code == EACH:
            convolve_each(op, tensor_of(shape, weights, op[TENSOR]), x, out, scratch.row, scratch.filters, n)
        elif code == NORM:
            normalize(shape, state, scratch, m, k, n, made, x, out)
        elif code == ELU:
            elu(out)
        elif code == RELU:
            relu(out)
        elif code == SQUARE:
            square(x, out)
        elif code == LOG:
            log_of(x, out, out.dtype.type(shape.reals[k, EPS]))
        elif code == MEAN:
            mean_of_tiles(op, x, out, n)
        elif code == LARGEST:
            largest_of_tiles(op, x, out, scratch.chosen[op[CHOSEN] * shape.batch :], n)
        else:
            if shape.at[k] != shape.at[k + 1]:
                for j in range(len(out)):
                    out[j] = x[j]
            if made >= 0:
                kept = scratch.kept[drawn * shape.batch :][: len(out)]
                taken = draw_kept(scratch.words, taken, shape.reals[k, KEEP], kept)
                drop(op, out, kept, shape.reals[k, KEEP], n)
                drawn += op[N_OUT] * op[T_OUT]


@compiled
def _backward(shape, state, scratch, m, n, made):
    """Go from the logits' slopes down to the lowest operation that moves, then move every tensor."""
    ops, weights = shape.ops, state.weights[m]
    lowest, drawn = len(ops), 0
    for k in range(len(ops) - 1, -1, -1):
        for t in range(ops[k, TENSOR], ops[k, TENSOR] + n_tensors(ops[k])):
            if moves(state, m, t, made) and not is_statistic(ops, t):
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
        x, out = values_before(shape, scratch, k, n), values_after(shape, scratch, k, n)
        turned = True
        if code == BANK:
            bank_back(shape, state, scratch, m, k, n, made, x, slope, lowers)
        elif code in (CONV, JOINED):
            convolve_back(shape, scratch, weights, k, x, slope, lower, n, down)
        elif code == EACH:
            gradient = tensor_of(shape, scratch.gradient, op[TENSOR])
            own = tensor_of(shape, weights, op[TENSOR])
            convolve_each_back(op, own, gradient, x, slope, lower, scratch.row, scratch.filters, n, down)
        elif code == NORM:
            normalize_back(shape, state, scratch, m, k, n, made, x, slope)
            turned = False
        elif code == ELU:
            elu_back(out, slope)
            turned = False
        elif code == RELU:
            relu_back(out, slope)
            turned = False
        elif code == SQUARE:
            square_back(x, slope)
            turned = False
        elif code == LOG:
            log_back(x, slope, slope.dtype.type(shape.reals[k, EPS]))
            turned = False
        elif code == MEAN:
            if down:
                mean_of_tiles_back(op, slope, lower, n)
        elif code == LARGEST:
            if down:
                largest_of_tiles_back(op, slope, lower, scratch.chosen[op[CHOSEN] * shape.batch :], n)
        else:
            drawn -= op[N_OUT] * op[T_OUT]
            drop(op, slope, scratch.kept[drawn * shape.batch :], shape.reals[k, KEEP], n)
            turned = False
        if turned:
            slopes, lowers = lowers, slopes
    for t in range(len(shape.offsets) - 1):
        if moves(state, m, t, made) and not is_statistic(ops, t):
            own = tensor_of(shape, scratch.gradient, t)
            step_values(shape, state, own, m, t, made, shape.offsets[t])
