"""Every format that MNE reads."""

from __future__ import annotations

from pathlib import Path

import mne
import numpy as np

from ...raw_files import read_raw
from ..columns import find_column, find_columns
from ..content import Content
from ..keys import Reading

_NOTHING = np.empty((0, 0))


def read_through_mne(path: Path, name: str, reading: Reading) -> Content:
    """Read a file by ``mne.io.read_raw``; parts of a split FIF file are followed.

    Raises
    ------
    BiotransferError
        When MNE cannot read it.
    """
    raw, said = read_raw(path)
    codes = runs = None
    if reading.label_column is not None:
        codes = _samples(raw, "label_column", reading.label_column, name)
    if reading.run_column is not None:
        runs = _samples(raw, "run_column", reading.run_column, name)
    if reading.channels is not None:
        raw.pick([raw.ch_names[i] for i in find_columns("channels", reading.channels, raw.ch_names, name)])
    if reading.volts is not None:
        raw.apply_function(lambda x: x * reading.volts, picks="all", verbose="error")
    also = tuple(str(part) for part in raw.filenames[1:] if part is not None)
    return Content(
        data=_NOTHING, codes=codes, runs=runs, raw=raw, also=also, notes=_defects(said, path, name)
    )


def _defects(said: list[str], path: Path, name: str) -> tuple[str, ...]:
    """Return what MNE says of the file while it reads it, a sentence each; its name is the user's matter."""
    told = [text for text in said if "naming conventions" not in text]
    notes = [f"{name}: MNE says: {text.replace(str(path.absolute()), name)}" for text in told]
    return tuple(note if note.endswith(".") else f"{note}." for note in notes)


def _samples(raw: mne.io.BaseRaw, key: str, given: str | int, name: str) -> np.ndarray:
    channel = find_column(key, given, raw.ch_names, name)
    values: np.ndarray = raw.get_data(picks=[channel])[0]
    return values
