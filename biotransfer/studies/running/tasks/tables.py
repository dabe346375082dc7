"""From what an engine gives back to long tables, trial by trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ....signals.splits import Split
from ....signals.windows import Windows
from ....tables import number_lists
from ....transfer.carry import Arm

if TYPE_CHECKING:
    from ....learning.training.curves import Curves


def prediction_table(curves: Curves, windows: Windows, split: Split) -> pd.DataFrame:
    """One row per trial and test window, after the last update."""
    first, n_trials, n_test = len(split.validation), len(curves.predicted), len(split.test)
    test = windows.metadata.iloc[split.test]

    def column(name: str) -> pd.Categorical:
        names = pd.Categorical(test[name].astype(str))
        return pd.Categorical.from_codes(np.tile(names.codes, n_trials), dtype=names.dtype)

    return pd.DataFrame(
        {
            "trial": np.repeat(np.arange(n_trials, dtype=np.int32), n_test),
            "subject": column("subject"),
            "window_uid": column("uid"),
            "y_true": np.tile(windows.y[split.test], n_trials),
            "y_pred": curves.predicted[:, -1, first:].astype(np.int64).ravel(),
            "probabilities": number_lists(curves.probabilities[:, first:].reshape(n_trials * n_test, -1)),
        }
    )


def ledger_table(arms: Sequence[Arm]) -> pd.DataFrame:
    """One row per trial and tensor."""
    return pd.DataFrame([{"trial": i, **vars(row)} for i, arm in enumerate(arms) for row in arm.ledger])


def training_table(curves: Curves, arms: Sequence[Arm]) -> pd.DataFrame:
    """One row per trial: which engine trained it, by what, for how long, and which epoch was kept."""
    return pd.DataFrame(
        {
            "trial": np.arange(len(arms), dtype=np.int32),
            "engine": curves.engine,
            "path": curves.path.astype(str),
            "epochs": curves.trained_epochs,
            "best_epoch": curves.best_epoch,
            "pseudo_labels": curves.pseudo_labels,
        }
    )
