"""Single features of how complex a signal is: entropies of its patterns, and fractal dimensions.

Patterns are compared lag by lag over all windows at once, which takes n_times steps, not n_times^2.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator

import numpy as np

from ....errors import check
from ..series import Series
from .values import check_count


def _check_patterns(s: Series, name: str, length: int, tolerance: float) -> None:
    check_count(name, "length", length, 1, s.n_times // 4)
    check(tolerance > 0, f"feature {name}: tolerance={tolerance}. Expected more than 0. Use tolerance: 0.2.")


def _close(s: Series, tolerance: float) -> Iterator[tuple[int, np.ndarray]]:
    """Yield every lag and which samples lie within the tolerance of those that much later."""
    for lag in range(1, s.n_times):
        yield lag, np.abs(s.x[..., lag:] - s.x[..., :-lag]) <= (tolerance * np.sqrt(s.power))[..., None]


def _runs(close: np.ndarray, length: int) -> np.ndarray:
    """Return where ``length`` samples in a row are close."""
    n = close.shape[-1] - length + 1
    runs = close[..., :n].copy()
    for i in range(1, length):
        runs &= close[..., i : i + n]
    return runs


def sampen(s: Series, *, length: int = 2, tolerance: float = 0.2) -> np.ndarray:
    """Sample entropy: -log of how many patterns that are alike stay so one sample longer; 0 where still.

    Parameters
    ----------
    length : int, 1 to 100
        Of a pattern, in samples.
    tolerance : float, above 0
        How far apart samples of like patterns may lie, in deviations of the channel.

    Notes
    -----
    Where none stays alike the value is the largest that the window can show, log of the number of pairs.
    """
    _check_patterns(s, "SAMPEN", length, tolerance)
    n = s.n_times - length
    short, long = np.zeros(s.still.shape), np.zeros(s.still.shape)
    for lag, close in _close(s, tolerance):
        if lag >= n:
            break
        alike = _runs(close[..., : n - lag + length - 1], length)
        short += alike.sum(axis=-1)
        long += (alike & close[..., length : length + n - lag]).sum(axis=-1)
    most = n * (n - 1) / 2
    value = np.log(np.where(short > 0, short, most)) - np.log(np.maximum(long, 1.0))
    return s.where(value)


def appen(s: Series, *, length: int = 2, tolerance: float = 0.2) -> np.ndarray:
    """Approximate entropy: as sample entropy, every pattern counted as like itself; 0 where still.

    Parameters
    ----------
    length : int, 1 to 100
        Of a pattern, in samples.
    tolerance : float, above 0
        How far apart samples of like patterns may lie, in deviations of the channel.
    """
    _check_patterns(s, "APPEN", length, tolerance)
    sizes = (length, length + 1)
    counts = [np.ones((*s.still.shape, s.n_times - size + 1)) for size in sizes]
    for lag, close in _close(s, tolerance):
        for size, count in zip(sizes, counts, strict=True):
            if lag < count.shape[-1]:
                alike = _runs(close, size)
                count[..., :-lag] += alike
                count[..., lag:] += alike
    short, long = (np.log(count / count.shape[-1]).mean(axis=-1) for count in counts)
    return s.where(short - long)


def fuzzyen(s: Series, *, length: int = 2, tolerance: float = 0.2, power: int = 2) -> np.ndarray:
    """Fuzzy entropy: as sample entropy, patterns less their means being alike by degree; 0 where still.

    The degree is exp(-(d^power) / tolerance) of the largest distance d, in deviations of the channel.

    Parameters
    ----------
    length : int, 1 to 100
        Of a pattern, in samples.
    tolerance : float, above 0
        How fast likeness falls with distance.
    power : int, 1 to 20
        Of the distance.
    """
    _check_patterns(s, "FUZZYEN", length, tolerance)
    check_count("FUZZYEN", "power", power, 1, 8)
    n = s.n_times - length
    totals = []
    for size in (length, length + 1):
        patterns = np.stack([s.unit[..., i : i + n] for i in range(size)])
        patterns -= patterns.mean(axis=0)
        total = np.zeros(s.still.shape)
        for lag in range(1, n):
            apart = np.abs(patterns[..., lag:] - patterns[..., :-lag]).max(axis=0)
            total += np.exp(-(apart**power) / tolerance).sum(axis=-1)
        totals.append(total)
    tiny = np.finfo(float).tiny
    return s.where(np.log(np.maximum(totals[0], tiny)) - np.log(np.maximum(totals[1], tiny)))


def permen(s: Series, *, order: int = 3, delay: int = 1) -> np.ndarray:
    """Permutation entropy: of the orders of a few samples, over the largest possible; 0 where still.

    Parameters
    ----------
    order : int, 1 to 100
        How many samples.
    delay : int, 1 to 1000
        From one to the next.
    """
    check_count("PERMEN", "order", order, 2, 6)
    check_count("PERMEN", "delay", delay, 1, s.n_times // (2 * order))
    n = s.n_times - (order - 1) * delay
    patterns = np.stack([s.x[..., i * delay : i * delay + n] for i in range(order)], axis=-1)
    ranks = np.argsort(patterns, axis=-1, kind="stable") @ order ** np.arange(order)
    entropy = np.zeros(s.still.shape)
    for permutation in itertools.permutations(range(order)):
        share = (ranks == np.dot(permutation, order ** np.arange(order))).mean(axis=-1)
        entropy -= share * np.log(np.where(share > 0, share, 1.0))
    return s.where(entropy / math.log(math.factorial(order)))


def hfd(s: Series, *, most: int = 10) -> np.ndarray:
    """Fractal dimension by Higuchi: the slope of log curve length over log 1 / k; 1 where still.

    Parameters
    ----------
    most : int, 2 to 1000
        The largest step k.
    """
    check_count("HFD", "most", most, 2, s.n_times // 4)
    n = s.n_times
    lengths = np.zeros((*s.still.shape, most))
    for k in range(1, most + 1):
        steps = np.abs(s.x[..., k:] - s.x[..., :-k])
        for m in range(k):
            pieces = (n - m - 1) // k
            total = steps[..., m : m + (pieces - 1) * k + 1 : k].sum(axis=-1)
            lengths[..., k - 1] += total * (n - 1) / (pieces * k * k) / k
    return s.where(_slope(np.log(1.0 / np.arange(1, most + 1)), np.log(s.positive(lengths))), 1.0)


def kfd(s: Series) -> np.ndarray:
    """Fractal dimension by Katz: log n / (log n + log(d / L)) of curve length L, reach d; 1 where still."""
    n = s.n_times - 1
    length = s.step_size.sum(axis=-1)
    reach = np.abs(s.x - s.x[..., :1]).max(axis=-1)
    return s.where(np.log(n) / np.log(n * s.positive(reach) / s.positive(length)), 1.0)


def pfd(s: Series) -> np.ndarray:
    """Fractal dimension by Petrosian, of how often the slope changes its sign; 1 where still."""
    n = s.n_times
    turns = (s.steps[..., :-1] * s.steps[..., 1:] < 0).sum(axis=-1)
    return np.log10(n) / (np.log10(n) + np.log10(n / (n + 0.4 * turns)))


def dfa(s: Series, *, ratio: float = 1.2) -> np.ndarray:
    """Exponent of detrended fluctuation: how the summed signal strays over longer spans; 0 where still.

    Parameters
    ----------
    ratio : float, above 1
        From one span to the next; spans go from 4 samples to a tenth of the window.
    """
    check(1 < ratio <= 4, f"feature DFA: ratio={ratio}. Expected more than 1, up to 4. Use ratio: 1.2.")
    spans = _spans(4, s.n_times / 10, ratio)
    check(
        len(spans) >= 2,
        f"feature DFA: windows of {s.n_times} samples hold spans {spans}. Expected two or more. Cut windows "
        "of 60 samples or more, or leave DFA out.",
    )
    walk = s.x.cumsum(axis=-1)
    sizes = np.zeros((*s.still.shape, len(spans)))
    for i, span in enumerate(spans):
        count = s.n_times // span
        pieces = walk[..., : count * span].reshape(*s.still.shape, count, span)
        time = np.arange(span) - (span - 1) / 2
        pieces = pieces - pieces.mean(axis=-1, keepdims=True)
        trend = (pieces @ time / (time @ time))[..., None] * time
        sizes[..., i] = np.sqrt(np.square(pieces - trend).mean(axis=(-1, -2)))
    return s.where(_slope(np.log(spans), np.log(s.positive(sizes))))


def _spans(least: int, most: float, ratio: float) -> list[int]:
    """Return the whole parts of a geometric row, each once."""
    row = itertools.takewhile(lambda span: span <= most, (least * ratio**i for i in itertools.count()))
    return sorted({int(span) for span in row})


def _slope(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the slope of the line through y over x, along the last axis."""
    along = x - x.mean()
    return np.asarray(y @ along / (along @ along))
