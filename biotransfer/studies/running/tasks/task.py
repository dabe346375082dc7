"""The protocol of a kind of task: what it lays out, what its numbers depend on, and how it runs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import pandas as pd

from ....learning.weights import Weights
from ...recipe import digest
from ..code import code_uid
from ..methods import method_sources

if TYPE_CHECKING:
    from ..plan import Plan

STAGES = ("choices", "sources", "tuning", "targets", "analyses")
CHOOSING = ("choices", "tuning")
"""Stages whose tables the stages behind them are laid out by."""


class Ref(NamedTuple):
    """Address of a trial: hashes of everything its task's numbers, and its own, depend on."""

    task: str
    trial: str


@dataclass(frozen=True)
class Trial:
    """One training, or whatever a kind of task counts singly.

    Parameters
    ----------
    ref : Ref
        Where its outcome is found.
    columns : mapping
        What tells it from the other trials of its task in the tables, such as arm and seed.
    needs : mapping of str to Ref
        Trials whose weights it starts from, by what they are to it.
    weights_name : str
        File name (without suffix) of its weights in the study folder; "" when it leaves none there.
    keeps_weights : bool
        Whether its weights are stored for a trial that needs them, beyond those with a file name.
    """

    ref: Ref
    columns: Mapping[str, Any]
    needs: Mapping[str, Ref] = field(default_factory=dict)
    weights_name: str = ""
    keeps_weights: bool = False


class Task(Protocol):
    """Trials that run together: a frozen dataclass that can be compared and hashed."""

    @property
    def label(self) -> str:
        """File-name safe and unique among the tasks of its kind."""

    @property
    def columns(self) -> dict[str, Any]:
        """What tells it from other tasks in the tables, such as direction and network."""


@dataclass(frozen=True, eq=False)
class Outcome:
    """What a task found.

    Parameters
    ----------
    tables : mapping of str to DataFrame
        Tables of ``results.TABLES``. Their column ``trial`` is a position in the list of trials that were
        run; columns of task and trial (direction, arm, seed, ...) are left out and added when collected.
    weights : mapping of int to Weights
        By position in the list of trials.
    """

    tables: Mapping[str, pd.DataFrame]
    weights: Mapping[int, Weights] = field(default_factory=dict)


@dataclass(frozen=True, eq=False)
class Kind:
    """A kind of task.

    Parameters
    ----------
    name : str
        Shown with the progress.
    stage : str
        One of ``STAGES``: they run in this order, and a stage is laid out when all choices before it are
        made.
    summary : str
        What it does, for the progress.
    lay_out : callable
        ``(plan) -> list of Task``, in the order of the tables.
    trials : callable
        ``(plan, task) -> list of Trial``, see :func:`make_trials`; it must not need the signals themselves.
    run : callable
        ``(plan, task, trials, weights, device) -> Outcome``: carry out some trials of a task, in any process;
        ``weights`` maps every Ref that the trials need to its Weights.
    code : tuple of str
        Rooms of this package whose code the numbers of ``run`` depend on, such as "learning" or
        "signals/windows/container": part of every trial's address. What made the data is not named, since
        their content is in the address; nor are recipe, plan, store and the like, which compute nothing.
    libraries : tuple of str
        Distributions that compute these numbers; their versions are part of the address, too.
    """

    name: str
    stage: str
    summary: str
    lay_out: Callable[[Plan], list[Any]]
    trials: Callable[[Plan, Any], list[Trial]]
    run: Callable[[Plan, Any, Sequence[Trial], Mapping[Ref, Weights], str], Outcome]
    code: tuple[str, ...]
    libraries: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Planned:
    """A task with its kind, all its trials, and the variant of the recipe that it belongs to."""

    kind: Kind
    task: Task
    trials: list[Trial]
    variant: str = ""

    @property
    def columns(self) -> dict[str, Any]:
        """What tells the task from others in the tables; the variant stands beside the network."""
        columns: dict[str, Any] = {}
        for name, value in self.task.columns.items():
            columns |= {name: value, "variant": self.variant} if name == "network" else {name: value}
        return columns


class AskedTrial(NamedTuple):
    """What :func:`make_trials` needs to know of one trial; ``depends`` as for the task, beyond the task's."""

    columns: Mapping[str, Any]
    depends: Any
    needs: Mapping[str, Ref] = {}
    weights_name: str = ""
    keeps_weights: bool = False


def make_trials(kind: Kind, depends: Any, trials: Sequence[AskedTrial]) -> list[Trial]:
    """Address trials by what their numbers depend on.

    Parameters
    ----------
    kind : Kind
        Of the task; what it names as code and libraries is added.
    depends : JSON value
        **Everything, and nothing else,** that the numbers of all trials of the task depend on: recipe keys,
        uids of data and splits. The version of biotransfer and the source of registered methods are added.
    trials : sequence of AskedTrial
        What each trial's numbers depend on beyond that; what it needs counts by itself.
    """
    from .... import __version__

    methods = method_sources(depends, [trial.depends for trial in trials])
    task = digest([__version__, kind.name, code_uid(kind.code, kind.libraries), depends, methods])
    return [
        Trial(
            Ref(task, digest([t.depends, {name: list(ref) for name, ref in t.needs.items()}])),
            dict(t.columns),
            dict(t.needs),
            t.weights_name,
            t.keeps_weights,
        )
        for t in trials
    ]
