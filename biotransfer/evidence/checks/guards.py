"""Guards: what is wrong with a study before anything is trained; errors stop it unless they are accepted.

A guard is a function of the study's frame (recipe, sides, splits) that returns its faults; none is silence.
"""

from __future__ import annotations

import numpy as np

from ...signals.splits import SPLITS, Split
from ...signals.windows import Windows
from ...transfer.carry import known_arms
from ..metrics import balanced_accuracy, chance_level
from ..reading import tested_label
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
    """Classify test windows by nothing but the name of their recording, then of their session, by the folds.

    A window gets the class that most training windows of its recording (session) have, or, if none has
    trained, the class that is most frequent in training. Where that is above chance by more than 5 points of
    balanced accuracy (mean over people), the recording is an error, and the session (day = class, for all
    people) a warning. A note where it is not, but every person has one recording per class in which nothing
    else is: then only other people can tell a class from its recording.
    """
    faults = []
    for target, protocol, network, splits in first_splits(frame):
        windows = frame.sides[target].windows(network)
        recordings = windows.metadata["recording"].to_numpy(dtype=str)
        subjects = windows.metadata["subject"].to_numpy(dtype=str)
        level, chance = _told_by(recordings, windows, splits)
        day, _ = _told_by(windows.metadata["session"].to_numpy(dtype=str), windows, splits)
        if level > chance + _MARGIN:
            message = (
                f"{tested_label(target, protocol)}"
                f": the name of the recording alone gives {100 * level:.1f} % (chance "
                f"{100 * chance:.1f} %), so a network may know the recording and not the class"
            )
            faults.append(Fault("error", message, target=target, protocol=protocol))
        elif _one_each(recordings, subjects, windows.y):
            message = (
                f"{tested_label(target, protocol)}"
                f": every person has one recording per class, so that a class cannot "
                "be told from its recording within a person; only other people can tell"
            )
            faults.append(Fault("note", message, target=target, protocol=protocol))
        if day > chance + _MARGIN:
            message = (
                f"{tested_label(target, protocol)}"
                f": the name of the session alone gives {100 * day:.1f} % (chance "
                f"{100 * chance:.1f} %), so a network may know the day and not the class"
            )
            faults.append(Fault("warning", message, target=target, protocol=protocol))
    return faults


def _told_by(names: np.ndarray, windows: Windows, splits: list[Split]) -> tuple[float, float]:
    """Return the balanced accuracy of a name alone, and chance, both means over people and folds."""
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    levels, chances = [], []
    for split in splits:
        named = _by_recording(names, windows.y, split, len(windows.classes))
        for person in np.unique(subjects[split.test]):
            mine = subjects[split.test] == person
            levels.append(float(balanced_accuracy(windows.y[split.test][mine], named[mine])))
            chances.append(chance_level(windows.y[split.test][mine]))
    return float(np.mean(levels)), float(np.mean(chances))


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
    error where there are more of them than of the baseline's. So are ways to transfer (``methods``) that set
    one thing to several values: each is tried with every arm, also with a baseline of its own. What is
    repeated with the same parameters is one choice, for the baseline, too. A search for topologies and the
    schedule hold for all arms alike.
    """
    recipe = frame.recipe
    arms = known_arms(recipe.arms)
    groups: dict[tuple[str, str, str], dict[str, list[str]]] = {}
    for label, arm in arms.items():
        if arm.role == "transfer" or label == recipe.compare.against:
            choices = groups.setdefault((arm.entry.name, str(arm.pretrain), str(arm.weights)), {})
            choices.setdefault(repr(sorted(arm.parameters.items())), []).append(label)
    baseline = arms[recipe.compare.against].entry.name
    own = {repr(sorted(arm.parameters.items())) for arm in arms.values() if arm.entry.name == baseline}
    faults = [
        _tuned(name, [labels[0] for labels in choices.values()], f"{baseline} with {len(own)}")
        for (name, *_), choices in groups.items()
        if len(choices) > len(own)
    ]
    ways: dict[tuple[str, ...], dict[str, str]] = {}
    for label, variant in recipe.variants.items():
        told = {"align": variant.align, "select": variant.select, "pretrain": variant.pretrain.method}
        for key_, one in told.items():
            rest = [repr(told[other]) for other in told if other != key_]
            way = (key_, one.name if one else "", *rest, repr(variant.scale), repr(variant.network))
            ways.setdefault(way, {}).setdefault(repr(one), label or "the recipe")
    faults += [
        _tuned(f"{key_}: {name}", list(choices.values()), f"{baseline} once in each")
        for (key_, name, *_), choices in ways.items()
        if len(choices) > len(own)
    ]
    return faults


def _tuned(what: str, tried: list[str], beside: str) -> Fault:
    return Fault(
        "error",
        f"{what} is tried with {len(tried)} choices of parameters ({', '.join(tried)}), {beside}: the best "
        "of several looks better by luck alone",
    )
