"""Power spectra, and where the hum of the mains lies in them."""

from __future__ import annotations

import numpy as np

MAINS_HZ = (50.0, 60.0)
MAINS_HALF = 1.01
"""Half the width of the hum, in Hz."""
MAINS_AROUND = (2.0, 6.0)
"""How far away its neighbors lie, in Hz."""
_MOST_HARMONICS = 4


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
