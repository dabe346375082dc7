"""Prepared data on disk, by what it depends on: shared by studies and processes, bounded, safe to delete.

The folder is ``BIOTRANSFER_CACHE``, else ``biotransfer`` in the user's cache folder. ``KIND/KEY/`` holds one
result whole or not at all: it is written aside and moved there by one rename, with a list of what belongs to
it and a checksum of every file. What is not as it was written is removed, and made again. When all of it is
larger than ``BIOTRANSFER_CACHE_GB`` (default 20), what was not used for the longest time is removed.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from pathlib import Path

from ...errors import BiotransferError, check
from ...files import (
    CONTENTS,
    Contents,
    DamagedError,
    folder_aside,
    list_contents,
    read_contents,
    read_proven,
    remove,
    sweep_parts,
    write_proven,
)
from ..recipe import digest

CACHE_VARIABLE = "BIOTRANSFER_CACHE"
SIZE_VARIABLE = "BIOTRANSFER_CACHE_GB"
_DEFAULT_GB = 20.0
_USED = ".used"
_LISTS = ("windows.json", "recordings.json")
"""Lists within an entry that prove their own files, when those are read."""
_IN_USE_SECONDS = 3600.0
_SETTLED_SECONDS = 2.0


def cache_folder() -> Path:
    """Return the folder of prepared data."""
    named = os.environ.get(CACHE_VARIABLE)
    if named:
        return Path(named).expanduser().resolve()
    home = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    return Path(home).expanduser() / "biotransfer"


def sweep_cache() -> None:
    """Remove what ended processes of this machine left half-written among prepared data."""
    for kind in cache_folder().glob("*/"):
        sweep_parts(kind)


def find_entry(kind: str, key: str, *, root: Path | None = None) -> Path | None:
    """Return the folder of a result that is there, noting its use; one that misses a file is removed."""
    folder = (root or cache_folder()) / kind / key
    try:
        incomplete = _contents(folder).incomplete
    except DamagedError:
        incomplete = {CONTENTS: "is not as it was written"}
    if incomplete:
        remove(folder)
        return None
    try:
        (folder / _USED).touch()
    except OSError:
        return folder if folder.is_dir() else None
    return folder


def _contents(folder: Path) -> Contents:
    return read_contents(folder, of=f"{folder.parent.name}/{folder.name}")


def prove_entry(folder: Path) -> None:
    """Refuse a result that is not as it was written, but for the arrays, which prove themselves when read.

    Raises
    ------
    DamagedError
        With the first file that differs.
    """
    for name, wrong in _contents(folder).damage().items():
        raise DamagedError(f"{str(folder / name)!r} {wrong}")


def _list_entry(part: Path, address: str) -> None:
    """Write the list of a filled entry."""
    names = {path.relative_to(part).as_posix() for path in part.rglob("*") if path.is_file()}
    for own in names & set(_LISTS):
        try:
            names -= set(json.loads((part / own).read_bytes())["files"])
        except KeyError:
            continue
    list_contents(part, names - {_USED}, of=address)


def make_entries(entries: Mapping[str, str], write: Callable[[dict[str, Path]], None]) -> dict[str, Path]:
    """Call ``write(kind -> folder to fill)`` and keep what it made.

    Parameters
    ----------
    entries : mapping of str to str
        Key by kind.
    write : callable
        Fills the folders it is given.

    Returns
    -------
    dict of str to Path
        Where the results now are.

    Raises
    ------
    BiotransferError
        When the disk is full or the cache cannot be written.
    """
    root = cache_folder()
    places = {kind: root / kind / key for kind, key in entries.items()}
    for place in places.values():
        if place.parent.exists() and not place.parent.is_dir():
            remove(place.parent)
    try:
        with ExitStack() as stack:
            parts = {kind: stack.enter_context(folder_aside(place)) for kind, place in places.items()}
            write(parts)
            for kind, part in parts.items():
                _list_entry(part, f"{kind}/{entries[kind]}")
                (part / _USED).touch()
    except OSError as error:
        raise BiotransferError(
            f"cannot write prepared data to {str(root)!r}: {error.strerror or error}. Free some space, "
            f"or set {CACHE_VARIABLE} to another folder."
        ) from error
    _make_room(root)
    return places


def drop_entry(folder: Path) -> None:
    """Remove a result that turned out damaged."""
    remove(folder)


def file_hashes(files: Iterable[Path], base: Path) -> dict[str, str]:
    """Return the sha256 of files by their path relative to ``base``.

    Parameters
    ----------
    files : iterable of Path
        Files below ``base``.
    base : Path
        Their folder.

    Notes
    -----
    A file is read once; afterwards its hash is remembered for as long as its size and its time of
    modification (in ns) stay the same. One changed within the last two seconds is not remembered.
    """
    given, base = base, base.resolve()
    memo = cache_folder() / "hashes" / f"{digest(str(base))}.json"
    try:
        known = read_proven(memo)
    except DamagedError:
        known = {}
    out: dict[str, str] = {}
    fresh: dict[str, list[object]] = {}
    folders: dict[Path, Path] = {}
    for path in sorted(files):
        if path.parent not in folders:
            below = path.parent.is_relative_to(given)  # a linked folder lies elsewhere
            folders[path.parent] = (
                path.parent.relative_to(given) if below else path.parent.resolve().relative_to(base)
            )
        name, stat = (folders[path.parent] / path.name).as_posix(), path.stat()
        state = [stat.st_size, stat.st_mtime_ns]
        if known.get(name, [])[:2] == state:
            out[name] = known[name][2]
        else:
            with path.open("rb") as file:
                out[name] = hashlib.file_digest(file, "sha256").hexdigest()
            if time.time() - stat.st_mtime > _SETTLED_SECONDS:
                fresh[name] = [*state, out[name]]
    if fresh:
        for place in (memo.parent, memo):
            if place.exists() and place.is_dir() is (place == memo):
                remove(place)
        try:
            memo.parent.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise BiotransferError(
                f"cannot make {str(memo.parent)!r}: {error.strerror or error}. Set {CACHE_VARIABLE} to a "
                "folder that can be written."
            ) from error
        write_proven(memo, {**known, **fresh})
    return out


def _make_room(root: Path) -> None:
    """Remove the results that were used last, until the rest fits; none of the last hour."""
    text = os.environ.get(SIZE_VARIABLE, str(_DEFAULT_GB))
    try:
        limit = float(text) * 1e9
    except ValueError:
        limit = -1.0
    check(limit > 0, f"{SIZE_VARIABLE}={text!r} is no size. Expected gigabytes, such as {_DEFAULT_GB:g}.")
    entries = []
    for used in root.glob(f"*/*/{_USED}"):
        try:
            size = sum(file.stat().st_size for file in used.parent.iterdir())
            entries.append((used.stat().st_mtime, size, used.parent))
        except OSError:
            continue
    total = sum(size for _, size, _ in entries)
    for last, size, folder in sorted(entries):
        if total <= limit or time.time() - last < _IN_USE_SECONDS:
            return
        shutil.rmtree(folder, ignore_errors=True)
        total -= size
