"""What is done to every value by itself: ELU, ReLU, square, logarithm, dropout."""

from __future__ import annotations

import numpy as np

from ..kernel.elementary import exp
from .compiling import compiled
from .records import N_OUT, T_OUT


@compiled
def elu(out):
    """Negative values approach -1."""
    zero, one = out.dtype.type(0), out.dtype.type(1)
    for j in range(len(out)):
        low = exp(min(out[j], zero)) - one
        out[j] = out[j] if out[j] > zero else low


@compiled
def elu_back(out, slope):
    """Slope of what entered, by what left."""
    zero, one = out.dtype.type(0), out.dtype.type(1)
    for j in range(len(slope)):
        slope[j] *= one + min(out[j], zero)


@compiled
def relu(out):
    """Negative values become 0."""
    zero = out.dtype.type(0)
    for j in range(len(out)):
        out[j] = max(out[j], zero)


@compiled
def relu_back(out, slope):
    """Slope of what entered, by what left."""
    zero = slope.dtype.type(0)
    for j in range(len(slope)):
        slope[j] = slope[j] if out[j] > zero else zero


@compiled
def square(x, out):
    """Square of every value."""
    for j in range(len(out)):
        out[j] = x[j] * x[j]


@compiled
def square_back(x, slope):
    """Slope of what entered."""
    for j in range(len(slope)):
        slope[j] *= x[j] + x[j]


@compiled
def log_of(x, out, least):
    """Logarithm of values that are not below ``least``."""
    for j in range(len(out)):
        out[j] = np.log(max(x[j], least))


@compiled
def log_back(x, slope, least):
    """Slope of what entered; none where it was below ``least``."""
    zero = slope.dtype.type(0)
    for j in range(len(slope)):
        slope[j] = slope[j] / x[j] if x[j] >= least else zero


@compiled
def drop(op, values, kept, share, n):
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
