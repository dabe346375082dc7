"""From what an engine gives back to long tables, trial by trial."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ....learning.predictions import accuracy, balanced_accuracy
from ....signals.splits import Split
from ....signals.windows import Windows
from ....transfer.carry import Arm

if TYPE_CHECKING:
    from ....learning.training.job import Curves


def curve_table(curves: Curves, windows: Windows, split: Split) -> pd.DataFrame:
    """One row per trial, person, part, metric and point; the training part pools all people as "*"."""
    rows = np.concatenate([split.validation, split.test])
    subjects = windows.metadata["subject"].to_numpy(dtype=str)[rows]
    y = windows.y[rows]
    is_test = np.arange(len(rows)) >= len(split.validation)
    groups: list[tuple[str, str, str, np.ndarray]] = []
    for part, inside in (("validation", ~is_test), ("test", is_test)):
        for subject in np.unique(subjects[inside]):
            mine = np.flatnonzero(inside & (subjects == subject))
            predicted = curves.predicted[:, :, mine]
            groups += [
                (part, subject, "accuracy", accuracy(y[mine], predicted)),
                (part, subject, "balanced_accuracy", balanced_accuracy(y[mine], predicted)),
                (part, subject, "log_loss", curves.loss[:, :, mine].mean(axis=2, dtype=np.float64)),
            ]
    groups += [
        ("train", "*", "accuracy", curves.train_accuracy),
        ("train", "*", "log_loss", curves.train_loss),
    ]
    values = np.stack([group[3] for group in groups], axis=1)
    n_trials, n_groups, n_points = values.shape
    known = ~np.isnan(values.ravel())
    each = np.tile(np.repeat(np.arange(n_groups), n_points), n_trials)[known]

    def column(position: int) -> pd.Categorical:
        names = pd.Categorical([group[position] for group in groups])
        return pd.Categorical.from_codes(names.codes[each], dtype=names.dtype)

    return pd.DataFrame(
        {
            "trial": np.repeat(np.arange(n_trials, dtype=np.int32), n_groups * n_points)[known],
            "subject": column(1),
            "step": np.tile(curves.steps, n_trials * n_groups)[known],
            "epoch": np.tile(curves.epochs, n_trials * n_groups)[known],
            "split_part": column(0),
            "metric": column(2),
            "value": values.ravel()[known],
        }
    )


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
            "probabilities": list(curves.probabilities[:, first:].reshape(n_trials * n_test, -1)),
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
