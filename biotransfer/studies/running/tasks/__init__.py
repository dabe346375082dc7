"""What a study is made of: one file per kind of task, and the registry of kinds.

How to add a kind of task (a baseline, a score, an analysis of trained networks, a search):

1. One file here with a frozen dataclass for the task (``label``, ``columns``), a function ``lay_out(plan)``
   that returns the tasks (none where the recipe does not ask for them), a function ``trials(plan, task)``
   that names by :func:`make_trials` what every number depends on, a function ``run(plan, task, trials,
   weights, device) -> Outcome``, and a ``Kind`` that holds them and names code and libraries that compute.
2. One line in ``KINDS`` below.
3. One line per new table in ``results.TABLES``.

Caching, resuming, workers, clusters and collecting into ``Results`` (``Results.extras`` for new tables)
follow. A trial is run once for ever: whatever ``run`` reads must be in the depends of the task or the trial,
and nothing else may be, or work is done twice. Code that ``run`` reaches and the kind does not name is found
by a test. Weights of another trial are asked for by ``Trial.needs``; a trial whose weights somebody needs
must return them in ``Outcome.weights``.
"""

from __future__ import annotations

from dataclasses import replace
from weakref import WeakKeyDictionary

from ..plan import Plan
from . import arm_choices, target
from .arm_choices import ARM_CHOICES
from .changes import CHANGES
from .choices import CHOICES
from .nuisance import NUISANCE
from .scores import SCORES
from .selection import SELECTION, SelectionTask
from .shallow import SHALLOW
from .source import SOURCE, SourceTask
from .target import TARGET, TargetTask
from .task import CHOOSING, STAGES, AskedTrial, Kind, Outcome, Planned, Ref, Task, Trial, make_trials
from .topologies import SEARCH

__all__ = [
    "CHOOSING", "KINDS", "STAGES", "Kind", "Outcome", "Planned", "Ref", "SelectionTask", "SourceTask",
    "TargetTask", "Task", "Trial",
    "AskedTrial", "lay_out", "make_trials", "rehearse",
]  # fmt: skip

KINDS: tuple[Kind, ...] = (
    SEARCH,
    CHOICES,
    SELECTION,
    SOURCE,
    ARM_CHOICES,
    TARGET,
    SHALLOW,
    NUISANCE,
    SCORES,
    CHANGES,
)


def rehearse(plan: Plan) -> None:
    """Do all but training for the first fold of every direction, network and rule, least and most labels.

    Raises
    ------
    BiotransferError
        As the study itself would.
    """
    for variant in plan.recipe.variants:
        frame = plan.of(variant)
        target.rehearse(frame)
        arm_choices.rehearse(frame)


_laid_out: WeakKeyDictionary[Plan, dict[str, list[Planned]]] = WeakKeyDictionary()


def lay_out(plan: Plan, stages: tuple[str, ...] = STAGES) -> list[Planned]:
    """Return every task of some stages with its trials, variant by variant, in the order of the tables.

    A plan never changes: what was laid out of it is remembered as long as it is there.
    """
    known = _laid_out.setdefault(plan, {})
    for stage in stages:
        if stage not in known:
            known[stage] = _lay_out_stage(plan, stage)
    return [entry for stage in stages for entry in known[stage]]


def _lay_out_stage(plan: Plan, stage: str) -> list[Planned]:
    planned = []
    for variant in plan.recipe.variants:
        frame = plan.of(variant)
        for kind in (kind for kind in KINDS if kind.stage == stage):
            for task in kind.lay_out(frame):
                if variant and "network" not in task.columns:
                    continue
                trials = [_named(trial, variant) for trial in kind.trials(frame, task)]
                planned.append(Planned(kind, task, trials, variant))
    return planned


def _named(trial: Trial, variant: str) -> Trial:
    """Return a trial whose weights have a file name of their own."""
    if not variant or not trial.weights_name:
        return trial
    return replace(trial, weights_name=f"{variant.replace(' ', '-')}_{trial.weights_name}")
