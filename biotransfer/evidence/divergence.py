"""Trainings that exploded, found in a study's curves and among its source networks."""

from __future__ import annotations

from collections.abc import Collection, Mapping

import pandas as pd

from ..learning.training.divergence import EXPLODED, LOST, diverged
from ..results import CURVES

__all__ = ["EXPLODED", "LOST", "count_diverged", "diverged_sources", "diverged_trainings", "say_diverged"]

SOURCE_NETWORKS = "source networks"
TRAINING = [*CURVES[: CURVES.index("subject")], "seed"]
"""What tells a training from another in a table of curves."""
DIVERGED = [*TRAINING, "before", "worst"]


def diverged_trainings(curves: pd.DataFrame) -> pd.DataFrame:
    """Return the trainings whose loss exploded, though it is finite, by the rule of :func:`.diverged`.

    Parameters
    ----------
    curves : DataFrame
        See ``results.CURVES``; rows of log_loss are read, tables without them have none that exploded.

    Returns
    -------
    DataFrame
        One row per training: direction, network, variant, protocol, budget, arm, split, seed; ``before``, the
        mean loss of its evaluated people before any update, and ``worst``, the largest of an epoch or of
        people at the end, both in nats.
    """
    losses = curves[curves["metric"] == "log_loss"]
    if losses.empty:
        return pd.DataFrame(columns=DIVERGED)
    trained = losses["split_part"] == "train"
    tested = losses[~trained].groupby([*TRAINING, "step"], observed=True, as_index=False)["value"].mean()
    tested = tested.sort_values("step", kind="stable").groupby(TRAINING, observed=True)["value"]
    training = losses[trained].groupby(TRAINING, observed=True)["value"]
    table = pd.DataFrame({"before": tested.first(), "ended": tested.last(), "highest": training.max()})
    table["worst"] = table[["ended", "highest"]].max(axis=1)
    return table[diverged(table["before"], table["worst"])].reset_index()[DIVERGED]


def diverged_sources(sources: pd.DataFrame | None) -> pd.DataFrame:
    """Return the rows of source networks whose training exploded.

    Parameters
    ----------
    sources : DataFrame, optional
        See ``results.SOURCES``; studies of older versions do not say it.
    """
    if sources is None or "diverged" not in sources:
        return pd.DataFrame(columns=["direction", "network", "variant", "source", "method"])
    return sources[sources["diverged"].fillna(False).astype(bool)]


def count_diverged(
    curves: pd.DataFrame, sources: pd.DataFrame | None = None
) -> dict[tuple[str, ...], dict[str, int]]:
    """Count, by direction, network, variant, protocol and budget, the diverged trainings of every arm.

    Parameters
    ----------
    curves : DataFrame
        See ``results.CURVES``.
    sources : DataFrame, optional
        See ``results.SOURCES``. One that diverged counts for every place of its direction, network and
        variant, under the name "source networks".
    """
    found: dict[tuple[str, ...], dict[str, int]] = {}
    where = TRAINING[: TRAINING.index("arm")]
    counts = diverged_trainings(curves).groupby([*where, "arm"], observed=True).size()
    for (*place, arm), n in counts.items():
        found.setdefault(tuple(map(str, place)), {})[str(arm)] = int(n)
    broken = diverged_sources(sources).groupby(where[:3], observed=True).size()
    for key, n in broken.items():
        places = curves.loc[(curves[where[:3]] == list(key)).all(axis=1), where].drop_duplicates()
        for place in places.itertuples(index=False):
            found.setdefault(tuple(map(str, place)), {})[SOURCE_NETWORKS] = int(n)
    return found


def say_diverged(counts: Mapping[str, int], arms: Collection[str]) -> str:
    """Say which trainings of a claim's arms diverged, "" where none did.

    Parameters
    ----------
    counts : mapping of str to int
        By arm, see :func:`count_diverged`.
    arms : collection of str
        The arms that the claim rests on.
    """
    mine = {name: n for name, n in counts.items() if name in arms or name == SOURCE_NETWORKS}
    if not mine:
        return ""
    said = ", ".join(f"{n} of {name}" for name, n in mine.items())
    return f"trainings that it rests on diverged ({said}): lower train.learning_rate"
