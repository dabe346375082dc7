"""Carry out one task: pure functions of the plan, run in any process."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ..align import fit_alignment
from ..arms import Arm, make_arms
from ..features import extract_features
from ..metrics import accuracy, balanced_accuracy
from ..networks import NETWORKS, Network, build_network
from ..pretraining import SOURCES, Pretrained, hold_out_people, pretrain
from ..pretraining.sources import invent_labels, noise
from ..results import CURVES, LEDGER, PREDICTIONS
from ..results import SOURCES as SOURCE_COLUMNS
from ..splits import Split
from ..training import Curves, Schedule, train
from ..weights import Weights
from ..windows import Windows, natural_sorted
from .plan import Plan, SourceTask, TargetTask

SourceWeights = Mapping[str, Mapping[int, Weights]]  # by kind, then by seed


@dataclass(frozen=True, eq=False)
class Outcome:
    """Tables of one task, and the weights it trained by name."""

    tables: Mapping[str, pd.DataFrame]
    weights: Mapping[str, Weights]


def weights_name(task: SourceTask, seed: int) -> str:
    """Return the file name (without suffix) of a source network."""
    return f"{task.label}_seed{seed}"


def run_task(
    plan: Plan, task: SourceTask | TargetTask, sources: SourceWeights, device: str = "cpu"
) -> Outcome:
    """Carry out ``task`` with one thread, so that results do not depend on the number of workers."""
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=1):
        if isinstance(task, SourceTask):
            return run_source(plan, task, device)
        return run_target(plan, task, sources, device)


def _source_windows(plan: Plan, task: SourceTask, seed: int) -> Windows:
    """Return what the source network of one seed is trained on, before alignment."""
    source, target = task.direction.split("->")
    if task.kind == "same_modality":
        if task.fold is not None:
            return plan.sides[target].windows(task.network).take(plan.split_of(task).donors)
        return plan.sides[f"same_modality {target}"].windows(task.network)
    side = plan.sides[source]
    if task.kind == "noise":
        kind = plan.recipe["pretrain"]["noise"]
        windows = noise(side.signals, seed, kind=kind)
        if NETWORKS[task.network].facts["takes"] == "features":
            windows = extract_features(windows, plan.recipe["features"])
        return invent_labels(windows, seed) if kind == "gaussian" else windows
    return SOURCES[task.kind].function(side.windows(task.network), seed)


def run_source(plan: Plan, task: SourceTask, device: str = "cpu") -> Outcome:
    """Train the source networks of all seeds and see what they know about strangers.

    A control trains on the rows that the source trains on. The alignment's target side is fitted on the
    training rows of the task's (or the first) fold; the source side does not depend on them.
    """
    recipe, seeds = plan.recipe, plan.recipe["seeds"]
    target_name = task.direction.split("->")[1]
    split_of_target = plan.split_of(task)
    target_train = plan.sides[target_name].windows(task.network).take(split_of_target.train)
    same_for_all = task.kind in ("supervised", "same_modality")
    own = task if task.kind == "same_modality" else replace(task, kind="supervised")
    split = hold_out_people(_source_windows(plan, own, seeds[0]), recipe["pretrain"]["held_out"])
    aligned = []
    for seed in seeds[:1] if same_for_all else seeds:
        windows = _source_windows(plan, task, seed)
        alignment = fit_alignment(
            windows.take(split.train), target_train, recipe["align"], scale=recipe["scale"]
        )
        aligned.append(alignment.source.apply(windows))
    facts = {"source": task.kind, "direction": task.direction, "recipe_uid": recipe.uid}
    trained = pretrain(
        aligned,
        split,
        plan.network_spec(task.network),
        seeds,
        Schedule(**recipe["train"]),
        engine=recipe["engine"],
        device=device,
        facts={**facts, "data_uid": aligned[0].digest()},
    )
    rows = [
        _source_row(task, seed, item, aligned[0], split) for seed, item in zip(seeds, trained, strict=True)
    ]
    return Outcome(
        {"sources": pd.DataFrame(rows, columns=SOURCE_COLUMNS)},
        {weights_name(task, seed): item.weights for seed, item in zip(seeds, trained, strict=True)},
    )


def _source_row(
    task: SourceTask, seed: int, item: Pretrained, windows: Windows, split: Split
) -> dict[str, Any]:
    n_classes = len(windows.classes)
    people = ", ".join(natural_sorted(windows.metadata["subject"].iloc[split.test].unique()))
    return {
        "direction": task.direction,
        "network": task.network,
        "protocol": task.protocol or "",
        "source": task.kind,
        "seed": seed,
        "subjects": people if split.rule == "subject" else f"{people}, other recordings",
        "windows": len(split.test),
        "accuracy": float(accuracy(item.y_true, item.y_pred)),
        "balanced_accuracy": float(balanced_accuracy(item.y_true, item.y_pred)),
        "chance": 1.0 / n_classes,
    }


def _prepare_target(plan: Plan, task: TargetTask) -> tuple[Windows, Network]:
    """Align the target's windows by training rows, and build the network that takes them."""
    recipe = plan.recipe
    source, target = task.direction.split("->")
    windows = plan.sides[target].windows(task.network)
    source_windows = plan.sides[source].windows(task.network)
    source_train = source_windows.take(hold_out_people(source_windows, recipe["pretrain"]["held_out"]).train)
    target_train = windows.take(plan.split_of(task).train)
    alignment = fit_alignment(source_train, target_train, recipe["align"], scale=recipe["scale"])
    aligned = alignment.target.apply(windows)
    return aligned, build_network(plan.network_spec(task.network), aligned.shape, len(aligned.classes))


