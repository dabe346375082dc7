"""Norms by batches, with running statistics, by which a frozen one computes."""

from __future__ import annotations

import numpy as np

from ..kernel.tensors import moves
from .compiling import compiled
from .records import EPS, MOMENTUM, N_IN, STATISTIC, T_IN, TENSOR
from .tensors import tensor_of, zero_like


@compiled
def normalize(shape, state, scratch, m, k, n, made, x, out):
    """Norm over the batch; one that moves takes the batch's mean and variance and remembers them."""
    op, weights, t = shape.ops[k], state.weights[m], shape.ops[k, TENSOR]
    scale, shift = tensor_of(shape, weights, t), tensor_of(shape, weights, t + 1)
    mean, variance = tensor_of(shape, weights, t + 2), tensor_of(shape, weights, t + 3)
    kept, size = scratch.statistics[op[STATISTIC] :], n * op[T_IN]
    eps, share, moving = shape.reals[k, EPS], shape.reals[k, MOMENTUM], moves(state, m, t + 2, made)
    for c in range(op[N_IN]):
        own, filled = x[c * size : (c + 1) * size], out[c * size : (c + 1) * size]
        middle, spread = mean[c], variance[c]
        if moving:
            total = zero_like(own)
            for j in range(size):
                total += own[j]
            middle, spread = total / size, zero_like(own)
            for j in range(size):
                away = own[j] - middle
                spread += away * away
            mean[c] = (1 - share) * mean[c] + share * middle
            variance[c] = (1 - share) * variance[c] + share * spread / (size - 1)
            spread /= size
        inverse = 1 / np.sqrt(np.float64(spread) + eps)
        kept[2 * c], kept[2 * c + 1] = middle, inverse
        factor = scale[c] * kept[2 * c + 1]
        constant = shift[c] - middle * factor
        for j in range(size):
            filled[j] = own[j] * factor + constant


@compiled
def normalize_back(shape, state, scratch, m, k, n, made, x, slope):
    """Gradients of scale and shift; the slope becomes that of what entered."""
    op, weights, t = shape.ops[k], state.weights[m], shape.ops[k, TENSOR]
    scale = tensor_of(shape, weights, t)
    of_scale, of_shift = tensor_of(shape, scratch.gradient, t), tensor_of(shape, scratch.gradient, t + 1)
    kept, size, moving = scratch.statistics[op[STATISTIC] :], n * op[T_IN], moves(state, m, t + 2, made)
    for c in range(op[N_IN]):
        own, came = x[c * size : (c + 1) * size], slope[c * size : (c + 1) * size]
        middle, inverse = kept[2 * c], kept[2 * c + 1]
        total, along = zero_like(own), zero_like(own)
        for j in range(size):
            total += came[j]
            along += came[j] * (own[j] - middle)
        along *= inverse
        of_scale[c], of_shift[c] = along, total
        a = scale[c] * inverse
        b, constant = zero_like(own), zero_like(own)
        if moving:
            b = -a * inverse * along / size
            constant = -a * total / size - b * middle
        for j in range(size):
            came[j] = a * came[j] + b * own[j] + constant
