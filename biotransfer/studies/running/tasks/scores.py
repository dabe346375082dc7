"""Transferability: scores of every source on the target's training rows; a trial is an arm and a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from ....evidence.transferability.judging import score_transfer
from ....learning.networks import initial_tensors
from ....learning.networks.records import network_of
from ....learning.weights import Weights
from ....results import Direction
from ....signals.splits import Split
from ....signals.windows import Windows
from ....transfer.pretrain import METHODS
from ....transfer.pretrain.drawing import draw_people
from ..plan import Plan
from . import selection, target
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
from .target import TargetTask, start_arms
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials

PERMUTATIONS = 19
MAX_WINDOWS = 300


@dataclass(frozen=True)
class ScoreTask(FoldTask):
    """Judge the sources of one fold before training on it."""


def lay_out(plan: Plan) -> list[ScoreTask]:
    """Return every fold at the largest budget, where the recipe names scores and an arm has a source."""
    asked = plan.recipe.scores and _arms(plan)
    return every_fold(plan, ScoreTask, plan.budgets[-1:]) if asked else []


def _arms(plan: Plan) -> list[str]:
    """Return one transfer arm of every source, fine-tuning first: whose gain its scores should foretell."""
    found: dict[str, str] = {}
    requests = [arm for arm in plan.recipe.arms if arm.role == "transfer"]
    for arm in sorted(requests, key=lambda arm: arm.entry.name != "transferred"):
        if arm.source is not None:
            found.setdefault(arm.source, arm.label)
    return list(found.values())


def trials(plan: Plan, task: ScoreTask) -> list[Trial]:
    """Return one trial per arm and seed; it needs what the arm starts from."""
    depends = {
        **fold_depends(plan, task),
        "scores": plan.recipe.scores,
        "draw_people": plan.recipe.pretrain.draw_people,
        "permutations": PERMUTATIONS,
        "max_windows": MAX_WINDOWS,
    }
    arms, asked = _arms(plan), target.trials(plan, TargetTask(*_place(task)))
    own_head = {arm.label: _own_head(plan, arm.source) for arm in plan.recipe.arms}
    return make_trials(
        SCORES,
        depends,
        [
            AskedTrial(trial.columns, [trial.columns["seed"], own_head[trial.columns["arm"]]], trial.needs)
            for trial in asked
            if trial.columns["arm"] in arms and trial.needs
        ],
    )


def _place(task: FoldTask) -> tuple[Direction, str, str, int, str, str]:
    return task.direction, task.network, task.protocol, task.fold, task.split_name, task.budget


def _own_head(plan: Plan, name: str | None) -> bool:
    """Whether the source network's head tells the source's classes."""
    source = plan.sources[name] if name else None
    return source is not None and not source.joint and bool(METHODS[source.method["name"]].facts["labels"])


def _source(plan: Plan, task: ScoreTask, name: str, seed: int, windows: Windows) -> Windows:
    """Return the windows that a source network learned from: of the people and classes that were chosen."""
    if plan.sources[name].of_target:
        return windows
    everybody = Split("all", "rows", np.arange(len(windows)), np.arange(0))
    picked = selection.chosen(plan, task.direction, task.network, task.protocol, task.fold)
    if picked is None:
        share = plan.recipe.pretrain.draw_people
        return windows if share == 1 else windows.take(draw_people(windows, everybody, share, seed).train)
    chosen, split = picked.apply(windows, everybody)
    return chosen.take(split.train)


def run(
    plan: Plan, task: ScoreTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Score what the arms start from on training rows; test rows are not looked at."""
    fold = make_fold(plan, task)
    own = target_network(fold)
    train = fold.windows.take(fold.split.train)
    aligned = fold.source
    parts = []
    for i, trial in enumerate(wanted):
        ((name, ref),) = trial.needs.items()
        seed = trial.columns["seed"]
        source = _source(plan, task, name, seed, aligned)
        network = own if plan.sources[name].joint else network_of(weights[ref])
        fits = network.input_shape == own.input_shape
        tensors = {**initial_tensors(network, seed), **weights[ref].tensors}
        if not fits:
            network, tensors = own, dict(start_arms(plan, fold, own, [trial], weights)[0].tensors)
        table = score_transfer(
            network,
            tensors,
            train,
            source if fits else None,
            own_head=fits and _own_head(plan, name),
            scores=plan.recipe.scores,
            permutations=PERMUTATIONS,
            max_windows=MAX_WINDOWS,
            seed=seed,
        )
        parts.append(table.assign(trial=i))
    return Outcome({"scores": pd.concat(parts, ignore_index=True)})


SCORES = Kind(
    "scores",
    "analyses",
    "scores and analyses",
    lay_out,
    trials,
    run,
    (
        *FOLD_CODE,
        *LEARNING_CODE,
        "evidence/transferability",
        "signals/mains",
        "signals/preprocessing",
        "signals/simulate",
        "signals/spectra",
        "studies/running/tasks/scores",
        "studies/running/tasks/selection",
        "studies/running/tasks/target",
        "transfer/carry",
        "transfer/pretrain",
        "transfer/select",
    ),
    (*FOLD_LIBRARIES, *LEARNING_LIBRARIES, "mne", "mne-icalabel"),
)
