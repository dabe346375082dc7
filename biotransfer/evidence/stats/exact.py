"""Exact tests over people: sign flips, the smallest p and the interval that they can give."""

from __future__ import annotations

from collections.abc import Iterator
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check, check_option
from .given import differences_of

EXACT_UP_TO = 20
_AT_ONCE = 10_000


def sign_flip_p(
    d: ArrayLike, alternative: str = "two-sided", *, n_resamples: int = 100_000, seed: int = 0
) -> float:
    """Paired sign-flip permutation test of a mean difference of zero.

    Parameters
    ----------
    d : array_like, shape (n,), float
        One difference per person.
    alternative : {"two-sided", "greater", "less"}
        Which means count as extreme.
    n_resamples : int
        Random sign patterns above 20 people; up to 20 all 2^n are counted.
    seed : int
        Draws them.

    Returns
    -------
    float
        Never 0: exact p is at least 2^-n, a random one (1 + count) / (1 + n_resamples).

    Raises
    ------
    BiotransferError
        On an empty or non-finite ``d``.

    Notes
    -----
    Source: Fisher 1935, The Design of Experiments, section 21; for the added one Phipson & Smyth 2010,
    doi:10.2202/1544-6115.1585. Sums that differ by less than 1e-10 of the largest possible sum count as ties.

    Examples
    --------
    >>> sign_flip_p([1.0, 2.0, 3.0, 4.0])
    0.125
    """
    values = differences_of(d)
    check_option("alternative", alternative, ["two-sided", "greater", "less"])
    if alternative == "less":
        values, alternative = -values, "greater"
    return _sign_flip_p(values.tobytes(), alternative == "two-sided", n_resamples, seed)


@lru_cache(maxsize=4096)
def _sign_flip_p(given: bytes, two_sided: bool, n_resamples: int, seed: int) -> float:
    """Return the p of float64 values; kept: one person less leaves most claims of a study as they are."""
    values = np.frombuffer(given)
    observed = abs(values.sum()) if two_sided else values.sum()
    bound = observed - 1e-10 * np.abs(values).sum()
    if values.size > EXACT_UP_TO:
        count = 0
        for signs in _signs(values.size, n_resamples, seed):
            sums = signs @ values
            count += int(np.count_nonzero((np.abs(sums) if two_sided else sums) >= bound))
        return (1 + count) / (1 + n_resamples)
    half = values[:1].copy()
    for value in values[1:]:
        half = np.concatenate([half + value, half - value])
    # The other half of the patterns has the same sums with the sign turned.
    above = np.count_nonzero(half >= bound) + np.count_nonzero(-half >= bound)
    return float(min(1.0, (2 if two_sided else 1) * above / (2 * half.size)))


def smallest_p(n: int, alternative: str = "two-sided") -> float:
    """Smallest p that :func:`sign_flip_p` can give with ``n`` people, counting all patterns.

    Examples
    --------
    >>> smallest_p(4), smallest_p(6)
    (0.125, 0.03125)
    """
    check(n >= 1, f"n={n} people. Expected 1 or more.")
    check_option("alternative", alternative, ["two-sided", "greater", "less"])
    return min(1.0, (2.0 if alternative == "two-sided" else 1.0) * 0.5**n)


@lru_cache(maxsize=2)
def _flips(n: int, n_resamples: int, seed: int) -> np.ndarray:
    rng, sizes = np.random.default_rng(seed), range(0, n_resamples, _AT_ONCE)
    chunks = [rng.integers(0, 2, (min(_AT_ONCE, n_resamples - start), n)) for start in sizes]
    return np.concatenate(chunks).astype(np.int8)


def _signs(n: int, n_resamples: int, seed: int) -> Iterator[np.ndarray]:
    """Yield random sign patterns of ``n`` people, -1 where a person is flipped."""
    flips = _flips(n, n_resamples, seed)
    for start in range(0, n_resamples, _AT_ONCE):
        yield 1.0 - 2.0 * flips[start : start + _AT_ONCE]


def sign_flip_interval(
    d: ArrayLike, level: float = 0.95, *, n_resamples: int = 100_000, seed: int = 0
) -> tuple[float, float]:
    """Return the means that :func:`sign_flip_p` does not reject at ``1 - level``.

    Parameters
    ----------
    d : array_like, shape (n,), float
        One value per person.
    level : float
        Coverage.
    n_resamples, seed : int
        See :func:`sign_flip_p`.

    Returns
    -------
    low, high : float
        Infinite where so few people can reject no mean: ``smallest_p(n) >= 1 - level``.

    Notes
    -----
    A sign pattern sums to as much as the data about a mean where the flipped people's own mean lies below it:
    the ends are order statistics of the means of all subsets of people (typical values; Hartigan 1969,
    doi:10.1080/01621459.1969.10501057).

    Examples
    --------
    >>> sign_flip_interval([1.0, 2.0, 3.0, 4.0, 5.0, 9.0])
    (1.0, 9.0)
    """
    values = differences_of(d)
    total, n = values.sum(), values.size
    if n > EXACT_UP_TO:
        flips = _flips(n, n_resamples, seed)
        parts = [flips[start : start + _AT_ONCE] @ values for start in range(0, n_resamples, _AT_ONCE)]
        sums, sizes = np.concatenate([[0.0], *parts]), np.concatenate([[0], flips.sum(1, dtype=np.int64)])
    else:
        sums, sizes = np.zeros(1), np.zeros(1)
        for value in values[1:]:
            sums, sizes = np.concatenate([sums, sums + value]), np.concatenate([sizes, sizes + 1])
    rejected = int(np.ceil(round(1 - level, 12) * sums.size)) - 1
    with np.errstate(divide="ignore", invalid="ignore"):
        flipped, kept = sums / sizes, (total - sums) / (n - sizes)
    lower, upper = np.fmin(flipped, kept), np.fmax(flipped, kept)
    lower[(sizes == 0) | (sizes == n)], upper[(sizes == 0) | (sizes == n)] = -np.inf, np.inf
    low = np.partition(lower, rejected)[rejected]
    high = np.partition(upper, sums.size - 1 - rejected)[sums.size - 1 - rejected]
    return float(low), float(high)
