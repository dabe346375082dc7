"""EEG and EMG with a known amount of shared structure: the truth that a transfer study is tried on.

Both signals are sums of amplitude-modulated, band-limited sources. Every source is seen by one region of the
electrodes or by a pair of them and oscillates in one of three bands, so a class is a code of 30 numbers: how
many dB it raises or lowers the sources of each spatial pattern and band. ``shared`` says how alike the codes
of the two modalities are; everything else is drawn independently.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..recording import Recording
from .codes import BANDS, PATTERNS, RATES, latent_codes
from .eeg import simulate_eeg
from .emg import simulate_emg
from .features import STRUCTURES, FeatureTable, simulate_features

__all__ = [
    "BANDS", "PATTERNS", "RATES", "STRUCTURES", "FeatureTable", "latent_codes", "simulate_eeg",
    "simulate_emg", "simulate_features", "simulate_pair",
]  # fmt: skip


def simulate_pair(
    *,
    n_subjects: int = 6,
    shared: float = 0.5,
    seed: int = 0,
    eeg: Mapping[str, Any] | None = None,
    emg: Mapping[str, Any] | None = None,
) -> tuple[list[Recording], list[Recording]]:
    """Simulate EEG and EMG of different people whose class codes share a stated amount.

    Parameters
    ----------
    n_subjects : int
        Number of people in each modality.
    shared : float
        From 0 (independent codes) to 1 (class c of one has the code of class c of the other).
    seed : int
        Draws everything.
    eeg, emg : mapping, optional
        Further arguments of ``simulate_eeg`` and ``simulate_emg``.

    Returns
    -------
    eeg, emg : list of Recording
        The same as calling both functions with this ``shared`` and ``seed``.

    Examples
    --------
    >>> eeg, emg = simulate_pair(n_subjects=1, shared=1.0, emg={"n_chans": 4})
    >>> len(eeg[0].classes), len(emg[0].classes)
    (3, 4)
    """
    common: dict[str, Any] = {"n_subjects": n_subjects, "shared": shared, "seed": seed}
    return simulate_eeg(**{**common, **(eeg or {})}), simulate_emg(**{**common, **(emg or {})})
