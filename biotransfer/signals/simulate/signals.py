"""The ingredients of simulated signals: arrays (n_chans, n_times) in microvolts or of unit variance."""

from __future__ import annotations

import numpy as np

from .codes import BANDS, N_REGIONS, PATTERNS, RATES, stream

RHYTHM_UV = {"eeg": (5.0, 6.0, 4.0), "emg": (50.0, 50.0, 50.0)}
DEPTH = 0.8
BLINK_S = 0.35
LOWEST_HZ = 0.5
_POWER_PER_CHANNEL = float((PATTERNS**2).sum(axis=0)[0])


def make_sources(
    modality: str,
    seed: int,
    key: tuple[int, ...],
    change: np.ndarray,
    n_chans: int,
    length: int,
    sfreq: float,
    variability: float,
) -> np.ndarray:
    """Return the activity under every electrode before it spreads, in uV.

    Parameters
    ----------
    modality : {"eeg", "emg"}
        Whose bands and amplitudes.
    seed : int
        Draws everything.
    key : tuple of int
        Person first, then what else makes this signal differ from others.
    change : ndarray, shape (n_stretches, 10, 3)
        What the class of each stretch does to every pattern and band, in dB.
    n_chans : int
        Every four channels have sources of their own.
    length : int
        Samples per stretch.
    sfreq : float
        Sampling rate in Hz.
    variability : float
        Deviation in dB of each source between people and between stretches.

    Returns
    -------
    ndarray, shape (n_chans, n_stretches * length), float64
        Sum of the sources: Gaussian noise of one band, amplitude-modulated at that band's rate.
    """
    n_stretches, n_patterns, n_bands = change.shape
    n_groups = -(-n_chans // N_REGIONS)
    n_sources = n_groups * n_patterns
    n_times = n_stretches * length
    reach = np.kron(np.eye(n_groups), PATTERNS.T)[:n_chans] / np.sqrt(_POWER_PER_CHANNEL)
    person = stream(seed, modality, key[0], "person").standard_normal((n_sources, n_bands))
    rng = stream(seed, modality, *key, "stretch")
    levels = np.tile(change, (1, n_groups, 1))
    levels = levels + variability * (person + rng.standard_normal(levels.shape))
    phases = rng.uniform(0, 2 * np.pi, levels.shape)
    rng = stream(seed, modality, *key, "carrier")
    times = np.arange(length) / sfreq
    data = np.zeros((n_chans, n_times))
    for band, (low, high) in enumerate(BANDS[modality]):
        wave = np.sin(2 * np.pi * RATES[band] * times + phases[:, :, band, None])
        envelope = (1 + DEPTH * wave) / np.sqrt(1 + DEPTH**2 / 2) * 10 ** (levels[:, :, band, None] / 20)
        carrier = band_noise(rng, n_sources, n_times, sfreq, low, high)
        carrier *= envelope.transpose(1, 0, 2).reshape(n_sources, n_times)
        data += RHYTHM_UV[modality][band] * (reach @ carrier)
    return data


def band_noise(
    rng: np.random.Generator, n_chans: int, n_times: int, sfreq: float, low: float, high: float
) -> np.ndarray:
    """Return Gaussian noise of unit expected variance with power from ``low`` to ``high`` Hz only."""
    freqs = np.fft.rfftfreq(n_times, 1 / sfreq)
    return _shape(rng, n_chans, n_times, ((freqs >= low) & (freqs < high)).astype(float))


def colored_noise(
    rng: np.random.Generator, n_chans: int, n_times: int, sfreq: float, exponent: float
) -> np.ndarray:
    """Return Gaussian noise of unit expected variance, power falling as f ** -exponent from 0.5 Hz on."""
    freqs = np.fft.rfftfreq(n_times, 1 / sfreq)
    power = np.zeros_like(freqs)
    inside = freqs >= LOWEST_HZ
    power[inside] = freqs[inside] ** -exponent
    return _shape(rng, n_chans, n_times, power)


def _shape(rng: np.random.Generator, n_chans: int, n_times: int, power: np.ndarray) -> np.ndarray:
    """White noise with ``power`` imposed on its spectrum, scaled to unit expected variance."""
    spectrum = np.fft.rfft(rng.standard_normal((n_chans, n_times)), axis=1)
    counts = np.full(len(power), 2.0)
    counts[0] = 1.0
    if n_times % 2 == 0:
        counts[-1] = 1.0
    return np.fft.irfft(spectrum * np.sqrt(power * n_times / (counts @ power)), n_times, axis=1)


def blinks(rng: np.random.Generator, n_times: int, sfreq: float, rate: float) -> np.ndarray:
    """Return raised-cosine bumps at random times, ``rate`` per minute, heights around 1."""
    bump = np.hanning(round(BLINK_S * sfreq) + 2)[1:-1]
    trace = np.zeros(n_times + len(bump))
    for start in rng.integers(0, n_times, rng.poisson(rate * n_times / sfreq / 60)):
        trace[start : start + len(bump)] += bump * rng.lognormal(0.0, 0.2)
    return trace[:n_times]


def hum(
    rng: np.random.Generator, n_chans: int, n_times: int, sfreq: float, mains: float, amplitude: float
) -> np.ndarray:
    """Return one sine with an amplitude of its own in every channel, ``amplitude`` being the median."""
    heights = amplitude * rng.lognormal(0.0, 0.5, n_chans)
    phase = rng.uniform(0, 2 * np.pi)
    return np.outer(heights, np.sin(2 * np.pi * mains * np.arange(n_times) / sfreq + phase))
