"""Nuisance baselines: one task per target and rule; a trial is a family before or after a notch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ....evidence.baselines import NUISANCE as FAMILIES
from ....evidence.baselines import fit_baseline, label_null, nuisance_columns
from ....evidence.baselines.nuisance import STAGES
from ....learning.predictions import accuracy, balanced_accuracy, chance_level
from ....learning.weights import Weights
from ....signals.splits import Split
from ....signals.windows import Windows
from ..plan import Plan
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials


@dataclass(frozen=True)
class NuisanceTask:
    """Classify one target's windows by what should not tell them apart."""

    target: str
    protocol: str

    @property
    def label(self) -> str:
        """File-name safe and unique within a study."""
        return f"{self.target}_{self.protocol}".replace(" ", "-")

    @property
    def columns(self) -> dict[str, Any]:
        """What tells it from other tasks in the tables."""
        return {"target": self.target, "protocol": self.protocol}


def lay_out(plan: Plan) -> list[NuisanceTask]:
    """Return every target and rule; none where the recipe says ``nuisance: false``, or windows were given."""
    targets = dict.fromkeys(direction.target for direction in plan.recipe.directions)
    return [
        NuisanceTask(target, rule.name)
        for target in targets
        for rule in plan.recipe.split
        if plan.sides[target].nuisance is not None and not plan.variant
    ]


def _splits(plan: Plan, task: NuisanceTask) -> list[Split]:
    return plan.splits[task.target, task.protocol, plan.recipe.network[0].name]


def trials(plan: Plan, task: NuisanceTask) -> list[Trial]:
    """Return one trial per family and stage that has any feature, and one for all families together."""
    side, asked_for = plan.sides[task.target], plan.recipe.nuisance
    assert side.nuisance is not None
    assert asked_for is not None
    depends = {
        **task.columns,
        "nuisance": side.about["nuisance"]["digest"],
        "windows": side.uid(plan.recipe.network[0].name),
        "splits": [split.uid for split in _splits(plan, task)],
        "classifier": asked_for.classifier,
    }
    asked = []
    for stage in STAGES:
        for family in [*(f for f in FAMILIES if f in asked_for.families), "all"]:
            columns = nuisance_columns(side.nuisance.names, stage, family, side.signals.modality)
            of = {side.nuisance.names[i].split("|")[1] for i in columns}
            if len(of) > (family == "all"):
                asked.append(AskedTrial({"stage": stage, "family": family}, [stage, family]))
    return make_trials(NUISANCE, depends, asked)


def _same_windows(measured: Windows, windows: Windows) -> Windows:
    """Return the rows of ``measured`` that are the windows the network sees, in their order."""
    if measured.metadata["uid"].equals(windows.metadata["uid"]):
        return measured
    return measured.take(pd.Index(measured.metadata["uid"]).get_indexer(windows.metadata["uid"]))


def run(
    plan: Plan, task: NuisanceTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Fit the classifier on the training rows of every fold, and see what it says about the test rows."""
    side, splits = plan.sides[task.target], _splits(plan, task)
    assert side.nuisance is not None
    assert plan.recipe.nuisance is not None
    windows = _same_windows(side.nuisance, side.windows(plan.recipe.network[0].name))
    spec, y = plan.recipe.nuisance.classifier, windows.y
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    recordings = windows.metadata["recording"].to_numpy(dtype=str)
    strangers = not any(set(subjects[s.train]) & set(subjects[s.test]) for s in splits)
    people, tests = [], []
    for i, trial in enumerate(wanted):
        columns = nuisance_columns(
            windows.names, trial.columns["stage"], trial.columns["family"], windows.modality
        )
        X, predicted = windows.X[:, columns], np.full(len(windows), -1, dtype=np.int64)
        for split in splits:
            fitted = fit_baseline(spec, X[split.train], y[split.train])
            predicted[split.test] = fitted.predict(X[split.test])
            for subject in np.unique(subjects[split.test]):
                mine = split.test[subjects[split.test] == subject]
                people.append(
                    {
                        "trial": i,
                        "split": split.name,
                        "subject": subject,
                        "n_features": len(columns),
                        "n_windows": len(mine),
                        "accuracy": float(accuracy(y[mine], predicted[mine])),
                        "balanced_accuracy": float(balanced_accuracy(y[mine], predicted[mine])),
                        "chance": chance_level(y[mine]),
                    }
                )
        tested = np.flatnonzero(predicted >= 0)
        null = label_null(
            y[tested], predicted[tested], recordings[tested], subjects[tested], shared=len(splits) > 1
        )
        tests.append(
            {
                "trial": i,
                "n_subjects": len(np.unique(subjects[tested])),
                "balanced_accuracy": null.observed,
                "null_mean": float(null.null.mean()) if strangers else np.nan,
                "null_95": float(np.quantile(null.null, 0.95)) if strangers else np.nan,
                "p": null.p if strangers else np.nan,
                "n_permutations": len(null.null) if strangers else 0,
            }
        )
    return Outcome({"nuisance": pd.DataFrame(people), "nuisance_tests": pd.DataFrame(tests)})


NUISANCE = Kind(
    "nuisance",
    "targets",
    "nuisance baselines",
    lay_out,
    trials,
    run,
    (
        "evidence/baselines",
        "learning/predictions",
        "signals/mains",
        "signals/preprocessing",
        "signals/spectra",
        "signals/windows/container",
        "studies/running/tasks/nuisance",
    ),
    ("mne", "mne-icalabel", "numpy", "scikit-learn", "scipy"),
)
