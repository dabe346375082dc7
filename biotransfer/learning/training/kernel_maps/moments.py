"""What mean and variance of filtered windows follow from: sums of what every tap sees."""

from __future__ import annotations

import numpy as np

from .compiling import compiled
from .records import BANK, CODE, KERNEL, N_IN, PAD, T_IN, T_OUT


@compiled
def window_moments(op, window, row, out):
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


@compiled
def add_moments(shape, scratch, X, rows, given):
    """Sum the moments of a batch's windows, where a filter bank begins the network."""
    if shape.ops[0, CODE] != BANK:
        return
    total = scratch.moments
    total[:] = 0
    kernel = shape.ops[0, KERNEL]
    if given.moments.shape[0] == 0:
        for i in range(len(rows)):
            window_moments(shape.ops[0], X[rows[i]], scratch.row, total)
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


@compiled
def through_moments(moments, own, gradient, middle, of_middle, of_spread, count):
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
