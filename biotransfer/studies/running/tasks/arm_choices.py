"""A schedule for each arm, chosen on inner folds; a trial is an arm, a seed and a candidate.

Every arm, the baseline, the controls and the donors among them, is trained by every candidate on the same
inner folds of the rows whose labels the fold and its budget leave, from the source network that it starts
from in the study. People tested in the outer fold are in no inner fold. What was best holds for all seeds.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from ....errors import check
from ....learning.weights import Weights
from ....signals.splits import Split, inner_splits
from ..plan import Plan
from .choices import validated
from .fold import (
    FOLD_CODE,
    FOLD_LIBRARIES,
    LEARNING_CODE,
    LEARNING_LIBRARIES,
    FoldTask,
    every_fold,
    fold_depends,
    make_fold,
    target_network,
)
from .target import TargetTask, asked_arms, start_arms
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials


@dataclass(frozen=True)
class ArmChoiceTask(FoldTask):
    """Try every candidate in one fold of the target, with one budget of labels."""


def lay_out(plan: Plan) -> list[ArmChoiceTask]:
    """Return every fold and budget that has labels, where each arm gets its own choice."""
    if plan.recipe.tune is None or not plan.recipe.tune.by_arm:
        return []
    return [task for task in every_fold(plan, ArmChoiceTask, plan.budgets) if len(_outer(plan, task).train)]


def _outer(plan: Plan, task: FoldTask) -> Split:
    return plan.split(task.direction, task.network, task.protocol, task.fold, task.budget)


def inner_folds(plan: Plan, task: FoldTask) -> list[Split]:
    """Return the inner folds of one fold: by person, on the rows whose labels its budget leaves.

    Raises
    ------
    BiotransferError
        When these labels are those of one person, or a fold would lack a class.
    """
    tune, outer = plan.recipe.tune, _outer(plan, task)
    assert tune is not None
    windows = plan.sides[task.direction.target].windows(task.network)
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    people = np.unique(subjects[outer.train])
    check(
        len(people) > 1,
        f"tune per arm, budget {task.budget}, split {task.split_name}: all labels are those of {people[0]}, "
        "and a choice is validated on people who did not train. Use larger budgets, or leave tune out.",
    )
    made = inner_splits(windows, outer, folds=tune.folds, seed=tune.seed)
    return [
        replace(
            inner,
            donors=outer.donors,
            unlabelled=outer.unlabelled[~np.isin(subjects[outer.unlabelled], subjects[inner.test])],
        )
        for inner in made
    ]


def rehearse(plan: Plan) -> None:
    """Refuse budgets whose labels cannot be divided, before anything trains.

    Raises
    ------
    BiotransferError
        With the reason.
    """
    for task in lay_out(plan):
        inner_folds(plan, task)


def trials(plan: Plan, task: ArmChoiceTask) -> list[Trial]:
    """Return one trial per arm, seed and candidate: as many for each arm."""
    recipe, tune = plan.recipe, plan.recipe.tune
    assert tune is not None
    depends = {
        **fold_depends(plan, task),
        "train": plan.schedule(task.budget),
        "engine": recipe.engine,
        "inner": [tune.folds, tune.seed],
        "judged": [recipe.compare.metric, recipe.compare.measure],
    }
    asked = [
        AskedTrial(
            {
                "fold": task.fold,
                "candidate": i,
                "values": json.dumps(values),
                "arm": arm.label,
                "seed": seed,
            },
            [*given, seed, values],
            needs,
        )
        for arm, given, seed, needs in asked_arms(plan, task)
        if seed in recipe.seeds[: tune.seeds]
        for i, values in enumerate(tune.candidates)
    ]
    return make_trials(ARM_CHOICES, depends, asked)


def _frame(plan: Plan, task: FoldTask) -> tuple[Plan, list[TargetTask]]:
    """Return the study that is made of one outer fold's training rows, and its folds."""
    inner = inner_folds(plan, task)
    key = (task.direction.target, task.protocol, task.network)
    frame = replace(
        plan,
        recipe=replace(plan.recipe, tune=None),
        splits={key: inner},
        labelled={(*key, name): inner for name in plan.budgets},
    )
    place = (task.direction, task.network, task.protocol)
    return frame, [TargetTask(*place, i, split.name, task.budget) for i, split in enumerate(inner)]


def run(
    plan: Plan, task: ArmChoiceTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Train every candidate's arms at once, fold by fold, and take their validation."""
    from ....learning.training.running import train

    frame, folds = _frame(plan, task)
    candidates: dict[str, list[int]] = {}
    for i, trial in enumerate(wanted):
        candidates.setdefault(trial.columns["values"], []).append(i)
    found: list[pd.DataFrame] = []
    for inner in folds:
        fold = make_fold(frame, inner)
        network = target_network(fold)
        for values, places in candidates.items():
            curves = train(
                network,
                start_arms(frame, fold, network, [wanted[i] for i in places], weights),
                fold.windows,
                fold.split,
                frame.changed_schedule(task.budget, json.loads(values)),
                engine=frame.recipe.engine,
                device=device,
            )
            table = validated(curves.by_trial(), frame.recipe.compare)
            found.append(table.assign(trial=np.array(places)[table["trial"]]))
    table = (
        pd.concat(found)
        .groupby("trial", as_index=False)
        .agg(people=("subject", "nunique"), value=("value", "mean"))
    )
    return Outcome({"choices": table})


ARM_CHOICES = Kind(
    "arm_choices",
    "tuning",
    "schedules of every arm on inner folds",
    lay_out,
    trials,
    run,
    (
        *FOLD_CODE,
        *LEARNING_CODE,
        "evidence/metrics",
        "studies/running/tasks/arm_choices",
        "studies/running/tasks/choices",
        "studies/running/tasks/target",
        "transfer/carry",
    ),
    (*FOLD_LIBRARIES, *LEARNING_LIBRARIES, "pandas"),
)
