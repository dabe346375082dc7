"""People and seeds are both a sample: a test of the mean that lets both vary."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check, check_option

_STEPS = 42


class CrossedTest(NamedTuple):
    """What :func:`crossed_test` found.

    ``statistic`` and ``p`` of the test; ``share``, the weight of the seeds in what the statistic is compared
    with; ``error``, the standard error of the mean; ``people``, ``seeds`` and ``rest``, the standard
    deviations of the three parts.
    """

    statistic: float
    share: float
    p: float
    error: float
    people: float
    seeds: float
    rest: float


def crossed_test(d: ArrayLike, alternative: str = "two-sided", *, mean: float = 0.0) -> CrossedTest:
    """Test a mean difference when all people share the networks of a seed.

    Parameters
    ----------
    d : array_like, shape (n_people, n_seeds), float
        One difference per person and seed, at least two of each.
    alternative : {"two-sided", "greater", "less"}
        Which means count against ``mean``.
    mean : float
        The mean under test.

    Returns
    -------
    CrossedTest
        With no spread at all the statistic is 0 (p = 1) or infinite (p = 0 on the side it lies on).

    Raises
    ------
    BiotransferError
        With fewer than two people or seeds, or values that are not finite.

    Notes
    -----
    Model: d_ps = mean + person_p + seed_s + rest_ps, all random. The mean of the table has the variance
    (MS_people + D) / (n_people n_seeds) with D = max(MS_seeds - MS_rest, 0) (the quasi-F of Clark 1973,
    doi:10.1016/S0022-5371(73)80014-3). A source network is shared by all people of its seed, so its luck
    does not average out over people.

    The ratio is compared with a mixture of two t distributions, with n_people - 1 and n_seeds - 1 degrees of
    freedom, each weighted by its part of the variance (after Cochran 1964, doi:10.2307/2282687): the seeds
    weigh ``share`` = (D + MS_rest / (n_seeds - 1)) / (MS_people + D + MS_rest / (n_seeds - 1)). The second
    summand allows for luck that a few seeds did not happen to show. Nothing jumps where MS_seeds passes
    MS_rest, and seeds that share nothing leave the t test over people. Degrees of freedom after Satterthwaite
    1946 are too many here: with 3 seeds and a shared luck as large as the spread of 14 people they claim in
    6.5 % at 0.05, the mixture in 5.1 %; everywhere else (4 to 14 people, 3 to 10 seeds, normal) in 2 to 5 %
    (``benchmarks/bench_statistics.py``).

    Examples
    --------
    >>> test = crossed_test([[0.04, 0.06], [0.02, 0.05], [0.03, 0.05]])
    >>> round(test.statistic, 2), round(test.share, 2), round(test.p, 3)
    (3.37, 0.88, 0.17)
    """
    values = np.asarray(d, dtype=np.float64)
    check(
        values.ndim == 2 and min(values.shape) >= 2 and bool(np.isfinite(values).all()),
        f"d of shape {values.shape} with {int((~np.isfinite(values)).sum())} values that are not finite. "
        "Expected one finite difference per person and seed, at least two of each. Run more seeds.",
    )
    check_option("alternative", alternative, ["two-sided", "greater", "less"])
    found = quasi_t(values, mean)
    p = float(tail_p(found.statistic, found.share, values.shape, alternative))
    people, seeds, rest = found.squares
    n_people, n_seeds = values.shape
    parts = np.sqrt(np.maximum([(people - rest) / n_seeds, (seeds - rest) / n_people, rest], 0.0))
    return CrossedTest(
        float(found.statistic), float(found.share), p, float(found.error), *(float(part) for part in parts)
    )


class QuasiT(NamedTuple):
    """Statistic, share of the seeds, standard error and mean squares (people, seeds, rest) of tables."""

    statistic: np.ndarray
    share: np.ndarray
    error: np.ndarray
    squares: np.ndarray


def quasi_t(values: np.ndarray, mean: float = 0.0) -> QuasiT:
    """Return the ratio of :func:`crossed_test` for stacked tables; one seed gives the t test over people.

    Parameters
    ----------
    values : ndarray, shape (..., n_people, n_seeds), float64
        Differences; at least two people.
    mean : float
        The mean under test.

    Returns
    -------
    QuasiT
        Arrays of shape (...); ``squares`` of shape (3, ...).
    """
    n_people, n_seeds = values.shape[-2:]
    center, rows, columns = values.mean((-2, -1)), values.mean(-1), values.mean(-2)
    spread = [n_seeds * ((rows - center[..., None]) ** 2).sum(-1)]
    spread += [n_people * ((columns - center[..., None]) ** 2).sum(-1)]
    rest = values - rows[..., :, None] - columns[..., None, :] + center[..., None, None]
    spread += [(rest**2).sum((-2, -1))]
    df = np.array([n_people - 1, n_seeds - 1, (n_people - 1) * (n_seeds - 1)], dtype=np.float64)
    tiny = (1e-14 * np.abs(values).max((-2, -1))) ** 2
    summed = np.stack(spread)
    squares = np.where(summed > tiny, summed, 0.0) / np.maximum(df, 1).reshape(-1, *[1] * center.ndim)
    luck = np.maximum(squares[1] - squares[2], 0.0)
    allowed = luck + squares[2] / max(n_seeds - 1, 1)
    total = squares[0] + allowed
    share = np.divide(allowed, total, out=np.zeros_like(total), where=total > 0)
    error = np.sqrt((squares[0] + luck) / (n_people * n_seeds))
    distance = center - mean
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = np.where(
            error > 0, distance / error, np.where(distance == 0, 0.0, np.copysign(np.inf, distance))
        )
    return QuasiT(statistic, share, error, squares)


def tail_p(
    statistic: ArrayLike, share: ArrayLike, shape: tuple[int, ...], alternative: str = "two-sided"
) -> np.ndarray:
    """Return p of ratios of :func:`quasi_t` by the mixture of t distributions.

    Parameters
    ----------
    statistic, share : array_like, shape (...)
        See :class:`QuasiT`.
    shape : tuple
        Ends in the numbers of people and seeds.
    alternative : str
        See :func:`crossed_test`.
    """
    from scipy.special import stdtr

    ratio, weight = np.asarray(statistic, dtype=np.float64), np.asarray(share, dtype=np.float64)
    away = {"two-sided": np.abs(ratio), "greater": ratio, "less": -ratio}[alternative]
    tail = (1 - weight) * stdtr(shape[-2] - 1, -away)
    if shape[-1] > 1:
        tail = tail + weight * stdtr(shape[-1] - 1, -away)
    return np.asarray(np.minimum(1.0, 2 * tail) if alternative == "two-sided" else tail)


def reach(share: ArrayLike, shape: tuple[int, ...], level: float = 0.95) -> np.ndarray:
    """Return how many standard errors the two-sided interval of :func:`quasi_t` reaches to either side.

    Parameters
    ----------
    share : array_like, shape (...)
        See :class:`QuasiT`.
    shape : tuple
        Ends in the numbers of people and seeds.
    level : float
        Coverage.
    """
    from scipy.special import stdtrit

    weight, upper = np.asarray(share, dtype=np.float64), (1 + level) / 2
    people = np.full(weight.shape, stdtrit(shape[-2] - 1, upper))
    if shape[-1] == 1:
        return people
    seeds = np.full(weight.shape, stdtrit(shape[-1] - 1, upper))
    low, high = np.minimum(people, seeds), np.maximum(people, seeds)
    for _ in range(_STEPS):
        middle = (low + high) / 2
        far = tail_p(middle, weight, shape) > 1 - level
        low, high = np.where(far, middle, low), np.where(far, high, middle)
    return np.asarray(high)
