"""A recipe to start from, of one's own folders: what was guessed of them, each guess with its reason."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ...errors import check
from ...signals.datasets.own.guessing import Guess, look_at
from ...signals.recording import MODALITIES

_LONG, _SHORT = 1.0, 0.2


def sides_of(folders: Sequence[str | Path], recipe: Path) -> dict[str, str]:
    """Return the data sections of some folders, as text, by modality.

    Parameters
    ----------
    folders : sequence of path
        At most one of each modality.
    recipe : Path
        Where the recipe will lie: folders below its own are named from there.

    Raises
    ------
    BiotransferError
        When a folder holds no recordings, or two look like one modality.
    """
    sides: dict[str, str] = {}
    of: dict[str, str] = {}
    for folder in folders:
        guess = look_at(folder)
        modality = str(guess.keys["modality"])
        check(
            modality not in sides,
            f"--data {str(folder)!r} looks like {modality}, as {of.get(modality)!r} does. Expected one of "
            "each. Name one of them, and write the other under sets: by hand.",
        )
        of[modality] = str(folder)
        sides[modality] = section_text(modality, guess, recipe.resolve().parent)
    return sides


def section_text(name: str, guess: Guess, base: Path) -> str:
    """Return a data section with its guesses as comments.

    Parameters
    ----------
    name : str
        Of the side.
    guess : Guess
        Of a folder.
    base : Path
        The folder from which paths are meant.
    """
    keys: dict[str, Any] = {"data": "folder", **guess.keys}
    keys.pop("modality")
    folder = Path(keys["path"]).resolve()
    keys["path"] = folder.relative_to(base).as_posix() if folder.is_relative_to(base) else str(folder)
    lines = [f"{name}:  # {guess.why['modality']}"]
    for key, value in keys.items():
        why = guess.why.get(key)
        lines.append(f"  {key}: {_flow(value)}" + (f"  # {why}" if why else ""))
    lines += [f"  # {key}:{text}" for key, text in guess.missing.items()]
    long = not guess.seconds or guess.seconds >= 2 * _LONG
    length = _LONG if long else max(_SHORT, round(guess.seconds / 4, 1))
    lines += [f"  preprocess: {name}", f"  windows: {{length: {length:g}, step: {length / 2:g}}}"]
    return "\n".join(lines)


def to_fill_in(section: str) -> list[str]:
    """Return the keys that a data section of :func:`sides_of` leaves to be filled in."""
    return re.findall(r"^  # (\w+):  # TO FILL IN", section, re.MULTILINE)


def stand_ins(sides: Mapping[str, str]) -> list[str]:
    """Return the modalities for which a new recipe simulates signals, where some of one's own are named."""
    return [modality for modality in MODALITIES if sides and modality not in sides]


def _flow(value: Any) -> str:
    text = yaml.safe_dump(value, default_flow_style=True, sort_keys=False, width=10**6)
    return text.removesuffix("\n").removesuffix("...").rstrip()
