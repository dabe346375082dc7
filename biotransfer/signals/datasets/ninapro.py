"""EMG of hand movements, Ninapro DB1, DB2 and DB5 (MATLAB files)."""

from __future__ import annotations

import io
import re
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from ...catalog import Entry
from ...errors import BiotransferError, check
from ...limits import read_apart
from ..recording import Recording
from .archives import Member, find_members, read_file
from .common import Piece, Stretch, choose, choose_classes, join_pieces
from .download import Source
from .loaded import NO_NAME, NOT_ASKED, Loaded, Seen

_FILE = re.compile(r"(?:.*/)?S(?P<who>\d+)_(?:E(?P<one>[1-3])_A\d|A\d_E(?P<other>[1-3]))\.mat")


@dataclass(frozen=True)
class _Base:
    """What tells one data base of Ninapro from another: movements of each exercise by their first number."""

    name: str
    sfreq: float
    n_chans: int
    volts: float
    first: tuple[int, int, int]
    last: tuple[int, int, int]

    @property
    def classes(self) -> tuple[str, ...]:
        """Rest, then every movement of every exercise."""
        numbers = ((e, n) for e in range(3) for n in range(self.first[e], self.last[e] + 1))
        return ("rest", *(f"E{e + 1}-{n:02d}" for e, n in numbers))


DB1 = _Base("ninapro-db1", 100.0, 10, 1e-4, (1, 1, 1), (12, 17, 23))
DB2 = _Base("ninapro-db2", 2000.0, 12, 1.0, (1, 18, 41), (17, 40, 49))
DB5 = _Base("ninapro-db5", 200.0, 16, 1e-6, (1, 1, 1), (12, 17, 23))


def _load(base: _Base, folder: Path, subjects: Any, sessions: Any, classes: Any) -> Loaded:
    choose(f"sessions of {base.name!r}", sessions, ["1"])
    labels = choose_classes(base.name, classes, base.classes)
    seen = Seen()
    members = find_members(folder, _FILE, seen, NO_NAME)
    people = choose(f"subjects of {base.name!r}", subjects, {m.named["who"] for m in members})
    check(
        people,
        f"{str(folder)!r} holds no file like S1_E1_A1.mat, in a folder or in an archive. "
        f"Type: biotransfer fetch {base.name}",
    )
    recordings = []
    for who in people:
        for member in members:
            exercise = int(member.named["one"] or member.named["other"])
            offered = {label for label in base.classes if label.startswith(("rest", f"E{exercise}"))}
            if member.named["who"] == who and offered & set(labels):
                recordings.append(_recording(base, member, who, exercise, labels))
                seen.used(member.path, who)
    used = {file.path for file in seen.files() if file.used}
    for member in members:
        if member.path not in used:
            seen.left_out(member.path, member.named["who"], NOT_ASKED)
    return Loaded(recordings, seen.files())


