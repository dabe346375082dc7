"""Dense layers: small products by numba, large ones by the library."""

from __future__ import annotations

import numpy as np

from .compiling import compiled
from .products import product
from .rows import add_bias, sum_rows, transpose

_LARGE = 1 << 13


@compiled
def linear(x, weight, bias, out, n_in, n_out):
    """Dense layer; ``bias`` is added."""
    n = len(out) // n_out
    value = out.reshape(n, n_out)
    if n_in * n_out <= _LARGE:
        np.dot(x.reshape(n, n_in), weight.reshape(n_in, n_out), value)
    else:
        product((False, False), (n, n_out, n_in), (n_in, n_out, n_out), x, weight, out, False)
    add_bias(value, bias)


@compiled
def linear_gradient(x, slope, gradient, bias_gradient, n_in, n_out):
    """Gradients of weight and bias."""
    n = len(slope) // n_out
    rows = slope.reshape(n, n_out)
    if n_in * n_out <= _LARGE:
        np.dot(x.reshape(n, n_in).T, rows, gradient.reshape(n_in, n_out))
    else:
        product((True, False), (n_in, n_out, n), (n_in, n_out, n_out), x, slope, gradient, False)
    bias_gradient[:] = 0
    sum_rows(rows, bias_gradient)


@compiled
def linear_slope(slope, weight, turned, lower, n_in, n_out):
    """Slope of what entered."""
    n = len(slope) // n_out
    if n_in * n_out > _LARGE:
        product((False, True), (n, n_in, n_out), (n_out, n_out, n_in), slope, weight, lower, False)
        return
    other = turned[: n_in * n_out].reshape(n_out, n_in)
    transpose(weight.reshape(n_in, n_out), other)
    np.dot(slope.reshape(n, n_out), other, lower.reshape(n, n_in))
