"""The registration of a study: fixed beside the recipe before a run, and kept in the study folder."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from ...errors import BiotransferError, check
from ...files import DamagedError, read_json, read_proven, write_proven
from ...results import Direction
from ..recipe import Recipe
from ..recipe.preregistration import content_hash, deviations, registration
from .data import Side

REGISTERED = "registration.json"
_LATE = "the study had been run before it was registered"


def beside(recipe: Path) -> Path:
    """Return where the registration of a recipe file lies.

    Examples
    --------
    >>> beside(Path("pipelines/definitive.yaml")).as_posix()
    'pipelines/definitive.registration.json'
    """
    return recipe.with_suffix(".registration.json")


def register_recipe(recipe: Recipe, file: Path) -> dict[str, Any]:
    """Write what a recipe registers, with the moment, into a file that is never written over.

    Parameters
    ----------
    recipe : Recipe
        With a block ``preregistration``.
    file : Path
        To write; see :func:`beside`.

    Returns
    -------
    dict
        ``hash``, ``date``, ``content`` (see :func:`.registration`) and ``registered``, the moment in UTC:
        those of the file where it is there already.

    Raises
    ------
    BiotransferError
        Where the recipe registers nothing, or the file holds another registration.
    """
    now = registration(recipe)
    if now is None:
        raise BiotransferError(
            "the recipe has no block preregistration: there is nothing to register. Add preregistration: "
            "{date: ..., hypotheses: [...]}. See: biotransfer list keys"
        )
    if not file.is_file():
        write_proven(file, {**now, "registered": _moment()})
    kept = read_registration(file)
    changed = deviations(kept, now)
    check(
        not changed,
        f"{str(file)!r} holds what was registered on {kept['date']}, and the recipe has changed since: "
        f"{'; '.join(changed)}. Runs show this as a deviation; to register it anew, pass another --out.",
    )
    return kept


def read_registration(file: Path) -> dict[str, Any]:
    """Return a registration from its file.

    Raises
    ------
    BiotransferError
        For a file that is none, or whose content is not what was hashed.
    """
    found = read_json(file)
    whole = isinstance(found, dict) and {"hash", "date", "content", "registered"} <= set(found)
    try:
        found = read_proven(file) if whole and "checksum" in found else found
        whole = whole and content_hash(found["content"]) == found["hash"]
    except (DamagedError, ValueError):
        whole = False
    check(
        whole,
        f"{str(file)!r} is no registration, or was changed by hand: its hash is not that of its content. "
        "Restore it from where it was published; without it, the study is registered anew, and late. "
        f"Type: rm -r {file}",
    )
    return dict(found)


def _moment() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")


def say_registration(recipe: Recipe) -> str:
    """Return what is registered of a recipe before it runs, in a sentence; "" where nothing is.

    Raises
    ------
    BiotransferError
        For a registration beside the recipe that is none, or was changed by hand.
    """
    now = registration(recipe)
    if now is None:
        return ""
    file = beside(recipe.path) if recipe.path else None
    if file is None or not file.is_file():
        name = recipe.path or "RECIPE"
        return f"Registered by its first run, unless you fix it now: biotransfer register {name}"
    first = read_registration(file)
    changed = deviations(first, now)
    since = f"changed since, which the report shows: {'; '.join(changed)}" if changed else "unchanged"
    return f"Registered on {first['date']} in {file.name}, SHA-256 {first['hash'][:12]}, {since}"


def keep_registration(folder: Path, recipe: Recipe) -> dict[str, Any] | None:
    """Keep the first registration in a study folder, and say what differs from it.

    Parameters
    ----------
    folder : Path
        Of the study.
    recipe : Recipe
        What is run. Where the folder holds no registration yet, that beside the recipe's file is taken, or
        else what the recipe registers now; where it holds trained networks already, it is late.

    Returns
    -------
    dict or None
        ``hash`` and ``date`` of the first registration, ``registered`` (the moment), ``deviations`` (a list
        of sentences); None where nothing was ever registered.
    """
    kept, now = folder / REGISTERED, registration(recipe)
    if not kept.is_file():
        if now is None:
            return None
        published = beside(recipe.path) if recipe.path else None
        first = read_registration(published) if published and published.is_file() else None
        first = first or {**now, "registered": _moment()}
        write_proven(kept, {**first, "late": any(folder.glob("trials/*"))})
    first = read_registration(kept)
    changed = [_LATE] if first.get("late") else []
    return {
        **{name: first[name] for name in ("hash", "date", "registered")},
        "deviations": [*changed, *deviations(first, now)],
    }


def say_registered(
    rows: Sequence[Mapping[str, Any]], registered: Mapping[str, Any] | None
) -> list[dict[str, Any]]:
    """Return verdicts with the registration that they stand under: ``hash``, ``date`` and ``deviations``.

    Parameters
    ----------
    rows : sequence of mapping
        Verdicts.
    registered : mapping, optional
        See :func:`keep_registration`; without one, verdicts stay as they are.
    """
    if registered is None:
        return [dict(row) for row in rows]
    said = {name: registered[name] for name in ("hash", "date", "deviations")}
    return [{**row, "preregistration": said} for row in rows]


def refuse_excluded(recipe: Recipe, sides: Mapping[str, Side], direction: Direction) -> None:
    """Refuse data of people or recordings that the preregistration leaves out.

    Raises
    ------
    BiotransferError
        With their names, and where to leave them out.
    """
    excluded = recipe.preregistration.exclusions if recipe.preregistration else {}
    for side in dict.fromkeys((direction.source, direction.target)):
        table = sides[side].signals.metadata
        there = {str(name) for column in ("subject", "recording") for name in table[column].unique()}
        found = [name for name in excluded.get(side, {}) if name in there]
        check(
            not found,
            f"preregistration.exclusions.{side}: {', '.join(found)} {'is' if len(found) == 1 else 'are'} in "
            f"the data. Leave out what is excluded, such as {side}: {{subjects: [...]}} or "
            "{decisions: FILE}, or take the name out of the block.",
        )
