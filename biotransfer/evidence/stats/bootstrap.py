"""Intervals of a mean over people."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check
from .given import differences_of


def bootstrap_interval(
    d: ArrayLike, level: float = 0.95, *, n_resamples: int = 9999, seed: int = 0
) -> tuple[float, float]:
    """Bias-corrected and accelerated bootstrap interval of the mean over people.

    Parameters
    ----------
    d : array_like, shape (n,), float
        One difference per person, at least 2.
    level : float
        Coverage.
    n_resamples : int
        Resamples of people.
    seed : int
        Draws them.

    Returns
    -------
    low, high : float
        With two people their two values (nothing can be resampled); with equal values that value twice.

    Raises
    ------
    BiotransferError
        With fewer than two people.

    Notes
    -----
    Source: Efron 1987, doi:10.1080/01621459.1987.10478410. Below about 10 people such intervals are too
    narrow: the verdict rests on the exact test.

    Examples
    --------
    >>> low, high = bootstrap_interval([0.01, 0.03, 0.02, 0.05, -0.01, 0.02])
    >>> low < 0.02 < high
    True
    """
    values = differences_of(d, at_least=2)
    check(0 < level < 1, f"level={level}. Expected a coverage between 0 and 1, such as 0.95.")
    if values.size == 2 or np.ptp(values) <= 1e-12 * np.abs(values).max():
        return float(values.min()), float(values.max())
    from scipy.special import ndtr, ndtri

    rows = np.random.default_rng(seed).integers(0, values.size, (n_resamples, values.size))
    means, mean = values[rows].mean(-1), values.mean()
    tied = np.abs(means - mean) <= 1e-10 * np.abs(values).max()
    below = np.mean((means < mean) & ~tied) + np.mean(tied) / 2
    bias = ndtri(below)
    left_out = (values.sum() - values) / (values.size - 1)
    spread = (left_out.mean() - left_out) / np.ptp(left_out)
    acceleration = (spread**3).sum() / (6 * (spread**2).sum() ** 1.5)
    z = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(means, ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)
