"""How many trainings a study has and how long it takes, from a rehearsal of a small part of it."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from ...learning.weights import Weights
from .orders import Order, carry_out, portions
from .plan import OF_TARGET, Plan
from .tasks import CHOOSING, STAGES, Planned, Ref, SourceTask, TargetTask, lay_out, selection
from .tasks.nuisance import NuisanceTask

_STAGES = tuple(stage for stage in STAGES if stage not in CHOOSING)
_EPOCHS = (1, 3)
_FOLDS = 2
_START_SECONDS = 5.0
_END_SECONDS = 6.0
_SECONDS_PER_TRIAL = 2e-3


def count_trainings(plan: Plan) -> int:
    """Return the number of networks that are trained.

    Before a selection is made, every fold and way to select counts as a choice of its own: what comes out
    alike is trained once.
    """
    trained: set[tuple[Ref, tuple[str, ...]]] = set()
    waiting: set[Ref] = set()
    for entry in lay_out(plan):
        task = entry.task
        if not isinstance(task, (SourceTask, TargetTask)):
            continue
        frame = plan.of(entry.variant)
        chosen = "selection" in frame.found or not selection.asks(frame)
        choice = () if chosen else (str(frame.recipe.plain("select")), task.label)
        for trial in entry.trials:
            if isinstance(task, SourceTask):
                waits = bool(choice) and not frame.sources[task.name].of_target
                waiting |= {trial.ref} if waits else set()
            else:
                waits = not waiting.isdisjoint(trial.needs.values())
            trained.add((trial.ref, choice if waits else ()))
    return len(trained)


def estimate_seconds(plan: Plan, workers: int = 1) -> float:
    """Return the seconds that a study takes from prepared data to its report.

    Parameters
    ----------
    plan : Plan
        The study. What its choices (search, selection, values for all arms) take is not known before, and not
        counted; a schedule chosen for every arm is, by what its trainings on the target take.
    workers : int
        Processes.

    Notes
    -----
    Of every kind of task, direction and network one portion is carried out, for one epoch and for three; the
    difference, the numbers of windows and epochs and the number of trials give all others. All are carried
    out once before, untimed: libraries are loaded then, and the kernel may have to be compiled. What goes
    over all folds by itself does two of them. What is found is thrown away.
    """
    shorter = [_with_epochs(plan, n) for n in _EPOCHS]
    laid_out = [portions(lay_out(p, _STAGES)) for p in shorter]
    whole = portions(lay_out(plan, _STAGES))
    groups: dict[Any, list[int]] = {}
    for i, entry in enumerate(whole):
        groups.setdefault(_group(plan, entry), []).append(i)
    known: dict[Ref, Weights] = {}
    for members in groups.values():
        _rehearse(shorter[0], laid_out[0][members[0]], laid_out[0], known)
    total = 0.0
    for members in groups.values():
        first = members[0]
        once, slope = _rehearse(shorter[0], laid_out[0][first], laid_out[0], known), 0.0
        if isinstance(whole[first].task, (SourceTask, TargetTask)):
            longer = _as_if(laid_out[1][first], laid_out[0][first], known)
            more = _carry_out(shorter[1], laid_out[1][first], longer) - once
            slope = max(more, 0.0) / (_EPOCHS[1] - _EPOCHS[0])
            once = max(once - _EPOCHS[0] * slope, 0.0)
        for i in members:
            share = (
                (1 + _tuning(plan, whole[i]))
                * len(whole[i].trials)
                / max(len(whole[first].trials), 1)
                * _folds_left_out(plan, whole[i])
            )
            rows = _rows(plan, whole[i]) / _rows(plan, whole[first])
            total += share * (once + slope * rows * _epochs(plan, whole[i]))
    n_trials = sum(len(entry.trials) for entry in whole)
    start = _START_SECONDS if workers > 1 else 0.0
    return total / workers + start + _END_SECONDS + _SECONDS_PER_TRIAL * n_trials


def _with_epochs(plan: Plan, epochs: int) -> Plan:
    recipe, budget = plan.recipe, plan.recipe.budget
    budget = budget if budget.epochs is None else replace(budget, epochs=epochs)
    return replace(plan, recipe=replace(recipe, train=replace(recipe.train, epochs=epochs), budget=budget))


def _group(plan: Plan, entry: Planned) -> tuple[Any, ...]:
    """Return what portions of about equal cost per window, epoch and trial have in common."""
    task = entry.task
    method = (
        plan.of(entry.variant).sources[task.name].method["name"] if isinstance(task, SourceTask) else None
    )
    names = ("direction", "network", "target")
    return (entry.kind.name, entry.variant, method, *(getattr(task, name, None) for name in names))


def _tuning(plan: Plan, entry: Planned) -> float:
    """Return how much the choice of a schedule for every arm adds to a portion of trainings on the target."""
    tune, task = plan.of(entry.variant).recipe.tune, entry.task
    if tune is None or not tune.by_arm or not isinstance(task, TargetTask) or not plan.recipe.seeds:
        return 0.0
    usual = plan.schedule(task.budget)
    epochs = [plan.changed_schedule(task.budget, values).epochs for values in tune.candidates]
    return tune.seeds / len(plan.recipe.seeds) * (tune.folds - 1) * sum(epochs) / usual.epochs


def _few_folds(plan: Plan, entry: Planned) -> Plan:
    """Return the frame in which a task that goes over all folds by itself has few of them."""
    if not isinstance(entry.task, NuisanceTask):
        return plan
    return replace(plan, splits={key: folds[:_FOLDS] for key, folds in plan.splits.items()})


def _folds_left_out(plan: Plan, entry: Planned) -> float:
    """Return how often the few folds of :func:`_few_folds` go into all of them."""
    if not isinstance(entry.task, NuisanceTask):
        return 1.0
    network = plan.recipe.network[0].name
    return max(len(plan.splits[entry.task.target, entry.task.protocol, network]) / _FOLDS, 1.0)


def _as_if(entry: Planned, like: Planned, known: Mapping[Ref, Weights]) -> dict[Ref, Weights]:
    """Return weights for ``entry``: those of the trials that stand in the same place of ``like``."""
    return {
        ref: known[other.needs[name]]
        for trial, other in zip(entry.trials, like.trials, strict=True)
        for name, ref in trial.needs.items()
    }


def _epochs(plan: Plan, entry: Planned) -> int:
    budget = getattr(entry.task, "budget", None)
    schedule = plan.schedule(budget) if budget else plan.recipe.train
    return schedule.epochs if isinstance(entry.task, (SourceTask, TargetTask)) else 0


def _rows(plan: Plan, entry: Planned) -> int:
    """Return how many windows a portion trains on."""
    task, frame = entry.task, plan.of(entry.variant)
    if isinstance(task, TargetTask):
        split = frame.split(task.direction, task.network, task.protocol, task.fold, task.budget)
        return max(len(split.train), 1)
    if isinstance(task, SourceTask):
        source, target = task.direction.source, task.direction.target
        own = f"same_modality {target}"
        pool = (own if own in frame.sides else target) if task.kind in OF_TARGET else source
        return len(frame.sides[pool].signals)
    return 1


def _rehearse(plan: Plan, entry: Planned, all_entries: list[Planned], known: dict[Ref, Weights]) -> float:
    """Carry out one portion, after those whose weights it starts from; return its seconds."""
    needed = {ref for trial in entry.trials for ref in trial.needs.values()}
    for other in all_entries:
        mine = [trial for trial in other.trials if trial.ref in needed and trial.ref not in known]
        if mine:
            _carry_out(plan, replace(other, trials=mine), known)
    return _carry_out(plan, entry, known)


def _carry_out(plan: Plan, entry: Planned, known: dict[Ref, Weights]) -> float:
    weights = {ref: known[ref] for trial in entry.trials for ref in trial.needs.values()}
    clock = time.perf_counter()
    order = Order(entry.kind, entry.task, entry.trials, weights, entry.variant)
    _, outcome = carry_out(_few_folds(plan, entry), order, "cpu")
    seconds = time.perf_counter() - clock
    known.update({entry.trials[i].ref: value for i, value in outcome.weights.items()})
    return seconds
