"""Values that inner validation chooses, the same for every arm; a trial is one combination in one fold.

The baseline and the transferred arm are trained with every combination on the same inner folds of the outer
training rows, so neither has a trial more than the other. Their mean decides, and all arms get what it chose.
Test rows of the outer fold are in no inner fold.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ....evidence.metrics import Compare, curve_measures
from ....learning.networks.checkpoints import fingerprint
from ....learning.weights import Weights
from ....results import Direction
from ....signals.splits import ALL, inner_splits
from ....transfer.carry import ArmRequest
from ..plan import Plan
from . import source, target
from .source import SOURCE
from .target import TARGET
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials


@dataclass(frozen=True)
class ChoiceTask:
    """Try every combination in every fold of one direction, network and rule."""

    direction: Direction
    network: str
    protocol: str

    @property
    def label(self) -> str:
        """File-name safe and unique within a study."""
        return f"{self.direction.slug}_{self.network}_{self.protocol}_choices"

    @property
    def columns(self) -> dict[str, Any]:
        """What tells it from other tasks in the tables."""
        return {
            "direction": str(self.direction),
            "network": self.network,
            "protocol": self.protocol,
            "budget": ALL,
        }


def judges(plan: Plan) -> list[ArmRequest]:
    """Return the arms that choose: the baseline, and "transferred" or the first arm that transfers."""
    arms = plan.recipe.arms
    transfer = sorted((a for a in arms if a.role == "transfer"), key=lambda a: a.label != "transferred")
    return [*(a for a in arms if a.label == plan.recipe.compare.against), *transfer[:1]]


def lay_out(plan: Plan) -> list[ChoiceTask]:
    """Return one task per direction, network and rule, none where nothing is to be chosen."""
    tune = plan.recipe.tune
    return [
        ChoiceTask(direction, spec.name, rule.name)
        for direction in (plan.recipe.directions if tune is not None and not tune.by_arm else [])
        for spec in plan.recipe.network
        for rule in plan.recipe.split
    ]


def trials(plan: Plan, task: ChoiceTask) -> list[Trial]:
    """Return one trial per fold and combination."""
    recipe, tune = plan.recipe, plan.recipe.tune
    assert tune is not None
    origin, goal = task.direction.source, task.direction.target
    depends = {
        **task.columns,
        "source": plan.sides[origin].uid(task.network),
        "target": plan.sides[goal].uid(task.network),
        "arms": [
            arm.spec if arm.weights is None else [arm.spec, fingerprint(arm.weights, task.network)]
            for arm in judges(plan)
        ],
        "network": plan.recipe_network(task.network),
        **recipe.plain("scale", "align", "train", "engine", "pretrain", "same_modality"),
        "inner": [tune.folds, tune.seed, recipe.seeds[0]],
        "judged": [recipe.compare.metric, recipe.compare.measure],
    }
    asked = [
        AskedTrial(
            {"fold": fold, "candidate": i, "values": json.dumps(values), "seed": recipe.seeds[0]},
            [plan.split(task.direction, task.network, task.protocol, fold).uid, values],
        )
        for fold in range(len(plan.splits[goal, task.protocol, task.network]))
        for i, values in enumerate(tune.candidates)
    ]
    return make_trials(CHOICES, depends, asked)


def _frame(plan: Plan, task: ChoiceTask, fold: int, values: Mapping[str, Any]) -> Plan:
    """Return the study that one combination makes of one outer fold's training rows."""
    recipe, tune, goal = plan.recipe, plan.recipe.tune, task.direction.target
    assert tune is not None
    outer = plan.split(task.direction, task.network, task.protocol, fold)
    windows = plan.sides[goal].windows(task.network)
    inner = inner_splits(windows, outer, folds=tune.folds, seed=tune.seed)
    inner = [replace(item, donors=outer.donors) for item in inner]
    tried = replace(
        recipe,
        tune=None,
        preregistration=None,
        directions=(task.direction,),
        network=tuple(item for item in recipe.network if item.name == task.network),
        split=tuple(rule for rule in recipe.split if rule.name == task.protocol),
        arms=tuple(judges(plan)),
        seeds=recipe.seeds[:1],
    )
    key = (goal, task.protocol, task.network)
    return replace(plan, recipe=tried.with_values(values), splits={key: inner}, labelled={(*key, ALL): inner})


def run(
    plan: Plan, task: ChoiceTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Train the judging arms with some combinations on inner folds, and take their validation."""
    trained: dict[Ref, Weights] = {}
    tables = []
    for position, trial in enumerate(wanted):
        frame = _frame(plan, task, trial.columns["fold"], json.loads(trial.columns["values"]))
        found = [
            _validate(frame, inner, trained, device)
            for inner in target.lay_out(frame)
            if inner.network == task.network
        ]
        table = pd.concat(found).groupby("arm", sort=False, as_index=False)["value"].mean()
        tables.append(table.assign(trial=position, people=len(found[0]) and sum(map(_n_people, found))))
    return Outcome({"choices": pd.concat(tables, ignore_index=True)})


def _n_people(table: pd.DataFrame) -> int:
    return int(table["subject"].nunique())


def _validate(frame: Plan, task: target.TargetTask, trained: dict[Ref, Weights], device: str) -> pd.DataFrame:
    """Return the compared measure of every arm and person of one inner fold; sources are trained once."""
    compared = frame.recipe.compare
    for name in frame.sources:
        own = source.source_task(frame, name, task.direction, task.network, task.protocol, task.fold)
        for trial in source.trials(frame, own):
            if trial.ref not in trained:
                trained[trial.ref] = source.run(frame, own, [trial], {}, device).weights[0]
    asked = target.trials(frame, task)
    curves = target.run(frame, task, asked, trained, device).tables["curves"]
    arms = [str(trial.columns["arm"]) for trial in asked]
    table = validated(curves, compared)
    return table.assign(arm=[arms[i] for i in table["trial"]])


def validated(curves: pd.DataFrame, compared: Compare) -> pd.DataFrame:
    """Return the compared measure of every trial and person: trial, subject, value.

    Parameters
    ----------
    curves : DataFrame
        Of trainings of one schedule on an inner fold, by trial.
    compared : Compare
        Metric and measure.
    """
    mine = curves[(curves["split_part"] == "test") & (curves["metric"] == compared.metric)]
    mine = mine.assign(subject=mine["subject"].astype(str))
    wide = mine.pivot(index=["trial", "subject"], columns="epoch", values="value")
    measured = curve_measures(wide.to_numpy(float), wide.columns.to_numpy(float))[compared.measure]
    return wide.index.to_frame(index=False).assign(value=measured)


CHOICES = Kind(
    "choices",
    "choices",
    "choices on inner folds",
    lay_out,
    trials,
    run,
    (*SOURCE.code, *TARGET.code, "evidence/metrics", "studies/running/tasks/choices"),
    (*SOURCE.libraries, *TARGET.libraries, "pandas"),
)
