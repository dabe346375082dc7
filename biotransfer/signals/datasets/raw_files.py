"""One file that MNE reads, whatever its format, within limits of time and memory."""

from __future__ import annotations

import glob
import os
import re
import warnings
from pathlib import Path
from typing import Any

import mne

from ...errors import BiotransferError, check
from ...limits import read_apart

TYPED_BY_NAME = (".edf", ".bdf", ".gdf")
"""Formats whose channels name their type."""
_NAMING = (".vhdr", ".ahdr", ".set", ".lay", ".cdt")
"""Formats that name the file of their samples."""


def read_raw(path: Path, *, preload: bool = True) -> tuple[Any, list[str]]:
    """Read a file by ``mne.io.read_raw``; parts of a split FIF file are followed.

    Parameters
    ----------
    path : Path
        The file, or the folder that is one recording.
    preload : bool
        Whether samples are read.

    Returns
    -------
    raw : mne.io.BaseRaw
        In V.
    said : list of str
        What MNE warns of meanwhile, once each.

    Raises
    ------
    BiotransferError
        When MNE cannot read it, reading takes too much time or memory, or it names files outside its folder.

    Notes
    -----
    EDF and its kin name a channel's type before its name ("EEG Fp1", "EMG biceps"): the type is taken from
    there, and the name is what follows.
    """
    path = path.absolute()
    try:
        raw, said = read_apart(_read, path, preload, beside=_beside(path))
    except BiotransferError:
        raise
    except Exception as error:
        kind = path.name.partition(".")[2].upper()
        raise BiotransferError(
            f"{str(path)!r} cannot be read as {kind or 'a recording'} ({type(error).__name__}: {error}). "
            "Get or save the file again, or leave it out by a pattern."
        ) from error
    for part in filter(None, raw.filenames):
        check(
            Path(os.path.normpath(part)).is_relative_to(path.parent),
            f"{str(path)!r} names {str(part)!r}, which is outside its folder. Expected files beside it. Put "
            "them together.",
        )
    return raw, said


def read_edf(path: Path) -> Any:
    """Read an EDF file, channels named as it writes them, within limits.

    Raises
    ------
    BiotransferError
        When it takes too much time or memory.
    Exception
        What MNE raises.
    """
    return read_apart(_edf, path)


def _edf(path: Path) -> Any:
    return mne.io.read_raw_edf(path, preload=True, verbose="error")


def _beside(path: Path) -> list[Path]:
    """Return the files that could be parts of one: all, where its text names them, else those of its name."""
    names = (
        "*" if path.suffix.lower() in _NAMING else f"{glob.escape(re.split(r'[-.]|_split', path.name)[0])}*"
    )
    return [file for file in path.parent.glob(names) if file != path and file.is_file()]


def _read(path: Path, preload: bool) -> tuple[Any, list[str]]:
    more: dict[str, Any] = {"infer_types": True} if path.suffix.lower() in TYPED_BY_NAME else {}
    with warnings.catch_warnings(record=True) as said:
        warnings.simplefilter("always")
        raw = mne.io.read_raw(path, preload=preload, verbose="warning", **more)
        raw.get_channel_types()
        raw.get_montage()
    texts = [" ".join(str(item.message).split()) for item in said if item.category is RuntimeWarning]
    return raw, list(dict.fromkeys(texts))
