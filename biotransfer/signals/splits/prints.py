"""What a recording can be known by in any disguise: a print without gain, sign, channel order or filter.

Source: own, after what seismology does with ambient noise before it is correlated (spectral whitening and
one-bit normalization: Bensen et al. 2007, doi:10.1111/j.1365-246X.2007.03374.x, section 2).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import BiotransferError
from ...files import DamagedError, read_json, write_json
from ..windows import Windows

RATE = 100.0
"""Samples of a print per second."""
BAND = (3.0, 45.0)
"""What of the signal a print holds, in Hz: no drift, no hum of the mains."""
LEAST_S = 1.0
"""Recordings shorter than this have no print, in s."""
_SMOOTH_HZ = 1.0
_LEVEL_S = 1.0
_CLIP = 3.0
_LOUDEST = 8.0
_TAPER_S = 0.25
_LIST, _VALUES = "prints.json", "prints.npy"


@dataclass(frozen=True)
class Print:
    """What one recording can be known by.

    Parameters
    ----------
    recording, subject : str
        Whose it is.
    begin : float
        Where it begins, in s, on the clock of the windows' metadata.
    values : ndarray, shape (2, n_samples), float32
        100 samples per second, each row with unit variance: the sum of all channels, and the sum of their
        magnitudes, which a change of sign of single channels leaves alone.
    """

    recording: str
    subject: str
    begin: float
    values: np.ndarray


def fingerprint(windows: Windows) -> list[Print]:
    """Return the print of every recording of some signals.

    Parameters
    ----------
    windows : Windows
        Signals, as cut, of any rate, channels, unit and modality.

    Returns
    -------
    list of Print
        In the order of the windows, without recordings shorter than 1 s.

    Notes
    -----
    The windows of a recording are laid out in time. The slope of every channel, at most 8 times its
    median magnitude, is whitened between 3 and 45 Hz (its
    spectrum divided by its own, smoothed over 1 Hz), which takes away gain, unit and any filter, clipped at
    3 deviations, and summed; the sum of magnitudes is whitened again. Both are divided by their own level
    within 1 s, so that no burst or artefact outweighs the rest.
    """
    table, sfreq = windows.metadata, float(windows.sfreq or 1.0)
    start = table["start"].to_numpy(float)
    prints = []
    for name, rows in table.groupby("recording", sort=False).indices.items():
        signal = _laid_out(np.asarray(windows.X[rows], np.float32), start[rows], sfreq)
        if signal.shape[1] >= LEAST_S * sfreq and np.ptp(signal) > 0:
            subject = str(table["subject"].iloc[rows[0]])
            prints.append(Print(str(name), subject, float(start[rows].min()), _print(signal, sfreq)))
    return prints


def write_prints(folder: Path, prints: Sequence[Print]) -> None:
    """Write prints as ``prints.json`` and ``prints.npy``.

    Raises
    ------
    OSError
        When the disk is full or the folder cannot be written.
    """
    values = [np.empty((2, 0), np.float32), *(one.values for one in prints)]
    np.save(folder / _VALUES, np.concatenate(values, axis=1))
    known = [[one.recording, one.subject, one.begin, one.values.shape[1]] for one in prints]
    write_json(folder / _LIST, known)


def read_prints(folder: Path) -> list[Print]:
    """Return what :func:`write_prints` wrote.

    Raises
    ------
    DamagedError
        When it is not there, or not of one piece.
    """
    try:
        known = read_json(folder / _LIST)
        values = np.load(folder / _VALUES)
        ends = np.cumsum([0, *(n for *_, n in known)])
        if values.shape != (2, ends[-1]):
            raise ValueError(f"shape {values.shape}, expected (2, {ends[-1]})")
        parts = np.split(values, ends[1:-1], axis=1) if known else []
        return [
            Print(recording, subject, begin, part)
            for (recording, subject, begin, _), part in zip(known, parts, strict=True)
        ]
    except (BiotransferError, OSError, ValueError, TypeError) as error:
        raise DamagedError(f"{str(folder / _VALUES)!r}: {error}") from error


def _laid_out(X: np.ndarray, start: np.ndarray, sfreq: float) -> np.ndarray:
    """Join the windows of one recording: the slope of every channel, its mean removed, zero between windows.

    The slope keeps the drift of a channel, however steep, from leaking into the band of the print.
    """
    begins, length = np.round((start - start.min()) * sfreq).astype(np.int64), X.shape[2]
    signal = np.zeros((X.shape[1], int(begins.max()) + length))
    seen = np.zeros(signal.shape[1], dtype=bool)
    for window, begin in zip(X, begins, strict=True):
        signal[:, begin : begin + length] = window
        seen[begin : begin + length] = True
    slope = np.gradient(signal, axis=1)
    inside = seen & np.roll(seen, 1) & np.roll(seen, -1)
    slope -= slope[:, inside].mean(axis=1, keepdims=True) if inside.any() else 0.0
    slope[:, ~inside] = 0.0
    usual = np.median(np.abs(slope[:, inside]), axis=1, keepdims=True) if inside.any() else 0.0
    most = np.where(usual > 0, _LOUDEST * usual, np.inf)
    return np.clip(slope, -most, most)


def _print(signal: np.ndarray, sfreq: float) -> np.ndarray:
    white = np.clip(_whitened(signal, sfreq), -_CLIP, _CLIP)
    size = np.abs(white).sum(axis=0, keepdims=True)
    both = np.concatenate([white.sum(axis=0, keepdims=True), _whitened(size - size.mean(), RATE)])
    level = _running_mean(both**2, round(_LEVEL_S * RATE))
    values = np.clip(both / np.sqrt(level + 1e-6 * both.var(axis=1, keepdims=True) + 1e-30), -_CLIP, _CLIP)
    return (values / (values.std(axis=1, keepdims=True) + 1e-12)).astype(np.float32)


def _whitened(signal: np.ndarray, sfreq: float) -> np.ndarray:
    """Return signals at the rate of prints with a flat spectrum in their band and unit variance."""
    from scipy.fft import irfft, rfft

    n_times = signal.shape[1]
    n_out = int(np.ceil(n_times / sfreq * RATE - 1e-6))
    n_padded = max(round(n_out * sfreq / RATE), n_times)
    edge = min(n_times // 10, int(_TAPER_S * sfreq))
    if edge:
        ramp = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
        signal = signal.copy()
        signal[:, :edge] *= ramp
        signal[:, -edge:] *= ramp[::-1]
    spectrum = rfft(signal, n_padded, axis=1)
    freqs = np.arange(spectrum.shape[1]) * sfreq / n_padded
    power = _running_mean(np.abs(spectrum) ** 2, round(_SMOOTH_HZ * n_padded / sfreq))
    inside = (freqs >= BAND[0]) & (freqs <= min(BAND[1], 0.45 * sfreq)) & (power > 0)
    flat = np.where(inside, spectrum / np.sqrt(np.where(inside, power, 1.0)), 0.0)
    kept = min(n_out // 2 + 1, flat.shape[1])
    out = irfft(flat[:, :kept], n_out, axis=1)
    deviation = out.std(axis=1, keepdims=True)
    return np.asarray(out / np.where(deviation > 0, deviation, 1.0))


def _running_mean(values: np.ndarray, width: int) -> np.ndarray:
    """Return the mean of ``width`` neighbors (made odd) along the last axis, edges repeated."""
    width = min(width, values.shape[1] - 1) | 1
    if width <= 1:
        return values
    padded = np.pad(values, ((0, 0), (width // 2 + 1, width // 2)), mode="edge")
    total = np.cumsum(padded, axis=1)
    return np.maximum(total[:, width:] - total[:, :-width], 0.0) / width
