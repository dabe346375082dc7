"""Writing files so that none is ever half there."""

from __future__ import annotations

import hashlib
import json
import os
import platform
import re
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ..errors import BiotransferError, check

_TEMPORARY = "biotransfer"
_WEEK = 7 * 24 * 3600.0
_LONG = 120


def part_of(path: Path) -> Path:
    """Return where what will be ``path`` is written until it is whole: a name that tells who writes it."""
    name = path.name if len(path.name) < _LONG else hashlib.sha256(path.name.encode()).hexdigest()[:16]
    return path.with_name(f".{name}.{platform.node()}-{os.getpid()}.part")


def write_atomically(path: Path, write: Callable[[Path], Any]) -> None:
    """Call ``write(temporary path)`` and move the result to ``path``.

    Parameters
    ----------
    path : Path
        Final place; its folder must exist.
    write : callable
        Receives the temporary path.

    Raises
    ------
    BiotransferError
        When the disk is full or the folder cannot be written; nothing is left behind.
    """
    temporary = part_of(path)
    try:
        write(temporary)
        os.replace(temporary, path)
    except OSError as error:
        check(not path.is_dir(), f"{str(path)!r} is a folder where a file belongs. Type: rm -r {path}")
        raise BiotransferError(
            f"cannot write {str(path)!r}: {error.strerror or error}. Free some space, or name another folder."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


@contextmanager
def folder_aside(folder: Path) -> Iterator[Path]:
    """Give an empty folder to fill, and move it to ``folder`` by one rename when the block ends well.

    Parameters
    ----------
    folder : Path
        Final place, made with the folders above it. One that is there by then stays, and what was written is
        thrown away; so is what a block that fails has written, and what killed processes of this machine left
        beside it.

    Yields
    ------
    Path
        The folder to fill.

    Raises
    ------
    OSError
        When the disk is full or the folder cannot be written.
    """
    part = part_of(folder)
    sweep_parts(folder.parent)
    shutil.rmtree(part, ignore_errors=True)
    try:
        part.mkdir(parents=True)
        yield part
        try:
            os.replace(part, folder)
        except OSError:
            if not folder.is_dir():
                raise
    finally:
        shutil.rmtree(part, ignore_errors=True)


def is_alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sweep_parts(folder: Path, name: str = "*") -> None:
    """Remove what killed processes left half-written, ``.NAME.HOST-PID.part``.

    Of this machine what dead processes left, of others what nobody has touched for a week.
    """
    for part in folder.glob(f".{name}.part"):
        found = re.fullmatch(r"\..*\.(.+)-(\d+)\.part", part.name)
        if found is None:
            continue
        try:
            here = part.name.endswith(f".{platform.node()}-{found[2]}.part")
            if is_alive(int(found[2])) if here else time.time() - part.stat().st_mtime < _WEEK:
                continue
            if part.is_dir():
                shutil.rmtree(part, ignore_errors=True)
            else:
                part.unlink(missing_ok=True)
        except OSError:
            continue


@contextmanager
def temporary_folder(within: Path | None = None) -> Iterator[Path]:
    """Give an empty folder that is gone when the block ends; what a killed process left, the next removes.

    Parameters
    ----------
    within : Path, optional
        Where it is made. Default: the system's place for temporary files.

    Yields
    ------
    Path
        The folder.
    """
    place = Path(tempfile.gettempdir()) if within is None else within
    sweep_parts(place, f"{_TEMPORARY}-*")
    suffix = f".{platform.node()}-{os.getpid()}.part"
    with tempfile.TemporaryDirectory(
        prefix=f".{_TEMPORARY}-", suffix=suffix, dir=place, ignore_cleanup_errors=True
    ) as folder:
        yield Path(folder)


def shipped_recipes() -> dict[str, Path]:
    """Return the recipes that come with the package, by name."""
    here = Path(__file__).parents[1]
    folder = here / "pipelines"
    if not folder.is_dir():
        folder = here.parent / "pipelines"
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def make_folder(folder: Path) -> None:
    """Make a folder, and those above it, where it is not there.

    Raises
    ------
    BiotransferError
        When a file stands there, or it cannot be made.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        there = next((path for path in (folder, *folder.parents) if path.is_file()), None)
        check(there is None, f"{str(there)!r} is a file where a folder belongs. Type: rm {there}")
        raise BiotransferError(
            f"{str(folder)!r} cannot be made: {error.strerror or error}. Name another folder."
        ) from error


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, atomically."""
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON without NaN, atomically."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False, default=plain_value) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises
    ------
    BiotransferError
        When the file cannot be read, or is no valid JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read as JSON: {error}. Remove it, and run the study "
            f"again. Type: rm -r {path}"
        ) from error


def plain_value(value: Any) -> Any:
    """Return what JSON holds of an array or one of its numbers; for ``default`` of json.dumps."""
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
