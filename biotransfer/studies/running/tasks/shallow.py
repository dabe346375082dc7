"""Shallow baselines: one task per direction, network, rule and fold; a trial is a method and permutation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ....evidence.baselines.permutation import permute_labels
from ....evidence.baselines.shallow import fit_baseline
from ....learning.networks import NETWORKS
from ....learning.predictions import accuracy, balanced_accuracy, chance_level
from ....learning.weights import Weights
from ..plan import Plan
from .fold import FOLD_CODE, FOLD_LIBRARIES, Fold, FoldTask, every_fold, fold_depends, make_fold
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials


@dataclass(frozen=True)
class ShallowTask(FoldTask):
    """Fit shallow classifiers on the inputs that a network gets in one fold of the target."""


def lay_out(plan: Plan) -> list[ShallowTask]:
    """Return every fold of every network that takes features, with the largest budget of labels."""
    if plan.variant or not plan.recipe.baselines:
        return []
    tasks = every_fold(plan, ShallowTask, plan.budgets[-1:])
    return [
        task
        for task in tasks
        if NETWORKS[task.network].facts["takes"] == "features" and _enough_labels(plan, task)
    ]


def _enough_labels(plan: Plan, task: ShallowTask) -> bool:
    """Whether the labels that the budget leaves show how windows of one class differ: two of every class."""
    split = plan.split(task.direction, task.network, task.protocol, task.fold, task.budget)
    windows = plan.sides[task.direction.target].windows(task.network)
    return bool(np.bincount(windows.y[split.train], minlength=len(windows.classes)).min() >= 2)


def trials(plan: Plan, task: ShallowTask) -> list[Trial]:
    """Return one trial per method with the labels as they are (permutation 0), and one per permutation."""
    recipe = plan.recipe
    depends = {**fold_depends(plan, task), "network": task.network, "seed": recipe.seeds[0]}
    asked = []
    for i, spec in enumerate(recipe.baselines):
        for k in range(1 + (recipe.permutations if i == 0 else 0)):
            asked.append(AskedTrial({"baseline": spec.name, "permutation": k}, [spec, k]))
    return make_trials(SHALLOW, depends, asked)


def run(
    plan: Plan, task: ShallowTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Align as for the network, fit on the training rows, and see what is said about the test rows."""
    windows = plan.sides[task.direction.target].windows(task.network)
    specs = {spec.name: spec for spec in plan.recipe.baselines}
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    recordings = windows.metadata["recording"].to_numpy(dtype=str)
    rows, folds = [], dict[int, Fold]()
    for i, trial in enumerate(wanted):
        k = trial.columns["permutation"]
        y = windows.y if k == 0 else permute_labels(windows.y, recordings, subjects, seed=k)
        if k not in folds:
            folds = {k: make_fold(plan, task, y)}
        split, X = folds[k].split, folds[k].windows.X.astype(np.float64)
        fitted = fit_baseline(
            specs[trial.columns["baseline"]],
            X[split.train],
            y[split.train],
            seed=plan.recipe.seeds[0],
            unlabelled=X[split.unlabelled],
        )
        predicted = fitted.predict(X[split.test])
        for subject in np.unique(subjects[split.test]):
            mine = subjects[split.test] == subject
            true = y[split.test][mine]
            rows.append(
                {
                    "trial": i,
                    "subject": subject,
                    "n_windows": len(true),
                    "accuracy": float(accuracy(true, predicted[mine])),
                    "balanced_accuracy": float(balanced_accuracy(true, predicted[mine])),
                    "chance": chance_level(true),
                }
            )
    return Outcome({"baselines": pd.DataFrame(rows)})


SHALLOW = Kind(
    "shallow",
    "targets",
    "shallow baselines",
    lay_out,
    trials,
    run,
    (
        *FOLD_CODE,
        "evidence/baselines/permutation",
        "evidence/baselines/shallow",
        "evidence/baselines/unlabelled",
        "learning/predictions",
        "studies/running/tasks/shallow",
    ),
    FOLD_LIBRARIES,
)
