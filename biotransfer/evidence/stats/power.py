"""What a design could find, and how many people it takes."""

from __future__ import annotations

import numpy as np

from ...errors import check
from .exact import smallest_p
from .given import check_levels


def paired_power(difference: float, sd: float, n: int, *, alpha: float = 0.05) -> float:
    """Chance that a two-sided paired t test finds ``difference``.

    Parameters
    ----------
    difference : float
        True mean difference.
    sd : float
        Standard deviation of the differences between people, above 0.
    n : int
        People, at least 2.
    alpha : float
        Error rate.

    Raises
    ------
    BiotransferError
        On a value outside its range.

    Notes
    -----
    Source: noncentral t, Cohen 1988, chapter 2. The sign-flip test has about this power once
    ``smallest_p(n) < alpha``; below that it has none.

    Examples
    --------
    >>> round(paired_power(0.05, 0.05, 10), 3)
    0.803
    """
    from scipy.stats import nct, t

    check(sd > 0, f"sd={sd}. Expected a standard deviation above 0.")
    check(n >= 2, f"n={n} people. Expected 2 or more.")
    check_levels(alpha)
    df, shift = n - 1, np.sqrt(n) * abs(difference) / sd
    bound = t.isf(alpha / 2, df)
    # nct.cdf(-bound, df, shift) is the same tail and NaN in places (scipy 1.17, df 5, shift 11).
    return float(nct.sf(bound, df, shift) + nct.sf(bound, df, -shift))


def detectable_difference(sd: float, n: int, *, alpha: float = 0.05, power: float = 0.8) -> float | None:
    """Smallest true difference that ``n`` people find with probability ``power``.

    Parameters
    ----------
    sd : float
        Standard deviation of the differences between people.
    n : int
        People.
    alpha, power : float
        Error rate and wanted power.

    Returns
    -------
    float or None
        In the unit of ``sd``; None when no result of ``n`` people can fall below ``alpha``
        (``smallest_p(n) >= alpha``).

    Raises
    ------
    BiotransferError
        On a value outside its range.

    Examples
    --------
    >>> round(detectable_difference(0.05, 10), 3)
    0.05
    >>> detectable_difference(0.05, 4) is None
    True
    """
    check(sd >= 0, f"sd={sd}. Expected a standard deviation of 0 or more.")
    check_levels(alpha, power)
    if smallest_p(n) >= alpha:
        return None
    if sd == 0:
        return 0.0
    from scipy.optimize import brentq

    high = 1.0
    while paired_power(high, 1.0, n, alpha=alpha) < power:
        high *= 2
    root = brentq(lambda effect: paired_power(effect, 1.0, n, alpha=alpha) - power, 0.0, high, xtol=1e-14)
    return float(root) * sd


def subjects_needed(sd: float, difference: float, *, alpha: float = 0.05, power: float = 0.8) -> int:
    """Smallest number of people that finds ``difference`` with probability ``power``.

    Parameters
    ----------
    sd : float
        Standard deviation of the differences between people.
    difference : float
        The true difference to find, not 0.
    alpha, power : float
        Error rate and wanted power.

    Raises
    ------
    BiotransferError
        When more than a million people would be needed.

    Examples
    --------
    >>> subjects_needed(0.05, 0.05), subjects_needed(0.0, 0.05)
    (10, 6)
    """
    check(sd >= 0, f"sd={sd}. Expected a standard deviation of 0 or more.")
    check(difference != 0, "difference=0 is found by no number of people. Pass the margin, such as 0.02.")
    check_levels(alpha, power)
    low = 2
    while smallest_p(low) >= alpha:
        low += 1
    if sd == 0 or paired_power(difference, sd, low, alpha=alpha) >= power:
        return low
    high = 2 * low
    while paired_power(difference, sd, high, alpha=alpha) < power:
        check(
            high <= 1_000_000,
            f"difference={difference} with sd={sd} needs more than a million people. Ask for a larger one.",
        )
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        if paired_power(difference, sd, middle, alpha=alpha) >= power:
            high = middle
        else:
            low = middle
    return high
