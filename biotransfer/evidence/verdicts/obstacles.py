"""What keeps a design from seeing transfer, whatever its positive control does: something is at chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..stats import sign_flip_p

NEAR_CHANCE = 0.05
SOURCE_KEYS = ["direction", "network", "variant", "source", "method"]


def weak_sources(sources: pd.DataFrame) -> pd.DataFrame:
    """Return the source networks that know next to nothing about people they were not trained on.

    Parameters
    ----------
    sources : DataFrame
        See ``results.SOURCES``.

    Returns
    -------
    DataFrame
        direction, network, variant, source, method, balanced_accuracy and chance (means over seeds and
        folds) of the networks trained on real labels whose mean is less than 5 points above chance.
    """
    real = sources[~sources["source"].isin(["shuffled_labels", "noise", "phase", "simulated"])]
    means = real.groupby(SOURCE_KEYS, as_index=False, observed=True)[["balanced_accuracy", "chance"]].mean()
    return means[means["balanced_accuracy"] < means["chance"] + NEAR_CHANCE]


def source_obstacles(sources: pd.DataFrame | None) -> dict[tuple[str, str, str], str]:
    """Return, by direction, network and variant, that the source is at chance, where it is by every method.

    Parameters
    ----------
    sources : DataFrame, optional
        See ``results.SOURCES``.
    """
    if sources is None or sources.empty:
        return {}
    keys = SOURCE_KEYS[:3]
    mine = sources[sources["source"] == "supervised"]
    methods = mine.groupby(keys, observed=True)["method"].nunique()
    weak = weak_sources(mine)
    out = {}
    for key, part in weak.groupby(keys, observed=True):
        if len(part) == methods.loc[key]:
            level, chance = part["balanced_accuracy"].max(), part["chance"].iloc[0]
            place = tuple(map(str, key))
            out[place[0], place[1], place[2]] = (
                f"the source is at chance for new people ({100 * level:.0f} %, chance {100 * chance:.0f} %)"
            )
    return out


def target_obstacle(levels: Sequence[np.ndarray], chance: float | None, alpha: float) -> str:
    """Say that no arm is above chance for new people, "" where one is or chance is not known.

    Parameters
    ----------
    levels : sequence of ndarray, shape (n_people, n_seeds)
        Of every arm.
    chance : float, optional
        Of the metric.
    alpha : float
        Error rate of each arm's one-sided test over people. It is not corrected for their number: an arm that
        is above chance by luck removes an obstacle and proves nothing, the positive control has to.
    """
    if chance is None or not levels:
        return ""
    people = [np.round(values.mean(1) - chance, 12) for values in levels]
    above = [d for d in people if d.mean() > 0 and sign_flip_p(d, "greater") < alpha]
    best = max(d.mean() for d in people)
    # So few people that no p is small enough: only a clear distance tells.
    few = all(0.5 ** len(d) >= alpha for d in people)
    if above or (few and best >= NEAR_CHANCE):
        return ""
    return (
        f"the target is at chance for new people (no arm is clearly above {100 * chance:.0f} %, the best "
        f"reaches {100 * (best + chance):.0f} %)"
    )
