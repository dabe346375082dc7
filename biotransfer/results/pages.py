"""Pages in a study folder, each with its checksum beside it."""

from __future__ import annotations

from pathlib import Path

from ..files import (
    CONTENTS,
    DamagedError,
    list_contents,
    read_contents,
    remove,
)

PAGES = ("report.html", "methods.md")
"""Of a study folder, what is written of the results."""


def note_page(path: Path) -> None:
    """Note the checksum of a page that was written into a study folder."""
    if (path.parent / CONTENTS).exists():
        list_contents(path.parent, [path.name], of=path.name, name=_sum_beside(path).name)


def page_damage(path: Path) -> str:
    """Return what is wrong with a page of a study folder; "" where it is as it was written."""
    try:
        contents = read_contents(path.parent, of=path.name, name=_sum_beside(path).name)
        contents.proven(path.name)
    except DamagedError as error:
        return str(error)
    return ""


def forget_page(path: Path) -> None:
    """Remove a page and its checksum."""
    remove(path)
    remove(_sum_beside(path))


def _sum_beside(path: Path) -> Path:
    return path.with_name(f".{path.name}.json")
