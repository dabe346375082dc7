"""What a claim gains over its baseline, over every control, and what its positive control gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from ...results import Results
from ..metrics import STUDY_KEYS
from ..reading import compared, judged_arms, metric_limits, rows_of
from ..stats import mean_interval
from .comparison import comparisons_of

CONTESTED = ("kind", "arm", "over", "difference", "ci_low", "ci_high")
"""Columns of :func:`contested`."""


def contested(results: Results, row: Mapping[str, Any]) -> pd.DataFrame:
    """Return everything that one verdict weighs.

    Parameters
    ----------
    results : Results
        A study.
    row : mapping
        One of its verdicts.

    Returns
    -------
    DataFrame
        Columns :data:`CONTESTED`. ``kind`` is "gain" (the arm over its baseline), "control" (the arm over a
        control) or "positive_control" (the positive control over the baseline); differences and their 95 %
        intervals over people are in the metric's units. Gain and positive control stand as the study stored
        them.
    """
    curves = rows_of(results.curves, **{key: str(row[key]) for key in STUDY_KEYS})
    found = comparisons_of(curves, compared(results), **judged_arms(results))
    mine = next((comparison for comparison in found if comparison.arm == row["arm"]), None)
    limits = metric_limits(row["metric"], difference=True)
    rows: list[tuple[Any, ...]] = [
        ("gain", row["arm"], row["against"], row["difference"], row["ci_low"], row["ci_high"])
    ]
    overs = {name: mine.over(name) for name in row["controls"]} if mine is not None else {}
    for name, over in overs.items():
        rows.append(("control", row["arm"], name, float(over.mean()), *mean_interval(over, limits=limits)))
    if row["assay"]:
        rows.append(
            ("positive_control", row["assay"], row["against"], row["assay_gain"], row["assay_low"],
             row["assay_high"])
        )  # fmt: skip
    return pd.DataFrame(rows, columns=list(CONTESTED))
