"""Other ways to ask what the verdict asks: they stand beside it in the report and decide nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...tables import list_matrix
from ..metrics import STUDY_KEYS, Compare, expected_calibration_error, measure_curves
from ..stats import (
    FEWEST_PEOPLE,
    bayes_rope,
    kaplan_meier,
    mixed_model,
    paired_survival_p,
    why_no_mixed_model,
)


def ask_otherwise(
    curves: pd.DataFrame,
    *,
    against: str = Compare.against,
    metric: str = Compare.metric,
    measure: str = Compare.measure,
    margin: float = Compare.margin,
    last: int = 3,
) -> pd.DataFrame:
    """Ask every comparison of a study by a mixed model, by Bayes, and by the time to threshold.

    Parameters
    ----------
    curves : DataFrame
        See ``results.CURVES``.
    against, metric, measure, margin, last
        See :func:`.compare`.

    Returns
    -------
    DataFrame
        One row per direction, network, variant, protocol, budget and arm but ``against``: worse, same, better
        (:func:`.bayes_rope`); mixed_difference, mixed_error, mixed_p (NaN with fewer than
        six people or two seeds, without spread, or where statsmodels is not installed); arrived, n_subjects,
        median_updates and base_median_updates (NaN when fewer than half arrive), p_survival.

    Notes
    -----
    A person's time is that of the curve averaged over seeds; the threshold is that of
    :func:`.measure_curves`.
    """
    each = measure_curves(curves, against=against, metric=metric, last=last, each_seed=True)
    whole = measure_curves(curves, against=against, metric=metric, last=last)
    tested = curves[(curves["split_part"] == "test") & (curves["metric"] == metric)]
    updates = tested.groupby(STUDY_KEYS, observed=True)["step"].max()
    updates.index = pd.MultiIndex.from_tuples(
        [tuple(map(str, key)) for key in updates.index], names=STUDY_KEYS
    )
    whole = whole.assign(time=whole["time_to_threshold"])
    rows = []
    for key, group in each.groupby(STUDY_KEYS, sort=False):
        tables = {
            str(arm): part.pivot(index="subject", columns="seed", values=measure)
            for arm, part in group.groupby("arm", sort=False)
        }
        mine = whole[(whole[STUDY_KEYS] == list(key)).all(axis=1)]
        times = {str(arm): part.set_index("subject") for arm, part in mine.groupby("arm", sort=False)}
        end = float(updates.loc[tuple(map(str, key))])
        for arm, table in tables.items():
            if arm == against:
                continue
            d = np.round((table - tables[against]).to_numpy(float), 12)
            row: dict[str, Any] = {
                **dict(zip(STUDY_KEYS, key, strict=True)),
                "arm": arm,
                "n_subjects": len(d),
            }
            rows.append(row | _bayes(d, margin) | _mixed(d) | _survival(times[arm], times[against], end))
    return pd.DataFrame(rows)


def _bayes(d: np.ndarray, margin: float) -> dict[str, float]:
    return bayes_rope(d.mean(1), margin)._asdict()


def _mixed(d: np.ndarray) -> dict[str, float]:
    can = len(d) >= FEWEST_PEOPLE and d.shape[1] >= 2 and np.ptp(d) > 0 and not why_no_mixed_model()
    fit = mixed_model(d) if can else None
    return {
        "mixed_difference": fit.difference if fit else np.nan,
        "mixed_error": fit.error if fit else np.nan,
        "mixed_p": fit.p if fit else np.nan,
    }


def _survival(mine: pd.DataFrame, base: pd.DataFrame, end: float) -> dict[str, float]:
    base = base.loc[mine.index]
    pair = [
        (part["time"].fillna(end).to_numpy(float), part["censored"].to_numpy(bool)) for part in (mine, base)
    ]
    medians = [kaplan_meier(*one).median for one in pair]
    return {
        "arrived": int((~pair[0][1]).sum()),
        "median_updates": np.nan if medians[0] is None else medians[0],
        "base_median_updates": np.nan if medians[1] is None else medians[1],
        "p_survival": paired_survival_p(*pair[0], *pair[1]),
    }


def calibration_errors(predictions: pd.DataFrame) -> pd.DataFrame:
    """Measure how well the probabilities of every arm after its last update are calibrated.

    Parameters
    ----------
    predictions : DataFrame
        See ``results.PREDICTIONS``.

    Returns
    -------
    DataFrame
        One row per direction, network, variant, protocol, budget and arm: expected_calibration_error, the
        mean over people of that of their windows (seeds and splits pooled).
    """
    keys = [*STUDY_KEYS, "arm", "subject"]
    rows = []
    for key, part in predictions.groupby(keys, sort=False, observed=True):
        probabilities = list_matrix(part["probabilities"])
        error = float(expected_calibration_error(part["y_true"].to_numpy(np.int64), probabilities))
        rows.append({**dict(zip(keys, key, strict=True)), "expected_calibration_error": error})
    table = pd.DataFrame(rows, columns=[*keys, "expected_calibration_error"])
    return table.groupby(keys[:-1], sort=False, as_index=False)["expected_calibration_error"].mean()
