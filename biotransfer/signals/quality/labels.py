"""What is wrong with the labels, time stamps, channels and files of one recording."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..recording import Recording, Span, annotation_spans, points_only
from .finding import Finding, error, note, warning

GAP = 0.1
SHORT_SECONDS = 10.0
_ALIKE = 0.05
_LEAST_CHANGES = 4


def time_findings(recording: Recording) -> Iterator[Finding]:
    """Yield gaps in the time stamps of a device, and how coarse they are."""
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
        yield warning("gap", recording.uid, message, float(steps[worst]))
    period = 1 / recording.sfreq
    for unit in (1.0, 0.1, 0.01, 1e-3):
        offset = times - times[0]
        if unit > 0.1 * period and np.abs(offset / unit - np.round(offset / unit)).max() < 1e-3:
            ragged = np.abs(steps[steps <= GAP] - period).max(initial=0.0)
            if ragged > 0.01 * period:
                message = (
                    f"time stamps are rounded to {unit * 1e3:g} ms, and samples come every "
                    f"{period * 1e3:.4g} ms: go by samples, not by time stamps."
                )
                yield note("rounded_time", recording.uid, message, unit)
            return


def label_findings(recording: Recording) -> Iterator[Finding]:
    """Yield what is wrong with the labels of a recording."""
    spans = [s for s in annotation_spans(recording.raw) if s.description in recording.classes]
    seconds = sum(s.last - s.first for s in spans) / recording.sfreq
    if seconds == 0:
        message = f"no annotation is one of {', '.join(recording.classes)}."
        if points := points_only(recording):
            message = (
                f"annotations {', '.join(points)} have no duration: they mark points. Say what "
                "lies around each, in s: tmin: 0.0, tmax: 1.0 in the data section (biotransfer inspect ... "
                "--set tmax=1.0). In Python: from_raws(..., tmin=0.0, tmax=1.0)."
            )
        yield error("unlabelled", recording.uid, message, 0.0)
    elif seconds < SHORT_SECONDS:
        message = f"{seconds:.1f} s carry a label, less than {SHORT_SECONDS:g} s."
        yield warning("short", recording.uid, message, float(seconds))
    yield from _clock(recording, spans)


def _clock(recording: Recording, spans: list[Span]) -> Iterator[Finding]:
    """Labels that change at equal distances, without a pause, were given by a timer."""
    spans = sorted(spans, key=lambda s: s.first)
    borders = {s.first for s in annotation_spans(recording.raw) if s.is_boundary}
    lengths = []
    for before, here, behind in zip(spans, spans[1:], spans[2:], strict=False):
        joined = before.last == here.first and here.last == behind.first
        joined = joined and not {here.first, behind.first} & borders
        if joined and before.description != here.description != behind.description:
            lengths.append((here.last - here.first) / recording.sfreq)
    if len(lengths) < _LEAST_CHANGES:
        return
    usual = float(np.median(lengths))
    alike = np.mean(np.abs(np.array(lengths) - usual) <= _ALIKE * usual)
    if alike >= 0.8:
        message = (
            f"labels change every {usual:.2g} s without a pause: they follow a clock, and what comes first "
            "after a change often still belongs to the class before."
        )
        yield note("clock", recording.uid, message, usual)


def channel_findings(recording: Recording) -> Iterator[Finding]:
    """Yield the channels that are not used."""
    used = set(recording.picks)
    kinds = recording.raw.get_channel_types()
    bad = set(recording.raw.info["bads"])
    others = [
        f"{name} ({'bad' if name in bad else kind})"
        for i, (name, kind) in enumerate(zip(recording.raw.ch_names, kinds, strict=True))
        if i not in used
    ]
    if others:
        message = (
            f"{', '.join(others[:6])}{' and others' if len(others) > 6 else ''}: no good "
            f"{recording.modality} channel, not used."
        )
        yield note("unused_channels", recording.uid, message, float(len(others)))


def files_of(recording: Recording) -> list[tuple[str, int]]:
    """Return name and number of samples of every file that a recording joins; [] where it joins none."""
    out: dict[str, int] = {}
    for span in annotation_spans(recording.raw):
        name = str(span.extras.get("source_file", ""))
        if name and not span.is_boundary:
            out[name] = out.get(name, 0) + span.last - span.first
    return list(out.items()) if len(out) > 1 else []
