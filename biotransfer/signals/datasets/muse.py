"""EEG of relaxed, neutral and concentrating people, recorded with a Muse headband."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import mne
import numpy as np

from ...catalog import Entry
from ...errors import check
from ..electrodes import electrode_positions
from ..recording import EDGE, Recording
from .common import NEAR_COPY, choose, choose_classes, identical_share
from .csv_files import read_numbers
from .download import Source
from .loaded import NO_NAME, NOT_ASKED, Loaded, Seen

NAME = "muse-mental-state"
CLASSES = ("relaxed", "neutral", "concentrating")
CHANNELS = ("TP9", "AF7", "AF8", "TP10")
COLUMNS = ("timestamps", *CHANNELS, "Right AUX")
SFREQ = 256.0
GAP = 0.1
NOMINAL_LENGTH = 60.0
RAIL = 999.0
_SHORT = 55.0
_FILE = re.compile(r"(?P<who>.+)-(?P<state>relaxed|neutral|concentrating)-(?P<number>\d+)\.csv")


def read_muse_csv(path: str | Path) -> Recording:
    """Read one recording of the Muse headband.

    Parameters
    ----------
    path : str or Path
        A CSV file named ``subjectX-STATE-N.csv`` with the columns timestamps (s), TP9, AF7, AF8, TP10 and
        Right AUX (microvolt; the last one is no electrode and is left out).

    Returns
    -------
    Recording
        256 Hz, in V, with the time stamps of the file. The label ends at a gap (more than 0.1 s between
        two time stamps) and begins again behind it; an ``EDGE boundary`` marks the place.

    Raises
    ------
    BiotransferError
        When the name says no state, the table is not as described, time runs backwards, or the time stamps
        do not run at 256 Hz.

    Notes
    -----
    Microvolts are divided by 1e6, which multiplying by 1e6 undoes exactly for 97 % of the values and to one
    unit in the last place for the rest.
    """
    path = Path(path)
    named = _FILE.fullmatch(path.name)
    check(
        named,
        f"{str(path)!r} does not say subject and state. Expected a name like subjecta-relaxed-1.csv, with a "
        f"state out of {', '.join(CLASSES)}. Rename the file.",
    )
    assert named is not None
    table = read_numbers(path, COLUMNS, header=True)
    check(len(table) >= 2, f"{str(path)!r} has {len(table)} rows. Expected at least 2. Get the file again.")
    times, microvolts = table[:, 0].copy(), table[:, 1 : 1 + len(CHANNELS)].T
    raw = mne.io.RawArray(microvolts / 1e6, mne.create_info(list(CHANNELS), SFREQ, "eeg"), verbose="error")
    raw.set_montage(electrode_positions())
    gaps = _gaps(times, path)
    starts = np.concatenate([[0], gaps]) / SFREQ
    stops = np.concatenate([gaps, [len(times)]]) / SFREQ
    state = named["state"]
    raw.set_annotations(
        mne.Annotations(
            onset=np.concatenate([starts, starts[1:]]),
            duration=np.concatenate([stops - starts, np.zeros(len(gaps))]),
            description=[state] * len(starts) + [EDGE] * len(gaps),
        ),
        emit_warning=False,
    )
    return Recording(
        raw=raw,
        modality="eeg",
        dataset=NAME,
        subject=named["who"].removeprefix("subject"),
        classes=CLASSES,
        run=f"{state}-{named['number']}",
        source_file=path.name,
        timestamps=times,
        notes=_notes(path.name, times, microvolts, gaps),
    )


def _gaps(times: np.ndarray, path: Path) -> np.ndarray:
    """Return the samples that follow a gap; refuse time stamps of another device."""
    steps = np.diff(times)
    backwards = np.flatnonzero(steps < 0)
    check(
        len(backwards) == 0,
        f"{str(path)!r}: time runs backwards at line {backwards[0] + 3 if len(backwards) else 0}. "
        "Expected rising time stamps. Sort or split the file.",
    )
    inside = steps[steps <= GAP]
    rate = 1 / inside.mean() if len(inside) and inside.mean() > 0 else 0.0
    check(
        abs(rate / SFREQ - 1) < 0.02,
        f"{str(path)!r}: time stamps run at {rate:.1f} Hz. Expected {SFREQ:g} Hz, a Muse recording. "
        "Write data: folder, with path and sfreq, for other devices. In Python: from_folder(...).",
    )
    return np.flatnonzero(steps > GAP) + 1


def _notes(name: str, times: np.ndarray, microvolts: np.ndarray, gaps: np.ndarray) -> tuple[str, ...]:
    notes = []
    if len(gaps):
        places = ", ".join(f"{times[i] - times[i - 1]:.1f} s after {i / SFREQ:.1f} s" for i in gaps)
        notes.append(f"'{name}' has {len(gaps)} gap(s) in its time stamps: {places} of signal.")
    length = len(times) / SFREQ
    if length < _SHORT:
        notes.append(f"'{name}' holds {length:.1f} s of signal instead of about {NOMINAL_LENGTH:g} s.")
    for channel, values in zip(CHANNELS, microvolts, strict=True):
        share = float((np.abs(values) >= RAIL).mean())
        if share > 0:
            notes.append(f"'{name}': {channel} sits at the amplifier's rails in {share:.2%} of its samples.")
    return tuple(notes)


def load_muse(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load the Muse recordings of mental states.

    Parameters
    ----------
    folder : Path
        Folder with the CSV files.
    subjects : list of str, optional
        Out of a, b, c, d. Default: all.
    sessions : list of str, optional
        There is one, "1".
    classes : list of str, optional
        Labels in the order to use. Default: relaxed, neutral, concentrating.

    Returns
    -------
    Loaded
        One per file. A file whose samples repeat those of another (nine in ten or more are equal) is left
        out, and a note of the recording it copies says so; all files are compared, whatever is asked for.

    Raises
    ------
    BiotransferError
        When a file is not what it claims, or something asked for is not there.
    """
    choose(f"sessions of {NAME!r}", sessions, ["1"])
    labels = choose_classes(NAME, classes, CLASSES)
    files = [path for path in sorted(folder.glob("*.csv")) if _FILE.fullmatch(path.name)]
    check(files, f"{str(folder)!r} holds no file like subjecta-relaxed-1.csv. Type: biotransfer fetch {NAME}")
    files.sort(key=lambda path: (not path.name.startswith("subject"), path.name))
    seen = Seen()
    recordings = _without_copies([read_muse_csv(path) for path in files], seen)
    people = choose(f"subjects of {NAME!r}", subjects, {r.subject for r in recordings})
    chosen = [
        replace(recording, classes=labels)
        for who in people
        for recording in recordings
        if recording.subject == who and recording.run.partition("-")[0] in labels
    ]
    for recording in chosen:
        seen.used(recording.source_file, recording.subject)
    return Loaded(chosen, seen.all_below(folder, _unused))


