"""EMG of seven hand gestures, recorded with a Myo armband by Cote-Allard and others."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ...catalog import Entry
from ...errors import check
from ..recording import Recording
from .common import Piece, choose, choose_classes, join_pieces
from .download import Source
from .loaded import NO_NAME, NOT_ASKED, Loaded, Seen
from .myo import CHANNELS, DEVICE_FACTS, SFREQ, UNIT_CAVEAT, VOLTS_PER_COUNT, check_counts

NAME = "cote-allard"
CLASSES = ("neutral", "radial_deviation", "wrist_flexion", "ulnar_deviation", "wrist_extension", "hand_close",
           "hand_open")  # fmt: skip
_COMMIT = "4de3efe"
_FILE = re.compile(r"PreTrainingDataset/(?P<who>(?:Fem|M)ale\d+)/training0/classe_(?P<number>\d+)\.dat")
_PLACE = re.compile(r"(?P<part>\w+)Dataset/(?P<who>\w+)/.*")


def load_cote_allard(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load the pretraining part of Cote-Allard's Myo set: seven gestures, four cycles.

    Parameters
    ----------
    folder : Path
        Folder with PreTrainingDataset/WHO/training0/classe_N.dat.
    subjects : list of str, optional
        Out of Female0 to Female9 and Male0 to Male11. Default: all.
    sessions : list of str, optional
        There is one, "1".
    classes : list of str, optional
        Gestures in the order to use. Default: all seven.

    Returns
    -------
    Loaded
        One recording per person, its 28 files of about 5 s in the order of their numbers, joined with an
        ``EDGE boundary`` between them. The gesture is the file's number modulo 7; each file is a labelled
        annotation whose run is ``gesture-Rcycle``. 200 Hz, 8 channels, 1e-6 V per count (nominal).

    Raises
    ------
    BiotransferError
        When a file does not hold whole frames of 8 channels, a value is none of an 8-bit converter, or
        something asked for is not there.
    """
    choose(f"sessions of {NAME!r}", sessions, ["1"])
    labels = choose_classes(NAME, classes, CLASSES)
    there: dict[str, dict[int, str]] = {}
    for path in folder.glob("PreTrainingDataset/*/training0/*.dat"):
        name = path.relative_to(folder).as_posix()
        if named := _FILE.fullmatch(name):
            there.setdefault(named["who"], {})[int(named["number"])] = name
    people = choose(f"subjects of {NAME!r}", subjects, there)
    check(
        people,
        f"{str(folder)!r} holds no file like PreTrainingDataset/Male0/training0/classe_0.dat. "
        f"Type: biotransfer fetch {NAME}",
    )
    seen = Seen()
    recordings = []
    for who in people:
        pieces = []
        for number, name in sorted(there[who].items()):
            cycle, place = divmod(number, len(CLASSES))
            if CLASSES[place] in labels:
                signal = read_interleaved(folder / name) * VOLTS_PER_COUNT
                pieces.append(Piece(signal, CLASSES[place], f"{CLASSES[place]}-R{cycle}", name))
                seen.used(name, who)
        check(pieces, f"{who!r} of {NAME!r} has none of {', '.join(labels)}. Ask for other classes.")
        recordings.append(
            Recording(
                raw=join_pieces(pieces, CHANNELS, SFREQ, "emg"),
                modality="emg",
                dataset=NAME,
                subject=who,
                classes=labels,
                source_file=f"PreTrainingDataset/{who}",
            )
        )
    return Loaded(recordings, seen.all_below(folder, _unused))


def read_interleaved(path: Path) -> np.ndarray:
    """Read frames of 8 channels, int16, little endian, one sample of all channels after the other.

    Parameters
    ----------
    path : Path
        A .dat file of this data set.

    Returns
    -------
    ndarray, shape (8, n_samples), float64
        Counts as they stand in the file.

    Raises
    ------
    BiotransferError
        When the file is empty, ends inside a frame or holds what no Myo armband gives.
    """
    content = path.read_bytes()
    frame = 2 * len(CHANNELS)
    check(
        content and len(content) % frame == 0,
        f"{str(path)!r} has {len(content)} bytes. Expected one or more frames of {frame} bytes: 8 channels, "
        f"int16. Get the file again: biotransfer fetch {NAME}",
    )
    counts = np.frombuffer(content, "<i2").reshape(-1, len(CHANNELS)).astype(float)
    check_counts(counts, path, "frame")
    return counts.T


def _unused(path: str) -> tuple[str, str]:
    """Return whose a file is that was not read, and why it was not."""
    place = _PLACE.fullmatch(path)
    if place is None:
        return "", NO_NAME
    if place["part"] != "PreTraining":
        return place["who"], "it belongs to another part of the data set, which has people of its own"
    return place["who"], NOT_ASKED if _FILE.fullmatch(path) else NO_NAME


def owner(path: str) -> str | None:
    """Return whose a registered file is."""
    named = _FILE.fullmatch(path)
    return named["who"] if named else None


ENTRY = Entry(
    name=NAME,
    summary="EMG of 22 people making seven hand gestures, Myo armband (8 channels, 200 Hz).",
    function=load_cote_allard,
    source="doi:10.1109/TNSRE.2019.2896269",
    facts={
        **DEVICE_FACTS,
        "line_freq": 60.0,
        "size_mb": 10,
        "subjects": 22,
        "license": "GPL-3.0 of its repository, no terms of its own: download, do not redistribute",
        "origin": f"github.com/UlysseCoteAllard/MyoArmbandDataset at {_COMMIT}, folder PreTrainingDataset",
        "citation": (
            "Cote-Allard, Fall, Drouin, Campeau-Lecours, Gosselin, Glette, Laviolette, Gosselin (2019), Deep "
            "learning for electromyographic hand gesture signal classification using transfer learning, "
            "IEEE Transactions on Neural Systems and Rehabilitation Engineering 27(4):760-771, "
            "doi:10.1109/TNSRE.2019.2896269"
        ),
        "classes": CLASSES,
        "registered": ("PreTrainingDataset/*/training0/*.dat",),
        "owner": owner,
        "sources": (
            Source("archive", f"https://github.com/UlysseCoteAllard/MyoArmbandDataset/archive/{_COMMIT}.zip"),
            Source(
                "files", f"https://raw.githubusercontent.com/UlysseCoteAllard/MyoArmbandDataset/{_COMMIT}/"
            ),
        ),
        "caveats": (
            UNIT_CAVEAT,
            "The seven gestures follow each other in one fixed order, four times: place in the recording and "
            "gesture go together.",
            "Female2 lacks about a sixth of her samples, at places that nothing marks.",
            "The armband filters 50 Hz (and some of 60 Hz) out before it sends.",
            "Strong gestures reach the limits of the 8-bit converter, in one person in 0.6 % of all values.",
        ),
    },
)
