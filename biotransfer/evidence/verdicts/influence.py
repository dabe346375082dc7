"""How much a verdict hangs on one person: every claim decided again without each."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...transfer.carry import ArmRequest
from ..metrics import Compare
from .comparison import comparisons_of, judge

INFLUENCE = ["direction", "network", "variant", "protocol", "budget", "arm", "subject", "own", "difference",
             "difference_without", "verdict", "verdict_without"]  # fmt: skip


def influence_of_people(
    curves: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    against: str = Compare.against,
    metric: str = Compare.metric,
    measure: str = Compare.measure,
    margin: float = Compare.margin,
    alpha: float = Compare.alpha,
    arms: Iterable[str | Mapping[str, Any] | ArmRequest] | None = None,
    chance: Mapping[str, float] | None = None,
    roles: Mapping[str, str] | None = None,
    sources: pd.DataFrame | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Decide on every claim again without each person in turn.

    Parameters
    ----------
    curves, against, metric, measure, margin, alpha, arms, chance, roles, sources, seed
        As :func:`.compare` takes them.

    Returns
    -------
    DataFrame
        One row per claim and person: ``own``, the person's difference; the mean ``difference`` and the
        ``verdict`` of all, and those without the person. Empty where fewer than three people were tested.

    Notes
    -----
    Left out is who has this place in the table of a claim; claims of one family leave out the same person
    together, so that Holm's correction is that of a study without the person.
    """
    asked = Compare(against, metric, measure, margin, alpha)
    found = comparisons_of(curves, asked, arms=arms, chance=chance, roles=roles, sources=sources)
    whole, rows = judge(found, asked, seed), []
    people = list(dict.fromkeys(who for comparison in found for who in comparison.people))
    for person in people:
        without, places = [], []
        for i, comparison in enumerate(found):
            keep = np.array([who != person for who in comparison.people])
            if keep.all() or keep.sum() < 2:
                without.append(comparison)
                continue
            values = {arm: table[keep] for arm, table in comparison.values.items()}
            rest = tuple(who for who in comparison.people if who != person)
            without.append(replace(comparison, values=values, people=rest))
            places.append(i)
        decided = judge(without, asked, seed)
        for i in places:
            mine, other, comparison = whole[i], decided[i], found[i]
            if mine is None or other is None:
                continue
            own = comparison.differences[comparison.people.index(person)].mean()
            rows.append(
                (str(comparison.direction), comparison.network, comparison.variant, comparison.protocol,
                 comparison.budget, comparison.arm, person, float(own), mine.difference, other.difference,
                 mine.verdict, other.verdict)
            )  # fmt: skip
    return pd.DataFrame(rows, columns=INFLUENCE)
