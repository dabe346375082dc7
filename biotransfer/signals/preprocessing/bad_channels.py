"""Channels that are no signal: found by what they look like beside the others, interpolated or left out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from ...errors import BiotransferError, check, check_option
from ..recording import Recording, annotation_spans
from .channels import drop_channels
from .common import is_number, own_channels
from .filters import filter_recording
from .referencing import check_positions

REMEDIES = ("leave_out", "interpolate")
_WINDOW_S = 1.0
_ROBUST = 0.7413  # times the interquartile range is the standard deviation of a normal distribution
_SLOW_HZ = 50.0
_QUANTILE = 0.98
_MOSTLY = 0.5
_ENOUGH = 8

Found = dict[str, dict[str, str]]


def bad_channels(
    recording: Recording,
    *,
    then: str = "leave_out",
    deviation: float | None = 5.0,
    correlation: float | None = 0.4,
    share: float = 0.01,
    flat: float = 1e-9,
    channels: Mapping[str, Mapping[str, str]] | None = None,
) -> Recording:
    """Find channels that are no signal, and leave them out everywhere or interpolate them.

    Parameters
    ----------
    recording : Recording
        Signal in V, high-pass filtered: offsets count as amplitude.
    then : {"leave_out", "interpolate"}
        "leave_out" drops what is bad in any recording of the data set from all of them, so that channels
        agree; "interpolate" replaces the bad channels of each recording by spherical splines (EEG with
        positions).
    deviation : float, above 0, or None
        Robust z-score of the amplitude among the channels from which one is bad; of its logarithm for EMG,
        since muscles differ by factors. None asks nothing.
    correlation : float, 0 to 1, or None
        EEG of eight channels or more only, since a few electrodes far apart need not follow each other: bad
        where the 98th percentile of the absolute correlations with the other channels, below 50 Hz, falls
        short of it in more than ``share`` of the windows of 1 s. None asks nothing.
    share : float, 0 to 1
        See ``correlation``.
    flat : float, 0 or more
        Range in V that a live channel exceeds in at least half of the windows of 1 s.
    channels : mapping, optional
        What was found: by recording (its uid) and channel the reason. Found in the recordings of the data set
        when not given; what they mark as bad counts, too.

    Returns
    -------
    Recording
        Copy without bad channels.

    Raises
    ------
    BiotransferError
        When fewer than half of the channels would stay, there are no positions to interpolate from, or
        ``channels`` does not know a recording.

    Notes
    -----
    Source: Bigdely-Shamlo et al. 2015, doi:10.3389/fninf.2015.00016 (PREP), its criteria of deviation and
    correlation and their thresholds. Labels are not looked at, nor samples that are marked BAD.
    """
    check_option("preprocess bad_channels: then", then, REMEDIES)
    if channels is None:
        thresholds: dict[str, Any] = {"deviation": deviation, "correlation": correlation}
        found = find_in_all([recording], then=then, share=share, flat=flat, **thresholds)
        channels = found["channels"]
    if then == "leave_out":
        everywhere = sorted({name for found in channels.values() for name in found})
        return drop_channels(recording, channels=everywhere) if everywhere else recording
    if recording.uid not in channels:
        raise BiotransferError(
            f"preprocess bad_channels: channels knows {len(channels)} recordings, and not {recording.uid!r}. "
            "Expected every recording, if with none. Leave channels out to look for them."
        )
    return _interpolate(recording, list(channels[recording.uid]))


def find_bad_channels(
    recording: Recording,
    *,
    deviation: float | None = 5.0,
    correlation: float | None = 0.4,
    share: float = 0.01,
    flat: float = 1e-9,
) -> dict[str, str]:
    """Return the bad channels of one recording and why each is bad, see :func:`bad_channels`."""
    _check_thresholds(deviation, correlation, share, flat)
    raw, names = recording.raw, recording.ch_names
    marked = [name for name in own_channels(recording) if name in raw.info["bads"]]
    found = dict.fromkeys(marked, "marked bad")
    data = raw.get_data(picks=recording.picks)
    windows = _windows(recording)
    dead = _share_flat(data, windows, flat) > _MOSTLY
    found |= {name: "flat" for name, is_dead in zip(names, dead, strict=True) if is_dead}
    alive = np.flatnonzero(~dead)
    if deviation is not None and len(alive) > 2:
        z = _deviations(data[alive][:, _good_samples(recording)], logarithm=recording.modality == "emg")
        found |= {
            names[i]: f"deviates by {value:.1f} robust SD"
            for i, value in zip(alive, z, strict=True)
            if abs(value) > deviation
        }
    if correlation is not None and recording.modality == "eeg" and len(alive) >= _ENOUGH:
        slow = recording
        if recording.sfreq > 2 * _SLOW_HZ:
            slow = filter_recording(recording, None, _SLOW_HZ, 4)
        data = slow.raw.get_data(picks=slow.picks)[alive]
        alone = (_largest_correlations(data, windows) < correlation).mean(axis=0)
        found |= {
            names[i]: f"follows no other channel in {part:.0%} of the time"
            for i, part in zip(alive, alone, strict=True)
            if part > share and names[i] not in found
        }
    return found


def find_in_all(
    recordings: Iterable[Recording],
    *,
    then: str,
    channels: Mapping[str, Mapping[str, str]] | None = None,
    **thresholds: Any,
) -> dict[str, Any]:
    """Find the bad channels of all recordings, and refuse to leave out more than half."""
    if channels is not None:
        return {}
    found: Found = {}
    known: dict[str, None] = {}
    for recording in recordings:
        found[recording.uid] = find_bad_channels(recording, **thresholds)
        known.update(dict.fromkeys(own_channels(recording)))
    counts = _counts(found)
    check(
        then != "leave_out" or 2 * len(counts) <= len(known),
        f"preprocess bad_channels: {len(counts)} of {len(known)} channels are bad in some of {len(found)} "
        f"recordings ({_listed(counts)}), and leaving them out of all would keep fewer than half. Use then: "
        "interpolate (EEG with positions), looser thresholds, or leave those people out: subjects: [...].",
    )
    return {"channels": found}


def _check_thresholds(deviation: Any, correlation: Any, share: Any, flat: Any) -> None:
    for name, value, least, most in (
        ("deviation", deviation, 0.0, np.inf),
        ("correlation", correlation, 0.0, 1.0),
        ("share", share, 0.0, 1.0),
        ("flat", flat, 0.0, np.inf),
    ):
        optional = name in ("deviation", "correlation") and value is None
        upto = f" to {most:g}" if np.isfinite(most) else " or more"
        check(
            optional or (is_number(value) and least <= value <= most),
            f"preprocess bad_channels: {name}={value!r}. Expected {least:g}{upto}.",
        )


def _good_samples(recording: Recording) -> np.ndarray:
    """Return which samples no annotation marks as bad; all of them when none is left."""
    good = np.ones(recording.raw.n_times, dtype=bool)
    for span in annotation_spans(recording.raw):
        if span.is_boundary:
            good[span.first : span.last] = False
    return good if good.any() else ~good


def _windows(recording: Recording) -> list[slice]:
    """Windows of 1 s, one after the other, of good samples; the whole recording where it is shorter."""
    size = max(2, round(_WINDOW_S * recording.sfreq))
    good = _good_samples(recording)
    starts = range(0, recording.raw.n_times - size + 1, size)
    found = [slice(i, i + size) for i in starts if good[i : i + size].all()]
    return found or [slice(0, recording.raw.n_times)]


def _share_flat(data: np.ndarray, windows: list[slice], flat: float) -> np.ndarray:
    return np.mean([np.ptp(data[:, part], axis=1) <= flat for part in windows], axis=0)


def _deviations(data: np.ndarray, *, logarithm: bool) -> np.ndarray:
    """Robust z-scores of the channels' robust amplitudes."""
    quarter, three = np.percentile(data, [25, 75], axis=1)
    amplitude = _ROBUST * (three - quarter)
    if logarithm:
        amplitude = np.log(np.maximum(amplitude, np.finfo(float).tiny))
    low, middle, high = np.percentile(amplitude, [25, 50, 75])
    spread = _ROBUST * (high - low)
    return np.asarray((amplitude - middle) / spread if spread > 0 else np.zeros(len(amplitude)))


