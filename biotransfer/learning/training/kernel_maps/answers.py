"""Cross-entropy of the logits, and its slopes."""

from __future__ import annotations

from ..kernel.elementary import exp, sum_of_logs
from .compiling import compiled
from .records import N_OUT
from .tensors import values_after


@compiled
def answer(shape, scratch, y, rows):
    """Return summed cross-entropy and hits, and fill in the slopes of the logits, class by class."""
    n, last = len(rows), len(shape.ops) - 1
    n_classes = shape.ops[last, N_OUT]
    logits, slopes = values_after(shape, scratch, last, n), scratch.slopes[: n * n_classes]
    largest, sums = scratch.answers[:n], scratch.answers[n : 2 * n]
    for i in range(n):
        largest[i] = logits[i]
    for c in range(1, n_classes):
        own = logits[c * n : (c + 1) * n]
        for i in range(n):
            largest[i] = own[i] if own[i] > largest[i] else largest[i]
    sums[:] = 0
    total, hits, one = 0.0, 0, logits.dtype.type(1)
    for i in range(n):
        label = y[rows[i]]
        total += largest[i] - logits[label * n + i]
        hit = logits[label * n + i] == largest[i]
        for c in range(label):
            hit = hit and logits[c * n + i] < largest[i]
        hits += hit
    for c in range(n_classes):
        own, slope = logits[c * n : (c + 1) * n], slopes[c * n : (c + 1) * n]
        for i in range(n):
            slope[i] = exp(own[i] - largest[i])
            sums[i] += slope[i]
    total += sum_of_logs(sums)
    for i in range(n):
        sums[i] = one / (sums[i] * n)
    for c in range(n_classes):
        slope = slopes[c * n : (c + 1) * n]
        for i in range(n):
            slope[i] *= sums[i]
    for i in range(n):
        slopes[y[rows[i]] * n + i] -= one / n
    return total, hits


@compiled
def count_windows(shape, scratch, counts):
    """Let each window count as it is to in the slopes of the logits."""
    n = len(counts)
    for c in range(shape.ops[-1, N_OUT]):
        for i in range(n):
            scratch.slopes[c * n + i] *= counts[i]
