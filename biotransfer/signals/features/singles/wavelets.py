"""Discrete wavelet transform, and features of its levels: the approximation, then details to the finest."""

from __future__ import annotations

import numpy as np

from ....errors import check, check_option
from ..series import Series
from .values import Values

FILTERS: dict[str, tuple[float, ...]] = {
    "haar": (0.7071067811865476, 0.7071067811865476),
    "db4": (
        -0.010597401785069032, 0.0328830116668852, 0.030841381835560764, -0.18703481171909309,
        -0.027983769416859854, 0.6308807679298589, 0.7148465705529157, 0.2303778133088965,
    ),
    "sym8": (
        -0.0033824159510061256, -0.0005421323317911481, 0.03169508781149298, 0.007607487324917605,
        -0.1432942383508097, -0.061273359067658524, 0.4813596512583722, 0.7771857517005235,
        0.3644418948353314, -0.05194583810770904, -0.027219029917056003, 0.049137179673607506,
        0.003808752013890615, -0.01495225833704823, -0.0003029205147213668, 0.0018899503327594609,
    ),
}  # fmt: skip
"""Low-pass filters of decomposition: Daubechies 1992, doi:10.1137/1.9781611970104."""
_ADDED = 1e-10


def decompose(X: np.ndarray, wavelet: str, levels: int) -> list[np.ndarray]:
    """Transform signals, their ends mirrored.

    Parameters
    ----------
    X : ndarray, shape (..., n_times)
        Signals.
    wavelet : {"haar", "db4", "sym8"}
        Which filters.
    levels : int
        How often the approximation is split.

    Returns
    -------
    list of ndarray
        The approximation, then the details from the coarsest to the finest, as ``pywt.wavedec`` gives them.
    """
    low = np.array(FILTERS[wavelet])
    high = low[::-1] * (-1.0) ** np.arange(1, len(low) + 1)
    filters = np.stack([low[::-1], high[::-1]], axis=-1)
    approximation, details = X, []
    for _ in range(levels):
        around = [(0, 0)] * (X.ndim - 1) + [(len(low) - 1, len(low) - 1)]
        frames = np.lib.stride_tricks.sliding_window_view(
            np.pad(approximation, around, mode="symmetric"), len(low), axis=-1
        )
        both = frames[..., 1::2, :] @ filters
        approximation = np.ascontiguousarray(both[..., 0])
        details.append(np.ascontiguousarray(both[..., 1]))
    return [approximation, *reversed(details)]


def _energies(s: Series, name: str, wavelet: str, levels: int | None) -> dict[str, np.ndarray]:
    """Return the squared coefficients of every level, by its name A, Dn, ..., D1."""
    check_option(f"feature {name}: wavelet", wavelet, FILTERS)
    most = int(np.log2(s.n_times / max(len(FILTERS[wavelet]) - 1, 1)))
    check(
        most >= 1,
        f"feature {name}: windows of {s.n_times} samples are too short for the wavelet {wavelet}. Expected "
        f"{2 * (len(FILTERS[wavelet]) - 1)} samples or more. Use wavelet: haar, or cut longer windows.",
    )
    chosen = most if levels is None else levels
    check(
        isinstance(chosen, int) and 1 <= chosen <= most,
        f"feature {name}: levels={levels!r}, and {s.n_times} samples allow 1 to {most} with the wavelet "
        f"{wavelet}. Use levels: {most}.",
    )
    key = (wavelet, chosen)
    if key not in s.kept:
        parts = decompose(s.x, wavelet, chosen)
        names = ["A", *(f"D{level}" for level in range(chosen, 0, -1))]
        s.kept[key] = {of: np.square(part) for of, part in zip(names, parts, strict=True)}
    return s.kept[key]


def weng(s: Series, *, wavelet: str = "sym8", levels: int | None = None) -> Values:
    """Energy of wavelet coefficients c at each level: log(sum c^2 + 1e-10).

    Parameters
    ----------
    wavelet : {"haar", "db4", "sym8"}
        Which filters.
    levels : int, 1 to 30, optional
        How many; as many as the window's length allows when not given.
    """
    found = _energies(s, "WENG", wavelet, levels)
    return {f"WENG_{of}": np.log(energy.sum(axis=-1) + _ADDED) for of, energy in found.items()}


def wv(s: Series, *, wavelet: str = "sym8", levels: int | None = None) -> Values:
    """Variance of the energy of wavelet coefficients c at each level: log(var c^2 + 1e-10).

    Parameters
    ----------
    wavelet : {"haar", "db4", "sym8"}
        Which filters.
    levels : int, 1 to 30, optional
        How many; as many as the window's length allows when not given.
    """
    found = _energies(s, "WV", wavelet, levels)
    return {f"WV_{of}": np.log(energy.var(axis=-1) + _ADDED) for of, energy in found.items()}


def wwl(s: Series, *, wavelet: str = "sym8", levels: int | None = None) -> Values:
    """Waveform length of the energy of wavelet coefficients c at each level: log(sum |d c^2| + 1e-10).

    Parameters
    ----------
    wavelet : {"haar", "db4", "sym8"}
        Which filters.
    levels : int, 1 to 30, optional
        How many; as many as the window's length allows when not given.
    """
    found = _energies(s, "WWL", wavelet, levels)
    return {
        f"WWL_{of}": np.log(np.abs(np.diff(energy, axis=-1)).sum(axis=-1) + _ADDED)
        for of, energy in found.items()
    }


def went(s: Series, *, wavelet: str = "sym8", levels: int | None = None) -> Values:
    """Entropy of the energy of wavelet coefficients over time at each level; 0 where a channel stands still.

    Parameters
    ----------
    wavelet : {"haar", "db4", "sym8"}
        Which filters.
    levels : int, 1 to 30, optional
        How many; as many as the window's length allows when not given.
    """
    columns = {}
    for of, energy in _energies(s, "WENT", wavelet, levels).items():
        total = energy.sum(axis=-1, keepdims=True)
        share = energy / np.where(total > 0, total, 1.0)
        logs = np.log(np.where(share > 0, share, 1.0))
        columns[f"WENT_{of}"] = -np.einsum("...t,...t->...", share, logs)
    return columns


def wrel(s: Series, *, wavelet: str = "db4", levels: int | None = None) -> Values:
    """Share of each level in the energy of all wavelet coefficients; an equal share where still.

    Parameters
    ----------
    wavelet : {"haar", "db4", "sym8"}
        Which filters.
    levels : int, 1 to 30, optional
        How many; as many as the window's length allows when not given.
    """
    sums = {of: energy.sum(axis=-1) + _ADDED for of, energy in _energies(s, "WREL", wavelet, levels).items()}
    total = sum(sums.values())
    return {f"WREL_{of}": energy / total for of, energy in sums.items()}
