"""What is wrong with recordings beside each other: hum that tells classes apart, confounding, odd files."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..mains import Hum, find_hum
from ..recording import Recording, annotation_spans
from ..spectra import MAINS_AROUND, MAINS_HZ, Spectrum, hum_bins, power_at
from .finding import Finding, note, warning
from .labels import files_of

SHORT_FILE = 0.9
UNBALANCED = 2.0
HUM_APART = 0.9
HUM_RATIO = 2.0
_LEAST_STRETCHES = 6
_ROUND = 0.03
_RARE = 0.25
_MOST = 20
_TINY = 1e-30


def set_findings(recordings: Sequence[Recording], spectra: Sequence[Spectrum | None]) -> Iterator[Finding]:
    """Yield what only shows when all recordings of a set are looked at."""
    yield from _named_otherwise(recordings)
    yield from _confounded(recordings)
    yield from _unbalanced(recordings)
    yield from _short_files(recordings)
    hum = find_hum(recordings, spectra=spectra)
    yield from _hum(recordings, hum)
    yield from _line(recordings, spectra, hum)


def _class_seconds(recording: Recording) -> dict[str, float]:
    out: dict[str, float] = {}
    for span in annotation_spans(recording.raw):
        if span.description in recording.classes:
            out[span.description] = (
                out.get(span.description, 0.0) + (span.last - span.first) / recording.sfreq
            )
    return {name: seconds for name, seconds in out.items() if seconds > 0}


def _named_otherwise(recordings: Sequence[Recording]) -> Iterator[Finding]:
    """Yield a set whose channels carry the name of the other modality, most of them and everywhere."""
    for modality, other in (("eeg", "emg"), ("emg", "eeg")):
        own = [recording for recording in recordings if recording.modality == modality]
        if own and all(_share_called(recording.ch_names, other) > 0.5 for recording in own):
            names = ", ".join(own[0].ch_names[:4])
            message = (
                f"channels are called {names}: names of {other}, among data said to be {modality}. Are the "
                "paths of emg and eeg exchanged?"
            )
            yield warning("named_otherwise", "", message, 1.0)


def _share_called(names: Sequence[str], modality: str) -> float:
    return float(np.mean([modality in name.lower() for name in names]))


def _confounded(recordings: Sequence[Recording]) -> Iterator[Finding]:
    """Whoever has two classes or more has none of them beside another in one recording."""
    people: dict[str, list[set[str]]] = {}
    for recording in recordings:
        people.setdefault(recording.subject, []).append(set(_class_seconds(recording)))
    several = {who: sets for who, sets in people.items() if len(set().union(*sets)) > 1}
    apart = [who for who, sets in several.items() if all(len(own) <= 1 for own in sets)]
    if several and len(apart) == len(several):
        message = (
            f"in all {len(apart)} people every class lies in recordings of its own: class and recording are "
            "confounded within a person, and only evaluation on unseen people is honest."
        )
        yield warning("confounded", "", message, 1.0)


def _unbalanced(recordings: Sequence[Recording]) -> Iterator[Finding]:
    seconds: dict[str, float] = {}
    for recording in recordings:
        for name, value in _class_seconds(recording).items():
            seconds[name] = seconds.get(name, 0.0) + value
    if len(seconds) < 2:
        return
    most, least = (pick(seconds, key=lambda name: seconds[name]) for pick in (max, min))
    ratio = seconds[most] / seconds[least]
    if ratio >= UNBALANCED:
        message = (
            f"{most} lasts {seconds[most]:.0f} s and {least} {seconds[least]:.0f} s: the classes are "
            "unbalanced, use balanced accuracy."
        )
        yield note("unbalanced", "", message, ratio)


def _short_files(recordings: Sequence[Recording]) -> Iterator[Finding]:
    """Files that recordings join are compared with their usual length, to half seconds where it is close.

    When a quarter of the files or more are shorter, they are as usual as the others.
    """
    files = [(r, name, n / r.sfreq) for r in recordings for name, n in files_of(r)]
    if not files:
        return
    usual = float(np.median([seconds for *_, seconds in files]))
    whole = round(2 * usual) / 2
    nominal = whole if whole > 0 and abs(usual / whole - 1) < _ROUND else usual
    short = [(r, name, seconds) for r, name, seconds in files if seconds < nominal - 0.5 / r.sfreq]
    for recording, name, seconds in short if len(short) < _RARE * len(files) else []:
        make = note if seconds >= SHORT_FILE * nominal else warning
        message = f"'{name}' lasts {seconds:.2f} s, less than {nominal:g} s, the usual length."
        yield make("short_file", recording.uid, message, seconds, file=name)


def _hum(recordings: Sequence[Recording], hum: Hum) -> Iterator[Finding]:
    for freq in hum.freqs:
        worst = _most_apart(recordings, freq)
        if worst is not None:
            channel, low, high, share, ratio = worst
            message = (
                f"hum at {freq:g} Hz in {channel} is {ratio:.3g} times as strong in {high} as in {low} and "
                f"tells the two apart in {share:.0%} of pairs: it alone predicts the class. Notch it, and "
                "read the nuisance baselines."
            )
            yield warning("hum_by_class", "", message, share, channel=channel)
    if hum.line in hum.freqs:
        message = (
            f"no filter took the hum out: it stands out at {', '.join(f'{f:g}' for f in hum.freqs)} Hz in "
            f"{hum.people} of {hum.of} people."
        )
        yield note("unfiltered", "", message, float(hum.line or 0))


def _line(recordings: Sequence[Recording], spectra: Sequence[Spectrum | None], hum: Hum) -> Iterator[Finding]:
    """Yield a declared line that is not where hum is: it wins, and the hum stays in the signals."""
    for line in MAINS_HZ if hum.declared else ():
        other = find_hum(recordings, line=line, spectra=spectra)
        if line != hum.line and line in other.freqs and other.people > hum.people:
            message = (
                f"hum stands out at {line:g} Hz in {other.people} of {other.of} people; the mains frequency "
                f"is said to be {hum.line:g} Hz, where {hum.people} show it: check line_freq."
            )
            yield warning("line_differs", "", message, line)


def _most_apart(recordings: Sequence[Recording], freq: float) -> tuple[str, str, str, float, float] | None:
    """Return the channel and the classes that hum tells apart best, the share of pairs, and the ratio."""
    levels: dict[tuple[str, str], list[float]] = {}
    for recording in recordings:
        for name, values in _hum_by_class(recording, freq).items():
            for channel, value in zip(recording.ch_names, values, strict=True):
                levels.setdefault((channel, name), []).append(value)
    best = None
    for (channel, high), above in levels.items():
        for (other, low), below in levels.items():
            if other != channel or high == low or min(len(above), len(below)) < _LEAST_STRETCHES:
                continue
            a, b = np.array(above)[:, None], np.array(below)
            share = float(np.mean((a > b) + 0.5 * (a == b)))
            ratio = float(np.median(above) / np.median(below))
            found = (channel, low, high, share, ratio)
            if share >= HUM_APART and ratio >= HUM_RATIO and (best is None or found[3:] > best[3:]):
                best = found
    return best


def _hum_by_class(recording: Recording, freq: float) -> dict[str, np.ndarray]:
    """Return, for every class of a recording, by how much hum stands out in each channel: medians."""
    size = round(recording.sfreq)
    rows: dict[str, list[int]] = {}
    for span in annotation_spans(recording.raw):
        if span.description in recording.classes:
            rows.setdefault(span.description, []).extend(range(span.first, span.last - size + 1, size))
    out = {}
    for name, starts in rows.items():
        chosen = np.array(starts)[np.linspace(0, len(starts) - 1, min(len(starts), _MOST)).astype(int)]
        if not len(chosen):
            continue
        freqs, power = power_at(recording, chosen)
        if freq + MAINS_AROUND[1] > freqs[-1]:
            continue
        inside, beside = hum_bins(freqs, freq)
        floor = np.maximum(np.median(power[..., beside], axis=-1), _TINY)
        out[name] = np.median(power[..., inside].max(axis=-1) / floor, axis=1)
    return out
