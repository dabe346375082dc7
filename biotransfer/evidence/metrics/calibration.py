"""What a calibration curve says: how many labelled seconds a level needs, and how many an arm saves."""

from __future__ import annotations

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...errors import check, check_option
from ...signals.splits import ALL, budget_seconds
from .compared import MEASURES, Compare
from .curves import CONDITION, measure_curves

_SHARE = 0.95


def seconds_needed(values: ArrayLike, seconds: ArrayLike, level: ArrayLike) -> np.ndarray:
    """Read off the labelled seconds at which curves first stand at a level, between budgets by a line.

    Parameters
    ----------
    values : array_like, shape (..., n_budgets), float
        Calibration curves of a metric where larger is better.
    seconds : array_like, shape (n_budgets,), float
        Labelled seconds per class, increasing.
    level : array_like, shape (...), float
        In the metric's unit.

    Returns
    -------
    ndarray, shape (...)
        NaN (right-censored) where the level is never reached.

    Examples
    --------
    >>> seconds_needed([[0.3, 0.5, 0.7], [0.3, 0.4, 0.4], [0.6, 0.5, 0.7]], [0, 2, 10], 0.6).tolist()
    [6.0, nan, 0.0]
    """
    v, s = np.asarray(values, dtype=np.float64), np.asarray(seconds, dtype=np.float64)
    check(
        s.ndim == 1 and v.ndim >= 1 and v.shape[-1] == s.size and bool(np.all(np.diff(s) > 0)),
        f"seconds={s.tolist()} do not fit curves of shape {v.shape}. Expected one rising budget per value.",
    )
    goal = np.broadcast_to(np.asarray(level, dtype=np.float64), v.shape[:-1])[..., None]
    reached = v >= goal
    at = reached.argmax(-1)[..., None]
    before = np.maximum(at - 1, 0)
    low, high = np.take_along_axis(v, before, -1), np.take_along_axis(v, at, -1)
    start, end = s[before], s[at]
    rise = np.where(high > low, high - low, 1.0)
    found = np.where(at == 0, s[0], start + (end - start) * np.clip((goal - low) / rise, 0.0, 1.0))[..., 0]
    return np.where(reached.any(-1), found, np.nan)


def calibration_curves(
    curves: pd.DataFrame,
    *,
    against: str = Compare.against,
    metric: str = Compare.metric,
    measure: str = Compare.measure,
    last: int = 3,
) -> pd.DataFrame:
    """Return every person's level by budget in every arm.

    Parameters
    ----------
    curves : DataFrame
        See ``results.CURVES``.
    against, metric, last
        See :func:`measure_curves`.
    measure : str
        What of each learning curve counts: one of ``MEASURES``.

    Returns
    -------
    DataFrame
        Index (direction, network, variant, protocol, arm, subject), one column per budget in labelled
        seconds per class, increasing; infinite for "all".
    """
    check_option("measure", measure, MEASURES)
    table = measure_curves(curves, against=against, metric=metric, last=last)
    table = table.assign(seconds=table["budget"].map(budget_seconds).astype(float))
    wide = table.set_index(["direction", *CONDITION, "arm", "subject", "seconds"])[measure].unstack("seconds")
    order = pd.MultiIndex.from_frame(table[["direction", *CONDITION, "arm", "subject"]].drop_duplicates())
    return wide.sort_index(axis=1).reindex(order)


def labelled_seconds(
    curves: pd.DataFrame,
    *,
    against: str = Compare.against,
    metric: str = Compare.metric,
    measure: str = Compare.measure,
    last: int = 3,
) -> pd.DataFrame:
    """Count, person by person, the labelled seconds that an arm saves against the baseline.

    Parameters
    ----------
    curves : DataFrame
        See ``results.CURVES``, with two budgets or more.
    against, metric, measure, last
        See :func:`calibration_curves`.

    Returns
    -------
    DataFrame
        One row per direction, network, variant, protocol, arm and subject: level (95 % of the way that
        ``against`` makes for this person from the smallest to the largest budget), needed and
        against_needed (labelled seconds per class until it is reached), saved = against_needed - needed, and
        censored: True where the arm does not reach the level with the largest budget, so that ``needed`` is
        that budget or more and ``saved`` no more than stands there. All are NaN where ``against`` learned
        nothing from the labels.

    Raises
    ------
    BiotransferError
        With fewer than two budgets.

    Notes
    -----
    Source: own, after time to threshold of Taylor & Stone 2009, JMLR 10:1633, labels in place of updates.
    """
    levels = calibration_curves(curves, against=against, metric=metric, measure=measure, last=last)
    seconds = levels.columns.to_numpy(float)
    check(
        len(seconds) >= 2 and ALL not in set(curves["budget"]),
        f"curves hold the budgets {', '.join(map(str, curves['budget'].unique()))}. Labelled seconds are "
        "read off between two or more. Set budget: [0, 1, 2, 5, 10].",
    )
    base = levels.xs(against, level="arm").reindex(levels.index.droplevel("arm")).to_numpy(float)
    values = levels.to_numpy(float)
    way = base[:, -1] - base[:, 0]
    level = np.where(way > 0, base[:, 0] + _SHARE * way, np.nan)
    first = seconds_needed(base, seconds, level)
    needed = seconds_needed(values, seconds, level)
    censored = np.isnan(needed) & np.isfinite(level)
    needed = np.where(censored, seconds[-1], needed)
    return levels.index.to_frame(index=False).assign(
        level=level, needed=needed, against_needed=first, saved=first - needed, censored=censored
    )
