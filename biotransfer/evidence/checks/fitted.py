"""Whether scalers, selectors and alignments saw test rows: asked of what was fitted."""

from __future__ import annotations

from typing import Any

import numpy as np

from ...errors import check
from ...signals.splits import Split
from ...signals.windows import Windows
from ...transfer.align import Alignment


def rows_fitted(alignment: Alignment, windows: Windows, split: Split) -> dict[str, Any]:
    """Count the target rows that an alignment was fitted on, and those of them outside the training side.

    Parameters
    ----------
    alignment : Alignment
        As fitted; it remembers the windows it was fitted on.
    windows : Windows
        What ``split`` splits.
    split : Split
        Which rows may be seen.

    Returns
    -------
    dict
        fitted, outside: numbers of windows.
    """
    uids = windows.metadata["uid"].to_numpy(dtype=str)
    outside = ~np.isin(alignment.fitted_on, uids[split.fit_rows])
    return {"fitted": len(alignment.fitted_on), "outside": int(outside.sum())}


def refuse_test_rows(rows: dict[str, Any], split: Split, accepted: str) -> None:
    """Stop before training what was fitted on rows outside the training side, unless that is accepted.

    Raises
    ------
    BiotransferError
        With the numbers of windows.
    """
    check(
        rows["outside"] == 0 or accepted,
        f"check C19 fitted_on_test_rows: scaling and alignment of split {split.name} saw {rows['outside']} "
        f"windows outside its training side, of {rows['fitted']}. Fit them on its fit_rows. To run it all "
        'the same write accept: {fitted_on_test_rows: "why"}; the report will say so.',
    )
