"""Exact tests over people: sign flips, the smallest p they can give, equivalence."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check, check_option
from .given import differences_of

EXACT_UP_TO = 20


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
    values = differences_of(d)
    check(margin > 0, f"margin={margin} leaves no room. Expected a difference above 0. Pass margin=0.02.")
    return max(
        sign_flip_p(values + margin, "greater", n_resamples=n_resamples, seed=seed),
        sign_flip_p(values - margin, "less", n_resamples=n_resamples, seed=seed),
    )
