"""Random-effects meta-analysis: one mean over data sets that differ in what is true of them."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check, check_option


class Combined(NamedTuple):
    """What :func:`combine_means` found.

    ``mean`` over data sets, its ``error`` and ``df``, the 95 % interval ``low`` to ``high``; ``tau``, the
    standard deviation of what is true of data sets, ``i2``, its share of the variance, ``q`` and ``q_p``, the
    test of none; ``next_low`` to ``next_high``, where the truth of a further data set lies in 95 %;
    ``weights``, which add up to 1; ``here``, ``here_low``, ``here_high``: the mean of these data sets alone.
    None where it is not estimable: ``tau``, ``i2`` and the next data set with two of them.
    """

    mean: float
    error: float
    df: int
    low: float
    high: float
    tau: float | None
    i2: float | None
    q: float
    q_p: float
    next_low: float | None
    next_high: float | None
    weights: tuple[float, ...]
    here: float
    here_low: float
    here_high: float

    def p(self, alternative: str = "two-sided", *, mean: float = 0.0) -> float:
        """Test the mean over data sets.

        Parameters
        ----------
        alternative : {"two-sided", "greater", "less"}
            Which means count against ``mean``.
        mean : float
            The mean under test.
        """
        from scipy.special import stdtr

        check_option("alternative", alternative, ["two-sided", "greater", "less"])
        statistic = (self.mean - mean) / self.error
        lower, upper = float(stdtr(self.df, statistic)), float(stdtr(self.df, -statistic))
        return {"two-sided": min(1.0, 2 * min(lower, upper)), "greater": upper, "less": lower}[alternative]


def combine_means(means: ArrayLike, errors: ArrayLike) -> Combined:
    """Combine the mean differences of data sets by a random-effects meta-analysis.

    Parameters
    ----------
    means : array_like, shape (n_data_sets,), float
        One mean difference per data set, at least two.
    errors : array_like, shape (n_data_sets,), float
        Their standard errors, above 0.

    Returns
    -------
    Combined
        In the unit of ``means``.

    Raises
    ------
    BiotransferError
        With fewer than two data sets, numbers that are not finite, or an error of 0.

    Notes
    -----
    Model: mean_i = mean + set_i + rest_i, set_i with the deviation tau, rest_i with the deviation errors_i.
    Tau after Paule & Mandel 1982, doi:10.6028/jres.087.022; interval and
    test with n - 1 degrees of freedom after Hartung & Knapp 2001, doi:10.1002/sim.791, and Sidik & Jonkman
    2002, doi:10.1002/sim.1262, never narrower than with a scale of 1 (Röver, Knapp & Friede 2015,
    doi:10.1186/s12874-015-0091-1). The next data set: Higgins, Thompson & Spiegelhalter 2009,
    doi:10.1111/j.1467-985X.2008.00552.x, n - 2 degrees of freedom. These data sets alone: Rice, Higgins &
    Lumley 2018, doi:10.1111/rssa.12275.

    Simulated with 3 to 8 data sets of 4 to 38 people, each error estimated from its own people, and tau of 0
    to 0.7 of the spread between people: the interval covers 94 to 100 %, that of the next data set 89 to 100
    %, least where tau is small and data sets are many.

    Examples
    --------
    >>> found = combine_means([0.02, 0.05, -0.01], [0.01, 0.01, 0.01])
    >>> round(found.mean, 3), round(found.tau, 3), round(found.i2, 2)
    (0.02, 0.028, 0.89)
    """
    from scipy.special import chdtrc, ndtri, stdtrit

    y, s = np.asarray(means, dtype=np.float64), np.asarray(errors, dtype=np.float64)
    check(
        y.ndim == 1
        and y.shape == s.shape
        and y.size >= 2
        and bool(np.isfinite([y, s]).all() and (s > 0).all()),
        f"means of shape {y.shape} with errors={s.tolist()}. Expected a finite mean and an error above 0 of "
        "two data sets or more. Pool studies of further data sets.",
    )
    n, v = y.size, s**2
    weights = 1 / v
    here = float(weights @ y / weights.sum())
    q = float(weights @ (y - here) ** 2)
    tau2 = _paule_mandel(y, v) if q > n - 1 else 0.0
    weights = 1 / (v + tau2)
    mean = float(weights @ y / weights.sum())
    scale = max(1.0, float(weights @ (y - mean) ** 2) / (n - 1))
    error = float(np.sqrt(scale / weights.sum()))
    reach, around = float(stdtrit(n - 1, 0.975)) * error, float(ndtri(0.975) / np.sqrt((1 / v).sum()))
    tau = float(np.sqrt(tau2)) if n > 2 else None
    ahead = None if tau is None else float(stdtrit(n - 2, 0.975)) * float(np.hypot(tau, error))
    return Combined(
        mean=mean,
        error=error,
        df=n - 1,
        low=mean - reach,
        high=mean + reach,
        tau=tau,
        i2=None if tau is None else float(max(0.0, 1 - (n - 1) / q)) if q > 0 else 0.0,
        q=q,
        q_p=float(chdtrc(n - 1, q)),
        next_low=None if ahead is None else mean - ahead,
        next_high=None if ahead is None else mean + ahead,
        weights=tuple(map(float, weights / weights.sum())),
        here=here,
        here_low=here - around,
        here_high=here + around,
    )


def _paule_mandel(y: np.ndarray, v: np.ndarray) -> float:
    """Return the variance between data sets at which the weighted squares equal their degrees of freedom."""
    from scipy.optimize import brentq

    def excess(tau2: float) -> float:
        weights = 1 / (v + tau2)
        return float(weights @ (y - weights @ y / weights.sum()) ** 2) - (y.size - 1)

    return float(brentq(excess, 0.0, float(np.ptp(y)) ** 2 * y.size, xtol=1e-16, rtol=1e-12))
