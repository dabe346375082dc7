"""EMG of eleven hand gestures, recorded with the 3DC armband by Cote-Allard and others."""

from __future__ import annotations

import re
from pathlib import Path

from ...catalog import Entry
from ...errors import check
from ..recording import Recording
from .archives import Member, find_members
from .common import Piece, choose, choose_classes, join_pieces
from .csv_files import parse_numbers
from .download import Source
from .loaded import NO_NAME, NOT_ASKED, Loaded, Seen

NAME = "3dc"
CLASSES = ("neutral", "radial_deviation", "wrist_flexion", "ulnar_deviation", "wrist_extension", "supination",
           "pronation", "power_grip", "open_hand", "chuck_grip", "pinch_grip")  # fmt: skip
SFREQ = 1000.0
CHANNELS = tuple(f"EMG{i}" for i in range(1, 11))
VOLTS_PER_STEP = 1e-6
SESSIONS = ("train", "test")
_FILE = re.compile(
    r"(?:.*/)?Participant(?P<who>\d+)/(?P<session>train|test)/EMG/"
    r"(?:3dc_)?EMG_gesture_(?P<cycle>\d+)_(?P<number>\d+)\.txt"
)


def load_3dc(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load the 3DC set: eleven gestures of 22 people, in cycles.

    Parameters
    ----------
    folder : Path
        Folder with the archive of the data set, or with Participant1 and so on.
    subjects : list of str, optional
        "1" to "22". Default: all that are there.
    sessions : list of str, optional
        train and test, the two parts of the set. Default: both.
    classes : list of str, optional
        Gestures in the order to use. Default: all eleven.

    Returns
    -------
    Loaded
        One recording per person and session, its files joined with an ``EDGE boundary`` between them; each
        is a labelled annotation whose run is ``gesture-Rcycle``. 1000 Hz, 10 channels, 1e-6 V per step
        (nominal).

    Raises
    ------
    BiotransferError
        When a file is no table of ten numbers a line, or something asked for is not there.
    """
    labels = choose_classes(NAME, classes, CLASSES)
    seen = Seen()
    members = [m for m in find_members(folder, _FILE, seen, NO_NAME) if int(m.named["number"]) < len(CLASSES)]
    people = choose(f"subjects of {NAME!r}", subjects, {m.named["who"] for m in members})
    check(
        people,
        f"{str(folder)!r} holds no file like Participant1/train/EMG/3dc_EMG_gesture_0_0.txt, in a folder or "
        f"in an archive. Type: biotransfer fetch {NAME}",
    )
    parts = choose(f"sessions of {NAME!r}", sessions, {m.named["session"] for m in members})
    recordings = []
    for who in people:
        for part in parts:
            chosen = [m for m in members if (m.named["who"], m.named["session"]) == (who, part)]
            chosen.sort(key=lambda m: (int(m.named["cycle"]), int(m.named["number"])))
            chosen = [m for m in chosen if CLASSES[int(m.named["number"])] in labels]
            if chosen:
                recordings.append(
                    Recording(
                        raw=join_pieces([_piece(m) for m in chosen], CHANNELS, SFREQ, "emg"),
                        modality="emg",
                        dataset=NAME,
                        subject=who,
                        session=part,
                        classes=labels,
                        source_file=f"Participant{who}/{part}",
                    )
                )
            for member in chosen:
                seen.used(member.path, who)
    used = {file.path for file in seen.files() if file.used}
    for member in members:
        if member.path not in used:
            seen.left_out(member.path, member.named["who"], NOT_ASKED)
    return Loaded(recordings, seen.files())


def _piece(member: Member) -> Piece:
    label = CLASSES[int(member.named["number"])]
    lines = (line.rstrip(b", \t") for line in member.read().splitlines())
    table = parse_numbers(b"\n".join(lines), member.path, CHANNELS, header=False)
    return Piece(table.T * VOLTS_PER_STEP, label, f"{label}-R{member.named['cycle']}", member.path)


ENTRY = Entry(
    name=NAME,
    summary="EMG of 22 people making eleven hand gestures, 3DC armband (10 channels, 1000 Hz).",
    function=load_3dc,
    source="doi:10.3389/fbioe.2020.00158",
    facts={
        "modality": "emg",
        "subjects": 22,
        "license": "see the origin",
        "origin": "github.com/ECEEvanCampbell/3DCDataset",
        "citation": (
            "Cote-Allard, Campbell, Phinyomark, Laviolette, Gosselin, Scheme (2020), Interpreting deep "
            "learning features for myoelectric control: a comparison with handcrafted features, Frontiers in "
            "Bioengineering and Biotechnology 8:158, doi:10.3389/fbioe.2020.00158"
        ),
        "n_chans": len(CHANNELS),
        "sfreq": SFREQ,
        "classes": CLASSES,
        "unit": "steps of the converter, read as 1e-6 V each (nominal)",
        "line_freq": 60.0,
        "registered": ("HEAD.zip",),
        "unpacked": ("Participant*/t*/EMG/*EMG_gesture_*.txt", "*/Participant*/t*/EMG/*EMG_gesture_*.txt"),
        "sources": (Source("files", "https://github.com/ECEEvanCampbell/3DCDataset/archive/"),),
        "caveats": (
            "The armband's gain is not published with it: only relative amplitudes mean something.",
            "Files are numbered by cycle and gesture: place in the recording and gesture go together.",
            "The copy at the origin is not pinned: what arrives first is recorded, later ones held to it.",
        ),
    },
)
