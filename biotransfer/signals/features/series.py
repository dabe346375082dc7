"""Signals of some windows, and what many features need of them: differences, spectra, flat channels."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property
from typing import Any

import numpy as np

from ..spectra import power_density
from ..windows import Windows
from . import primitives as p


class Series:
    """Signals of some windows, and what is derived from them; every array is made when it is first asked for.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_chans, n_times), float64, in uV
        As recorded.
    sfreq : float
        In Hz.
    modality : {"eeg", "emg"}
        What was recorded: it has its usual bands.
    """

    def __init__(self, X: np.ndarray, sfreq: float, modality: str):
        self.X = X
        self.sfreq = sfreq
        self.modality = modality
        self.n_windows, self.n_chans, self.n_times = X.shape
        self.kept: dict[Any, Any] = {}
        """What a feature worked out that others of its kind need too."""

    @cached_property
    def still(self) -> np.ndarray:
        """Whether a channel stands still in a window: deviation below 0.001 uV, (n_windows, n_chans)."""
        spread = p.centered(self.X)
        return np.asarray(np.einsum("...t,...t->...", spread, spread) < p.FLAT**2 * self.n_times)

    @cached_property
    def x(self) -> np.ndarray:
        """Signals less each channel's mean; exactly zero where a channel stands still."""
        return np.asarray(np.where(self.still[..., None], 0.0, p.centered(self.X)))

    @cached_property
    def size(self) -> np.ndarray:
        """Absolute value of ``x``."""
        return np.abs(self.x)

    @cached_property
    def steps(self) -> np.ndarray:
        """First differences, (n_windows, n_chans, n_times - 1)."""
        return np.diff(self.x, axis=-1)

    @cached_property
    def step_size(self) -> np.ndarray:
        """Absolute first differences."""
        return np.abs(self.steps)

    @cached_property
    def bends(self) -> np.ndarray:
        """Second differences, (n_windows, n_chans, n_times - 2)."""
        return np.diff(self.steps, axis=-1)

    @cached_property
    def power(self) -> np.ndarray:
        """Mean square of ``x``, in uV^2: the variance with n below."""
        return mean_square(self.x)

    @cached_property
    def unit(self) -> np.ndarray:
        """``x`` divided by its deviation; zero where a channel stands still."""
        return self.x / np.sqrt(self.over(self.power))[..., None]

    @cached_property
    def freqs(self) -> np.ndarray:
        """Frequencies of ``periodogram`` and ``density`` in Hz, from 0 to the Nyquist frequency."""
        return np.arange(self.n_times // 2 + 1) * (self.sfreq / self.n_times)

    @cached_property
    def periodogram(self) -> np.ndarray:
        """One-sided periodogram of ``x`` without a taper, in uV^2/Hz: it sums to the variance."""
        from scipy.fft import rfft

        spectrum = rfft(self.x, axis=-1)
        density = (spectrum.real**2 + spectrum.imag**2) / (self.sfreq * self.n_times)
        density[..., 1 : (self.n_times + 1) // 2] *= 2
        return np.asarray(density)

    @cached_property
    def density(self) -> np.ndarray:
        """One-sided periodogram with a Hann window, in uV^2/Hz."""
        return power_density(self.x, self.sfreq)[1]

    def over(self, values: np.ndarray) -> np.ndarray:
        """Return ``values`` with 1 where a channel stands still: what can be divided by."""
        return np.where(self.still, 1.0, values)

    def where(self, values: np.ndarray, still: float = 0.0) -> np.ndarray:
        """Return ``values`` (n_windows, n_chans, ...), ``still`` where a channel stands still."""
        mask = self.still.reshape(self.still.shape + (1,) * (values.ndim - 2))
        return np.where(mask, still, values)

    def positive(self, values: np.ndarray) -> np.ndarray:
        """Return ``values`` of the channels that move, not below what a float can hold, for a logarithm."""
        return self.where(np.maximum(values, np.finfo(float).tiny), 1.0)


def series(windows: Windows) -> Iterator[tuple[slice, Series]]:
    """Yield (rows, their signals) of some windows at a time."""
    assert windows.sfreq is not None
    for rows, X in p.chunks(windows):
        yield rows, Series(X, windows.sfreq, windows.modality)


def mean_square(values: np.ndarray) -> np.ndarray:
    """Return the mean square over the last axis."""
    return np.asarray(np.einsum("...t,...t->...", values, values) / values.shape[-1])


def variance(values: np.ndarray) -> np.ndarray:
    """Return the variance over the last axis, n below."""
    return mean_square(values - values.mean(axis=-1, keepdims=True))
