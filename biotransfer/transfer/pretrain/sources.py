"""What a source network is trained on: the source itself, or a control that lacks its knowledge.

Each function takes signal Windows and a seed and returns signal Windows of the same size.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import check, check_option
from ...signals.preprocessing import preprocess as preprocess_recording
from ...signals.simulate import simulate_eeg, simulate_emg
from ...signals.windows import Windows, cut_windows, natural_sorted

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


def phase(windows: Windows, seed: int) -> Windows:
    """Give the source random phases: spectra, covariances and labels stay.

    Parameters
    ----------
    windows : Windows
        Source windows, signals.
    seed : int
        Draws the phases.

    Notes
    -----
    Source: Prichard & Theiler 1994, doi:10.1103/PhysRevLett.73.951. A network that lives on power and
    covariance loses nothing; what it loses beyond that is wave shape.
    """
    return noise(windows, seed, kind="phase")


def simulated(
    windows: Windows,
    seed: int,
    *,
    contrast: float = 4.0,
    variability: float = 1.5,
    preprocess: Sequence[Mapping[str, Any]] = (),
) -> Windows:
    """Replace the signals by simulated ones of as many people, channels and classes; no human was recorded.

    Parameters
    ----------
    windows : Windows
        Source windows, signals.
    seed : int
        Draws the simulation.
    contrast : float, 0 or more
        How much the classes differ, in dB, see :func:`.simulate_eeg`.
    variability : float, 0 or more
        Deviation between people and between stretches, in dB.
    preprocess : sequence
        Steps to apply to the simulated recordings; a study applies those of the source that ask for no
        electrodes.

    Raises
    ------
    BiotransferError
        When the simulator cannot make these channels, classes or rates.

    Notes
    -----
    Source: own. Every window keeps its person, class and metadata; its signal is a piece of the simulated
    recording of that person and class. Simulated windows overlap by
    half; a person and class has five stretches of signal.
    """
    check(windows.is_signal, "source simulated needs signals. Make it before features are extracted.")
    assert windows.sfreq is not None
    n_times, sfreq = windows.X.shape[2], windows.sfreq
    length, step = n_times / sfreq, max(n_times // 2, 1) / sfreq
    seconds = max((-(-int(windows.counts().to_numpy().max()) // _STRETCHES) + 2) * step + length, 2.0)
    people = natural_sorted(windows.metadata["subject"].unique())
    common: dict[str, Any] = {"n_subjects": len(people), "n_chans": len(windows.names), "sfreq": sfreq,
                              "classes": windows.classes, "contrast": contrast, "variability": variability,
                              "mains": None, "seed": seed}  # fmt: skip
    if windows.modality == "eeg":
        runs = {"seconds_per_class": seconds * _STRETCHES, "n_runs": _STRETCHES, "blink_rate": 0.0}
        recordings = simulate_eeg(**common, **runs)
    else:
        recordings = simulate_emg(**common, seconds=seconds, n_repetitions=_STRETCHES)
    X = np.empty_like(windows.X)
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    for i, person in enumerate(people):
        own = [preprocess_recording(r, preprocess) for r in recordings if r.subject == f"S{i + 1}"]
        made = cut_windows(own, length=length, step=step)
        for label in range(len(windows.classes)):
            rows = np.flatnonzero((subjects == person) & (windows.y == label))
            drawn = np.flatnonzero(made.y == label)
            X[rows] = made.X[drawn[np.linspace(0, len(drawn) - 1, len(rows)).astype(int)]]
    return replace(windows, X=X, history=(*windows.history, "simulated signals"))


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