def rehearse(plan: Plan) -> None:
    """Do all but training for the first fold of every direction, network and rule: what cannot run is said.

    Raises
    ------
    BiotransferError
        As the study itself would.
    """
    for task in plan.targets:
        if task.fold == 0:
            _prepare_target(plan, task)


def run_target(plan: Plan, task: TargetTask, sources: SourceWeights, device: str = "cpu") -> Outcome:
    """Train all arms and seeds of one fold: the same windows, batches and heads; other starting weights."""
    recipe, split = plan.recipe, plan.split_of(task)
    aligned, network = _prepare_target(plan, task)
    arms: list[Arm] = []
    for seed in recipe["seeds"]:
        trained = {kind: by_seed[seed] for kind, by_seed in sources.items()}
        arms += make_arms(recipe["arms"], trained, network, seed, stream=split.uid)
    curves = train(
        network, arms, aligned, split, Schedule(**recipe["train"]), engine=recipe["engine"], device=device
    )
    keys = {
        "direction": task.direction,
        "network": task.network,
        "protocol": task.protocol,
        "split": split.name,
    }
    tables = {
        "curves": curve_table(keys, arms, curves, aligned, split),
        "predictions": prediction_table(keys, arms, curves, aligned, split),
        "ledger": ledger_table(keys, arms),
    }
    return Outcome(tables, {})


def curve_table(
    keys: Mapping[str, str], arms: Sequence[Arm], curves: Curves, windows: Windows, split: Split
) -> pd.DataFrame:
    """One row per arm, person, point, part and metric; the training part pools all people as "*"."""
    n_points = len(curves.steps)
    rows = np.concatenate([split.validation, split.test])
    subjects = windows.metadata["subject"].to_numpy(dtype=str)[rows]
    y = windows.y[rows]
    parts = np.array(["validation"] * len(split.validation) + ["test"] * len(split.test))
    frames = []

    def add(part: str, subject: str, metric: str, values: np.ndarray) -> None:
        frame = pd.DataFrame(
            {
                "arm": np.repeat([arm.name for arm in arms], n_points),
                "seed": np.repeat([arm.seed for arm in arms], n_points),
                "step": np.tile(curves.steps, len(arms)),
                "epoch": np.tile(curves.epochs, len(arms)),
                "value": values.ravel(),
            }
        )
        frames.append(frame.assign(subject=subject, split_part=part, metric=metric, **keys))

    for part in ("validation", "test"):
        for subject in np.unique(subjects[parts == part]):
            mine = np.flatnonzero((parts == part) & (subjects == subject))
            predicted = curves.predicted[:, :, mine]
            add(part, subject, "accuracy", accuracy(y[mine], predicted))
            add(part, subject, "balanced_accuracy", balanced_accuracy(y[mine], predicted))
            add(part, subject, "log_loss", curves.loss[:, :, mine].mean(axis=2, dtype=np.float64))
    add("train", "*", "accuracy", curves.train_accuracy)
    add("train", "*", "log_loss", curves.train_loss)
    table = pd.concat(frames, ignore_index=True)
    return table[table["value"].notna()][CURVES].reset_index(drop=True)


def prediction_table(
    keys: Mapping[str, str], arms: Sequence[Arm], curves: Curves, windows: Windows, split: Split
) -> pd.DataFrame:
    """One row per arm and test window, after the last update."""
    first = len(split.validation)
    test = windows.metadata.iloc[split.test]
    frames = [
        pd.DataFrame(
            {
                **keys,
                "arm": arm.name,
                "subject": test["subject"].to_numpy(),
                "seed": arm.seed,
                "window_uid": test["uid"].to_numpy(),
                "y_true": windows.y[split.test],
                "y_pred": curves.predicted[a, -1, first:].astype(np.int64),
                "probabilities": list(curves.probabilities[a, first:]),
            }
        )
        for a, arm in enumerate(arms)
    ]
    return pd.concat(frames, ignore_index=True)[PREDICTIONS]


def ledger_table(keys: Mapping[str, str], arms: Sequence[Arm]) -> pd.DataFrame:
    """One row per arm and tensor; the same for every seed, so the first is written."""
    first = arms[0].seed
    rows = [{**keys, "arm": arm.name, **vars(row)} for arm in arms if arm.seed == first for row in arm.ledger]
    return pd.DataFrame(rows)[LEDGER]
