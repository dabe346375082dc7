"""People who stand out: at chance in every arm, with labels that look exchanged, or who make a verdict."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ..results import Results
from .metrics import STUDY_KEYS, chance_level
from .reading import chance_of, compared, judged_arms, place_label
from .verdicts import influence_of_people

OUTLIERS = ["target", "subject", "kind", "where", "value", "others", "sentence"]
"""Columns of the table of outliers; ``value`` is the person's, ``others`` that of the rest."""
_ABOVE = 0.05
_EXCHANGED = 0.2
_FEWEST = 4
_NO_CLAIM = ("inconclusive", "not_assayable")


def find_outliers(results: Results) -> pd.DataFrame:
    """Return the people who stand out in a study, and by what.

    Parameters
    ----------
    results : Results
        A study; of several budgets of labels, the largest is judged.

    Returns
    -------
    DataFrame
        The columns of ``OUTLIERS``. ``kind`` is "at chance": in every arm no more than 5 points of balanced
        accuracy above chance, where the median person's best arm is 10 or more; "labels exchanged": one
        permutation of the classes, found on one half of the person's recordings, is right on the other half
        by 20 points more than the labels as they are; "influence": without this person something is claimed
        that is not claimed with it, or nothing any more (``value`` and ``others`` are the person's difference
        and that of the rest). Empty when nobody does.

    Notes
    -----
    Labels: predictions of all arms and seeds under one rule of splitting that tests strangers are pooled; the
    permutation is the best assignment of predicted to true classes. Exchanged labels and a person at chance
    are reasons to look at the recordings, not to leave somebody out: exclusions are fixed beforehand.
    Source: own.
    """
    results = results.at_largest_budget()
    rows = [*_by_person(results), *_by_influence(results)]
    return pd.DataFrame(rows, columns=OUTLIERS).drop_duplicates(["target", "subject", "kind", "where"])


def _by_person(results: Results) -> list[dict[str, object]]:
    """Return people at chance in every arm, and people whose labels look exchanged."""
    table, rows = results.predictions, []
    if "y_pred" not in table or table.empty:
        return []
    ends = {name: direction.target for name, direction in results.directions.items()}
    table = table.assign(target=table["direction"].map(ends), recording=results.recordings)
    for (target, protocol), part in table.groupby(["target", "protocol"], sort=False, observed=True):
        classes = list(results.data[str(target)]["classes"])
        levels = {str(who): _levels(mine) for who, mine in part.groupby("subject", sort=False, observed=True)}
        if len(levels) < _FEWEST:
            continue
        median = float(np.median([best for best, _, _ in levels.values()]))
        for who, (best, arm, chance) in levels.items():
            about = {"target": target, "subject": who, "where": protocol}
            if best <= chance + _ABOVE and median > chance + 2 * _ABOVE:
                rows.append({**about, "kind": "at chance", "value": best, "others": median, "sentence":
                             f"{who} stays at {100 * best:.0f} % in every arm (chance {100 * chance:.0f} %; "
                             f"the best is {arm}); the median person has {100 * median:.0f} %."})  # fmt: skip
            mine = part[part["subject"] == who]
            own, other, order = _exchanged(mine, len(classes))
            if other > own + _EXCHANGED:
                said = ", ".join(f"{classes[i]} as {classes[j]}" for i, j in enumerate(order) if i != j)
                rows.append({**about, "kind": "labels exchanged", "value": own, "others": other, "sentence":
                             f"{who}'s labels look exchanged: {100 * own:.0f} % are right as they are, "
                             f"{100 * other:.0f} % with {said}."})  # fmt: skip
    return rows


def _levels(mine: pd.DataFrame) -> tuple[float, str, float]:
    """Return a person's balanced accuracy in the best arm, the arm, and chance."""
    right = mine.assign(right=mine["y_true"] == mine["y_pred"])
    keys = ["direction", "network", "variant", "arm"]
    recalls = right.groupby([*keys, "y_true"], observed=True)["right"].mean()
    levels = recalls.groupby(level=keys, observed=True).mean()
    return float(levels.max()), str(levels.idxmax()[-1]), float(chance_level(mine["y_true"].to_numpy()))


def _exchanged(mine: pd.DataFrame, n_classes: int) -> tuple[float, float, list[int]]:
    """Return balanced accuracy as labelled, and with classes permuted as the other half says."""
    from scipy.optimize import linear_sum_assignment

    recording = mine["recording"].to_numpy()
    y, predicted = mine["y_true"].to_numpy(), mine["y_pred"].to_numpy()
    half = np.zeros(len(mine), dtype=bool)
    for label in np.unique(y):
        names = np.unique(recording[y == label])
        half |= (y == label) & np.isin(recording, names[::2])
    found, levels = [], []
    for part in (half, ~half):
        counts = np.zeros((n_classes, n_classes))
        np.add.at(counts, (y[part], predicted[part]), 1)
        found.append(counts / np.maximum(counts.sum(axis=1, keepdims=True), 1))
    present = np.unique(y)
    for one, other in (found, found[::-1]):
        _, order = linear_sum_assignment(-one)
        levels.append(float(np.mean(other[present, order[present]])))
    whole = (found[0] + found[1]) / 2
    own = float(np.mean(whole[present, present]))
    _, order = linear_sum_assignment(-whole)
    both = bool(half.any() and (~half).any())
    return own, float(np.mean(levels)) if both else own, [int(i) for i in order]


def _by_influence(results: Results) -> list[dict[str, object]]:
    """Return people without whom a verdict would be another one."""
    rows: list[dict[str, object]] = []
    asked, curves = compared(results), results.curves
    if curves.empty or curves.groupby(STUDY_KEYS, observed=True)["subject"].nunique().min() < 3:
        return rows
    table = influence_of_people(
        curves, against=asked.against, metric=asked.metric, measure=asked.measure,
        margin=asked.margin, alpha=asked.alpha, **judged_arms(results),
        chance={name: chance_of(side, asked.metric) for name, side in results.data.items()},
        sources=results.sources,
    )  # fmt: skip
    claims = ~(table["verdict"].isin(_NO_CLAIM) & table["verdict_without"].isin(_NO_CLAIM))
    changed = table[claims & (table["verdict"] != table["verdict_without"])]
    for row in changed.to_dict("records"):
        where = place_label(row["direction"], row["network"], row["variant"], row["protocol"], row["arm"])
        target = results.directions[row["direction"]].target
        rows.append(
            {
                "target": target, "subject": row["subject"], "kind": "influence", "where": where,
                "value": row["own"], "others": row["difference_without"],
                "sentence": f"Without {row['subject']} the verdict on {where} is {row['verdict_without']} "
                f"({100 * row['difference_without']:+.1f} points) instead of {row['verdict']} "
                f"({100 * row['difference']:+.1f}).",
            }
        )  # fmt: skip
    return rows
