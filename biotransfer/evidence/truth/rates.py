"""How often the verdict said what, with exact binomial intervals."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from ...errors import check
from ..verdicts import VERDICTS


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
