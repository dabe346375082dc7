"""What a source network is trained on: the source itself, or a control that lacks its knowledge.

Each function takes signal Windows and a seed and returns signal Windows of the same size.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd

from ..errors import check, check_option
from ..windows import Windows

NOISES = ("gaussian", "phase")
_STRETCHES = 5


def supervised(windows: Windows, seed: int) -> Windows:
    """Return the source as it is."""
    return windows


def shuffled_labels(windows: Windows, seed: int) -> Windows:
    """Permute the labels of whole recordings within each person.

    A person with one recording per class would only get the classes renamed; there each recording is cut into
    five stretches, and their labels are permuted.

    Parameters
    ----------
    windows : Windows
        Source windows.
    seed : int
        Draws the permutation.

    Notes
    -----
    Source: Maennel et al. 2020, arXiv:2006.10455. Whole recordings, because neighbours share samples.
    """
    rng = np.random.default_rng([seed, 11])
    table = pd.DataFrame(
        {"subject": windows.metadata["subject"], "recording": windows.metadata["recording"], "y": windows.y}
    )
    y = windows.y.copy()
    for _, person in table.groupby("subject", sort=True):
        if not person.groupby("y")["recording"].nunique().gt(1).any():
            place = person.groupby("recording").cumcount()
            size = person.groupby("recording")["y"].transform("size")
            person = person.assign(recording=person["recording"] + (place * _STRETCHES // size).astype(str))
        stretches = list(person.groupby(["recording", "y"], sort=True).groups.items())
        labels = rng.permutation([label for (_, label), _ in stretches])
        for (_, rows), label in zip(stretches, labels, strict=True):
            y[rows] = label
    return replace(windows, y=y, history=(*windows.history, "labels of whole recordings permuted"))


def noise(windows: Windows, seed: int, *, kind: str = "gaussian") -> Windows:
    """Replace the signals by surrogates; the labels stay until :func:`invent_labels` is called.

    Parameters
    ----------
    windows : Windows
        Source windows, signals.
    seed : int
        Draws the surrogate.
    kind : {"gaussian", "phase"}
        White noise with each channel's deviation, whose labels are invented; or the source with random
        phases (one set for all channels of a window: spectra and covariances stay), with its own labels.

    Notes
    -----
    Source: phase randomisation after Prichard & Theiler 1994, doi:10.1103/PhysRevLett.73.951.
    """
    check_option("kind", kind, NOISES)
    check(windows.is_signal, "source noise needs signals. Make it before features are extracted.")
    rng = np.random.default_rng([seed, 12])
    n, _, n_times = windows.X.shape
    if kind == "gaussian":
        deviation = windows.X.std(axis=(0, 2), keepdims=True)
        X = rng.standard_normal(windows.X.shape, dtype=np.float32) * deviation
        step = "white noise"
    else:
        spectrum = np.fft.rfft(windows.X, axis=2)
        phases = rng.uniform(0, 2 * np.pi, (n, 1, spectrum.shape[2]))
        phases[..., 0] = 0
        if n_times % 2 == 0:
            phases[..., -1] = 0
        X = np.fft.irfft(spectrum * np.exp(1j * phases), n_times, axis=2)
        step = "phases randomised"
    return replace(windows, X=X.astype(windows.X.dtype), history=(*windows.history, step))


def invent_labels(windows: Windows, seed: int) -> Windows:
    """Permute labels window by window: for noise, whose windows share nothing.

    Parameters
    ----------
    windows : Windows
        Surrogate signals, or their features.
    seed : int
        Draws the permutation.
    """
    y = np.random.default_rng([seed, 13]).permutation(windows.y)
    return replace(windows, y=y, history=(*windows.history, "labels invented"))
