"""What is wrong with a recording: gaps, copies, flat or clipped channels, mains hum, too short, no labels."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass

import numpy as np

from ..errors import check
from ..showing import html_table, one_line
from .datasets.common import identical_share
from .recording import Recording, annotation_spans, points_only
from .spectra import MAINS_HZ, hum_bins, power_density

KINDS = {
    "noticed": "a defect the loader met and dealt with",
    "gap": "time stamps jump: samples are missing",
    "near_copy": "two recordings hold the same samples",
    "flat": "a channel stands still",
    "clipped": "a channel sits at the rails of its amplifier",
    "mains": "much of a channel's power is mains hum",
    "short": "little labelled signal",
    "unlabelled": "no label of the classes",
}
GAP = 0.1
NEAR_COPY = 0.9
FLAT_SECONDS = 0.5
FLAT_SHARE = 0.01
CLIPPED_COUNT = 5
CLIPPED_RATIO = 3.0
CLIPPED_SHARE = 0.0005
MAINS_SHARE = 0.1
MAINS_RATIO = 3.0
SHORT_SECONDS = 10.0
_PROBE = 16


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong.

    Parameters
    ----------
    kind : str
        A key of ``KINDS``.
    severity : {"note", "warning", "error"}
        "error" when nothing can be learned from the channel or recording.
    recording : str
        Its uid.
    channel : str
        Its name, "" when the whole recording is meant.
    message : str
        A sentence with numbers.
    value : float
        The number: seconds for gap and short, a share for the others, NaN for what was noticed.
    """

    kind: str
    severity: str
    recording: str
    channel: str
    message: str
    value: float

    def __str__(self) -> str:
        return f"{self.severity}: {self.kind}: {self.recording}: {self.message}"

    def __repr__(self) -> str:
        return one_line(f"Finding {self}")

    def _repr_html_(self) -> str:
        return html_table({**asdict(self), "value": f"{self.value:.4g}"})


def inspect_recordings(recordings: Iterable[Recording]) -> list[Finding]:
    """Look for defects in every recording, and for copies among them.

    Parameters
    ----------
    recordings : iterable of Recording
        Signals in V, as loaded: filters hide clipping and hum.

    Returns
    -------
    list of Finding
        In the order of the recordings, copies last; empty when nothing was found.
    """
    recordings = list(recordings)
    check(recordings, "recordings=[] is empty. Load at least one recording.")
    return [*(f for r in recordings for f in inspect_recording(r)), *_near_copies(recordings)]


def inspect_recording(recording: Recording) -> list[Finding]:
    """Look for defects in one recording; see :func:`inspect_recordings`.

    Notes
    -----
    flat: samples inside runs of at least 0.5 s of one value, 1 % or more of all. clipped: the largest or
    smallest value occurs at least 5 times and more than 3 times as often as the median of the ten values
    next to it, and both together make 0.05 % of the samples or more. mains: 50 or 60 Hz +- 1 Hz hold 10 % or
    more of the power above 1 Hz, and stand out 3 times over their neighbours. short: less than 10 s carry a
    label. Source: own.
    """
    data = recording.raw.get_data(picks=recording.picks)
    findings = [Finding("noticed", "note", recording.uid, "", note, float("nan")) for note in recording.notes]
    findings += _gaps(recording)
    findings += _labels(recording)
    for name, values in zip(recording.ch_names, data, strict=True):
        findings += _flat(recording, name, values)
        findings += _clipped(recording, name, values)
    findings += _mains(recording, data)
    return findings


def _gaps(recording: Recording) -> Iterator[Finding]:
    times = recording.timestamps
    if times is None or len(times) < 2:
        return
    steps = np.diff(times)
    places = np.flatnonzero(steps > GAP)
    if len(places):
        worst = places[np.argmax(steps[places])]
        message = (
            f"{len(places)} gap(s) in the time stamps; the longest, {steps[worst]:.1f} s, comes after "
            f"{(worst + 1) / recording.sfreq:.1f} s of signal."
        )
        yield Finding("gap", "warning", recording.uid, "", message, float(steps[worst]))


