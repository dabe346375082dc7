"""What several checks need."""

from __future__ import annotations

import pandas as pd

from ..results import Results

Finding = tuple[str, str]


def final_values(results: Results, metric: str) -> pd.DataFrame:
    """Metric at the last point, seeds and folds averaged inside a person."""
    table = results.curves
    table = table[(table["split_part"] == "test") & (table["metric"] == metric)]
    last = table.groupby(["direction", "network", "protocol", "split"])["step"].transform("max")
    keys = ["direction", "network", "protocol", "arm", "subject"]
    return table[table["step"] == last].groupby(keys, as_index=False, observed=True)["value"].mean()
