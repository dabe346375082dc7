"""What a design finds, by drawing tables of differences and applying the verdict's tests to them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check
from .crossed import crossed_test, reach
from .exact import smallest_p
from .given import check_levels

_EXACT_BELOW = 50
"""Sign patterns times alpha, below which the sign-flip test is counted, too: above it agrees with t."""
_MOST_EXACT = 16
_MOST_SUMS = 5e6
_MOST_PEOPLE = 4096
_SHARES = np.linspace(0, 1, 65)


class Parts(NamedTuple):
    """Standard deviations of a difference: between people, of seeds for all people alike, of the rest."""

    people: float
    seeds: float
    rest: float

    @classmethod
    def of(cls, d: ArrayLike) -> Parts:
        """Return the parts of differences, shape (n_people, n_seeds); one seed gives all to people."""
        values = np.asarray(d, dtype=np.float64)
        if values.shape[1] == 1:
            return cls(float(values[:, 0].std(ddof=1)), 0.0, 0.0)
        found = crossed_test(values)
        return cls(found.people, found.seeds, found.rest)

    def spread(self, n_people: int, n_seeds: int) -> float:
        """Return the deviation between people that gives the mean its standard error, seeds' luck in it."""
        luck = n_people * self.seeds**2 / n_seeds
        return float(np.sqrt(self.people**2 + luck + self.rest**2 / n_seeds))

    def scaled_to(self, spread: float, n_people: int, n_seeds: int) -> Parts:
        """Return parts in these proportions with that :meth:`spread`."""
        factor = spread / self.spread(n_people, n_seeds)
        return Parts(self.people * factor, self.seeds * factor, self.rest * factor)


