"""Corrections: a family of tests, and folds that share training windows."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check
from .given import differences_of


class CorrectedTTest(NamedTuple):
    """Statistic, degrees of freedom and two-sided p of :func:`nadeau_bengio`."""

    statistic: float
    df: int
    p: float


def holm(p: ArrayLike) -> np.ndarray:
    """Adjust p values so that the chance of any false claim in the family stays below alpha.

    Parameters
    ----------
    p : array_like, shape (n_tests,), float
        The family.

    Returns
    -------
    ndarray, shape (n_tests,), float64
        Adjusted p, in the order given.

    Raises
    ------
    BiotransferError
        On a value outside 0 .. 1.

    Notes
    -----
    Source: Holm 1979, Scand. J. Statist. 6:65.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    check(
        values.ndim == 1 and bool(np.all((values >= 0) & (values <= 1))),
        f"p={values.tolist()} are no p values. Expected a list of numbers between 0 and 1.",
    )
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    return np.minimum(adjusted, 1.0)


def nadeau_bengio(d: ArrayLike, n_train: float, n_test: float) -> CorrectedTTest:
    """Corrected resampled t test over folds or repetitions that share training windows.

    Parameters
    ----------
    d : array_like, shape (n_folds,), float
        One difference per fold of **one** data set.
    n_train, n_test : float
        Windows (or people) that train and test in a fold.

    Returns
    -------
    CorrectedTTest
        statistic, df = n_folds - 1, two-sided p. With equal non-zero differences the statistic is infinite
        and p is 0; with all zero 0 and 1.

    Raises
    ------
    BiotransferError
        With fewer than two folds or sizes that are not above 0.

    Notes
    -----
    Source: Nadeau & Bengio 2003, doi:10.1023/A:1024068626366, equation 10:
    t = mean(d) / sqrt((1 / J + n_test / n_train) s^2).

    Examples
    --------
    >>> nadeau_bengio([0.02, 0.03, 0.01, 0.04], n_train=90, n_test=10).df
    3
    """
    from scipy.stats import t

    values = differences_of(d, at_least=2)
    check(
        n_train > 0 and n_test > 0,
        f"n_train={n_train}, n_test={n_test}. Expected two sizes above 0.",
    )
    mean, df = float(values.mean()), values.size - 1
    error = float(np.sqrt((1 / values.size + n_test / n_train) * values.var(ddof=1)))
    if np.ptp(values) == 0:
        return (
            CorrectedTTest(float(np.copysign(np.inf, mean)), df, 0.0)
            if mean
            else CorrectedTTest(0.0, df, 1.0)
        )
    statistic = mean / error
    return CorrectedTTest(statistic, df, float(2 * t.sf(abs(statistic), df)))
