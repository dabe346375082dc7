"""The target: one task per direction, network, rule, budget and fold; a trial is an arm and a seed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...align import ALIGN, fit_alignment
from ...arms import Arm, make_arms, resolve_arms
from ...checks import refuse_test_rows, rows_fitted
from ...networks import Network, build_network, initial_tensors
from ...networks.checkpoints import fingerprint
from ...splits import ALL, Split
from ...weights import Weights
from ...windows import Windows
from ..plan import Plan
from . import selection, source
from .tables import curve_table, ledger_table, prediction_table, training_table
from .task import Kind, Outcome, Ref, Trial, TrialFacts, make_trials


@dataclass(frozen=True)
class TargetTask:
    """Train arms and seeds on one fold of the target, with one budget of labels."""

    direction: str
    network: str
    protocol: str
    fold: int
    split_name: str
    budget: str = ALL

    @property
    def label(self) -> str:
        """File-name safe and unique within a study."""
        where = f"{self.direction.replace('->', '-to-')}_{self.network}_{self.protocol}_fold{self.fold}"
        return where if self.budget == ALL else f"{where}_budget{self.budget}"

    @property
    def columns(self) -> dict[str, Any]:
        """What tells it from other tasks in the tables."""
        return {
            "direction": self.direction,
            "network": self.network,
            "protocol": self.protocol,
            "budget": self.budget,
            "split": self.split_name,
        }


def lay_out(plan: Plan) -> list[TargetTask]:
    """Return every fold of every direction, network, rule and budget."""
    return [
        TargetTask(direction, spec["name"], rule["by"], fold, split.name, budget)
        for direction in plan.recipe["directions"]
        for spec in plan.recipe["network"]
        for rule in plan.recipe["split"]
        for budget in plan.budgets
        for fold, split in enumerate(plan.splits[direction.split("->")[1], rule["by"], spec["name"]])
    ]


def _split(plan: Plan, task: TargetTask) -> Split:
    return plan.split(task.direction, task.network, task.protocol, task.fold, task.budget)


def trials(plan: Plan, task: TargetTask) -> list[Trial]:
    """Return one trial per arm and seed."""
    recipe = plan.recipe
    source_name, target_name = task.direction.split("->")
    source_side, target_side = plan.sides[source_name], plan.sides[target_name]
    joint = ALIGN[recipe["align"]["name"]].facts["joint"]
    facts = {
        **task.columns,
        "windows": target_side.uid(task.network),
        "split": _split(plan, task).uid,
        "network": plan.network_spec(task),
        **{key: recipe[key] for key in ("scale", "align", "engine")},
        "train": plan.train_settings(task.budget),
        "source": [source_side.uid(task.network), recipe["pretrain"]["held_out"]]
        if joint
        else list(source_side.windows(task.network).names),
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
    }
    asked = []
    for arm in resolve_arms(recipe["arms"]):
        own = [arm.spec] if arm.weights is None else [arm.spec, fingerprint(arm.weights, task.network)]
        for seed in recipe["seeds"]:
            needs = {arm.source: trained[arm.source][seed]} if arm.source in trained else {}
            asked.append(TrialFacts({"arm": arm.label, "seed": seed}, [*own, seed], needs))
    return make_trials("target", facts, asked)


def _prepare(plan: Plan, task: TargetTask) -> tuple[Windows, Network, Network, dict[str, int]]:
    """Align the target's windows by the training side, labelled or not; build both networks.

    The last value says on how many rows was fitted, and how many of them are outside the training side.
    """
    from ...pretraining import hold_out_people

    recipe = plan.recipe
    source_name, target_name = task.direction.split("->")
    windows = plan.sides[target_name].windows(task.network)
    source_windows = plan.strangers(source_name, plan.sides[source_name].windows(task.network), task)
    source_train = source_windows.take(hold_out_people(source_windows, recipe["pretrain"]["held_out"]).train)
    target_train = windows.take(_split(plan, task).fit_rows)
    alignment = fit_alignment(source_train, target_train, recipe["align"], scale=recipe["scale"])
    fitted = rows_fitted(alignment, windows, _split(plan, task))
    refuse_test_rows(fitted, _split(plan, task), recipe["accept"].get("fitted_on_test_rows", ""))
    aligned = alignment.target.apply(windows)
    spec = plan.network_spec(task)
    first = alignment.source.apply(source_windows.take(np.arange(1)))
    return (
        aligned,
        build_network(spec, aligned.shape, len(aligned.classes), sfreq=aligned.sfreq),
        build_network(spec, first.shape, len(first.classes), sfreq=first.sfreq),
        fitted,
    )


def rehearse(plan: Plan) -> None:
    """Do all but training for the first fold of every direction, network and rule, least and most labels.

    Raises
    ------
    BiotransferError
        As the study itself would.
    """
    for variant in plan.recipe.variants:
        _rehearse(plan.of(variant))


def _rehearse(plan: Plan) -> None:
    selection.rehearse(plan)
    for task in lay_out(plan):
        if task.fold == 0 and task.budget in (plan.budgets[0], plan.budgets[-1]):
            aligned, network, source_record, _ = _prepare(plan, task)
            split = _split(plan, task)
            untrained = {}
            for name in plan.sources:
                source.rehearse(plan, task, name, source_record, network)
                record = network if plan.sources[name].joint else source_record
                untrained[name] = Weights(initial_tensors(record, 0), {"network": record.describe()})
            make_arms(
                plan.recipe["arms"],
                untrained,
                network,
                0,
                target=aligned.take(split.train),
            )


def run(
    plan: Plan, task: TargetTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Train arms and seeds of one fold: the same windows, batches and heads; other starting weights."""
    from ...training import Schedule, train

    recipe = plan.recipe
    split = _split(plan, task)
    aligned, network, _, fitted = _prepare(plan, task)
    target = aligned.take(split.train)
    specs = {arm.label: arm.spec for arm in resolve_arms(recipe["arms"])}
    arms: list[Arm] = [None] * len(wanted)  # type: ignore[list-item]
    for seed in dict.fromkeys(trial.columns["seed"] for trial in wanted):
        mine = [i for i, trial in enumerate(wanted) if trial.columns["seed"] == seed]
        trained: dict[str, Weights | None] = dict.fromkeys(plan.sources)
        trained |= {name: weights[ref] for i in mine for name, ref in wanted[i].needs.items()}
        asked = [specs[wanted[i].columns["arm"]] for i in mine]
        made = make_arms(asked, trained, network, seed, stream=split.uid, target=target)
        for i, arm in zip(mine, made, strict=True):
            arms[i] = arm
    schedule = Schedule(**plan.train_settings(task.budget))
    curves = train(network, arms, aligned, split, schedule, engine=recipe["engine"], device=device)
    return Outcome(
        {
            "curves": curve_table(curves, aligned, split),
            "predictions": prediction_table(curves, aligned, split),
            "ledger": ledger_table(arms),
            "trainings": training_table(curves, arms),
            "fits": pd.DataFrame({"trial": range(len(wanted)), **fitted}),
        }
    )


TARGET = Kind("target", "targets", "arms on the target", lay_out, trials, run)
