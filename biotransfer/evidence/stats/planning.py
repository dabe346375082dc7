"""What a design finds, by drawing studies and applying the verdict's tests to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import lru_cache

import numpy as np

from ...errors import check
from .designs import Design, Estimate, Parts
from .drawing import needed_gains
from .exact import smallest_p
from .given import check_levels

_PEOPLE = (*range(2, 60), *(round(60 * 1.03**i) for i in range(144)))
"""What is searched for the people needed: every number, above 60 steps of 3 %."""


def positive_rate(
    gain: float,
    design: Design,
    parts: Parts,
    *,
    between: float = 0.0,
    over_controls: float = 0.0,
    n_tables: int = 4000,
    seed: int = 0,
) -> Estimate:
    """Say in advance how often a true gain is called positive.

    Parameters
    ----------
    gain : float
        True mean difference from the baseline.
    design, parts, over_controls, n_tables, seed
        See :func:`needed_gains`.
    between : float
        Standard deviation of the true gain between such studies.

    Examples
    --------
    >>> rate = positive_rate(0.05, Design(12, 5, n_controls=0), Parts(0.05, 0.0, 0.0))
    >>> 0.85 < rate.low < rate.value < rate.high < 0.95
    True
    """
    needed = needed_gains(design, parts, over_controls=over_controls, n_tables=n_tables, seed=seed)
    true = gain + between * np.random.default_rng([seed, 1]).permutation(_normal_scores(len(needed)))
    return _share(int((needed < true).sum()), len(needed))


def _normal_scores(n: int) -> np.ndarray:
    from scipy.special import ndtri

    return np.asarray(ndtri((np.arange(n) + 0.5) / n))


def _share(count: int, n: int) -> Estimate:
    """Return a share with its interval after Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404."""
    from scipy.special import betaincinv

    low = float(betaincinv(count, n - count + 1, 0.025)) if count else 0.0
    high = float(betaincinv(count + 1, n - count, 0.975)) if count < n else 1.0
    return Estimate(count / n, low, high)


def detectable_gain(
    design: Design, parts: Parts, *, power: float = 0.8, n_tables: int = 4000, seed: int = 0
) -> Estimate:
    """Return the true gain that is called positive with probability ``power``.

    Parameters
    ----------
    design, parts, n_tables, seed
        See :func:`needed_gains`.
    power : float
        Above ``alpha``.

    Returns
    -------
    Estimate
        In the unit of ``parts``, with the interval of a quantile (order statistics); ``None`` throughout
        where so few people cannot be significant.

    Examples
    --------
    >>> found = detectable_gain(Design(12, 5, n_controls=0), Parts(0.05, 0.0, 0.0))
    >>> 0.042 < found.low < found.value < found.high < 0.047
    True
    >>> detectable_gain(Design(4, 5), Parts(0.05, 0.0, 0.0)).value is None
    True
    """
    check_levels(design.alpha, power)
    needed = needed_gains(design, parts, n_tables=n_tables, seed=seed)
    if not np.isfinite(needed[-1]):
        return Estimate(None, None, None)
    n = len(needed)
    reach_ = 1.96 * np.sqrt(power * (1 - power) * n)
    at = [round(power * n + k * reach_) for k in (0, -1, 1)]
    return Estimate(*(float(needed[min(max(i, 1), n) - 1]) for i in at))


def people_needed(
    gain: float, design: Design, parts: Parts, *, power: float = 0.8, n_tables: int = 1000, seed: int = 0
) -> Estimate:
    """Return how many people it takes to call a true gain positive with probability ``power``.

    Parameters
    ----------
    gain : float
        True mean difference, above 0.
    design : Design
        Its ``n_people`` does not count.
    parts, n_tables, seed
        See :func:`needed_gains`.
    power : float
        Above ``alpha``.

    Returns
    -------
    Estimate
        Whole numbers, above 60 in steps of 3 %; ``None`` where 4000 people are too few, as when the luck of
        few seeds is large.

    Examples
    --------
    >>> people_needed(0.05, Design(6, 5, n_controls=0), Parts(0.05, 0.0, 0.0)).value in (10, 11)
    True
    >>> people_needed(0.01, Design(6, 3, n_controls=0), Parts(0.01, 0.02, 0.0)).value is None
    True
    """
    check(gain > 0, f"gain={gain} is found by no number of people. Pass the margin, such as 0.02.")
    check_levels(design.alpha, power)

    @lru_cache(maxsize=64)
    def rate(n: int) -> Estimate:
        return positive_rate(gain, replace(design, n_people=n), parts, n_tables=n_tables, seed=seed)

    first = 2
    while smallest_p(first) >= design.alpha / design.n_claims:
        first += 1
    steps = [n for n in _PEOPLE if n >= first]
    return Estimate(
        _first(steps, lambda n: (rate(n).value or 0.0) >= power),
        _first(steps, lambda n: (rate(n).high or 0.0) >= power),
        _first(steps, lambda n: (rate(n).low or 0.0) >= power),
    )


def _first(steps: Sequence[int], enough: Callable[[int], bool]) -> int | None:
    """Return the first step that is enough, by halving."""
    low, high = 0, len(steps)
    while low < high:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(steps[middle]) else (middle + 1, high)
    return steps[low] if low < len(steps) else None
