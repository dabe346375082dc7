"""Writing files so that none is ever half there."""

from __future__ import annotations

import json
import os
import platform
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from .errors import BiotransferError


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
    temporary = path.with_name(f".{path.name}.{os.getpid()}.part")
    try:
        write(temporary)
        os.replace(temporary, path)
    except OSError as error:
        raise BiotransferError(
            f"cannot write {str(path)!r}: {error.strerror or error}. Free some space or pass another --out."
        ) from error
    finally:
        temporary.unlink(missing_ok=True)


def is_alive(pid: int) -> bool:
    """Whether a process of this machine runs."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def sweep_parts(folder: Path) -> None:
    """Remove the folders ``.NAME.HOST-PID.part`` that killed processes of this machine left half-written."""
    for part in folder.glob(".*.part"):
        host, _, pid = part.name.split(".", 2)[2].removesuffix(".part").rpartition("-")
        if host == platform.node() and pid.isdigit() and not is_alive(int(pid)):
            shutil.rmtree(part, ignore_errors=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text, atomically."""
    write_atomically(path, lambda part: part.write_text(text, encoding="utf-8"))


def write_json(path: Path, value: Any) -> None:
    """Write ``value`` as indented JSON without NaN, atomically."""
    write_text(path, json.dumps(value, indent=1, allow_nan=False, default=_plain) + "\n")


def read_json(path: Path) -> Any:
    """Read JSON.

    Raises
    ------
    BiotransferError
        When the file is no valid JSON.
    """
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (json.JSONDecodeError, UnicodeDecodeError) as error:
        raise BiotransferError(
            f"{str(path)!r} is no valid JSON: {error}. Delete it and run the study again."
        ) from error


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"{type(value).__name__} has no JSON form")
