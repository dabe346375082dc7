"""What several checks need."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import wraps
from typing import Any
from weakref import WeakKeyDictionary

import pandas as pd

from ...results import Results
from ..metrics import CONDITION

Finding = tuple[str, str]
Touch = dict[str, str]
"""Target, protocol and source that a finding is about; empty text stands for all."""
PLACE = ["direction", *CONDITION]


def touches(item: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    """Whether what was found is about one verdict."""
    return any(
        all(not touch[key] or touch[key] == row[key] or touch[key].startswith("same_modality ")
            for key in ("target", "protocol", "source"))
        for touch in item["touches"]
    )  # fmt: skip


def remembered(make: Callable[[Results], pd.DataFrame]) -> Callable[[Results], pd.DataFrame]:
    """Make a table that checks, figures and sections ask for once per study."""
    made: WeakKeyDictionary[Results, pd.DataFrame] = WeakKeyDictionary()

    @wraps(make)
    def table(results: Results) -> pd.DataFrame:
        if results not in made:
            made[results] = make(results)
        return made[results].copy()

    return table


def final_values(results: Results, metric: str) -> pd.DataFrame:
    """Metric at the last point with the most labels, seeds and folds averaged inside a person."""
    table = results.at_largest_budget().curves
    table = table[(table["split_part"] == "test") & (table["metric"] == metric)]
    last = table.groupby([*PLACE, "split", "arm"], observed=True)["step"].transform("max")
    keys = [*PLACE, "arm", "subject"]
    return table[table["step"] == last].groupby(keys, as_index=False, observed=True)["value"].mean()
