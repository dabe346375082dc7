"""EMG of an armband: gesture-specific muscle patterns, crosstalk, a band that each person wears rotated."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import mne
import numpy as np

from ...errors import check
from ..recording import EDGE, Recording
from .codes import N_REGIONS, check_common, class_names, latent_codes, stream
from .signals import hum, make_sources

SENSOR_UV = 3.0


def simulate_emg(
    *,
    n_subjects: int = 6,
    classes: int | Sequence[str] = 4,
    n_chans: int = 8,
    sfreq: float = 200.0,
    seconds: float = 4.0,
    n_repetitions: int = 5,
    shared: float = 0.5,
    contrast: float = 5.0,
    variability: float = 1.5,
    crosstalk: float = 0.25,
    electrode_shift: int = 1,
    mains: float | None = 50.0,
    mains_uv: float = 3.0,
    mains_follows_class: bool = False,
    seed: int = 0,
) -> list[Recording]:
    """Simulate EMG of an armband: muscle patterns of gestures, crosstalk, and a band worn rotated.

    Parameters
    ----------
    n_subjects : int
        Number of people.
    classes : int or sequence of str
        How many gestures (named gesture_1, ...), or their names; at most 10.
    n_chans : int
        Electrodes around the arm, 4 or more.
    sfreq : float
        Sampling rate in Hz, above 198.
    seconds : float
        Length of one repetition of one gesture in s.
    n_repetitions : int
        Repetitions of every gesture; repetition k is run k, in an order of its own.
    shared : float
        Amount of structure shared with ``simulate_eeg`` of the same seed, from 0 to 1.
    contrast : float
        How much the gestures differ: root mean square over the sources of a gesture's change, in dB.
    variability : float
        Standard deviation in dB of each source between people, and again between repetitions.
    crosstalk : float
        Share of a muscle's amplitude that arrives one electrode further; its square at the second, and so on.
    electrode_shift : int
        The band of each person is rotated by -electrode_shift to +electrode_shift electrodes.
    mains : float or None
        Frequency of the hum in Hz; None for no hum.
    mains_uv : float
        Median amplitude of the hum, in uV; it varies between channels and repetitions.
    mains_follows_class : bool
        Plant a nuisance: hum that grows with the number of the class.
    seed : int
        Draws everything.

    Returns
    -------
    list of Recording
        One per person, in V; every repetition of a gesture is an independent labelled stretch whose extras
        hold its run, with an ``EDGE boundary`` between them. ``raw.info["description"]`` states shared, seed
        and by how many electrodes the band is rotated.

    Raises
    ------
    BiotransferError
        When an argument is out of range, or a band does not fit below the Nyquist frequency.

    Notes
    -----
    Source: own. What is shared is said under ``simulate_eeg``.

    Examples
    --------
    >>> simulate_emg(n_subjects=1, seed=0)[0].ch_names[:2]
    ['EMG1', 'EMG2']
    """
    names = class_names(classes, "gesture")
    codes = latent_codes(len(names), modality="emg", shared=shared, seed=seed)
    check_common(
        modality="emg",
        n_subjects=n_subjects,
        sfreq=sfreq,
        contrast=contrast,
        variability=variability,
        mains=mains,
        mains_uv=mains_uv,
    )
    check(n_chans >= N_REGIONS, f"n_chans={n_chans} is fewer than the {N_REGIONS} regions. Use n_chans=8.")
    check(n_repetitions >= 1, f"n_repetitions={n_repetitions}. Expected 1 or more.")
    check(0 <= crosstalk < 1, f"crosstalk={crosstalk}. Expected 0 or more and less than 1. Try 0.25.")
    check(
        0 <= electrode_shift < n_chans,
        f"electrode_shift={electrode_shift} of n_chans={n_chans} electrodes. Expected 0 to {n_chans - 1}.",
    )
    length = round(seconds * sfreq)
    check(length >= sfreq, f"seconds={seconds} is less than 1 s. Use seconds=4.0.")
    around = np.arange(n_chans)
    apart = np.abs(around[:, None] - around)
    mixing = float(crosstalk) ** np.minimum(apart, n_chans - apart)
    info = mne.create_info([f"EMG{i + 1}" for i in around], sfreq, "emg")
    n_times = length * len(names)
    n_stretches = len(names) * n_repetitions
    starts = np.arange(n_stretches) * length / sfreq
    runs: list[Any] = [{"run": f"R{i // len(names) + 1}"} for i in range(n_stretches)]
    recordings = []
    for subject in range(n_subjects):
        turn = int(stream(seed, "emg", subject, "shift").integers(-electrode_shift, electrode_shift + 1))
        parts, labels = [], []
        for repetition in range(n_repetitions):
            key = (subject, repetition)
            order = stream(seed, "emg", *key, "order").permutation(len(names))
            change = codes[order] * contrast
            part = mixing @ make_sources("emg", seed, key, change, n_chans, length, sfreq, variability)
            part = np.roll(part, turn, axis=0)
            part += SENSOR_UV * stream(seed, "emg", *key, "sensor").standard_normal(part.shape)
            if mains is not None:
                growth = np.repeat(1.0 + 2.0 * mains_follows_class * order, length)
                rng = stream(seed, "emg", *key, "mains")
                part += growth * hum(rng, n_chans, n_times, sfreq, mains, mains_uv)
            parts.append(part)
            labels += [names[c] for c in order]
        raw = mne.io.RawArray(np.concatenate(parts, axis=1) * 1e-6, info.copy(), verbose="error")
        raw.info["description"] = f"simulated EMG, shared={shared:g}, seed={seed}, rotated by {turn:+d}"
        raw.set_annotations(
            mne.Annotations(
                onset=np.concatenate([starts, starts[1:]]),
                duration=np.concatenate([np.full(n_stretches, length / sfreq), np.zeros(n_stretches - 1)]),
                description=labels + [EDGE] * (n_stretches - 1),
                extras=runs + [None] * (n_stretches - 1),
            ),
            emit_warning=False,
        )
        recordings.append(Recording(raw, "emg", "simulated-emg", f"S{subject + 1}", names))
    return recordings
