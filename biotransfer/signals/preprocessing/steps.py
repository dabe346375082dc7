"""The steps: Recording -> Recording, each around one method of MNE."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from functools import lru_cache
from typing import Any

import mne
import numpy as np

from ...catalog import Catalog, Entry, Fact
from ...errors import BiotransferError, check
from ..recording import Recording, annotation_spans

_TRANSITION = 1.0
_USABLE = 0.95
_PADDING = 100


def bandpass(
    recording: Recording, *, low: float | None = 1.0, high: float | None = 45.0, order: int = 4
) -> Recording:
    """Keep the frequencies from ``low`` to ``high``.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    low, high : float or None
        Corner frequencies in Hz, where two passes halve the amplitude; None leaves that side open.
    order : int
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
    _check_order("bandpass", order)
    check(
        low is not None or high is not None,
        "preprocess bandpass: low and high are both None. Expected one of them. Use bandpass: null to drop.",
    )
    for name, value in (("low", low), ("high", high)):
        if value is not None:
            _check_frequency(recording, "bandpass", name, value)
    check(
        low is None or high is None or low < high,
        f"preprocess bandpass: low={low} Hz is not below high={high} Hz. Use notch to take a band out.",
    )
    return _filter(recording, low, high, order)


def notch(
    recording: Recording, *, freqs: Sequence[float] = (50.0,), width: float = 2.0, order: int = 4
) -> Recording:
    """Take the hum of the mains out.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    freqs : sequence of float
        Frequencies in Hz; a single number is taken as a list of one.
    width : float
        Width of each stop band in Hz, to which MNE adds 0.5 Hz on either side.
    order : int
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
    _check_order("notch", order)
    check(len(freqs) > 0, "preprocess notch: freqs=[] names no frequency. Use notch: null to drop the step.")
    check(width > 0, f"preprocess notch: width={width} Hz is not positive. Try 2.0.")
    reach = width / 2 + _TRANSITION / 2
    for freq in freqs:
        _check_frequency(recording, "notch", "freqs", freq, reach)
        recording = _filter(recording, freq + reach, freq - reach, order)
    return recording


def resample(recording: Recording, *, sfreq: float) -> Recording:
    """Change the sampling rate.

    Parameters
    ----------
    recording : Recording
        Signal in V.
    sfreq : float
        New sampling rate in Hz.

    Returns
    -------
    Recording
        All channels at the new rate, without time stamps; the same recording when it has that rate.

    Raises
    ------
    BiotransferError
        When sfreq is not positive.

    Notes
    -----
    Source: :meth:`mne.io.Raw.resample` (FFT, which removes what lies above the new Nyquist frequency), padded
    by a length that is whole at both rates, so that nothing is shifted. It would ring across edges, so every
    stretch between edges is resampled by itself and placed to the nearest new sample.
    """
    check(_is_number(sfreq) and sfreq > 0, f"preprocess resample: sfreq={sfreq!r} Hz. Expected e.g. 200.")
    if sfreq == recording.sfreq:
        return recording
    old = recording.raw.copy().load_data(verbose="error")
    ratio = sfreq / recording.sfreq
    whole = Fraction(ratio).limit_denominator(1000).denominator
    npad = whole * -(-_PADDING // whole)
    raw = old.copy().resample(sfreq, npad=npad, verbose="error")
    check(raw.n_times > 0, f"preprocess resample: sfreq={sfreq:g} Hz leaves no sample of {recording.uid!r}.")
    stretches = _stretches(old)
    if len(stretches) > 1:
        data = old.get_data(picks=recording.picks)
        out = raw.get_data(picks=recording.picks)
        for first, last in stretches:
            begin, end = round(first * ratio), min(round(last * ratio), raw.n_times)
            if end > begin:
                part = mne.filter.resample(data[:, first:last], up=ratio, npad=npad, verbose="error")
                out[:, begin:end] = np.pad(part, ((0, 0), (0, 1)), mode="edge")[:, : end - begin]
        raw.apply_function(lambda _: out, picks=recording.picks, channel_wise=False, verbose="error")
    return recording.with_raw(raw, timestamps=None)


def average_reference(recording: Recording) -> Recording:
    """Subtract the mean of all good channels.

    Parameters
    ----------
    recording : Recording
        Signal in V, two channels or more.

    Returns
    -------
    Recording
        Re-referenced copy.

    Raises
    ------
    BiotransferError
        When there is one channel, of which nothing would be left.
    """
    check(
        len(recording.picks) > 1,
        f"preprocess average_reference: {recording.uid!r} has one good channel, {recording.ch_names[0]!r}. "
        "Expected two or more, or nothing is left. Use average_reference: null.",
    )
    return _apply(recording, lambda x: x - x.mean(axis=0))


def envelope(recording: Recording, *, cutoff: float = 5.0, order: int = 4) -> Recording:
    """Rectify and smooth: the linear envelope of EMG.

    Parameters
    ----------
    recording : Recording
        Signal in V, high-pass filtered.
    cutoff : float
        Corner of the low-pass filter that smooths, in Hz.
    order : int
        Order of the Butterworth filter of one pass.

    Returns
    -------
    Recording
        Copy with amplitudes in place of signals, in V.

    Raises
    ------
    BiotransferError
        When cutoff is not between 0 and the Nyquist frequency.

    Notes
    -----
    Source: Merletti & Farina 2016, Surface Electromyography, doi:10.1002/9781119082934.
    """
    _check_order("envelope", order)
    _check_frequency(recording, "envelope", "cutoff", cutoff)
    return _filter(_apply(recording, np.abs), None, cutoff, order)


def _is_number(value: Any) -> bool:
    return isinstance(value, (int, float, np.number)) and not isinstance(value, bool) and np.isfinite(value)


def _check_order(step: str, order: int) -> None:
    check(1 <= order <= 10, f"preprocess {step}: order={order}. Expected 1 to 10, such as 4.")


def _check_frequency(recording: Recording, step: str, name: str, value: Any, reach: float = 0.0) -> None:
    """Refuse a frequency whose filter does not fit between 0 and Nyquist, with one that would."""
    check(
        _is_number(value) and value - reach > 0,
        f"preprocess {step}: {name}={value!r} Hz"
        + (f" with a stop band of {reach:g} Hz on either side" if reach else "")
        + " is not above 0. Expected a frequency in Hz.",
    )
    nyquist = recording.sfreq / 2
    if value + reach < nyquist:
        return
    most = nyquist - reach - (1 - _USABLE) * nyquist
    raise BiotransferError(
        f"preprocess {step}: {name}={value:g} Hz does not fit below {nyquist:g} Hz, the Nyquist frequency of "
        f"{recording.uid!r} sampled at {recording.sfreq:g} Hz"
        + (f" (the stop band reaches {reach:g} Hz further)" if reach else "")
        + f". Use {name}={most:g} or less"
        + (", or None to leave that side open." if step == "bandpass" else f", or {step}=None to drop it.")
    )


def _stretches(raw: Any) -> list[tuple[int, int]]:
    """First and end samples of what lies between edges and skipped acquisition."""
    cuts = sorted(
        span[:2]
        for span in annotation_spans(raw)
        if span.description.upper().startswith(("EDGE", "BAD_ACQ_SKIP"))
    )
    out, position = [], 0
    for first, last in [*cuts, (raw.n_times, raw.n_times)]:
        if first > position:
            out.append((position, first))
        position = max(position, last)
    return out


def _apply(recording: Recording, function: Callable[[np.ndarray], np.ndarray]) -> Recording:
    """Apply a function of an array (n_chans, n_samples) to the good channels of the modality."""
    raw = recording.raw.copy().load_data(verbose="error")
    raw.apply_function(function, picks=recording.picks, channel_wise=False, verbose="error")
    return recording.with_raw(raw)


def _filter(recording: Recording, low: float | None, high: float | None, order: int) -> Recording:
    """Filter forward and backward; low above high stops that band.

    The filter is designed once for all recordings, and stretches of one length are filtered as one array: the
    same numbers as :meth:`mne.io.Raw.filter`, which designs and examines it anew for each of hundreds of
    short stretches, in less time.
    """
    from scipy.signal import sosfiltfilt

    sos, padding = _design(low, high, order, recording.sfreq)
    groups: dict[int, list[int]] = {}
    for first, last in _stretches(recording.raw):
        groups.setdefault(last - first, []).append(first)

    def run(data: np.ndarray) -> np.ndarray:
        if list(groups) == [data.shape[1]]:
            return np.asarray(sosfiltfilt(sos, data, padlen=min(padding, data.shape[1] - 1)))
        out = data.copy()
        for length, firsts in groups.items():
            where = np.array(firsts)[:, None] + np.arange(length)
            out[:, where] = sosfiltfilt(sos, data[:, where], padlen=min(padding, length - 1))
        return out

    return _apply(recording, run)


@lru_cache
def _design(low: float | None, high: float | None, order: int, sfreq: float) -> tuple[np.ndarray, int]:
    """Return the second-order sections that MNE designs, and over how many samples it pads."""
    asked: dict[str, Any] = {"order": order, "ftype": "butter", "output": "sos"}
    settings: dict[str, Any] = {"method": "iir", "phase": "zero", "verbose": "error"}
    design = mne.filter.create_filter(None, sfreq, low, high, iir_params=asked, **settings)
    return design["sos"], design["padlen"]


def _say_bandpass(low: float | None, high: float | None, order: int) -> str:
    kind = f"zero-phase Butterworth filter of order {order}"
    if high is None:
        return f"high-pass filtered at {low:g} Hz ({kind})"
    if low is None:
        return f"low-pass filtered at {high:g} Hz ({kind})"
    return f"band-pass filtered from {low:g} to {high:g} Hz ({kind})"


def _say_notch(freqs: Sequence[float], width: float, order: int) -> str:
    at = " and ".join(f"{f:g}" for f in freqs)
    return f"notch-filtered at {at} Hz ({width:g} Hz wide, zero-phase Butterworth filter of order {order})"


STEPS = Catalog(
    "preprocess",
    [
        Entry(
            "notch",
            "Take the hum of the mains out.",
            notch,
            "mne.filter.notch_filter",
            facts={"say": _say_notch},
        ),
        Entry(
            "bandpass",
            "Keep a band of frequencies; either side may be open.",
            bandpass,
            "mne.filter.filter_data",
            facts={"say": _say_bandpass},
        ),
        Entry(
            "resample",
            "Change the sampling rate.",
            resample,
            "mne.io.Raw.resample",
            facts={"say": lambda sfreq: f"resampled to {sfreq:g} Hz"},
        ),
        Entry(
            "average_reference",
            "Subtract the mean of all good channels.",
            average_reference,
            facts={"say": lambda: "re-referenced to the mean of the channels"},
        ),
        Entry(
            "envelope",
            "Rectify and smooth: the linear envelope of EMG.",
            envelope,
            "Merletti & Farina 2016, doi:10.1002/9781119082934",
            facts={
                "say": lambda cutoff, order: (
                    f"rectified and low-pass filtered at {cutoff:g} Hz (order {order}) to their envelope"
                )
            },
        ),
    ],
    {"say": Fact("Says what it did, by its parameters, for the report and the Methods paragraph.", Callable)},
)
