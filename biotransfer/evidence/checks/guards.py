"""Guards: what is wrong with a study before anything is trained; errors stop it unless they are accepted.

A guard is a function of the study's frame (recipe, sides, splits) that returns its faults; none is silence.
"""

from __future__ import annotations

import numpy as np

from ...signals.splits import SPLITS, Split
from ...transfer.carry import known_arms
from ..metrics import balanced_accuracy, chance_level
from .frame import Fault, Frame, first_splits

_MARGIN = 0.05


def leaking_split(frame: Frame) -> list[Fault]:
    """Decide by the split rules that the recipe names."""
    return [
        Fault(
            "error",
            f"Split {rule['by']} trains on near copies of the test windows: its numbers say nothing about "
            "new recordings or new people",
            protocol=rule.name,
        )
        for rule in frame.recipe.split
        if SPLITS[rule.name].facts["leaks"]
    ]


def label_is_recording(frame: Frame) -> list[Fault]:
    """Classify test windows by nothing but the name of their recording, with the folds of the study.

    A window gets the class that most training windows of its recording have, or, if none has trained, the
    class that is most frequent in training. An error where that is above chance by more than 5 points of
    balanced accuracy (mean over people). A note where it is not, but every person has one recording per class
    in which nothing else is: then only other people can tell a class from its recording.
    """
    faults = []
    for target, protocol, network, splits in first_splits(frame):
        windows = frame.sides[target].windows(network)
        recordings = windows.metadata["recording"].to_numpy(dtype=str)
        subjects = windows.metadata["subject"].to_numpy(dtype=str)
        levels, chances = [], []
        for split in splits:
            named = _by_recording(recordings, windows.y, split, len(windows.classes))
            for person in np.unique(subjects[split.test]):
                mine = subjects[split.test] == person
                levels.append(float(balanced_accuracy(windows.y[split.test][mine], named[mine])))
                chances.append(chance_level(windows.y[split.test][mine]))
        level, chance = float(np.mean(levels)), float(np.mean(chances))
        if level > chance + _MARGIN:
            message = (
                f"{target} by {protocol}: the name of the recording alone gives {100 * level:.1f} % (chance "
                f"{100 * chance:.1f} %), so a network may know the recording and not the class"
            )
            faults.append(Fault("error", message, target=target, protocol=protocol))
        elif _one_each(recordings, subjects, windows.y):
            message = (
                f"{target} by {protocol}: every person has one recording per class, so that a class cannot "
                "be told from its recording within a person; only other people can tell"
            )
            faults.append(Fault("note", message, target=target, protocol=protocol))
    return faults


def _by_recording(recordings: np.ndarray, y: np.ndarray, split: Split, n_classes: int) -> np.ndarray:
    """Return the class that the name of each test window's recording stands for."""
    names, code = np.unique(recordings, return_inverse=True)
    counts = np.zeros((len(names), n_classes))
    np.add.at(counts, (code[split.train], y[split.train]), 1)
    usual = int(counts.sum(axis=0).argmax())
    named = np.where(counts.sum(axis=1) > 0, counts.argmax(axis=1), usual)
    return np.asarray(named[code[split.test]])


def _one_each(recordings: np.ndarray, subjects: np.ndarray, y: np.ndarray) -> bool:
    """Whether every person has one recording per class that holds no other class."""
    holds = {(r, int(label)) for r, label in zip(recordings, y, strict=True)}
    pure = len(holds) == len({r for r, _ in holds})
    each = {(s, int(label), r) for s, label, r in zip(subjects, y, recordings, strict=True)}
    return pure and len(each) == len({(s, label) for s, label, _ in each})


def unequal_tuning(frame: Frame) -> list[Fault]:
    """Count the choices of parameters that a way to transfer is tried with beside those of the baseline.

    Arms of one method and source that differ in parameters alone are one arm tuned on the test people: an
    error where there are more of them than of the baseline's. A search for topologies and the schedule hold
    for all arms alike.
    """
    recipe = frame.recipe
    arms = known_arms(recipe.arms)
    groups: dict[tuple[str, str, str], list[str]] = {}
    for label, arm in arms.items():
        if arm.role == "transfer" or label == recipe.compare.against:
            groups.setdefault((arm.entry.name, str(arm.pretrain), str(arm.weights)), []).append(label)
    baseline = arms[recipe.compare.against].entry.name
    allowed = sum(arm.entry.name == baseline for arm in arms.values())
    return [
        Fault(
            "error",
            f"{name} is tried with {len(labels)} choices of parameters ({', '.join(labels)}), {baseline} "
            f"with {allowed}: "
            "the best of several looks better by luck alone",
        )
        for (name, *_), labels in groups.items()
        if len(labels) > allowed
    ]
