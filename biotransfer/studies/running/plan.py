"""The frame that every task of a study stands in: recipe, data and splits."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple, Protocol

import numpy as np

from ...errors import BiotransferError, check
from ...learning.training import Schedule
from ...results import Direction
from ...signals.splits import ALL, Split
from ...signals.windows import Windows
from ...transfer.align import ALIGN, Alignment, fit_alignment, fit_donors
from ...transfer.pretrain import METHODS, SOURCES, method_label, why_not
from ...transfer.pretrain.drawing import draw_people
from ...transfer.pretrain.held_out import hold_out_people
from ..recipe import Recipe
from ..recipe.tuning import best_candidate
from .data import Side, data_sections
from .donors import make_folds
from .registering import refuse_excluded

OF_TARGET = ("own_donors", "same_modality")
"""Kinds of source that are the target's own kind of data."""


class OfFold(Protocol):
    """A task that belongs to a direction and a network, and perhaps to one fold."""

    @property
    def direction(self) -> Direction:
        """From which data to which."""

    @property
    def network(self) -> str:
        """Its name."""

    @property
    def protocol(self) -> str | None:
        """The split rule."""

    @property
    def fold(self) -> int | None:
        """Position among the rule's splits."""


class OfBudget(OfFold, Protocol):
    """A task that belongs to one budget of labels of a fold, too."""

    @property
    def budget(self) -> str:
        """Its name."""


class Source(NamedTuple):
    """What a source network is trained on (of ``SOURCES``, own_donors or same_modality), and how."""

    kind: str
    method: Mapping[str, Any]

    @property
    def of_target(self) -> bool:
        """Whether it is trained on the target's own kind of data, whatever the direction's source."""
        return self.kind in OF_TARGET

    @property
    def joint(self) -> bool:
        """Whether the method learns from the target's training rows."""
        return bool(METHODS[self.method["name"]].facts["joint"])

    @property
    def label(self) -> str:
        """The method's name, with the parameters that are not its defaults."""
        entry, parameters = METHODS.resolve(self.method)
        return method_label(entry, parameters)


