"""EEG at rest and during mental arithmetic, PhysioNet eegmat 1.0.0."""

from __future__ import annotations

import re
from pathlib import Path

import mne
import numpy as np

from ...catalog import Entry
from ...errors import BiotransferError, check
from ..electrodes import electrode_positions
from ..recording import Recording
from .common import choose, choose_classes
from .download import Source
from .loaded import NO_NAME, NOT_ASKED, Loaded, Seen
from .raw_files import read_edf

NAME = "mental-arithmetic"
CLASSES = ("rest", "arithmetic")
CHANNELS = ("Fp1", "Fp2", "F3", "F4", "F7", "F8", "T3", "T4", "C3", "C4", "T5", "T6", "P3", "P4", "O1", "O2",
            "Fz", "Cz", "Pz")  # fmt: skip
SFREQ = 500.0
_RENAMED = {f"EEG {channel}": channel for channel in CHANNELS} | {"EEG A2-A1": "A2-A1", "ECG ECG": "ECG"}
_FILE = re.compile(r"Subject(?P<who>\d\d)_(?P<condition>[12])\.edf")
_HEADER_BYTES = 256
_PADDING_RUN = 0.25


def load_mental_arithmetic(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load EEG at rest and during serial subtraction.

    Parameters
    ----------
    folder : Path
        Folder with SubjectNN_1.edf (rest) and SubjectNN_2.edf (arithmetic).
    subjects : list of str, optional
        Numbers as in the file names, "00" to "35". Default: all that are in the folder.
    sessions : list of str, optional
        There is one, "1".
    classes : list of str, optional
        Labels in the order to use. Default: rest, arithmetic.

    Returns
    -------
    Loaded
        One per file: 19 EEG channels of the 10-20 system in V, A2-A1 as misc, ECG as ecg, 500 Hz. All of it
        carries the label. Every file ends with up to 2 s in which all electrodes stand still; this padding
        is cut off and noted.

    Raises
    ------
    BiotransferError
        When a file is no complete EDF file with these channels, or something asked for is not there.
    """
    choose(f"sessions of {NAME!r}", sessions, ["1"])
    labels = choose_classes(NAME, classes, CLASSES)
    there = {
        path.name: named["who"] for path in folder.glob("*.edf") if (named := _FILE.fullmatch(path.name))
    }
    people = choose(f"subjects of {NAME!r}", subjects, set(there.values()))
    check(people, f"{str(folder)!r} holds no file like Subject00_1.edf. Type: biotransfer fetch {NAME}")
    files = [
        (who, label, f"Subject{who}_{1 + CLASSES.index(label)}.edf") for who in people for label in labels
    ]
    seen = Seen()
    recordings = []
    for who, label, name in files:
        if name in there:
            recordings.append(_read(folder / name, who, label, labels))
            seen.used(name, who)
    return Loaded(recordings, seen.all_below(folder, _unused))


def _unused(path: str) -> tuple[str, str]:
    """Return whose a file is that was not read, and why it was not."""
    named = _FILE.fullmatch(path)
    return ("", NO_NAME) if named is None else (named["who"], NOT_ASKED)


def owner(path: str) -> str | None:
    """Return whose a registered file is."""
    named = _FILE.fullmatch(path)
    return named["who"] if named else None


def _read(path: Path, who: str, label: str, labels: tuple[str, ...]) -> Recording:
    check_edf(path)
    try:
        raw = read_edf(path)
    except BiotransferError:
        raise
    except Exception as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read as EDF ({type(error).__name__}: {error}). Get the file again: "
            f"biotransfer fetch {NAME}"
        ) from error
    absent = [name for name in _RENAMED if name not in raw.ch_names]
    check(
        not absent,
        f"{str(path)!r} lacks the channel {', '.join(absent)}; it has {', '.join(raw.ch_names)}. "
        f"Expected a recording of {NAME}. Use from_raws for other recordings.",
    )
    check(
        raw.info["sfreq"] == SFREQ,
        f"{str(path)!r} runs at {raw.info['sfreq']:g} Hz. Expected {SFREQ:g} Hz, a recording of {NAME}. "
        "Use from_raws for other recordings.",
    )
    raw.pick(list(_RENAMED))
    raw.rename_channels(_RENAMED)
    raw.set_channel_types({"A2-A1": "misc", "ECG": "ecg"}, verbose="error")
    raw.set_montage(electrode_positions())
    raw.set_meas_date(None)
    raw.set_annotations(None)
    n_signal = _padding_start(raw.get_data(picks=list(CHANNELS)))
    notes = []
    if n_signal < raw.n_times:
        seconds = (raw.n_times - n_signal) / SFREQ
        notes.append(f"'{path.name}' ends with {seconds:.2f} s in which no electrode moves: cut off.")
        check(n_signal > 1, f"{str(path)!r} holds no signal: no electrode moves. Get the file again.")
        raw.crop(tmax=(n_signal - 1) / SFREQ)
    raw.set_annotations(mne.Annotations([0.0], [raw.n_times / SFREQ], [label]))
    return Recording(
        raw=raw,
        modality="eeg",
        dataset=NAME,
        subject=who,
        classes=labels,
        run=label,
        source_file=path.name,
        notes=tuple(notes),
    )


def _padding_start(data: np.ndarray) -> int:
    """Return where the runs of at least 0.25 s without any change begin that end with the file."""
    n = data.shape[1]
    borders = np.concatenate([[0], np.flatnonzero(np.diff(data).any(axis=0)) + 1, [n]])
    moving = np.flatnonzero(np.diff(borders) < _PADDING_RUN * SFREQ)
    return int(borders[moving[-1] + 1]) if len(moving) else 0


def check_edf(path: Path) -> None:
    """Refuse a file that is no EDF, or shorter than its own header says.

    Raises
    ------
    BiotransferError
        With the number of bytes found and expected.
    """
    size = path.stat().st_size
    check(size > 0, f"{str(path)!r} is empty. Expected an EDF file. Get the file again.")
    with path.open("rb") as file:
        header = file.read(_HEADER_BYTES)
        check(
            len(header) == _HEADER_BYTES and header[:8] == b"0       ",
            f"{str(path)!r} does not begin like an EDF file. Check that this is the file you mean.",
        )
        try:
            n_header, n_records, n_signals = int(header[184:192]), int(header[236:244]), int(header[252:256])
            file.seek(_HEADER_BYTES + 216 * n_signals)
            samples = sum(int(file.read(8)) for _ in range(n_signals))
        except ValueError as error:
            raise BiotransferError(
                f"{str(path)!r} has a damaged EDF header ({error}). Get the file again."
            ) from error
    expected = n_header + 2 * n_records * samples
    check(
        size >= expected,
        f"{str(path)!r} is broken off: {size} bytes of the {expected} its header announces. "
        "Get the file again.",
    )


ENTRY = Entry(
    name=NAME,
    summary="EEG of 36 people at rest and during mental arithmetic, Neurocom (19 electrodes, 500 Hz).",
    function=load_mental_arithmetic,
    source="doi:10.3390/data4010014",
    facts={
        "modality": "eeg",
        "size_mb": 186,
        "subjects": 36,
        "license": "Open Data Commons Attribution 1.0",
        "origin": "physionet.org/content/eegmat/1.0.0",
        "citation": (
            "Zyma, Tukaev, Seleznov, Kiyono, Popov, Chernykh, Shpenkov (2019), Electroencephalograms during "
            "mental arithmetic task performance, Data 4(1):14, doi:10.3390/data4010014; Goldberger et al. "
            "(2000), PhysioBank, PhysioToolkit, and PhysioNet, Circulation 101(23):e215-e220"
        ),
        "n_chans": len(CHANNELS),
        "sfreq": SFREQ,
        "classes": CLASSES,
        "unit": "microvolt, read as V",
        "line_freq": 50.0,
        "registered": ("Subject??_?.edf",),
        "owner": owner,
        "sources": (Source("files", "https://physionet.org/files/eegmat/1.0.0/", "SHA256SUMS.txt"),),
        "caveats": (
            "The two conditions are two files: condition and recording are confounded within a person, so "
            "only evaluation on unseen people is honest.",
            "The authors filtered the signals (0.5 to 45 Hz, 50 Hz notch) and removed artifacts by ICA.",
            "Every file ends with up to 2 s of padding, longer in proportion in one class; it is cut off.",
            "Rest lasts about 180 s and arithmetic 60 s: the classes are unbalanced, use balanced accuracy.",
        ),
    },
)
