"""EEG: 1/f background, rhythms that depend on the state, blinks and mains hum."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import mne
import numpy as np

from ...errors import check
from ..recording import Recording
from .codes import check_common, class_names, latent_codes, stream
from .signals import blinks, colored_noise, hum, make_sources

MUSE = ("TP9", "AF7", "AF8", "TP10")
TEN_TWENTY = ("F3", "F4", "P3", "P4", "Fp1", "Fp2", "C3", "C4", "O1", "O2", "F7", "F8", "T7", "T8", "P7",
              "P8", "Fz", "Cz", "Pz")  # fmt: skip
MONTAGE = "easycap-M1"
CONDUCTION_M = 0.05
BLINK_UV = 100.0


def simulate_eeg(
    *,
    n_subjects: int = 6,
    classes: int | Sequence[str] = 3,
    n_chans: int = 4,
    sfreq: float = 256.0,
    seconds_per_class: float = 20.0,
    n_runs: int = 4,
    shared: float = 0.5,
    contrast: float = 4.0,
    variability: float = 1.5,
    background: float = 12.0,
    exponent: float = 1.0,
    blink_rate: float = 12.0,
    mains: float | None = 50.0,
    mains_uv: float = 3.0,
    mains_follows_class: bool = False,
    seed: int = 0,
) -> list[Recording]:
    """Simulate EEG: 1/f background, rhythms that depend on the state, blinks and mains hum.

    Parameters
    ----------
    n_subjects : int
        Number of people.
    classes : int or sequence of str
        How many states (named state_1, ...), or their names; at most 10.
    n_chans : int
        Four give a Muse headband (TP9 AF7 AF8 TP10), other numbers up to 19 electrodes of the 10-20 system.
    sfreq : float
        Sampling rate in Hz.
    seconds_per_class : float
        Signal per person and class in s, spread evenly over the runs.
    n_runs : int
        Recordings per person; each holds every class, in an order of its own.
    shared : float
        Amount of structure shared with ``simulate_emg`` of the same seed, from 0 to 1.
    contrast : float
        How much the classes differ: root mean square over the sources of a class's change, in dB.
    variability : float
        Standard deviation in dB of each source between people, and again between stretches of signal.
    background : float
        Root mean square of the 1/f background between 0.5 Hz and the Nyquist frequency, in uV.
    exponent : float
        The background's power falls as 1 / f ** exponent.
    blink_rate : float
        Blinks per minute, about 100 uV at the most frontal channel.
    mains : float or None
        Frequency of the hum in Hz; None for no hum.
    mains_uv : float
        Median amplitude of the hum, in uV; it varies between channels and runs.
    mains_follows_class : bool
        Plant a nuisance: hum that grows with the number of the class, as in some real recordings.
    seed : int
        Draws everything.

    Returns
    -------
    list of Recording
        One per person and run, in V, with a montage; every class is one labelled stretch. Its
        ``raw.info["description"]`` states shared and seed.

    Raises
    ------
    BiotransferError
        When an argument is out of range, or a band does not fit below the Nyquist frequency.

    Notes
    -----
    Source: own. **What is shared**, and at which level: only the class codes of ``latent_codes``. They say
    how the power of the sources is spread over ten spatial patterns (four regions and their six pairs; the
    region of a channel is its index modulo 4, so pairs make channels covary) and over a low, a middle and a
    high band (4-8, 8-13, 13-30 Hz in EEG; 20-45, 45-70, 70-95 Hz in EMG), whose amplitudes wax and wane at
    1, 2 and 4 Hz in both modalities. So the relative variances of the first four channels, their covariances,
    and how fast their amplitudes move, say the same about class number c in both. **What is not claimed**:
    that signals correlate between modalities or people; that frequencies, waveforms, background, artefacts or
    the spread between electrodes are shared; that a given network can use what is; that real EEG and EMG
    share anything of the kind.

    Examples
    --------
    >>> simulate_eeg(n_subjects=1, n_runs=2, seed=0)[0].uid
    'simulated-eeg/sub-S1/ses-1/run-1'
    """
    names = class_names(classes, "state")
    codes = latent_codes(len(names), modality="eeg", shared=shared, seed=seed)
    check_common(
        modality="eeg",
        n_subjects=n_subjects,
        sfreq=sfreq,
        contrast=contrast,
        variability=variability,
        mains=mains,
        mains_uv=mains_uv,
    )
    check(n_runs >= 1, f"n_runs={n_runs}. Expected 1 or more.")
    check(
        4 <= n_chans <= len(TEN_TWENTY),
        f"n_chans={n_chans}: there are names for 4 to {len(TEN_TWENTY)} electrodes. Use n_chans=4.",
    )
    check(background >= 0, f"background={background} uV is negative. Try 12.")
    check(blink_rate >= 0, f"blink_rate={blink_rate} per minute is negative. Try 12.")
    length = round(seconds_per_class / n_runs * sfreq)
    check(
        length >= 2 * sfreq,
        f"seconds_per_class={seconds_per_class} in n_runs={n_runs} leaves stretches of "
        f"{length / sfreq:.2f} s. Expected 2 s or more. Use seconds_per_class={2 * n_runs}.",
    )
    ch_names = MUSE if n_chans == 4 else TEN_TWENTY[:n_chans]
    mixing, frontal = _electrodes(ch_names)
    info = mne.create_info(list(ch_names), sfreq, "eeg")
    info["description"] = f"simulated EEG, shared={shared:g}, seed={seed}"
    info.set_montage(MONTAGE)
    n_times = length * len(names)
    starts = np.arange(len(names)) * length / sfreq
    recordings = []
    for key in np.ndindex(n_subjects, n_runs):
        order = stream(seed, "eeg", *key, "order").permutation(len(names))
        change = codes[order] * contrast
        data = mixing @ make_sources("eeg", seed, key, change, n_chans, length, sfreq, variability)
        noise = colored_noise(stream(seed, "eeg", *key, "background"), n_chans, n_times, sfreq, exponent)
        data += background * (mixing / np.linalg.norm(mixing, axis=1, keepdims=True)) @ noise
        eyes = blinks(stream(seed, "eeg", *key, "blinks"), n_times, sfreq, blink_rate)
        data += BLINK_UV * np.outer(frontal, eyes)
        if mains is not None:
            growth = np.repeat(1.0 + 2.0 * mains_follows_class * order, length)
            rng = stream(seed, "eeg", *key, "mains")
            data += growth * hum(rng, n_chans, n_times, sfreq, mains, mains_uv)
        raw = mne.io.RawArray(data * 1e-6, info.copy(), verbose="error")
        labels = mne.Annotations(starts, length / sfreq, [names[c] for c in order])
        raw.set_annotations(labels, emit_warning=False)
        subject, run = (str(k + 1) for k in key)
        recordings.append(Recording(raw, "eeg", "simulated-eeg", f"S{subject}", names, run=run))
    return recordings


@cache
def _electrodes(ch_names: tuple[str, ...]) -> tuple[np.ndarray, np.ndarray]:
    """How activity under each electrode reaches all of them, and how blinks do (1 at the most frontal)."""
    places = mne.channels.make_standard_montage(MONTAGE).get_positions()["ch_pos"]
    here = np.array([places[name] for name in ch_names])
    mixing = np.exp(-np.linalg.norm(here[:, None] - here, axis=2) / CONDUCTION_M)
    frontal = np.exp(-np.linalg.norm(here - places["Fpz"], axis=1) / CONDUCTION_M)
    return mixing, frontal / frontal.max()
