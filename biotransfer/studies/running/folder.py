"""The study folder: whose it is, and what it was made from."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ... import __version__
from ...errors import BiotransferError, check
from ...files import (
    CONTENTS,
    DamagedError,
    parse_yaml,
    read_proven,
    remove,
    write_proven,
    write_text,
)
from ...learning.networks.checkpoints import fingerprint
from ...results import PAGES, Results, forget_page, load_results, study_contents
from ..recipe import Recipe, digest, recipe_yaml
from ..recipe.recipe import recipe_essence
from .code import code_uid
from .lock import is_of_lock
from .plan import Plan
from .provenance import machine
from .sameness import known_as, print_of, rounding_between

_FINISHED = ".finished"
_MADE_FROM = "made_from.json"
FIXED = ("eeg", "emg", "features", "scale", "align", "train", "pretrain", "engine", "smoke")
FREE = ("compare",)


def default_folder(recipe: Recipe) -> Path:
    """Return ``studies/<recipe>-<uid>``, the hash of what every trial of the study has in common."""
    stem = recipe.path.stem if recipe.path else "study"
    return Path("studies") / f"{stem}-{digest(recipe_essence(recipe.plain(*FIXED)))[:8]}"


def _grew(old: Any, new: Any) -> bool:
    """Whether ``new`` holds all of ``old``."""
    if isinstance(old, list) and isinstance(new, list):
        return all(item in new for item in old)
    if isinstance(old, dict) and isinstance(new, dict):
        return all(key in new and _grew(value, new[key]) for key, value in old.items())
    return bool(old == new)


def check_folder(folder: Path, recipe: Recipe) -> None:
    """Refuse a folder that holds anything but this study, or a smaller one that it continues.

    A study grows when its lists (seeds, arms, directions, ...) get longer; what the arms are compared by and
    what describes the study may change at will. Nothing is written.
    """
    existing, made = folder / "recipe.yaml", _made_from(folder)
    try:
        holds_recipe = existing.is_file()
    except OSError as error:
        raise BiotransferError(
            f"--out {str(folder)!r} cannot be read: {error.strerror or error}. Pass another --out."
        ) from error
    if holds_recipe or made:
        theirs = _recipe_there(existing, made)
        if theirs is None:
            check(
                made.get("recipe_uid") == recipe.uid,
                f"{str(existing)!r} is not as it was written, and what was run there last is another "
                "recipe. Run that one again, which mends it, or pass another --out; nothing was changed.",
            )
            return
        title = theirs.get("title")
        theirs, ours = recipe_essence(theirs), recipe_essence(recipe.to_dict())
        compared = {
            key: (theirs.get(key), ours.get(key))
            for key in dict.fromkeys([*theirs, *ours])
            if key not in FREE
        }
        other = [
            key
            for key, (old, new) in compared.items()
            if not (old == new if key in FIXED else _grew(old, new))
        ]
        check(
            not other,
            f"--out {str(folder)!r} holds another study ({title!r}): this one has other "
            f"{', '.join(other)}, and no study that holds all of the old one. Pass another --out; "
            "nothing was changed.",
        )
        return
    try:
        content = folder.iterdir() if folder.exists() else ()
        occupied = next((path for path in content if not is_of_lock(path)), None)
    except OSError as error:
        raise BiotransferError(
            f"--out {str(folder)!r} cannot be read: {error.strerror or error}. Pass another --out."
        ) from error
    check(
        occupied is None,
        f"--out {str(folder)!r} is not empty and holds no study (found {getattr(occupied, 'name', '')!r}). "
        "Pass another --out; nothing was changed.",
    )


def _made_from(folder: Path) -> dict[str, Any]:
    """Return what the folder was claimed for; empty where that is not there as it was written."""
    try:
        return read_proven(folder / _MADE_FROM)
    except DamagedError:
        return {}


def _recipe_there(path: Path, made: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return the recipe in a folder; None where it is not there as it was written."""
    try:
        text = path.read_text(encoding="utf-8")
        if made and made.get("recipe") != _sum_of(text):
            return None
        theirs = parse_yaml(text, repr(str(path)), "")
        return theirs if isinstance(theirs, dict) else None
    except (OSError, ValueError):
        return None