@dataclass(frozen=True, eq=False)
class Plan:
    """What a study's tasks are made from.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    sides : mapping
        "eeg", "emg" or names of ``sets``; "same_modality NAME" for other data of a target's modality.
    splits : mapping
        Splits by (target, protocol, network), with every label.
    labelled : mapping
        Splits by (target, protocol, network, budget): the same folds, with the labels that a budget leaves;
        tasks train on these.
    without : mapping
        Why nobody is kept aside as own donors, by (target, protocol, network); "" where somebody is.
    finds : mapping of str to mapping of str to DataFrame
        By variant, the tables of the stages that choose, once they are made.
    variant : str
        Which way to transfer of ``recipe.variants`` this is the frame of.
    scratch : Path, optional
        The study's trials: there, by its address, a long task keeps what it continues from when stopped.
    """

    recipe: Recipe
    sides: Mapping[str, Side]
    splits: Mapping[tuple[str, str, str], list[Split]]
    labelled: Mapping[tuple[str, str, str, str], list[Split]]
    without: Mapping[tuple[str, str, str], str] = field(default_factory=dict)
    finds: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    variant: str = ""
    scratch: Path | None = None

    @property
    def found(self) -> Mapping[str, Any]:
        """Tables of the stages that choose of this variant, by name."""
        return self.finds.get(self.variant, {})

    def of(self, variant: str) -> Plan:
        """Return the frame of one way to transfer: the same data and splits."""
        return replace(self, recipe=self.recipe.variants[variant], variant=variant) if variant else self

    @cached_property
    def sources(self) -> dict[str, Source]:
        """What the arms start from, each once, by the name that the arms give it."""
        found = {}
        usual = self.recipe.pretrain.method
        for arm in self.recipe.arms:
            if arm.source is not None and arm.starts_from is not None:
                found[arm.source] = Source(arm.starts_from, dict(arm.pretrain or usual))
        return found

    def why_unproven(self, name: str, direction: Direction, network: str, protocol: str) -> str:
        """Say why a source of own donors is not there for a target; "" where it is, and for other sources.

        Parameters
        ----------
        name : str
            Of ``sources``.
        direction : Direction
            Its target is looked at.
        network, protocol : str
            Which folds.
        """
        place = (name, direction, network, protocol)
        if place not in self._unproven:
            self._unproven[place] = self._why_unproven(*place)
        return self._unproven[place]

    @cached_property
    def _unproven(self) -> dict[tuple[str, Direction, str, str], str]:
        """What :meth:`why_unproven` has found so far."""
        return {}

    def _why_unproven(self, name: str, direction: Direction, network: str, protocol: str) -> str:
        source = self.sources[name]
        if source.kind != "own_donors":
            return ""
        if direction.source == direction.target:
            return f"the source is other people of {direction.target} already"
        key = (direction.target, protocol, network)
        split = self.splits[key][0]
        if self.without.get(key) or not len(split.donors):
            return self.without.get(key) or f"nobody of {direction.target} is kept aside"
        donors = self.sides[direction.target].windows(network).take(split.donors)
        try:
            held = hold_out_people(donors, self.recipe.pretrain.held_out)
            share = self.recipe.pretrain.draw_people
            drawn = [draw_people(donors, held, share, seed).train for seed in self.recipe.seeds]
        except BiotransferError as error:
            return str(error)
        people = min(int(donors.metadata["subject"].iloc[rows].nunique()) for rows in drawn)
        return why_not(METHODS[source.method["name"]], n_people=people) or ""

    @property
    def budgets(self) -> list[str]:
        """Names of the budgets, from the smallest."""
        return self.recipe.budget.names

    def split(
        self,
        direction: Direction,
        network: str,
        protocol: str | None = None,
        fold: int | None = None,
        budget: str | None = None,
    ) -> Split:
        """Return a split of the direction's target; what is not named is the first, or the largest budget."""
        rule = protocol or self.recipe.split[0].name
        key = (direction.target, rule, network, budget or self.budgets[-1])
        return self.labelled[key][fold or 0]

    def schedule(self, budget: str = ALL) -> Schedule:
        """Return how long and how fast a training on the target goes."""
        train, epochs = self.recipe.train, self.recipe.budget.epochs
        return train if budget == ALL or epochs is None else replace(train, epochs=epochs)

    def strangers(self, name: str, windows: Windows, task: OfFold) -> Windows:
        """Return windows of the side ``name`` of people who are not in the target.

        Parameters
        ----------
        name : str
            A side: what a source is made from.
        windows : Windows
            Its signals or features.
        task : SourceTask or TargetTask
            Names the fold.

        Returns
        -------
        Windows
            Where ``name`` is the target itself, those of the people that the fold keeps aside; else all.
        """
        target = task.direction.target
        if name != target:
            return windows
        split = self.split(task.direction, task.network, task.protocol, task.fold)
        subjects = self.sides[target].windows(task.network).metadata["subject"].to_numpy(dtype=str)
        aside = np.isin(windows.metadata["subject"].to_numpy(dtype=str), subjects[split.donors])
        return windows.take(np.flatnonzero(aside))

    def align(self, source: Windows, target: Windows) -> Alignment:
        """Fit the recipe's scaling and alignment on training rows of either side."""
        return fit_alignment(source, target, self.recipe.align, scale=self.recipe.scale)

    def align_donors(self, donors: Windows, task: OfFold) -> Alignment:
        """Fit the recipe's scaling and alignment on own donors, for the columns of a task's target.

        Parameters
        ----------
        donors : Windows
            Training rows of own donors.
        task : SourceTask or TargetTask
            Names direction, network and fold.
        """
        source = self.sides[task.direction.source].windows(task.network)
        target = self.sides[task.direction.target].windows(task.network)
        train = source.take(hold_out_people(source, self.recipe.pretrain.held_out).train)
        rows = self.split(task.direction, task.network, task.protocol, task.fold).fit_rows
        return fit_donors(donors, train, target.take(rows), self.recipe.align, scale=self.recipe.scale)

    def chosen(self, task: OfFold) -> dict[str, Any]:
        """Return the values that inner validation chose for a task's fold, by path; none where none were."""
        table = self.found.get("choices")
        if self.recipe.tune is None or self.recipe.tune.by_arm or table is None:
            return {}
        mine = (table["direction"] == str(task.direction)) & (table["network"] == task.network)
        return best_candidate(
            table[mine & (table["protocol"] == task.protocol) & (table["fold"] == task.fold)]
        )

    @cached_property
    def _chosen_by_arm(self) -> dict[tuple[Any, ...], dict[str, Any]]:
        """The values chosen for every arm, by direction, network, protocol, budget, fold and arm."""
        table = self.found.get("choices")
        if table is None:
            return {}
        where = ["direction", "network", "protocol", "budget", "fold", "arm"]
        return {key: best_candidate(part) for key, part in table.groupby(where, sort=False)}

    def schedules(self, task: OfBudget) -> dict[str, Schedule]:
        """Return the schedule that was chosen for each arm of a fold, by label; none where none was."""
        if self.recipe.tune is None or not self.recipe.tune.by_arm:
            return {}
        place = (str(task.direction), task.network, task.protocol, task.budget, task.fold)
        found = {arm.label: self._chosen_by_arm.get((*place, arm.label)) for arm in self.recipe.arms}
        return {
            label: self.changed_schedule(task.budget, values)
            for label, values in found.items()
            if values is not None
        }

    def changed_schedule(self, budget: str, values: Mapping[str, Any]) -> Schedule:
        """Return the schedule of a budget with some values of ``train``, by path."""
        own = {path.partition(".")[2]: value for path, value in values.items()}
        return Schedule.read({**self.schedule(budget).plain(), **own})

    def tuned(self, task: OfFold) -> Plan:
        """Return the frame of a task's fold: with the values that were chosen for it."""
        values = self.chosen(task)
        if not values:
            return self
        return replace(self, recipe=self.recipe.with_values(values))

    def recipe_network(self, name: str) -> dict[str, Any]:
        """Return the recipe's specification of a network."""
        return next(dict(spec) for spec in self.recipe.network if spec.name == name)

    def searched_by_fold(self, direction: Direction) -> bool:
        """Whether the topology is searched for every fold of the target by itself."""
        search, own = self.recipe.search, direction.source == direction.target
        joint = ALIGN[self.recipe.align.name].facts["joint"]
        return search is not None and (search.side == "target" or own or joint)

    def network_spec(self, task: OfFold) -> dict[str, Any]:
        """Return the specification of a task's network: the recipe's, with the topology that was found."""
        spec, table = self.recipe_network(task.network), self.found.get("search")
        if table is None or not self.recipe.searches(task.network):
            return spec
        mine = table["chosen"] & (table["direction"] == str(task.direction))
        mine &= table["network"] == task.network
        if self.searched_by_fold(task.direction):
            mine &= (table["protocol"] == (task.protocol or "")) & (table["fold"] == task.fold)
        return {**spec, **json.loads(table.loc[mine, "topology"].iloc[0])}


