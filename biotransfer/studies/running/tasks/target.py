"""The target: one task per direction, network, rule, budget and fold; a trial is an arm and a seed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd

from ....learning.networks import Network, initial_tensors
from ....learning.networks.checkpoints import fingerprint
from ....learning.training import Schedule
from ....learning.weights import Weights
from ....transfer.carry import Arm, ArmRequest, make_arms
from ....transfer.carry.donors import brought_by
from ..input_check import check_inputs
from ..passes import keep_features
from ..plan import Plan
from . import selection, source
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
    source_network,
    target_network,
)
from .tables import ledger_table, prediction_table, training_table
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials

if TYPE_CHECKING:
    from ....learning.training.curves import Curves

FOLLOWED_SEEDS = 2


@dataclass(frozen=True)
class TargetTask(FoldTask):
    """Train arms and seeds on one fold of the target, with one budget of labels."""


def lay_out(plan: Plan) -> list[TargetTask]:
    """Return every fold of every direction, network, rule and budget."""
    return every_fold(plan, TargetTask, plan.budgets)


def trials(plan: Plan, task: TargetTask) -> list[Trial]:
    """Return one trial per arm and seed."""
    plan = plan.tuned(task)
    recipe = plan.recipe
    own = plan.schedules(task)
    train = None if own else plan.schedule(task.budget)
    depends = {**fold_depends(plan, task), "train": train, "engine": recipe.engine}
    asked, kept, largest = [], followed(plan), task.budget == plan.budgets[-1]
    for arm, given, seed, needs in asked_arms(plan, task):
        keeps = largest and arm.label in kept and seed in recipe.seeds[:FOLLOWED_SEEDS]
        by = [own[arm.label]] if own else []
        columns = {"arm": arm.label, "seed": seed}
        asked.append(AskedTrial(columns, [*given, seed, *by], needs, keeps_weights=keeps))
    return make_trials(TARGET, depends, asked)


def asked_arms(plan: Plan, task: FoldTask) -> Iterator[tuple[ArmRequest, list[Any], int, dict[str, Ref]]]:
    """Yield every arm and seed of a fold: what its weights are by, and the source networks it needs."""
    unproven = {
        name for name in plan.sources if plan.why_unproven(name, task.direction, task.network, task.protocol)
    }
    trained = {
        name: {
            trial.columns["seed"]: trial.ref
            for trial in source.trials(
                plan,
                source.source_task(plan, name, task.direction, task.network, task.protocol, task.fold),
            )
        }
        for name in plan.sources
        if not source.closed(plan, name, task.direction, task.network, task.protocol, task.fold)
        and name not in unproven
    }
    for arm in plan.recipe.arms:
        if arm.source in unproven:
            continue
        given = [arm.spec] if arm.weights is None else [arm.spec, fingerprint(arm.weights, task.network)]
        for seed in plan.recipe.seeds:
            yield arm, given, seed, {arm.source: trained[arm.source][seed]} if arm.source in trained else {}


def followed(plan: Plan) -> list[str]:
    """Return the arms whose final weights are looked at: the baseline, a transfer, a control."""
    requests, against = plan.recipe.arms, plan.recipe.compare.against
    if not plan.recipe.moved:
        return []
    transfers = [arm for arm in requests if arm.role == "transfer" and arm.label != against]
    transfers.sort(key=lambda arm: arm.entry.name != "transferred")
    controls = [arm for arm in requests if arm.role == "control" and arm.label != against]
    return [against, *(arm.label for arm in (*transfers[:1], *controls[:1]))]


def rehearse(plan: Plan) -> None:
    """Do all but training for the first fold of every direction, network and rule, least and most labels.

    Raises
    ------
    BiotransferError
        As the study itself would.
    """
    selection.rehearse(plan)
    for task in lay_out(plan):
        if task.fold == 0 and task.budget in (plan.budgets[0], plan.budgets[-1]):
            fold = make_fold(plan, task)
            network, of_source, untrained = target_network(fold), source_network(fold), {}
            for name, made in plan.sources.items():
                if plan.why_unproven(name, task.direction, task.network, task.protocol):
                    continue
                source.rehearse(plan, task, name, of_source, network)
                record = network if made.joint else of_source
                pool = task.direction.target if made.of_target else task.direction.source
                rate = plan.sides[pool].windows(task.network).sfreq
                card = {
                    "network": record.describe(),
                    "sfreq": rate,
                    "modality": plan.sides[pool].about["modality"],
                }
                untrained[name] = Weights(initial_tensors(record, 0), card)
            check_inputs(plan, task, network)
            make_arms(
                [arm for arm in plan.recipe.arms if arm.source is None or arm.source in untrained],
                untrained,
                network,
                0,
                target=fold.windows.take(fold.split.train),
            )


def run(
    plan: Plan, task: TargetTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Train arms and seeds of one fold: the same windows, batches and heads; other starting weights.

    Arms for which different schedules were chosen are trained schedule by schedule.
    """
    plan = plan.tuned(task)
    fold = make_fold(plan, task)
    network = target_network(fold)
    check_inputs(plan, task, network)
    own, usual = plan.schedules(task), plan.schedule(task.budget)
    groups: dict[str, tuple[Schedule, list[int]]] = {}
    for i, trial in enumerate(wanted):
        schedule = own.get(trial.columns["arm"], usual)
        groups.setdefault(repr(schedule), (schedule, []))[1].append(i)
    parts, kept = [], dict[int, Weights]()
    for schedule, places in groups.values():
        mine = [wanted[i] for i in places]
        curves, tables = _train(plan, fold, network, mine, weights, schedule, device)
        parts.append({name: t.assign(trial=np.array(places)[t["trial"]]) for name, t in tables.items()})
        tensors = zip(places, curves.tensors, strict=True)
        kept |= {
            i: Weights(t, {"network": network.describe()}) for i, t in tensors if wanted[i].keeps_weights
        }
    return Outcome({name: _joined([part[name] for part in parts]) for name in parts[0]}, kept)


