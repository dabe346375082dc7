"""Largest values of tiles, and means, over time."""

from __future__ import annotations

from .compiling import compiled
from .rows import sum_rows


@compiled
def pool(x, out, chosen, info):
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


@compiled
def pool_slope(slope, chosen, lower, info):
    """Hand every slope to the value that was largest."""
    size, out = info[0] * info[1], info[0] // info[3] * info[1]
    lower[:] = 0
    for i in range(len(slope) // out):
        window = lower[i * size : (i + 1) * size]
        for j in range(i * out, (i + 1) * out):
            window[chosen[j]] += slope[j]


@compiled
def average(x, out, info):
    """Mean over time."""
    times, channels = info[0], info[1]
    share = out.dtype.type(1) / out.dtype.type(times)
    out[:] = 0
    for i in range(len(out) // channels):
        value = out[i * channels : (i + 1) * channels]
        sum_rows(x[i * times * channels : (i + 1) * times * channels].reshape(times, channels), value)
        for c in range(channels):
            value[c] *= share


@compiled
def average_slope(slope, lower, info):
    """Share every slope among the times."""
    times, channels = info[0], info[1]
    share = slope.dtype.type(1) / slope.dtype.type(times)
    for i in range(len(slope) // channels):
        own = slope[i * channels : (i + 1) * channels]
        for p in range(i * times, (i + 1) * times):
            filled = lower[p * channels : (p + 1) * channels]
            for c in range(channels):
                filled[c] = own[c] * share
