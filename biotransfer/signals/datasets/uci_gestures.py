"""EMG of hand gestures, "EMG data for gestures" of the UCI repository."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ...catalog import Entry
from ...errors import check
from ..recording import Recording
from .archives import Member, find_members
from .common import Piece, Stretch, choose, choose_classes, join_pieces
from .csv_files import parse_numbers
from .download import Source
from .loaded import NO_NAME, NOT_ASKED, Loaded, Seen
from .myo import CHANNELS

NAME = "uci-gestures"
CLASSES = ("rest", "fist", "wrist_flexion", "wrist_extension", "radial_deviation", "ulnar_deviation",
           "extended_palm")  # fmt: skip
SFREQ = 1000.0
GAP_MS = 100
_COLUMNS = ("time", *(f"channel{i}" for i in range(1, 9)), "class")
_FILE = re.compile(r"(?:.*/)?(?P<who>\d\d)/(?P<session>[12])_raw_data_[^/]*\.txt")


def load_uci_gestures(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load the UCI set of EMG for gestures: 36 people, two sessions.

    Parameters
    ----------
    folder : Path
        Folder with EMG_data_for_gestures-master.zip, or with the folders 01 to 36 of it.
    subjects : list of str, optional
        "01" to "36". Default: all that are there.
    sessions : list of str, optional
        "1" and "2", the two files of a person. Default: both.
    classes : list of str, optional
        Gestures in the order to use. Default: all seven; few people made the last.

    Returns
    -------
    Loaded
        One recording per file: 8 channels, values as stored, taken as V. Rows are placed by their time in ms
        on a grid of 1000 Hz, each value held until the next row; where more than 100 ms lack, an ``EDGE
        boundary`` stands instead. Class 0 is unmarked and carries no label. A stretch's run is
        ``gesture-Rnumber``.

    Raises
    ------
    BiotransferError
        When a table is not as described, time runs backwards, or something asked for is not there.
    """
    labels = choose_classes(NAME, classes, CLASSES)
    seen = Seen()
    members = find_members(folder, _FILE, seen, NO_NAME)
    people = choose(f"subjects of {NAME!r}", subjects, {m.named["who"] for m in members})
    check(
        people,
        f"{str(folder)!r} holds no file like 01/1_raw_data_13-12_22.03.16.txt, in a folder or in "
        f"EMG_data_for_gestures-master.zip. Type: biotransfer fetch {NAME}",
    )
    days = choose(f"sessions of {NAME!r}", sessions, {m.named["session"] for m in members})
    recordings = []
    for who in people:
        for day in days:
            for member in members:
                if (member.named["who"], member.named["session"]) == (who, day):
                    recordings.append(_recording(member, who, day, labels))
                    seen.used(member.path, who)
    used = {file.path for file in seen.files() if file.used}
    for member in members:
        if member.path not in used:
            seen.left_out(member.path, member.named["who"], NOT_ASKED)
    return Loaded(recordings, seen.files())


def _recording(member: Member, who: str, day: str, labels: tuple[str, ...]) -> Recording:
    table = parse_numbers(member.read().replace(b"\t", b","), member.path, _COLUMNS, header=True)
    check(len(table) >= 2, f"{member.path!r} has {len(table)} rows. Expected at least 2. Get the file again.")
    times, codes = table[:, 0], table[:, -1]
    backwards = np.flatnonzero(np.diff(times) < 0)
    check(
        len(backwards) == 0,
        f"{member.path!r}: time runs backwards at line {backwards[0] + 3 if len(backwards) else 0}. "
        "Expected rising milliseconds. Sort or split the file.",
    )
    wrong = np.flatnonzero(~np.isin(codes, np.arange(len(CLASSES) + 1)))
    check(
        len(wrong) == 0,
        f"{member.path!r} holds class {codes[wrong[0]] if len(wrong) else 0:g} in line "
        f"{wrong[0] + 2 if len(wrong) else 0}. Expected 0 (unmarked) to {len(CLASSES)}. Check the file.",
    )
    gaps = np.flatnonzero(np.diff(times) > GAP_MS) + 1
    counted: dict[str, int] = {}
    pieces = [
        _piece(table[a:b], member.path, labels, counted)
        for a, b in zip([0, *gaps], [*gaps, len(table)], strict=True)
    ]
    notes = []
    if len(gaps):
        where = ", ".join(f"{times[g] - times[g - 1]:.0f} ms" for g in gaps[:3])
        notes.append(
            f"'{member.path}' has {len(gaps)} gap(s) in its times ({where}): boundaries stand there."
        )
    return Recording(
        raw=join_pieces(pieces, CHANNELS, SFREQ, "emg"),
        modality="emg",
        dataset=NAME,
        subject=who,
        session=day,
        classes=labels,
        source_file=member.path,
        notes=tuple(notes),
    )


def _piece(rows: np.ndarray, path: str, labels: tuple[str, ...], counted: dict[str, int]) -> Piece:
    """Place rows on a grid of 1 ms, and name the stretches of one class."""
    times = rows[:, 0] - rows[0, 0]
    held = np.searchsorted(times, np.arange(int(times[-1]) + 1), side="right") - 1
    values, codes = rows[held, 1:-1], rows[held, -1].astype(int)
    changes = np.flatnonzero(np.diff(codes)) + 1
    stretches = []
    for first, last in zip([0, *changes], [*changes, len(codes)], strict=True):
        label = CLASSES[codes[first] - 1] if codes[first] else ""
        if label in labels:
            place = counted[label] = counted.get(label, -1) + 1
            stretches.append(Stretch(int(first), int(last), label, f"{label}-R{place}"))
    return Piece(values.T, "", "", path, tuple(stretches))


ENTRY = Entry(
    name=NAME,
    summary="EMG of 36 people making six or seven hand gestures in two sessions, Myo armband (8 channels).",
    function=load_uci_gestures,
    source="doi:10.3390/s18041122",
    facts={
        "modality": "emg",
        "subjects": 36,
        "license": "see the origin",
        "origin": "archive.ics.uci.edu/dataset/481/emg+data+for+gestures",
        "citation": (
            "Lobov, Krilova, Kastalskiy, Kazantsev, Makarov (2018), Latent factors limiting the performance "
            "of sEMG-interfaces, Sensors 18(4):1122, doi:10.3390/s18041122"
        ),
        "n_chans": len(CHANNELS),
        "sfreq": SFREQ,
        "classes": CLASSES,
        "unit": "as stored, taken as V",
        "line_freq": 50.0,
        "registered": ("EMG_data_for_gestures-master.zip",),
        "unpacked": ("[0-9][0-9]/*_raw_data_*.txt", "*/[0-9][0-9]/*_raw_data_*.txt"),
        "sources": (Source("files", "https://archive.ics.uci.edu/ml/machine-learning-databases/00481/"),),
        "caveats": (
            "A Myo armband measures 200 times a second; rows come faster and repeat its values, so that "
            "nothing above 100 Hz is signal.",
            "Extended palm was made by few people: leave it out by classes, or people lack a class.",
            "The origin publishes no sha256: what arrives first is recorded, and later copies held to it.",
        ),
    },
)
