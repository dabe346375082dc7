"""Studies drawn from a design: the true gain from which each would have been called positive."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from .crossed import reach
from .designs import Design, Parts
from .exact import smallest_p

_EXACT_BELOW = 50
"""Sign patterns times alpha, below which the sign-flip test is counted, too: above it agrees with t."""
_MOST_EXACT = 16
_MOST_SUMS = 1e7
_SHARES = np.linspace(0, 1, 65)


def needed_gains(
    design: Design, parts: Parts, *, over_controls: float = 0.0, n_tables: int = 4000, seed: int = 0
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


@lru_cache(maxsize=256)
def _standard(
    n_people: int, n_seeds: int, contrasts: int, correlation: float, rejected: int, n_tables: int, seed: int
) -> _Standard:
    """Draw what does not depend on the parts; ``rejected`` sign patterns, or -1 where t is as good."""
    rng = np.random.default_rng(seed)
    if rejected >= 0:
        most = int(_MOST_SUMS / (2.0 ** (n_people - 1) * contrasts))
        n_tables = min(n_tables, max(most, 1000))
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


@lru_cache(maxsize=512)
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
