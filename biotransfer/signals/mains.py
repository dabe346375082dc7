"""The hum of the mains in recordings: at which frequency it is, and where it stands out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from ..errors import check
from .recording import Recording
from .spectra import MAINS_HZ, Spectrum, harmonics, hum_bins, spectrum_of

STANDS_OUT = 3.0
"""How many times the power at the line exceeds that of its neighbors, at least."""
DIPS = 0.4
"""Below this ratio a filter has been there."""
_UNSURE = 9.0
_LEAST_SHARE = 0.1
_LEAST_WINDOWS = 19
_TINY = 1e-30


@dataclass(frozen=True)
class Hum:
    """The hum of the mains in recordings of one data set.

    Parameters
    ----------
    line : float or None
        Mains frequency in Hz; None where nothing tells it.
    freqs : tuple of float
        The line and those of its multiples that stand out, in Hz; empty where none does.
    declared : bool
        Whether the recordings say the frequency (``raw.info["line_freq"]``).
    people, of : int
        How many people show it, out of how many.
    """

    line: float | None
    freqs: tuple[float, ...]
    declared: bool
    people: int
    of: int

    def __str__(self) -> str:
        if not self.freqs:
            where = f"{self.line:g} Hz" if self.declared else " or ".join(f"{f:g}" for f in MAINS_HZ) + " Hz"
            return f"No hum of the mains stands out at {where} or a multiple: no notch filter was applied"
        at = ", ".join(f"{freq:g}" for freq in self.freqs)
        said = "declared" if self.declared else "found"
        return (
            f"The mains frequency, {self.line:g} Hz, was {said}; hum stands out at {at} Hz in "
            f"{self.people} of {self.of} people"
        )


def find_line_freq(recordings: Iterable[Recording]) -> float | None:
    """Find the mains frequency of the place where recordings were made.

    Parameters
    ----------
    recordings : iterable of Recording
        Signals in V, as loaded: filters hide the hum.

    Returns
    -------
    float or None
        50 or 60 Hz, or what the recordings declare; None where neither stands out.

    Raises
    ------
    BiotransferError
        When there is no recording.

    Examples
    --------
    >>> from biotransfer import simulate_eeg
    >>> find_line_freq(simulate_eeg(n_subjects=2, mains=60.0, mains_uv=50.0))
    60.0
    """
    return find_hum(recordings).line


def find_hum(
    recordings: Iterable[Recording],
    *,
    line: float | None = None,
    spectra: Sequence[Spectrum | None] | None = None,
) -> Hum:
    """Find the mains frequency, and at which of its multiples hum stands out; see :func:`find_line_freq`.

    Parameters
    ----------
    recordings : iterable of Recording
        Signals in V, as loaded.
    line : float, optional
        The frequency of the mains where they were recorded, in Hz, when it is known. Default: what the
        recordings themselves say.
    spectra : sequence of tuple, optional
        What :func:`.spectrum_of` returns of each, where it is known already.

    Notes
    -----
    Spectra of one person and channel are pooled over recordings, each divided by the median of the neighbors
    of the frequency (2 to 6 Hz away) and weighed by its length, so that a loud recording counts no more than
    others. The pool stands out where its highest value within 1 Hz is 3 times that of the neighbors or more;
    with n windows of 1 s, 1 + 9 / sqrt(n) times; of less than 10 s
    nothing is said. A person shows a frequency when a channel does. The line is
    the one whose multiples (four at most, below the Nyquist frequency) most people show; of equals, the one
    that stands out more. What less than a tenth of the people show is not counted. Source: own.
    """
    recordings = list(recordings)
    check(recordings, "recordings=[] is empty. Load at least one recording.")
    declared = sorted({float(r.raw.info["line_freq"]) for r in recordings if r.raw.info.get("line_freq")})
    declared = declared if line is None else [line]
    known = len(declared) == 1
    lines = declared if known else list(MAINS_HZ)
    by_person: dict[tuple[str, str], list[tuple[Recording, Spectrum | None]]] = {}
    for i, recording in enumerate(recordings):
        spectrum = spectrum_of(recording) if spectra is None else spectra[i]
        by_person.setdefault((recording.dataset, recording.subject), []).append((recording, spectrum))
    sfreq = min(recording.sfreq for recording in recordings)
    multiples = {line: harmonics(line, sfreq) for line in lines}
    ratios = {person: _pooled(own, multiples) for person, own in by_person.items()}
    least = max(1.0, _LEAST_SHARE * len(by_person))
    shown = {
        line: {freq: sum(found.get(freq, 0.0) >= 1 for found in ratios.values()) for freq in freqs}
        for line, freqs in multiples.items()
    }
    strength = {
        line: max((float(np.median([r.get(f, 0.0) for r in ratios.values()])) for f in freqs), default=0.0)
        for line, freqs in multiples.items()
    }
    best = max(lines, key=lambda line: (max(shown[line].values(), default=0), strength[line]))
    freqs = tuple(freq for freq, people in shown[best].items() if people >= least)
    people = max((shown[best][freq] for freq in freqs), default=0)
    return Hum(best if freqs or known else None, freqs, known, people, len(by_person))


def _pooled(
    recordings: Sequence[tuple[Recording, Spectrum | None]], multiples: dict[float, list[float]]
) -> dict[float, float]:
    """Return, of one person, how far each frequency stands out: 1 is the least that counts."""
    pools: dict[tuple[float, str], tuple[np.ndarray, int]] = {}
    for recording, spectrum in recordings:
        if spectrum is None:
            continue
        n_windows = max(1, int(2 * recording.raw.n_times / recording.sfreq) - 1)
        for freq in (f for freqs in multiples.values() for f in freqs):
            inside, beside = hum_bins(spectrum[0], freq)
            floor = np.median(spectrum[1][:, beside], axis=1, keepdims=True)
            shape = spectrum[1][:, inside] / np.maximum(floor, _TINY)
            shape[(floor <= _TINY)[:, 0]] = 0.0
            for name, values in zip(recording.ch_names, shape, strict=True):
                before, n = pools.get((freq, name), (0.0, 0))
                pools[freq, name] = (before + n_windows * values, n + n_windows)
    found: dict[float, float] = {}
    for (freq, _), (total, n) in pools.items():
        if n < _LEAST_WINDOWS:
            continue
        ratio = float(np.max(total / n)) / max(STANDS_OUT, 1 + _UNSURE / n**0.5)
        found[freq] = max(found.get(freq, 0.0), ratio)
    return found


def hum_ratio(freqs: np.ndarray, power: np.ndarray, line: float) -> np.ndarray | None:
    """Return how many times the highest power at a line exceeds the median of its neighbors.

    Parameters
    ----------
    freqs : ndarray, shape (n_freqs,)
        In Hz.
    power : ndarray, shape (n_chans, n_freqs)
        In any unit.
    line : float
        In Hz.

    Returns
    -------
    ndarray, shape (n_chans,), or None
        NaN where the neighbors have no power; None when the neighbors of the line lie above ``freqs``.
    """
    if line + 5 >= freqs[-1]:
        return None
    inside, beside = hum_bins(freqs, line)
    floor = np.median(power[:, beside], axis=1)
    return np.where(floor > 0, power[:, inside].max(axis=1) / np.where(floor > 0, floor, 1.0), np.nan)
