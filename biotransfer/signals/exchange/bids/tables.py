"""What stands beside the signals in a BIDS data set: events, channels, places of electrodes, people, "
"scans.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ....errors import check
from ....files import write_json, write_text
from ...datasets.bids.names import BIDS_TYPES, CHANNEL, CLASSES, OWN_NAMES, read_sidecar, read_table
from ...recording import Recording
from .signals import VOLTS

_UNITS = {"temperature": "oC", "gsr": "S"}
_COUNTS = {
    "EEGChannelCount": "eeg",
    "EOGChannelCount": "eog",
    "ECGChannelCount": "ecg",
    "EMGChannelCount": "emg",
    "MISCChannelCount": "misc",
    "TriggerChannelCount": "stim",
}
_SEX: Mapping[Any, str] = {1: "M", 2: "F"}
_HAND: Mapping[Any, str] = {1: "R", 2: "L", 3: "A"}
_HEAD_FRAME = 4


def write_table(path: Path, table: pd.DataFrame) -> None:
    """Write a table as BIDS has it: tab-separated, "n/a" where there is no value.

    Raises
    ------
    BiotransferError
        When a text holds a tab or a line break, which no such table can.
    """
    rows = [[str(value) for value in row] for row in table.itertuples(index=False, name=None)]
    for text in (text for row in [list(table), *rows] for text in row):
        check(
            not set(text) & set("\t\n\r"),
            f"{text!r} holds a tab or a line break, which {path.name} has no way to write. Rename it.",
        )
    lines = ["\t".join(row) for row in [list(table), *rows]]
    write_text(path, "\n".join(lines) + "\n")


def write_events(recording: Recording, stem: Path) -> None:
    """Write the annotations of a recording: times exact, the classes as Levels, in order.

    Parameters
    ----------
    recording : Recording
        Whose annotations.
    stem : Path
        Start of the files' names, to which ``_events.tsv`` and ``_events.json`` are added.
    """
    marks = recording.raw.annotations
    for text in set(map(str, marks.description)) | set(recording.classes):
        check(
            text.strip() == text and text not in ("", "n/a"),
            f"label {text!r} of {recording.uid!r} cannot stand in events.tsv: it is empty, n/a, or begins "
            "or ends "
            "with a blank. Rename it: raw.annotations.rename({...}).",
        )
    extras = [dict(own or {}) for own in getattr(marks, "extras", None) or [None] * len(marks)]
    free = list(dict.fromkeys(name for own in extras for name in own))
    taken = {"onset", "duration", "trial_type", CHANNEL} & set(free)
    check(
        not taken,
        f"extras of annotations of {recording.uid!r} name {', '.join(sorted(taken))}, which events.tsv has a "
        "meaning for. Rename them.",
    )
    some = {CHANNEL: [_join_names(names) for names in marks.ch_names]} if any(marks.ch_names) else {}
    table = pd.DataFrame(
        {
            "onset": [repr(float(onset)) for onset in marks.onset - recording.raw.first_time],
            "duration": [repr(float(duration)) for duration in marks.duration],
            "trial_type": marks.description,
            **some,
            **{name: [_text(own.get(name)) for own in extras] for name in free},
        },
        dtype=object,
    )
    write_table(stem.with_name(f"{stem.name}_events.tsv"), table)
    others = [text for text in dict.fromkeys(map(str, marks.description)) if text not in recording.classes]
    levels = {name: f"Label {i + 1} of {len(recording.classes)}." for i, name in enumerate(recording.classes)}
    levels |= dict.fromkeys(others, "No label.")
    about: dict[str, Any] = {
        "trial_type": {
            "Description": "What is labelled; BAD and EDGE mark what is not used.",
            "Levels": levels,
            CLASSES: list(recording.classes),
        },
        **{name: {"Description": "Channels that it is about."} for name in some},
        **{name: {"Description": f"{name} of this part of the recording."} for name in free},
    }
    write_json(stem.with_name(f"{stem.name}_events.json"), about)


def _join_names(names: Sequence[str]) -> str:
    """Return names of channels as one text."""
    for name in names:
        said = f"channel {name!r} of an annotation holds a comma. Call raw.rename_channels({{...}})."
        check("," not in name, said)
    return ",".join(names) or "n/a"


def _text(value: Any) -> str:
    return "n/a" if value is None or value == "" else str(value)


def write_channels(raw: Any, path: Path) -> None:
    """Write names, types, units and state of the channels.

    Raises
    ------
    BiotransferError
        For a type of channel that BIDS has no word for, so that it would not come back.
    """
    kinds = raw.get_channel_types()
    for name, kind in zip(raw.ch_names, kinds, strict=True):
        check(
            kind in BIDS_TYPES,
            f"channel {name!r} is of type {kind!r}. BIDS has words for {', '.join(BIDS_TYPES)}. Call "
            f"raw.set_channel_types({{{name!r}: 'misc'}}) or raw.drop_channels([{name!r}]).",
        )
    table = pd.DataFrame(
        {
            "name": raw.ch_names,
            "type": [BIDS_TYPES[kind] for kind in kinds],
            "units": ["V" if kind in VOLTS else _UNITS.get(kind, "n/a") for kind in kinds],
            "low_cutoff": repr(float(raw.info["highpass"])),
            "high_cutoff": repr(float(raw.info["lowpass"])),
            "status": ["bad" if name in raw.info["bads"] else "good" for name in raw.ch_names],
        },
        dtype=object,
    )
    write_table(path, table)


def write_sidecar(raw: Any, path: Path, *, task: str, datatype: str) -> None:
    """Write what the recording says of itself: rate, line frequency, length, counts of channels."""
    kinds = raw.get_channel_types()
    head = datatype.upper()
    line = raw.info["line_freq"]
    about: dict[str, Any] = {
        "TaskName": task,
        "SamplingFrequency": float(raw.info["sfreq"]),
        "PowerLineFrequency": "n/a" if line is None else float(line),
        "SoftwareFilters": "n/a",
        "RecordingDuration": raw.n_times / float(raw.info["sfreq"]),
        "RecordingType": "continuous",
        f"{head}Reference": "n/a",
        f"{head}Ground": "n/a",
        **{count: kinds.count(kind) for count, kind in _COUNTS.items()},
    }
    if datatype == "emg":
        about |= {
            "EMGPlacementScheme": "Other",
            "EMGPlacementSchemeDescription": "As the names of the channels say.",
        }
    write_json(path, about)


def write_places(raw: Any, stem: str, folder: Path, seen: dict[str, list[float]]) -> None:
    """Write where the electrodes are, once for all recordings of a session.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        With places of EEG channels, or none: then nothing is written.
    stem : str
        Start of the files' names.
    folder : Path
        Where to.
    seen : dict
        Places by name of those of the session that came before; those of ``raw`` are added.

    Raises
    ------
    BiotransferError
        When a channel of the session is at two places, or at places of no known frame.
    """
    found = {
        channel["ch_name"]: channel["loc"][:3].tolist()
        for channel, kind in zip(raw.info["chs"], raw.get_channel_types(), strict=True)
        if kind == "eeg" and np.isfinite(channel["loc"][:3]).all() and np.any(channel["loc"][:3])
    }
    if not found:
        return
    frames = {int(channel["coord_frame"]) for channel in raw.info["chs"] if channel["ch_name"] in found}
    check(
        frames == {_HEAD_FRAME},
        f"places of {', '.join(list(found)[:3])} are in another frame than the head's. Call "
        "raw.set_montage(...) "
        "with a montage that has nasion, LPA and RPA.",
    )
    for name, place in found.items():
        check(
            seen.get(name, place) == place,
            f"channel {name!r} of {stem} is at {place} and, in another run of the session, at "
            f"{seen.get(name)}. BIDS "
            "has one place per session. Call raw.set_montage(...), or name another session.",
        )
    seen |= found
    fiducials = raw.get_montage().get_positions()
    landmarks = {
        short: fiducials[name].tolist()
        for short, name in {"NAS": "nasion", "LPA": "lpa", "RPA": "rpa"}.items()
        if fiducials[name] is not None
    }
    columns = np.array([seen[name] for name in seen]).T
    axes = {
        axis: [repr(value) for value in column.tolist()] for axis, column in zip("xyz", columns, strict=True)
    }
    write_table(folder / f"{stem}_space-CapTrak_electrodes.tsv", pd.DataFrame({"name": list(seen), **axes}))
    write_json(folder / f"{stem}_space-CapTrak_electrodes.json", {"SpatialReference": "n/a"})
    about: dict[str, Any] = {
        "EEGCoordinateSystem": "CapTrak",
        "EEGCoordinateUnits": "m",
        "EEGCoordinateSystemDescription": "x to the right ear, y through the nasion, z up; from between the "
        "ears.",
    }
    if landmarks:
        about |= {
            "AnatomicalLandmarkCoordinates": landmarks,
            "AnatomicalLandmarkCoordinateSystem": "CapTrak",
            "AnatomicalLandmarkCoordinateUnits": "m",
        }
    write_json(folder / f"{stem}_space-CapTrak_coordsystem.json", about)


def add_rows(path: Path, rows: Sequence[Mapping[str, str]], key: str) -> None:
    """Add rows to a table, which may be there; a row of the same key is replaced."""
    new = pd.DataFrame(list(rows), dtype=object)
    if path.is_file():
        old = read_table(path)
        new = pd.concat([old[~old[key].isin(new[key])], new], ignore_index=True)
    write_table(path, new.fillna("n/a").sort_values(key, kind="stable"))


def person(recording: Recording, label: str) -> dict[str, str]:
    """Return the row of participants.tsv."""
    said = recording.raw.info.get("subject_info") or {}
    return {
        "participant_id": f"sub-{label}",
        "sex": _SEX.get(said.get("sex"), "n/a"),
        "hand": _HAND.get(said.get("hand"), "n/a"),
    }


def scan(recording: Recording, filename: str) -> dict[str, str]:
    """Return the row of scans.tsv, which keeps the recording's own names."""
    when = recording.raw.info["meas_date"]
    own = {column: str(getattr(recording, what)) for what, column in OWN_NAMES.items()}
    return {
        "filename": filename,
        "acq_time": "n/a" if when is None else when.strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        **own,
    }


def read_description(path: Path) -> dict[str, Any]:
    """Return dataset_description.json of a data set that is added to; empty where there is none."""
    return read_sidecar(path) if path.is_file() else {}
