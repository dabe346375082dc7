"""Guards: what is wrong with a study before anything is trained; errors stop it unless they are accepted.

A guard is a function of the study's frame (recipe, sides, splits) that returns its faults; none is silence.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

import numpy as np

from ...signals.splits import SPLITS, Split, find_copies, shared_content
from ...signals.windows import Windows, concatenate
from ...transfer.carry import known_arms
from ..metrics import balanced_accuracy, chance_level

_MARGIN = 0.05
_MOST_NAMED = 3


class Side(Protocol):
    """The windows of one data set."""

    @property
    def signals(self) -> Windows:
        """As cut."""

    @property
    def about(self) -> Mapping[str, Any]:
        """For the report."""

    def windows(self, network: str) -> Windows:
        """Return what a network takes."""


class Frame(Protocol):
    """What a study is made from: ``studies.running.plan.Plan``."""

    @property
    def recipe(self) -> Any:
        """Resolved, by key."""

    @property
    def sides(self) -> Mapping[str, Any]:
        """Each a :class:`Side`, by name."""

    @property
    def splits(self) -> Mapping[tuple[str, str, str], list[Split]]:
        """By (target, protocol, network)."""

    @property
    def labelled(self) -> Mapping[tuple[str, str, str, str], list[Split]]:
        """By (target, protocol, network, budget): the same folds with the labels that the budget leaves."""


class Fault(NamedTuple):
    """One thing that a guard found; what it touches: a target and protocol, a direction's source, or all."""

    severity: str
    message: str
    target: str = ""
    protocol: str = ""
    source: str = ""


def _first_splits(frame: Frame) -> list[tuple[str, str, str, list[Split]]]:
    """Return (target, protocol, network, splits), one network for every target and rule."""
    seen: dict[tuple[str, str], tuple[str, str, str, list[Split]]] = {}
    for (target, protocol, network), splits in frame.splits.items():
        seen.setdefault((target, protocol), (target, protocol, network, splits))
    return list(seen.values())


def _named(items: Sequence[str]) -> str:
    more = f" and {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    return ", ".join(items[:_MOST_NAMED]) + more


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


def shared_samples(frame: Frame) -> list[Fault]:
    """Look for the same signal in two recordings of a target, by its content, on either side of a split.

    Whole or partial copies are found under any name and time stamp, also where some samples differ; the same
    samples of one recording on both sides are refused when the split is made.
    """
    faults, copies = [], {}
    for target, protocol, network, folds in _first_splits(frame):
        if not frame.sides[target].signals.is_signal:
            said = "windows were given as features, in which copies of a signal cannot be looked for"
            faults.append(Fault("note", f"{target} by {protocol}: {said}", target=target, protocol=protocol))
            continue
        budgets = [
            split
            for (*key, _), made in frame.labelled.items()
            if tuple(key) == (target, protocol, network)
            for split in made
        ]
        splits = [*folds, *budgets]
        if target not in copies:
            copies[target] = find_copies(frame.sides[target].signals)
        windows = frame.sides[target].windows(network)
        shared = [c for split in splits for c in shared_content(windows, split, copies=copies[target])]
        pairs = sorted({(c.first_recording, c.second_recording) for c in shared})
        if pairs:
            said = _named([f"{one} in {other}" for one, other in pairs])
            message = (
                f"{target} by {protocol}: {len({c.first for c in shared})} test windows stand in training "
                f"under another name ({said})"
            )
            faults.append(Fault("error", message, target=target, protocol=protocol))
    return faults


def same_people(frame: Frame) -> list[Fault]:
    """Compare every source of the target's own modality with the target: ids, content, and what is declared.

    Ids count inside one data set only. Content is compared where channels, sampling rate and length of the
    windows agree. ``same_people`` of the recipe lists groups of side/person who are one.
    """
    faults = []
    for source, target in _own_modality(frame):
        one, other = frame.sides[source], frame.sides[target]
        found: dict[str, str] = {}
        if one.about["dataset"] == other.about["dataset"] and not one.about["simulated"]:
            both = set(one.signals.subjects) & set(other.signals.subjects)
            found |= dict.fromkeys(sorted(both), "of one data set")
        for group in frame.recipe.same_people:
            mine = [name.split("/", 1)[1] for name in group if name.split("/", 1)[0] == source]
            if mine and any(name.split("/", 1)[0] == target for name in group):
                found |= dict.fromkeys(mine, "declared in same_people")
        found |= dict.fromkeys(_by_content(one.signals, other.signals), "by the content of recordings")
        if found:
            said = _named([f"{person} ({why})" for person, why in found.items()])
            message = f"{source} and {target} share people: {said}; the person tested is in the source"
            faults.append(Fault("error", message, target=target, source=source))
    return faults


def _own_modality(frame: Frame) -> list[tuple[str, str]]:
    """Return (source, target) of one modality that are two sets of data."""
    pairs = dict.fromkeys((direction.source, direction.target) for direction in frame.recipe.directions)
    for name in frame.sides:
        if name.startswith("same_modality "):
            pairs[name, name.removeprefix("same_modality ")] = None
    return [
        (source, target)
        for source, target in pairs
        if source != target
        and frame.sides[source].signals.modality == frame.sides[target].signals.modality
        and target in frame.sides
    ]


def _by_content(source: Windows, target: Windows) -> list[str]:
    """Return people of ``source`` whose signal stands in ``target``."""
    if (source.names, source.sfreq, source.shape) != (target.names, target.sfreq, target.shape):
        return []
    if not source.is_signal:
        return []
    parts = []
    for name, windows in (("source ", source), ("target ", target)):
        table = windows.metadata.assign(
            uid=name + windows.metadata["uid"], recording=name + windows.metadata["recording"]
        )
        parts.append(
            Windows(
                windows.X, np.zeros(len(windows), np.int64), table, ("any",), windows.names, windows.modality,
                windows.sfreq,
            )
        )  # fmt: skip
    both = concatenate(parts)
    people = dict(zip(both.metadata["recording"], both.metadata["subject"], strict=True))
    found = set()
    for copy in find_copies(both):
        names = {copy.first_recording.split(" ")[0], copy.second_recording.split(" ")[0]}
        if names == {"source", "target"}:
            mine = [r for r in (copy.first_recording, copy.second_recording) if r.startswith("source ")]
            found.add(str(people[mine[0]]))
    return sorted(found)


def label_is_recording(frame: Frame) -> list[Fault]:
    """Classify test windows by nothing but the name of their recording, with the folds of the study.

    A window gets the class that most training windows of its recording have, or, if none has trained, the
    class that is most frequent in training. An error where that is above chance by more than 5 points of
    balanced accuracy (mean over people). A note where it is not, but every person has one recording per class
    in which nothing else is: then only other people can tell a class from its recording.
    """
    faults = []
    for target, protocol, network, splits in _first_splits(frame):
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
