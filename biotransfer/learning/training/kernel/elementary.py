"""Elementary functions: inverse and exponential to single precision, sums of logarithms."""

from __future__ import annotations

import math

import numpy as np
from llvmlite import ir
from numba import types

from .compiling import by_precision, compiled, in_ir


@in_ir
def _near_inverse(typing, value):
    """Return 1 / a float32 to 12 %, by its exponent (Lomont 2003 does so for the root)."""

    def generate(context, builder, signature, values):
        integer = ir.IntType(32)
        bits = builder.sub(integer(0x7EF311C7), builder.bitcast(values[0], integer))
        return builder.bitcast(bits, values[0].type)

    return types.float32(types.float32), generate


@in_ir
def _two_to_the(typing, exponent):
    """Return 2 to the power of a float32 that is a whole number between -126 and 127."""

    def generate(context, builder, signature, values):
        integer = ir.IntType(32)
        bits = builder.add(builder.fptosi(values[0], integer), integer(127))
        return builder.bitcast(builder.shl(bits, integer(23)), values[0].type)

    return types.float32(types.float32), generate


def inverse(x):
    """Return 1 / x of a positive number."""


@by_precision(inverse)
def _inverse_of(x):
    if x != types.float32:
        return lambda x: 1 / x
    two, most = np.float32(2), np.float32(8e37)

    def by_newton(x):  # beside the root, which keeps the divider busy
        x = most if x > most else x
        inverse = _near_inverse(x)
        inverse *= two - x * inverse
        inverse *= two - x * inverse
        inverse *= two - x * inverse
        return inverse

    return by_newton


def exp(x):
    """Return e to a power that is at most 0."""


@by_precision(exp)
def _exp_of(x):
    if x != types.float32:
        return lambda x: math.exp(x)
    least, log2e, half, one = np.float32(-87), np.float32(1.44269504), np.float32(0.5), np.float32(1)
    high, low = np.float32(0.693359375), np.float32(-2.12194440e-4)
    p = [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]
    p0, p1, p2, p3, p4, p5 = (np.float32(value) for value in p)

    def by_polynomial(x):  # Cephes' expf
        x = max(x, least) if x == x else x
        exponent = np.floor(x * log2e + half)
        x = x - exponent * high - exponent * low
        sum_ = ((((p0 * x + p1) * x + p2) * x + p3) * x + p4) * x + p5
        return (sum_ * x * x + x + one) * _two_to_the(exponent)

    return by_polynomial


@compiled
def sum_of_logs(values):
    """Return the sum of logarithms of values from 1 to the number of classes: one logarithm for some."""
    total = 0.0
    for begin in range(0, len(values), 16):
        product = 1.0
        for i in range(begin, min(begin + 16, len(values))):
            product *= values[i]
        total += math.log(product)
    return total
