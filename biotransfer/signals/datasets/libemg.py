"""EMG of hand gestures, recorded with a Myo armband and published with the LibEMG toolkit."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...catalog import Entry
from ...errors import BiotransferError, check
from ...files import read_json
from ..recording import Recording
from .common import Piece, choose, choose_classes, join_pieces
from .csv_files import read_numbers
from .download import Source
from .loaded import NO_SIGNAL, NOT_ASKED, Loaded, Seen
from .myo import CHANNELS, DEVICE_FACTS, SFREQ, UNIT_CAVEAT, VOLTS_PER_COUNT, check_counts

MYODISCO = "myodisco"
ONE_SUBJECT_MYO = "one-subject-myo"
MYODISCO_CLASSES = ("double_tap", "extension", "finger_gun", "flexion", "hand_close", "hand_open", "point",
                    "snap", "thumbs_up", "z_rest")  # fmt: skip
ONE_SUBJECT_CLASSES = ("Hand_Close", "Hand_Open", "No_Motion", "Wrist_Extension", "Wrist_Flexion")
SESSIONS = ("day1", "day2", "position1", "position2", "position3", "position4")
_SHORT = 400


def _myodisco_unused(path: str) -> tuple[str, str]:
    """Return whose a file is that was not read, and why it was not."""
    subject = path.partition("/")[0]
    return (subject, NOT_ASKED) if path.endswith("_EMG.csv") else (subject, NO_SIGNAL)


def _one_subject_unused(path: str) -> tuple[str, str]:
    """Return whose a file is that was not read, and why it was not."""
    if not path.endswith(".csv"):
        return "1", NO_SIGNAL
    return "1", NOT_ASKED if path.startswith("trial_") else "it belongs to no trial"


@dataclass(frozen=True)
class _File:
    """One repetition of one gesture; ``path`` relative to the data set's folder."""

    path: str
    repetition: int
    index: int


def load_myodisco(
    folder: Path,
    *,
    subjects: list | None = None,
    sessions: list | tuple = ("day1",),
    classes: list | None = None,
) -> Loaded:
    """Load MyoDisCo: discrete gestures of 14 people on two days and in four limb positions.

    Parameters
    ----------
    folder : Path
        Folder with S1 to S14.
    subjects : list of str, optional
        Out of S1 to S14. Default: all.
    sessions : list of str
        Out of day1, day2, position1 to position4.
    classes : list of str, optional
        Gestures in the order to use. Default: all ten.

    Returns
    -------
    Loaded
        One per subject and session, its files joined with an ``EDGE boundary`` between them; every file is a
        labelled annotation whose run is ``class-Rrepetition``. 200 Hz, 8 channels, 1e-6 V per count
        (nominal). Files too short, identical or numbered unlike their metadata are named in the notes.

    Raises
    ------
    BiotransferError
        When a file is not what it claims, or something asked for is not there.
    """
    people = choose(f"subjects of {MYODISCO!r}", subjects, [p.name for p in folder.glob("S*") if p.is_dir()])
    days = choose(f"sessions of {MYODISCO!r}", sessions, SESSIONS)
    labels = choose_classes(MYODISCO, classes, MYODISCO_CLASSES)
    pattern = re.compile(r"R_(\d+)_C_(\d+)_EMG\.csv")
    twins: dict[bytes, str] = {}
    seen = Seen()
    recordings = []
    for subject in people:
        for session in days:
            place = f"{subject}/{session.replace('position', 'positions/')}"
            files = _list_files(folder, place, pattern, MYODISCO)
            names, notes = _class_names(folder, place, files, MYODISCO_CLASSES)
            chosen = [f for f in files if names[f.index] in labels]
            pieces = []
            for file, counts in _read_counts(folder, chosen, subject, twins, notes, seen):
                label = names[file.index]
                pieces.append(Piece(counts, label, f"{label}-R{file.repetition}", file.path))
            check(
                pieces, f"{place!r} of {MYODISCO!r} holds none of {', '.join(labels)}. Ask for other classes."
            )
            recordings.append(
                _recording(MYODISCO, pieces, subject, labels, notes, session=session, source_file=place)
            )
    return Loaded(recordings, seen.all_below(folder, _myodisco_unused))


