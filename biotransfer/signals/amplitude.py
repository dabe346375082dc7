"""Which amplitudes electrodes give: one judgement for recordings, epochs and windows, both ways."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ..errors import check

LARGEST_VOLTS = 1.0
"""Scalp and skin potentials, offsets of the electrodes included, stay far below."""
LARGEST_DEVIATION: Mapping[str, float] = {"eeg": 5e-3, "emg": 5e-2}
"""In V, by modality: a signal of which **every** channel deviates by more is in another unit."""
SMALLEST_DEVIATION = 1e-8
"""In V: an electrode of 100 ohm at room temperature gives as much by its heat alone, from 0 to 100 Hz."""
UNITLESS = " Where the values have no unit (z-scored): unit='none'."
_STRETCHES, _SAMPLES = 20, 500
_TO_DEVIATION = 1.4826
_MEND = "MNE works in volts. Pass unit='{unit}' to from_arrays, or multiply by {factor:g}."


def check_largest(data: np.ndarray, name: str, also: str = "") -> None:
    """Refuse signals of 1 V or more; arguments as in :func:`check_amplitude`."""
    largest = float(max(data.max(), -data.min())) if data.size else 0.0
    check(largest < LARGEST_VOLTS, f"{name} reaches {largest:.3g} V: the unit is wrong, {_mend(1e-6)}{also}")


def check_amplitude(data: np.ndarray, modality: str, name: str, also: str = "") -> None:
    """Refuse signals that no electrode gives, whatever entrance they come by.

    Parameters
    ----------
    data : ndarray, shape (n_chans, n_times) or (n_windows, n_chans, n_times), in V
        Finite. Channels that stand still say nothing of the unit, and a signal of only such ones passes: it
        is a finding, not another unit.
    modality : {"eeg", "emg"}
        What was recorded.
    name : str
        Whose signals they are, for the message.
    also : str
        What else mends it where the signals come from, for the message; begins with a blank.

    Raises
    ------
    BiotransferError
        When a sample reaches 1 V, when every channel deviates by more than EEG (5 mV) or EMG (50 mV) does, or
        when every channel deviates by less than 10 nV.

    Notes
    -----
    The deviation is 1.4826 times the median distance from the median, the root mean square where more than
    half of the samples are equal; in 20 stretches of 500 samples, of whose values the median counts: offsets
    of electrodes, and steps where files were joined, are none of the signal. The lower bound follows from
    Johnson 1928, doi:10.1103/PhysRev.32.97: sqrt(4 k T R B) is 13 nV for R = 100 ohm, T = 300 K, B = 100 Hz.

    Examples
    --------
    >>> check_amplitude(np.array([[1e-5, -1e-5, 2e-5]]), "eeg", "a")
    """
    if not data.size:
        return
    check_largest(data, name, also)
    deviations = channel_deviations(data)
    moving = deviations[deviations > 0]
    if not len(moving):
        return
    most = LARGEST_DEVIATION[modality]
    check(
        moving.min() <= most,
        f"{name} deviates by {moving.min():.3g} V or more in every channel, {modality.upper()} by {most:g} V "
        f"at most: the unit is wrong, {_mend(1e-3)}{also}",
    )
    check(
        moving.max() >= SMALLEST_DEVIATION,
        f"{name} deviates by {moving.max():.3g} V at most, less than the heat of an electrode gives "
        f"({SMALLEST_DEVIATION:g} V): the unit is wrong, MNE works in volts. Pass unit='V' to from_arrays "
        f"where X is in volts already, or multiply by 1e6.{also}",
    )


def channel_deviations(data: np.ndarray) -> np.ndarray:
    """Return the robust deviation of every channel around where it stands, 0 for one that stands still.

    Parameters
    ----------
    data : ndarray, shape (n_chans, n_times) or (n_windows, n_chans, n_times), in V
        Finite.

    Returns
    -------
    ndarray, shape (n_chans,), float64, in V
    """
    if data.ndim == 2:
        starts = np.linspace(0, max(0, data.shape[1] - _SAMPLES), _STRETCHES).astype(int)
        stretches = [data[:, a : a + _SAMPLES] for a in np.unique(starts)]
    else:
        chosen = np.unique(np.linspace(0, len(data) - 1, _STRETCHES).astype(int))
        stretches = [data[i][:, :_SAMPLES] for i in chosen]
    values = np.stack(stretches, axis=1).astype(np.float64)
    values -= np.median(values, axis=2, keepdims=True)
    robust = _TO_DEVIATION * np.median(np.abs(values), axis=2)
    each = np.where(robust > 0, robust, values.std(axis=2))
    each[np.ptp(values, axis=2) == 0] = 0.0
    return np.array([np.median(own[own > 0]) if np.any(own > 0) else 0.0 for own in each])


def _mend(factor: float) -> str:
    return _MEND.format(unit={1e-6: "uV", 1e-3: "mV"}[factor], factor=factor)
