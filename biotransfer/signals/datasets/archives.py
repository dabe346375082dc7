"""Files of a data set, whether they lie in its folder or in the archives that were downloaded."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from .loaded import Seen
from .zips import member_names, open_zip, read_member


@dataclass(frozen=True)
class Member:
    """A file by its place below the folder, or ``ARCHIVE.zip/PLACE``; what its name says; where it lies."""

    path: str
    named: re.Match[str]
    file: Path
    inner: str = ""

    def read(self) -> bytes:
        """Return what it holds, as :func:`read_file` does."""
        return read_file(self.file, self.inner)


def read_file(file: Path, inner: str = "") -> bytes:
    """Return what a file holds, or the member of that name of an archive.

    Raises
    ------
    BiotransferError
        When the archive is damaged, or the member is larger than it says.
    """
    if not inner:
        return file.read_bytes()
    with open_zip(file) as archive:
        return read_member(archive, inner)


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
    for path, place, file, inner in _all_files(folder):
        named = pattern.fullmatch(place)
        if named is None:
            if not path.endswith(".zip"):
                seen.left_out(path, "", why)
        elif inner and any(place.endswith(other) for other in found):
            seen.left_out(path, "", "the folder holds it beside its archive")
        else:
            found[place] = Member(path, named, file, inner)
    return [found[place] for place in sorted(found)]


def _all_files(folder: Path) -> Iterator[tuple[str, str, Path, str]]:
    """Yield path, place, file and member of files in the folder, then of those in its archives."""
    archives = []
    for path in sorted(folder.rglob("*")):
        if path.is_file() and not path.name.startswith("."):
            name = path.relative_to(folder).as_posix()
            if path.suffix == ".zip":
                archives.append(path)
            yield name, name, path, ""
    for path in archives:
        name = path.relative_to(folder).as_posix()
        members = member_names(path)
        for member in members:
            yield f"{name}/{member}", member, path, member
