"""What one file holds, as any reader returns it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np


class Point(NamedTuple):
    """Something that happened at a sample: a marker, an event."""

    at: int
    label: str


class Stretch(NamedTuple):
    """Samples from ``first`` up to, not including, ``last``, of one label and one run ("" where none)."""

    first: int
    last: int
    label: str
    run: str = ""


@dataclass(frozen=True, eq=False)
class Content:
    """The signal of one file and what is said in it about its samples.

    Parameters
    ----------
    data : ndarray, shape (n_chans, n_samples), float64
        In V; of a file that MNE reads, empty: ``raw`` holds it.
    ch_names : tuple of str
        Channel names; empty where the file has none.
    sfreq : float or None
        Sampling rate in Hz, where the file says it.
    times : ndarray, shape (n_samples,), float64, in s, or None
        The device's own time stamps.
    codes : ndarray of str or float, shape (n_samples,), or None
        A label for every sample.
    runs : ndarray of str or float, shape (n_samples,), or None
        A run for every sample.
    points : tuple of Point
        Markers.
    borders : tuple of int
        Samples before which others are missing.
    notes : tuple of str
        Defects.
    raw : mne.io.BaseRaw or None
        What MNE reads.
    also : tuple of str
        Names of further files that are part of it.
    """

    data: np.ndarray
    ch_names: tuple[str, ...] = ()
    sfreq: float | None = None
    times: np.ndarray | None = None
    codes: np.ndarray | None = None
    runs: np.ndarray | None = None
    points: tuple[Point, ...] = ()
    borders: tuple[int, ...] = ()
    notes: tuple[str, ...] = field(default=())
    raw: Any = None
    also: tuple[str, ...] = ()

    @property
    def n_samples(self) -> int:
        """Number of samples."""
        return int(self.data.shape[1] if self.raw is None else self.raw.n_times)
