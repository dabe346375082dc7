"""The hum of the mains in recordings: at which frequency it is, and where it stands out."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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

    Raises
    ------
    BiotransferError
        When there is no recording.

    Notes
    -----
    Spectra of one person and channel are pooled over recordings, each divided by the median of the neighbors
    of the frequency (2 to 6 Hz away) and weighed by its length, so that a loud recording counts no more than
    others. The pool stands out where its highest value within 1 Hz is 3 times that of the neighbors or more;
    with n windows of 1 s, 1 + 9 / sqrt(n) times; of less than 10 s nothing is said. A person shows a
    frequency when a channel does. The line is the one whose multiples (four at most, below the lowest Nyquist
    frequency) most people show; of equals, the one that stands out more. What less than a tenth of the people
    show is not counted. One recording is held at a time. Source: own.
    """
    people: dict[tuple[str, str], _Pools] = {}
    declared, lowest, i = set(), np.inf, -1
    for i, recording in enumerate(recordings):
        pools = people.setdefault((recording.dataset, recording.subject), {})
        spectrum = spectrum_of(recording) if spectra is None else spectra[i]
        lowest = min(lowest, recording.sfreq)
        stated = recording.raw.info.get("line_freq")
        declared |= {float(stated)} if stated else set()
        lines = [line] if line else ([*MAINS_HZ, float(stated)] if stated else MAINS_HZ)
        if spectrum is not None:
            _add(pools, recording, spectrum, {f for each in lines for f in harmonics(each, recording.sfreq)})
    check(i >= 0, "recordings=[] is empty. Load at least one recording.")
    declared = {line} if line else declared
    known = len(declared) == 1
    multiples = {each: harmonics(each, lowest) for each in (declared if known else MAINS_HZ)}
    ratios = [_stands_out(pools) for pools in people.values()]
    shown = {
        each: {freq: sum(found.get(freq, 0.0) >= 1 for found in ratios) for freq in freqs}
        for each, freqs in multiples.items()
    }
    strength = {
        each: max((float(np.median([r.get(f, 0.0) for r in ratios])) for f in freqs), default=0.0)
        for each, freqs in multiples.items()
    }
    best = max(multiples, key=lambda each: (max(shown[each].values(), default=0), strength[each]))
    least = max(1.0, _LEAST_SHARE * len(people))
    freqs = tuple(freq for freq, n in shown[best].items() if n >= least)
    showing = max((shown[best][freq] for freq in freqs), default=0)
    return Hum(best if freqs or known else None, freqs, known, showing, len(people))


_Pools = dict[tuple[float, str], tuple[Any, int]]
"""By frequency and channel: the sum over windows of three bins, each over its neighbors, and their number."""


def _add(pools: _Pools, recording: Recording, spectrum: Spectrum, wanted: set[float]) -> None:
    """Add the spectrum of a recording to what is pooled of a person."""
    freqs, power = spectrum
    n_windows = max(1, int(2 * recording.raw.n_times / recording.sfreq) - 1)
    for freq in wanted:
        floor = np.median(power[:, hum_bins(freqs, freq)[1]], axis=1, keepdims=True)
        middle = int(np.argmin(np.abs(freqs - freq)))
        shape = power[:, middle - 1 : middle + 2] / np.maximum(floor, _TINY)
        shape[(floor <= _TINY)[:, 0]] = 0.0
        for name, values in zip(recording.ch_names, shape, strict=True):
            before, n = pools.get((freq, name), (0.0, 0))
            pools[freq, name] = (before + n_windows * values, n + n_windows)


def _stands_out(pools: _Pools) -> dict[float, float]:
    """Return, of one person, how far each frequency stands out: 1 is the least that counts."""
    found: dict[float, float] = {}
    for (freq, _), (total, n) in pools.items():
        if n >= _LEAST_WINDOWS:
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
