"""A filter bank: filters over time, the same for every channel; a norm; a sum over the channels for each.

The sum comes first, so that the long filters run over a few sums and not over every channel, and the norm's
mean and variance follow from the moments of the windows, which no training changes.
"""

from __future__ import annotations

import numpy as np

from ..kernel.products import product
from ..kernel.tensors import moves
from .compiling import compiled, compiled_part
from .moments import through_moments
from .records import EPS, FILTERS, KERNEL, MOMENTUM, MOST, N_IN, N_OUT, PAD, STATISTIC, T_IN, T_OUT, TENSOR
from .sliding import correlate_rows, fill_taps, in_eights, slide_back, slide_rows
from .tensors import tensor_of

_RENORM_EPS = 1e-7
"""Of :func:`torch.renorm`."""


@compiled_part
def _acting_sums(shape, scratch, weights, k):
    """Return a bank's sums over channels as they act: no row longer than it may be."""
    op, most = shape.ops[k], shape.reals[k, MOST]
    given = tensor_of(shape, weights, op[TENSOR] + 5)
    acting = scratch.filters[: len(given)]
    channels = op[N_IN]
    for f in range(op[N_OUT]):
        own, filled = given[f * channels : (f + 1) * channels], acting[f * channels : (f + 1) * channels]
        factor = given.dtype.type(_renorm(own, most)[0])
        for c in range(channels):
            filled[c] = own[c] * factor
    return acting


@compiled
def _renorm(own, most):
    """Return the factor that keeps a row as long as it may be, and its length."""
    if most <= 0:
        return 1.0, 0.0
    total = 0.0
    for c in range(len(own)):
        total += np.float64(own[c]) * np.float64(own[c])
    length = np.sqrt(total)
    return (most / (length + _RENORM_EPS) if length > most else 1.0), length


@compiled
def bank(shape, state, scratch, m, k, n, made, x, out):
    """Run filters over time, a norm, and sums over channels: the sums first.

    Kept: per filter mean, 1 / deviation and both factors; then the series of the sums and what filters give.
    """
    op, weights = shape.ops[k], state.weights[m]
    channels, times, n_sums, n_out = op[N_IN], op[T_IN], op[N_OUT], op[T_OUT]
    filters, kernel, each = op[FILTERS], op[KERNEL], op[N_OUT] // op[FILTERS]
    taps = tensor_of(shape, weights, op[TENSOR])
    scale, shift = tensor_of(shape, weights, op[TENSOR] + 1), tensor_of(shape, weights, op[TENSOR] + 2)
    sums = _acting_sums(shape, scratch, weights, k)
    kept = scratch.statistics[op[STATISTIC] :]
    series = kept[4 * filters :][: n_sums * n * times]
    passed = kept[4 * filters + n_sums * shape.batch * times :][: n_sums * n * n_out]
    wide = n * times
    product((False, False), (n_sums, wide, channels), (channels, wide, wide), sums, x, series, False)
    _bank_statistics(shape, state, scratch, m, k, n, made)
    room = scratch.filters[len(sums) : len(sums) + in_eights(kernel)]
    for f in range(filters):
        fill_taps(taps[f * kernel : (f + 1) * kernel], kernel, room, False)
        factor = scale[f] * kept[4 * f + 1]
        constant = shift[f] - kept[4 * f] * factor
        kept[4 * f + 2], kept[4 * f + 3] = factor, constant
        for d in range(f * each, (f + 1) * each):
            gone = passed[d * n * n_out : (d + 1) * n * n_out]
            own = series[d * wide : (d + 1) * wide]
            slide_rows(own, room, gone, scratch.row, n, times, n_out, op[PAD])
            weight = x.dtype.type(0)
            for c in range(channels):
                weight += sums[d * channels + c]
            filled, extra = out[d * n * n_out : (d + 1) * n * n_out], constant * weight
            for j in range(len(filled)):
                filled[j] = factor * gone[j] + extra


@compiled
def _bank_statistics(shape, state, scratch, m, k, n, made):
    """Keep mean and 1 / deviation of every filter; a norm that moves takes the batch's and remembers them."""
    op, weights = shape.ops[k], state.weights[m]
    filters, kernel = op[FILTERS], op[KERNEL]
    taps = tensor_of(shape, weights, op[TENSOR])
    mean, variance = tensor_of(shape, weights, op[TENSOR] + 3), tensor_of(shape, weights, op[TENSOR] + 4)
    kept, eps, share = scratch.statistics[op[STATISTIC] :], shape.reals[k, EPS], shape.reals[k, MOMENTUM]
    moving = moves(state, m, op[TENSOR] + 3, made)
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


@compiled
def bank_back(shape, state, scratch, m, k, n, made, x, slope, lowers):
    """Gradients of a filter bank; nothing below it moves."""
    op, weights = shape.ops[k], state.weights[m]
    channels, times, n_sums, n_out = op[N_IN], op[T_IN], op[N_OUT], op[T_OUT]
    filters, kernel, each, t = op[FILTERS], op[KERNEL], op[N_OUT] // op[FILTERS], op[TENSOR]
    taps, scale = tensor_of(shape, weights, t), tensor_of(shape, weights, t + 1)
    slope_taps, slope_scale = tensor_of(shape, scratch.gradient, t), tensor_of(shape, scratch.gradient, t + 1)
    slope_shift, slope_sums = (
        tensor_of(shape, scratch.gradient, t + 2),
        tensor_of(shape, scratch.gradient, t + 5),
    )
    sums = _acting_sums(shape, scratch, weights, k)
    kept = scratch.statistics[op[STATISTIC] :]
    series = kept[4 * filters :][: n_sums * n * times]
    passed = kept[4 * filters + n_sums * shape.batch * times :][: n_sums * n * n_out]
    room = scratch.filters[len(sums) : len(sums) + in_eights(kernel)]
    found = scratch.filters[len(sums) + len(room) : len(sums) + 2 * len(room)]
    wide, own_slopes = n * times, lowers[: n_sums * n * times]
    taps_move, sums_move = moves(state, m, t, made), moves(state, m, t + 5, made)
    moving = moves(state, m, t + 3, made)
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
                correlate_rows(lying, own, found, scratch.row, n, times, n_out, op[PAD])
        slope_scale[f] = inverse * (of_factor - middle * of_constant)
        slope_shift[f] = of_constant
        gradient = slope_taps[f * kernel : (f + 1) * kernel]
        for a in range(kernel):
            gradient[a] = factor * found[a]
        if moving and taps_move:
            of_spread = -0.5 * scale[f] * (of_factor - middle * of_constant) * inverse**3
            through_moments(scratch.moments, taps[f * kernel : (f + 1) * kernel], gradient, middle,
                             -factor * of_constant, of_spread, float(n * channels * n_out))  # fmt: skip
        if sums_move:
            fill_taps(taps[f * kernel : (f + 1) * kernel], kernel, room, True)
            for a in range(kernel):
                room[a] *= factor
            for d in range(f * each, (f + 1) * each):
                own, under = slope[d * n * n_out : (d + 1) * n * n_out], own_slopes[d * wide : (d + 1) * wide]
                slide_back(own, room, under, scratch.row, n, times, n_out, op[PAD], kernel)
    if sums_move:
        product(
            (False, True), (n_sums, channels, wide), (wide, wide, channels), own_slopes, x, slope_sums, True
        )
        _through_renorm(tensor_of(shape, weights, t + 5), slope_sums, shape.reals[k, MOST], n_sums, channels)


@compiled
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
