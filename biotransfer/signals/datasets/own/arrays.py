"""Arrays as recordings."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from ....errors import BiotransferError, a_kind, check, check_option, did_you_mean
from ....settings import number
from ...plain import listed, name_of
from ...recording import MODALITIES, VOLTS_PER_UNIT, Recording, natural_sorted
from ..common import Piece, join_pieces
from .naming import check_labels, one_each
from .overlapping import check_no_overlap

_SHORTEST_S = 0.1
"""What is shorter, and has more channels than samples, is no trial."""


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
        On shapes, counts or units that do not fit, samples that are NaN, or trials of one person that were
        cut with an overlap.

    Examples
    --------
    >>> X = np.zeros((2, 8, 400))
    >>> from_arrays(X, ["fist", "rest"], sfreq=200.0, unit="uV", modality="emg")[0].classes
    ('fist', 'rest')
    """
    check_option("modality", modality, MODALITIES)
    check_option("unit", unit, VOLTS_PER_UNIT)
    sfreq = number(above=0, unit="Hz")("sfreq", sfreq, 250.0)
    dataset = name_of("dataset", dataset)
    trials = _trials(X)
    n_chans = trials[0].shape[0] if trials[0].ndim == 2 else 0
    for i, trial in enumerate(trials):
        check(
            trial.ndim == 2 and len(trial) == n_chans and trial.shape[1] > 0,
            f"X[{i}] has the shape {trial.shape}. Expected (n_chans, n_times) with {n_chans or 'the'} "
            "channels. Transpose it, or pass X of shape (n_trials, n_chans, n_times).",
        )
    longest = max(trial.shape[1] for trial in trials)
    check(
        n_chans <= longest or longest >= _SHORTEST_S * sfreq,
        f"X has {n_chans} channels of {longest} samples, {longest / sfreq:.3g} s at {sfreq:g} Hz: it looks "
        "transposed. Expected (n_trials, n_chans, n_times). Pass np.swapaxes(X, 1, 2).",
    )
    names = [f"{modality.upper()}{i + 1}" for i in range(n_chans)]
    if ch_names is not None:
        names = [name_of(f"ch_names[{i}]", name) for i, name in enumerate(listed("ch_names", ch_names))]
    check(len(set(names)) == len(names), f"ch_names={names} names one twice. Name each once.")
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
    check_no_overlap(trials, people)
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


def _trials(X: Any) -> list[np.ndarray]:
    """Return the trials as arrays of numbers."""
    check(
        isinstance(X, Iterable) and not isinstance(X, (str, bytes, Mapping)) and getattr(X, "ndim", 1) > 0,
        f"X is {a_kind(X)}. Expected an array of shape (n_trials, n_chans, n_times), or several of "
        "shape (n_chans, n_times). For Raws use from_raws, for epochs from_epochs.",
    )
    trials = []
    for i, trial in enumerate(X):
        try:
            check(not np.iscomplexobj(trial), f"X[{i}] is complex. Expected real samples, such as X.real.")
            trials.append(np.asarray(trial, dtype=np.float64))
        except BiotransferError:
            raise
        except (TypeError, ValueError) as error:
            raise BiotransferError(
                f"X[{i}], {a_kind(trial)}, holds no numbers: {error}. Expected an array of shape "
                "(n_chans, n_times)."
            ) from error
    check(trials, "X=[] is empty. Pass at least one array of shape (n_chans, n_times).")
    return trials
