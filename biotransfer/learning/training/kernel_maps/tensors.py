"""Where values and tensors of a model lie, and which hold statistics."""

from __future__ import annotations

from .compiling import compiled, compiled_part
from .records import BANK, BIASED, CODE, CONV, EACH, JOINED, N_IN, N_OUT, NORM, T_IN, T_OUT, TENSOR


@compiled_part
def values_after(shape, scratch, k, n):
    """Return what operation ``k`` gives for a batch of n windows."""
    begin = shape.at[k + 1] * shape.batch
    return scratch.values[begin : begin + n * shape.ops[k, N_OUT] * shape.ops[k, T_OUT]]


@compiled_part
def values_before(shape, scratch, k, n):
    """Return what enters operation ``k``."""
    begin = shape.at[k] * shape.batch
    return scratch.values[begin : begin + n * shape.ops[k, N_IN] * shape.ops[k, T_IN]]


@compiled_part
def tensor_of(shape, rows, t):
    """Return tensor ``t`` of a model's row."""
    return rows[shape.offsets[t] : shape.offsets[t + 1]]


@compiled
def n_tensors(op):
    """How many tensors an operation has: those of a bank are filters, its norm's four, sums over channels."""
    code = op[CODE]
    if code == BANK:
        return 6
    if code == NORM:
        return 4
    if code == JOINED:
        return 3 + op[BIASED]
    if code in (CONV, EACH):
        return 1 + op[BIASED]
    return 0


@compiled
def is_statistic(ops, t):
    """Whether a tensor holds running statistics."""
    for k in range(len(ops)):
        first = ops[k, TENSOR]
        if ops[k, CODE] == NORM and (t == first + 2 or t == first + 3):
            return True
        if ops[k, CODE] == BANK and (t == first + 3 or t == first + 4):
            return True
    return False


@compiled
def zero_like(like):
    """Return 0 in the precision of an array."""
    return like.dtype.type(0)
