"""Readers: one file of any format -> what it holds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from ..content import Content
from ..keys import Reading
from .binary import read_binary
from .text import read_openbci, read_text
from .through_mne import read_through_mne
from .variables import read_mat, read_numpy
from .xdf import read_xdf

__all__ = ["READERS", "format_of", "read_file"]

READERS: Mapping[str, Callable[[Path, str, Reading], Content]] = {
    "text": read_text,
    "openbci": read_openbci,
    "mat": read_mat,
    "numpy": read_numpy,
    "binary": read_binary,
    "xdf": read_xdf,
    "mne": read_through_mne,
}
"""What reads a format."""
_BY_SUFFIX = {".csv": "text", ".tsv": "text", ".txt": "text", ".tab": "text", ".asc": "text", ".mat": "mat",
              ".npy": "numpy", ".npz": "numpy", ".xdf": "xdf", ".xdfz": "xdf", ".bin": "binary"}  # fmt: skip
_OPENBCI = b"%OpenBCI"


def format_of(path: Path, reading: Reading) -> str:
    """Return the format of a file: what is said, else what its ending and its first bytes say."""
    if reading.format is not None:
        return reading.format
    if reading.dtype is not None:
        return "binary"
    kind = _BY_SUFFIX.get(path.suffix.lower(), "mne")
    if kind == "text" and path.suffix.lower() == ".txt" and path.is_file():
        with path.open("rb") as file:
            kind = "openbci" if file.read(len(_OPENBCI)) == _OPENBCI else kind
    return kind


def read_file(path: Path, name: str, reading: Reading, kind: str) -> Content:
    """Read one file.

    Parameters
    ----------
    path : Path
        Where it is.
    name : str
        Its path below the folder, for messages.
    reading : Reading
        What is known about it.
    kind : str
        Its format, see :func:`format_of`.

    Raises
    ------
    BiotransferError
        When it is not what it should be.
    """
    return READERS[kind](path, name, reading)
