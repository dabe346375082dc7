"""What is done to whole rows of a matrix: a vector added to each, their sum; and the transpose."""

from __future__ import annotations

from .compiling import compiled


@compiled
def add_bias(value, bias):
    """Add a vector to every row."""
    for i in range(value.shape[0]):
        row = value[i]
        for j in range(len(bias)):
            row[j] += bias[j]


@compiled
def sum_rows(rows, out):
    """Add every row to ``out``."""
    for i in range(rows.shape[0]):
        row = rows[i]
        for j in range(len(out)):
            out[j] += row[j]


@compiled
def transpose(weight, turned):
    """Fill in the transpose: a small product with it runs faster than one that transposes."""
    for i in range(weight.shape[0]):
        for j in range(weight.shape[1]):
            turned[j, i] = weight[i, j]