def load_one_subject_myo(
    folder: Path, *, subjects: list | None = None, sessions: list | None = None, classes: list | None = None
) -> Loaded:
    """Load the one-subject Myo set: five gestures, six trials of two repetitions.

    Parameters
    ----------
    folder : Path
        Folder with trial_1 to trial_6.
    subjects : list of str, optional
        There is one, "1".
    sessions : list of str, optional
        There is one, "1"; the trials are its runs.
    classes : list of str, optional
        Gestures in the order to use. Default: all five.

    Returns
    -------
    Loaded
        One per trial (run ``trial_1`` and so on), its ten files joined with an ``EDGE boundary`` between
        them. Class names are those of each trial's metadata.json, in which 3 is Wrist_Extension and 4
        Wrist_Flexion; LibEMG's own class swaps these two. 200 Hz, 8 channels, 1e-6 V per count (nominal).

    Raises
    ------
    BiotransferError
        When a file is not what it claims, or something asked for is not there.
    """
    choose(f"subjects of {ONE_SUBJECT_MYO!r}", subjects, ["1"])
    choose(f"sessions of {ONE_SUBJECT_MYO!r}", sessions, ["1"])
    labels = choose_classes(ONE_SUBJECT_MYO, classes, ONE_SUBJECT_CLASSES)
    pattern = re.compile(r"R_(\d+)_C_(\d+)\.csv")
    trials = sorted(p.name for p in folder.glob("trial_*") if p.is_dir())
    check(trials, f"{str(folder)!r} holds no folder trial_1. Type: biotransfer fetch {ONE_SUBJECT_MYO}")
    twins: dict[bytes, str] = {}
    seen = Seen()
    recordings = []
    for trial in trials:
        files = _list_files(folder, trial, pattern, ONE_SUBJECT_MYO)
        names, notes = _class_names(folder, trial, files, ONE_SUBJECT_CLASSES)
        chosen = [f for f in files if names[f.index] in labels]
        pieces = [
            Piece(counts, names[file.index], trial, file.path)
            for file, counts in _read_counts(folder, chosen, "1", twins, notes, seen)
        ]
        check(pieces, f"{trial!r} of {ONE_SUBJECT_MYO!r} holds none of {', '.join(labels)}. Ask for others.")
        recordings.append(
            _recording(ONE_SUBJECT_MYO, pieces, "1", labels, notes, run=trial, source_file=trial)
        )
    return Loaded(recordings, seen.all_below(folder, _one_subject_unused))


def _recording(
    dataset: str,
    pieces: Sequence[Piece],
    subject: str,
    classes: tuple[str, ...],
    notes: list[str],
    *,
    source_file: str,
    session: str = "1",
    run: str = "1",
) -> Recording:
    return Recording(
        raw=join_pieces(pieces, CHANNELS, SFREQ, "emg"),
        modality="emg",
        dataset=dataset,
        subject=subject,
        classes=classes,
        session=session,
        run=run,
        source_file=source_file,
        notes=tuple(notes),
    )


def _list_files(folder: Path, place: str, pattern: re.Pattern[str], dataset: str) -> list[_File]:
    """Return the files of one session in the order they were recorded: repetition, then class."""
    here = folder / place
    check(here.is_dir(), f"{str(here)!r} is not there. Type: biotransfer fetch {dataset}")
    files = [
        _File(f"{place}/{path.name}", int(named[1]), int(named[2]))
        for path in here.iterdir()
        if (named := pattern.fullmatch(path.name)) is not None
    ]
    check(files, f"{str(here)!r} holds no file like {pattern.pattern}. Type: biotransfer fetch {dataset}")
    return sorted(files, key=lambda f: (f.repetition, f.index))


def _class_names(
    folder: Path, place: str, files: Sequence[_File], usual: tuple[str, ...]
) -> tuple[dict[int, str], list[str]]:
    """Return the class of every number in the file names, and what is odd about it.

    The session's metadata.json counts when it lists exactly the numbers found on disk. Otherwise the files
    were numbered anew after it was written, and the data set's usual order counts: S4/day1 of myodisco
    lists a single_tap that has no files, yet its C_9 is as quiet as rest is everywhere else.
    """
    numbers = {file.index for file in files}
    usual_names = dict(enumerate(usual))
    path = folder / place / "metadata.json"
    if not path.is_file():
        _check_numbers(numbers, usual_names, place)
        return usual_names, [f"'{place}' has no metadata.json: class names are the data set's usual ones."]
    listed = _read_metadata(path)
    if all(listed.get(number) == usual_names.get(number) for number in numbers):
        _check_numbers(numbers, usual_names, place)
        return usual_names, []
    if set(listed) == numbers:
        return listed, [f"'{place}/metadata.json' numbers its classes unlike the rest of the data set."]
    _check_numbers(numbers, usual_names, place)
    surplus = ", ".join(name for name in listed.values() if name not in usual)
    return usual_names, [
        f"'{place}/metadata.json' lists {len(listed)} classes ({surplus or 'others'} too) for "
        f"{len(numbers)} in its files: class names are the data set's usual ones."
    ]


def _check_numbers(numbers: set[int], names: dict[int, str], place: str) -> None:
    unknown = sorted(numbers - set(names))
    check(
        not unknown,
        f"'{place}' has files of class {unknown} that nothing names. Expected 0 to {len(names) - 1}. "
        "Add a metadata.json that names them.",
    )


