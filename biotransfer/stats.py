"""Evidence over people: exact tests, intervals, and what a design could have found.

Every function takes paired differences, one number per person. The unit is the person, never the window or
the seed: average those first.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from .errors import check, check_option

EXACT_UP_TO = 20


class CorrectedTTest(NamedTuple):
    """Statistic, degrees of freedom and two-sided p of :func:`nadeau_bengio`."""

    statistic: float
    df: int
    p: float


def _differences(d: ArrayLike, at_least: int = 1) -> np.ndarray:
    """Return ``d`` as sorted float64, so that no seeded result depends on the order of people."""
    values = np.asarray(d, dtype=np.float64)
    check(
        values.ndim == 1 and values.size >= at_least and bool(np.isfinite(values).all()),
        f"d of shape {values.shape} with {int((~np.isfinite(values)).sum())} values that are not finite. "
        f"Expected one finite difference per person, at least {at_least}. "
        "Average seeds inside a person first.",
    )
    return np.sort(values)


def _check_levels(alpha: float, power: float = 0.8) -> None:
    check(
        0 < alpha < 1, f"alpha={alpha} is no error rate. Expected a number between 0 and 1. Pass alpha=0.05."
    )
    check(
        power is None or alpha < power < 1,
        f"power={power} is no power at alpha={alpha}. Expected alpha < power < 1. Pass power=0.8.",
    )


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
    values = _differences(d)
    check_option("alternative", alternative, ["two-sided", "greater", "less"])
    if alternative == "less":
        return sign_flip_p(-values, "greater", n_resamples=n_resamples, seed=seed)
    two_sided = alternative == "two-sided"
    observed = abs(values.sum()) if two_sided else values.sum()
    bound = observed - 1e-10 * np.abs(values).sum()
    if values.size > EXACT_UP_TO:
        count, rng = 0, np.random.default_rng(seed)
        for start in range(0, n_resamples, 10_000):
            size = (min(10_000, n_resamples - start), values.size)
            sums = (1.0 - 2.0 * rng.integers(0, 2, size)) @ values
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
    values = _differences(d, at_least=2)
    check(0 < level < 1, f"level={level}. Expected a coverage between 0 and 1, such as 0.95.")
    if values.size == 2 or np.ptp(values) <= 1e-12 * np.abs(values).max():
        return float(values.min()), float(values.max())
    from scipy.special import ndtr, ndtri

    rows = np.random.default_rng(seed).integers(0, values.size, (n_resamples, values.size))
    means, mean = values[rows].mean(-1), values.mean()
    below = (np.mean(means < mean) + np.mean(means <= mean)) / 2
    bias = ndtri(below)
    left_out = (values.sum() - values) / (values.size - 1)
    spread = (left_out.mean() - left_out) / np.ptp(left_out)
    acceleration = (spread**3).sum() / (6 * (spread**2).sum() ** 1.5)
    z = bias + ndtri(np.array([(1 - level) / 2, (1 + level) / 2]))
    low, high = np.quantile(means, ndtr(bias + z / (1 - acceleration * z)))
    return float(low), float(high)


def equivalence_p(d: ArrayLike, margin: float, *, n_resamples: int = 100_000, seed: int = 0) -> float:
    """Two one-sided sign-flip tests that the mean difference lies inside ``-margin .. margin``.

    Parameters
    ----------
    d : array_like, shape (n,), float
        One difference per person.
    margin : float
        Largest difference that does not matter, in the unit of ``d``, above 0.
    n_resamples, seed : int
        See :func:`sign_flip_p`.

    Returns
    -------
    float
        The larger of the two one-sided p; small means equivalent.

    Raises
    ------
    BiotransferError
        When ``margin`` is not above 0.

    Notes
    -----
    Source: Schuirmann 1987, doi:10.1007/BF01068419, with sign flips in place of t.

    Examples
    --------
    >>> equivalence_p([0.001, -0.002, 0.0, 0.003, -0.001], 0.02)
    0.03125
    """
    values = _differences(d)
    check(margin > 0, f"margin={margin} leaves no room. Expected a difference above 0. Pass margin=0.02.")
    return max(
        sign_flip_p(values + margin, "greater", n_resamples=n_resamples, seed=seed),
        sign_flip_p(values - margin, "less", n_resamples=n_resamples, seed=seed),
    )


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
    _check_levels(alpha)
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
    _check_levels(alpha, power)
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
    _check_levels(alpha, power)
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

    values = _differences(d, at_least=2)
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
