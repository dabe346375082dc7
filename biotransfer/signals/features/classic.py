"""Small, classic feature sets of either modality: band power and Hudgins' time domain."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import check
from ..spectra import power_density
from ..windows import Windows
from ..windows.columns import by_channel
from . import primitives as p
from .bands import FLOOR, averaging, usual_bands


def band_power(windows: Windows, *, bands: Mapping[str, Sequence[float]] | None = None) -> Windows:
    """Describe windows by the logarithm of the power in frequency bands.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V.
    bands : mapping of str to [low, high], 0 or more, optional
        Bands in Hz, low <= f < high. Default for EEG: delta 1-4, theta 4-8, alpha 8-13, beta 13-30, gamma
        30-45 Hz; for EMG: 20-40, 40-60, 60-80, 80-100 Hz.

    Returns
    -------
    Windows
        Features such as ``gamma_Pz``, float64: log10 of the mean power density in uV^2/Hz (Hann window), to
        which 0.0001 uV^2/Hz is added, less than the noise of any amplifier. Finite for flat channels.

    Raises
    ------
    BiotransferError
        When a band is upside down, reaches above the Nyquist frequency, or holds no frequency.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_pair
    >>> from biotransfer.signals.windows import cut_windows
    >>> eeg, emg = simulate_pair(n_subjects=1, seed=0)
    >>> band_power(cut_windows(eeg), bands={"alpha": [8, 13]}).names[0]
    'alpha_TP9'
    """
    p.check_signals(windows, "band_power")
    assert windows.sfreq is not None
    n, n_chans, n_times = windows.X.shape
    chosen = usual_bands("features band_power", bands, windows.modality, windows.sfreq)
    freqs = np.arange(n_times // 2 + 1) * (windows.sfreq / n_times)
    average = averaging(freqs, chosen)
    out = np.empty((n, len(chosen), n_chans))
    for rows, X in p.chunks(windows):
        density = power_density(X, windows.sfreq)[1] @ average
        out[rows] = np.log10(density + FLOOR).swapaxes(1, 2)
    step = p.step_name("band_power", **({} if bands is None else {"bands": dict(bands)}))
    columns = by_channel(chosen, windows.names, "log10(uV^2/Hz)")
    return windows.with_features(out.reshape(n, -1), columns, step)


def time_domain(windows: Windows, *, threshold: float = 0.1) -> Windows:
    """Describe windows by Hudgins' time-domain features of each channel.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V; the mean of each channel is removed.
    threshold : float, 0 or more
        Step in uV that a zero crossing or a change of slope has to exceed, against noise.

    Returns
    -------
    Windows
        Features such as ``mav_EMG1``, float64, finite for flat channels: ``mav`` mean absolute value in uV,
        ``wl`` waveform length in uV per s, ``zc`` zero crossings and ``ssc`` changes of the slope's sign per
        s.

    Raises
    ------
    BiotransferError
        When the threshold is negative.

    Notes
    -----
    Source: Hudgins, Parker and Scott 1993, doi:10.1109/10.204774. Differs from it so: counts and lengths are
    per second, which makes window lengths comparable; the mean absolute value's slope between segments is
    left out.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_pair
    >>> from biotransfer.signals.windows import cut_windows
    >>> eeg, emg = simulate_pair(n_subjects=1, seed=0)
    >>> time_domain(cut_windows(emg)).shape
    (32,)
    """
    p.check_signals(windows, "time_domain")
    check(threshold >= 0, f"features time_domain: threshold={threshold} uV. Expected 0 or more, such as 0.1.")
    assert windows.sfreq is not None
    n, n_chans, n_times = windows.X.shape
    seconds = n_times / windows.sfreq
    out = np.empty((n, 4, n_chans))
    for rows, X in p.chunks(windows):
        D = p.centered(X)
        steps = np.diff(X, axis=-1)
        above = D > p.FLAT
        crossings = (above[..., 1:] != above[..., :-1]) & (np.abs(steps) > threshold)
        rising, size = steps > p.FLAT, np.abs(steps) > threshold
        falling = steps < -p.FLAT
        turns = (rising[..., :-1] & falling[..., 1:]) | (falling[..., :-1] & rising[..., 1:])
        turns &= size[..., :-1] | size[..., 1:]
        out[rows, 0] = np.abs(D).mean(axis=-1)
        out[rows, 1] = np.abs(steps).sum(axis=-1) / seconds
        out[rows, 2] = crossings.sum(axis=-1) / seconds
        out[rows, 3] = turns.sum(axis=-1) / seconds
    units = {"mav": "uV", "wl": "uV/s", "zc": "1/s", "ssc": "1/s"}
    columns = [one for stat, unit in units.items() for one in by_channel([stat], windows.names, unit)]
    step = p.step_name("time_domain", **({} if threshold == 0.1 else {"threshold": threshold}))
    return windows.with_features(out.reshape(n, -1), columns, step)
