"""How often the verdict said what, with exact binomial intervals."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from ...errors import check
from ..verdicts import VERDICTS, decide


def interval_of_rate(count: int, n: int, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a rate.

    Parameters
    ----------
    count, n : int
        How often, of how many.
    level : float
        Coverage.

    Raises
    ------
    BiotransferError
        When ``count`` is not between 0 and ``n``.

    Notes
    -----
    Source: Clopper & Pearson 1934, doi:10.1093/biomet/26.4.404.

    Examples
    --------
    >>> [round(end, 3) for end in interval_of_rate(0, 400)]
    [0.0, 0.009]
    """
    from scipy.stats import binomtest

    check(0 <= count <= n and n > 0, f"count={count} of n={n}. Expected 0 to n, and n above 0.")
    low, high = binomtest(count, n).proportion_ci(level, method="exact")
    return float(low), float(high)


def confusion(
    verdicts: pd.DataFrame, arm: str = "transferred", by: Sequence[str] = ("structure",)
) -> pd.DataFrame:
    """Count the verdicts on one arm for each planted structure.

    Parameters
    ----------
    verdicts : DataFrame
        See :func:`run_truth`.
    arm : str
        Whose verdicts.
    by : sequence of str
        Columns that tell the rows of the table apart.

    Returns
    -------
    DataFrame
        One row per planted structure: n_studies, a count per verdict, the mean difference and spread.
    """
    mine = verdicts[verdicts["arm"] == arm]
    rows = []
    for key, part in mine.groupby(list(by), sort=False):
        counts = {name: int((part["verdict"] == name).sum()) for name in VERDICTS}
        rows.append(
            {
                **dict(zip(by, key, strict=True)),
                "n_studies": len(part),
                **counts,
                "difference": float(part["difference"].mean()),
                "spread": float((part["spread"] ** 2).mean() ** 0.5),
            }
        )
    return pd.DataFrame(rows)


def expected_rate(
    gain: float,
    *,
    people: float,
    seeds: float,
    rest: float,
    between: float = 0.0,
    n_people: int = 12,
    n_seeds: int = 5,
    alpha: float = 0.05,
    n_tables: int = 2000,
    seed: int = 0,
) -> float:
    """Say in advance how often one comparison will be called positive, by drawing tables of differences.

    Parameters
    ----------
    gain : float
        True mean difference.
    people, seeds, rest : float
        Standard deviations of the parts of a difference: between people, between seeds for all people alike,
        and of what is left (see :func:`.crossed_test`).
    between : float
        Standard deviation of the true gain between studies.
    n_people, n_seeds : int
        The design.
    alpha : float
        Error rate; at Holm's first step that of the family divided by its size.
    n_tables : int
        Drawn.
    seed : int
        Draws them.

    Notes
    -----
    What :func:`.paired_power` says in closed form where seeds share nothing, this says of
    the whole rule. Controls are not drawn: where they come close, fewer are found.

    Examples
    --------
    >>> 0.7 < expected_rate(0.05, people=0.05, seeds=0.0, rest=0.0, n_people=10, n_tables=400) < 0.9
    True
    """
    rng, found = np.random.default_rng(seed), 0
    for _ in range(n_tables):
        table = gain + between * rng.standard_normal() + people * rng.standard_normal((n_people, 1))
        table = table + seeds * rng.standard_normal(n_seeds) + rest * rng.standard_normal((n_people, n_seeds))
        found += decide([table], alpha=alpha)[0].verdict == "positive"
    return found / n_tables
