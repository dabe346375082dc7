"""Bayesian comparison with a region of practical equivalence."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check
from .given import differences_of


class Posterior(NamedTuple):
    """Probabilities that the mean difference is below, inside and above the region of equivalence."""

    worse: float
    same: float
    better: float


def bayes_rope(d: ArrayLike, margin: float) -> Posterior:
    """Give the probability that an arm is worse, practically the same, or better.

    Parameters
    ----------
    d : array_like, shape (n,), float
        One difference per person, at least 2.
    margin : float
        Largest difference that does not matter, above 0.

    Returns
    -------
    Posterior
        Three probabilities that sum to 1; with no spread at all one of them is 1.

    Raises
    ------
    BiotransferError
        With fewer than two people, or a margin that is not above 0.

    Notes
    -----
    Source: Benavoli et al. 2017, JMLR 18(77):1, section 3.1. Normal differences with the prior 1 / variance
    give the mean a t distribution with n - 1 degrees of freedom around mean(d), with the scale
    sd(d) / sqrt(n): people share no test data.

    Examples
    --------
    >>> [round(p, 3) for p in bayes_rope([0.04, 0.05, 0.01, 0.06, 0.03], 0.02)]
    [0.001, 0.051, 0.948]
    """
    from scipy.special import stdtr

    values = differences_of(d, at_least=2)
    check(margin > 0, f"margin={margin} leaves no room. Expected a difference above 0. Pass margin=0.02.")
    mean = float(values.mean())
    scale = float(values.std(ddof=1) * np.sqrt(1 / values.size))
    if scale <= 1e-14 * float(np.abs(values).max()):
        return Posterior(float(mean < -margin), float(abs(mean) <= margin), float(mean > margin))
    df = values.size - 1
    worse = float(stdtr(df, (-margin - mean) / scale))
    better = float(stdtr(df, (mean - margin) / scale))
    return Posterior(worse, 1.0 - worse - better, better)
