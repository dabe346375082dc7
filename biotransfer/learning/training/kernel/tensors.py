"""Where values of a batch lie, and what moves."""

from __future__ import annotations

from .compiling import compiled


@compiled
def values_before(shape, values, at, n):
    """Return what a batch of n windows has before layer ``at``."""
    begin = shape.begins[at] * shape.batch
    return values[begin : begin + n * shape.widths[at]]


@compiled
def moves(state, m, t, made):
    """Whether tensor ``t`` is moved; nothing is where ``made`` is -1."""
    return state.rates[m, t] > 0 and state.begins[m, t] <= made