def _largest_correlations(data: np.ndarray, windows: list[slice]) -> np.ndarray:
    """98th percentile of every channel's absolute correlations with the others, by window and channel."""
    out = np.empty((len(windows), len(data)))
    for row, part in zip(out, windows, strict=True):
        centered = data[:, part] - data[:, part].mean(axis=1, keepdims=True)
        norm = np.sqrt((centered**2).sum(axis=1))
        centered /= np.where(norm > 0, norm, 1.0)[:, None]
        size = np.abs(centered @ centered.T)
        np.fill_diagonal(size, 0.0)
        row[:] = np.quantile(size, _QUANTILE, axis=0)
    return out


def _interpolate(recording: Recording, names: list[str]) -> Recording:
    """Replace channels by spherical splines over the others; they count as good then."""
    own = own_channels(recording)
    names = [name for name in own if name in names]
    if not names:
        return recording
    check_positions(recording, "bad_channels")
    check(
        2 * len(names) <= len(own),
        f"preprocess bad_channels: {len(names)} of {len(own)} channels of {recording.uid!r} are bad "
        f"({', '.join(names)}). Expected half of them or fewer to interpolate from the others. Leave the "
        "recording out, or loosen the thresholds.",
    )
    raw = recording.raw.copy().load_data(verbose="error")
    inner = raw.copy().pick(own)
    inner.info["bads"] = names
    inner.interpolate_bads(reset_bads=True, mode="accurate", verbose="error")
    filled = inner.get_data(picks=names)
    raw.info["bads"] = [name for name in raw.info["bads"] if name not in names]
    raw.apply_function(lambda _: filled, picks=names, channel_wise=False, verbose="error")
    return recording.with_raw(raw)


def _counts(found: Mapping[str, Mapping[str, str]]) -> dict[str, int]:
    """In how many recordings every channel is bad, those first that are it most often."""
    counts: dict[str, int] = {}
    for own in found.values():
        for name in own:
            counts[name] = counts.get(name, 0) + 1
    return dict(sorted(counts.items(), key=lambda item: -item[1]))


def _listed(counts: Mapping[str, int]) -> str:
    return ", ".join(f"{name} in {n}" for name, n in counts.items())


def say_bad_channels(
    then: str, deviation: Any, correlation: Any, share: Any, flat: Any, channels: Any
) -> str:
    """Say what bad_channels did."""
    rules = [f"flat (a range of {flat * 1e6:g} uV or less in half of the time)"]
    if deviation is not None:
        rules.append(f"deviating in amplitude by more than {deviation:g} robust SD from the others")
    if correlation is not None:
        many = f"(EEG of {_ENOUGH} channels or more)"
        rules.append(f"{many} correlated below {correlation:g} with all others in {share:.0%} of the time")
    done = "left out of all recordings" if then == "leave_out" else "interpolated by spherical splines"
    text = f"freed of bad channels, {done}: those {', or '.join(rules)}, or marked bad"
    if channels is None:
        return text
    counts = _counts(channels)
    return f"{text} ({f'bad among {len(channels)} recordings: {_listed(counts)}' if counts else 'none was'})"