def _labels(recording: Recording) -> Iterator[Finding]:
    spans = [s for s in annotation_spans(recording.raw) if s.description in recording.classes]
    seconds = sum(span.last - span.first for span in spans) / recording.sfreq
    if seconds == 0:
        message = f"no annotation is one of {', '.join(recording.classes)}."
        if points := points_only(recording):
            message = (
                f"annotations {', '.join(points)} have no duration: they mark points. Give them one: "
                "from_raws(..., tmin=0.0, tmax=1.0), or raw.annotations.set_durations(1.0)."
            )
        yield Finding("unlabelled", "error", recording.uid, "", message, 0.0)
    elif seconds < SHORT_SECONDS:
        message = f"{seconds:.1f} s carry a label, less than {SHORT_SECONDS:g} s."
        yield Finding("short", "warning", recording.uid, "", message, float(seconds))


def _flat(recording: Recording, name: str, values: np.ndarray) -> Iterator[Finding]:
    borders = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1, [len(values)]])
    runs = np.diff(borders)
    share = float(runs[runs >= FLAT_SECONDS * recording.sfreq].sum() / len(values))
    if share >= FLAT_SHARE:
        severity = "error" if share >= 0.5 else "warning"
        message = f"{name} stands still in {share:.1%} of its samples (runs of {FLAT_SECONDS:g} s or more)."
        yield Finding("flat", severity, recording.uid, name, message, share)


def _clipped(recording: Recording, name: str, values: np.ndarray) -> Iterator[Finding]:
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) < 20:
        return
    hits = 0
    for edge, beside in ((counts[0], counts[1:11]), (counts[-1], counts[-11:-1])):
        if edge >= CLIPPED_COUNT and edge > CLIPPED_RATIO * np.median(beside):
            hits += int(edge)
    share = hits / len(values)
    if share >= CLIPPED_SHARE:
        message = (
            f"{name} sits at its rails ({levels[0]:.3g} V, {levels[-1]:.3g} V) in {share:.2%} of its samples."
        )
        yield Finding("clipped", "warning", recording.uid, name, message, share)


def _mains(recording: Recording, data: np.ndarray) -> Iterator[Finding]:
    spectrum = power_spectrum(recording, data)
    if spectrum is None:
        return
    freqs, power = spectrum
    total = power[:, freqs >= 1].sum(axis=1)
    for line in MAINS_HZ:
        if line + 5 >= freqs[-1]:
            continue
        inside, beside = hum_bins(freqs, line)
        near, floor = power[:, inside], np.median(power[:, beside], axis=1)
        for name, own, rest, peak, around in zip(
            recording.ch_names, near.sum(axis=1), total, near.max(axis=1), floor, strict=True
        ):
            if rest > 0 and own / rest >= MAINS_SHARE and peak > MAINS_RATIO * around:
                message = (
                    f"{own / rest:.0%} of the power of {name} lies at {line:g} Hz: apply a notch filter."
                )
                yield Finding("mains", "warning", recording.uid, name, message, float(own / rest))


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
        In V^2/Hz; Hann window, half overlap, mean removed. None in place of both when no stretch lasts 1 s.
    """
    size = round(recording.sfreq)
    starts = [i for begin, end in _stretches(recording) for i in range(begin, end - size + 1, size // 2)]
    if not starts:
        return None
    freqs, power = np.empty(0), np.zeros((len(data), size // 2 + 1))
    for block in np.array_split(starts, max(1, len(starts) // 512)):
        pieces = data[:, block[:, None] + np.arange(size)]
        freqs, density = power_density(pieces, recording.sfreq)
        power += density.sum(axis=1)
    return freqs, power / len(starts)


def _stretches(recording: Recording) -> Iterator[tuple[int, int]]:
    """Yield (first sample, end sample) of the signal between boundaries."""
    position = 0
    cuts = sorted(span[:2] for span in annotation_spans(recording.raw) if span.is_boundary)
    for begin, end in cuts:
        if begin > position:
            yield position, begin
        position = max(position, end)
    if position < recording.raw.n_times:
        yield position, recording.raw.n_times


def _near_copies(recordings: Sequence[Recording]) -> Iterator[Finding]:
    signals = [r.raw.get_data(picks=r.picks) for r in recordings]
    for i, recording in enumerate(recordings):
        for j in range(i):
            if identical_share(signals[i][:, ::_PROBE], signals[j][:, ::_PROBE]) < NEAR_COPY / 2:
                continue
            share = identical_share(signals[i], signals[j])
            if share >= NEAR_COPY:
                message = f"{share:.2%} of its samples are those of {recordings[j].uid}: keep one of the two."
                yield Finding("near_copy", "error", recording.uid, "", message, share)
