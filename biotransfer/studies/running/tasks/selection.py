"""Whom to learn from: one task per direction and network, or per fold where the target is looked at."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from ....learning.weights import Weights
from ....results import Direction
from ....signals.windows import Windows
from ....transfer.align import ALIGN
from ....transfer.pretrain import METHODS
from ....transfer.pretrain.held_out import hold_out_people
from ....transfer.select import SELECT, Selection, SelectProblem, select_source
from ....transfer.select.problem import COLUMNS, read_selection
from ..plan import Plan
from .fold import FOLD_LIBRARIES, LEARNING_CODE, LEARNING_LIBRARIES
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials


@dataclass(frozen=True)
class SelectionTask:
    """Choose people and classes of a source for one direction and network.

    ``fold`` is None unless the choice looks at the target's training rows, or is among people whom the fold
    keeps aside. Where a topology is searched, choices are tried with the one that the recipe names.
    """

    direction: Direction
    network: str
    protocol: str | None = None
    fold: int | None = None
    split_name: str = ""

    @property
    def label(self) -> str:
        """File-name safe and unique within a study."""
        parts = [self.direction.slug, self.network]
        return "_".join(parts if self.fold is None else [*parts, str(self.protocol), f"fold{self.fold}"])

    @property
    def columns(self) -> dict[str, Any]:
        """What tells it from other tasks in the tables."""
        return {
            "direction": str(self.direction),
            "network": self.network,
            "protocol": self.protocol or "",
            "split": self.split_name,
        }


def asks(plan: Plan) -> bool:
    """Whether there is a choice to make: a selection other than all, and an arm with a source."""
    mine = any(not source.of_target for source in plan.sources.values())
    return mine and plan.recipe.select.name != "all"


def looks_at_target(plan: Plan, direction: Direction) -> bool:
    """Whether the choice depends on the fold of the target."""
    own = direction.source == direction.target
    joint = own or ALIGN[plan.recipe.align.name].facts["joint"]
    return asks(plan) and bool(joint or SELECT[plan.recipe.select.name].facts["joint"])


def selection_task(plan: Plan, direction: Direction, network: str, protocol: str, fold: int) -> SelectionTask:
    """Return the task whose choice holds for one fold of a target."""
    if not looks_at_target(plan, direction):
        return SelectionTask(direction, network)
    name = plan.split(direction, network, protocol, fold).name
    return SelectionTask(direction, network, protocol, fold, name)


def chosen(plan: Plan, direction: Direction, network: str, protocol: str, fold: int) -> Selection | None:
    """Return what was chosen for one fold of a target; None when everything is, or nothing was chosen yet."""
    table = plan.found.get("selection")
    if table is None or not asks(plan):
        return None
    columns = selection_task(plan, direction, network, protocol, fold).columns
    return read_selection(table[(table[list(columns)] == list(columns.values())).all(axis=1)])


def lay_out(plan: Plan) -> list[SelectionTask]:
    """Return one task, or one per fold of the target; none when everything is chosen."""
    tasks: dict[SelectionTask, None] = {}
    for direction in plan.recipe.directions if asks(plan) else []:
        for spec in plan.recipe.network:
            for rule in plan.recipe.split:
                for fold in range(len(plan.splits[direction.target, rule.name, spec.name])):
                    tasks[selection_task(plan, direction, spec.name, rule.name, fold)] = None
    return list(tasks)


def trials(plan: Plan, task: SelectionTask) -> list[Trial]:
    """Return the one trial of a task."""
    recipe = plan.recipe
    source, target = plan.sides[task.direction.source], plan.sides[task.direction.target]
    depends: dict[str, Any] = {
        **task.columns,
        "windows": source.uid(task.network),
        "network": plan.recipe_network(task.network),
        **recipe.plain("scale", "align", "select", "train", "engine"),
        "pretrain": recipe.pretrain,
        "seed": recipe.seeds[0],
        "target": list(target.windows(task.network).names),
    }
    if task.fold is not None:
        depends["split"] = plan.split(task.direction, task.network, task.protocol, task.fold).uid
        depends["target"] = target.uid(task.network)
    return make_trials(SELECTION, depends, [AskedTrial({}, None)])


def _problem(plan: Plan, task: SelectionTask, device: str) -> SelectProblem:
    """Align both sides by training rows, and say how a choice can be tried."""
    from ....transfer.select.inner import inner_gains

    recipe = plan.recipe
    source_name = task.direction.source
    sides: list[Windows] = [
        plan.strangers(source_name, plan.sides[source_name].windows(task.network), task),
        plan.sides[task.direction.target].windows(task.network),
    ]
    held_out = hold_out_people(sides[0], recipe.pretrain.held_out)
    split = plan.split(task.direction, task.network, task.protocol, task.fold)
    alignment = plan.align(sides[0].take(held_out.train), sides[1].take(split.train))
    source, target = alignment.source.apply(sides[0]), alignment.target.apply(sides[1])
    method = recipe.pretrain.method
    trains = SELECT[recipe.select.name].facts["trains"]
    gains = None
    if trains:
        gains = inner_gains(
            source,
            held_out,
            target,
            split,
            plan.recipe_network(task.network),
            seed=recipe.seeds[0],
            schedule=recipe.train,
            method=method,
            engine=recipe.engine,
            device=device,
        )
    return SelectProblem(
        source.take(held_out.train),
        target.take(split.train),
        gains,
        int(METHODS[method["name"]].facts["people"]),
    )


def rehearse(plan: Plan) -> None:
    """Refuse a selection that cannot be made, before anything trains.

    Raises
    ------
    BiotransferError
        With the reason.
    """
    for task in lay_out(plan):
        if not task.fold:
            untrained = replace(_problem(plan, task, "cpu"), gains=lambda groups: np.zeros((len(groups), 2)))
            select_source(untrained, plan.recipe.select)


def run(
    plan: Plan, task: SelectionTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Choose, by training rows of both sides only."""
    selection = select_source(_problem(plan, task, device), plan.recipe.select)
    return Outcome({"selection": selection.table[list(COLUMNS)].assign(trial=0)})


SELECTION = Kind(
    "selection",
    "choices",
    "choice of source people",
    lay_out,
    trials,
    run,
    (
        *LEARNING_CODE,
        "signals/mains",
        "signals/preprocessing",
        "signals/simulate",
        "signals/spectra",
        "signals/splits",
        "signals/windows/container",
        "studies/running/tasks/selection",
        "transfer",
    ),
    (*FOLD_LIBRARIES, *LEARNING_LIBRARIES, "mne", "mne-icalabel"),
)
