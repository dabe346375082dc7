"""Recordings as a BIDS data set."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from .... import __version__
from ....errors import BiotransferError, check, for_each, one_or_many
from ....files import write_json, write_text
from ...datasets.bids.names import OWN_NAMES
from ...datasets.own.naming import check_unique
from ...recording import FROM_RAWS, Recording
from . import tables
from .signals import write_bdf, write_brainvision

_BIDS_VERSION = "1.11.0"
_HOME = "https://github.com/biotransfer/biotransfer"
_WRITERS = {"eeg": (".vhdr", write_brainvision), "emg": (".bdf", write_bdf)}
_PEOPLE = {
    "participant_id": {"Description": "Who was recorded."},
    "sex": {"Description": "Sex.", "Levels": {"F": "female", "M": "male"}},
    "hand": {"Description": "Handedness.", "Levels": {"R": "right", "L": "left", "A": "both"}},
}
_SCANS = {column: {"Description": f"The {what} by its own name."} for what, column in OWN_NAMES.items()}


def to_bids(
    recordings: Recording | Sequence[Recording],
    root: str | Path,
    *,
    task: str,
    name: str | None = None,
    authors: Sequence[str] = (),
    licence: str | None = None,
    derivative: str | None = None,
    description: str = "",
    overwrite: bool = False,
) -> list[Path]:
    """Write recordings as a BIDS data set, raw or derivative, or add them to one.

    Parameters
    ----------
    recordings : Recording or sequence of Recording
        Of any people and modality; their names may hold any characters: BIDS labels have the letters and
        digits of them, and scans.tsv keeps them as they are.
    root : path
        Folder of the data set; made where it is not there. That of derivatives is their own, such as
        ``DATASET/derivatives/biotransfer``.
    task : str
        What people did, in letters and digits.
    name : str, optional
        Of the data set. Default: the ``dataset`` of the recordings.
    authors : sequence of str
        Of the data set.
    licence : str, optional
        Under what terms it may be used. Default: what the recordings' own data set says, or nothing.
    derivative : str, optional
        For recordings that were processed: what they are now, in letters and digits, such as "filtered". It
        stands after ``desc-`` (not for EMG, of which BIDS has no such names yet), and GeneratedBy names this
        package.
    description : str
        What was done to derivatives, a sentence.
    overwrite : bool
        Whether recordings that are there already are written anew.

    Returns
    -------
    list of Path
        The files of signals, in the order of the recordings.

    Raises
    ------
    BiotransferError
        For what BIDS has no way to hold (a channel of another type than it knows, a label with a tab, NaN in
        EMG), recordings of one name, or files that are there already.

    Notes
    -----
    EEG, alone or with other channels, is written as BrainVision in 32-bit floating point: every value comes
    back right to 6e-8 of itself. EMG alone is written as BDF, as BIDS asks for, with 24 bits: whole numbers
    of uV come back exactly, others right to 6e-8 of the range of their channel. Labels, times, types, bad
    channels, places, rates and names come back exactly. Time stamps of a device are not written.

    Examples
    --------
    >>> import tempfile
    >>> from biotransfer.signals.simulate import simulate_emg
    >>> with tempfile.TemporaryDirectory() as root:
    ...     to_bids(simulate_emg(n_subjects=1, seed=0), root, task="gestures")[0].name
    'sub-S1_ses-1_task-gestures_run-1_emg.bdf'
    """
    licence = licence if licence is not None else getattr(recordings, "licence", "")
    recordings = one_or_many("recordings", recordings, Recording, FROM_RAWS)
    check_unique(recordings)
    for key, value in {"task": task, "derivative": derivative}.items():
        check(
            value is None or re.fullmatch("[A-Za-z0-9]+", str(value)),
            f"{key}={value!r} is no label of BIDS. Expected letters and digits, such as "
            f"{_cleaned(value) or 'rest'!r}.",
        )
    folder = Path(root).expanduser()
    names = {recording.dataset for recording in recordings}
    check(
        name is not None or len(names) == 1,
        f"recordings are of the data sets {', '.join(sorted(names))}. Expected one name. Pass name=...",
    )
    title = name if name is not None else recordings[0].dataset
    _write_head(folder, title, authors, licence, derivative, description)
    stems = _stems(recordings)
    places: dict[tuple[str, str], dict[str, list[float]]] = {}
    numbered = list(zip(recordings, stems, strict=True))
    return for_each(
        "recordings",
        numbered,
        lambda one: _write_one(*one, folder, task, derivative, places.setdefault(one[1][:2], {}), overwrite),
    )


def _cleaned(name: Any) -> str:
    return re.sub("[^A-Za-z0-9]", "", str(name))


def _labels(names: Iterable[str]) -> dict[str, str]:
    """Return a label of BIDS for every name, no two alike but for capitals."""
    found: dict[str, str] = {}
    for i, name in enumerate(dict.fromkeys(names)):
        label = _cleaned(name)
        if not label or label.lower() in {other.lower() for other in found.values()}:
            label = f"{label}x{i + 1}"
        found[name] = label
    return found


def _stems(recordings: Sequence[Recording]) -> list[tuple[str, str, str]]:
    """Return subject, session and run of every recording as labels of BIDS; runs are numbers there."""
    people = _labels(r.subject for r in recordings)
    days = {s: _labels(r.session for r in recordings if r.subject == s) for s in people}
    groups: dict[tuple[str, str], list[str]] = {}
    for r in recordings:
        groups.setdefault((r.subject, r.session), []).append(r.run)
    plain = {
        key: all(run.isascii() and run.isdigit() for run in runs) and len({*map(int, runs)}) == len(runs)
        for key, runs in groups.items()
    }
    stems = []
    for r in recordings:
        key = (r.subject, r.session)
        run = r.run if plain[key] else str(groups[key].index(r.run) + 1)
        stems.append((people[r.subject], days[r.subject][r.session], run))
    return stems


def _write_head(
    root: Path,
    name: str,
    authors: Sequence[str],
    licence: str,
    derivative: str | None,
    description: str,
) -> None:
    """Write what the data set says of itself, or check that it is of the kind that is added."""
    root.mkdir(parents=True, exist_ok=True)
    path, kind = root / "dataset_description.json", "raw" if derivative is None else "derivative"
    there = tables.read_description(path)
    check(
        not there or there.get("DatasetType", "raw") == kind,
        f"root={str(root)!r} is a {there.get('DatasetType', 'raw')} data set, these recordings are {kind}. "
        "Use "
        "another folder, such as DATASET/derivatives/biotransfer for derivatives.",
    )
    if there:
        return
    about: dict[str, Any] = {"Name": name, "BIDSVersion": _BIDS_VERSION, "DatasetType": kind}
    about |= {"Authors": list(authors)} if authors else {}
    about |= {"License": licence} if licence else {}
    maker = {"Name": "biotransfer", "Version": __version__, "CodeURL": _HOME}
    about["GeneratedBy"] = [maker | ({"Description": description} if description else {})]
    write_json(path, about)
    write_json(root / "participants.json", _PEOPLE)
    write_text(
        root / "README.md",
        f"# {name}\n\nWritten by biotransfer {__version__}. Labels are the trial_type of events.tsv; EEG is "
        "in "
        "32-bit floating point, EMG in 24 bits per channel's range.\n",
    )


def _write_one(
    recording: Recording,
    stem: tuple[str, str, str],
    root: Path,
    task: str,
    derivative: str | None,
    places: dict[str, list[float]],
    overwrite: bool,
) -> Path:
    """Write one recording with everything beside it; its signals last, so that what is there is whole."""
    subject, session, run = stem
    raw = recording.raw
    datatype = "eeg" if "eeg" in raw.get_channel_types() else "emg"
    extension, write = _WRITERS[datatype]
    who = f"sub-{subject}_ses-{session}"
    name = f"{who}_task-{task}_run-{run}" + (
        f"_desc-{derivative}" if derivative and datatype == "eeg" else ""
    )
    folder = root / f"sub-{subject}" / f"ses-{session}" / datatype
    path = folder / f"{name}_{datatype}{extension}"
    check(
        overwrite or not path.exists(),
        f"{str(path)!r} is there already. Pass overwrite=True, or another root.",
    )
    folder.mkdir(parents=True, exist_ok=True)
    tables.write_events(recording, folder / name)
    tables.write_channels(raw, folder / f"{name}_channels.tsv")
    tables.write_sidecar(raw, folder / f"{name}_{datatype}.json", task=task, datatype=datatype)
    tables.write_places(raw, who, folder, places)
    try:
        write(raw, path)
    except (OSError, ValueError) as error:
        if isinstance(error, BiotransferError):
            raise
        raise BiotransferError(
            f"{str(path)!r} cannot be written ({type(error).__name__}: {error}). Check names of channels and "
            "free space."
        ) from error
    row = tables.scan(recording, f"{datatype}/{path.name}")
    tables.add_rows(folder.parent / f"{who}_scans.tsv", [row], "filename")
    write_json(folder.parent / f"{who}_scans.json", _SCANS)
    tables.add_rows(root / "participants.tsv", [tables.person(recording, subject)], "participant_id")
    return path
