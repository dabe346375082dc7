"""One fold of a target as its trainings and their analyses see it: aligned windows and the networks."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

import numpy as np

from ....evidence.checks.fitted import refuse_test_rows, rows_fitted
from ....learning.networks import Network, build_network
from ....results import Direction
from ....signals.splits import ALL, Split
from ....signals.windows import Windows
from ....transfer.align import ALIGN, Alignment
from ....transfer.pretrain.held_out import hold_out_people
from ..plan import Plan

FOLD_CODE = (
    "evidence/checks/fitted",
    "signals/splits",
    "signals/windows/container",
    "studies/running/tasks/fold",
    "transfer/align",
    "transfer/pretrain/held_out",
)
FOLD_LIBRARIES = ("numpy", "POT", "pyriemann", "scikit-learn", "scipy")
"""What makes a fold: for :class:`.Kind`."""
LEARNING_CODE = ("edges", "learning")
LEARNING_LIBRARIES = ("braindecode", "llvmlite", "numba", "torch")
"""What trains and runs a network, beyond that."""


@dataclass(frozen=True)
class FoldTask:
    """A task on one fold of a direction's target, with one budget of labels."""

    direction: Direction
    network: str
    protocol: str
    fold: int
    split_name: str
    budget: str = ALL

    @property
    def label(self) -> str:
        """File-name safe and unique among the tasks of its kind."""
        where = f"{self.direction.slug}_{self.network}_{self.protocol}_fold{self.fold}"
        return where if self.budget == ALL else f"{where}_budget{self.budget}"

    @property
    def columns(self) -> dict[str, Any]:
        """What tells it from other tasks in the tables."""
        return {
            "direction": str(self.direction),
            "network": self.network,
            "protocol": self.protocol,
            "budget": self.budget,
            "split": self.split_name,
        }


TaskType = TypeVar("TaskType", bound=FoldTask)


def every_fold(plan: Plan, kind: type[TaskType], budgets: Sequence[str]) -> list[TaskType]:
    """Return a task for every fold of every direction, network, rule and budget."""
    return [
        kind(direction, spec.name, rule.name, fold, split.name, budget)
        for direction in plan.recipe.directions
        for spec in plan.recipe.network
        for rule in plan.recipe.split
        for budget in budgets
        for fold, split in enumerate(plan.splits[direction.target, rule.name, spec.name])
    ]


@dataclass(frozen=True, eq=False)
class Fold:
    """Everything that is fitted on the training rows of one fold.

    Parameters
    ----------
    split : Split
        Rows of the target.
    alignment : Alignment
        Fitted on training rows of both sides.
    windows, unaligned : Windows
        The target's, aligned and as they were.
    source_train : Windows
        Training rows of the source, not yet aligned.
    spec : dict
        The network's.
    fitted : dict of str to int
        On how many rows was fitted, and how many of them are outside the training side.
    """

    split: Split
    alignment: Alignment
    windows: Windows
    unaligned: Windows
    source_train: Windows
    spec: dict[str, Any]
    fitted: dict[str, int]

    @property
    def source(self) -> Windows:
        """The source's training rows, aligned."""
        return self.alignment.source.apply(self.source_train)


def target_network(fold: Fold) -> Network:
    """Build the target's network."""
    return _build(fold, fold.windows)


def source_network(fold: Fold) -> Network:
    """Build the source's network."""
    return _build(fold, fold.alignment.source.apply(fold.source_train.take(np.arange(1))))


def _build(fold: Fold, windows: Windows) -> Network:
    return build_network(fold.spec, windows.shape, len(windows.classes), sfreq=windows.sfreq)


def make_fold(plan: Plan, task: FoldTask, y: np.ndarray | None = None) -> Fold:
    """Align the windows of one fold by the training side, labelled or not; refuse a fit on other rows.

    Parameters
    ----------
    plan : Plan
        The study.
    task : FoldTask
        Which fold.
    y : ndarray, shape (n_windows,), int64, optional
        Labels in place of the target's own, for a null.
    """
    plan = plan.tuned(task)
    recipe = plan.recipe
    source, target = task.direction.source, task.direction.target
    windows = plan.sides[target].windows(task.network)
    windows = windows if y is None else replace(windows, y=y)
    split = plan.split(task.direction, task.network, task.protocol, task.fold, task.budget)
    pool = plan.strangers(source, plan.sides[source].windows(task.network), task)
    train = pool.take(hold_out_people(pool, recipe.pretrain.held_out).train)
    alignment = plan.align(train, windows.take(split.fit_rows))
    fitted = rows_fitted(alignment, windows, split)
    refuse_test_rows(fitted, split, recipe.accept.get("fitted_on_test_rows", ""))
    aligned = alignment.target.apply(windows)
    return Fold(split, alignment, aligned, windows, train, plan.network_spec(task), fitted)


def fold_depends(plan: Plan, task: FoldTask) -> dict[str, Any]:
    """Return what the numbers of every trial on a fold depend on, beyond the weights it starts from."""
    plan = plan.tuned(task)
    recipe = plan.recipe
    source, target = plan.sides[task.direction.source], plan.sides[task.direction.target]
    joint = ALIGN[recipe.align.name].facts["joint"]
    return {
        **task.columns,
        "windows": target.uid(task.network),
        "split": plan.split(task.direction, task.network, task.protocol, task.fold, task.budget).uid,
        "network": plan.network_spec(task),
        **recipe.plain("scale", "align"),
        "source": [source.uid(task.network), recipe.pretrain.held_out]
        if joint
        else list(source.windows(task.network).names),
    }
