"""Do scores rank transfers as training did: weighted rank correlation with its uncertainty."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import check


def within_groups(values: np.ndarray, groups: np.ndarray) -> list[np.ndarray]:
    """Return the row numbers of every group that has two or more different values."""
    values, groups = np.asarray(values, dtype=float), np.asarray(groups)
    parts = [np.flatnonzero(groups == g) for g in dict.fromkeys(groups.tolist())]
    return [rows for rows in parts if len(np.unique(values[rows])) > 1]


def rank_agreement(
    scores: np.ndarray,
    gains: np.ndarray,
    groups: np.ndarray | None = None,
    *,
    n_resamples: int = 2000,
    alpha: float = 0.05,
    seed: int = 0,
) -> dict[str, Any]:
    """Return how well scores rank realised gains.

    Parameters
    ----------
    scores : ndarray, shape (n,)
        Larger means that transfer should help more.
    gains : ndarray, shape (n,)
        What transfer gave.
    groups : ndarray, shape (n,), optional
        Rank only inside groups (folds of one direction); correlations are averaged, weighted by size.
    n_resamples : int
        Permutations, and bootstrap resamples.
    alpha : float
        One less the level of the interval.
    seed : int
        Draws both.

    Returns
    -------
    dict
        ``tau`` (weighted Kendall correlation, NaN with fewer than three ranked pairs), ``ci_low``,
        ``ci_high`` (percentile bootstrap over rows inside groups), ``p`` (two-sided, gains permuted inside
        groups) and ``n``.

    Notes
    -----
    Source: Vigna 2015, doi:10.1145/2736277.2741088, hyperbolic weights (scipy.stats.weightedtau): exchanges
    among the best count most, as in You et al. 2021, arXiv:2102.11005.
    """
    scores, gains = np.asarray(scores, dtype=float), np.asarray(gains, dtype=float)
    check(
        scores.shape == gains.shape and scores.ndim == 1,
        f"scores has shape {scores.shape}, gains {gains.shape}. Pass one score for each gain.",
    )
    groups = np.zeros(len(scores)) if groups is None else np.asarray(groups)
    good = np.isfinite(scores) & np.isfinite(gains)
    scores, gains, groups = scores[good], gains[good], groups[good]
    parts = [rows for rows in within_groups(scores, groups) if len(rows) > 2]
    n = sum(len(rows) for rows in parts)
    out: dict[str, Any] = {"tau": np.nan, "ci_low": np.nan, "ci_high": np.nan, "p": np.nan, "n": n}
    if not parts or not within_groups(gains, groups):
        return out
    rng = np.random.default_rng(seed)
    tau = _mean_tau([(scores[r], gains[r]) for r in parts])
    null = [_mean_tau([(scores[r], rng.permutation(gains[r])) for r in parts]) for _ in range(n_resamples)]
    drawn = [
        _mean_tau([(scores[d], gains[d]) for d in (rng.choice(r, len(r)) for r in parts)])
        for _ in range(n_resamples)
    ]
    beyond = np.sum(np.abs(null) >= abs(tau) - 1e-12)
    low, high = np.nanquantile(drawn, [alpha / 2, 1 - alpha / 2])
    p = float((1 + beyond) / (1 + n_resamples))
    return out | {"tau": tau, "ci_low": float(low), "ci_high": float(high), "p": p}


def _mean_tau(parts: list[tuple[np.ndarray, np.ndarray]]) -> float:
    from scipy.stats import weightedtau

    taus, sizes = [], []
    for a, b in parts:
        if len(np.unique(a)) > 1 and len(np.unique(b)) > 1:
            taus.append(float(weightedtau(a, b).statistic))
            sizes.append(len(a))
    return float(np.average(taus, weights=sizes)) if taus else float("nan")
