"""The power of a t test, in closed form."""

from __future__ import annotations

import numpy as np

from ...errors import check
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
    Source: noncentral t, Cohen 1988, chapter 2. What a whole design finds, with its seeds, controls and
    family, is simulated: :func:`.positive_rate`.

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
