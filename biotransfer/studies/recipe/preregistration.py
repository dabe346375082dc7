"""What a study fixed before it was run, its hash, and what changed since."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import check
from ...evidence.metrics import MEASURES, Compare
from ...settings import Reader, Settings, UnexpectedError, key, many, number, option, plain, text

CLAIMS = "all"
_UNBOUND = ("engine", "accept")
"""Keys that say how a study is computed or answered for, not what it asks."""


def _date(where: str, given: Any) -> str:
    try:
        day = given if isinstance(given, dt.date) else dt.date.fromisoformat(given)
    except (TypeError, ValueError) as error:
        raise UnexpectedError from error
    day = day.date() if isinstance(day, dt.datetime) else day
    latest = (dt.datetime.now(dt.UTC) + dt.timedelta(hours=14)).date()
    check(
        day <= latest,
        f"{where}={day.isoformat()} lies ahead: nothing is registered yet. Write the day on which the block "
        "was fixed.",
    )
    return day.isoformat()[:10]


def _exclusions(where: str, given: Any) -> dict[str, dict[str, str]]:
    example = "Write exclusions: {eeg: {S10: why this person is left out}}."
    check(isinstance(given, Mapping), f"{where}={given!r} is no mapping by side. {example}")
    for side, names in given.items():
        check(isinstance(names, Mapping), f"{where}.{side}={names!r} is no mapping of reasons. {example}")
        for name, reason in names.items():
            check(
                isinstance(reason, str) and len(reason.split()) > 1,
                f"{where}.{side}.{name}={reason!r} is no reason. Say in a few words why; the report prints "
                "it.",
            )
    return {
        str(side): {str(name): reason.strip() for name, reason in names.items()}
        for side, names in given.items()
    }


def _family(where: str, given: Any) -> str | tuple[str, ...]:
    return CLAIMS if given == CLAIMS else many(text())(where, given)


@dataclass(frozen=True)
class Preregistration(Settings):
    """What was fixed before the study was run."""

    SECTION = "preregistration"

    date: str = key(
        "Day on which it was fixed, such as 2026-11-28.", Reader("a day such as 2026-11-28", _date)
    )
    hypotheses: tuple[str, ...] = key("What is expected, a text or a list of them.", many(text()))
    measure: str = key(
        "What of the learning curve counts, as compare says it.", option(tuple(MEASURES)), Compare.measure
    )
    margin: float = key(
        "The largest difference that does not matter, as compare says it.", number(above=0), Compare.margin
    )
    alpha: float = key(
        "Error rate of the family, as compare says it.", number(above=0, below=1), Compare.alpha
    )
    family: str | tuple[str, ...] = key(
        "Which transfer arms make claims: all, or the labels of all of them; a claim is a direction, "
        "network, variant, rule and budget of one of them.",
        Reader("all, or a list of labels", _family),
        CLAIMS,
    )
    exclusions: Mapping[str, Mapping[str, str]] = key(
        "By side, people and recordings that are left out, each with the reason: {eeg: {S10: why}}. That "
        "they are is checked when data are loaded.",
        Reader("reasons by side and name", _exclusions),
        {},
    )


def registration(recipe: Any) -> dict[str, Any] | None:
    """Return what a recipe registers: its hash, its date, and the content that is hashed.

    Parameters
    ----------
    recipe : Recipe
        With a block ``preregistration``, or without.

    Returns
    -------
    dict or None
        ``hash``: SHA-256, 64 hexadecimal digits, of ``content`` as canonical JSON (keys sorted, no spaces,
        UTF-8); ``date``; ``content``: the block, and every key of the recipe that can change a number. None
        without a block.
    """
    if recipe.preregistration is None:
        return None
    design = {k: v for k, v in recipe.essence.items() if k not in _UNBOUND}
    content = plain({"preregistration": recipe.preregistration, "recipe": design})
    return {"hash": content_hash(content), "date": recipe.preregistration.date, "content": content}


def content_hash(content: Mapping[str, Any]) -> str:
    """Return the SHA-256 of content as canonical JSON.

    Examples
    --------
    >>> content_hash({"b": 1, "a": [2]})[:16]
    'dae6a96bb0f3ae4f'
    """
    written = json.dumps(content, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return hashlib.sha256(written.encode()).hexdigest()


def registration_of(recipe: Any) -> dict[str, str] | None:
    """Return hash and date of what a recipe registers; None where it registers nothing.

    Parameters
    ----------
    recipe : Recipe
        With a block ``preregistration``, or without.
    """
    found = registration(recipe)
    return None if found is None else {"hash": found["hash"], "date": found["date"]}


def deviations(first: Mapping[str, Any], now: Mapping[str, Any] | None) -> list[str]:
    """Say what differs between what was registered first and what is run.

    Parameters
    ----------
    first, now : mapping
        See :func:`registration`; ``now`` is None where the block was left out.

    Returns
    -------
    list of str
        One sentence per key; keys that the first did not know, since they are newer, are left out.
    """
    if now is None:
        return ["preregistration: the block was left out"]
    found = []
    for part, name in (("preregistration", "preregistration."), ("recipe", "")):
        old, new = first["content"][part], now["content"][part]
        found += [
            f"{name}{key_}: registered {_short(old[key_])}, run with {_short(new.get(key_))}"
            for key_ in old
            if old[key_] != new.get(key_)
        ]
    return found


def _short(value: Any) -> str:
    written = json.dumps(value, ensure_ascii=False)
    return written if len(written) <= 160 else f"{written[:150]} ... (see the file)"
