"""Means and largest values of tiles of time."""

from __future__ import annotations

from .compiling import compiled
from .records import KERNEL, N_IN, STRIDE, T_IN, T_OUT
from .tensors import zero_like


@compiled
def mean_of_tiles(op, x, out, n):
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
            total = zero_like(out)
            seen = series[t * stride : t * stride + tile]
            for j in range(tile):
                total += seen[j]
            filled[t] = total * share


@compiled
def mean_of_tiles_back(op, slope, lower, n):
    """Share every slope among the values of its tile."""
    times, n_out, tile, stride = op[T_IN], op[T_OUT], op[KERNEL], op[STRIDE]
    share = slope.dtype.type(1) / slope.dtype.type(tile)
    lower[:] = 0
    for i in range(op[N_IN] * n):
        under = lower[i * times : (i + 1) * times]
        for t in range(n_out):
            came, seen = slope[i * n_out + t] * share, under[t * stride : t * stride + tile]
            for j in range(tile):
                seen[j] += came


@compiled
def largest_of_tiles(op, x, out, chosen, n):
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


@compiled
def largest_of_tiles_back(op, slope, lower, chosen, n):
    """Hand every slope to the value that was largest."""
    times, n_out = op[T_IN], op[T_OUT]
    lower[:] = 0
    for i in range(op[N_IN] * n):
        under = lower[i * times : (i + 1) * times]
        for t in range(n_out):
            under[chosen[i * n_out + t]] += slope[i * n_out + t]
