"""Source networks: one task per direction, network, kind of source and method; a trial is a seed."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import pandas as pd

from ....errors import check
from ....learning.networks import NETWORKS, Network
from ....learning.predictions import accuracy, balanced_accuracy
from ....learning.weights import Weights
from ....results import Direction
from ....settings import plain
from ....signals.preprocessing import STEPS
from ....signals.splits import Split
from ....signals.windows import Windows, natural_sorted
from ....transfer.align import ALIGN
from ....transfer.pretrain import METHODS, SOURCES, why_not
from ....transfer.pretrain.drawing import draw_people
from ....transfer.pretrain.held_out import hold_out_people
from ....transfer.pretrain.making import make_source, permute_again
from ....transfer.select import Selection
from ..plan import OF_TARGET, Plan
from . import selection
from .fold import FOLD_LIBRARIES, LEARNING_CODE, LEARNING_LIBRARIES, FoldTask
from .task import AskedTrial, Kind, Outcome, Ref, Trial, make_trials


@dataclass(frozen=True)
class SourceTask:
    """Train the source networks of one kind.

    ``name`` is what the arms call the source, ``kind`` what it is trained on, ``method`` how (a label).
    ``fold`` is None unless the source depends on the fold of the target: its people are kept aside fold by
    fold, the selection, the alignment or the method looks at the target's training rows, or values were
    chosen for it: then it is the first fold with the same values.
    """

    direction: Direction
    network: str
    name: str
    kind: str
    method: str
    protocol: str | None = None
    fold: int | None = None

    @property
    def label(self) -> str:
        """File-name safe and unique within a study."""
        parts = [self.direction.slug, self.network, self.kind]
        if self.name != self.kind:
            parts.append(re.sub(r"[^\w.=-]+", "-", self.method).strip("-"))
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
            "source": self.kind,
            "method": self.method,
        }


def source_task(
    plan: Plan, name: str, direction: Direction, network: str, protocol: str, fold: int
) -> SourceTask:
    """Return the task that trains the source called ``name`` for one fold of a target."""
    source = plan.sources[name]
    joint = ALIGN[plan.recipe.align.name].facts["joint"] or source.joint
    joint = joint or (plan.searched_by_fold(direction) and plan.recipe.searches(network))
    joint = joint or (not source.of_target and selection.looks_at_target(plan, direction))
    task = SourceTask(direction, network, name, source.kind, source.label)
    if joint or _pool(plan, task)[0] == direction.target:
        return replace(task, protocol=protocol, fold=fold)
    if plan.recipe.tune is not None and not plan.recipe.tune.by_arm:
        chosen = [plan.chosen(replace(task, protocol=protocol, fold=f)) for f in range(fold + 1)]
        return replace(task, protocol=protocol, fold=chosen.index(chosen[fold]))
    return task


def closed(plan: Plan, name: str, direction: Direction, network: str, protocol: str, fold: int) -> bool:
    """Whether the selection found nothing worth transferring for one fold of a target."""
    picked = selection.chosen(plan, direction, network, protocol, fold)
    return picked is not None and not picked.transfer and not plan.sources[name].of_target


def _picked(plan: Plan, task: SourceTask) -> Selection | None:
    """Return whom the source is learned from; None for everybody."""
    if task.kind in OF_TARGET:
        return None
    protocol = task.protocol or plan.recipe.split[0].name
    return selection.chosen(plan, task.direction, task.network, protocol, task.fold or 0)


def lay_out(plan: Plan) -> list[SourceTask]:
    """Return what the arms start from, each once."""
    tasks: dict[SourceTask, None] = {}
    for direction in plan.recipe.directions:
        for spec in plan.recipe.network:
            for rule in plan.recipe.split:
                key = (direction.target, rule.name, spec.name)
                for fold in range(len(plan.splits[key])):
                    for name in plan.sources:
                        if plan.why_unproven(name, direction, spec.name, rule.name):
                            continue
                        task = source_task(plan, name, direction, spec.name, rule.name, fold)
                        if not closed(plan, name, direction, spec.name, rule.name, fold):
                            tasks[task] = None
    return list(tasks)


def trials(plan: Plan, task: SourceTask) -> list[Trial]:
    """Return one trial per seed."""
    plan = plan.tuned(task)
    recipe = plan.recipe
    target = task.direction.target
    depends: dict[str, Any] = {
        **task.columns,
        "windows": _pool(plan, task)[1].uid(task.network),
        "network": plan.network_spec(task),
        **recipe.plain("scale", "align", "train", "engine"),
        "held_out": recipe.pretrain.held_out,
        "draw_people": recipe.pretrain.draw_people,
        "method": dict(plan.sources[task.name].method),
        "target": list(plan.sides[target].windows(task.network).names),
    }
    if task.kind == "own_donors":
        depends["between"] = plan.sides[task.direction.source].uid(task.network)
    picked = _picked(plan, task)
    if picked is not None:
        depends["select"] = [sorted(picked.people), picked.classes]
        if picked.weights:
            depends["weights"] = sorted(picked.weights.items())
    if task.kind in SOURCES:
        depends["options"] = _options(plan, task)
    if task.fold is not None:
        depends["split"] = plan.split(task.direction, task.network, task.protocol, task.fold).uid
        depends["target"] = plan.sides[target].uid(task.network)
    return make_trials(
        SOURCE,
        depends,
        [AskedTrial({"seed": seed}, seed, {}, f"{task.label}_seed{seed}") for seed in recipe.seeds],
    )


def _pool(plan: Plan, task: SourceTask) -> tuple[str, Any]:
    """Return the name and side of the data that the source is trained on."""
    name, target = task.direction.source, task.direction.target
    if task.kind in OF_TARGET:
        other = f"same_modality {target}"
        name = other if task.kind == "same_modality" and other in plan.sides else target
    return name, plan.sides[name]


def _source_windows(plan: Plan, task: SourceTask, seed: int) -> Windows:
    """Return what the source network of one seed is trained on, before alignment."""
    name, side = _pool(plan, task)
    if task.kind in OF_TARGET:
        return plan.strangers(name, side.windows(task.network), task)
    from_signals = SOURCES[task.kind].facts["made_from"] == "signals"
    windows = plan.strangers(name, side.signals if from_signals else side.windows(task.network), task)
    features = plan.recipe.features if NETWORKS[task.network].facts["takes"] == "features" else None
    return make_source(windows, task.kind, seed, features=features, **_options(plan, task))


def _options(plan: Plan, task: SourceTask) -> dict[str, Any]:
    """Return the parameters of what the source is trained on."""
    if task.kind == "noise":
        return {"kind": plan.recipe.pretrain.noise}
    if task.kind == "simulated":
        steps = plan.sides[_pool(plan, task)[0]].about["preprocessing"]
        return {"preprocess": [step for step in steps if _for_any_channels(step["name"])]}
    return {}


def _for_any_channels(step: str) -> bool:
    """Whether a step of preprocessing asks neither which channels there are nor where they stand."""
    facts = STEPS[step].facts
    return not facts["electrodes"] and "channels" not in facts["changes"]


def rehearse(plan: Plan, target: FoldTask, name: str, network: Network, target_network: Network) -> None:
    """Refuse a source that its method cannot be asked of, before anything trains.

    Raises
    ------
    BiotransferError
        With the reason.
    """
    task = source_task(plan, name, target.direction, target.network, target.protocol, target.fold)
    own = task if task.kind in OF_TARGET else replace(task, kind="supervised")
    windows = _source_windows(plan, own, 0)
    split, share = hold_out_people(windows, plan.recipe.pretrain.held_out), plan.recipe.pretrain.draw_people
    drawn = [draw_people(windows, split, share, seed) for seed in plan.recipe.seeds if share < 1] or [split]
    reason = why_not(
        METHODS[plan.sources[name].method["name"]],
        network=network,
        target=target_network,
        n_people=int(windows.metadata["subject"].iloc[drawn[0].train].nunique()),
    )
    check(reason is None, f"{target.direction}: {reason}")


def run(
    plan: Plan, task: SourceTask, wanted: Sequence[Trial], weights: Mapping[Ref, Weights], device: str
) -> Outcome:
    """Train the source networks of some seeds and see what they know about strangers.

    A control trains on the rows that the source trains on. The alignment's target side is fitted on the
    training side of the task's (or the first) fold, the same for every budget; the source side does not
    depend on it. Own donors take the source's place in the mapping, with the target's columns. Windows of the
    target are given to methods that learn from both. Where every seed draws its people, it is trained by
    itself, and nothing is fitted on those who were not drawn.
    """
    plan = plan.tuned(task)
    seeds, alone = [trial.columns["seed"] for trial in wanted], plan.recipe.pretrain.draw_people < 1
    own = task if task.kind in OF_TARGET else replace(task, kind="supervised")
    windows = _source_windows(plan, own, seeds[0])
    split = hold_out_people(windows, plan.recipe.pretrain.held_out)
    parts = []
    for some in [[seed] for seed in seeds] if alone else [seeds]:
        drawn = draw_people(windows, split, plan.recipe.pretrain.draw_people, some[0])
        parts.append(_train(plan, task, some, drawn, device))
    table = pd.concat([part for part, _ in parts], ignore_index=True).assign(trial=range(len(seeds)))
    return Outcome({"sources": table}, dict(enumerate(item for _, found in parts for item in found)))


def _train(
    plan: Plan, task: SourceTask, seeds: Sequence[int], split: Split, device: str
) -> tuple[pd.DataFrame, list[Weights]]:
    """Train seeds that learn from the same people; return what they know about strangers, and the weights."""
    from ....transfer.pretrain.training import pretrain

    recipe, target = plan.recipe, task.direction.target
    rows = plan.split(task.direction, task.network, task.protocol, task.fold).fit_rows
    target_train = plan.sides[target].windows(task.network).take(rows)
    source, picked = plan.sources[task.name], _picked(plan, task)
    aligned = []
    for seed in seeds if task.kind in SOURCES and SOURCES[task.kind].facts["drawn"] else seeds[:1]:
        windows = _source_windows(plan, task, seed)
        taught, own_set = windows.take(split.train), task.kind == "own_donors"
        alignment = plan.align_donors(taught, task) if own_set else plan.align(taught, target_train)
        aligned.append(alignment.source.apply(windows))
    if picked is not None:
        aligned, (split, *_) = map(
            list,
            zip(*(_pick(plan, task, picked, *each, split) for each in zip(aligned, seeds, strict=False)),
                strict=True),
        )  # fmt: skip
    trained = pretrain(
        aligned,
        split,
        plan.network_spec(task),
        seeds,
        recipe.train,
        method=source.method,
        target=alignment.target.apply(target_train) if source.joint else None,
        engine=recipe.engine,
        device=device,
        sample_weight=None if picked is None else picked.weights_of(aligned[0]),
        card={
            "source": task.kind,
            "direction": str(task.direction),
            "data_uid": aligned[0].digest(),
            **_card(plan, _pool(plan, task)[1], task.network),
        },
    )
    subjects = aligned[0].metadata["subject"]
    learned, people = (
        ", ".join(natural_sorted(subjects.iloc[part].unique())) for part in (split.train, split.test)
    )
    table = pd.DataFrame(
        {
            "trained_on": learned,
            "subjects": people if split.rule == "subject" else f"{people}, other recordings",
            "windows": len(split.test),
            "accuracy": [float(accuracy(item.y_true, item.y_pred)) for item in trained],
            "balanced_accuracy": [float(balanced_accuracy(item.y_true, item.y_pred)) for item in trained],
            "chance": 1.0 / len(aligned[0].classes),
            "diverged": [item.diverged for item in trained],
        }
    )
    return table, [item.weights for item in trained]


def _pick(
    plan: Plan, task: SourceTask, picked: Selection, windows: Windows, seed: int, split: Split
) -> tuple[Windows, Split]:
    """Return the rows that the source itself would train on; a control permutes the labels of these."""
    if task.kind not in SOURCES:
        return picked.apply(windows, split)
    true = _source_windows(plan, replace(task, kind="supervised"), seed)
    same = list(true.metadata["uid"]) == list(windows.metadata["uid"])
    chosen, kept = picked.apply(replace(windows, y=true.y) if same else windows, split)
    return permute_again(chosen, task.kind, seed, **_options(plan, task)), kept


def _card(plan: Plan, side: Any, network: str) -> dict[str, Any]:
    """Return how a source network's inputs were made, for its weights card."""
    features = NETWORKS[network].facts["takes"] == "features"
    return {
        "dataset": side.about["dataset"],
        "preprocessing": side.about["preprocessing"],
        "window": side.about["window"],
        "features": side.about["features_spec"] if features else None,
        "scale": plan.recipe.scale,
        "align": plain(plan.recipe.align),
    }


SOURCE = Kind(
    "source",
    "sources",
    "source networks",
    lay_out,
    trials,
    run,
    (
        *LEARNING_CODE,
        "signals/features",
        "signals/mains",
        "signals/preprocessing",
        "signals/simulate",
        "signals/spectra",
        "signals/splits",
        "signals/windows/container",
        "studies/running/tasks/selection",
        "studies/running/tasks/source",
        "transfer",
    ),
    (*FOLD_LIBRARIES, *LEARNING_LIBRARIES, "mne", "mne-icalabel"),
)
