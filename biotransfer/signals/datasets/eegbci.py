"""EEG of executed and imagined movements, PhysioNet eegmmidb 1.0.0 (EEGBCI)."""

from __future__ import annotations

import re
from pathlib import Path

import mne
import numpy as np

from ...catalog import Entry
from ...errors import BiotransferError, check
from ..electrodes import electrode_positions
from ..recording import Recording
from .arithmetic import check_edf
from .common import choose, choose_classes
from .download import Source
from .loaded import NO_NAME, NO_SIGNAL, NOT_ASKED, Loaded, Seen
from .raw_files import read_edf

NAME = "eegbci"
SFREQ = 160.0
N_CHANNELS = 64
_FILE = re.compile(r"S(?P<who>\d{3})/S(?P=who)R(?P<run>\d\d)\.edf")
_FISTS, _BOTH = ("left_fist", "right_fist"), ("both_fists", "both_feet")
CODES: dict[int, dict[str, str]] = {
    1: {"T0": "eyes_open"},
    2: {"T0": "eyes_closed"},
    **{run: dict(zip(("T0", "T1", "T2"), ("rest", *_FISTS), strict=True)) for run in (3, 7, 11)},
    **{
        run: {"T0": "rest", "T1": f"imagined_{_FISTS[0]}", "T2": f"imagined_{_FISTS[1]}"}
        for run in (4, 8, 12)
    },
    **{run: dict(zip(("T0", "T1", "T2"), ("rest", *_BOTH), strict=True)) for run in (5, 9, 13)},
    **{
        run: {"T0": "rest", "T1": f"imagined_{_BOTH[0]}", "T2": f"imagined_{_BOTH[1]}"} for run in (6, 10, 14)
    },
}
"""What the event codes mean, by run."""
CLASSES = tuple(dict.fromkeys(label for codes in CODES.values() for label in codes.values()))


def load_eegbci(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load EEGBCI: executed and imagined movements of 109 people.

    Parameters
    ----------
    folder : Path
        Folder with S001/S001R01.edf and so on.
    subjects : list of str, optional
        "001" to "109". Default: all that are there.
    sessions : list of str, optional
        There is one, "1"; its 14 runs are runs.
    classes : list of str, optional
        Labels in the order to use; runs without any of them are not read. Default: all eleven.

    Returns
    -------
    Loaded
        One recording per run that has one of the classes: 64 channels of the 10-10 system in V, 160 Hz. T0,
        T1 and T2 are named by what they mean in that run. Runs at another rate are left out.

    Raises
    ------
    BiotransferError
        When a file is no complete EDF file of 64 channels, or something asked for is not there.
    """
    choose(f"sessions of {NAME!r}", sessions, ["1"])
    labels = choose_classes(NAME, classes, CLASSES)
    there = {}
    for path in folder.glob("S*/S*.edf"):
        name = path.relative_to(folder).as_posix()
        if named := _FILE.fullmatch(name):
            there[named["who"], int(named["run"])] = name
    people = choose(f"subjects of {NAME!r}", subjects, {who for who, _ in there})
    check(people, f"{str(folder)!r} holds no file like S001/S001R01.edf. Type: biotransfer fetch {NAME}")
    seen = Seen()
    recordings = []
    for who in people:
        for run, codes in CODES.items():
            name = there.get((who, run), "")
            if not name or not set(codes.values()) & set(labels):
                continue
            raw = _read(folder / name, codes)
            if raw.info["sfreq"] != SFREQ:
                rate = raw.info["sfreq"]
                seen.left_out(name, who, f"it runs at {rate:g} Hz, the data set at {SFREQ:g} Hz")
                continue
            seen.used(name, who)
            recordings.append(
                Recording(
                    raw=raw,
                    modality="eeg",
                    dataset=NAME,
                    subject=who,
                    classes=labels,
                    run=str(run),
                    source_file=name,
                )
            )
    return Loaded(recordings, seen.all_below(folder, _unused))


def _read(path: Path, codes: dict[str, str]) -> mne.io.BaseRaw:
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
    check(
        len(raw.ch_names) == N_CHANNELS,
        f"{str(path)!r} has {len(raw.ch_names)} channels. Expected {N_CHANNELS}, a recording of {NAME}. "
        "Use from_raws for other recordings.",
    )
    mne.datasets.eegbci.standardize(raw)
    raw.set_montage(electrode_positions(), on_missing="ignore")
    raw.set_meas_date(None)
    found = raw.annotations
    kept = np.array([str(code) in codes for code in found.description], bool)
    raw.set_annotations(
        mne.Annotations(
            found.onset[kept], found.duration[kept], [codes[str(c)] for c in found.description[kept]]
        )
    )
    return raw


def _unused(path: str) -> tuple[str, str]:
    """Return whose a file is that was not read, and why it was not."""
    who = owner(path)
    if who is not None:
        return who, NOT_ASKED
    return "", NO_NAME if path.endswith(".edf") else NO_SIGNAL


def owner(path: str) -> str | None:
    """Return whose a registered file is."""
    named = _FILE.fullmatch(path)
    return named["who"] if named else None


ENTRY = Entry(
    name=NAME,
    summary="EEG of 109 people moving fists and feet or imagining it, BCI2000 (64 electrodes, 160 Hz).",
    function=load_eegbci,
    source="doi:10.1109/TBME.2004.827072",
    facts={
        "modality": "eeg",
        "size_mb": 3400,
        "subjects": 109,
        "license": "Open Data Commons Attribution 1.0",
        "origin": "physionet.org/content/eegmmidb/1.0.0",
        "citation": (
            "Schalk, McFarland, Hinterberger, Birbaumer, Wolpaw (2004), BCI2000: a general-purpose "
            "brain-computer interface (BCI) system, IEEE TBME 51(6):1034-1043, "
            "doi:10.1109/TBME.2004.827072; Goldberger et al. (2000), PhysioBank, PhysioToolkit, and "
            "PhysioNet, Circulation 101(23):e215-e220"
        ),
        "n_chans": N_CHANNELS,
        "sfreq": SFREQ,
        "classes": CLASSES,
        "unit": "microvolt, read as V",
        "line_freq": 60.0,
        "registered": ("S*/S*R*.edf",),
        "owner": owner,
        "sources": (Source("files", "https://physionet.org/files/eegmmidb/1.0.0/", "SHA256SUMS.txt"),),
        "caveats": (
            "Three people (088, 092, 100) are published at 128 Hz: their files are left out.",
            "T1 and T2 mean other movements in other runs; here they are named by what they mean.",
            "Rest is half of every run of movements: use balanced accuracy, or leave it out by classes.",
        ),
    },
)
