"""Group norms; a layer norm is one of one group."""

from __future__ import annotations

import numpy as np

from .compiling import compiled
from .rows import sum_rows

_EPS = 1e-5
"""Of :class:`torch.nn.GroupNorm` and :class:`torch.nn.LayerNorm`."""


@compiled
def normalize(x, weight, bias, out, statistics, info):
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
        sum_rows(rows, sums)
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
            own[2 * g + 1] = 1 / np.sqrt(variance + _EPS)
        for c in range(channels):
            factors[c] = weight[c] * own[2 * (c // each) + 1]
            shifts[c] = bias[c] - own[2 * (c // each)] * factors[c]
        for p in range(times):
            row, filled = rows[p], value[p]
            for c in range(channels):
                filled[c] = row[c] * factors[c] + shifts[c]


@compiled
def normalize_back(x, slope, weight, gradient, bias_gradient, lower, statistics, info, down):
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
