"""Cross-entropy of the logits, and its slopes."""

from __future__ import annotations

from .compiling import compiled
from .elementary import exp, sum_of_logs
from .tensors import values_before


@compiled
def answer(shape, scratch, y, rows):
    """Return summed cross-entropy and hits, and fill in the slopes of the logits."""
    n, n_classes = len(rows), shape.widths[-1]
    logits = values_before(shape, scratch.values, len(shape.kinds), n)
    slopes = values_before(shape, scratch.slopes, len(shape.kinds), n)
    largest = scratch.answers[n_classes * n : (n_classes + 1) * n]
    sums = scratch.answers[(n_classes + 1) * n : (n_classes + 2) * n]
    for c in range(n_classes):
        own = scratch.answers[c * n : (c + 1) * n]
        for i in range(n):
            own[i] = logits[i * n_classes + c]
        for i in range(n):
            largest[i] = own[i] if c == 0 or own[i] > largest[i] else largest[i]
    sums[:] = 0
    total, hits, one = 0.0, 0, logits.dtype.type(1)
    for i in range(n):
        label = y[rows[i]]
        own = logits[i * n_classes : (i + 1) * n_classes]
        total += largest[i] - own[label]
        hit = own[label] == largest[i]
        for c in range(label):
            hit = hit and own[c] < own[label]
        hits += hit
    for c in range(n_classes):
        own = scratch.answers[c * n : (c + 1) * n]
        for i in range(n):
            own[i] = exp(own[i] - largest[i])
            sums[i] += own[i]
    total += sum_of_logs(sums)
    for i in range(n):
        sums[i] = one / (sums[i] * n)
    for c in range(n_classes):
        own = scratch.answers[c * n : (c + 1) * n]
        for i in range(n):
            slopes[i * n_classes + c] = own[i] * sums[i]
    for i in range(n):
        slopes[i * n_classes + y[rows[i]]] -= one / n
    return total, hits


@compiled
def count_windows(shape, scratch, counts):
    """Let each window count as it is to in the slopes of the logits."""
    n, n_classes = len(counts), shape.widths[-1]
    slopes = values_before(shape, scratch.slopes, len(shape.kinds), n)
    for i in range(n):
        for c in range(n_classes):
            slopes[i * n_classes + c] *= counts[i]
