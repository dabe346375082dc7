"""Times that may never come: updates to a threshold, right-censored where it is not reached."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check
from .exact import sign_flip_p


class Survival(NamedTuple):
    """Kaplan-Meier curve: at ``times`` (ascending) the share of people that has still not arrived."""

    times: np.ndarray
    share: np.ndarray
    median: float | None


def _times(times: ArrayLike, censored: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    t, c = np.asarray(times, dtype=np.float64), np.asarray(censored, dtype=bool)
    check(
        t.ndim == 1 and t.shape == c.shape and t.size > 0 and bool(np.isfinite(t).all()),
        f"times of shape {t.shape} and censored of shape {c.shape}. Expected one finite time per person, the "
        "last one seen where it is censored.",
    )
    return t, c


def kaplan_meier(times: ArrayLike, censored: ArrayLike) -> Survival:
    """Estimate how long people take, some of whom were not seen to arrive.

    Parameters
    ----------
    times : array_like, shape (n_people,), float
        Updates until the threshold, or all updates that were made.
    censored : array_like, shape (n_people,), bool
        Whether the threshold was never reached.

    Returns
    -------
    Survival
        ``median`` is the first time by which half of the people have arrived, None where they never do.

    Raises
    ------
    BiotransferError
        When there is no time, or one is not finite.

    Notes
    -----
    Source: Kaplan & Meier 1958, doi:10.1080/01621459.1958.10501452.

    Examples
    --------
    >>> kaplan_meier([8.0, 16.0, 24.0, 24.0], [False, False, True, True]).share.tolist()
    [0.75, 0.5]
    """
    t, c = _times(times, censored)
    when = np.unique(t[~c])
    at_risk = np.array([(t >= moment).sum() for moment in when], dtype=np.float64)
    arrived = np.array([((t == moment) & ~c).sum() for moment in when], dtype=np.float64)
    share = np.cumprod(1 - arrived / at_risk) if when.size else np.empty(0)
    half = np.flatnonzero(share <= 0.5 + 1e-12)
    return Survival(when, share, float(when[half[0]]) if half.size else None)


def paired_survival_p(
    times: ArrayLike, censored: ArrayLike, base_times: ArrayLike, base_censored: ArrayLike
) -> float:
    """Test whether the same people arrive sooner or later with one arm than with another.

    Parameters
    ----------
    times, censored : array_like, shape (n_people,)
        See :func:`kaplan_meier`.
    base_times, base_censored : array_like, shape (n_people,)
        Of the same people with the other arm.

    Returns
    -------
    float
        Two-sided sign-flip p of the paired differences in log-rank scores; 1 where nobody arrives.

    Raises
    ------
    BiotransferError
        On times that do not pair.

    Notes
    -----
    The score of a time is its arrival (1, or 0 when censored) minus the Nelson-Aalen estimate of both arms
    pooled: the log-rank test's (Peto & Peto 1972, doi:10.2307/2344317). Differences within people are
    exchangeable under no effect (O'Brien & Fleming 1987, doi:10.2307/2531957). Summed over one arm the scores
    are the observed minus expected arrivals of the log-rank test.
    """
    (t, c), (u, v) = _times(times, censored), _times(base_times, base_censored)
    check(
        t.shape == u.shape, f"{t.size} people with one arm and {u.size} with the other. Pass the same people."
    )
    mine, theirs = np.split(log_rank_scores(np.concatenate([t, u]), np.concatenate([c, v])), 2)
    return sign_flip_p(mine - theirs)


def log_rank_scores(times: ArrayLike, censored: ArrayLike) -> np.ndarray:
    """Return each time's arrival minus its expected number: positive is sooner than expected.

    Parameters
    ----------
    times, censored : array_like, shape (n,)
        Of all arms together.
    """
    t, c = _times(times, censored)
    when, inverse = np.unique(t, return_inverse=True)
    at_risk = np.array([(t >= moment).sum() for moment in when], dtype=np.float64)
    arrived = np.array([((t == moment) & ~c).sum() for moment in when], dtype=np.float64)
    return np.asarray((~c).astype(np.float64) - np.cumsum(arrived / at_risk)[inverse])
