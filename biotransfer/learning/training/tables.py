"""From curves to long tables, trial by trial."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from ..predictions import accuracy, balanced_accuracy

if TYPE_CHECKING:
    from .job import Curves, Tested


def curve_table(curves: Curves, tested: Tested) -> pd.DataFrame:
    """One row per trial, person, part, metric and point; the training part pools all people as "*"."""
    subjects, y = tested.subjects, tested.y
    is_test = np.arange(len(y)) >= len(tested.split.validation)
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
