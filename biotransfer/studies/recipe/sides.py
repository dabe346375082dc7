"""The data of a recipe: sides by name, the directions between them, and who is kept aside."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import product
from typing import Any

from ...errors import BiotransferError, check, check_option, did_you_mean
from ...results import Direction
from ...signals.recording import MODALITIES
from .keys import SECTION_KEYS, WINDOW_DEFAULTS

EVERY = "all"
_NAME = re.compile(r"(?!.*-to-)[A-Za-z0-9][A-Za-z0-9_-]*")


def known_keys(what: str, given: Any, known: Sequence[str]) -> dict[str, Any]:
    """Return ``given`` as a dict whose keys are all known."""
    check(isinstance(given, Mapping), f"{what}={given!r} is no mapping. Expected keys: {', '.join(known)}.")
    for key in given:
        if key not in known:
            raise BiotransferError(
                f"{what}: unknown key {key!r}.{did_you_mean(key, known)} Expected: {', '.join(known)}."
            )
    return dict(given)


def plain(value: Any) -> Any:
    """Return ``value`` in lists and dicts with text keys, as YAML would read it."""
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    return value


def resolve_sides(raw: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    """Return every data section by name: ``eeg``, ``emg`` and those of ``sets``, whose modality is stated.

    Raises
    ------
    BiotransferError
        For a name that cannot stand in a direction, or a section that names no data of its modality.
    """
    sets = raw.get("sets") or {}
    check(isinstance(sets, Mapping), f"sets={sets!r} is no mapping. Write sets: {{NAME: {{data: ...}}}}.")
    sides = {}
    for modality in MODALITIES:
        check(
            sets or modality in raw,
            f"recipe: {modality} is missing. Add for example {modality}: {{data: simulated}}.",
        )
        if modality in raw:
            sides[modality] = _section(modality, modality, raw[modality])
    for name, section in sets.items():
        check(
            isinstance(name, str) and _NAME.fullmatch(name) and name not in (EVERY, *MODALITIES),
            f"sets: {name!r} is no name for data. Use letters, digits, - and _, such as muse; not "
            f"{', '.join((EVERY, *MODALITIES))}, not -to-.",
        )
        sides[name] = {
            "modality": (modality := _modality(name, section)),
            **_section(name, modality, section),
        }
    return sides


def resolve_directions(given: Any, names: Sequence[str]) -> list[str]:
    """Return the directions by name; ``all`` at an end stands for every side, ``all`` alone for every pair.

    Parameters
    ----------
    given : str or list of str
        As written.
    names : sequence of str
        The sides.

    Raises
    ------
    BiotransferError
        For an unknown end, or a direction that is named twice.

    Examples
    --------
    >>> resolve_directions("all->muse", ["muse", "myo"])
    ['muse->muse', 'myo->muse']
    """
    written = [given] if isinstance(given, str) else given
    check(
        isinstance(written, list) and written and len({str(d) for d in written}) == len(written),
        f"directions={given!r}: each at most once, at least one.",
    )
    out: dict[str, None] = {}
    for direction in written:
        pair = str(Direction(EVERY, EVERY)) if direction == EVERY else direction
        known = {str(Direction(*ends)): ends for ends in product([*names, EVERY], repeat=2)}
        ends = known[check_option("directions", pair, known)]
        every = product(*(names if end == EVERY else [end] for end in ends))
        out |= dict.fromkeys(str(Direction(*pair)) for pair in every)
    return list(out)


def _modality(name: str, section: Any) -> str:
    """Return the modality that a set states, or else that of its data set."""
    from ...signals.datasets import DATASETS

    check(
        isinstance(section, Mapping) and "data" in section,
        f"sets.{name}={section!r} names no data. Write {name}: {{data: simulated, modality: eeg}}. "
        "See: biotransfer list datasets",
    )
    modality = section.get("modality", DATASETS[section["data"]].facts.get("modality"))
    check(
        modality in MODALITIES,
        f"sets.{name}.modality={section.get('modality')!r}. Expected {' or '.join(MODALITIES)}.",
    )
    return str(modality)


def _section(name: str, modality: str, given: Any) -> dict[str, Any]:
    """Resolve one side's data, preprocessing and windows."""
    from ...signals.datasets import DATASETS
    from ...signals.preprocessing import resolve_steps

    check(
        isinstance(given, Mapping) and "data" in given,
        f"{name}={given!r} names no data. Write for example {name}: {{data: simulated}}. "
        f"See: biotransfer list datasets",
    )
    check(
        given.get("modality", modality) == modality,
        f"{name}.modality={given.get('modality')!r}. Expected {modality}.",
    )
    parameters = {k: v for k, v in given.items() if k not in (*SECTION_KEYS, "modality")}
    entry = DATASETS[given["data"]]
    if any(p.name == "modality" for p in entry.parameters):
        parameters["modality"] = modality
    entry, parameters = DATASETS.resolve({"name": given["data"], **parameters})
    declared = entry.facts.get("modality")
    check(
        declared in (modality, None, "any"),
        f"{name}: data {entry.name!r} is {declared}. Move it to {declared}:, or choose another data set.",
    )
    windows = {
        **WINDOW_DEFAULTS,
        **known_keys(f"{name}.windows", given.get("windows", {}), list(WINDOW_DEFAULTS)),
    }
    for key in ("length", "step"):
        number = isinstance(windows[key], (int, float)) and not isinstance(windows[key], bool)
        check(
            number and windows[key] > 0,
            f"{name}.windows.{key}={windows[key]!r}. Expected seconds, such as 1.0.",
        )
    return {
        "data": entry.name,
        **plain(parameters),
        "preprocess": plain(resolve_steps(given.get("preprocess", modality))),
        "windows": windows,
    }