def _joined(parts: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Join tables of one fold in the order of their trials."""
    if len(parts) == 1:
        return parts[0]
    return pd.concat(parts, ignore_index=True).sort_values("trial", kind="stable", ignore_index=True)


def _train(
    plan: Plan,
    fold: Fold,
    network: Network,
    wanted: Sequence[Trial],
    weights: Mapping[Ref, Weights],
    schedule: Schedule,
    device: str,
) -> tuple[Curves, dict[str, pd.DataFrame]]:
    """Train some trials by one schedule; return the curves and the tables."""
    from ....learning.training.running import train

    arms = start_arms(plan, fold, network, wanted, weights)
    engine = plan.recipe.engine
    curves = train(
        network, arms, fold.windows, fold.split, schedule, engine=engine, device=device, keep=keep_features
    )
    return curves, {
        "curves": curves.by_trial(),
        "predictions": prediction_table(curves, fold.windows, fold.split),
        "ledger": ledger_table(arms),
        "trainings": training_table(curves, arms),
        "fits": pd.DataFrame({"trial": range(len(wanted)), **fold.fitted}),
    }


def start_arms(
    plan: Plan, fold: Fold, network: Network, wanted: Sequence[Trial], weights: Mapping[Ref, Weights]
) -> list[Arm]:
    """Return the arm that each trial starts from, in their order; own donors bring what the source can."""
    specs = {arm.label: arm.spec for arm in plan.recipe.arms}
    target = fold.windows.take(fold.split.train)
    arms: list[Arm] = [None] * len(wanted)  # type: ignore[list-item]
    own = {name for name, made in plan.sources.items() if made.kind == "own_donors"}
    record = source_network(fold)
    for seed in dict.fromkeys(trial.columns["seed"] for trial in wanted):
        mine = [i for i, trial in enumerate(wanted) if trial.columns["seed"] == seed]
        trained: dict[str, Weights | None] = dict.fromkeys(plan.sources)
        trained |= {name: weights[ref] for i in mine for name, ref in wanted[i].needs.items()}
        trained |= {
            name: brought_by(found, record)
            for name, found in trained.items()
            if name in own and found is not None
        }
        asked = [specs[wanted[i].columns["arm"]] for i in mine]
        made = make_arms(asked, trained, network, seed, stream=fold.split.uid, target=target)
        for i, arm in zip(mine, made, strict=True):
            arms[i] = arm
    return arms


TARGET = Kind(
    "target",
    "targets",
    "arms on the target",
    lay_out,
    trials,
    run,
    (
        *FOLD_CODE,
        *LEARNING_CODE,
        "studies/running/tasks/tables",
        "studies/running/tasks/target",
        "tables",
        "transfer/carry",
    ),
    (*FOLD_LIBRARIES, *LEARNING_LIBRARIES),
)
