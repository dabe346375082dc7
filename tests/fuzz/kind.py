"""What is fuzzed: files by their names, seeds of them, and what is attempted."""

from __future__ import annotations

import importlib
import pkgutil
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .mutators import mutate_files

Files = dict[str, bytes]
"""A folder: contents by the path below it."""
CASES = Path(__file__).parent / "cases"
REMOVED = "REMOVED.txt"
"""In a case that is laid over a seed: names of files that are taken away, a line each."""
LARGEST_CASE = 20_000


@dataclass(frozen=True)
class Kind:
    """One kind of input.

    Parameters
    ----------
    seeds : callable
        ``(folder) -> list of Files``: whole inputs; the folder is empty, and may be used to write them.
    attempt : callable
        ``(folder) -> None``, with the files of a mutated input in it. What it raises is judged.
    mutate : callable
        ``(random.Random, Files, all seeds) -> Files``.
    over : bool
        Whether seeds are large, and cases hold only what differs from the first seed.
    """

    seeds: Callable[[Path], list[Files]]
    attempt: Callable[[Path], None]
    mutate: Callable[[random.Random, Files, Sequence[Files]], Files] = mutate_files
    over: bool = False


def all_kinds() -> dict[str, Kind]:
    """Return every kind by its name."""
    from . import kinds

    found: dict[str, Kind] = {}
    for module in sorted(info.name for info in pkgutil.iter_modules(kinds.__path__)):
        found |= importlib.import_module(f"{kinds.__name__}.{module}").KINDS
    return found


def read_files(folder: Path) -> Files:
    """Return the files of a folder."""
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


def write_files(files: Files, folder: Path) -> None:
    """Write files into a folder."""
    for name, content in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)


def save_case(kind: str, over: bool, cause: str, files: Files, seed: Files, cases: Path = CASES) -> Path:
    """Keep an input that was found; of a kind with large seeds, what differs from the first seed."""
    kept = dict(files)
    if over:
        kept = {name: content for name, content in files.items() if seed.get(name) != content}
        gone = sorted(set(seed) - set(files))
        if gone:
            kept[REMOVED] = "\n".join(gone).encode()
    folder = cases / kind / cause
    write_files(kept, folder)
    return folder


def read_case(folder: Path, kind: Kind, seeds: Sequence[Files]) -> Files:
    """Return the input of a case."""
    files = read_files(folder)
    if not kind.over:
        return files
    gone = files.pop(REMOVED, b"").decode().splitlines()
    return {name: content for name, content in {**seeds[0], **files}.items() if name not in gone}
