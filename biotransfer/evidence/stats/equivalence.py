"""Equivalence that one person in ten cannot fake."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check
from .given import check_levels, differences_of
from .intervals import difference_p

WORST = 0.20
"""Largest loss or gain of one person that equivalence allows for, unseen: 20 points of a share."""
_FENCE = 1.5


def equivalence_p(d: ArrayLike, margin: float, *, worst: float = WORST, seed: int = 0) -> float:
    """Test that the mean difference lies inside ``-margin .. margin``, people included that nobody saw.

    Parameters
    ----------
    d : array_like, shape (n_people,) or (n_people, n_seeds), float
        Differences of two people or more.
    margin : float
        Largest difference that does not matter, in the unit of ``d``, above 0.
    worst : float
        Largest loss or gain of one person that is allowed for, in the unit of ``d``; 0 allows for none.
    seed : int
        Of sign patterns, for more than 20 people.

    Returns
    -------
    float
        The largest p of both sides; small means equivalent.

    Raises
    ------
    BiotransferError
        When ``margin`` is not above 0, or ``worst`` is below 0.

    Notes
    -----
    Two one-sided tests (Schuirmann 1987, doi:10.1007/BF01068419) by :func:`.difference_p` **and**
    :func:`unseen_p` on each side: with a few people who lose much, the first alone claims equivalence
    whenever the sample holds none of them (one person in ten loses 20 points, margin 2: in 60 % with 5
    people, 23 % with 14). With both it is claimed in 0 to 5 % there, whatever the spread of the others; with
    no difference and a spread of 4.3 points in 39 % with 36 people, 76 % with 46, 93 % with 60 (t alone: 73,
    87, 94 %; ``benchmarks/bench_statistics.py``). Tails heavier than ``worst`` are covered only once they are
    seen. See :func:`fewest_for_equivalence` for how many people it takes.

    Examples
    --------
    >>> same = [0.001, -0.002, 0.0, 0.003, -0.001]
    >>> round(equivalence_p(same, 0.02), 2), equivalence_p(same * 8, 0.02) < 0.05
    (0.59, True)
    """
    check(margin > 0, f"margin={margin} leaves no room. Expected a difference above 0. Pass margin=0.02.")
    check(worst >= 0, f"worst={worst}. Expected a size of 0 or more. Pass worst={WORST}.")
    values = np.asarray(d, dtype=np.float64)
    people = values.mean(1) if values.ndim == 2 else values
    return max(
        difference_p(values, "greater", mean=-margin, seed=seed),
        difference_p(values, "less", mean=margin, seed=seed),
        unseen_p(people, margin, worst=worst),
        unseen_p(-people, margin, worst=worst),
    )


def unseen_p(d: ArrayLike, margin: float, *, worst: float = WORST) -> float:
    """Test that rare losses up to ``worst`` do not bring the mean to ``-margin``.

    Parameters
    ----------
    d : array_like, shape (n,), float
        One difference per person.
    margin, worst : float
        See :func:`equivalence_p`.

    Returns
    -------
    float
        ``(1 - margin / worst) ** n`` where all differences are 0.

    Notes
    -----
    The bound of Gaffke 2005 (Three test statistics for a nonparametric one-sided hypothesis on the mean of a
    nonnegative variable, Math. Meth. Stat. 14:451) for a mean of values above ``-worst``: people weigh w,
    Dirichlet(1, ..., 1), with one more of them at ``-worst``; p is the chance that the weighted mean lies at
    or below ``-margin``. For two values it is the bound of Clopper & Pearson. People inside Tukey's fences
    (1.5 quartile distances) all stand at their mean here: how they spread is the other test's question, and
    asking it twice costs most of the power. A person seen below ``-worst`` sets it.

    The chance is that of a sum of exponential variables, counted exactly from the race between the positive
    and the negative ones.

    Examples
    --------
    >>> round(unseen_p([0.0] * 29, 0.02), 3), round(unseen_p([0.0] * 28 + [-0.2], 0.02), 2)
    (0.047, 0.2)
    """
    values = differences_of(d)
    first, third = np.quantile(values, [0.25, 0.75])
    reach = _FENCE * (third - first)
    inside = (values >= first - reach) & (values <= third + reach)
    placed = np.where(inside, values[inside].mean(), values)
    away = np.append(placed, min(-worst, float(values.min()))) + margin
    return _below_zero(away)


def _below_zero(a: np.ndarray) -> float:
    """Return the chance that sum(a_i E_i) <= 0, E_i exponential: which side of the race ends first."""
    up, down = a[a > 0], -a[a <= 0]
    if not up.size or not down.size:
        return float(not up.size)
    after = np.append(np.ones(down.size), 0.0)
    for gain in up:
        now = np.zeros_like(after)
        for j in range(down.size - 1, -1, -1):
            now[j] = (down[j] * after[j] + gain * now[j + 1]) / (down[j] + gain)
        after = now
    return float(after[0])


def fewest_for_equivalence(margin: float, *, alpha: float = 0.05, worst: float = WORST) -> int:
    """Return the fewest people with whom equivalence can be claimed at all.

    Parameters
    ----------
    margin, worst : float
        See :func:`equivalence_p`.
    alpha : float
        Error rate; that of the family divided by its size at Holm's first step.

    Returns
    -------
    int
        Fewer people do not see a tail of ``margin / worst`` of all people with probability ``1 - alpha``.

    Examples
    --------
    >>> [fewest_for_equivalence(margin) for margin in (0.02, 0.03, 0.05)]
    [29, 19, 11]
    """
    check(margin > 0, f"margin={margin} leaves no room. Expected a difference above 0. Pass margin=0.02.")
    check_levels(alpha)
    by_sign = int(np.floor(np.log2(1 / alpha))) + 1
    if worst <= margin:
        return max(2, by_sign)
    return max(2, by_sign, int(np.floor(np.log(alpha) / np.log1p(-margin / worst))) + 1)