def resolve_donors(out: Mapping[str, Any], sides: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    """Resolve ``same_modality``: for each target that needs one, a source of the target's own kind.

    The arm ``same_modality`` needs people kept aside or another data set; a direction from a set to itself
    needs people kept aside, there or by the split rule.

    Raises
    ------
    BiotransferError
        When a target lacks one, or the target's people would be in source and target.
    """
    given = known_keys("same_modality", out["same_modality"], list(sides))
    resolved: dict[str, Any] = {}
    wanted = any(arm["name"] == "same_modality" for arm in out["arms"])
    for direction in map(Direction.read, out["directions"]):
        source, target = direction.source, direction.target
        spec = given.get(target)
        check(
            spec is not None or not wanted,
            f"arm same_modality needs a source for {target}. Add same_modality: {{{target}: {{people: 1}}}} "
            "to keep people of the target's set aside, or name another data set there.",
        )
        people = spec["people"] if isinstance(spec, Mapping) and set(spec) == {"people"} else None
        keeps = people is not None
        if keeps and (wanted or source == target):
            resolved[target] = {"people": _people(target, people, out["split"])}
        elif wanted and target not in resolved:
            modality = sides[target].get("modality", target)
            resolved[target] = _section(f"same_modality.{target}", modality, spec)
            check(
                resolved[target]["data"] != sides[target]["data"],
                f"same_modality.{target}: {resolved[target]['data']!r} is the target itself; its people "
                "would be in source and target. Use {people: n}, or another data set.",
            )
        check(
            source != target or keeps or all(rule.get("donors") for rule in out["split"]),
            f"directions: {direction} starts from other people of its own set, but nobody is kept "
            f"aside. Add same_modality: {{{target}: {{people: 1}}}}, or split: {{by: subject, donors: 1}}.",
        )
    return resolved


def _people(target: str, people: Any, splits: Sequence[Mapping[str, Any]]) -> int:
    check(
        isinstance(people, int) and people > 0,
        f"same_modality.{target}.people={people!r}. Expected 1 or more.",
    )
    check(
        all(split["by"] == "subject" for split in splits),
        f"same_modality.{target}: people can be kept aside only with split: {{by: subject}}. "
        "Name another data set instead.",
    )
    return int(people)
