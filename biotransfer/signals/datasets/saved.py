"""Recordings in files, whole and exact: every channel, label, note and time stamp, as they were given."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np

from ...catalog import Entry
from ...errors import BiotransferError, check, one_or_many
from ...files import DamagedError, folder_aside, read_proven, write_proven
from ..recording import FROM_RAWS, MODALITIES, Recording
from .common import choose
from .loaded import Loaded, SeenFile, seen_files
from .own.naming import check_unique

INDEX = "recordings.json"
FORMAT = 2
"""1: recordings.json without a checksum of its own; it is read unproven."""
_FACTS = ("modality", "dataset", "subject", "session", "run", "source_file")


def save_recordings(recordings: Recording | Sequence[Recording], folder: str | Path) -> Path:
    """Save recordings so that a recipe can name them: ``data: saved`` with ``path``.

    Parameters
    ----------
    recordings : Recording or sequence of Recording
        In V, of one modality. They are not changed.
    folder : str or Path
        Gets two files per recording and an index; it must not exist, or be empty.

    Returns
    -------
    Path
        The folder.

    Raises
    ------
    BiotransferError
        When there is no recording, two have one name, modalities or classes differ, or the folder holds
        anything.

    Notes
    -----
    ``N.npy`` holds all channels in float64, ``N_times.npy`` the device's time stamps, ``recordings.json`` the
    rest, with a sha256 of every file. Reading them back gives the same samples, bit for bit, the same labels
    and the same MNE info. For files that other tools read, see :func:`biotransfer.to_bids`.

    Examples
    --------
    >>> import tempfile
    >>> from biotransfer.signals.simulate import simulate_pair
    >>> eeg, emg = simulate_pair(n_subjects=2, seed=0)
    >>> folder = save_recordings(emg, tempfile.mkdtemp())
    >>> [r.uid for r in load_saved(None, path=str(folder), modality="emg")] == [r.uid for r in emg]
    True
    """
    seen = () if isinstance(recordings, Recording) else seen_files(recordings)
    recordings = one_or_many("recordings", recordings, Recording, FROM_RAWS)
    check_unique(recordings)
    _check_one_modality(recordings)
    folder = Path(folder)
    try:
        occupied = next(folder.iterdir(), None) if folder.exists() else None
        check(
            occupied is None,
            f"folder={str(folder)!r} is not empty (found {getattr(occupied, 'name', '')!r}). Pass another "
            "one; nothing was changed.",
        )
        if folder.exists():
            folder.rmdir()
        with folder_aside(folder) as place:
            write_recordings(recordings, place, seen)
    except OSError as error:
        raise BiotransferError(
            f"folder={str(folder)!r} cannot be written: {error.strerror or error}. Pass another one."
        ) from error
    return folder


def write_recordings(recordings: Sequence[Recording], folder: Path, seen: Sequence[SeenFile] = ()) -> None:
    """Write recordings into a folder that is there and empty, see :func:`save_recordings`.

    ``seen`` are the files that their loader saw; those that were not used are remembered.
    """
    index = []
    for i, recording in enumerate(recordings):
        raw, files = recording.raw, {f"{i}.npy": recording.raw.get_data()}
        if recording.timestamps is not None:
            files[f"{i}_times.npy"] = recording.timestamps
        for name, values in files.items():
            np.save(folder / name, values)
        marks = raw.annotations
        extras = marks.extras if getattr(marks, "extras", None) is not None else [None] * len(marks)
        index.append(
            {
                **{name: getattr(recording, name) for name in _FACTS},
                "classes": list(recording.classes),
                "notes": list(recording.notes),
                "info": raw.info.to_json_dict(),
                "annotations": [
                    {
                        "onset": float(onset - raw.first_time),
                        "duration": float(duration),
                        "description": str(description),
                        "channels": list(channels),
                        "extras": dict(own or {}),
                    }
                    for onset, duration, description, channels, own in zip(
                        marks.onset, marks.duration, marks.description, marks.ch_names, extras, strict=True
                    )
                ],
                "sha256": {name: _sha256(folder / name) for name in files},
            }
        )
    unused = [[file.path, file.subject, file.why] for file in seen if not file.used]
    write_proven(folder / INDEX, {"format": FORMAT, "recordings": index, "unused": unused})


def content_uid(recordings: Sequence[Recording]) -> str:
    """Return a hash of all that recordings are: samples, channels, labels, people, time stamps, notes."""
    state = hashlib.sha256()
    for recording in recordings:
        raw, marks = recording.raw, recording.raw.annotations
        extras = getattr(marks, "extras", None)
        facts = [
            *(getattr(recording, name) for name in _FACTS),
            recording.classes,
            recording.notes,
            json.dumps(raw.info.to_json_dict(), sort_keys=True, default=str),
            (marks.onset - raw.first_time).tolist(),
            marks.duration.tolist(),
            marks.description.tolist(),
            [list(names) for names in marks.ch_names],
            [dict(own or {}) for own in extras] if extras is not None else [],
        ]
        state.update(repr(facts).encode())
        state.update(np.ascontiguousarray(raw.get_data()).data)
        if recording.timestamps is not None:
            state.update(np.ascontiguousarray(recording.timestamps).data)
    return state.hexdigest()[:16]


def load_saved(
    folder: Path | None,
    *,
    path: str,
    modality: str | None = None,
    classes: list | None = None,
    subjects: list | None = None,
) -> Loaded:
    """Load what :func:`biotransfer.save_recordings` saved.

    Parameters
    ----------
    folder : None
        Not used: the files lie where ``path`` says.
    path : str
        The folder that was given to save_recordings.
    modality : {"eeg", "emg"}, optional
        What it has to be. A recipe's section says it.
    classes : list of str, optional
        Labels to use, in class order. Default: as they were saved.
    subjects : list of str, optional
        Who to load. Default: all.

    Returns
    -------
    Loaded
        In the order they were saved; its ``files`` are those that are not used, of the loader before too.

    Raises
    ------
    BiotransferError
        When the folder holds no saved recordings, a file is missing or was changed, or people or classes are
        asked for that are not there.
    """
    root = Path(path).expanduser()
    index, unused = _read_index(root)
    known = {name for facts in index for name in facts["classes"]}
    people = choose(f"subjects of {path!r}", subjects, {facts["subject"] for facts in index})
    labels = None if classes is None else tuple(choose(f"classes of {path!r}", classes, known))
    found, seen = [], list(unused)
    for facts in index:
        name, *_ = facts["sha256"]
        wanted = facts["subject"] in people
        if not wanted:
            seen.append(SeenFile(facts["source_file"] or name, facts["subject"], "another person"))
        check(
            modality in (None, facts["modality"]),
            f"path={path!r} holds {facts['modality']} recordings. Expected {modality}. Name them in the "
            f"{facts['modality']} section of the recipe.",
        )
        if wanted:
            recording = _read_recording(root, facts)
            found.append(recording if labels is None else replace(recording, classes=labels))
    return Loaded(found, seen)


def saved_files(*, path: str, **_: Any) -> tuple[Path, list[Path]]:
    """Return a folder of saved recordings and all of its files."""
    root = Path(path).expanduser()
    names = [name for facts in _read_index(root)[0] for name in facts["sha256"]]
    return root, [root / INDEX, *(root / name for name in names)]


def _read_index(root: Path) -> tuple[list[dict[str, Any]], list[SeenFile]]:
    again = "Save them again with save_recordings(recordings, folder)."
    file = root / INDEX
    check(
        file.is_file(),
        f"path={str(root)!r} holds no saved recordings (no {INDEX}). {again} For files of other kinds use "
        "data: folder.",
    )
    try:
        content = json.loads(file.read_text(encoding="utf-8"))
        content = read_proven(file) if content["format"] == FORMAT or "checksum" in content else content
        number, index = content["format"], content["recordings"]
        unused = [SeenFile(*file) for file in content.get("unused", ())]
        complete = all(set(_FACTS) <= set(facts) and facts["sha256"] for facts in index)
    except (DamagedError, OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise BiotransferError(
            f"{str(file)!r} is damaged ({type(error).__name__}: {error}). {again}"
        ) from error
    check(
        number in (1, FORMAT) and isinstance(number, int),
        f"{str(file)!r} has format {number!r}, this version reads 1 to {FORMAT}. Update biotransfer. {again}",
    )
    check(index and complete, f"{str(file)!r} is damaged: recordings or their facts are missing. {again}")
    return list(index), unused


def _read_recording(root: Path, facts: dict[str, Any]) -> Recording:
    for name, expected in facts["sha256"].items():
        file = root / name
        check(
            file.is_file() and _sha256(file) == expected,
            f"{str(file)!r} is {'not what was saved' if file.is_file() else 'missing'}. Save the recordings "
            "again with save_recordings(recordings, folder).",
        )
    (name, *times) = facts["sha256"]
    info = mne.Info.from_json_dict(facts["info"])
    raw = mne.io.RawArray(np.load(root / name), info, verbose="error")
    marks = facts["annotations"]
    raw.set_annotations(
        mne.Annotations(
            onset=[mark["onset"] for mark in marks],
            duration=[mark["duration"] for mark in marks],
            description=[mark["description"] for mark in marks],
            ch_names=[mark["channels"] for mark in marks] or None,
            extras=[mark["extras"] or None for mark in marks],
        ),
        emit_warning=False,
    )
    return Recording(
        raw,
        classes=tuple(facts["classes"]),
        notes=tuple(facts["notes"]),
        timestamps=np.load(root / times[0]) if times else None,
        **{name: facts[name] for name in _FACTS},
    )


def _check_one_modality(recordings: Sequence[Recording]) -> None:
    kinds = {recording.modality for recording in recordings}
    check(
        len(kinds) == 1,
        f"recordings: {' and '.join(m for m in MODALITIES if m in kinds)} stand in one list. "
        "Expected one modality. Save each by itself.",
    )


def _sha256(file: Path) -> str:
    with file.open("rb") as content:
        return hashlib.file_digest(content, "sha256").hexdigest()


ENTRY = Entry(
    name="saved",
    summary="Recordings that save_recordings saved: any of yours, exactly as they were in Python.",
    function=load_saved,
    source="own",
    facts={
        "size_mb": 0,
        "license": "yours",
        "origin": "a folder on this machine",
        "reads": saved_files,
        "paths": ("path",),
    },
)
