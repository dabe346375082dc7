"""Arrays as recordings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ....errors import check, check_option, did_you_mean
from ...recording import MODALITIES, VOLTS_PER_UNIT, Recording, natural_sorted
from ..common import Piece, join_pieces
from .naming import check_labels, one_each


def from_arrays(
    X: np.ndarray | Sequence[np.ndarray],
    labels: Sequence[Any],
    *,
    sfreq: float,
    unit: str,
    modality: str,
    ch_names: Sequence[str] | None = None,
    classes: Sequence[str] | None = None,
    subjects: Sequence[str] | str = "1",
    sessions: Sequence[str] | str = "1",
    runs: Sequence[str] | str | None = None,
    dataset: str = "own",
) -> list[Recording]:
    """Use arrays as recordings; every array is an independent trial with one label.

    Parameters
    ----------
    X : ndarray, shape (n_trials, n_chans, n_times), or sequence of ndarray, shape (n_chans, n_times)
        Signals in ``unit``.
    labels : sequence of str
        The class of every trial.
    sfreq : float
        Sampling rate in Hz.
    unit : {"V", "mV", "uV", "nV"}
        Unit of X. There is no default: a wrong unit goes unnoticed otherwise.
    modality : {"eeg", "emg"}
        What was recorded.
    ch_names : sequence of str, optional
        Channel names. Default: EEG1, EEG2, ... or EMG1, EMG2, ...
    classes : sequence of str, optional
        Labels in class order; trials of others are left out. Default: all, sorted.
    subjects, sessions, runs : str or sequence of str
        One for all, or one per trial. Runs default to trial-1, trial-2, ...
    dataset : str
        A name for all of them.

    Returns
    -------
    list of Recording
        One per subject and session, its trials joined with an ``EDGE boundary`` between them.

    Raises
    ------
    BiotransferError
        On shapes, counts or units that do not fit, or samples that are NaN.

    Examples
    --------
    >>> X = np.zeros((2, 8, 400))
    >>> from_arrays(X, ["fist", "rest"], sfreq=200.0, unit="uV", modality="emg")[0].classes
    ('fist', 'rest')
    """
    check_option("modality", modality, MODALITIES)
    check_option("unit", unit, VOLTS_PER_UNIT)
    check(
        np.isfinite(sfreq) and sfreq > 0, f"sfreq={sfreq} Hz is not positive. Pass the sampling rate in Hz."
    )
    trials = [np.asarray(trial, dtype=np.float64) for trial in X]
    check(trials, "X=[] is empty. Pass at least one array of shape (n_chans, n_times).")
    n_chans = trials[0].shape[0] if trials[0].ndim == 2 else 0
    for i, trial in enumerate(trials):
        check(
            trial.ndim == 2 and len(trial) == n_chans and trial.shape[1] > 0,
            f"X[{i}] has the shape {trial.shape}. Expected (n_chans, n_times) with {n_chans or 'the'} "
            "channels. Transpose it, or pass X of shape (n_trials, n_chans, n_times).",
        )
    names = [f"{modality.upper()}{i + 1}" for i in range(n_chans)] if ch_names is None else list(ch_names)
    check(
        len(names) == n_chans,
        f"ch_names has {len(names)} names for {n_chans} channels of X. They must agree; X may be transposed.",
    )
    given = one_each("labels", labels, len(trials))
    order = check_labels(natural_sorted(set(given)) if classes is None else classes)
    for name in order:
        check(
            name in given, f"classes: no trial is labelled {name!r}.{did_you_mean(name, given)} Leave it out."
        )
    people = one_each("subjects", subjects, len(trials))
    days = one_each("sessions", sessions, len(trials))
    numbers = [f"trial-{i + 1}" for i in range(len(trials))]
    if runs is not None:
        numbers = one_each("runs", runs, len(trials))
    groups: dict[tuple[str, str], list[Piece]] = {}
    for trial, label, subject, session, run in zip(trials, given, people, days, numbers, strict=True):
        if label in order:
            piece = Piece(trial * VOLTS_PER_UNIT[unit], label, run, "")
            groups.setdefault((subject, session), []).append(piece)
    return [
        Recording(join_pieces(pieces, names, sfreq, modality), modality, dataset, subject, order, session)
        for (subject, session), pieces in groups.items()
    ]
