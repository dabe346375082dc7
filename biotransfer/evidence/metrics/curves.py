"""What a learning curve says about transfer: jumpstart, asymptote, area, time to threshold, savings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike

from ...errors import check, check_option
from ...learning.predictions import METRICS
from ...results import CONDITION, CURVES, KEYS
from .compared import MEASURES, Compare

STUDY_KEYS = ["direction", *CONDITION, "budget"]


def curve_measures(values: ArrayLike, epochs: ArrayLike, *, last: int = 3) -> dict[str, np.ndarray]:
    """Summarize learning curves.

    Parameters
    ----------
    values : array_like, shape (..., n_points), float
        Curves of a metric.
    epochs : array_like, shape (n_points,), float
        Passes over the training windows at each point, increasing from 0 (before any update) through 1.
    last : int
        The asymptote is the mean of the last ``last`` points after step 0, of all of them where there are
        fewer.

    Returns
    -------
    dict of str to ndarray, shape (...)
        The ``MEASURES``: step0, after_epoch_1, asymptote, final, and area (trapezoid over epochs divided by
        their range, so in the metric's unit).

    Raises
    ------
    BiotransferError
        When a curve does not start before any update or skips the end of epoch 1.

    Notes
    -----
    Source: Taylor & Stone 2009, JMLR 10:1633, section 2. Here the start is measured twice: before any update
    (a fresh head stands at chance whatever the body) and after epoch 1.

    Examples
    --------
    >>> {name: float(value) for name, value in curve_measures([0.3, 0.5, 0.7], [0, 1, 2], last=2).items()}
    {'step0': 0.3, 'after_epoch_1': 0.5, 'asymptote': 0.6, 'final': 0.7, 'area': 0.5}
    """
    v, e = np.asarray(values, dtype=np.float64), np.asarray(epochs, dtype=np.float64)
    check(last >= 1, f"last={last}. Expected 1 or more evaluations. Leave it out for 3.")
    check(
        e.ndim == 1 and v.ndim >= 1 and v.shape[-1] == e.size and bool(np.all(np.diff(e) > 0)),
        f"epochs={e.tolist()} do not fit curves of shape {v.shape}. Expected one increasing epoch per point.",
    )
    check(
        e.size >= 2 and e[0] == 0 and bool(np.any(e == 1)),
        f"epochs={e.tolist()} lack 0 or 1. Expected an evaluation before any update and one after epoch 1. "
        "Train for at least one epoch.",
    )
    return {
        "step0": v[..., 0],
        "after_epoch_1": v[..., np.flatnonzero(e == 1)[0]],
        "asymptote": v[..., -min(last, e.size - 1) :].mean(-1),
        "final": v[..., -1],
        "area": ((v[..., 1:] + v[..., :-1]) / 2 * np.diff(e)).sum(-1) / (e[-1] - e[0]),
    }


def time_to_threshold(values: ArrayLike, steps: ArrayLike, threshold: float) -> np.ndarray:
    """Count the updates until a curve first stands at ``threshold``; NaN (right-censored) when it never does.

    Parameters
    ----------
    values : array_like, shape (..., n_points), float
        Curves of a metric where larger is better.
    steps : array_like, shape (..., n_points) or (n_points,), float
        Updates done at each point.
    threshold : float
        In the metric's unit.

    Examples
    --------
    >>> time_to_threshold([[0.3, 0.6, 0.5, 0.7], [0.3, 0.3, 0.3, 0.3]], [0, 8, 16, 24], 0.55).tolist()
    [8.0, nan]
    """
    v = np.asarray(values, dtype=np.float64)
    s = np.broadcast_to(np.asarray(steps, dtype=np.float64), v.shape)
    reached = v >= threshold
    first = np.take_along_axis(s, reached.argmax(-1)[..., None], axis=-1)[..., 0]
    return np.where(reached.any(-1), first, np.nan)


def _spoken(keys: Iterable[object]) -> str:
    """Name one group of a table by the levels that say something."""
    return " ".join(str(key) for key in keys if key != "")


def _select(curves: pd.DataFrame, metric: str, against: str) -> pd.DataFrame:
    """Return the test rows of one metric, checked to be whole, unique and paired with ``against``."""
    absent = [name for name in CURVES if name not in curves.columns]
    check(not absent, f"curves lack the columns {', '.join(absent)}. Expected: {', '.join(CURVES)}.")
    better = [name for name, entry in METRICS.items() if entry.facts["larger_is_better"]]
    check_option("metric", metric, better)
    check(
        bool((curves["metric"] == metric).any()),
        f"metric={metric!r} is not in the curves. "
        f"They hold: {', '.join(map(str, curves['metric'].unique()))}.",
    )
    tested = curves[(curves["split_part"] == "test") & (curves["metric"] == metric)]
    check(
        len(tested) > 0,
        f"curves hold no test rows of {metric!r}. Expected rows with split_part 'test' for every subject.",
    )
    broken = int((~np.isfinite(tested["value"].to_numpy(float))).sum())
    check(
        broken == 0,
        f"curves hold {broken} test values of {metric!r} that are not finite. "
        "Expected a number for every subject at every evaluation. Lower the learning rate.",
    )
    twice = tested.duplicated([*KEYS, "epoch"])
    check(
        not twice.any(),
        f"curves hold two values for {tested.loc[twice, [*KEYS, 'epoch']].iloc[:1].to_dict('records')}. "
        "Expected one per subject, split, seed and epoch.",
    )
    pairs = tested.loc[tested["epoch"] == 0, KEYS]
    for keys, group in pairs.groupby(STUDY_KEYS, observed=True, sort=False):
        runs = {
            arm: set(part[["split", "subject", "seed"]].itertuples(index=False, name=None))
            for arm, part in group.groupby("arm", observed=True)
        }
        check_option(f"against (in {_spoken(keys)})", against, [str(arm) for arm in runs])
        for arm, mine in runs.items():
            alone = mine ^ runs[against]
            check(
                not alone,
                f"arm {arm!r} and {against!r} are not paired in {_spoken(keys)}: {len(alone)} of "
                f"{len(mine | runs[against])} runs (split, subject, seed) are in only one, such as "
                f"{next(iter(alone), None)}. Expected the same runs in all arms. Finish the study first.",
            )
    return tested


def hold_last_values(tested: pd.DataFrame) -> pd.DataFrame:
    """Hold the last values of arms and splits that trained shorter than others, all their seeds alike.

    Where epochs are chosen fold by fold, or for every arm, a training ends when it was decided to.

    Parameters
    ----------
    tested : DataFrame
        Rows of ``results.CURVES``, of one metric and part.
    """
    keys = [*STUDY_KEYS, "split", "arm"]
    by = tested.groupby([*keys, "subject", "seed"], observed=True)["epoch"]
    ends = by.max().rename("max").reset_index()
    ends["shortest"] = ends.groupby(keys, observed=True)["max"].transform("min")
    ends["longest"] = ends.groupby(keys, observed=True)["max"].transform("max")
    ends["last"] = ends.groupby(STUDY_KEYS, observed=True)["max"].transform("max")
    short = (ends["shortest"] == ends["longest"]) & (ends["max"] < ends["last"])
    if not short.any():
        return tested
    lacking = ends.loc[short, [*keys, "subject", "seed", "max", "last"]].rename(columns={"max": "epoch"})
    final = tested.merge(lacking, on=[*keys, "subject", "seed", "epoch"])
    number = (final["last"] - final["epoch"]).astype(int).to_numpy()
    held = final.loc[final.index.repeat(number)].drop(columns="last")
    held["epoch"] += np.concatenate([np.arange(1, n + 1) for n in number])
    return pd.concat([tested, held], ignore_index=True)


def join_tables(curves: pd.DataFrame | Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Return one table of curves out of one or several, such as those of every split.

    Raises
    ------
    BiotransferError
        For none.
    """
    if isinstance(curves, pd.DataFrame):
        return curves
    check(
        isinstance(curves, Sequence) and curves and all(isinstance(c, pd.DataFrame) for c in curves),
        f"curves={curves!r} are no tables. Pass that of at least one split, train(...).to_frame(...).",
    )
    return pd.concat(curves, ignore_index=True)


def measure_curves(
    curves: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    against: str = Compare.against,
    metric: str = Compare.metric,
    last: int = 3,
    threshold: float | None = None,
    each_seed: bool = False,
) -> pd.DataFrame:
    """Summarize every person's learning curve in every arm, and what it gains over ``against``.

    Parameters
    ----------
    curves : DataFrame or sequence of DataFrame
        See ``results.CURVES``; only rows of the test part are used.
    against : str
        The arm that gains are counted from.
    metric : str
        Accuracy or balanced accuracy.
    last : int
        Evaluations in the asymptote; a split that trained shorter than others holds its last values.
    threshold : float, optional
        What time_to_threshold waits for. By default, for each direction, network, variant, protocol
        and budget, the point where the mean curve of ``against`` has made 95 % of its own way from step 0
        to its asymptote.
    each_seed : bool
        Keep seeds apart: one row for each, with the column ``seed``.

    Returns
    -------
    DataFrame
        One row per direction, network, variant, protocol, budget, arm and subject. A person's curve is the
        mean over seeds and over the splits that test this person. Columns: n_seeds; the ``MEASURES``;
        jumpstart_step0, jumpstart_epoch1, asymptote_gain and area_gain (arm minus ``against``, same person);
        transfer_ratio = (A_T - A_S) / A_S of the areas; threshold; time_to_threshold in updates, NaN with
        ``censored`` True when it is never reached; savings tau = (n_S - n_T) / n_S, NaN when either time is
        censored or n_S is 0.

    Raises
    ------
    BiotransferError
        When arms are not paired, a value is missing or given twice, or the metric is unknown.

    Notes
    -----
    Source: Taylor & Stone 2009, JMLR 10:1633 (jumpstart, asymptote, area, transfer ratio, time to threshold);
    Bozinovski 2020, doi:10.31449/inf.v44i3.2828 (savings). The default threshold is ours: a share of the
    gain, because a share of the accuracy itself can lie below chance.
    """
    curves = join_tables(curves)
    tested = hold_last_values(_select(curves, metric, against))
    run = ["arm", "subject", "seed"] if each_seed else ["arm", "subject"]
    by = [*STUDY_KEYS, *run, "epoch"]
    means = {"value": ("value", "mean"), "step": ("step", "mean"), "runs": ("value", "size")}
    mean = tested.groupby(by, sort=False, observed=True).agg(**means).reset_index()
    arms = tested.groupby([*STUDY_KEYS, "arm"], sort=False, observed=True)
    n_seeds = {tuple(map(str, key)): int(part.nunique()) for key, part in arms["seed"]}
    tables = []
    for names, group in mean.groupby(STUDY_KEYS, sort=False, observed=True):
        keys = tuple(map(str, names))
        group = group.sort_values("epoch", kind="stable")
        row = group.groupby(run, sort=False, observed=True).ngroup().to_numpy()
        times, column = np.unique(group["epoch"].to_numpy(), return_inverse=True)
        wide = np.full((3, int(row.max()) + 1, len(times)), np.nan)
        wide[:, row, column] = group[["value", "step", "runs"]].to_numpy(float).T
        values, steps, runs = wide
        check(
            bool(np.all(runs == runs[:, :1])),
            f"curves of {_spoken(keys)} were not evaluated at the same epochs. "
            "Expected one schedule for all arms, splits and seeds. Finish the study first.",
        )
        epochs = times.astype(float)
        text = [name for name in run if name != "seed"]
        table = group[run].drop_duplicates().astype(dict.fromkeys(text, "str")).reset_index(drop=True)
        study: dict[str, Any] = dict(zip(STUDY_KEYS, keys, strict=True))
        table = table.assign(
            **study,
            n_seeds=[n_seeds[(*keys, arm)] for arm in table["arm"]],
            **curve_measures(values, epochs, last=last),
        )[[*STUDY_KEYS, *run, "n_seeds", *MEASURES]]
        tables.append(_gains(table, values, steps, against, threshold))
    return pd.concat(tables, ignore_index=True)


def _gains(
    table: pd.DataFrame, values: np.ndarray, steps: np.ndarray, against: str, threshold: float | None
) -> pd.DataFrame:
    """Add to one study's measures what each person gains over the arm ``against``."""
    is_base = (table["arm"] == against).to_numpy()
    pairs = list(table[["subject", *table.columns.intersection(["seed"])]].itertuples(index=False, name=None))
    place = {pairs[i]: i for i in np.flatnonzero(is_base)}
    base = np.array([place[pair] for pair in pairs])
    gain: dict[str, Any] = {
        name: table[of].to_numpy() - table[of].to_numpy()[base]
        for name, of in {
            "jumpstart_step0": "step0",
            "jumpstart_epoch1": "after_epoch_1",
            "asymptote_gain": "asymptote",
            "area_gain": "area",
        }.items()
    }
    if threshold is None:
        start, end = table.loc[is_base, "step0"].mean(), table.loc[is_base, "asymptote"].mean()
        threshold = float(start + 0.95 * (end - start))
    times = time_to_threshold(values, steps, threshold)
    area, needed = table["area"].to_numpy()[base], times[base]
    gain["transfer_ratio"] = np.divide(
        gain["area_gain"], area, out=np.full(len(table), np.nan), where=area > 0
    )
    gain["threshold"] = threshold
    gain["time_to_threshold"] = times
    gain["censored"] = np.isnan(times)
    gain["savings"] = np.divide(needed - times, needed, out=np.full(len(table), np.nan), where=needed > 0)
    return table.assign(**gain)
