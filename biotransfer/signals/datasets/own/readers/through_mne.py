"""Every format that MNE reads."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import mne
import numpy as np

from .....errors import BiotransferError
from ..columns import find_column, find_columns
from ..content import Content
from ..keys import Reading

TYPED_BY_NAME = (".edf", ".bdf", ".gdf")
"""Formats whose channels name their type."""
_NOTHING = np.empty((0, 0))


def read_through_mne(path: Path, name: str, reading: Reading) -> Content:
    """Read a file by ``mne.io.read_raw``; parts of a split FIF file are followed.

    Raises
    ------
    BiotransferError
        When MNE cannot read it.

    Notes
    -----
    EDF and its kin name a channel's type before its name ("EEG Fp1", "EMG biceps"): the type is taken from
    there, and the name is what follows.
    """
    more: dict[str, Any] = {"infer_types": True} if path.suffix.lower() in TYPED_BY_NAME else {}
    try:
        with warnings.catch_warnings(record=True) as said:
            warnings.simplefilter("always")
            raw = mne.io.read_raw(path, preload=True, verbose="warning", **more)
    except Exception as error:
        kind = path.name.partition(".")[2].upper()
        raise BiotransferError(
            f"{str(path)!r} cannot be read as {kind or 'a recording'} ({type(error).__name__}: {error}). "
            "Get or save the file again, or leave it out by a pattern."
        ) from error
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


def _defects(said: list[warnings.WarningMessage], path: Path, name: str) -> tuple[str, ...]:
    """Return what MNE says of the file while it reads it, a sentence each; its name is the user's matter."""
    texts = [" ".join(str(item.message).split()) for item in said if item.category is RuntimeWarning]
    told = [text for text in dict.fromkeys(texts) if "naming conventions" not in text]
    notes = [f"{name}: MNE says: {text.replace(str(path), name)}" for text in told]
    return tuple(note if note.endswith(".") else f"{note}." for note in notes)


def _samples(raw: mne.io.BaseRaw, key: str, given: str | int, name: str) -> np.ndarray:
    channel = find_column(key, given, raw.ch_names, name)
    values: np.ndarray = raw.get_data(picks=[channel])[0]
    return values
