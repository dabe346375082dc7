"""Files of a data set, whether they lie in its folder or in the archives that were downloaded."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from .loaded import Seen
from .zips import member_names, open_zip, read_member


@dataclass(frozen=True)
class Member:
    """A file by its place below the folder, or ``ARCHIVE.zip/PLACE``; what its name says; what reads it."""

    path: str
    named: re.Match[str]
    read: Callable[[], bytes]


def find_members(folder: Path, pattern: re.Pattern[str], seen: Seen, why: str) -> list[Member]:
    """Return the files whose path fits a pattern, in the order of their paths.

    Parameters
    ----------
    folder : Path
        Of the data set, with its archives, or what they held.
    pattern : re.Pattern
        Of a path below the folder, or inside an archive. A file that is in an archive and beside it is read
        from the folder.
    seen : Seen
        Is told of files that do not fit.
    why : str
        What is told of them.

    Raises
    ------
    BiotransferError
        When an archive is damaged.
    """
    found: dict[str, Member] = {}
    for path, inner, read in _all_files(folder):
        named = pattern.fullmatch(inner)
        if named is None:
            if not path.endswith(".zip"):
                seen.left_out(path, "", why)
        elif path != inner and any(inner.endswith(other) for other in found):
            seen.left_out(path, "", "the folder holds it beside its archive")
        else:
            found[inner] = Member(path, named, read)
    return [found[inner] for inner in sorted(found)]


def _all_files(folder: Path) -> Iterator[tuple[str, str, Callable[[], bytes]]]:
    """Yield path, place and reader of files in the folder, then of those in its archives."""
    archives = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            name = path.relative_to(folder).as_posix()
            if path.suffix == ".zip":
                archives.append(path)
            yield name, name, path.read_bytes
    for path in archives:
        name = path.relative_to(folder).as_posix()
        members = member_names(path)
        for member in members:
            yield f"{name}/{member}", member, _reader(path, member)


def _reader(path: Path, member: str) -> Callable[[], bytes]:
    def read() -> bytes:
        with open_zip(path) as archive:
            return read_member(archive, member)

    return read
