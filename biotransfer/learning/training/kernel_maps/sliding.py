"""One filter that runs over series of a batch: forward, its gradient, and back."""

from __future__ import annotations

from .compiling import compiled
from .records import KERNEL, N_IN, PAD, T_IN, T_OUT


@compiled
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


@compiled
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


@compiled
def _correlate_four(rows, apart, slope, n, gradient):
    """As :func:`_correlate` for four windows at once: their sums over time are one; rows lie ``apart``."""
    zero = slope.dtype.type(0)
    g, h, i, j = slope[:n], slope[n : 2 * n], slope[2 * n : 3 * n], slope[3 * n : 4 * n]
    for k in range(0, len(gradient), 8):
        r, s = rows[k : k + n + 8], rows[apart + k : apart + k + n + 8]
        u, v = rows[2 * apart + k : 2 * apart + k + n + 8], rows[3 * apart + k : 3 * apart + k + n + 8]
        s0, s1, s2, s3, s4, s5, s6, s7 = zero, zero, zero, zero, zero, zero, zero, zero
        for t in range(n):
            a, b, c, d = g[t], h[t], i[t], j[t]
            s0 += a * r[t] + b * s[t] + c * u[t] + d * v[t]
            s1 += a * r[t + 1] + b * s[t + 1] + c * u[t + 1] + d * v[t + 1]
            s2 += a * r[t + 2] + b * s[t + 2] + c * u[t + 2] + d * v[t + 2]
            s3 += a * r[t + 3] + b * s[t + 3] + c * u[t + 3] + d * v[t + 3]
            s4 += a * r[t + 4] + b * s[t + 4] + c * u[t + 4] + d * v[t + 4]
            s5 += a * r[t + 5] + b * s[t + 5] + c * u[t + 5] + d * v[t + 5]
            s6 += a * r[t + 6] + b * s[t + 6] + c * u[t + 6] + d * v[t + 6]
            s7 += a * r[t + 7] + b * s[t + 7] + c * u[t + 7] + d * v[t + 7]
        gradient[k] += s0
        gradient[k + 1] += s1
        gradient[k + 2] += s2
        gradient[k + 3] += s3
        gradient[k + 4] += s4
        gradient[k + 5] += s5
        gradient[k + 6] += s6
        gradient[k + 7] += s7


@compiled
def in_eights(n):
    """Return n rounded up to a multiple of eight."""
    return (n + 7) // 8 * 8


@compiled
def fill_taps(own, kernel, taps, backwards):
    """Fill in the taps of one filter, in time's order or against it, zeros behind them."""
    taps[:] = 0
    for k in range(kernel):
        taps[k] = own[kernel - 1 - k] if backwards else own[k]


@compiled
def slide_rows(x, taps, out, row, n, times, n_out, left):
    """Let one filter run over the series of n windows, padded by ``left`` zeros and what it takes."""
    row[: n_out + len(taps)] = 0
    for i in range(n):
        for t in range(times):
            row[left + t] = x[i * times + t]
        own = out[i * n_out : (i + 1) * n_out]
        own[:] = 0
        _slide(row, taps, own)


@compiled
def correlate_rows(x, slope, gradient, row, n, times, n_out, left):
    """Add what n windows say of one filter's taps; ``row`` has room for four of them."""
    apart = n_out + len(gradient)
    row[: 4 * apart] = 0
    for i in range(0, n - 3, 4):
        for j in range(4):
            for t in range(times):
                row[j * apart + left + t] = x[(i + j) * times + t]
        _correlate_four(row, apart, slope[i * n_out : (i + 4) * n_out], n_out, gradient)
    for i in range(n // 4 * 4, n):
        for t in range(times):
            row[left + t] = x[i * times + t]
        _correlate(row, slope[i * n_out : (i + 1) * n_out], gradient)


@compiled
def slide_back(slope, taps, lower, row, n, times, n_out, left, kernel):
    """Hand the slopes of n windows back through one filter whose ``taps`` come backwards."""
    first = kernel - 1 - left
    row[: max(times, first + n_out) + len(taps)] = 0
    for i in range(n):
        for t in range(n_out):
            row[first + t] = slope[i * n_out + t]
        own = lower[i * times : (i + 1) * times]
        own[:] = 0
        _slide(row, taps, own)


@compiled
def convolve_each(op, own, x, out, row, filters, n):
    """One filter for every channel."""
    times, n_out, kernel = op[T_IN], op[T_OUT], op[KERNEL]
    taps = filters[: in_eights(kernel)]
    for c in range(op[N_IN]):
        fill_taps(own[c * kernel : (c + 1) * kernel], kernel, taps, False)
        slide_rows(x[c * n * times : (c + 1) * n * times], taps, out[c * n * n_out : (c + 1) * n * n_out],
                    row, n, times, n_out, op[PAD])  # fmt: skip


@compiled
def convolve_each_back(op, own, gradient, x, slope, lower, row, filters, n, down):
    """Gradient of one filter for every channel, and the slope of what entered."""
    times, n_out, kernel = op[T_IN], op[T_OUT], op[KERNEL]
    taps, found = filters[: in_eights(kernel)], filters[in_eights(kernel) : 2 * in_eights(kernel)]
    for c in range(op[N_IN]):
        came = slope[c * n * n_out : (c + 1) * n * n_out]
        found[:] = 0
        correlate_rows(x[c * n * times : (c + 1) * n * times], came, found, row, n, times, n_out, op[PAD])
        for k in range(kernel):
            gradient[c * kernel + k] = found[k]
        if down:
            fill_taps(own[c * kernel : (c + 1) * kernel], kernel, taps, True)
            slide_back(came, taps, lower[c * n * times : (c + 1) * n * times], row, n, times, n_out,
                        op[PAD], kernel)  # fmt: skip
