"""The topology of a network, found by validation inside training rows; a trial is one search."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ....learning.weights import Weights
from ....results import Direction
from ....signals.splits import Split, inner_splits
from ....signals.windows import Windows
from ....transfer.pretrain.held_out import hold_out_people
from ...topologies import Search, choose, on_front, read_space, run_search
from ..plan import Plan
from .fold import FOLD_LIBRARIES, LEARNING_CODE, LEARNING_LIBRARIES
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials

_JOURNAL = "candidates.json"


@dataclass(frozen=True)
class SearchTask:
    """Search the topology of one network for one direction.

    ``fold`` is None unless the search depends on the fold of the target: it runs on the target's training
    rows, on people whom the fold keeps aside, or behind an alignment that looks at the target.
    """

    direction: Direction
    network: str
    protocol: str | None = None
    fold: int | None = None

    @property
    def label(self) -> str:
        """File-name safe and unique within a study."""
        parts = [self.direction.slug, self.network, "search"]
        if self.fold is not None:
            parts += [str(self.protocol), f"fold{self.fold}"]
        return "_".join(parts)

    @property
    def columns(self) -> dict[str, Any]:
        """What tells it from other tasks in the tables."""
        return {
            "direction": str(self.direction),
            "network": self.network,
            "protocol": self.protocol or "",
            "fold": -1 if self.fold is None else self.fold,
        }


def lay_out(plan: Plan) -> list[SearchTask]:
    """Return every search that the recipe asks for, each once."""
    tasks: dict[SearchTask, None] = {}
    for direction in plan.recipe.directions:
        for name in (spec.name for spec in plan.recipe.network if plan.recipe.searches(spec.name)):
            for rule in plan.recipe.split:
                key = (direction.target, rule.name, name)
                for fold in range(len(plan.splits[key])):
                    task = SearchTask(direction, name, rule.name, fold)
                    tasks[task if plan.searched_by_fold(direction) else SearchTask(direction, name)] = None
    return list(tasks)


def trials(plan: Plan, task: SearchTask) -> list[Trial]:
    """Return the one search."""
    recipe, search = plan.recipe, _asked(plan)
    source, target = task.direction.source, task.direction.target
    depends: dict[str, Any] = {
        **task.columns,
        "search": {k: v for k, v in search.plain().items() if k not in ("networks", "space")},
        "space": search.space.get(task.network),
        "network": plan.recipe_network(task.network),
        **recipe.plain("scale", "align", "train", "engine"),
        "held_out": recipe.pretrain.held_out,
        "source": plan.sides[source].uid(task.network),
        "target": list(plan.sides[target].windows(task.network).names),
    }
    if task.fold is not None:
        depends["split"] = plan.split(task.direction, task.network, task.protocol, task.fold).uid
        depends["target"] = plan.sides[target].uid(task.network)
    return make_trials(SEARCH, depends, [AskedTrial({}, None)])


def _asked(plan: Plan) -> Search:
    search = plan.recipe.search
    assert search is not None
    return search


def _inner_folds(plan: Plan, task: SearchTask) -> list[tuple[Windows, Split]]:
    """Return the windows searched on, aligned anew by the training rows of every inner fold."""
    recipe, search = plan.recipe, _asked(plan)
    source_name, target_name = task.direction.source, task.direction.target
    source = plan.strangers(source_name, plan.sides[source_name].windows(task.network), task)
    target = plan.sides[target_name].windows(task.network)
    source_rows = hold_out_people(source, recipe.pretrain.held_out).train
    outer = plan.split(task.direction, task.network, task.protocol, task.fold)
    folds = []
    if search.side == "source":
        own = Split("source", "subject", source_rows, np.empty(0, dtype=np.int64))
        for inner in inner_splits(source, own, folds=search.folds, seed=search.seed):
            alignment = plan.align(source.take(inner.train), target.take(outer.fit_rows))
            folds.append((alignment.source.apply(source), inner))
    else:
        for inner in inner_splits(target, outer, folds=search.folds, seed=search.seed):
            alignment = plan.align(source.take(source_rows), target.take(inner.train))
            folds.append((alignment.target.apply(target), inner))
    return folds


def run(
    plan: Plan, task: SearchTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Search, and say which topology every arm of the direction gets."""
    from ...topologies.evaluation import evaluate_topology

    recipe, search = plan.recipe, _asked(plan)
    folds, base = _inner_folds(plan, task), plan.recipe_network(task.network)
    schedule, seeds = recipe.train, list(range(search.inits))
    found = run_search(
        lambda spec: evaluate_topology(
            spec, base, folds, schedule, seeds, engine=recipe.engine, device=device
        ),
        read_space(task.network, search.space.get(task.network)),
        generations=search.generations,
        population=search.population,
        seed=search.seed,
        journal=plan.scratch and plan.scratch / wanted[0].ref.task / _JOURNAL,
    )
    chosen = choose(found, search.choose)
    table = pd.DataFrame(
        {
            "trial": 0,
            "candidate": range(len(found)),
            "topology": [json.dumps(dict(c.parameters_of)) for c in found],
            "error": [c.error for c in found],
            "standard_error": [c.standard_error for c in found],
            "parameters": [c.parameters for c in found],
            "operations": [c.operations for c in found],
            "front": on_front(found),
            "chosen": [c is chosen for c in found],
        }
    )
    return Outcome({"search": table})


SEARCH = Kind(
    "search",
    "choices",
    "topology searches",
    lay_out,
    trials,
    run,
    (
        *LEARNING_CODE,
        "evidence/metrics",
        "signals/splits",
        "signals/windows/container",
        "studies/running/tasks/topologies",
        "studies/topologies",
        "transfer/align",
        "transfer/carry",
        "transfer/pretrain/held_out",
    ),
    (*FOLD_LIBRARIES, *LEARNING_LIBRARIES, "optuna"),
)
