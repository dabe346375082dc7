"""AdamW (Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2), with a pull towards a reference."""

from __future__ import annotations

import math

import numpy as np

from .compiling import compiled
from .elementary import inverse
from .tensors import moves


@compiled
def step_layer(shape, state, gradient, m, t, made):
    """AdamW on a layer's tensors t and t + 1."""
    begin, middle, end = shape.offsets[t], shape.offsets[t + 1], shape.offsets[t + 2]
    rates, begins, pulls = state.rates[m], state.begins[m], state.pulls[m]
    if rates[t] == rates[t + 1] and begins[t] == begins[t + 1] and pulls[t] == pulls[t + 1]:
        step_values(shape, state, gradient[: end - begin], m, t, made, begin)
        return
    if moves(state, m, t, made):
        step_values(shape, state, gradient[: middle - begin], m, t, made, begin)
    if moves(state, m, t + 1, made):
        step_values(shape, state, gradient[middle - begin : end - begin], m, t + 1, made, middle)


@compiled
def step_values(shape, state, slope, m, t, made, begin):
    """AdamW on as many values as there are slopes, with what tensor t is moved by."""
    number, own = slope.dtype.type, slice(begin, begin + len(slope))
    weights, means, squares = state.weights[m, own], state.means[m, own], state.squares[m, own]
    step = made - state.begins[m, t] + 1
    if state.pulls[m, t] != 0:
        pull, reference = number(state.pulls[m, t]), state.references[m, own]
        for i in range(len(weights)):
            slope[i] += pull * (weights[i] - reference[i])
    shrink = number(1 - state.rates[m, t] * shape.decay)
    take, add, keep = number(1 - shape.betas[0]), number(1 - shape.betas[1]), number(shape.betas[1])
    root = math.sqrt(1 - shape.betas[1] ** step)
    size = number(root * state.rates[m, t] / (1 - shape.betas[0] ** step))
    eps = number(root * shape.eps)
    for i in range(len(weights)):
        means[i] += take * (slope[i] - means[i])
        squares[i] = keep * squares[i] + add * slope[i] * slope[i]
        weights[i] = shrink * weights[i] - size * means[i] * inverse(np.sqrt(squares[i]) + eps)
