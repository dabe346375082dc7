"""Real EEG and EMG that come with the package: a small part of two published data sets."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import mne
import numpy as np

from ...catalog import Entry
from ...errors import check_option
from ..electrodes import electrode_positions
from ..recording import MODALITIES, Recording
from .common import Piece, choose, choose_classes, join_pieces
from .loaded import Loaded, Seen
from .myo import CHANNELS as EMG_CHANNELS
from .myo import SFREQ as EMG_SFREQ
from .myo import VOLTS_PER_COUNT as EMG_STEP

NAME = "excerpt"
FILE = Path(__file__).with_name("files") / "excerpt.npz"
EEG_PEOPLE = tuple(f"{i:02d}" for i in range(20))
EEG_CLASSES = ("rest", "arithmetic")
EEG_CHANNELS = ("Fp1", "Fp2", "C3", "C4", "T5", "T6", "O1", "O2")
EEG_SFREQ = 125.0
EEG_SECONDS = 60.0
EEG_STEP = 0.5e-6
"""Volts per whole number in the file."""
EMG_PEOPLE = ("10000", "10101", "12345", "12378", "12548", "14478", "21547", "22222", "26082", "35622",
              "40052", "41924", "45612", "45677", "45678", "45744")  # fmt: skip
EMG_CLASSES = ("flexion", "extension", "radial_deviation", "fist")
EMG_SECONDS = 4.0
EMG_STRETCHES = 3


def load_excerpt(
    folder: Path | None,
    *,
    modality: str,
    subjects: list | None = None,
    sessions: list | None = None,
    classes: list | None = None,
) -> Loaded:
    """Load the excerpt that comes with the package: no download, no folder.

    Parameters
    ----------
    folder : None
        Not used: the file is part of the package.
    modality : {"eeg", "emg"}
        Which of the two parts. A recipe's section says it.
    subjects : list of str, optional
        People, named as in the data set they are from. Default: all.
    sessions : list of str, optional
        There is one, "1".
    classes : list of str, optional
        Labels in the order to use. Default: rest, arithmetic; flexion, extension, radial_deviation, fist.

    Returns
    -------
    Loaded
        EEG: one recording per person and class, 8 channels, 125 Hz, 60 s, in V. EMG: one per person, three
        stretches of 4 s per gesture joined with an ``EDGE boundary`` between them, 8 channels, 200 Hz, 1e-6 V
        per count (nominal).

    Raises
    ------
    BiotransferError
        When something asked for is not there.
    """
    check_option("modality", modality, MODALITIES)
    name = f"{modality} of {NAME!r}"
    choose(f"sessions of {name}", sessions, ["1"])
    known, all_classes = (EEG_PEOPLE, EEG_CLASSES) if modality == "eeg" else (EMG_PEOPLE, EMG_CLASSES)
    people = choose(f"subjects of {name}", subjects, known)
    labels = choose_classes(name, classes, all_classes)
    read = _eeg_of if modality == "eeg" else _emg_of
    seen = Seen()
    seen.used(FILE.name, "")
    return Loaded([recording for who in people for recording in read(who, labels)], seen.files())


def _eeg_of(who: str, labels: tuple[str, ...]) -> list[Recording]:
    signals = unpack(_arrays())[EEG_PEOPLE.index(who)] * EEG_STEP
    recordings = []
    for label in labels:
        info = mne.create_info(list(EEG_CHANNELS), EEG_SFREQ, "eeg")
        raw = mne.io.RawArray(signals[EEG_CLASSES.index(label)], info, verbose="error")
        raw.set_montage(electrode_positions())
        raw.set_annotations(mne.Annotations([0.0], [EEG_SECONDS], [label]))
        recordings.append(
            Recording(
                raw=raw,
                modality="eeg",
                dataset=NAME,
                subject=who,
                classes=labels,
                run=label,
                source_file=FILE.name,
            )
        )
    return recordings


def _emg_of(who: str, labels: tuple[str, ...]) -> list[Recording]:
    counts = _arrays()["emg"][EMG_PEOPLE.index(who)]
    pieces = [
        Piece(counts[EMG_CLASSES.index(label), i] * EMG_STEP, label, f"{label}-R{i}", FILE.name)
        for i in range(EMG_STRETCHES)
        for label in labels
    ]
    raw = join_pieces(pieces, EMG_CHANNELS, EMG_SFREQ, "emg")
    return [
        Recording(raw=raw, modality="emg", dataset=NAME, subject=who, classes=labels, source_file=FILE.name)
    ]


@cache
def _arrays() -> dict[str, np.ndarray]:
    with np.load(FILE, allow_pickle=False) as stored:
        return {name: stored[name] for name in stored.files}


def pack(steps: np.ndarray) -> dict[str, np.ndarray]:
    """Write int16 as differences along time, their low and high bytes apart: that compresses well.

    Parameters
    ----------
    steps : ndarray, shape (..., n_times), int16
        Whole numbers; their differences wrap around, and so does the sum that undoes them.

    Examples
    --------
    >>> whole = np.array([[3, -2, 500, 499]], np.int16)
    >>> bool((unpack(pack(whole)) == whole).all())
    True
    """
    changes = np.diff(steps, axis=-1, prepend=np.int16(0)).astype("<i2")
    halves = np.ascontiguousarray(changes).view(np.uint8)
    return {"eeg_low": halves[..., ::2].copy(), "eeg_high": halves[..., 1::2].copy()}


def unpack(arrays: dict[str, np.ndarray]) -> np.ndarray:
    """Undo :func:`pack`."""
    low, high = arrays["eeg_low"], arrays["eeg_high"]
    changes = np.stack([low, high], axis=-1).reshape(*low.shape[:-1], -1).view("<i2")
    return np.cumsum(changes, axis=-1, dtype=np.int16)


ENTRY = Entry(
    name=NAME,
    summary=(
        "Real recordings within the package: EEG of 20 people at rest and calculating, EMG of 16 people "
        "making four gestures."
    ),
    function=load_excerpt,
    source="mental-arithmetic (doi:10.3390/data4010014) and myo-readings",
    facts={
        "size_mb": 3,
        "license": "EEG: Open Data Commons Attribution 1.0; EMG: MIT (notices beside the file)",
        "origin": "data/excerpt/make_excerpt.py, from mental-arithmetic and myo-readings",
        "line_freq": 50.0,
        "citation": (
            "EEG: Zyma, Tukaev, Seleznov, Kiyono, Popov, Chernykh, Shpenkov (2019), Electroencephalograms "
            "during mental arithmetic task performance, Data 4(1):14, doi:10.3390/data4010014; Goldberger et "
            "al. (2000), PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23):e215-e220. EMG: "
            "Francic (2021), Myo armband electromyographic readings data set, "
            "github.com/aljazfrancic/myo-readings-dataset"
        ),
        "reads": lambda **_: (FILE.parent, [FILE]),
        "part_of": {"eeg": "mental-arithmetic", "emg": "myo-readings"},
        "caveats": (
            "A part of two data sets, for a first look and for tests: a result on it is about these minutes.",
            "Its people are people of mental-arithmetic and myo-readings: never use it beside these.",
            "EEG: each condition is one recording, so that only evaluation on unseen people is honest; its "
            "authors filtered it (0.5 to 45 Hz, 50 Hz notch).",
            "EMG: the armband publishes no gain; gestures follow a clock and were recorded one by one.",
        ),
    },
)
