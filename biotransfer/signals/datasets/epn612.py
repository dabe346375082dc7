"""EMG of five hand gestures of 612 people, EMG-EPN-612 (JSON files)."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from ...catalog import Entry
from ...errors import BiotransferError, check
from ..recording import Recording, natural_sorted
from .archives import Member, find_members
from .common import Piece, Stretch, choose, choose_classes, join_pieces
from .download import Source
from .loaded import NO_NAME, NOT_ASKED, Loaded, Seen
from .myo import CHANNELS, DEVICE_FACTS, SFREQ, UNIT_CAVEAT, VOLTS_PER_COUNT, check_counts

NAME = "epn612"
CLASSES = ("noGesture", "fist", "waveIn", "waveOut", "open", "pinch")
_FILE = re.compile(r"(?:.*/)?(?P<part>training|testing)JSON/(?P<user>user\d+)/(?P=user)\.json")
_SAMPLES = "trainingSamples"


def load_epn612(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load EMG-EPN-612: five gestures and none, 612 people.

    Parameters
    ----------
    folder : Path
        Folder with ``EMG-EPN612 Dataset.zip``, or with its trainingJSON and testingJSON.
    subjects : list of str, optional
        training-user1 to training-user306, testing-user1 to testing-user306: all different people. Default:
        all that are there.
    sessions : list of str, optional
        There is one, "1".
    classes : list of str, optional
        Gestures in the order to use. Default: noGesture, fist, waveIn, waveOut, open, pinch.

    Returns
    -------
    Loaded
        One recording per person, of the repetitions whose gesture is published (``trainingSamples``), joined
        with an ``EDGE boundary`` between them. A gesture's label covers ``groundTruthIndex``, or all of its
        repetition where there is none; a run is ``gesture-Rnumber``. 200 Hz, 8 channels, 1e-6 V per count.

    Raises
    ------
    BiotransferError
        When a file is not what it claims, or something asked for is not there.
    """
    choose(f"sessions of {NAME!r}", sessions, ["1"])
    labels = choose_classes(NAME, classes, CLASSES)
    seen = Seen()
    members = {f"{m.named['part']}-{m.named['user']}": m for m in find_members(folder, _FILE, seen, NO_NAME)}
    people = choose(f"subjects of {NAME!r}", subjects, members)
    check(
        people,
        f"{str(folder)!r} holds no file like trainingJSON/user1/user1.json, in a folder or in "
        f"'EMG-EPN612 Dataset.zip'. Type: biotransfer fetch {NAME}",
    )
    recordings = []
    for who in people:
        member = members[who]
        pieces = _pieces(member, labels)
        if not pieces:
            seen.left_out(member.path, who, f"it has none of {', '.join(labels)}")
            continue
        seen.used(member.path, who)
        recordings.append(
            Recording(
                raw=join_pieces(pieces, CHANNELS, SFREQ, "emg"),
                modality="emg",
                dataset=NAME,
                subject=who,
                classes=labels,
                source_file=member.path,
            )
        )
    for who, member in members.items():
        if who not in people:
            seen.left_out(member.path, who, NOT_ASKED)
    return Loaded(recordings, seen.files())


def _pieces(member: Member, labels: tuple[str, ...]) -> list[Piece]:
    try:
        samples: dict[str, Any] = json.loads(member.read())[_SAMPLES]
        names = natural_sorted(samples)
        return [p for name in names for p in _piece(samples[name], member.path, name, labels)]
    except BiotransferError:
        raise
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BiotransferError(
            f"{member.path!r} is no file of {NAME} ({type(error).__name__}: {error}). Expected JSON with "
            f"{_SAMPLES}, each with gestureName and emg of ch1 to ch8. Get the file again."
        ) from error


def _piece(sample: dict[str, Any], path: str, name: str, labels: tuple[str, ...]) -> list[Piece]:
    """Return a repetition of one of the gestures asked for, or nothing."""
    label = sample["gestureName"]
    if label not in labels:
        return []
    counts = np.array([sample["emg"][f"ch{i}"] for i in range(1, len(CHANNELS) + 1)], float)
    check_counts(counts.T, f"{path}: {name}", "sample")
    first, last = 0, counts.shape[1]
    if "groundTruthIndex" in sample and label != "noGesture":
        begin, end = (int(i) for i in np.ravel(sample["groundTruthIndex"])[:2])
        check(
            1 <= begin < end <= last,
            f"{path!r}, {name}: groundTruthIndex={[begin, end]} of {last} samples. Expected two of 1 to "
            f"{last}, rising. Get the file again.",
        )
        first, last = begin - 1, end
    run = f"{label}-R{name.rpartition('_')[2]}"
    return [Piece(counts * VOLTS_PER_COUNT, label, run, path, (Stretch(first, last, label, run),))]


ENTRY = Entry(
    name=NAME,
    summary="EMG of 612 people making five hand gestures and none, Myo armband (8 channels, 200 Hz).",
    function=load_epn612,
    source="doi:10.5281/zenodo.4421500",
    facts={
        **DEVICE_FACTS,
        "subjects": 612,
        "license": "see the origin",
        "origin": "zenodo.org/records/4421500",
        "citation": "EMG-EPN-612 data set (2020), doi:10.5281/zenodo.4421500",
        "classes": CLASSES,
        "line_freq": 60.0,
        "registered": ("EMG-EPN612 Dataset.zip",),
        "unpacked": ("*JSON/user*/user*.json", "*/*JSON/user*/user*.json"),
        "sources": (Source("files", "https://zenodo.org/records/4421500/files/"),),
        "caveats": (
            UNIT_CAVEAT,
            "testingSamples are not read: of half of the people their gestures are not published.",
            "The origin's sha256 is not known here: what arrives first is recorded.",
        ),
    },
)
