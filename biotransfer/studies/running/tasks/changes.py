"""What moved while the target was learned: layers, lines, attributions; a trial is a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any

import numpy as np
import pandas as pd

from ....evidence.changes.layers import barrier_line, describe_layers
from ....learning.networks import Network
from ....learning.weights import Weights
from ....transfer.align.transform import Transform
from ..plan import Plan
from . import target
from .fold import (
    FOLD_CODE,
    FOLD_LIBRARIES,
    LEARNING_CODE,
    LEARNING_LIBRARIES,
    Fold,
    FoldTask,
    every_fold,
    fold_depends,
    make_fold,
    target_network,
)
from .target import TargetTask, followed, start_arms
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials

MAX_WINDOWS = 300
STEPS = 20


@dataclass(frozen=True)
class ChangesTask(FoldTask):
    """Look at the trained networks of one fold."""


def lay_out(plan: Plan) -> list[ChangesTask]:
    """Return every fold at the largest budget, where the recipe asks what moved."""
    return every_fold(plan, ChangesTask, plan.budgets[-1:]) if plan.recipe.moved else []


def _followed(plan: Plan, task: FoldTask) -> dict[int, list[Trial]]:
    """Return the trainings that are looked at, by seed."""
    place = (task.direction, task.network, task.protocol, task.fold, task.split_name, task.budget)
    found: dict[int, list[Trial]] = {}
    for trial in target.trials(plan, TargetTask(*place)):
        if trial.keeps_weights:
            found.setdefault(trial.columns["seed"], []).append(trial)
    return found


def trials(plan: Plan, task: ChangesTask) -> list[Trial]:
    """Return one trial per seed; it needs the final weights of every arm, and what the arms start from."""
    asked = []
    for seed, mine in _followed(plan, task).items():
        needs = {f"final {trial.columns['arm']}": trial.ref for trial in mine}
        needs |= {f"source {name}": ref for trial in mine for name, ref in trial.needs.items()}
        asked.append(AskedTrial({"seed": seed}, seed, needs))
    depends = {**fold_depends(plan, task), "max_windows": MAX_WINDOWS, "steps": STEPS, "arms": followed(plan)}
    return make_trials(CHANGES, depends, asked)


def run(
    plan: Plan, task: ChangesTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Compare the arms' networks on windows of the people tested, who trained none of them."""
    fold, trained = make_fold(plan, task), _followed(plan, task)
    network = target_network(fold)
    parts: dict[str, list[pd.DataFrame]] = {"layers": [], "barriers": [], "attributions": []}
    rows = fold.split.test
    if len(rows) > MAX_WINDOWS:
        rows = np.sort(np.random.default_rng(0).permutation(rows)[:MAX_WINDOWS])
    X, y = fold.windows.X[rows], fold.windows.y[rows]
    baseline, transfer, *_ = [*followed(plan), "", ""]
    for i, trial in enumerate(wanted):
        seed = trial.columns["seed"]
        mine = trained[seed]
        start = {
            t.columns["arm"]: a.tensors
            for t, a in zip(mine, start_arms(plan, fold, network, mine, weights), strict=True)
        }
        final = {t.columns["arm"]: weights[t.ref].tensors for t in mine}
        for arm in final:
            layers = describe_layers(
                network,
                start[arm],
                final[arm],
                X,
                y,
                source=start.get(transfer),
                scratch=None if arm == baseline else final.get(baseline),
                seed=seed,
            )
            parts["layers"].append(layers.assign(trial=i, arm=arm))
            parts["attributions"].append(_attribute(fold, network, final[arm], rows).assign(trial=i, arm=arm))
        for first, second in combinations(final, 2):
            line = barrier_line(network, final[first], final[second], X, y)
            parts["barriers"].append(line.assign(trial=i, first=first, second=second))
    return Outcome({name: pd.concat(part, ignore_index=True) for name, part in parts.items() if part})


def _attribute(
    fold: Fold, network: Network, tensors: Mapping[str, np.ndarray], rows: np.ndarray
) -> pd.DataFrame:
    """Attribute the answers of one network to what its inputs are made of."""
    from ....evidence.changes.attribution import attribute_features, attribute_signals

    windows = fold.windows
    X, y = windows.X[rows], windows.y[rows]
    if windows.is_signal:
        assert windows.sfreq is not None
        return attribute_signals(
            network, tensors, X, y, sfreq=windows.sfreq, ch_names=windows.names, steps=STEPS
        )
    options: dict[str, Any] = {"names": windows.names, "columns": windows.columns}
    projection = fold.alignment.target
    if isinstance(projection, Transform) and projection.matrix is not None and projection.offset is None:
        raw = fold.unaligned.X[rows][:, projection.columns].astype(np.float64)
        X = (raw - projection.center) / projection.scale
        options = {
            "names": [fold.unaligned.names[c] for c in projection.columns],
            "columns": fold.unaligned.columns,
            "matrix": projection.matrix,
        }
    return attribute_features(network, tensors, X, y, steps=STEPS, **options)


CHANGES = Kind(
    "changes",
    "analyses",
    "scores and analyses",
    lay_out,
    trials,
    run,
    (
        *FOLD_CODE,
        *LEARNING_CODE,
        "evidence/changes",
        "evidence/transferability",
        "signals/mains",
        "signals/preprocessing",
        "signals/simulate",
        "signals/spectra",
        "studies/running/tasks/changes",
        "studies/running/tasks/selection",
        "studies/running/tasks/source",
        "studies/running/tasks/target",
        "transfer/carry",
        "transfer/pretrain",
        "transfer/select",
    ),
    (*FOLD_LIBRARIES, *LEARNING_LIBRARIES, "mne", "mne-icalabel"),
)
