"""Steps that turn EMG into amplitude, and put the amplitudes of people on one scale."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...errors import BiotransferError, check
from ..recording import Recording, annotation_spans
from .common import apply_to_signal, check_frequency, check_order, for_stretches, is_number
from .filters import filter_recording

_WHOLE = 100.0


def rectify(recording: Recording) -> Recording:
    """Take absolute values.

    Parameters
    ----------
    recording : Recording
        Signal in V, free of offsets.

    Returns
    -------
    Recording
        Full-wave rectified copy.
    """
    return apply_to_signal(recording, np.abs)


def envelope(recording: Recording, *, cutoff: float = 5.0, order: int = 4) -> Recording:
    """Rectify and smooth: the linear envelope of EMG.

    Parameters
    ----------
    recording : Recording
        Signal in V, high-pass filtered.
    cutoff : float, 0.001 or more
        Corner of the low-pass filter that smooths, in Hz.
    order : int, 1 to 20
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
    check_order("envelope", order)
    check_frequency(recording, "envelope", "cutoff", cutoff)
    return filter_recording(rectify(recording), None, cutoff, order)


def rms_envelope(recording: Recording, *, window: float = 0.1) -> Recording:
    """Take the moving root mean square.

    Parameters
    ----------
    recording : Recording
        Signal in V, high-pass filtered.
    window : float, above 0
        Length over which squares are averaged, in s, around every sample; shorter where a stretch between
        edges begins and ends.

    Returns
    -------
    Recording
        Copy with amplitudes in place of signals, in V.

    Raises
    ------
    BiotransferError
        When the window is shorter than two samples.

    Notes
    -----
    Source: Merletti & Farina 2016, Surface Electromyography, doi:10.1002/9781119082934.
    """
    size = round(window * recording.sfreq) if is_number(window) else 0
    check(
        size >= 2,
        f"preprocess rms_envelope: window={window!r} s is {size} samples at {recording.sfreq:g} Hz. Expected "
        f"two or more. Use window={2 / recording.sfreq:g} or longer.",
    )
    return for_stretches(lambda x: _moving_rms(x, size), recording)


def _moving_rms(x: np.ndarray, size: int) -> np.ndarray:
    """Root mean square over ``size`` samples around each; the one in the middle, or right of it."""
    sums = np.concatenate([np.zeros((len(x), 1)), np.cumsum(x**2, axis=1)], axis=1)
    place = np.arange(x.shape[1])
    first = np.maximum(place - size // 2, 0)
    last = np.minimum(place - size // 2 + size, x.shape[1])
    return np.sqrt(np.maximum(sums[:, last] - sums[:, first], 0) / (last - first))


def normalize(
    recording: Recording,
    *,
    by: str = "person",
    percentile: float = 95.0,
    mvc: str = "",
    level: float = 1e-3,
    scales: Mapping[str, Mapping[str, float]] | None = None,
) -> Recording:
    """Put the amplitude of every person, or recording, on one scale, channel by channel.

    Parameters
    ----------
    recording : Recording
        Signal in V, free of offsets.
    by : {"person", "session", "recording"}
        What has one scale: all recordings of a person, those of one day, or each by itself.
    percentile : float, 0 to 100
        Of the absolute values over all samples, whatever their label: what becomes ``level``. 100 is the
        largest.
    mvc : str
        Description of annotations of a maximal voluntary contraction; only their samples count then.
    level : float, above 0
        What the reference becomes, in V: 1e-3 lets 100 % read 1 mV, so that units stay plausible.
    scales : mapping, above 0, optional
        What was found: by person (or session, or recording) and channel the reference in V. Found in the
        recordings of the data set when not given.

    Returns
    -------
    Recording
        Scaled copy.

    Raises
    ------
    BiotransferError
        When a reference is zero, nobody has a contraction of that name, or there is no scale for a person.

    Notes
    -----
    Source: Burden 2010, doi:10.1016/j.jelekin.2010.07.004. No label of a class is used, and no other person's
    samples; a person who is tested on is scaled by all of their own samples, as a calibration would.
    """
    if scales is None:
        scales = reference_levels([recording], by=by, percentile=percentile, mvc=mvc)["scales"]
    check(
        is_number(level) and level > 0,
        f"preprocess normalize: level={level!r} V. Expected an amplitude above 0, such as 1e-3.",
    )
    unit = _unit(recording, by)
    own = scales.get(unit, {})
    absent = [name for name in recording.ch_names if name not in own]
    check(
        not absent,
        f"preprocess normalize: scales has no {', '.join(absent)} for {unit!r}. Expected one for every "
        "person and channel. Leave scales out to find them.",
    )
    gains = level / np.array([own[name] for name in recording.ch_names])
    return apply_to_signal(recording, lambda x: x * gains[:, None])


def reference_levels(
    recordings: Iterable[Recording],
    *,
    by: str = "person",
    percentile: float = 95.0,
    mvc: str = "",
    scales: Mapping[str, Mapping[str, float]] | None = None,
    **_: Any,
) -> dict[str, Any]:
    """Find what becomes 100 % of every person and channel, see :func:`normalize`."""
    check(
        by in _UNITS,
        f"preprocess normalize: by={by!r} is unknown. Use one of: {', '.join(_UNITS)}.",
    )
    check(
        is_number(percentile) and 0 < percentile <= _WHOLE,
        f"preprocess normalize: percentile={percentile!r}. Expected above 0 up to 100, such as 95.",
    )
    if scales is not None:
        return {}
    levels: dict[str, dict[str, list[np.ndarray]]] = {}
    for recording in recordings:
        data = np.abs(recording.raw.get_data(picks=recording.picks)).astype(np.float32)
        if mvc:
            wanted = [s for s in annotation_spans(recording.raw) if s.description == mvc]
            data = np.concatenate([data[:, :0], *(data[:, s.first : s.last] for s in wanted)], axis=1)
        unit = levels.setdefault(_unit(recording, by), {})
        for name, values in zip(recording.ch_names, data, strict=True):
            unit.setdefault(name, []).append(values)
    return {
        "scales": {
            unit: {name: _reference(unit, name, parts, percentile, mvc) for name, parts in channels.items()}
            for unit, channels in levels.items()
        }
    }


def _reference(unit: str, name: str, parts: list[np.ndarray], percentile: float, mvc: str) -> float:
    values = np.concatenate(parts)
    if not len(values):
        raise BiotransferError(
            f"preprocess normalize: mvc={mvc!r} marks no sample of {unit!r}. Expected an annotation of that "
            "name in a recording of everyone. Leave mvc out to go by a percentile of all samples."
        )
    found = float(np.percentile(values, percentile))
    check(
        found > 0,
        f"preprocess normalize: the {percentile:g}th percentile of channel {name!r} of {unit!r} is 0 V. "
        "Expected some signal. Leave the channel out (bad_channels, drop_channels), or raise percentile.",
    )
    return found


_UNITS = ("person", "session", "recording")


def _unit(recording: Recording, by: str) -> str:
    return {
        "person": f"sub-{recording.subject}",
        "session": f"sub-{recording.subject}/ses-{recording.session}",
    }.get(by, recording.uid)


def say_normalize(by: str, percentile: float, mvc: str, level: float, scales: Any) -> str:
    """Say what normalize did."""
    what = f" over the contractions marked {mvc!r}" if mvc else ""
    number = "largest amplitude" if percentile == _WHOLE else f"{percentile:g}th percentile of amplitude"
    return (
        f"scaled channel by channel so that the {number}{what} of every {by} is {level * 1e3:g} mV (no class "
        "label used)"
    )
