"""Which files of a folder are recordings, and what the others are."""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from ....errors import check
from ...recording import natural_sorted
from ..loaded import SeenFile
from .keys import Reading
from .pattern import Named, Pattern, read_pattern, usual_pattern

MNE_SUFFIXES = (".fif", ".fif.gz", ".edf", ".bdf", ".gdf", ".vhdr", ".set", ".cnt", ".egi", ".mff", ".ds",
                ".nxe", ".lay", ".cdt", ".dap", ".ahdr", ".mef", ".nedf", ".EDF", ".BDF", ".GDF")  # fmt: skip
"""Endings of what ``mne.io.read_raw`` reads, in the order of how usual they are."""
_FOLDERS = (".mff", ".ds", ".mef")
_COMPANIONS = {".vhdr": (".eeg", ".vmrk", ".dat"), ".set": (".fdt",), ".cdt": (".dpa", ".ceo"),
               ".lay": (".dat",), ".ahdr": (".eeg", ".amrk")}  # fmt: skip
"""Files that belong to one that is read."""
_DERIVED = re.compile(r"[_-](?:desc|proc)-[^_.]+")
_NO_RAW = re.compile(r".*[-_](epo|ave|evoked|ica|proj|cov|fwd|trans|inv|src|bem|eve|tfr|annot)\.fif(\.gz)?")
_SPLIT = re.compile(r"(?P<before>.*)_split-0*(?P<part>\d+)(?P<after>_.*)")
_NUMBERED = re.compile(r"(?P<base>.+)-(?P<part>\d+)\.fif(?P<gz>\.gz)?")


@dataclass(frozen=True)
class Found:
    """A file that fits the pattern: its path below the folder, and what that says."""

    path: str
    named: Named


@dataclass(frozen=True)
class Listing:
    """What a folder holds.

    Parameters
    ----------
    found : tuple of Found
        Recordings, in natural order of their paths.
    others : tuple of SeenFile
        Every other file, with the reason why it is not used; files that belong to one that is, as used.
    companions : mapping of str to tuple of str
        Files that belong to a recording, by its path.
    """

    found: tuple[Found, ...]
    others: tuple[SeenFile, ...]
    companions: dict[str, tuple[str, ...]]


def open_folder(reading: Reading) -> Path:
    """Return the folder of the files.

    Raises
    ------
    BiotransferError
        When there is none.
    """
    root = Path(reading.path).expanduser()
    check(
        root.is_dir(),
        f"path={reading.path!r} is no folder. Expected a folder with files of recordings; "
        "in a recipe, a relative path is meant from the folder of the recipe.",
    )
    return root


def pattern_of(reading: Reading) -> Pattern:
    """Return the pattern of the paths."""
    return usual_pattern(MNE_SUFFIXES) if reading.pattern is None else read_pattern(reading.pattern)


def list_folder(root: Path, pattern: Pattern) -> Listing:
    """Return the recordings of a folder, and every other file with what it is."""
    paths = natural_sorted(paths_below(root))
    fitting = {path: named for path in paths if (named := pattern.match(path)) is not None}
    others: dict[str, SeenFile] = {}
    companions: dict[str, tuple[str, ...]] = {}
    for path in paths:
        if path in fitting:
            stem, suffix = os.path.splitext(path)
            beside = tuple(stem + s for s in _COMPANIONS.get(suffix, ()))
            companions[path] = tuple(name for name in beside if name not in fitting)
    belongs = {name: path for path, names in companions.items() for name in names}
    for path, named in fitting.items():
        why = _no_recording(path, fitting)
        if why:
            others[path] = SeenFile(path, named.subject, why)
    for path, why in _derived(fitting.keys() - others.keys()).items():
        others[path] = SeenFile(path, fitting[path].subject, why)
    for path in paths:
        if path in belongs:
            others[path] = SeenFile(path, fitting[belongs[path]].subject)
        elif path not in fitting:
            others[path] = SeenFile(path, "", f"its name does not fit the pattern {pattern.written}")
    there = set(paths)
    found = [Found(path, named) for path, named in fitting.items() if path not in others]
    return Listing(
        tuple(found),
        tuple(others[path] for path in paths if path in others),
        {f.path: tuple(n for n in companions[f.path] if n in there) for f in found},
    )


def first_parts_first(found: Sequence[Found]) -> list[Found]:
    """Return files so that one comes before those that could be its further parts."""
    return sorted(found, key=lambda f: _NUMBERED.fullmatch(f.path) is not None or "_split-" in f.path)


def bytes_of(root: Path, listing: Listing) -> list[Path]:
    """Return every file that the recordings depend on, those inside of folders that are one recording too."""
    names = [f.path for f in listing.found] + [n for names in listing.companions.values() for n in names]
    parts = [s.path for s in listing.others if _NUMBERED.fullmatch(s.path) or "_split-" in s.path]
    out: list[Path] = []
    for path in (root / name for name in [*names, *parts]):
        out += [p for p in path.rglob("*") if p.is_file()] if path.is_dir() else [path]
    return out


def show_some(paths: Iterable[str]) -> str:
    """Return the first paths, for a message."""
    few = list(paths)
    return ", ".join(few[:3]) + (f" and {len(few) - 3} more" if len(few) > 3 else "")


def paths_below(root: Path) -> list[str]:
    """Return the paths of all files below a folder, hidden ones left out; some folders are one file."""
    out: list[str] = []

    def walk(here: str, below: str) -> None:
        with os.scandir(here) as entries:
            for entry in entries:
                if entry.name.startswith("."):
                    continue
                if entry.is_dir() and not entry.name.endswith(_FOLDERS):
                    walk(entry.path, f"{below}{entry.name}/")
                else:
                    out.append(below + entry.name)

    walk(str(root), "")
    return out


def _no_recording(path: str, fitting: Iterable[str]) -> str:
    """Return why a file that fits is no recording of its own; "" where it is one."""
    if kind := _NO_RAW.fullmatch(path):
        return f"it holds no signal but what MNE calls {kind[1]}"
    split = _SPLIT.fullmatch(path)
    if split and int(split["part"]) > 1:
        firsts = [f"{split['before']}_split-{one}{split['after']}" for one in ("01", "1", "001")]
        if not any(first in fitting for first in firsts):
            return f"it is part {int(split['part'])} of a file whose first part is not there"
    return ""


def _derived(paths: Iterable[str]) -> dict[str, str]:
    """Return processed copies that lie beside what they are made from, and why they are not used.

    Raises
    ------
    BiotransferError
        When several processed copies of one recording are there, and not the recording itself.
    """
    groups: dict[tuple[str, ...], list[str]] = {}
    for path in natural_sorted(paths):
        groups.setdefault(_entities(path), []).append(path)
    out: dict[str, str] = {}
    for same in groups.values():
        made = [path for path in same if _DERIVED.search(PurePosixPath(path).name)]
        originals = [path for path in same if path not in made]
        if made and originals:
            out |= dict.fromkeys(made, f"it is a processed copy of {originals[0]}")
        check(
            originals or len(made) < 2,
            f"{show_some(made)} are processed copies of one recording. Expected one for each. "
            "Say which by a pattern, such as pattern='sub-{subject}_desc-filtered_*.fif'.",
        )
    return out


def _entities(path: str) -> tuple[str, ...]:
    """Return what tells a recording from others in its name, whatever was made of it and wherever it lies."""
    place = PurePosixPath(path)
    parts = _DERIVED.sub("", place.name).partition(".")[0].split("_")
    if not place.name.startswith("sub-"):
        return (str(place.parent), *parts)
    return tuple(part for part in parts if re.match(r"[a-z]+-", part))
