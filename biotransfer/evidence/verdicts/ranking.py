"""Ways to transfer in order: what each gains over scratch, and over the best of its controls."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from ...errors import check_option
from ...results import Results
from ...transfer.carry import ArmRequest, known_arms
from ..metrics import STUDY_KEYS
from ..reading import compared, people_measures, rows_of
from ..stats import mean_interval

RANKING = (
    *STUDY_KEYS, "arm", "lever", "role", "gain", "ci_low", "ci_high", "best_control", "over_control",
    "control_low", "control_high", "verdict", "shared",
)  # fmt: skip


def rank_methods(results: Results) -> pd.DataFrame:
    """Return every transfer arm and control at the largest budget, those that gain most first.

    Parameters
    ----------
    results : Results
        A study.

    Returns
    -------
    DataFrame
        Columns ``RANKING``. ``gain`` is the measure that the study compares, minus the same of ``against``
        under the same inputs, averaged over people; ``over_control`` is the mean difference from the control
        of the same inputs whose mean is highest, its interval over people. The best control is
        chosen by looking at the results: ``over_control`` is a hard test for the arm, and no verdict.
    """
    asked, arms = compared(results), known_arms(results.recipe["arms"])
    table = people_measures(results)
    verdicts = rows_of(results.verdicts, metric=asked.metric)
    told = verdicts.drop_duplicates([*STUDY_KEYS, "arm"]).set_index([*STUDY_KEYS, "arm"])
    rows = []
    for keys, group in table.groupby(STUDY_KEYS, sort=False):
        wide = group.pivot(index="subject", columns="arm", values=asked.measure)
        controls = [arm for arm in wide if arm in arms and arms[arm].role == "control"]
        best = str(wide[controls].mean().idxmax()) if controls else ""
        for arm in map(str, wide.columns):
            if (
                arm not in arms
                or arms[arm].role not in ("transfer", "control")
                or (*keys, arm) not in told.index
            ):
                continue
            verdict = told.loc[(*keys, arm)]
            row = {**dict(zip(STUDY_KEYS, keys, strict=True)), "arm": arm, "role": arms[arm].role}
            row["lever"] = _lever(row["variant"], results.recipe, arms[arm])
            row |= {"gain": verdict["difference"], "verdict": verdict["verdict"], "shared": verdict["shared"]}
            row |= {"ci_low": verdict["ci_low"], "ci_high": verdict["ci_high"]}
            if best and arms[arm].role == "transfer":
                over = (wide[arm] - wide[best]).to_numpy(float)
                low, high = mean_interval(over, limits=(-1.0, 1.0))
                row |= {"best_control": best, "over_control": float(over.mean())}
                row |= {"control_low": low, "control_high": high}
            rows.append(row)
    ranking = pd.DataFrame(rows).reindex(columns=list(RANKING))
    order = ranking["gain"].to_numpy(float)
    position = {name: i for i, name in enumerate(dict.fromkeys(ranking["direction"]))}
    first = ranking["direction"].map(position).to_numpy()
    return ranking.iloc[np.lexsort((-order, first))].reset_index(drop=True)


def _lever(variant: str, recipe: dict[str, Any], arm: ArmRequest) -> str:
    """Return which lever of transfer a way to transfer pulls, or else an arm."""
    if variant:
        ways = {item["label"]: item for item in recipe["methods"]}
        item = ways[check_option("variant", variant, ways)]
        return ", ".join(key for key in ("select", "align", "pretrain", "scale") if key in item) or "carry"
    if arm.role == "control":
        return "control"
    return "pretrain" if arm.pretrain is not None else str(arm.entry.facts["lever"])
