"""Signals as files that BIDS takes: BrainVision for EEG, BDF for EMG.

EEG is written in 32-bit floating point: every value is right to 6e-8 of itself. BIDS takes EMG as EDF and BDF
only; BDF has 24 bits: whole numbers of uV are exact, others right to 6e-8 of the range of their channel.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from ....errors import BiotransferError, check
from ...datasets.bids.names import FILLED

VOLTS = ("eeg", "emg", "eog", "ecg")
_BRAINVISION_UNITS = {"temperature": "C", "gsr": "S"}
_LARGEST = (1 << 23) - 1
_LABEL_CHARACTERS = 16
_DIGITS_OF_SECONDS = 8


def write_brainvision(raw: Any, path: Path) -> None:
    """Write signals as BrainVision in 32-bit floating point.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        In V.
    path : Path
        Ends in ``.vhdr``; ``.eeg`` and ``.vmrk`` come to lie beside it.

    Raises
    ------
    BiotransferError
        When pybv is not installed.
    """
    try:
        import pybv
    except ModuleNotFoundError as error:
        raise BiotransferError(
            f"pybv cannot be imported: {error}. Type: pip install 'biotransfer[bids]'"
        ) from error
    kinds = raw.get_channel_types()
    units = ["µV" if kind in VOLTS else _BRAINVISION_UNITS.get(kind, "n/a") for kind in kinds]
    with warnings.catch_warnings():
        warnings.filterwarnings(
            "ignore", "Encountered unsupported non-voltage units"
        )  # channels.tsv has them
        pybv.write_brainvision(
            data=raw.get_data(),
            sfreq=float(raw.info["sfreq"]),
            ch_names=raw.ch_names,
            fname_base=path.stem,
            folder_out=path.parent,
            overwrite=True,
            unit=units,
        )


def write_bdf(raw: Any, path: Path) -> None:
    """Write signals as BDF; what fills the last block is marked as MNE marks it.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        In V, without NaN.
    path : Path
        Ends in ``.bdf``.

    Raises
    ------
    BiotransferError
        When edfio is not installed, or a value is NaN or infinite.
    """
    try:
        import edfio
    except ModuleNotFoundError as error:
        raise BiotransferError(
            f"edfio cannot be imported: {error}. Type: pip install 'biotransfer[bids]'"
        ) from error
    data, rate = raw.get_data(), float(raw.info["sfreq"])
    for name, finite in zip(raw.ch_names, np.isfinite(data).all(axis=1), strict=True):
        check(
            finite,
            f"channel {name!r} holds NaN or infinite values, which BDF has no number for. Interpolate it, or "
            "call raw.drop_channels(...).",
        )
    size = max(1, min(int(rate), raw.n_times))
    seconds = float(f"{size / rate:.{_DIGITS_OF_SECONDS}f}"[:_DIGITS_OF_SECONDS])
    n_filled = -raw.n_times % size
    data = np.pad(data, ((0, 0), (0, n_filled)), "edge")
    signals = []
    labels = _labels(raw.ch_names)
    for row, name, kind in zip(data, raw.ch_names, raw.get_channel_types(), strict=True):
        values = row * 1e6 if kind in VOLTS else row
        nearest = np.round(values)
        whole = np.abs(values - nearest).max() < 1e-9 and np.abs(nearest).max() <= _LARGEST
        flat = (values[0], values[0] + 1.0) if np.ptp(values) == 0 else None
        signals.append(
            edfio.BdfSignal(
                nearest if whole else values,
                size / seconds,
                label=labels[name],
                physical_dimension="uV" if kind in VOLTS else "",
                physical_range=(-_LARGEST, _LARGEST) if whole else flat,
                digital_range=(-_LARGEST, _LARGEST),
            )
        )
    filled = [edfio.EdfAnnotation(raw.n_times / rate, n_filled / rate, FILLED)] if n_filled else []
    edfio.Bdf(signals, data_record_duration=seconds, annotations=filled).write(path)


def _labels(names: list[str]) -> Mapping[str, str]:
    """Return names that BDF can hold: those of channels.tsv count where one is too long or not ASCII."""
    fits = {n for n in names if n.isascii() and n.isprintable() and n == n.strip()}
    short = {name for name in fits if len(name) <= _LABEL_CHARACTERS}
    return {name: name if name in short else f"CH{i + 1:03d}" for i, name in enumerate(names)}
