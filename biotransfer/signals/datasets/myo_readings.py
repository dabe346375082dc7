"""EMG of wrist gestures in two sessions, recorded with a Myo armband by Francic."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from ...catalog import Entry
from ...errors import BiotransferError, check
from ..recording import Recording
from .common import Piece, Stretch, choose, join_pieces
from .csv_files import numbers_or_none
from .download import Source
from .loaded import NO_NAME, NO_SIGNAL, NOT_ASKED, Loaded, Seen
from .myo import CHANNELS, DEVICE_FACTS, HIGHEST, LOWEST, SFREQ, UNIT_CAVEAT, VOLTS_PER_COUNT

NAME = "myo-readings"
CLASSES = ("hibernation", "flexion", "extension", "radial_deviation", "ulnar_deviation", "pronation",
           "supination", "fist")  # fmt: skip
REGISTERED = ("hibernation", "flexion", "extension", "radial_deviation", "fist")
"""Classes of the files whose sha256 are registered."""
_COMMIT = "2630b1d"
_FILE = re.compile(r"_readings_right_hand/(?P<who>\d{5})-(?P<session>\d)/(?P<number>[0-7])\.txt")
_N_FIELDS = len(CHANNELS) + 1
_REPEATED = 0.1
_FEWEST = 2


@dataclass(frozen=True)
class _Lines:
    """The sound lines of a file: counts (n, 8), class codes (n,), the codes as written, missing lines."""

    counts: np.ndarray
    codes: np.ndarray
    written: np.ndarray
    breaks: tuple[int, ...]
    notes: tuple[str, ...]


def load_myo_readings(
    folder: Path,
    *,
    subjects: list | None = None,
    sessions: list | None = None,
    classes: list | None = None,
    settle: float = 1.0,
) -> Loaded:
    """Load myo-readings: wrist gestures of 38 people in two sessions.

    Parameters
    ----------
    folder : Path
        Folder with _readings_right_hand/WHO-SESSION/N.txt.
    subjects : list of str, optional
        Five-digit numbers. Default: all.
    sessions : list of str, optional
        "1" and "2" (the origin has a third). Default: all that are there.
    classes : list of str, optional
        Gestures in the order to use. Default: hibernation, flexion, extension, radial_deviation, fist.
    settle : float, 0 or more
        Seconds after each change of label that carry none: labels follow a clock, people follow the labels.

    Returns
    -------
    Loaded
        One recording per person and session, its files in the order of their numbers, joined with an
        ``EDGE boundary`` between them. A file alternates every 5 s between hibernation and the gesture of its
        number; each such stretch is a labelled annotation whose run is ``gesture-Ffile-Rstretch``. 200 Hz, 8
        channels, 1e-6 V per count (nominal). Malformed lines are left out, named in the notes and leave a
        boundary; lines that an odd recorder wrote twice are left out and noted; a file whose class is not
        the one of its name is left out.

    Raises
    ------
    BiotransferError
        When a file is not what it claims, or something asked for is not there.

    Notes
    -----
    60 s of recording are 11,138 to 14,891 lines, and yet the rate is the armband's 200 Hz. In the 20 files
    with clear hum its peak lies at 50 Hz when they are read at 199.3 to 199.7 Hz, also where a file has 224
    lines per second: the lines per second measure the computer that wrote them.
    """
    check(
        isinstance(settle, (int, float)) and not isinstance(settle, bool) and 0 <= settle < 5,
        f"settle={settle!r}. Expected seconds from 0 to less than 5, the length of a stretch. "
        "Write settle: 1.0.",
    )
    labels = REGISTERED if classes is None else tuple(choose(f"classes of {NAME!r}", classes, CLASSES))
    there = {
        path.relative_to(folder).as_posix(): named
        for path in folder.glob("_readings_right_hand/*/*.txt")
        if (named := _FILE.fullmatch(path.relative_to(folder).as_posix()))
    }
    people = choose(f"subjects of {NAME!r}", subjects, {named["who"] for named in there.values()})
    check(
        people,
        f"{str(folder)!r} holds no file like _readings_right_hand/10000-1/0.txt. "
        f"Type: biotransfer fetch {NAME}",
    )
    days = choose(f"sessions of {NAME!r}", sessions, {named["session"] for named in there.values()})
    seen = Seen()
    recordings = []
    for who in people:
        for session in days:
            files = sorted(
                path for path, named in there.items() if (named["who"], named["session"]) == (who, session)
            )
            pieces, notes = _read_session(folder, files, who, labels, round(settle * SFREQ), seen)
            if pieces:
                recordings.append(
                    Recording(
                        raw=join_pieces(pieces, CHANNELS, SFREQ, "emg"),
                        modality="emg",
                        dataset=NAME,
                        subject=who,
                        session=session,
                        classes=labels,
                        source_file=f"_readings_right_hand/{who}-{session}",
                        notes=tuple(notes),
                    )
                )
    return Loaded(recordings, seen.all_below(folder, _unused))


def _read_session(
    folder: Path, files: list[str], who: str, labels: tuple[str, ...], settle: int, seen: Seen
) -> tuple[list[Piece], list[str]]:
    pieces, notes = [], []
    for name in files:
        number = int(Path(name).stem)
        if CLASSES[number] not in labels and "hibernation" not in labels:
            continue
        lines = _read_lines(folder / name, name)
        others = sorted(set(lines.written.tolist()) - {0, number})
        if others:
            count = int(np.isin(lines.written, others).sum())
            why = f"it carries class {others[0]} in {count} lines, its name says {number}"
            notes.append(f"'{name}': {why}; it is left out.")
            seen.left_out(name, who, why)
            continue
        notes += lines.notes
        found = list(_pieces(lines, name, number, labels, settle))
        if any(piece.labelled for piece in found):
            pieces += found
            seen.used(name, who)
        else:
            seen.left_out(name, who, f"it has no stretch of {', '.join(labels)}")
    return pieces, notes


def _pieces(lines: _Lines, name: str, number: int, labels: tuple[str, ...], settle: int) -> Iterator[Piece]:
    """Yield what lies between missing lines, each with its labelled stretches."""
    changes = np.flatnonzero(np.diff(lines.codes)) + 1
    starts = np.concatenate([[0], changes])
    stops = np.concatenate([changes, [len(lines.codes)]])
    counted: dict[str, int] = {}
    stretches = []
    for start, stop in zip(starts, stops, strict=True):
        label = CLASSES[int(lines.codes[start])]
        place = counted[label] = counted.get(label, -1) + 1
        first = start + settle if start else start
        if label in labels and first < stop:
            stretches.append(Stretch(int(first), int(stop), label, f"{label}-F{number}-R{place}"))
    borders = [0, *lines.breaks, len(lines.codes)]
    for begin, end in pairwise(borders):
        inside = tuple(
            Stretch(max(s.first, begin) - begin, min(s.last, end) - begin, s.label, s.run)
            for s in stretches
            if s.first < end and s.last > begin
        )
        if end > begin:
            yield Piece(lines.counts[begin:end].T * VOLTS_PER_COUNT, "", "", name, inside)


def _read_lines(path: Path, name: str) -> _Lines:
    """Read a file line by line where it has to be; leave out what is malformed or written twice."""
    try:
        text = path.read_bytes()
    except OSError as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read: {error.strerror}. Type: biotransfer fetch {NAME}"
        ) from error
    wrong: tuple[tuple[int, int], ...] = ()
    table = numbers_or_none(text.rstrip(), _N_FIELDS)
    if table is None or not _is_sound(table).all():
        table, wrong = _sound_lines(text.decode("utf-8", "replace"))
    check(
        len(table) >= _FEWEST,
        f"{str(path)!r} has {len(table)} lines of 8 counts and a class. Expected about 12,000. "
        f"Get the file again: biotransfer fetch {NAME}",
    )
    notes = []
    if wrong:
        places = ", ".join(str(line) for line, _ in wrong[:5])
        more = f" and {len(wrong) - 5} more" if len(wrong) > 5 else ""
        notes.append(
            f"'{name}' is malformed in line {places}{more} (not 8 counts and a class): left out, with a "
            "boundary in its place."
        )
    breaks = np.unique([before for _, before in wrong]).astype(int)
    written = table[:, -1].astype(int)
    repeats = np.concatenate([[False], (table[1:] == table[:-1]).all(axis=1)])
    if repeats.mean() >= _REPEATED:
        share = repeats.mean()
        notes.append(
            f"'{name}' repeats the line before in {share:.1%} of its lines: written twice, left out once."
        )
        breaks = breaks - np.cumsum(repeats)[np.minimum(breaks, len(table) - 1)]
        table = table[~repeats]
    inside = tuple(int(b) for b in np.unique(breaks) if 0 < b < len(table))
    return _Lines(table[:, :-1], table[:, -1].astype(int), written, inside, tuple(notes))


def _is_sound(table: np.ndarray) -> np.ndarray:
    """Whether each row is 8 whole counts of 8 bits and a class that there is."""
    counts, codes = table[:, :-1], table[:, -1]
    whole = (table == np.round(table)).all(axis=1)
    fits = ((counts >= LOWEST) & (counts <= HIGHEST)).all(axis=1)
    return whole & fits & (codes >= 0) & (codes < len(CLASSES))


def _sound_lines(text: str) -> tuple[np.ndarray, tuple[tuple[int, int], ...]]:
    """Return the rows that are sound; of each other line its number and how many rows stand before it."""
    rows: list[list[float]] = []
    wrong: list[tuple[int, int]] = []
    for number, line in enumerate(text.rstrip().splitlines(), start=1):
        try:
            row = [float(field) for field in line.split(",")]
            sound = len(row) == _N_FIELDS and bool(_is_sound(np.array([row])).all())
        except ValueError:
            sound = False
        if sound:
            rows.append(row)
        else:
            wrong.append((number, len(rows)))
    return np.array(rows).reshape(-1, _N_FIELDS), tuple(wrong)


def _unused(path: str) -> tuple[str, str]:
    """Return whose a file is that was not read, and why it was not."""
    named = _FILE.fullmatch(path)
    if named is not None:
        return named["who"], NOT_ASKED
    return "", NO_SIGNAL if not path.endswith(".txt") else NO_NAME


def owner(path: str) -> str | None:
    """Return whose a registered file is."""
    named = _FILE.fullmatch(path)
    return named["who"] if named else None


ENTRY = Entry(
    name=NAME,
    summary="EMG of 38 people making wrist gestures in two sessions, Myo armband (8 channels, 200 Hz).",
    function=load_myo_readings,
    source=f"github.com/aljazfrancic/myo-readings-dataset at {_COMMIT}",
    facts={
        **DEVICE_FACTS,
        "line_freq": 50.0,
        "size_mb": 113,
        "subjects": 38,
        "license": "MIT",
        "origin": f"github.com/aljazfrancic/myo-readings-dataset at {_COMMIT}, folder _readings_right_hand",
        "citation": (
            "Francic (2021), Myo armband electromyographic readings data set, "
            "github.com/aljazfrancic/myo-readings-dataset"
        ),
        "classes": REGISTERED,
        "registered": ("LICENSE", "_readings_right_hand/*/*.txt"),
        "owner": owner,
        "sources": (
            Source("archive", f"https://github.com/aljazfrancic/myo-readings-dataset/archive/{_COMMIT}.zip"),
            Source(
                "files", f"https://raw.githubusercontent.com/aljazfrancic/myo-readings-dataset/{_COMMIT}/"
            ),
        ),
        "caveats": (
            UNIT_CAVEAT,
            "Labels follow a clock of 5 s, people follow the labels: the first second after each change "
            "carries no label (settle).",
            "Files hold 186 to 248 lines per second; they are read at the armband's 200 Hz, at which hum "
            "lies at 50 Hz.",
            "Hibernation is no rest: its own file holds small movements on purpose.",
        ),
    },
)