def _sum_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def read_claim(folder: Path, plan: Plan) -> tuple[Plan, dict[str, Any]]:
    """Compare what is run with what ``folder`` was claimed for; refuse other data or versions. Write nothing.

    Returns
    -------
    plan : Plan
        The same; sides that another processor made from the same files, by the same code, go by what the
        folder calls them, and say how far they are.
    claim : dict
        For :func:`claim_folder`.
    """
    theirs = _made_from(folder)
    sides, prints = dict(plan.sides), dict(theirs.get("prints", {}))
    differs = ["version"] if theirs.get("version", __version__) != __version__ else []
    for name, side in plan.sides.items():
        now, then = print_of(side), prints.get(name, {})
        if then.get("ids") != now["ids"]:
            rounding = rounding_between(then, now)
            if rounding is not None:
                sides[name] = known_as(side, then["ids"], rounding)
                continue
            if theirs.get("data", {}).get(name, now["ids"]["digest"]) != now["ids"]["digest"]:
                differs.append("data")
        prints[name] = now
    check(
        not differs,
        f"--out {str(folder)!r} holds this recipe run with another {' and '.join(dict.fromkeys(differs))}. "
        "Pass another --out; nothing was changed.",
    )
    data = {name: side.about["digest"] for name, side in sides.items()}
    claim = {**theirs, "version": __version__, "data": data, "prints": prints}
    return replace(plan, sides=sides), claim


def claim_folder(folder: Path, recipe: Recipe, claim: Mapping[str, Any]) -> None:
    """Write into ``folder``, which is held, what is run on which data, see :func:`read_claim`."""
    text = recipe_yaml(recipe)
    write_proven(folder / _MADE_FROM, {**claim, "recipe_uid": recipe.uid, "recipe": _sum_of(text)})
    write_text(folder / "recipe.yaml", text)


def note_machine(folder: Path) -> list[dict[str, Any]]:
    """Write down which machine computed something in ``folder``; return all that did, the first one first."""
    facts = _made_from(folder)
    machines = list(facts.get("machines", []))
    if machine() not in machines:
        machines.append(machine())
        write_proven(folder / _MADE_FROM, {**facts, "machines": machines})
    return machines


def outcome_uid(plan: Plan) -> str:
    """Return a hash of everything that the tables, verdicts and checks of a study follow from."""
    data = {name: [side.about["digest"], side.about["features_spec"]] for name, side in plan.sides.items()}
    given = [
        fingerprint(arm.weights, spec.name)
        for variant in plan.recipe.variants.values()
        for arm in variant.arms
        for spec in variant.network
        if arm.weights is not None
    ]
    return digest([code_uid(), plan.recipe.to_dict(), data, given])


def finished_results(folder: Path, uid: str) -> tuple[Results | None, list[str]]:
    """Return the results in ``folder`` where they are those of ``uid``, and what is not as it was written.

    Nothing is written. Results of which anything is damaged are not returned.
    """
    try:
        if (folder / _FINISHED).read_text(encoding="utf-8") != uid:
            return None, []
    except (OSError, ValueError):
        return None, []
    try:
        contents = study_contents(folder)
        if contents is None:
            return None, []
        wrong = [f"{str(folder / name)!r} {said}" for name, said in contents.damage().items()]
        return (None, wrong) if wrong else (load_results(folder), [])
    except BiotransferError as error:
        return None, [str(error)]


def is_read_only(folder: Path) -> bool:
    """Whether a folder is there that cannot be written: a study on read-only media."""
    return folder.is_dir() and not os.access(folder, os.W_OK)


def mark_unfinished(folder: Path) -> None:
    """Remove what would no longer fit the tables about to be written."""
    for name in (_FINISHED, CONTENTS):
        remove(folder / name)
    for name in PAGES:
        forget_page(folder / name)


def mark_finished(folder: Path, uid: str) -> None:
    """Note that the results in ``folder`` are those of ``uid``."""
    write_text(folder / _FINISHED, uid)


def earlier_provenance(folder: Path) -> dict[str, Any]:
    """Return what an earlier, finished run wrote; empty when it is not there as it was written."""
    try:
        return read_proven(folder / "provenance.json")
    except DamagedError:
        return {}
