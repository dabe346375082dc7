"""Trials that are carried out together, and how they are."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from ...learning.weights import Weights
from .plan import Plan
from .tasks import Kind, Outcome, Planned, Ref, Trial

_TRIALS = 40


@dataclass(frozen=True, eq=False)
class Order:
    """Trials of one task to carry out together, with the weights that they start from."""

    kind: Kind
    task: Any
    trials: Sequence[Trial]
    weights: Mapping[Ref, Weights]
    variant: str = ""


def carry_out(plan: Plan, order: Order, device: str) -> tuple[Sequence[Trial], Outcome]:
    """Carry out an order with one thread, so that results do not depend on the number of workers."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        frame = plan.of(order.variant)
        return order.trials, order.kind.run(frame, order.task, order.trials, order.weights, device)


def portions(planned: Sequence[Planned]) -> list[Planned]:
    """Divide tasks into portions of about 40 trials, whole seeds each, so that workers end together.

    Which trials run together does not depend on the number of workers, nor on what is there already.
    """
    out = []
    for entry in planned:
        seeds: dict[Any, list[Trial]] = {}
        for trial in entry.trials:
            seeds.setdefault(trial.columns.get("seed"), []).append(trial)
        portion: list[Trial] = []
        for trials in seeds.values():
            if portion and len(portion) + len(trials) > _TRIALS:
                out.append(replace(entry, trials=portion))
                portion = []
            portion = [*portion, *trials]
        out.append(replace(entry, trials=portion))
    return out


def work(plan: Plan, order: Order) -> float:
    """Return a number that grows with the time an order takes: the longest are begun first."""
    task = order.task
    rows = 1
    if hasattr(task, "direction") and hasattr(task, "network"):
        frame = plan.of(order.variant)
        by_fold = getattr(task, "fold", None) is not None
        rows = len(frame.sides[task.direction.target if by_fold else task.direction.source].signals)
    return float(len(order.trials) * rows)