class Estimate(NamedTuple):
    """A simulated number with its 95 % interval; ``None`` where it is beyond what was searched."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Design:
    """What is planned, for one claim.

    Parameters
    ----------
    n_people, n_seeds : int
        Tested people, and seeds of each.
    n_controls : int
        Controls that a positive arm has to beat beside the baseline.
    n_claims : int
        Claims that Holm corrects over; the power is that at its first step, so whatever the others find.
    correlation : float
        Between the differences from the baseline and from any control: 0.5 where all arms vary alike.
    alpha : float
        Error rate of the family.
    """

    n_people: int
    n_seeds: int
    n_controls: int = 4
    n_claims: int = 1
    correlation: float = 0.5
    alpha: float = 0.05

    def __post_init__(self) -> None:
        check(
            self.n_people >= 2 and self.n_seeds >= 1 and self.n_controls >= 0 and self.n_claims >= 1,
            f"{self} is no design. Expected 2 people, 1 seed and 1 claim or more.",
        )
        check(
            0 <= self.correlation <= 1,
            f"correlation={self.correlation} is no share of what differences have in common. Pass 0.5.",
        )
        check_levels(self.alpha)


def needed_gains(
    design: Design, parts: Parts, *, over_controls: float = 0.0, n_tables: int = 1000, seed: int = 0
) -> np.ndarray:
    """Draw studies and return, for each, the true gain from which it would have been called positive.

    Parameters
    ----------
    design : Design
        The design.
    parts : Parts
        Of a difference from the baseline or a control.
    over_controls : float
        By how much more than over the baseline the gain over a control is.
    n_tables : int
        Studies.
    seed : int
        Draws them.

    Returns
    -------
    ndarray, shape (n_tables,), or fewer where sign patterns are many
        Sorted; infinite where so few people cannot be significant.

    Notes
    -----
    Differences are normal. A gain moves every table and nothing else, so a study is positive exactly where
    the gain exceeds how far the noise's interval (:func:`.mean_interval` at ``1 - alpha / n_claims``) reaches
    below 0, for the baseline and every control. Power is the share of these gains below the true one, the
    detectable difference their quantile: nothing has to be searched. Means and mean squares are drawn
    instead of tables (Bartlett 1933, doi:10.1017/S0370164600023805). The sign-flip test is counted where sign
    patterns are few; where they are many, it agrees with t.
    """
    alpha = design.alpha / design.n_claims
    if smallest_p(design.n_people) >= alpha:
        return np.full(n_tables, np.inf)
    people, seeds = design.n_people, design.n_seeds
    rejected = _rejected(people, alpha)
    drawn = _standard(people, seeds, 1 + design.n_controls, design.correlation, rejected, n_tables, seed)
    each = np.sqrt(parts.people**2 + parts.rest**2 / seeds)
    by_people = seeds * each**2 * drawn.people
    by_seeds = (people * parts.seeds**2 + parts.rest**2) * drawn.seeds
    by_rest = parts.rest**2 * drawn.rest
    luck = np.maximum(by_seeds - by_rest, 0.0)
    allowed = luck + by_rest / max(seeds - 1, 1)
    error = np.sqrt((by_people + luck) / (people * seeds))
    share = allowed / np.maximum(by_people + allowed, 1e-300)
    half = error * np.interp(share, _SHARES, _reaches(people, seeds, alpha))
    low = each * drawn.center - half
    if drawn.flipped is not None:
        low = np.minimum(low, each * drawn.flipped)
    low += parts.seeds * drawn.luck
    low[:, 1:] += over_controls
    return np.sort(-low.min(1))


class _Standard(NamedTuple):
    """Draws with deviations of 1, each of shape (n_tables, contrasts).

    ``center``, ``people``: mean and variance over people; ``flipped``: the lower end of their sign-flip
    interval, where it counts; ``luck``: the mean over seeds; ``seeds``, ``rest``: mean squares.
    """

    center: np.ndarray
    people: np.ndarray
    flipped: np.ndarray | None
    luck: np.ndarray
    seeds: np.ndarray
    rest: np.ndarray


@lru_cache(maxsize=128)
def _standard(
    n_people: int, n_seeds: int, contrasts: int, correlation: float, rejected: int, n_tables: int, seed: int
) -> _Standard:
    """Draw what does not depend on the parts; ``rejected`` sign patterns, or -1 where t is as good."""
    rng = np.random.default_rng(seed)
    if rejected >= 0:
        most = int(_MOST_SUMS / (2.0 ** (n_people - 1) * contrasts))
        n_tables = min(n_tables, max(most, 500))
        values = _mixed(rng, correlation, (n_tables, contrasts, n_people))
        center, people = values.mean(-1), values.var(-1, ddof=1)
        flipped = _flipped(values.reshape(-1, n_people), rejected).reshape(center.shape)
    else:
        center = _mixed(rng, correlation, (n_tables, contrasts)) / np.sqrt(n_people)
        people, flipped = _squares(rng, correlation, n_people - 1, (n_tables, contrasts)), None
    luck = _mixed(rng, correlation, (n_tables, contrasts)) / np.sqrt(n_seeds)
    seeds = _squares(rng, correlation, n_seeds - 1, (n_tables, contrasts))
    rest = _squares(rng, correlation, (n_people - 1) * (n_seeds - 1), (n_tables, contrasts))
    return _Standard(center, people, flipped, luck, seeds, rest)


@lru_cache(maxsize=128)
def _reaches(n_people: int, n_seeds: int, alpha: float) -> np.ndarray:
    return reach(_SHARES, (n_people, n_seeds), 1 - alpha)


def _rejected(n_people: int, alpha: float) -> int:
    """Return how many sums reject before the identity is counted, -1 where sign patterns are many."""
    if n_people > _MOST_EXACT or alpha * 2.0 ** (n_people - 1) >= _EXACT_BELOW:
        return -1
    return int(np.ceil(round(alpha * 2.0 ** (n_people - 1), 9))) - 2


def _flipped(values: np.ndarray, rejected: int) -> np.ndarray:
    """Return the lower ends of :func:`.sign_flip_interval` of rows of people."""
    n, out = values.shape[1], np.empty(len(values))
    bits = (np.arange(1, 2 ** (n - 1)) >> np.arange(n - 1)[:, None]) & 1
    chosen = np.vstack([bits, np.zeros(bits.shape[1])])
    sizes = chosen.sum(0)
    for start in range(0, len(values), 500):
        rows = values[start : start + 500]
        sums = rows @ chosen
        lower = np.minimum(sums / sizes, (rows.sum(1)[:, None] - sums) / (n - sizes))
        out[start : start + 500] = np.partition(lower, rejected, axis=1)[:, rejected]
    return out


def _mixed(rng: np.random.Generator, correlation: float, shape: tuple[int, ...]) -> np.ndarray:
    """Draw standard normal values, of which the second axis (contrasts) has a part in common."""
    own = rng.standard_normal(shape)
    common = rng.standard_normal((shape[0], 1, *shape[2:]))
    return np.asarray(np.sqrt(correlation) * common + np.sqrt(1 - correlation) * own)


def _squares(rng: np.random.Generator, correlation: float, df: int, shape: tuple[int, int]) -> np.ndarray:
    """Draw mean squares of correlated contrasts: the diagonal of a Wishart matrix over ``df``; 0 without."""
    n = shape[1]
    if df == 0:
        return np.zeros(shape)
    if df <= n:
        return np.asarray((_mixed(rng, correlation, (*shape, df)) ** 2).sum(-1) / df)
    drawn, at = np.tril(rng.standard_normal((shape[0], n, n)), -1), np.arange(n)
    drawn[:, at, at] = np.sqrt(rng.chisquare(df - at, shape))
    alike = correlation + (1 - correlation + 1e-12) * np.eye(n)
    return np.asarray(((np.linalg.cholesky(alike) @ drawn) ** 2).sum(-1) / df)


def draw_tables(design: Design, parts: Parts, n_tables: int, rng: np.random.Generator) -> np.ndarray:
    """Draw differences without a gain from the baseline and every control, one by one.

    Returns
    -------
    ndarray, shape (n_tables, 1 + n_controls, n_people, n_seeds)
        Normal, with the deviations of ``parts`` and the design's correlation between contrasts: what
        :func:`needed_gains` draws the mean squares of.
    """
    size, people, seeds = (n_tables, 1 + design.n_controls), design.n_people, design.n_seeds
    tables = parts.people * _mixed(rng, design.correlation, (*size, people, 1))
    tables = tables + parts.seeds * _mixed(rng, design.correlation, (*size, 1, seeds))
    return np.asarray(tables + parts.rest * _mixed(rng, design.correlation, (*size, people, seeds)))


def positive_rate(
    gain: float,
    design: Design,
    parts: Parts,
    *,
    between: float = 0.0,
    over_controls: float = 0.0,
    n_tables: int = 1000,
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
    design: Design, parts: Parts, *, power: float = 0.8, n_tables: int = 1000, seed: int = 0
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
        Whole numbers; ``None`` where 4096 people are too few, as when the luck of few seeds is large.

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
    return Estimate(
        _first_people(first, lambda n: (rate(n).value or 0.0) >= power),
        _first_people(first, lambda n: (rate(n).high or 0.0) >= power),
        _first_people(first, lambda n: (rate(n).low or 0.0) >= power),
    )


def _first_people(first: int, enough: Callable[[int], bool]) -> int | None:
    """Return the first number of people that is enough, by doubling and halving."""
    if enough(first):
        return first
    low, high = first, 2 * first
    while not enough(high):
        if high >= _MOST_PEOPLE:
            return None
        low, high = high, 2 * high
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (low, middle) if enough(middle) else (middle, high)
    return high
