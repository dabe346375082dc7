"""Frequency bands: the usual ones of each modality, their check, and power in them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ...errors import check
from . import primitives as p

Bands = Mapping[str, Sequence[float]]
BANDS: dict[str, Bands] = {
    "eeg": {"delta": (1, 4), "theta": (4, 8), "alpha": (8, 13), "beta": (13, 30), "gamma": (30, 45)},
    "emg": {"20to40Hz": (20, 40), "40to60Hz": (40, 60), "60to80Hz": (60, 80), "80to100Hz": (80, 100)},
}
FLOOR = 1e-4
"""In uV^2/Hz, added before a logarithm: less than the noise of any amplifier."""


def usual_bands(what: str, bands: Bands | None, modality: str, sfreq: float) -> Bands:
    """Return the bands that were asked for, or the usual ones of a modality.

    Parameters
    ----------
    what : str
        Who asks, for the message: "features band_power".
    bands : mapping of str to [low, high], or None
        In Hz.
    modality : {"eeg", "emg"}
        What was recorded.
    sfreq : float
        In Hz.

    Raises
    ------
    BiotransferError
        When there is none, or one is upside down or reaches above the Nyquist frequency.
    """
    chosen = BANDS[modality] if bands is None else bands
    nyquist = sfreq / 2
    check(
        isinstance(chosen, Mapping) and len(chosen) > 0,
        f"{what}: bands={chosen!r} names no band. Expected such as {{alpha: [8, 13]}}.",
    )
    for name, edges in chosen.items():
        check(
            isinstance(edges, (list, tuple))
            and len(edges) == 2
            and all(isinstance(edge, (int, float)) for edge in edges)
            and 0 <= edges[0] < edges[1] <= nyquist * (1 + 1e-9),
            f"{what}: bands={{{name}: {edges}}} at {sfreq:g} Hz sampling. "
            f"Expected 0 <= low < high <= {nyquist:g} Hz. Use bands: {{{name}: [8, 13]}} or the like.",
        )
    return chosen


def averaging(freqs: np.ndarray, bands: Bands) -> np.ndarray:
    """Return the matrix (n_freqs, n_bands) that turns a density into its mean over each band.

    Raises
    ------
    BiotransferError
        When a band holds no frequency.
    """
    return p.band_means(freqs, list(bands.values()), list(bands), "Widen the band or cut longer windows.")
