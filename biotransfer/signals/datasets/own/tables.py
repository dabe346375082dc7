"""Labels in a table beside the files: one for all of them, or one for each."""

from __future__ import annotations

import csv
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from ....errors import BiotransferError, check, did_you_mean
from .content import Point, Stretch
from .keys import Reading
from .labels import Naming, stretches_of_points
from .listing import Found

_USUAL: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "filename", "file_name", "path", "recording", "name"),
    "onset": ("onset", "start", "begin", "time"),
    "duration": ("duration", "length"),
    "label": ("label", "trial_type", "class", "condition", "gesture", "stimulus", "value"),
}
"""What columns are called where nobody says it, the first that is there."""
_WORDS = ("folder", "stem", "subject", "session", "run", "task", "label")


class Row(NamedTuple):
    """A label; without an onset, of a whole file. Onset and duration in s."""

    label: str
    onset: float | None = None
    duration: float = 0.0


@dataclass(frozen=True)
class LabelTable:
    """Labels by file.

    Parameters
    ----------
    rows : mapping of str to list of Row
        By the file's path below the folder.
    paths : tuple of str
        The tables that were read.
    absent : tuple of str
        Files that a table names and that are not there.
    """

    rows: Mapping[str, list[Row]] = field(default_factory=dict)
    paths: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.paths)

    def stretches(
        self, found: Found, naming: Naming, sfreq: float, n_samples: int, reading: Reading
    ) -> list[Stretch]:
        """Return the labelled stretches of a file.

        Raises
        ------
        BiotransferError
            Where labels are points, and nobody says how long they last.
        """
        out, points = [], []
        for row in self.rows.get(found.path, []):
            label = naming.name(row.label)
            if not label:
                continue
            if row.onset is None:
                out.append(Stretch(0, n_samples, label))
            elif row.duration > 0 and reading.tmax is None:
                first = round(row.onset * sfreq)
                last = min(first + round(row.duration * sfreq), n_samples)
                if last > max(first, 0):
                    out.append(Stretch(max(first, 0), last, label))
            else:
                check(
                    reading.tmax is not None,
                    f"tmax is missing: label_table gives {label!r} of {found.path!r} no duration. Write "
                    "tmax: 4.0, or tmax: next.",
                )
                points.append(Point(round(row.onset * sfreq), label))
        if points and reading.tmax is not None:
            out += stretches_of_points(points, sfreq, n_samples, reading.tmin, reading.tmax)
        return sorted(out)


def table_files(root: Path, reading: Reading, found: Iterable[Found]) -> list[str]:
    """Return the paths below the folder of the label tables that are there."""
    if reading.label_table is None:
        return []
    return [p for p in dict.fromkeys(_table_of(reading, f) for f in found) if (root / p).is_file()]


def read_label_table(root: Path, reading: Reading, found: Sequence[Found]) -> LabelTable:
    """Read the labels of some files.

    Raises
    ------
    BiotransferError
        When a table is not there, lacks a column, or names a file that cannot be told.
    """
    if reading.label_table is None:
        return LabelTable()
    tables: dict[str, list[Found]] = {}
    for one in found:
        tables.setdefault(_table_of(reading, one), []).append(one)
    rows: dict[str, list[Row]] = {}
    absent: list[str] = []
    for path, files in tables.items():
        check(
            (root / path).is_file(),
            f"label_table={reading.label_table!r}: {path!r} is not there, the table of {files[0].path!r}. "
            "Expected a path below the folder, such as '{folder}/{stem}_events.tsv'.",
        )
        own, missing = _read(root / path, path, reading, files, shared="{" not in reading.label_table)
        rows |= own
        absent += missing
    return LabelTable(rows, tuple(tables), tuple(absent))


def _table_of(reading: Reading, found: Found) -> str:
    place = PurePosixPath(found.path)
    words = {"folder": str(place.parent), "stem": place.name.partition(".")[0]}
    words |= {name: getattr(found.named, name) for name in _WORDS[2:]}
    assert reading.label_table is not None
    try:
        return PurePosixPath(reading.label_table.format(**words)).as_posix()
    except (KeyError, IndexError, ValueError) as error:
        raise BiotransferError(
            f"label_table={reading.label_table!r} cannot be filled in ({type(error).__name__}: {error}). "
            f"Use some of: {', '.join(_WORDS)}."
        ) from error


def _read(
    path: Path, name: str, reading: Reading, files: Sequence[Found], *, shared: bool
) -> tuple[dict[str, list[Row]], list[str]]:
    text = path.read_text(encoding="utf-8-sig")
    first = text.partition("\n")[0]
    sign = max("\t;,", key=first.count)
    table = list(csv.DictReader(text.splitlines(), delimiter=sign))
    header = [column.strip() for column in first.split(sign)]
    columns = {what: _column(what, header, name, reading) for what in _USUAL}
    check(columns["label"], f"{name!r} has no column of labels: {', '.join(header)}. Write "
                            "label_table_columns: {label: NAME}.")  # fmt: skip
    check(columns["file"] or not shared, f"{name!r} has no column of files: {', '.join(header)}. Write "
                                         "label_table_columns: {file: NAME}.")  # fmt: skip
    rows: dict[str, list[Row]] = {}
    absent = []
    for number, raw in enumerate(table, start=2):
        row = {key.strip(): (value or "").strip() for key, value in raw.items() if isinstance(key, str)}
        one = Row(
            row[columns["label"]],
            _number(row, columns["onset"], name, number),
            _number(row, columns["duration"], name, number) or 0.0,
        )
        if not shared:
            rows.setdefault(files[0].path, []).append(one)
            continue
        said = row[columns["file"]]
        meant = [f.path for f in files if said in _called(f.path)]
        check(
            len(meant) < 2, f"{name!r}: {said!r} in line {number} could be {', '.join(meant)}. Write paths."
        )
        if meant:
            rows.setdefault(meant[0], []).append(one)
        else:
            absent.append(said)
    return rows, list(dict.fromkeys(absent))


def _called(path: str) -> tuple[str, ...]:
    place = PurePosixPath(path)
    return path, place.name, place.name.partition(".")[0], path.partition(".")[0]


def _column(what: str, header: Sequence[str], name: str, reading: Reading) -> str:
    given = (reading.label_table_columns or {}).get(what)
    if given is not None:
        check(
            given in header,
            f"label_table_columns: {name!r} has no column {given!r}.{did_you_mean(given, header)} "
            f"It has: {', '.join(header)}.",
        )
        return given
    lower = {column.lower(): column for column in header}
    return next((lower[usual] for usual in _USUAL[what] if usual in lower), "")


def _number(row: Mapping[str, str], column: str, name: str, line: int) -> float | None:
    said = row.get(column, "") if column else ""
    if said in ("", "n/a"):
        return None
    try:
        value = float(said.replace(",", "."))
    except ValueError:
        value = math.nan
    check(
        math.isfinite(value), f"{name!r} holds {said!r} in line {line}, column {column!r}. Expected seconds."
    )
    return value
