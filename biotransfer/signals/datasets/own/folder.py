"""A folder of one's own files as recordings: which files, what they hold, whose they are, what they show."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ....catalog import Entry
from ....errors import check
from ...recording import Recording, natural_sorted
from ..loaded import Loaded, Seen, SeenFile
from .assemble import Part, make_recording
from .choosing import chosen_files, runs_of
from .content import Content
from .keys import Reading, documented, read_keys
from .labelling import label_part, own_names
from .labels import Naming
from .listing import (
    Found,
    bytes_of,
    first_parts_first,
    list_folder,
    open_folder,
    pattern_of,
    show_some,
)
from .naming import check_unique
from .readers import format_of, read_file
from .tables import LabelTable, read_label_table, table_files
from .timing import common_rate, estimate_rate


def from_folder(path: str | Path, **keys: Any) -> Loaded:
    """Load a folder; the documentation is made of the keys, below."""
    reading = read_keys({"path": str(path), **keys})
    root, pattern = open_folder(reading), pattern_of(reading)
    listing = list_folder(root, pattern)
    check(
        listing.found,
        f"path={reading.path!r} holds no file like {pattern.written}; it holds "
        f"{show_some(_first_reasons(listing.others)) or 'nothing'}. Say how paths read: "
        "pattern='{subject}/{session}_{label}.csv', or rename the files.",
    )
    account = Seen()
    for other in listing.others:
        account.left_out(other.path, other.subject, other.why)
    naming = Naming.of(reading)
    chosen = chosen_files(listing, reading, naming, account)
    tables = read_label_table(root, reading, [found for found, _, _ in chosen])
    for table in tables.paths:
        account.used(table, "")
    for name in tables.absent:
        account.left_out(name, "", "the table of labels names it, but it is not there")
    parts = _read_all(root, chosen, reading, naming, tables, account)
    classes = _classes(reading, naming, parts)
    parts = [part for part in parts if _holds(part, classes, account)]
    check(
        parts,
        f"path={reading.path!r}: no file holds {', '.join(classes)}. Left out: "
        f"{show_some(f'{s.path} ({s.why})' for s in account.files() if s.why)}. "
        "Check pattern, labels, classes and subjects.",
    )
    recordings = _recordings(parts, reading, classes, root.resolve().name)
    unused = {seen.path for seen in account.files() if seen.why}
    for path, names in listing.companions.items():
        for name in names if path in unused else ():
            account.left_out(name, "", f"{path} is not used")
    return Loaded(recordings, account.files())


def _first_reasons(others: Iterable[SeenFile]) -> list[str]:
    """Return files for a message, first those whose name alone is not the reason."""
    named = [f"{s.path} ({s.why})" for s in others if "does not fit the pattern" not in s.why]
    return named + [s.path for s in others if "does not fit the pattern" in s.why]


def _read_all(
    root: Path,
    chosen: Sequence[tuple[Found, str, str]],
    reading: Reading,
    naming: Naming,
    tables: LabelTable,
    account: Seen,
) -> list[Part]:
    """Read the files, and label their samples."""
    runs = runs_of(chosen)
    named = {found.path: (label, runs[found.path]) for found, label, _ in chosen}
    kinds = {found.path: format_of(root / found.path, reading) for found, _, _ in chosen}
    contents: dict[str, Content] = {}
    whose = {found.path: found.named.subject for found, _, _ in chosen}
    follows: dict[str, str] = {}
    twins: dict[bytes, str] = {}
    for found in first_parts_first([found for found, _, _ in chosen]):
        if found.path in follows:
            account.used(found.path, found.named.subject)
            continue
        content = read_file(root / found.path, found.path, reading, kinds[found.path])
        for part in content.also:
            follows[Path(part).resolve().relative_to(root.resolve()).as_posix()] = found.path
        if content.n_samples < 2:
            account.left_out(found.path, found.named.subject, "it holds a single sample")
            continue
        if content.raw is None:
            rows = np.ascontiguousarray(content.data.T)
            digest = hashlib.blake2b(rows.data, digest_size=16).digest()
            twin = twins.setdefault(digest, found.path)
            if twin != found.path:
                account.left_out(found.path, found.named.subject, f"its samples are those of {twin}")
                continue
        account.used(found.path, found.named.subject)
        contents[found.path] = content
    for part in follows:
        account.used(part, whose[follows[part]])
    rate = _rates(contents, reading)
    return [
        label_part(found, contents[found.path], *named[found.path], reading, naming, tables, rate)
        for found, _, _ in chosen
        if found.path in contents and found.path not in follows
    ]


def _rates(contents: dict[str, Content], reading: Reading) -> float | None:
    """Return the one sampling rate that time stamps show; None where there are none."""
    timed = [(name, c.times) for name, c in contents.items() if c.times is not None and c.sfreq is None]
    if not timed:
        return None
    given = reading.sfreq if isinstance(reading.sfreq, float) else None
    return common_rate([(name, estimate_rate(times, name, reading.gap)) for name, times in timed], given)


def _classes(reading: Reading, naming: Naming, parts: Iterable[Part]) -> tuple[str, ...]:
    """Return the classes: as asked, else the names of labels, else all labels that are found."""
    if reading.classes is not None:
        return reading.classes
    if naming.labels is not None:
        return own_names(naming)
    parts = list(parts)
    found = natural_sorted({s.label for part in parts for s in part.stretches})
    own = all(part.labelled for part in parts)
    check(
        found and own,
        f"classes is missing: the files of {reading.path!r} carry "
        f"{', '.join(found) or 'no labels'}. Write classes: [...], those that are labels, in order.",
    )
    return tuple(found)


def _holds(part: Part, classes: tuple[str, ...], account: Seen) -> bool:
    """Whether a file has samples of the classes; one that has none is left out, those of MNE stay."""
    if not part.labelled or any(s.label in classes for s in part.stretches):
        return True
    held = natural_sorted({s.label for s in part.stretches})
    why = f"none of its samples is of one of the classes; it holds {', '.join(held) or 'no label'}"
    account.left_out(part.found.path, part.found.named.subject, why)
    return False


def _recordings(
    parts: Sequence[Part], reading: Reading, classes: tuple[str, ...], dataset: str
) -> list[Recording]:
    """Return a recording for every file, or for those of one person and session together."""
    groups: dict[tuple[str, ...], list[Part]] = {}
    for part in parts:
        named = part.found.named
        arrays = part.content.raw is None and not part.content.points
        join = arrays and bool(named.label) and reading.label_column is None
        join = reading.join if reading.join is not None else join
        key = (named.subject, named.session) if join else (named.subject, named.session, part.found.path)
        groups.setdefault(key, []).append(part)
    recordings = [
        make_recording(own, reading, classes, own[0].content.sfreq, dataset) for own in groups.values()
    ]
    check_unique(recordings)
    return recordings


def _files_of(**keys: Any) -> tuple[Path, list[Path]]:
    """Return the folder and the files that the recordings depend on: parts, companions and tables too."""
    reading = read_keys(keys)
    root = open_folder(reading)
    listing = list_folder(root, pattern_of(reading))
    tables = [root / table for table in table_files(root, reading, listing.found)]
    return root, sorted({*bytes_of(root, listing), *tables})


def load_folder(folder: None, **keys: Any) -> Loaded:
    """Load a folder, as a recipe asks for it."""
    return from_folder(**keys)


_HEAD = """Load a folder of one's own files of any format; a recipe says the same with ``data: folder``.

