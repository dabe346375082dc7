"""EMG of sixteen gestures and rest on three days, PhysioNet GRABMyo 1.1.0 (WFDB files)."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np

from ...catalog import Entry
from ...errors import check
from ..recording import VOLTS_PER_UNIT, Recording
from .common import Piece, choose, choose_classes, join_pieces
from .download import Source
from .loaded import NO_NAME, NO_SIGNAL, NOT_ASKED, Loaded, Seen

NAME = "grabmyo"
SFREQ = 2048.0
CLASSES = ("lateral_prehension", "thumb_adduction", "thumb_little_opposition", "thumb_index_opposition",
           "thumb_index_extension", "thumb_little_extension", "index_middle_extension",
           "little_finger_extension", "index_finger_extension", "thumb_extension", "wrist_extension",
           "wrist_flexion", "forearm_supination", "forearm_pronation", "hand_open", "hand_close",
           "rest")  # fmt: skip
CHANNELS = (*(f"F{i}" for i in range(1, 17)), *(f"W{i}" for i in range(1, 13)))
_FILE = re.compile(
    r"Session(?P<day>[123])/session(?P=day)_participant(?P<who>\d+)/"
    r"session(?P=day)_participant(?P=who)_gesture(?P<gesture>\d+)_trial(?P<trial>\d)\.(?P<kind>hea|dat)"
)
_GAIN = re.compile(r"(?P<gain>[-+.\deE]+)(?:\((?P<baseline>-?\d+)\))?(?:/(?P<unit>\S+))?")


def load_grabmyo(
    folder: Path,
    *,
    subjects: list | None = None,
    sessions: list | tuple = ("1",),
    classes: list | None = None,
) -> Loaded:
    """Load GRABMyo: sixteen gestures and rest of 43 people on three days.

    Parameters
    ----------
    folder : Path
        Folder with Session1 to Session3.
    subjects : list of str, optional
        "1" to "43". Default: all that are there.
    sessions : list of str
        Out of "1", "2", "3".
    classes : list of str, optional
        Gestures in the order to use. Default: all seventeen, rest included.

    Returns
    -------
    Loaded
        One recording per person and day: 16 electrodes of the forearm (F1 to F16) and 12 of the wrist (W1 to
        W12) in V, 2048 Hz. Every trial of 5 s is a labelled annotation whose run is ``gesture-Rtrial``, with
        an ``EDGE boundary`` between trials.

    Raises
    ------
    BiotransferError
        When a header or signal file is not what it claims, or something asked for is not there.
    """
    labels = choose_classes(NAME, classes, CLASSES)
    there = {}
    for path in folder.glob("Session*/*/*.hea"):
        name = path.relative_to(folder).as_posix()
        if (named := _FILE.fullmatch(name)) and 1 <= int(named["gesture"]) <= len(CLASSES):
            there[named["who"], named["day"], int(named["trial"]), int(named["gesture"])] = name
    people = choose(f"subjects of {NAME!r}", subjects, {key[0] for key in there})
    check(
        people,
        f"{str(folder)!r} holds no file like Session1/session1_participant1/session1_participant1_gesture1_"
        f"trial1.hea. Type: biotransfer fetch {NAME}",
    )
    days = choose(f"sessions of {NAME!r}", sessions, {key[1] for key in there})
    seen = Seen()
    recordings = []
    for who in people:
        for day in days:
            pieces = []
            for key in sorted(there):
                label = CLASSES[key[3] - 1]
                if key[:2] == (who, day) and label in labels:
                    name = there[key]
                    signal = read_wfdb(folder / name)
                    pieces.append(Piece(signal, label, f"{label}-R{key[2]}", name))
                    seen.used(name, who)
                    seen.used(name.removesuffix(".hea") + ".dat", who)
            if pieces:
                recordings.append(
                    Recording(
                        raw=join_pieces(pieces, CHANNELS, SFREQ, "emg"),
                        modality="emg",
                        dataset=NAME,
                        subject=who,
                        session=day,
                        classes=labels,
                        source_file=f"Session{day}/session{day}_participant{who}",
                    )
                )
    return Loaded(recordings, seen.all_below(folder, _unused))


def read_wfdb(header: Path) -> np.ndarray:
    """Read the electrodes of one trial, interleaved int16 (format 16 of WFDB).

    Parameters
    ----------
    header : Path
        The .hea file; the .dat file that it names lies beside it.

    Returns
    -------
    ndarray, shape (28, n_samples), in V
        F1 to F16 and W1 to W12.

    Raises
    ------
    BiotransferError
        When the header is none of this data set, or the signal file is shorter than it says.

    Notes
    -----
    Source: https://physionet.org/physiotools/wag/header-5.htm; a signal's gain is in steps per unit, its
    baseline the step that means 0.
    """
    text = header.read_text(encoding="utf-8", errors="replace")
    lines = [line.split() for line in text.splitlines() if line.strip() and not line.startswith("#")]
    advice = f"Get the file again: biotransfer fetch {NAME}"
    try:
        n_signals, sfreq, n_samples = int(lines[0][1]), float(lines[0][2].split("/")[0]), int(lines[0][3])
        signals = lines[1 : 1 + n_signals]
        names = [signal[8] for signal in signals]
        scales = [_GAIN.fullmatch(signal[2]) for signal in signals]
        zeros = [int(signal[4]) for signal in signals]
        whole = len(signals) == n_signals and all(scales)
    except (IndexError, ValueError):
        whole = False
    check(whole, f"{str(header)!r} is no WFDB header of {NAME}. {advice}")
    check(
        sfreq == SFREQ and set(CHANNELS) <= set(names) and {signal[1] for signal in signals} == {"16"},
        f"{str(header)!r} announces {sfreq:g} Hz and the channels {', '.join(names)} in format "
        f"{', '.join(sorted({signal[1] for signal in signals}))}. Expected {SFREQ:g} Hz, F1 to F16 and W1 to "
        "W12 in format 16. Use from_arrays for other recordings.",
    )
    path = header.with_name(signals[0][0])
    check(path.is_file(), f"{str(path)!r} is not there, which {header.name!r} names. {advice}")
    content = path.read_bytes()
    expected = 2 * n_signals * n_samples
    check(
        len(content) >= expected,
        f"{str(path)!r} is broken off: {len(content)} bytes of the {expected} its header announces. {advice}",
    )
    steps = np.frombuffer(content[:expected], "<i2").reshape(n_samples, n_signals)
    data = np.empty((len(CHANNELS), n_samples))
    for row, channel in enumerate(CHANNELS):
        at = names.index(channel)
        scale = scales[at]
        assert scale is not None
        unit = scale["unit"] or "mV"
        check(
            unit in VOLTS_PER_UNIT, f"{str(header)!r} gives {channel} in {unit!r}. Expected volts. {advice}"
        )
        zero = int(scale["baseline"]) if scale["baseline"] else zeros[at]
        gain = float(scale["gain"]) or 200.0
        data[row] = (steps[:, at] - zero) / gain * VOLTS_PER_UNIT[unit]
    return data


def _unused(path: str) -> tuple[str, str]:
    """Return whose a file is that was not read, and why it was not."""
    who = owner(path)
    if who is not None:
        return who, NOT_ASKED
    return "", NO_NAME if path.endswith((".hea", ".dat")) else NO_SIGNAL


def owner(path: str) -> str | None:
    """Return whose a registered file is."""
    named = _FILE.fullmatch(path)
    return named["who"] if named else None


ENTRY = Entry(
    name=NAME,
    summary="EMG of 43 people making sixteen gestures on three days, forearm and wrist (28 channels).",
    function=load_grabmyo,
    source="doi:10.1038/s41597-022-01836-y",
    facts={
        "modality": "emg",
        "size_mb": 9400,
        "subjects": 43,
        "license": "see the origin",
        "origin": "physionet.org/content/grabmyo/1.1.0",
        "citation": (
            "Pradhan, He, Jiang (2022), Multi-day dataset of forearm and wrist electromyogram for hand "
            "gesture recognition and biometrics, Scientific Data 9, doi:10.1038/s41597-022-01836-y; "
            "Goldberger et al. (2000), PhysioBank, PhysioToolkit, and PhysioNet, Circulation "
            "101(23):e215-e220"
        ),
        "n_chans": len(CHANNELS),
        "sfreq": SFREQ,
        "classes": CLASSES,
        "unit": "as its header says, read as V",
        "line_freq": 60.0,
        "registered": ("Session*/*/*.hea", "Session*/*/*.dat"),
        "owner": owner,
        "sources": (Source("files", "https://physionet.org/files/grabmyo/1.1.0/", "SHA256SUMS.txt"),),
        "caveats": (
            "A person and day fill about 0.3 GB of memory: load a few people, or a few classes.",
            "Four channels of the amplifier (U) are no electrodes and are left out.",
        ),
    },
)
