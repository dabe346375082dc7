"""Numbers without any description: their type, order and number of channels have to be said."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from .....errors import BiotransferError, check
from ..columns import find_columns
from ..content import Content
from ..keys import Reading


def read_bytes(path: Path) -> bytes:
    """Return what a file holds.

    Raises
    ------
    BiotransferError
        When it cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read: {error.strerror}. Check the file and its permissions."
        ) from error


def read_binary(path: Path, name: str, reading: Reading) -> Content:
    """Read a binary file of ``n_channels`` signals.

    Raises
    ------
    BiotransferError
        When its type, unit or number of channels is not said, or its size does not fit.
    """
    check(reading.dtype is not None, f"dtype is missing: {name!r} is binary. Write dtype: int16.")
    check(reading.n_channels is not None, f"n_channels is missing: {name!r} is binary. Write n_channels: 8.")
    check(reading.unit is not None, f"unit is missing: {name!r} does not say it. Write unit: uV.")
    assert reading.n_channels is not None
    try:
        dtype = np.dtype(reading.dtype)
    except TypeError as error:
        raise BiotransferError(
            f"dtype={reading.dtype!r} is no type of numbers. Write int16, float32, '>i2' (big end first)."
        ) from error
    check(dtype.kind in "iuf", f"dtype={reading.dtype!r} holds no numbers. Write int16, float32, ...")
    if dtype.byteorder == "=":
        dtype = dtype.newbyteorder("<")
    content = read_bytes(path)[reading.skip_bytes :]
    frame = dtype.itemsize * reading.n_channels
    check(content, f"{name!r} holds no samples. Get the file again.")
    check(
        len(content) % frame == 0,
        f"{name!r} has {len(content)} bytes, no multiple of {reading.n_channels} channels of "
        f"{dtype.itemsize} bytes. Check dtype, n_channels and skip_bytes.",
    )
    values = np.frombuffer(content, dtype)
    if reading.order == "channels":
        data = values.reshape(reading.n_channels, -1)
    else:
        data = values.reshape(-1, reading.n_channels).T
    if reading.channels is not None:
        positions = tuple(str(i + 1) for i in range(reading.n_channels))
        data = data[list(find_columns("channels", reading.channels, positions, name))]
    sfreq = reading.sfreq if isinstance(reading.sfreq, float) else None
    return Content(data=data.astype(np.float64) * (reading.volts or 1.0), sfreq=sfreq)
