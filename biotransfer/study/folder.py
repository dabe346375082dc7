"""The study folder: whose it is, and that one process writes it."""

from __future__ import annotations

import os
import platform
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from .. import __version__
from ..errors import BiotransferError, check
from ..files import read_json, write_json, write_text
from ..recipe import DESCRIPTIVE, Recipe, digest, recipe_yaml
from .plan import Plan
from .store import is_alive


def default_folder(recipe: Recipe) -> Path:
    """Return ``studies/<recipe>-<uid>``."""
    stem = recipe.path.stem if recipe.path else "study"
    return Path("studies") / f"{stem}-{recipe.uid[:8]}"


def check_folder(folder: Path, recipe: Recipe) -> None:
    """Refuse a folder that holds anything but a study of this recipe; nothing is written."""
    existing = folder / "recipe.yaml"
    if existing.is_file():
        try:
            theirs = yaml.safe_load(existing.read_text(encoding="utf-8"))
            uid = digest({k: v for k, v in theirs.items() if k not in DESCRIPTIVE})
        except (yaml.YAMLError, AttributeError) as error:
            raise BiotransferError(
                f"{str(existing)!r} cannot be read: {error}. Pass another --out; nothing was changed."
            ) from error
        check(
            uid == recipe.uid,
            f"--out {str(folder)!r} holds another study ({theirs.get('title')!r}, recipe {uid}; this one is "
            f"{recipe.uid}). Pass another --out; nothing was changed.",
        )
        return
    try:
        occupied = next(folder.iterdir(), None) if folder.exists() else None
    except OSError as error:
        raise BiotransferError(
            f"--out {str(folder)!r} cannot be read: {error.strerror or error}. Pass another --out."
        ) from error
    check(
        occupied is None,
        f"--out {str(folder)!r} is not empty and holds no study (found {getattr(occupied, 'name', '')!r}). "
        "Pass another --out; nothing was changed.",
    )


def claim_folder(folder: Path, plan: Plan) -> None:
    """Write into ``folder`` what is run on which data; refuse to mix it with other data or versions."""
    made_from = {"version": __version__, "data": {name: s.facts["digest"] for name, s in plan.sides.items()}}
    path = folder / "made_from.json"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise BiotransferError(
            f"--out {str(folder)!r} cannot be made: {error.strerror or error}. Pass another --out."
        ) from error
    if path.is_file():
        theirs = read_json(path)
        differs = [k for k in made_from if theirs.get(k) != made_from[k]]
        check(
            not differs,
            f"--out {str(folder)!r} holds this recipe run with another {' and '.join(differs)}. "
            "Pass another --out; nothing was changed.",
        )
    write_text(folder / "recipe.yaml", recipe_yaml(plan.recipe))
    write_json(path, made_from)


@contextmanager
def only_writer(folder: Path) -> Iterator[None]:
    """Hold the folder's lock: two processes would throw away each other's work."""
    lock = folder / ".lock"
    if lock.is_file():
        host, _, pid = lock.read_text(encoding="utf-8").partition(" ")
        alive = host == platform.node() and pid.isdigit() and int(pid) != os.getpid() and is_alive(int(pid))
        check(
            not alive and host in ("", platform.node()),
            f"--out {str(folder)!r} is being written by process {pid} on {host}. Wait for it, "
            f"pass another --out, or delete {str(lock)!r} if it has died.",
        )
    write_text(lock, f"{platform.node()} {os.getpid()}")
    try:
        yield
    finally:
        lock.unlink(missing_ok=True)
        for part in folder.glob(".*.part"):
            part.unlink(missing_ok=True)


def earlier_provenance(folder: Path) -> dict[str, Any]:
    """Return what an earlier, finished run wrote; empty when there is none that can be read."""
    path = folder / "provenance.json"
    try:
        return dict(read_json(path)) if path.is_file() else {}
    except BiotransferError:
        return {}
