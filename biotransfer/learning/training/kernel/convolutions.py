"""Convolutions over time that keep the size, as products with patches."""

from __future__ import annotations

import numpy as np

from .compiling import compiled
from .rows import add_bias, sum_rows, transpose


@compiled
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


@compiled
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


@compiled
def convolve(x, weight, bias, out, patches, info):
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
        add_bias(value, bias)


@compiled
def convolve_gradient(x, slope, gradient, bias_gradient, patches, part, info):
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
        sum_rows(slopes, bias_gradient)


@compiled
def convolve_slope(slope, weight, turned, lower, patches, info):
    """Slope of what entered a convolution."""
    times, n_in, n_out, kernel = info[0], info[1], info[2], info[3]
    seen = kernel * n_in
    n, together = len(slope) // (times * n_out), max(1, len(patches) // (times * seen))
    other = turned[: seen * n_out].reshape(n_out, seen)
    transpose(weight.reshape(seen, n_out), other)
    lower[:] = 0
    for begin in range(0, n, together):
        end = min(n, begin + together)
        rows = (end - begin) * times
        slopes = slope[begin * times * n_out : end * times * n_out].reshape(rows, n_out)
        np.dot(slopes, other, patches[: rows * seen].reshape(rows, seen))
        _fold(patches, lower[begin * times * n_in : end * times * n_in], times, n_in, kernel)
