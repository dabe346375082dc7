"""Guards of content and people: nothing that is tested may have been learned from under another name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import combinations
from typing import Any

import numpy as np

from ...signals.splits import LEAST_S, Copy, compare_prints, shared_content
from ...signals.windows import Windows
from ..reading import tested_label
from .frame import Fault, Frame, first_splits, named

_GIVEN = ("saved", "windows")


def shared_samples(frame: Frame) -> list[Fault]:
    """Look for the same signal in two recordings of a target, by its content, on either side of a split.

    Whole or partial copies are found under any name and time stamp, resampled, rescaled, filtered, with
    channels in another order, and under noise; the same samples of one recording on both sides are refused
    when the split is made. Features, and recordings shorter than 1 s, are not compared, which is said.
    """
    faults, copies = [], {}
    for target, protocol, network, folds in first_splits(frame):
        signals = frame.sides[target].signals
        missed = _not_compared(signals)
        if missed:
            faults.append(
                Fault("note", f"{tested_label(target, protocol)}: {missed}", target=target, protocol=protocol)
            )
        if not signals.is_signal:
            continue
        budgets = [
            split
            for (*key, _), made in frame.labelled.items()
            if tuple(key) == (target, protocol, network)
            for split in made
        ]
        if target not in copies:
            copies[target] = compare_prints(frame.sides[target].prints)
        windows = frame.sides[target].windows(network)
        shared = [
            c for split in (*folds, *budgets) for c in shared_content(windows, split, copies=copies[target])
        ]
        if shared:
            pairs = dict.fromkeys(f"{c.first} in {c.second}, {c.seconds:.1f} s or more" for c in shared)
            message = (
                f"{tested_label(target, protocol)}"
                f": {len({c.first for c in shared})} recordings that are tested stand "
                f"in training under another name ({named(list(pairs))})"
            )
            faults.append(Fault("error", message, target=target, protocol=protocol))
    return faults


def _not_compared(windows: Windows) -> str:
    """Say what of some windows cannot be compared by content; "" where all can."""
    if not windows.is_signal:
        return "windows were given as features, in which copies of a signal cannot be looked for"
    spans = windows.metadata.groupby("recording", sort=False).agg(a=("start", "min"), b=("stop", "max"))
    n_short = int(np.sum(spans["b"] - spans["a"] < LEAST_S - 1e-6))
    if not n_short:
        return ""
    return (
        f"{n_short} of {len(spans)} recordings are shorter than {LEAST_S:g} s, too short to tell a copy by "
        "its content"
    )


def same_people(frame: Frame) -> list[Fault]:
    """Compare every source with its target, whatever the modality: ids, content, and what is declared.

    Ids count inside one data set: the same name, folder and seed, or recordings given under one name. There
    the same id in EEG and EMG is one person recorded in both. Content is compared whatever channels, rate and
    unit. ``same_people`` of the recipe lists groups of side/person who are one, also inside a side, where no
    split may set them apart. One person under two names, in two recordings, is seen by none of these.
    """
    faults = [*_declared_inside(frame)]
    compared: dict[tuple[str, str], list[Copy]] = {}
    for source, target in _pairs(frame):
        one, other = frame.sides[source], frame.sides[target]
        found: dict[str, str] = {}
        if _origin(frame, source) == _origin(frame, target) and not one.about["simulated"]:
            both = set(one.signals.subjects) & set(other.signals.subjects)
            crossing = one.signals.modality != other.signals.modality
            why = "of one data set, recorded in both signals" if crossing else "of one data set"
            found |= dict.fromkeys(sorted(both), why)
        for group in frame.recipe.same_people:
            mine = _people_of(group, source)
            if mine and _people_of(group, target):
                found |= dict.fromkeys(mine, "declared in same_people")
        missed = [
            f"{name}: {text}"
            for name in (source, target)
            if (text := _not_compared(frame.sides[name].signals))
        ]
        if one.signals.is_signal and other.signals.is_signal:
            if (target, source) in compared:
                copies = [copy.turned() for copy in compared[target, source]]
            else:
                copies = compared[source, target] = compare_prints(one.prints, other.prints)
            for copy in copies:
                found[copy.first_subject] = (
                    f"by the content of recordings: {copy.first} is {copy.second} for {copy.seconds:.1f} "
                    "s or more"
                )
        if missed:
            said = f"{source} and {target}: {'; '.join(missed)}. Ids and declarations were compared"
            faults.append(Fault("note", said, target=target, source=source))
        if found:
            said = named([f"{person} ({why})" for person, why in found.items()])
            message = f"{source} and {target} share people: {said}; the person tested is in the source"
            faults.append(Fault("error", message, target=target, source=source))
    return faults


def _people_of(group: tuple[str, ...], side: str) -> list[str]:
    """Return the people of a side in a declared group."""
    return [name.split("/", 1)[1] for name in group if name.split("/", 1)[0] == side]


def _declared_inside(frame: Frame) -> Iterator[Fault]:
    """Yield the rules of splitting that test one name of a person and train on another."""
    for target, protocol, network, splits in first_splits(frame):
        subjects = frame.sides[target].windows(network).metadata["subject"].to_numpy(dtype=str)
        known = set(subjects.tolist())
        apart = []
        for group in frame.recipe.same_people:
            names = [name for name in _people_of(group, target) if name in known]
            for split in splits:
                tested, seen = set(subjects[split.test].tolist()), set(subjects[split.seen].tolist())
                apart += [
                    f"{one} and {two}"
                    for one, two in combinations(names, 2)
                    if (one in tested and two in seen) or (two in tested and one in seen)
                ]
        if apart:
            said = named(list(dict.fromkeys(apart)))
            message = (
                f"{tested_label(target, protocol)}"
                f": {said} are one person by same_people, and one name is tested while "
                "the other trains"
            )
            yield Fault("error", message, target=target, protocol=protocol)


def _pairs(frame: Frame) -> list[tuple[str, str]]:
    """Return (source, target) of all pairs that are two sets of data."""
    pairs = dict.fromkeys((direction.source, direction.target) for direction in frame.recipe.directions)
    for name in frame.sides:
        if name.startswith("same_modality "):
            pairs[name, name.removeprefix("same_modality ")] = None
    return [(source, target) for source, target in pairs if source != target and target in frame.sides]


def _origin(frame: Frame, name: str) -> tuple[str, ...]:
    """Return what makes equal ids one person: the data set, with its folder or seed, or a given name."""
    sections: Mapping[str, Any] = frame.recipe.sides
    aside = frame.recipe.same_modality.get(name.removeprefix("same_modality "))
    section: Any = aside if name.startswith("same_modality ") else sections.get(name)
    own = frame.sides[name]
    if hasattr(section, "origin") and section.data.name not in _GIVEN:
        return tuple(section.origin[1:])
    return ("given", str(own.signals.metadata["dataset"].iloc[0]))