def _read_metadata(path: Path) -> dict[int, str]:
    try:
        content = read_json(path)
        rows = [value for value in content.values() if isinstance(value, dict)]
        return {int(row["class_idx"]): str(row["class_name"]) for row in rows}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise BiotransferError(
            f"{str(path)!r} is no metadata of LibEMG ({type(error).__name__}: {error}). Expected JSON with "
            "class_idx and class_name per file. Get the file again."
        ) from error


def _read_counts(
    folder: Path,
    files: Sequence[_File],
    subject: str,
    twins: dict[bytes, str],
    notes: list[str],
    seen: Seen,
) -> Iterator[tuple[_File, np.ndarray]]:
    """Yield file and signal in V, shape (8, n_samples); leave out and note what cannot be used."""
    short = []
    for file in files:
        path = folder / file.path
        counts = read_numbers(path, CHANNELS, header=False)
        check_counts(counts, path)
        if len(counts) < 2:
            notes.append(f"'{file.path}' holds a single line and is left out.")
            seen.left_out(file.path, subject, "it holds a single line")
            continue
        digest = hashlib.blake2b(counts.tobytes(), digest_size=16).digest()
        twin = twins.setdefault(digest, file.path)
        if twin != file.path:
            notes.append(f"'{file.path}' is identical to '{twin}' and is left out.")
            seen.left_out(file.path, subject, f"it is identical to '{twin}'")
            continue
        seen.used(file.path, subject)
        if len(counts) < _SHORT:
            short.append(f"{Path(file.path).name} ({len(counts)})")
        yield file, counts.T * VOLTS_PER_COUNT
    if short:
        notes.append(
            f"'{Path(files[0].path).parent.as_posix()}': {len(short)} of {len(files)} files have fewer than "
            f"{_SHORT} samples: {', '.join(short[:3])}{' and others' if len(short) > 3 else ''}."
        )


_FACTS = {**DEVICE_FACTS, "license": "none stated: download, do not redistribute"}

MYODISCO_ENTRY = Entry(
    name=MYODISCO,
    summary="EMG of 14 people making ten discrete gestures on two days, Myo armband (8 channels, 200 Hz).",
    function=load_myodisco,
    source="doi:10.3389/fbioe.2024.1463377",
    facts={
        **_FACTS,
        "size_mb": 79,
        "whole": {"sessions": SESSIONS},
        "subjects": 14,
        "origin": "github.com/LibEMG/MyoDisCo at db43fac",
        "citation": (
            "Eddy, Campbell, Bateman, Scheme (2024), Big data in myoelectric control: large multi-user "
            "models enable robust zero-shot EMG-based discrete gesture recognition, Frontiers in "
            "Bioengineering and Biotechnology 12, doi:10.3389/fbioe.2024.1463377"
        ),
        "classes": MYODISCO_CLASSES,
        "registered": ("S*/day*/*", "S*/positions/*/*"),
        "owner": lambda path: path.partition("/")[0],
        "sources": (Source("archive", "https://github.com/LibEMG/MyoDisCo/archive/db43fac.zip"),),
        "caveats": (
            UNIT_CAVEAT,
            "Gestures are discrete: each file of about 2 s holds one short movement and rest around it, all "
            "under one label.",
            "Every file is an independent repetition: no window crosses from one file into the next.",
        ),
    },
)

ONE_SUBJECT_ENTRY = Entry(
    name=ONE_SUBJECT_MYO,
    summary="EMG of one person making five gestures in six trials, Myo armband (8 channels, 200 Hz).",
    function=load_one_subject_myo,
    source="doi:10.1109/ACCESS.2023.3304544",
    facts={
        **_FACTS,
        "size_mb": 1,
        "subjects": 1,
        "origin": "github.com/LibEMG/OneSubjectMyoDataset at 98d323e",
        "citation": (
            "One-subject Myo data set, published with LibEMG: Eddy, Campbell, Phinyomark, Bateman, Scheme "
            "(2023), LibEMG: an open source library to facilitate the exploration of myoelectric control, "
            "IEEE Access, doi:10.1109/ACCESS.2023.3304544"
        ),
        "classes": ONE_SUBJECT_CLASSES,
        "registered": ("trial_*/*",),
        "sources": (
            Source("archive", "https://github.com/LibEMG/OneSubjectMyoDataset/archive/98d323e.zip"),
            Source("files", "https://raw.githubusercontent.com/LibEMG/OneSubjectMyoDataset/98d323e/"),
        ),
        "caveats": (
            UNIT_CAVEAT,
            "Class names are those of metadata.json, in which 3 is Wrist_Extension and 4 Wrist_Flexion; "
            "LibEMG's own class swaps the two.",
            "One person: nothing can be said about other people.",
        ),
    },
)
