"""Single features of the periodogram P (no taper, of a channel less its mean) at frequencies f."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np

from ....errors import check
from ..series import Series
from .values import Values, check_count, check_range

DFTR_EDGES = (20, 92, 163, 235, 305, 378, 450)


def _width(s: Series) -> float:
    return s.sfreq / s.n_times


def ttp(s: Series) -> np.ndarray:
    """Total power: sum P df, which is the variance."""
    return s.periodogram.sum(axis=-1) * _width(s)


def mnp(s: Series) -> np.ndarray:
    """Mean power: mean P."""
    return s.periodogram.mean(axis=-1)


def pkf(s: Series) -> np.ndarray:
    """Peak frequency: where P is largest."""
    return s.where(s.freqs[s.periodogram.argmax(axis=-1)])


def mnf(s: Series) -> np.ndarray:
    """Mean frequency: sum f P / sum P; 0 where a channel stands still."""
    return (s.periodogram @ s.freqs) / s.over(s.periodogram.sum(axis=-1))


def _upto(s: Series, share: float) -> np.ndarray:
    """Return the first frequency up to which ``share`` of the power lies."""
    cumulated = s.periodogram.cumsum(axis=-1)
    bins = (cumulated < share * cumulated[..., -1:]).sum(axis=-1)
    return s.where(s.freqs[np.minimum(bins, len(s.freqs) - 1)])


def mdf(s: Series) -> np.ndarray:
    """Median frequency: the first with half the power up to it; 0 where a channel stands still."""
    return _upto(s, 0.5)


def sef(s: Series, *, share: float = 0.95) -> Values:
    """Spectral edge: the first frequency with a share of the power up to it; 0 where still.

    Parameters
    ----------
    share : float, 0 to 1
        Between 0 and 1, the column SEF95.
    """
    check(0 < share < 1, f"feature SEF: share={share}. Expected between 0 and 1. Use share: 0.95.")
    return {f"SEF{100 * share:g}": _upto(s, share)}


def sm(s: Series, *, orders: tuple[int, ...] = (1, 2, 3)) -> Values:
    """Spectral moments: sum f^order P df.

    Parameters
    ----------
    orders : tuple of int, 1 to 20
        Exponents, each a column SM1, SM2, ...
    """
    for order in orders:
        check_count("SM", "orders", order, 0, 8)
    return {f"SM{order}": s.periodogram @ s.freqs.astype(float) ** order * _width(s) for order in orders}


def vcf(s: Series) -> np.ndarray:
    """Variance of the central frequency: SM2 / SM0 - (SM1 / SM0)^2; 0 where a channel stands still."""
    total = s.over(s.periodogram.sum(axis=-1))
    middle = (s.periodogram @ s.freqs) / total
    around = np.square(s.freqs - middle[..., None])
    return np.einsum("...f,...f->...", s.periodogram, around) / total


def fr(s: Series, *, low: Sequence[float] = (10.0, 45.0), high: Sequence[float] | None = None) -> np.ndarray:
    """Frequency ratio: log10 of the mean power in a low band over that in a high one; 0 where still.

    Parameters
    ----------
    low : [from, to], 0 or more
        In Hz.
    high : [from, to], 0 or more, optional
        In Hz; from the end of the low band to the Nyquist frequency when not given.
    """
    nyquist = s.sfreq / 2
    slow = check_range("FR", "low", low, nyquist)
    fast = check_range("FR", "high", (slow[1], nyquist) if high is None else high, nyquist)
    powers = []
    for name, (first, last) in (("low", slow), ("high", fast)):
        inside = (s.freqs >= first) & (s.freqs < last)
        check(
            inside.any(),
            f"feature FR: {name}={[first, last]} holds no frequency of windows of "
            f"{s.n_times / s.sfreq:g} s. Widen the band or cut longer windows.",
        )
        powers.append(s.positive(s.periodogram[..., inside].mean(axis=-1)))
    return np.log10(powers[0] / powers[1])


def psr(s: Series, *, half: float = 10.0) -> np.ndarray:
    """Power spectrum ratio: the share of the power around its peak; 0 where a channel stands still.

    Parameters
    ----------
    half : float, above 0
        How far around the peak, in Hz.
    """
    check(half > 0, f"feature PSR: half={half} Hz. Expected more than 0. Use half: 10.0.")
    peak = s.freqs[s.periodogram.argmax(axis=-1)]
    near = np.abs(s.freqs - peak[..., None]) <= half + 1e-9
    return (s.periodogram * near).sum(axis=-1) / s.over(s.periodogram.sum(axis=-1))


def spen(s: Series) -> np.ndarray:
    """Spectral entropy: of P as a distribution, over the largest that there can be; 0 where still."""
    share = s.periodogram / s.over(s.periodogram.sum(axis=-1))[..., None]
    logs = np.log(np.where(share > 0, share, 1.0))
    return -np.einsum("...f,...f->...", share, logs) / np.log(len(s.freqs))


def dftr(s: Series) -> Values:
    """Mean amplitude of the discrete Fourier transform over n, in bands, to the power 2/3.

    Bands lie between 20, 92, 163, 235, 305, 378 and 450 Hz, as far as the sampling rate holds them whole.
    """
    check(
        s.sfreq / 2 > DFTR_EDGES[1],
        f"feature DFTR: its first band ends at {DFTR_EDGES[1]} Hz, and {s.sfreq:g} Hz sampling holds up to "
        f"{s.sfreq / 2:g} Hz. Expected more than {2 * DFTR_EDGES[1]} Hz sampling. Use band_power.",
    )
    columns: dict[str, np.ndarray] = {}
    doubled = np.where((s.freqs > 0) & (s.freqs < s.sfreq / 2), 2.0, 1.0)
    amplitude = np.sqrt(s.periodogram / doubled * s.sfreq / s.n_times)
    for low, high in itertools.pairwise(DFTR_EDGES):
        if high < s.sfreq / 2:
            inside = (s.freqs > low) & (s.freqs < high)
            check(
                inside.any(),
                f"feature DFTR: the band from {low} to {high} Hz holds no frequency of windows of "
                f"{s.n_times / s.sfreq:g} s. Cut longer windows, or leave DFTR out.",
            )
            columns[f"DFTR{len(columns) + 1}"] = amplitude[..., inside].mean(axis=-1) ** (2 / 3)
    return columns
