"""What keeps a design from seeing transfer, whatever its positive control does: something is at chance."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ..stats import sign_flip_p

NEAR_CHANCE = 0.05
FEWEST_STRANGERS = 4
"""By fewer people no source is judged: one who is at chance whatever is trained would speak for all."""
SOURCE_KEYS = ["direction", "network", "variant", "source", "method"]


def judge_sources(sources: pd.DataFrame) -> pd.DataFrame:
    """Say of every kind of source network how much it knows about people it was not trained on.

    Parameters
    ----------
    sources : DataFrame
        See ``results.SOURCES``.

    Returns
    -------
    DataFrame
        Of the networks trained on real labels direction, network, variant, source, method,
        balanced_accuracy and chance (means over seeds and folds), strangers (how many people they were judged
        by, those of all seeds and folds together; 0 where it was by other recordings of the same people),
        judged (whether these are ``FEWEST_STRANGERS`` or more) and weak (whether it was judged, and is less
        than 5 points above chance).
    """
    real = sources[~sources["source"].isin(["shuffled_labels", "noise", "phase", "simulated"])]
    by = real.groupby(SOURCE_KEYS, as_index=False, observed=True)
    means = by[["balanced_accuracy", "chance"]].mean()
    strangers = real["subjects"].map(_names).groupby([real[key] for key in SOURCE_KEYS], observed=True)
    means["strangers"] = [len(set().union(*names)) for _, names in strangers]
    means["judged"] = means["strangers"] >= FEWEST_STRANGERS
    means["weak"] = means["judged"] & (means["balanced_accuracy"] < means["chance"] + NEAR_CHANCE)
    return means


def _names(subjects: object) -> set[str]:
    names = set(str(subjects).split(", ")) - {""}
    return set() if "other recordings" in names else names


def not_judged(strangers: int) -> str:
    """Say why a source was not judged."""
    people = f"{strangers} {'person' if strangers == 1 else 'people'}"
    return f"not judged: {people} to judge it by, {FEWEST_STRANGERS} are needed"


def source_obstacles(sources: pd.DataFrame | None) -> dict[tuple[str, str, str], str]:
    """Return, by direction, network and variant, that the source is at chance, where it is by every method.

    Parameters
    ----------
    sources : DataFrame, optional
        See ``results.SOURCES``.
    """
    if sources is None or sources.empty:
        return {}
    judged = judge_sources(sources[sources["source"] == "supervised"])
    out = {}
    for key, part in judged.groupby(SOURCE_KEYS[:3], observed=True):
        if part["weak"].all():
            best = part.loc[part["balanced_accuracy"].idxmax()]
            level, chance, people = best["balanced_accuracy"], best["chance"], best["strangers"]
            place = tuple(map(str, key))
            out[place[0], place[1], place[2]] = (
                f"the source is at chance for new people ({100 * level:.0f} % over {people} of them, "
                f"chance {100 * chance:.0f} %)"
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
