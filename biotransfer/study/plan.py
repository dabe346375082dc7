"""What a study consists of: source trainings first, then one task per direction, network, rule and fold."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ..arms import ARMS
from ..errors import check
from ..recipe import Recipe, digest
from ..splits import Split, make_splits
from .data import Side


@dataclass(frozen=True)
class SourceTask:
    """Train the source networks of one kind, all seeds.

    ``fold`` is None unless the source's people are kept aside fold by fold.
    """

    direction: str
    network: str
    kind: str
    protocol: str | None = None
    fold: int | None = None

    @property
    def label(self) -> str:
        """File-name safe and unique within a study."""
        parts = [self.direction.replace("->", "-to-"), self.network, self.kind]
        if self.fold is not None:
            parts += [str(self.protocol), f"fold{self.fold}"]
        return "_".join(parts)


@dataclass(frozen=True)
class TargetTask:
    """Train every arm and seed on one fold of the target."""

    direction: str
    network: str
    protocol: str
    fold: int

    @property
    def label(self) -> str:
        """File-name safe and unique within a study."""
        return f"{self.direction.replace('->', '-to-')}_{self.network}_{self.protocol}_fold{self.fold}"


@dataclass(frozen=True, eq=False)
class Plan:
    """Every task of a study, in the order in which its tables are written.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    sides : mapping
        "eeg", "emg" and, for other data sets of the target's modality, "same_modality eeg" or "... emg".
    splits : mapping
        Splits by (modality, protocol, network).
    sources, targets : list
        Tasks.
    """

    recipe: Recipe
    sides: Mapping[str, Side]
    splits: Mapping[tuple[str, str, str], list[Split]]
    sources: list[SourceTask]
    targets: list[TargetTask]

    @property
    def n_trainings(self) -> int:
        """Number of networks that are trained."""
        per_task = len(self.recipe["seeds"])
        return per_task * (len(self.sources) + len(self.targets) * len(self.recipe["arms"]))

    @property
    def source_kinds(self) -> list[str]:
        """What the arms start from, each once."""
        kinds = [ARMS[arm["name"]].facts["starts_from"] for arm in self.recipe["arms"]]
        return [kind for kind in dict.fromkeys(kinds) if kind is not None]

    def split_of(self, task: TargetTask | SourceTask) -> Split:
        """Return the target's split of a task; a source shared by all folds gets the first one."""
        target = task.direction.split("->")[1]
        protocol = task.protocol or self.recipe["split"][0]["by"]
        return self.splits[target, protocol, task.network][task.fold or 0]

    def network_spec(self, name: str) -> dict[str, Any]:
        """Return the recipe's specification of a network."""
        return next(spec for spec in self.recipe["network"] if spec["name"] == name)

    def source_task(self, target: TargetTask, kind: str) -> SourceTask:
        """Return the task that trains the source ``kind`` for ``target``."""
        own_people = kind == "same_modality" and "people" in self.recipe["same_modality"].get(
            target.direction.split("->")[1], {}
        )
        if own_people:
            return SourceTask(target.direction, target.network, kind, target.protocol, target.fold)
        return SourceTask(target.direction, target.network, kind)

    def uid(self, task: SourceTask | TargetTask) -> str:
        """Hash of everything a task's numbers depend on."""
        from .. import __version__

        data = {name: side.facts["digest"] for name, side in self.sides.items()}
        return digest([__version__, self.recipe.uid, data, self.split_of(task).uid, task.label])


def plan_study(recipe: Recipe, sides: Mapping[str, Side]) -> Plan:
    """Lay out every training of a study.

    Parameters
    ----------
    recipe : Recipe
        What to do.
    sides : mapping
        Loaded data.

    Raises
    ------
    BiotransferError
        When a split cannot be made, or a source has a single class.
    """
    splits: dict[tuple[str, str, str], list[Split]] = {}
    sources: dict[SourceTask, None] = {}
    targets: list[TargetTask] = []
    for direction in recipe["directions"]:
        source, target = direction.split("->")
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
        people = sides[target].signals.subjects
        check(
            len(people) > 1,
            f"{target}: {sides[target].facts['dataset']!r} has one subject, {people}. The unit of a "
            f"verdict is the person: load at least two, or use only directions with {target} as the source.",
        )
        for spec in recipe["network"]:
            windows = sides[target].windows(spec["name"])
            for rule in recipe["split"]:
                key = (target, rule["by"], spec["name"])
                if key not in splits:
                    splits[key] = make_splits(windows, **_split_options(recipe, target, rule))
                for fold in range(len(splits[key])):
                    task = TargetTask(direction, spec["name"], rule["by"], fold)
                    targets.append(task)
    plan = Plan(recipe, sides, splits, [], targets)
    for task in targets:
        for kind in plan.source_kinds:
            sources[plan.source_task(task, kind)] = None
    return Plan(recipe, sides, splits, list(sources), targets)


def _split_options(recipe: Recipe, target: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    """Return a split's parameters, with the people kept aside as donors and smoke's few folds."""
    options = dict(rule)
    people = recipe["same_modality"].get(target, {}).get("people")
    if people:
        options["donors"] = people
    if recipe["smoke"] and options.get("folds") and options["folds"] > 2:
        options["folds"] = 2
    return options


def estimate_seconds(plan: Plan) -> float:
    """Return the seconds one worker would need, from a moment's timing of each network on random numbers.

    Nothing is trained on data.
    """
    import time

    import numpy as np

    from ..arms import make_arms
    from ..networks import NETWORKS, build_network
    from ..training import Job, Schedule, run_job

    schedule = Schedule(**plan.recipe["train"])
    n_models = len(plan.recipe["seeds"]) * len(plan.recipe["arms"])
    total = 0.0
    for spec in plan.recipe["network"]:
        updates: dict[tuple[str, int], float] = {}
        tasks: list[SourceTask | TargetTask] = [*plan.sources, *plan.targets]
        for task in tasks:
            if task.network != spec["name"]:
                continue
            source, target = task.direction.split("->")
            models = n_models if isinstance(task, TargetTask) else len(plan.recipe["seeds"])
            n_train = len(plan.split_of(task).train)
            if isinstance(task, SourceTask) and task.kind != "same_modality":
                n_train = len(plan.sides[source].windows(task.network))
            key = (target, min(models, n_models))
            updates[key] = updates.get(key, 0.0) + schedule.steps_per_epoch(n_train) * schedule.epochs
        for (target, models), n_updates in updates.items():
            shape = plan.sides[target].windows(spec["name"]).shape
            k = plan.recipe["align"].get("k")
            shape = (k,) if k and NETWORKS[spec["name"]].facts["takes"] == "features" else shape
            network = build_network(spec, shape, len(plan.sides[target].signals.classes))
            measured = min(models, 40)
            n_rows, n_steps = schedule.batch_size * 8, 8
            rows = np.tile(np.arange(n_rows), (measured, 1))
            rng = np.random.default_rng(0)
            job = Job(
                network,
                make_arms(["scratch"], {}, network, 0) * measured,
                rng.standard_normal((n_rows, *shape), dtype=np.float32),
                rng.integers(0, network.n_outputs, n_rows),
                rows,
                rows[:, : n_rows // 4],
                "estimate",
                Schedule(epochs=1, batch_size=schedule.batch_size),
            )
            run_job(job, engine=plan.recipe["engine"])
            clock = time.perf_counter()
            run_job(job, engine=plan.recipe["engine"])
            total += (time.perf_counter() - clock) / n_steps * n_updates * models / measured
    return total
