"""What the feature sets are made of: batched numpy on arrays of shape (n_windows, n_chans, n_times).

Signals come in V and are worked on in microvolt and float64, ``CHUNK`` windows at a time.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from ...errors import BiotransferError, check
from ..windows import Windows

MICROVOLTS = 1e6
FLAT = 1e-3
"""Amplitude in microvolt below which nothing is signal: far under the noise of any amplifier."""

CHUNK = 256
LEVELS: dict[str, Callable[..., np.ndarray]] = {"mean": np.mean, "max": np.max, "min": np.min}


def check_signals(windows: Windows, name: str, min_times: int = 8) -> None:
    """Refuse windows that ``name`` cannot describe.

    Raises
    ------
    BiotransferError
        When the windows are features already, there are none, they are shorter than ``min_times`` samples, or
        a sample is NaN or infinite.
    """
    check(
        windows.is_signal and windows.sfreq is not None,
        f"features={name!r} describes signals; these windows hold {windows.X.shape[1]} features already "
        f"({' > '.join(windows.history)}). Pass the windows that cut_windows(...) returned.",
    )
    check(len(windows) > 0, f"features={name!r} got no windows. Pass at least one.")
    check(
        windows.X.shape[2] >= min_times,
        f"features={name!r} got windows of {windows.X.shape[2]} samples. Expected {min_times} or more. "
        "Write windows: {length: 1.0, step: 0.5}. In Python: cut_windows(..., length=1.0).",
    )
    finite = np.isfinite(windows.X)
    if not finite.all():
        row, channel, _ = np.argwhere(~finite)[0]
        raise BiotransferError(
            f"features={name!r} got {int((~finite).sum())} samples that are NaN or infinite, the first in "
            f"channel {windows.names[channel]!r} of window {windows.metadata['uid'].iloc[row]!r}. Expected "
            "finite samples. Look at what was done before: windows.history."
        )


def chunks(windows: Windows, scale: float = MICROVOLTS) -> Iterator[tuple[slice, np.ndarray]]:
    """Yield (rows, signals) of some windows at a time; signals are ``scale`` times X, float64, C order."""
    for first in range(0, len(windows), CHUNK):
        rows = slice(first, first + CHUNK)
        yield rows, np.multiply(windows.X[rows], scale, dtype=np.float64, order="C")


def cuts(n_times: int) -> tuple[list[slice], list[slice]]:
    """Return the halves and the quarters of a window, cut at floor(n/4), floor(n/2), floor(3n/4)."""
    a, b, c = n_times // 4, n_times // 2, 3 * n_times // 4
    return [slice(0, b), slice(b, n_times)], [slice(0, a), slice(a, b), slice(b, c), slice(c, n_times)]


def centered(X: np.ndarray) -> np.ndarray:
    """Return X less the mean of each channel."""
    return X - X.mean(axis=-1, keepdims=True)


def variance(X: np.ndarray) -> np.ndarray:
    """Variance over time with n - 1 below, shape (n_windows, n_chans)."""
    D = centered(X)
    return np.einsum("...t,...t->...", D, D) / (X.shape[-1] - 1)


def central_moments(D: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Second, third and fourth central moment of centered signals ``D``, each (n_windows, n_chans)."""
    square, n = D * D, D.shape[-1]
    return square.sum(-1) / n, np.einsum("...t,...t->...", square, D) / n, (square * square).sum(-1) / n


def unbiased_skew(m2: np.ndarray, m3: np.ndarray, n: int) -> np.ndarray:
    """Skewness from central moments of n samples, corrected for bias (G1)."""
    return np.sqrt(n * (n - 1)) / (n - 2) * m3 / m2**1.5


def unbiased_kurtosis(m2: np.ndarray, m4: np.ndarray, n: int) -> np.ndarray:
    """Excess kurtosis from central moments of n samples, corrected for bias (G2)."""
    return ((n**2 - 1) * m4 / m2**2 - 3 * (n - 1) ** 2) / ((n - 2) * (n - 3))


def covariance(D: np.ndarray) -> np.ndarray:
    """Covariance of centered signals, shape (n_windows, n_chans, n_chans), exactly symmetric."""
    C = np.matmul(D, D.swapaxes(-1, -2)) / (D.shape[-1] - 1)
    return (C + C.swapaxes(-1, -2)) / 2


def matrix_log(values: np.ndarray, vectors: np.ndarray) -> np.ndarray:
    """Logarithm of symmetric matrices from their eigenvalues and eigenvectors."""
    return np.matmul(vectors * np.log(values)[..., None, :], vectors.swapaxes(-1, -2))


def band_means(
    freqs: np.ndarray, edges: Sequence[Sequence[float]], names: Sequence[str], advice: str
) -> np.ndarray:
    """Return the matrix that turns a density into its mean over each band of ``edges``.

    Parameters
    ----------
    freqs : ndarray, shape (n_freqs,)
        In Hz.
    edges : sequence of (low, high)
        A band holds the frequencies with low <= f < high.
    names : sequence of str
        What the bands are called, for the message.
    advice : str
        How to mend a band without frequencies.

    Returns
    -------
    ndarray, shape (n_freqs, n_bands)

    Raises
    ------
    BiotransferError
        When no frequency lies in a band.
    """
    tolerance = 1e-9 * max(float(freqs[-1]), 1.0)
    low, high = np.array(edges, dtype=float).T
    inside = (freqs[:, None] >= low - tolerance) & (freqs[:, None] < high - tolerance)
    count = inside.sum(axis=0)
    if (count == 0).any():
        empty = int(np.argmin(count))
        raise BiotransferError(
            f"band {names[empty]!r} from {low[empty]:g} to {high[empty]:g} Hz holds no frequency: the "
            f"windows' spectra have one every {freqs[1]:g} Hz up to {freqs[-1]:g} Hz. {advice}"
        )
    return inside / count


def step_name(name: str, **changed: Any) -> str:
    """Return the history's line: the set and what differs from its defaults."""
    return ", ".join([f"features {name}", *(f"{key}={value}" for key, value in changed.items())])