def _unused(path: str) -> tuple[str, str]:
    """Return whose a file is that was not read, and why it was not."""
    named = _FILE.fullmatch(path)
    return ("", NO_NAME) if named is None else (named["who"].removeprefix("subject"), NOT_ASKED)


def _without_copies(recordings: list[Recording], seen: Seen) -> list[Recording]:
    """Leave out every recording that repeats an earlier one, which gets a note."""
    kept: list[Recording] = []
    signals: list[np.ndarray] = []
    for recording in recordings:
        data = recording.raw.get_data()
        shares = [identical_share(data, other) for other in signals]
        best = int(np.argmax(shares)) if shares else -1
        if shares and shares[best] >= NEAR_COPY:
            original = kept[best]
            note = (
                f"'{recording.source_file}' repeats {shares[best]:.2%} of the samples of "
                f"'{original.source_file}' and is left out."
            )
            kept[best] = replace(original, notes=(*original.notes, note))
            seen.left_out(
                recording.source_file,
                recording.subject,
                f"it repeats {shares[best]:.2%} of the samples of '{original.source_file}'",
            )
        else:
            kept.append(recording)
            signals.append(data)
    return kept


_REPOSITORY = "jordan-bird/eeg-feature-generation"
_COMMIT = "368947a"

ENTRY = Entry(
    name=NAME,
    summary="EEG of 4 people relaxed, neutral and concentrating, Muse headband (4 dry electrodes, 256 Hz).",
    function=load_muse,
    source="doi:10.1109/IS.2018.8710576",
    facts={
        "modality": "eeg",
        "size_mb": 17,
        "subjects": 4,
        "license": "none stated: download, do not redistribute",
        "origin": f"github.com/{_REPOSITORY} at {_COMMIT}, folder dataset/original_data",
        "citation": (
            "Bird, Manso, Ribeiro, Ekart, Faria (2018), A study on mental state classification using "
            "EEG-based brain-machine interface, IEEE IS, doi:10.1109/IS.2018.8710576"
        ),
        "n_chans": len(CHANNELS),
        "sfreq": SFREQ,
        "classes": CLASSES,
        "line_freq": 50.0,
        "unit": "microvolt, read as V",
        "read_file": read_muse_csv,
        "registered": ("*.csv",),
        "sources": (
            Source(
                "files", f"https://raw.githubusercontent.com/{_REPOSITORY}/{_COMMIT}/dataset/original_data/"
            ),
            Source("archive", f"https://github.com/{_REPOSITORY}/archive/{_COMMIT}.zip"),
        ),
        "caveats": (
            "Mains hum carries the label: the 50 Hz power of the four channels alone separates the states, "
            "so every result needs a notch filter and a nuisance-only baseline beside it.",
            "The fifth column, Right AUX, is no electrode: it is left out.",
            "Class codes differ between published copies: the names of the files count.",
            "Four people: an exact paired test over subjects cannot go below p = 0.125.",
        ),
    },
)
