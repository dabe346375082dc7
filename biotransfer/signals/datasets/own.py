"""One's own recordings: MNE Raws, arrays, a folder of FIF files."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mne
import numpy as np

from ...catalog import Entry
from ...errors import BiotransferError, check, check_option, did_you_mean
from ..recording import MODALITIES, VOLTS_PER_UNIT, Recording, natural_sorted
from .common import Piece, choose, join_pieces

_FIF = re.compile(
    r"sub-(?P<subject>[^_]+)(_ses-(?P<session>[^_]+))?(_.*?run-(?P<run>[^_]+))?(_.*)?\.fif(\.gz)?"
)


def from_raws(
    raws: Sequence[Any] | Mapping[str, Any],
    *,
    modality: str,
    classes: Sequence[str],
    subjects: Sequence[str] | None = None,
    sessions: Sequence[str] | str = "1",
    runs: Sequence[str] | str | None = None,
    dataset: str = "own",
) -> list[Recording]:
    """Use MNE Raws as recordings.

    Parameters
    ----------
    raws : sequence of mne.io.BaseRaw, or dict of subject to Raw
        Signals in V with channel types set; labels are annotations. They are not copied or changed.
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : sequence of str
        Annotation descriptions that are labels, in class order.
    subjects : sequence of str
        Who was recorded, one per Raw. Not needed with a dict.
    sessions, runs : str or sequence of str
        One for all, or one per Raw. Runs default to 1, 2, ... within a subject and session.
    dataset : str
        A name for all of them.

    Returns
    -------
    list of Recording
        In the order given.

    Raises
    ------
    BiotransferError
        When subjects are missing, a Raw has annotations but none of the labels, two recordings have one name,
        or a Raw is not valid (see ``check_recording``).

    Examples
    --------
    >>> import mne, numpy as np
    >>> info = mne.create_info(["EMG1"], 200.0, "emg")
    >>> raw = mne.io.RawArray(np.zeros((1, 400)), info, verbose="error")
    >>> _ = raw.set_annotations(mne.Annotations([0.0], [2.0], ["fist"]))
    >>> from_raws({"S1": raw}, modality="emg", classes=["fist"])[0].uid
    'own/sub-S1/ses-1/run-1'
    """
    if isinstance(raws, Mapping):
        check(
            subjects is None, "subjects is given twice: raws is a dict of subject to Raw. Leave subjects out."
        )
        subjects, raws = list(raws), list(raws.values())
    raws = list(raws)
    check(raws, "raws=[] is empty. Pass at least one mne.io.Raw.")
    people = _one_each("subjects", subjects, len(raws))
    days = _one_each("sessions", sessions, len(raws))
    numbers = _number_runs(people, days) if runs is None else _one_each("runs", runs, len(raws))
    labels = _check_labels(classes)
    recordings = []
    for raw, subject, session, run in zip(raws, people, days, numbers, strict=True):
        source = Path(raw.filenames[0]).name if getattr(raw, "filenames", None) and raw.filenames[0] else ""
        recording = Recording(raw, modality, dataset, subject, labels, session, run, source)
        found = {d for d in raw.annotations.description if not d.upper().startswith(("BAD", "EDGE"))}
        check(
            not found or found & set(labels),
            f"classes={list(labels)}: none is an annotation of {recording.uid!r}, whose annotations are "
            f"{', '.join(sorted(found))}.{did_you_mean(labels[0], found)} "
            "Call raw.set_annotations(...) or pass other classes.",
        )
        recordings.append(recording)
    _check_unique(recordings)
    return recordings


def from_arrays(
    X: np.ndarray | Sequence[np.ndarray],
    labels: Sequence[Any],
    *,
    sfreq: float,
    unit: str,
    modality: str,
    ch_names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    subjects: Sequence[str] | str = "1",
    sessions: Sequence[str] | str = "1",
    runs: Sequence[str] | str | None = None,
    dataset: str = "own",
) -> list[Recording]:
    """Use arrays as recordings; every array is an independent trial with one label.

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_chans, n_times), or sequence of ndarray, shape (n_chans, n_times)
        Signals in ``unit``.
    labels : sequence of str
        The class of every trial.
    sfreq : float
        Sampling rate in Hz.
    unit : {"V", "mV", "uV", "nV"}
        Unit of X. There is no default: a wrong unit goes unnoticed otherwise.
    modality : {"eeg", "emg"}
        What was recorded.
    ch_names : sequence of str, optional
        Channel names. Default: EEG1, EEG2, ... or EMG1, EMG2, ...
    classes : sequence of str, optional
        Labels in class order; trials of others are left out. Default: all, sorted.
    subjects, sessions, runs : str or sequence of str
        One for all, or one per trial. Runs default to trial-1, trial-2, ...
    dataset : str
        A name for all of them.

    Returns
    -------
    list of Recording
        One per subject and session, its trials joined with an ``EDGE boundary`` between them.

    Raises
    ------
    BiotransferError
        On shapes, counts or units that do not fit, or samples that are NaN.

    Examples
    --------
    >>> X = np.zeros((2, 8, 400))
    >>> from_arrays(X, ["fist", "rest"], sfreq=200.0, unit="uV", modality="emg")[0].classes
    ('fist', 'rest')
    """
    check_option("modality", modality, MODALITIES)
    check_option("unit", unit, VOLTS_PER_UNIT)
    check(
        np.isfinite(sfreq) and sfreq > 0, f"sfreq={sfreq} Hz is not positive. Pass the sampling rate in Hz."
    )
    trials = [np.asarray(trial, dtype=np.float64) for trial in X]
    check(trials, "X=[] is empty. Pass at least one array of shape (n_chans, n_times).")
    n_chans = trials[0].shape[0] if trials[0].ndim == 2 else 0
    for i, trial in enumerate(trials):
        check(
            trial.ndim == 2 and len(trial) == n_chans and trial.shape[1] > 0,
            f"X[{i}] has the shape {trial.shape}. Expected (n_chans, n_times) with {n_chans or 'the'} "
            "channels. Transpose it, or pass X of shape (n_trials, n_chans, n_times).",
        )
    names = [f"{modality.upper()}{i + 1}" for i in range(n_chans)] if ch_names is None else list(ch_names)
    check(
        len(names) == n_chans,
        f"ch_names has {len(names)} names for {n_chans} channels of X. They must agree; X may be transposed.",
    )
    given = _one_each("labels", labels, len(trials))
    order = _check_labels(natural_sorted(set(given)) if classes is None else classes)
    for name in order:
        check(
            name in given, f"classes: no trial is labelled {name!r}.{did_you_mean(name, given)} Leave it out."
        )
    people = _one_each("subjects", subjects, len(trials))
    days = _one_each("sessions", sessions, len(trials))
    numbers = [f"trial-{i + 1}" for i in range(len(trials))]
    if runs is not None:
        numbers = _one_each("runs", runs, len(trials))
    groups: dict[tuple[str, str], list[Piece]] = {}
    for trial, label, subject, session, run in zip(trials, given, people, days, numbers, strict=True):
        if label in order:
            piece = Piece(trial * VOLTS_PER_UNIT[unit], label, run, "")
            groups.setdefault((subject, session), []).append(piece)
    return [
        Recording(join_pieces(pieces, names, sfreq, modality), modality, dataset, subject, order, session)
        for (subject, session), pieces in groups.items()
    ]


def load_folder(
    folder: Path | None, *, path: str, modality: str, classes: list, subjects: list | None = None
) -> list[Recording]:
    """Load one's own FIF files.

    Parameters
    ----------
    folder : None
        Not used: the files lie where ``path`` says.
    path : str
        Folder with files named ``sub-XX[_ses-YY][_run-ZZ]....fif``, in it or below; labels are annotations.
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : list of str
        Annotation descriptions that are labels, in class order.
    subjects : list of str, optional
        Who to load, as after ``sub-``. Default: all.

    Returns
    -------
    list of Recording
        One per file, sorted by name.

    Raises
    ------
    BiotransferError
        When there are no such files, one cannot be read, or a recording is not valid.
    """
    root = Path(path).expanduser()
    check(root.is_dir(), f"path={path!r} is no folder. Expected a folder with FIF files named sub-XX....fif.")
    found = {p: named for p in root.rglob("*.fif*") if (named := _FIF.fullmatch(p.name)) is not None}
    check(
        found,
        f"path={path!r} holds no file like sub-01_ses-1_run-1_raw.fif. Save recordings with "
        "raw.save('sub-01_ses-1_run-1_raw.fif').",
    )
    people = choose(f"subjects of {path!r}", subjects, {named["subject"] for named in found.values()})
    files = [p for name in natural_sorted(map(str, found)) if found[p := Path(name)]["subject"] in people]
    raws = [_read_fif(p) for p in files]
    runs = _number_runs([found[p]["subject"] for p in files], [found[p]["session"] or "1" for p in files])
    return from_raws(
        raws,
        modality=modality,
        classes=classes,
        subjects=[found[p]["subject"] for p in files],
        sessions=[found[p]["session"] or "1" for p in files],
        runs=[found[p]["run"] or run for p, run in zip(files, runs, strict=True)],
        dataset=root.resolve().name,
    )


def from_folder(
    path: str | Path, *, modality: str, classes: Sequence[str], subjects: Sequence[str] | None = None
) -> list[Recording]:
    """Load a folder of one's own FIF files; a recipe says the same with ``data: folder``.

    Parameters
    ----------
    path : path
        Folder with files named ``sub-XX[_ses-YY][_run-ZZ]....fif``, in it or below; labels are annotations.
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : sequence of str
        Annotation descriptions that are labels, in class order.
    subjects : sequence of str, optional
        Who to load, as after ``sub-``. Default: all.

    Returns
    -------
    list of Recording
        One per file, sorted by name.

    Raises
    ------
    BiotransferError
        When there are no such files, one cannot be read, or a recording is not valid.
    """
    people = None if subjects is None else list(subjects)
    return load_folder(None, path=str(path), modality=modality, classes=list(classes), subjects=people)


def _files_of(*, path: str, **_: Any) -> tuple[Path, list[Path]]:
    root = Path(path).expanduser()
    return root, [file for file in root.rglob("*.fif*") if file.is_file()]


def _read_fif(path: Path) -> Any:
    try:
        return mne.io.read_raw_fif(path, preload=True, verbose="error")
    except Exception as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read as FIF ({type(error).__name__}: {error}). "
            "Save it again with raw.save(...)."
        ) from error


def _one_each(name: str, values: Sequence[Any] | str | None, n: int) -> list[str]:
    check(values is not None, f"{name} is missing. Pass {name}=[...], one for each of {n}.")
    assert values is not None
    if isinstance(values, str):
        return [values] * n
    check(len(values) == n, f"{name} has {len(values)} entries for {n} signals. Expected one each.")
    return [str(value) for value in values]


def _number_runs(subjects: Sequence[str], sessions: Sequence[str]) -> list[str]:
    counts: dict[tuple[str, str], int] = {}
    runs = []
    for key in zip(subjects, sessions, strict=True):
        counts[key] = counts.get(key, 0) + 1
        runs.append(str(counts[key]))
    return runs


def _check_labels(classes: Sequence[str]) -> tuple[str, ...]:
    check(
        not isinstance(classes, str) and len(classes) > 0,
        f"classes={classes!r} is no list of labels. Write classes=['rest', 'fist'].",
    )
    labels = tuple(str(label) for label in classes)
    check(len(set(labels)) == len(labels), f"classes={list(labels)} names one twice. Name each once.")
    return labels


def _check_unique(recordings: Sequence[Recording]) -> None:
    uids = [recording.uid for recording in recordings]
    twice = sorted({uid for uid in uids if uids.count(uid) > 1})
    check(
        not twice,
        f"{', '.join(twice)} names more than one recording. Expected one name each. "
        "Pass sessions=[...] or runs=[...] that tell them apart.",
    )


ENTRY = Entry(
    name="folder",
    summary="Your own recordings: FIF files named sub-XX[_ses-YY][_run-ZZ], labels as annotations.",
    function=load_folder,
    source="own",
    facts={
        "size_mb": 0,
        "license": "yours",
        "origin": "a folder on this machine",
        "reads": _files_of,
    },
)