def load_ninapro_db1(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load Ninapro DB1: 52 movements of 27 people, 10 electrodes whose output is rectified, 100 Hz.

    Parameters
    ----------
    folder : Path
        Folder with the archives s1.zip and so on, or the .mat files that they hold.
    subjects : list of str, optional
        "1" to "27". Default: all that are there.
    sessions : list of str, optional
        There is one, "1"; the exercises are its runs.
    classes : list of str, optional
        rest, E1-01 to E1-12, E2-01 to E2-17, E3-01 to E3-23, in the order to use. Default: all.

    Returns
    -------
    Loaded
        One recording per exercise, labelled by ``restimulus``, whose stretches are runs by ``rerepetition``.

    Raises
    ------
    BiotransferError
        When a file lacks a variable, its sizes do not fit, or something asked for is not there.
    """
    return _load(DB1, folder, subjects, sessions, classes)


def load_ninapro_db2(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load Ninapro DB2: 49 movements of 40 people, 12 Delsys Trigno electrodes, 2000 Hz.

    Parameters
    ----------
    folder : Path
        Folder with the archives DB2_s1.zip and so on, or the .mat files that they hold.
    subjects : list of str, optional
        "1" to "40". Default: all that are there.
    sessions : list of str, optional
        There is one, "1"; the exercises are its runs.
    classes : list of str, optional
        rest, E1-01 to E1-17, E2-18 to E2-40, E3-41 to E3-49, in the order to use. Default: all.

    Returns
    -------
    Loaded
        One recording per exercise, labelled by ``restimulus``, whose stretches are runs by ``rerepetition``.

    Raises
    ------
    BiotransferError
        When a file lacks a variable, its sizes do not fit, or something asked for is not there.
    """
    return _load(DB2, folder, subjects, sessions, classes)


def load_ninapro_db5(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load Ninapro DB5: 52 movements of 10 people, two Myo armbands (16 channels), 200 Hz.

    Parameters
    ----------
    folder : Path
        Folder with the archives s1.zip and so on, or the .mat files that they hold.
    subjects : list of str, optional
        "1" to "10". Default: all that are there.
    sessions : list of str, optional
        There is one, "1"; the exercises are its runs.
    classes : list of str, optional
        rest, E1-01 to E1-12, E2-01 to E2-17, E3-01 to E3-23, in the order to use. Default: all.

    Returns
    -------
    Loaded
        One recording per exercise, labelled by ``restimulus``, whose stretches are runs by ``rerepetition``.

    Raises
    ------
    BiotransferError
        When a file lacks a variable, its sizes do not fit, or something asked for is not there.
    """
    return _load(DB5, folder, subjects, sessions, classes)


def _recording(base: _Base, member: Member, who: str, exercise: int, labels: tuple[str, ...]) -> Recording:
    emg, movements, repetitions = _variables(base, member)
    changes = np.flatnonzero(np.diff(movements) | np.diff(repetitions)) + 1
    counted = 0
    stretches = []
    for first, last in zip([0, *changes], [*changes, len(movements)], strict=True):
        number = int(movements[first])
        label = f"E{exercise}-{number:02d}" if number else "rest"
        check(
            label in base.classes,
            f"{member.path!r} holds movement {number} in exercise {exercise}. Expected rest (0) or "
            f"{base.first[exercise - 1]} to {base.last[exercise - 1]}. Check that this is a file of "
            f"{base.name}.",
        )
        counted += number == 0
        if label in labels:
            place = int(repetitions[first]) if number else counted
            stretches.append(Stretch(int(first), int(last), label, f"{label}-R{place}"))
    names = [f"EMG{i}" for i in range(1, base.n_chans + 1)]
    piece = Piece(emg.T * base.volts, "", "", member.path, tuple(stretches))
    return Recording(
        raw=join_pieces([piece], names, base.sfreq, "emg"),
        modality="emg",
        dataset=base.name,
        subject=who,
        run=f"E{exercise}",
        classes=labels,
        source_file=member.path,
    )


def _read_arrays(path: Path, inner: str, wanted: tuple[str, ...]) -> dict[str, np.ndarray]:
    from scipy.io import loadmat

    found = loadmat(io.BytesIO(read_file(path, inner)), variable_names=wanted)
    return {name: np.asarray(found[name]) for name in wanted if name in found}


def _variables(base: _Base, member: Member) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return emg (n, n_chans) float64, restimulus (n,) and rerepetition (n,), whole numbers."""
    wanted = ("emg", "restimulus", "rerepetition")
    try:
        found = read_apart(_read_arrays, member.file, member.inner, wanted)
    except BiotransferError:
        raise
    except Exception as error:
        raise BiotransferError(
            f"{member.path!r} cannot be read as a MATLAB file ({type(error).__name__}: {error}). "
            f"Get it again: biotransfer fetch {base.name}"
        ) from error
    absent = [name for name in wanted if name not in found]
    check(
        not absent,
        f"{member.path!r} lacks {', '.join(absent)}. Expected emg, restimulus and rerepetition. "
        f"Check that this is a file of {base.name}.",
    )
    emg = np.asarray(found["emg"], float)
    movements, repetitions = (np.asarray(found[name]).ravel().astype(int) for name in wanted[1:])
    check(
        emg.ndim == 2 and emg.shape[1] == base.n_chans and len(emg) == len(movements) == len(repetitions),
        f"{member.path!r} has emg of shape {emg.shape}, {len(movements)} restimulus and {len(repetitions)} "
        f"rerepetition. Expected {base.n_chans} columns and one of each per row. "
        f"Check that this is a file of {base.name}.",
    )
    return emg, movements, repetitions


_TRUST = "The origin publishes no sha256: what arrives first is recorded, and later copies are held to it."
_MOVEMENTS = (
    "Movements bear the numbers of their exercise (E1-01, ...): the origin names them. Exercises were "
    "recorded one after another; rest lies between all movements."
)
_COMMON: dict[str, Any] = {
    "modality": "emg",
    "license": "see the origin",
    "line_freq": 50.0,
    "unpacked": ("S*_*.mat", "*/S*_*.mat"),
}


def _owner(pattern: str, path: str) -> str | None:
    found = re.fullmatch(pattern, path)
    return found[1] if found else None


def _facts(base: _Base) -> dict[str, Any]:
    return {**_COMMON, "n_chans": base.n_chans, "sfreq": base.sfreq, "classes": base.classes}


DB1_ENTRY = Entry(
    name=DB1.name,
    summary="EMG of 27 people making 52 hand movements, Ninapro DB1 (10 rectifying electrodes, 100 Hz).",
    function=load_ninapro_db1,
    source="doi:10.1038/sdata.2014.53",
    facts={
        **_facts(DB1),
        "subjects": 27,
        "origin": "ninapro.hevs.ch, DB1",
        "citation": (
            "Atzori, Gijsberts, Castellini, Caputo, Hager, Elsig, Giatsidis, Bassetto, Muller (2014), "
            "Electromyography data for non-invasive naturally-controlled robotic hand prostheses, Scientific "
            "Data 1:140053, doi:10.1038/sdata.2014.53"
        ),
        "unit": "rectified output of the amplifier, read as 1e-4 V each (nominal)",
        "registered": ("s*.zip",),
        "owner": partial(_owner, r"s(\d+)\.zip"),
        "sources": (Source("files", "https://ninapro.hevs.ch/files/DB1/Preprocessed/"),),
        "caveats": (
            "The electrodes rectify and smooth: there is an envelope at 100 Hz, and no spectrum of muscles.",
            _MOVEMENTS,
            _TRUST,
        ),
    },
)

DB2_ENTRY = Entry(
    name=DB2.name,
    summary="EMG of 40 people making 49 hand movements, Ninapro DB2 (12 Delsys Trigno electrodes, 2000 Hz).",
    function=load_ninapro_db2,
    source="doi:10.1038/sdata.2014.53",
    facts={
        **_facts(DB2),
        "subjects": 40,
        "origin": "ninapro.hevs.ch, DB2",
        "citation": DB1_ENTRY.facts["citation"],
        "unit": "V",
        "registered": ("DB2_s*.zip",),
        "owner": partial(_owner, r"DB2_s(\d+)\.zip"),
        "sources": (Source("files", "https://ninapro.hevs.ch/files/DB2_Preproc/"),),
        "caveats": (_MOVEMENTS, "An exercise of a person fills about 0.2 GB of memory.", _TRUST),
    },
)

DB5_ENTRY = Entry(
    name=DB5.name,
    summary="EMG of 10 people making 52 hand movements, Ninapro DB5 (two Myo armbands, 16 channels, 200 Hz).",
    function=load_ninapro_db5,
    source="doi:10.1371/journal.pone.0186132",
    facts={
        **_facts(DB5),
        "subjects": 10,
        "origin": "ninapro.hevs.ch, DB5",
        "citation": (
            "Pizzolato, Tagliapietra, Cognolato, Reggiani, Muller, Atzori (2017), Comparison of six "
            "electromyography acquisition setups on hand movement classification tasks, PLoS ONE "
            "12(10):e0186132, doi:10.1371/journal.pone.0186132"
        ),
        "unit": "signed 8-bit counts, read as 1e-6 V each (nominal)",
        "registered": ("s*.zip",),
        "owner": partial(_owner, r"s(\d+)\.zip"),
        "sources": (Source("files", "https://ninapro.hevs.ch/files/DB5_Preproc/"),),
        "caveats": (
            "The armbands publish no gain: counts are read as 1 microvolt each, a nominal value.",
            _MOVEMENTS,
            _TRUST,
        ),
    },
)