def plan_study(recipe: Recipe, sides: Mapping[str, Side]) -> Plan:
    """Split the target of every direction.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    sides : mapping
        Loaded data.

    Raises
    ------
    BiotransferError
        When a split or budget cannot be made, a source has a single class, or two sets hold the same people.
    """
    splits: dict[tuple[str, str, str], list[Split]] = {}
    labelled: dict[tuple[str, str, str, str], list[Split]] = {}
    without: dict[tuple[str, str, str], str] = {}
    for direction in recipe.directions:
        source, target = direction.source, direction.target
        check(
            len(sides[source].signals.classes) > 1,
            f"{source}: a source of one class ({', '.join(sides[source].signals.classes)}) teaches nothing. "
            f"Give it two or more with {source}: {{classes: [...]}}.",
        )
        check(
            len(sides[target].signals.classes) > 1,
            f"{target}: a target of one class ({', '.join(sides[target].signals.classes)}) leaves nothing to "
            f"tell apart. Give it two or more with {target}: {{classes: [...]}}.",
        )
        _refuse_same_people(recipe, sides, direction)
        refuse_excluded(recipe, sides, direction)
        people = sides[target].signals.subjects
        check(
            len(people) > 1,
            f"{target}: {sides[target].about['dataset']!r} has one subject, {people}. The unit of a "
            f"verdict is the person: load at least two, or use only directions with {target} as the source.",
        )
        for spec in recipe.network:
            windows = sides[target].windows(spec.name)
            for rule in recipe.split:
                key = (target, rule.name, spec.name)
                if key not in splits:
                    folds = make_folds(recipe, windows, target, rule)
                    splits[key], without[key] = folds.splits, folds.without
                    labelled |= {(*key, name): budgeted for name, budgeted in folds.labelled.items()}
    plan = Plan(recipe, sides, splits, labelled, without)
    _refuse_surrogates_of_features(plan)
    return plan


def _refuse_surrogates_of_features(plan: Plan) -> None:
    """Refuse a source that is made from signals where the windows that were given are features."""
    made = [name for name, source in plan.sources.items() if _is_made_from_signals(source.kind)]
    for name in dict.fromkeys(direction.source for direction in plan.recipe.directions):
        windows = plan.sides[name].signals
        check(
            windows.is_signal or not made,
            f"windows of {name!r} are features, and the source {', '.join(made)} is made from signals. "
            "Give the signals, or leave out the arms that start from it.",
        )


def _is_made_from_signals(kind: str) -> bool:
    return kind in SOURCES and SOURCES[kind].facts["made_from"] == "signals"


def _refuse_same_people(recipe: Recipe, sides: Mapping[str, Side], direction: Direction) -> None:
    """Refuse two sets of one origin that share people: the tested person would be in the source."""
    source, target = direction.source, direction.target
    if source == target:
        return
    sections = data_sections(recipe)
    one, other = sections[source], sections[target]
    both = [s for s in sides[source].signals.subjects if s in set(sides[target].signals.subjects)]
    check(
        one.origin != other.origin or not both,
        f"directions: {direction} has {', '.join(both[:5])} of {one.title!r} in both sets, so the "
        "person tested would be in the source. Give the sets other subjects, or use "
        f"{Direction(target, target)}.",
    )
