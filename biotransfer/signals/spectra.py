"""Power spectra, and where the hum of the mains lies in them."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from .recording import Recording, annotation_spans

MAINS_HZ = (50.0, 60.0)
MAINS_HALF = 1.01
"""Half the width of the hum, in Hz."""
MAINS_AROUND = (2.0, 6.0)
"""How far away its neighbors lie, in Hz."""
_MOST_HARMONICS = 4
_BLOCK = 64
MOST_WINDOWS = 240
Spectrum = tuple[np.ndarray, np.ndarray]
"""Frequencies in Hz, and the power of every channel there in V^2/Hz."""


def power_density(X: np.ndarray, sfreq: float, *, by_scipy: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """One-sided periodogram with a Hann window, the mean of each channel removed.

    Parameters
    ----------
    X : ndarray, shape (..., n_times), float64
        Signals.
    sfreq : float
        Sampling rate in Hz.
    by_scipy : bool
        Leave it to :func:`scipy.signal.periodogram`, which scales before the transform: the same up to
        rounding.

    Returns
    -------
    freqs : ndarray, shape (n_times // 2 + 1,)
        From 0 Hz to the Nyquist frequency, or half a bin below it when n_times is odd.
    density : ndarray, shape (..., n_times // 2 + 1)
        Unit of X squared per Hz.
    """
    if by_scipy:
        from scipy.signal import periodogram

        return periodogram(X, sfreq, window="hann", axis=-1)
    from scipy.fft import rfft

    n = X.shape[-1]
    taper = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(n) / n)
    spectrum = rfft((X - X.mean(axis=-1, keepdims=True)) * taper, axis=-1)
    density = (spectrum.real**2 + spectrum.imag**2) / (sfreq * np.sum(taper**2))
    density[..., 1 : (n + 1) // 2] *= 2
    return np.arange(n // 2 + 1) * (sfreq / n), density


def hum_bins(freqs: np.ndarray, line: float) -> tuple[np.ndarray, np.ndarray]:
    """Return which frequencies belong to the hum at ``line``, and which are its neighbors.

    Parameters
    ----------
    freqs : ndarray, shape (n_freqs,)
        In Hz.
    line : float
        The mains frequency or a multiple, in Hz.

    Returns
    -------
    inside, beside : ndarray of bool, shape (n_freqs,)
    """
    distance = np.abs(freqs - line)
    return distance <= MAINS_HALF, (distance > MAINS_AROUND[0]) & (distance <= MAINS_AROUND[1])


def harmonics(line: float, sfreq: float) -> list[float]:
    """Return the multiples of the mains frequency whose neighbors a sampling rate can hold, at most four.

    Examples
    --------
    >>> harmonics(50.0, 256.0), harmonics(60.0, 128.0)
    ([50.0, 100.0], [])
    """
    multiples = [k * line for k in range(1, _MOST_HARMONICS + 1)]
    return [freq for freq in multiples if freq + MAINS_AROUND[1] < sfreq / 2]


def power_spectrum(recording: Recording, data: np.ndarray) -> tuple[np.ndarray, np.ndarray] | None:
    """Return Welch's power spectrum from windows of 1 s that cross no boundary.

    Parameters
    ----------
    recording : Recording
        Gives the boundaries and the sampling rate.
    data : ndarray, shape (n_chans, n_samples)
        Its signal in V.

    Returns
    -------
    freqs : ndarray, shape (n_freqs,)
        In Hz, 1 Hz apart.
    power : ndarray, shape (n_chans, n_freqs)
        In V^2/Hz; Hann window, half overlap, mean removed; of more than 240 windows
        240 spread evenly. None in place of both when no stretch lasts 1 s.
    """
    starts = _window_starts(recording)
    if not len(starts):
        return None
    chosen = starts[np.linspace(0, len(starts) - 1, min(len(starts), MOST_WINDOWS)).round().astype(int)]
    return _freqs(recording), _mean_power(recording, data, chosen)


def spectrum_of(recording: Recording) -> Spectrum | None:
    """Return :func:`power_spectrum` of the good channels of a recording."""
    return power_spectrum(recording, recording.raw.get_data(picks=recording.picks))


def power_at(recording: Recording, starts: np.ndarray) -> Spectrum:
    """Return the periodogram of windows of 1 s.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    starts : ndarray, shape (n_windows,), int
        First sample of each.

    Returns
    -------
    freqs : ndarray, shape (n_freqs,)
        In Hz, 1 Hz apart.
    power : ndarray, shape (n_chans, n_windows, n_freqs)
        In V^2/Hz.
    """
    data, size = recording.raw.get_data(picks=recording.picks), round(recording.sfreq)
    return _freqs(recording), power_density(data[:, starts[:, None] + np.arange(size)], recording.sfreq)[1]


def _freqs(recording: Recording) -> np.ndarray:
    size = round(recording.sfreq)
    return np.arange(size // 2 + 1) * (recording.sfreq / size)


def _window_starts(recording: Recording) -> np.ndarray:
    size = round(recording.sfreq)
    return np.array(
        [i for begin, end in stretches(recording) for i in range(begin, end - size + 1, max(1, size // 2))],
        dtype=np.int64,
    )


def _mean_power(recording: Recording, data: np.ndarray, starts: np.ndarray) -> np.ndarray:
    size = round(recording.sfreq)
    power = np.zeros((len(data), size // 2 + 1))
    for block in np.array_split(starts, max(1, len(starts) // _BLOCK)):
        power += power_density(data[:, block[:, None] + np.arange(size)], recording.sfreq)[1].sum(axis=1)
    return power / len(starts)


def stretches(recording: Recording) -> Iterator[tuple[int, int]]:
    """Yield (first sample, end sample) of the signal between boundaries."""
    position = 0
    cuts = sorted(span[:2] for span in annotation_spans(recording.raw) if span.is_boundary)
    for begin, end in cuts:
        if begin > position:
            yield position, begin
        position = max(position, end)
    if position < recording.raw.n_times:
        yield position, recording.raw.n_times
