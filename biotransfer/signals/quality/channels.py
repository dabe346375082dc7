"""What is wrong with the signal of one recording, channel by channel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from ..mains import DIPS, STANDS_OUT, hum_ratio
from ..recording import Recording
from ..spectra import MAINS_AROUND, MAINS_HZ, Spectrum, hum_bins, stretches
from .finding import Finding, error, note, warning

FLAT_SECONDS = 0.5
FLAT_SHARE = 0.01
DEAD_SHARE = 0.5
CLIPPED_COUNT = 5
CLIPPED_RATIO = 3.0
CLIPPED_SHARE = 0.0005
MAINS_SHARE = 0.1
NOISY_RATIO = 5.0
NOISY_SPREADS = 5.0
JUMP_STEPS = 50.0
JUMP_RANGES = 3.0
_MOST_JUMPS = 32
CUT_DECIBEL = 30.0
_BELOW_NYQUIST = 0.8
_SIDE = 0.1
_LEAST_CHANNELS = 4


def signal_findings(recording: Recording, spectrum: Spectrum | None) -> list[Finding]:
    """Return what is wrong with the signal of a recording of that spectrum."""
    data = recording.raw.get_data(picks=recording.picks)
    names = recording.ch_names
    flat = [_flat_share(recording, values) for values in data]
    borders = np.array([begin for begin, _ in stretches(recording)], dtype=np.int64)
    found: list[Finding] = []
    if min(flat) >= DEAD_SHARE:
        message = f"all {len(names)} channels stand still in {min(flat):.1%} of their samples or more."
        found.append(error("dead", recording.uid, message, min(flat)))
    for name, values, share in zip(names, data, flat, strict=True):
        if share >= FLAT_SHARE and min(flat) < DEAD_SHARE:
            make = error if share >= DEAD_SHARE else warning
            message = f"{name} stands still in {share:.1%} of its samples (runs of {FLAT_SECONDS:g} s)."
            found.append(make("flat", recording.uid, message, share, channel=name))
        found += _clipped(recording, name, values)
        found += _jumps(recording, name, values, borders)
    moving = [i for i, share in enumerate(flat) if share < DEAD_SHARE]
    found += _noisy(recording, [names[i] for i in moving], data[moving])
    if spectrum is not None:
        found += _mains(recording, *spectrum)
        found += _filtered(recording, spectrum[0], spectrum[1][moving])
    return found


def _flat_share(recording: Recording, values: np.ndarray) -> float:
    borders = np.concatenate([[0], np.flatnonzero(np.diff(values)) + 1, [len(values)]])
    runs = np.diff(borders)
    return float(runs[runs >= FLAT_SECONDS * recording.sfreq].sum() / len(values))


def _clipped(recording: Recording, name: str, values: np.ndarray) -> Iterator[Finding]:
    """Yield a channel whose largest or smallest value comes too often beside the values next to it."""
    low, high = values.min(), values.max()
    if max(np.count_nonzero(values == low), np.count_nonzero(values == high)) < CLIPPED_COUNT:
        return
    levels, counts = np.unique(values, return_counts=True)
    if len(levels) < 20:
        return
    hits, rails = 0, []
    for level, edge, beside in ((low, counts[0], counts[1:11]), (high, counts[-1], counts[-11:-1])):
        if edge >= CLIPPED_COUNT and edge > CLIPPED_RATIO * np.median(beside):
            hits += int(edge)
            rails.append(f"{level:.3g} V")
    share = hits / len(values)
    if share >= CLIPPED_SHARE:
        where = "its rails" if len(rails) == 2 else "one of its rails"
        message = f"{name} sits at {where} ({', '.join(rails)}) in {share:.2%} of its samples."
        yield warning("clipped", recording.uid, message, share, channel=name)


def _jumps(recording: Recording, name: str, values: np.ndarray, borders: np.ndarray) -> Iterator[Finding]:
    """Yield a channel that goes to another level from one sample to the next and stays there."""
    steps = np.abs(np.diff(values))
    usual = float(np.median(steps))
    side = max(2, round(_SIDE * recording.sfreq))
    if usual <= 0 or len(values) <= 2 * side:
        return
    largest = np.sort(np.argpartition(steps, -min(_MOST_JUMPS, len(steps)))[-_MOST_JUMPS:])
    largest = largest[(steps[largest] > JUMP_STEPS * usual) & (largest + 1 >= side)]
    largest = largest[largest + 1 + side <= len(values)]
    around = values[largest[:, None] + np.arange(1 - side, side + 1)]
    before, behind = around[:, :side], around[:, side:]
    spread = np.maximum(np.ptp(before, axis=1), np.ptp(behind, axis=1))
    shift = np.abs(np.median(behind, axis=1) - np.median(before, axis=1))
    places = [
        int(i + 1)
        for i in largest[shift > JUMP_RANGES * spread]
        if not ((borders > i + 1 - side) & (borders < i + 1 + side)).any()
    ]
    if places:
        message = (
            f"{name} jumps to another level {len(places)} time(s), first at "
            f"{places[0] / recording.sfreq:.2f} s."
        )
        yield warning("jump", recording.uid, message, float(len(places)), channel=name)


def _noisy(recording: Recording, names: Sequence[str], data: np.ndarray) -> Iterator[Finding]:
    """Yield channels whose steps from sample to sample are far larger than those of the others."""
    if len(names) < _LEAST_CHANNELS:
        return
    level = np.median(np.abs(np.diff(data, axis=1)), axis=1)
    level = np.log(np.maximum(level, np.finfo(float).tiny))
    middle = np.median(level)
    spread = max(1.4826 * float(np.median(np.abs(level - middle))), np.log(NOISY_RATIO) / NOISY_SPREADS)
    for name, value in zip(names, level, strict=True):
        if value - middle > NOISY_SPREADS * spread:
            ratio = float(np.exp(value - middle))
            message = f"{name} is {ratio:.1f} times as noisy as the median of the {len(names)} channels."
            yield warning("noisy", recording.uid, message, ratio, channel=name)


def _mains(recording: Recording, freqs: np.ndarray, power: np.ndarray) -> Iterator[Finding]:
    total = power[:, freqs >= 1].sum(axis=1)
    for line in MAINS_HZ:
        ratios = hum_ratio(freqs, power, line)
        if ratios is None:
            continue
        own = power[:, hum_bins(freqs, line)[0]].sum(axis=1)
        for name, near, rest, ratio in zip(recording.ch_names, own, total, ratios, strict=True):
            if rest > 0 and near / rest >= MAINS_SHARE and ratio > STANDS_OUT:
                message = f"{near / rest:.0%} of the power of {name} lies at {line:g} Hz: notch it."
                yield warning("mains", recording.uid, message, float(near / rest), channel=name)


def _filtered(recording: Recording, freqs: np.ndarray, power: np.ndarray) -> Iterator[Finding]:
    """Yield what filters left: a dip at the line, and an edge above which there is almost nothing."""
    if not len(power):
        return
    edge = low_pass_edge(freqs, power) if recording.modality == "eeg" else None
    if edge is not None:
        message = (
            f"almost no power lies above {edge:.0f} Hz (sampled at {recording.sfreq:g} Hz): a low-pass "
            "filter was there before."
        )
        yield note("filtered", recording.uid, message, edge)
    found = {line: hum_ratio(freqs, power, line) for line in MAINS_HZ}
    ratios = {
        line: float(np.nanmedian(r))
        for line, r in found.items()
        if r is not None and np.isfinite(r).any() and (edge is None or line + MAINS_AROUND[1] < edge)
    }
    line = min(ratios, key=lambda name: ratios[name], default=0.0)
    if ratios and ratios[line] < DIPS:
        message = (
            f"power at {line:g} Hz is {ratios[line]:.2g} times that beside it: the device or the authors "
            "filtered the hum out before."
        )
        yield note("filtered", recording.uid, message, line)


def low_pass_edge(freqs: np.ndarray, power: np.ndarray) -> float | None:
    """Return above which frequency an EEG has almost no power, in Hz; None where it has some.

    Notes
    -----
    Above it the median spectrum of the channels, its peaks taken out by a running median of 7 bins, stays
    30 dB below its median from 10 to 30 Hz: the EEG itself falls by about 15 dB to 100 Hz. Only edges below
    80 % of the Nyquist frequency tell of more than the filter of a converter. Source: own.
    """
    from scipy.ndimage import median_filter

    level = median_filter(np.median(power, axis=0), size=7, mode="nearest")
    middle = level[(freqs >= 10) & (freqs <= 30)]
    if not len(middle) or np.median(middle) <= 0:
        return None
    loud = np.flatnonzero(level > np.median(middle) * 10 ** (-CUT_DECIBEL / 10))
    edge = float(freqs[loud[-1]])
    return edge if edge <= _BELOW_NYQUIST * freqs[-1] else None
