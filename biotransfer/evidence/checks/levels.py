"""How far every arm and shallow baseline is above chance, for the test windows at hand."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ...results import Results
from ..baselines import label_null
from ..stats import SHARES, mean_interval
from .common import PLACE, final_values

LEVELS = [*PLACE, "kind", "name", "value", "low", "high", "null_mean",
          "null_95", "p", "floor", "n_permutations"]  # fmt: skip
_STRANGERS = ("subject", "subjects_out")
_METRIC = "balanced_accuracy"


def level_table(results: Results) -> pd.DataFrame:
    """Return balanced accuracy of every arm and shallow baseline beside what permuted labels give.

    Parameters
    ----------
    results : Results
        A study; of several budgets of labels, the largest is shown.

    Returns
    -------
    DataFrame
        The columns of ``LEVELS``; ``kind`` is arm or baseline, ``value`` a mean over people with its 95 %
        interval. Arms that are tested on strangers: a test over the recordings of these people
        (:func:`.label_null`, seeds pooled), whose p cannot fall below ``floor``. A baseline: fitted again to
        permuted labels, where the recipe asks for it. NaN where there is neither.
    """
    results = results.at_largest_budget()
    rows = [*_arms(results), *_baselines(results)]
    return pd.DataFrame(rows, columns=LEVELS)


def baseline_levels(results: Results) -> pd.DataFrame:
    """Return the rows of :func:`level_table` that are shallow baselines."""
    return pd.DataFrame(_baselines(results.at_largest_budget()), columns=LEVELS)


def _arms(results: Results) -> list[dict[str, object]]:
    finals = final_values(results, _METRIC)
    budget = results.recipe.get("budget", "all")
    known = isinstance(budget, dict) and budget["labels_of"] == "test_person"
    strangers = () if known else _STRANGERS
    told_by = results.predictions.assign(recording=results.recordings).groupby([*PLACE, "arm"], observed=True)
    predictions = dict(iter(told_by[["recording", "subject", "y_true", "y_pred"]]))
    rows = []
    for key, part in finals.groupby([*PLACE, "arm"], sort=False, observed=True):
        row = {**dict(zip(PLACE, key, strict=False)), "kind": "arm", "name": key[-1], **_level(part["value"])}
        told = predictions.get(key)
        if told is not None and row["protocol"] in strangers:
            null = label_null(told["y_true"], told["y_pred"], told["recording"], told["subject"])
            row |= _chance(null.null, null.p, null.floor)
        rows.append(row)
    return rows


def _baselines(results: Results) -> list[dict[str, object]]:
    table = results.extras.get("baselines")
    if table is None:
        return []
    means = table.groupby([*PLACE, "baseline", "permutation", "subject"], sort=False, observed=True)[
        _METRIC
    ].mean()
    rows = []
    for key, part in means.groupby(level=[*PLACE, "baseline"], sort=False):
        people = part.droplevel([*PLACE, "baseline"]).unstack("permutation")
        row = {
            **dict(zip(PLACE, key, strict=False)),
            "kind": "baseline",
            "name": key[-1],
            **_level(people[0]),
        }
        null = people.drop(columns=0).mean().to_numpy()
        if len(null):
            p = (1 + int(np.sum(null >= people[0].mean() - 1e-12))) / (1 + len(null))
            row |= _chance(null, p, 1 / (1 + len(null)))
        rows.append(row)
    return rows


def _level(values: pd.Series) -> dict[str, float]:
    low, high = mean_interval(values, limits=SHARES)
    return {"value": float(values.mean()), "low": low, "high": high}


def _chance(null: np.ndarray, p: float, floor: float) -> dict[str, float]:
    return {
        "null_mean": float(null.mean()),
        "null_95": float(np.quantile(null, 0.95)),
        "p": p,
        "floor": floor,
        "n_permutations": len(null),
    }
