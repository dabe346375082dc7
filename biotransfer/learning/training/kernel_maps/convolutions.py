"""Filters over all channels and a stretch of time, as matrix products; dense layers among them."""

from __future__ import annotations

from ..kernel.products import product
from .compiling import compiled, compiled_part
from .records import (
    BIASED,
    CODE,
    CONV,
    DILATION,
    FILTERS,
    JOINED,
    KERNEL,
    N_IN,
    N_OUT,
    PAD,
    T_IN,
    T_OUT,
    TENSOR,
)
from .tensors import tensor_of, zero_like


@compiled_part
def acting_filters(shape, scratch, weights, k):
    """Return filters and bias of a convolution as they act; those of two joined ones are made of both."""
    op, t = shape.ops[k], shape.ops[k, TENSOR]
    if op[CODE] == CONV:
        bias = tensor_of(shape, weights, t + 1) if op[BIASED] else weights[:0]
        return tensor_of(shape, weights, t), bias
    channels, kernel, n_out, n_time = op[N_IN], op[KERNEL], op[N_OUT], op[FILTERS]
    in_time, in_time_bias = tensor_of(shape, weights, t), tensor_of(shape, weights, t + 1)
    across, size = tensor_of(shape, weights, t + 2), channels * kernel
    filters, bias = scratch.filters[: n_out * size], scratch.filters[n_out * size : n_out * size + n_out]
    for o in range(n_out):
        product((True, False), (channels, kernel, n_time), (channels, kernel, kernel),
                 across[o * n_time * channels :], in_time, filters[o * size :], False)  # fmt: skip
        bias[o] = tensor_of(shape, weights, t + 3)[o] if op[BIASED] else 0
        for f in range(n_time):
            for c in range(channels):
                bias[o] += across[(o * n_time + f) * channels + c] * in_time_bias[f]
    return filters, bias


@compiled
def _windows_together(op, patches):
    """How many windows' patches there is room for."""
    return max(1, len(patches) // (op[N_IN] * op[KERNEL] * op[T_OUT]))


@compiled
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


@compiled
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


@compiled
def _pointwise(op):
    """Whether filters see one time each, so that what they see is what there is."""
    return op[KERNEL] == 1 and op[PAD] == 0


@compiled
def _dense(op):
    """Whether filters are as long as the series: a dense layer."""
    return op[KERNEL] == op[T_IN] and op[PAD] == 0 and op[KERNEL] > 1


@compiled
def convolve(op, filters, bias, x, out, patches, n):
    """Run filters over all channels and a stretch of time, some windows' patches at a time."""
    seen, n_out, times = op[N_IN] * op[KERNEL], op[N_OUT], op[T_OUT]
    whole, together, kernel = n * times, _windows_together(op, patches), op[KERNEL]
    if _dense(op):
        for c in range(op[N_IN]):
            product((False, True), (n_out, n, kernel), (seen, kernel, n), filters[c * kernel :],
                     x[c * n * kernel :], out, c > 0)  # fmt: skip
    elif _pointwise(op):
        product((False, False), (n_out, whole, seen), (seen, whole, whole), filters, x, out, False)
    else:
        for begin in range(0, n, together):
            end = min(n, begin + together)
            wide = (end - begin) * times
            _see(op, x, patches, n, begin, end)
            product((False, False), (n_out, wide, seen), (seen, wide, whole), filters, patches,
                     out[begin * times :], False)  # fmt: skip
    for o in range(len(bias)):
        own = out[o * whole : (o + 1) * whole]
        for j in range(whole):
            own[j] += bias[o]


@compiled
def convolve_back(shape, scratch, weights, k, x, slope, lower, n, down):
    """Gradients of filters and bias and, where ``down`` asks for it, the slope of what entered."""
    op, t, patches = shape.ops[k], shape.ops[k, TENSOR], scratch.patches
    seen, n_out, times, size = op[N_IN] * op[KERNEL], op[N_OUT], op[T_OUT], op[N_IN] * op[KERNEL] * op[N_OUT]
    whole, together = n * times, _windows_together(op, patches)
    joined = op[CODE] == JOINED
    filters = acting_filters(shape, scratch, weights, k)[0]
    if joined:
        gradient = scratch.filters[size + n_out : 2 * size + n_out]
        gradient[:] = 0
        of_bias = scratch.filters[2 * size + n_out : 2 * size + 2 * n_out]
    else:
        gradient = tensor_of(shape, scratch.gradient, t)
        of_bias = tensor_of(shape, scratch.gradient, t + 1) if op[BIASED] else scratch.gradient[:0]
    for o in range(len(of_bias)):
        own, total = slope[o * whole : (o + 1) * whole], slope.dtype.type(0)
        for j in range(whole):
            total += own[j]
        of_bias[o] = total
    if _dense(op):
        kernel = op[KERNEL]
        for c in range(op[N_IN]):
            own, at = gradient[c * kernel :], c * n * kernel
            product((False, False), (n_out, kernel, n), (n, kernel, seen), slope, x[at:], own, True)
            if down:
                product((True, False), (n, kernel, n_out), (n, seen, kernel), slope, filters[c * kernel :],
                         lower[at:], False)  # fmt: skip
    elif _pointwise(op):
        product((False, True), (n_out, seen, whole), (whole, whole, seen), slope, x, gradient, True)
        if down:
            product((True, False), (seen, whole, n_out), (seen, whole, whole), filters, slope, lower, False)
    else:
        if down:
            lower[:] = 0
        for begin in range(0, n, together):
            end = min(n, begin + together)
            wide, own = (end - begin) * times, slope[begin * times :]
            _see(op, x, patches, n, begin, end)
            product((False, True), (n_out, seen, wide), (whole, wide, seen), own, patches, gradient, True)
            if down:
                product((True, False), (seen, wide, n_out), (seen, whole, wide), filters, own, patches, False)
                _see_back(op, patches, lower, n, begin, end)
    if joined:
        _apart(shape, scratch, weights, k, gradient, of_bias)


@compiled
def _apart(shape, scratch, weights, k, gradient, of_bias):
    """Turn the slopes of joined filters into those of the two that they are made of."""
    op, t = shape.ops[k], shape.ops[k, TENSOR]
    channels, kernel, n_out, n_time = op[N_IN], op[KERNEL], op[N_OUT], op[FILTERS]
    in_time, in_time_bias = tensor_of(shape, weights, t), tensor_of(shape, weights, t + 1)
    across, size = tensor_of(shape, weights, t + 2), channels * kernel
    of_time, of_time_bias = tensor_of(shape, scratch.gradient, t), tensor_of(shape, scratch.gradient, t + 1)
    of_across = tensor_of(shape, scratch.gradient, t + 2)
    for o in range(n_out):
        own, mixed = gradient[o * size :], across[o * n_time * channels :]
        product(
            (False, False), (n_time, kernel, channels), (channels, kernel, kernel), mixed, own, of_time, True
        )
        product((False, True), (n_time, channels, kernel), (kernel, kernel, channels), in_time, own,
                 of_across[o * n_time * channels :], False)  # fmt: skip
        for f in range(n_time):
            total, filled = zero_like(of_bias), of_across[(o * n_time + f) * channels :]
            for c in range(channels):
                total += mixed[f * channels + c]
                filled[c] += in_time_bias[f] * of_bias[o]
            of_time_bias[f] += total * of_bias[o]
        if op[BIASED]:
            tensor_of(shape, scratch.gradient, t + 3)[o] = of_bias[o]
