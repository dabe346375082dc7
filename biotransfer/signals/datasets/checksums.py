"""What every file of a data set has to be: its registry, and what a folder recorded of the rest.

A registry line is ``path sha256 bytes``. Of files that only their origin has, both are ``-``: they are
checked against the origin's own list where it has one, and the sha256 of what arrived is written down in
their folder, so that later damage is found. ``{name=1..9}`` and ``{name=a,b}`` in a path stand for many
files; ``{name}`` repeats a value.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from importlib import resources
from pathlib import Path

from ...errors import check
from ...files import read_text

UNKNOWN = "-"
RECORD = "sha256-of-download.txt"
"""File in a folder of downloads: lines of a registry, for files that the package's own does not know."""
_MOST = 200_000
_LARGEST = 64 << 20
_AGAIN = "Delete it: the files that it is about are then taken as they are."
_LINE = re.compile(
    r"(?P<path>[^\\\0]{1,1000}?)\s+(?:(?P<sha256>[0-9a-f]{64})\s+(?P<size>[0-9]{1,15})|-\s+-)\s*", re.ASCII
)
_MANY = re.compile(r"\{(\w+)=([^{}]+)\}")


@dataclass(frozen=True)
class RegisteredFile:
    """What a file of a data set has to be; ``sha256`` and ``size`` are None where only the origin knows."""

    path: str
    sha256: str | None
    size: int | None


@cache
def read_registry(name: str) -> dict[str, RegisteredFile]:
    """Return the registered files of a data set by relative path.

    Raises
    ------
    BiotransferError
        When the data set has no files of its own.
    """
    text = resources.files(__package__).joinpath("registries", f"{name}.txt")
    check(text.is_file(), f"{name!r} has no files to get: nothing to fetch. Type: biotransfer list datasets")
    return {item.path: item for item in parse_registry(text.read_text(encoding="utf-8"))}


def parse_registry(text: str) -> Iterator[RegisteredFile]:
    """Yield what the lines of a registry say.

    Examples
    --------
    >>> [item.path for item in parse_registry("S{s=01..02}/S{s}R{r=a,b}.edf - -")]
    ['S01/S01Ra.edf', 'S01/S01Rb.edf', 'S02/S02Ra.edf', 'S02/S02Rb.edf']

    Raises
    ------
    BiotransferError
        For a line that is none, leads out of the folder, or stands for too many files.
    """
    n = 0
    for line in text.splitlines():
        if line:
            said = _LINE.fullmatch(line)
            check(
                said is not None,
                f"registry: {line[:120]!r} is no line of one. Expected a path below the folder, its sha256 "
                f"(64 hexadecimal digits) and its size, or {UNKNOWN} for both. Fetch again.",
            )
            assert said is not None
            for path in _expand(said["path"]):
                n += 1
                check(n <= _MOST, f"registry: it stands for more than {_MOST} files. Expected fewer.")
                inside = not path.startswith("/") and ".." not in path.split("/")
                check(inside, f"registry: {path[:120]!r} leads out of the folder. Expected a path below it.")
                yield RegisteredFile(path, said["sha256"], int(said["size"]) if said["size"] else None)


def _expand(pattern: str) -> Iterator[str]:
    """Yield the paths that a pattern stands for."""
    found = _MANY.search(pattern)
    if found is None:
        yield pattern
        return
    name, said = found[1], found[2]
    first, dots, last = said.partition("..")
    if dots:
        whole = first.isascii() and last.isascii() and first.isdecimal() and last.isdecimal()
        most = int(last) - int(first) if whole and len(first + last) <= 12 else _MOST
        check(most < _MOST, f"registry: {pattern[:120]!r} stands for {_MOST} files or more. Expected fewer.")
    values = [str(i).zfill(len(first)) for i in range(int(first), int(last) + 1)] if dots else said.split(",")
    for value in values:
        one = pattern.replace(found[0], value, 1).replace(f"{{{name}}}", value)
        yield from _expand(one)


def known_files(name: str, folder: Path) -> dict[str, RegisteredFile]:
    """Return the registry of a data set, completed by what ``folder`` recorded of downloads."""
    registry = read_registry(name)
    record = folder / RECORD
    if not record.is_file():
        return registry
    recorded = {
        item.path: item
        for item in parse_registry(read_text(record, repr(str(record)), _AGAIN, largest=_LARGEST))
    }
    return {
        path: recorded.get(path, item) if item.sha256 is None else item for path, item in registry.items()
    }


def record_file(folder: Path, path: str) -> None:
    """Write down what a file is that has just arrived in ``folder``; the last line of a path counts."""
    with (folder / RECORD).open("a", encoding="utf-8") as record:
        record.write(f"{path} {sha256_of(folder / path)} {(folder / path).stat().st_size}\n")


def parse_sums(text: str) -> dict[str, str]:
    r"""Return sha256 by path of a list as ``sha256sum`` writes it.

    Examples
    --------
    >>> parse_sums("0a1b *S001/S001R01.edf\n2c3d  RECORDS")
    {'S001/S001R01.edf': '0a1b', 'RECORDS': '2c3d'}
    """
    rows = [line.split(maxsplit=1) for line in text.splitlines()]
    return {
        row[1].strip().removeprefix("*").removeprefix("./"): row[0].lower() for row in rows if len(row) == 2
    }


def make_registry(folder: str | Path, patterns: Iterable[str]) -> str:
    """Return the registry of a folder: one line ``path sha256 bytes`` per file, sorted by path.

    Parameters
    ----------
    folder : str or Path
        Folder with the original files of one data set.
    patterns : iterable of str
        Glob patterns, relative to the folder, of the files that belong to it.
    """
    folder = Path(folder)
    paths = sorted({path.relative_to(folder).as_posix() for p in patterns for path in folder.glob(p)})
    return "".join(f"{p} {sha256_of(folder / p)} {(folder / p).stat().st_size}\n" for p in paths)


def check_files(name: str, folder: str | Path, only: Collection[str] | None = None) -> dict[str, str]:
    """Compare a folder with the registry of a data set.

    Parameters
    ----------
    name : str
        Data set.
    folder : str or Path
        Folder with its files.
    only : collection of str, optional
        The registered paths to look at; all, when not given.

    Returns
    -------
    dict
        "missing" or "damaged" by relative path; empty when every registered file is there as published. A
        file whose sha256 nobody told, as in a folder that was not downloaded by this package, is taken as
        it is.
    """
    folder = Path(folder)
    problems = {}
    for item in known_files(name, folder).values():
        if only is not None and item.path not in only:
            continue
        path = folder / item.path
        if not path.is_file():
            problems[item.path] = "missing"
        elif item.sha256 is not None and (path.stat().st_size != item.size or sha256_of(path) != item.sha256):
            problems[item.path] = "damaged"
    return problems


def sha256_of(path: Path) -> str:
    """Return the sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
