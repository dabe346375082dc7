"""Steps that filter: bands kept, hum taken out, rates changed; each begins anew at every edge."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mne
import numpy as np

from ...errors import BiotransferError, check
from ..mains import find_hum
from ..recording import Recording
from .common import apply_to_signal, check_frequency, check_order, is_number, stretches

_TRANSITION = 1.0
_PADDING = 100
_MOST_UP = 8
FOUND, NO_HUM = "found", "none"


def bandpass(
    recording: Recording, *, low: float | None = 1.0, high: float | None = 45.0, order: int = 4
) -> Recording:
    """Keep the frequencies from ``low`` to ``high``.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    low, high : float, 0.001 or more, or None
        Corner frequencies in Hz, where two passes halve the amplitude; None leaves that side open.
    order : int, 1 to 20
        Order of the Butterworth filter of one pass.

    Returns
    -------
    Recording
        Filtered copy.

    Raises
    ------
    BiotransferError
        When a corner is not between 0 and the Nyquist frequency, or low is not below high.

    Notes
    -----
    Source: :func:`mne.filter.filter_data`, method "iir", phase "zero".
    """
    check_order("bandpass", order)
    check(
        low is not None or high is not None,
        "preprocess bandpass: low and high are both None. Expected one of them. Use bandpass: null to drop.",
    )
    for name, value in (("low", low), ("high", high)):
        if value is not None:
            check_frequency(recording, "bandpass", name, value)
    check(
        low is None or high is None or low < high,
        f"preprocess bandpass: low={low} Hz is not below high={high} Hz. Use notch to take a band out.",
    )
    return filter_recording(recording, low, high, order)


def notch(
    recording: Recording,
    *,
    freqs: Sequence[float] | str | None = None,
    width: float = 2.0,
    order: int = 4,
) -> Recording:
    """Take the hum of the mains out, where there is some.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    freqs : sequence of float, "found" or "none", above 0
        Frequencies in Hz; a single number is taken as a list of one. "found" (also when left out): the line
        of 50 and 60 Hz, or the one that the data set declares, and its multiples, as far as hum stands out
        there in all recordings of the data set before this step; none where it does not.
    width : float, above 0
        Width of each stop band in Hz, to which MNE adds 0.5 Hz on either side.
    order : int, 1 to 20
        Order of the Butterworth filter of one pass.

    Returns
    -------
    Recording
        Filtered copy.

    Raises
    ------
    BiotransferError
        When a stop band does not lie between 0 and the Nyquist frequency.

    Notes
    -----
    Source: :func:`mne.filter.notch_filter`, method "iir", phase "zero", one frequency after the other.
    """
    check_order("notch", order)
    check(width > 0, f"preprocess notch: width={width} Hz is not positive. Try 2.0.")
    if freqs is None or isinstance(freqs, str):
        freqs = _found(freqs, [recording])
    if isinstance(freqs, str):
        return recording
    check(len(freqs) > 0, "preprocess notch: freqs=[] names no frequency. Use notch: null to drop the step.")
    reach = width / 2 + _TRANSITION / 2
    for freq in freqs:
        check_frequency(recording, "notch", "freqs", freq, reach)
        recording = filter_recording(recording, freq + reach, freq - reach, order)
    return recording


def found_freqs(
    recordings: Iterable[Recording],
    *,
    freqs: Sequence[float] | str | None = None,
    width: float = 2.0,
    order: int = 4,
) -> dict[str, Any]:
    """Return the frequencies at which hum stands out in recordings, where none are given; see notch."""
    return {"freqs": _found(freqs, recordings)}


def _found(freqs: Sequence[float] | str | None, recordings: Iterable[Recording]) -> Sequence[float] | str:
    if freqs is None or freqs == FOUND:
        return list(find_hum(recordings).freqs) or NO_HUM
    return freqs


def resample(recording: Recording, *, sfreq: float) -> Recording:
    """Change the sampling rate.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    sfreq : float, 1 to 100000
        New sampling rate in Hz.

    Returns
    -------
    Recording
        All channels at the new rate, without time stamps; the same recording when it has that rate.

    Raises
    ------
    BiotransferError
        When sfreq is not positive, or far above the recording's.

    Notes
    -----
    Source: :meth:`mne.io.Raw.resample` (FFT, which removes what lies above the new Nyquist frequency), padded
    by a length that is whole at both rates, so that nothing is shifted. It would ring across edges, so every
    stretch between edges is resampled by itself and placed to the nearest new sample.
    """
    check(is_number(sfreq) and sfreq > 0, f"preprocess resample: sfreq={sfreq!r} Hz. Expected e.g. 200.")
    if sfreq == recording.sfreq:
        return recording
    check(
        sfreq <= _MOST_UP * recording.sfreq,
        f"preprocess resample: sfreq={sfreq:g} Hz is more than {_MOST_UP} times the {recording.sfreq:g} "
        "Hz of the recording, which adds samples and no signal. Expected a lower rate.",
    )
    old = recording.raw.copy().load_data(verbose="error")
    ratio = sfreq / recording.sfreq
    whole = Fraction(ratio).limit_denominator(1000).denominator
    npad = whole * -(-_PADDING // whole)
    raw = old.copy().resample(sfreq, npad=npad, verbose="error")
    check(raw.n_times > 0, f"preprocess resample: sfreq={sfreq:g} Hz leaves no sample of {recording.uid!r}.")
    parts = stretches(old)
    if len(parts) > 1:
        data = old.get_data(picks=recording.picks)
        out = raw.get_data(picks=recording.picks)
        for first, last in parts:
            begin, end = round(first * ratio), min(round(last * ratio), raw.n_times)
            if end > begin:
                part = mne.filter.resample(data[:, first:last], up=ratio, npad=npad, verbose="error")
                out[:, begin:end] = np.pad(part, ((0, 0), (0, 1)), mode="edge")[:, : end - begin]
        raw.apply_function(lambda _: out, picks=recording.picks, channel_wise=False, verbose="error")
    return recording.with_raw(raw, timestamps=None)


def filter_recording(recording: Recording, low: float | None, high: float | None, order: int) -> Recording:
    """Filter forward and backward; low above high stops that band.

    The filter is designed once for all recordings, and stretches of one length are filtered as one array: the
    same numbers as :meth:`mne.io.Raw.filter`, which designs and examines it anew for each of hundreds of
    short stretches, in less time.
    """
    from scipy.signal import sosfiltfilt

    sos, padding = _design(low, high, order, recording.sfreq)
    groups: dict[int, list[int]] = {}
    for first, last in stretches(recording.raw):
        groups.setdefault(last - first, []).append(first)

    def run(data: np.ndarray) -> np.ndarray:
        try:
            return filtered(data)
        except np.linalg.LinAlgError as error:
            raise BiotransferError(
                f"preprocess: a filter from {low} to {high} Hz of order {order} cannot be computed at "
                f"{recording.sfreq:g} Hz: {error}. Use corners further from 0, or a lower order."
            ) from error

    def filtered(data: np.ndarray) -> np.ndarray:
        if list(groups) == [data.shape[1]]:
            return np.asarray(sosfiltfilt(sos, data, padlen=min(padding, data.shape[1] - 1)))
        out = data.copy()
        for length, firsts in groups.items():
            where = np.array(firsts)[:, None] + np.arange(length)
            out[:, where] = sosfiltfilt(sos, data[:, where], padlen=min(padding, length - 1))
        return out

    return apply_to_signal(recording, run)


@lru_cache
def _design(low: float | None, high: float | None, order: int, sfreq: float) -> tuple[np.ndarray, int]:
    """Return the second-order sections that MNE designs, and over how many samples it pads."""
    asked: dict[str, Any] = {"order": order, "ftype": "butter", "output": "sos"}
    settings: dict[str, Any] = {"method": "iir", "phase": "zero", "verbose": "error"}
    design = mne.filter.create_filter(None, sfreq, low, high, iir_params=asked, **settings)
    return design["sos"], design["padlen"]


def say_bandpass(low: float | None, high: float | None, order: int) -> str:
    """Say what bandpass did."""
    kind = f"zero-phase Butterworth filter of order {order}"
    if high is None:
        return f"high-pass filtered at {low:g} Hz ({kind})"
    if low is None:
        return f"low-pass filtered at {high:g} Hz ({kind})"
    return f"band-pass filtered from {low:g} to {high:g} Hz ({kind})"


def say_notch(freqs: Sequence[float] | str, width: float, order: int) -> str:
    """Say what notch did."""
    if freqs == NO_HUM:
        return "left without a notch filter, as no hum of the mains stands out of their spectra"
    if isinstance(freqs, str):
        return f"notch-filtered where hum of the mains stands out ({width:g} Hz wide, order {order})"
    at = " and ".join(f"{f:g}" for f in freqs)
    return f"notch-filtered at {at} Hz ({width:g} Hz wide, zero-phase Butterworth filter of order {order})"