Keys that are left out are found in the files where that is safe; what cannot be known is asked for.
``biotransfer new --data FOLDER`` looks at a folder and writes what it guesses."""
_TAIL = """Returns
-------
Loaded
    Recordings in V, in natural order of their paths; ``files`` holds every file of the folder, used or with
    the reason why it is not.

Raises
------
BiotransferError
    When no file fits, one cannot be read or more than 1 in 100 of its lines are malformed, something that
    cannot be known is not said (unit, sampling rate, labels), or a recording is not valid.

Notes
-----
A malformed line of a text, or a gap in its time stamps, becomes a border that no window crosses, and a note.
Files with the same samples are used once. Layouts of LibEMG are patterns: ``R_{run}_C_{label}.csv`` in one
folder, ``{subject}/{session}/R_{run}_C_{label}_EMG.csv`` in folders of people and days.

Examples
--------
>>> import tempfile
>>> import numpy as np
>>> folder = Path(tempfile.mkdtemp())
>>> for run in range(2):
...     for label in range(2):
...         values = np.random.default_rng(run + 2 * label).normal(0, 20, (400, 3))
...         np.savetxt(folder / f"R_{run}_C_{label}.csv", values, delimiter=",")
>>> loaded = from_folder(folder, pattern="R_{run}_C_{label}.csv", modality="emg", unit="uV", sfreq=200.0,
...                      labels={0: "rest", 1: "fist"})
>>> loaded[0].classes, len(loaded.files)
(('rest', 'fist'), 4)"""
documented(from_folder, _HEAD, _TAIL)
documented(load_folder, _HEAD, _TAIL)

ENTRY = Entry(
    name="folder",
    summary="Your own recordings: files of any usual format, who and what as their paths or contents say.",
    function=load_folder,
    source="own",
    facts={
        "size_mb": 0,
        "license": "yours",
        "origin": "a folder on this machine",
        "reads": _files_of,
        "paths": ("path",),
    },
)
