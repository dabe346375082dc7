"""Windows: pieces of signal, or their features, that know where they come from.

Signals and features are one container: features are Windows with other columns. Every window carries the
subject, session, run, start and stop of the samples it saw, so a split can refuse to share them.
"""

from __future__ import annotations

import hashlib
import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from .errors import BiotransferError, check, check_option
from .recording import (
    MODALITIES,
    Recording,
    annotation_spans,
    check_same_classes,
    html_table,
    natural_sorted,
)

METADATA = ("uid", "dataset", "subject", "session", "run", "recording", "start", "stop", "source_file")
CUT_RULES = ("samples", "timestamps")


@dataclass(frozen=True, eq=False)
class Windows:
    """Labelled windows of one modality.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_chans, n_times) in V, or (n_windows, n_features); float32 or float64
        Signals or features.
    y : ndarray, shape (n_windows,), int64
        Index into ``classes``.
    metadata : DataFrame, n_windows rows
        Columns ``uid dataset subject session run recording start stop source_file``; start and stop in s of
        the samples the row has seen, ``recording`` the unit no window crosses.
    classes : tuple of str
        Names of the labels.
    names : tuple of str
        Channel names, or feature names.
    modality : {"eeg", "emg"}
        What was recorded.
    sfreq : float or None
        Sampling rate of signals in Hz; None for features.
    history : tuple of str
        What was done to the signal, in order.
    """

    X: np.ndarray
    y: np.ndarray
    metadata: pd.DataFrame
    classes: tuple[str, ...]
    names: tuple[str, ...]
    modality: str
    sfreq: float | None = None
    history: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        n = len(self.X)
        check(self.X.ndim in (2, 3), f"X has {self.X.ndim} axes. Expected 2 (features) or 3 (signals).")
        check(
            len(self.y) == n == len(self.metadata),
            f"X has {n} windows, y {len(self.y)}, metadata {len(self.metadata)}. They must agree.",
        )
        check(
            len(self.names) == self.X.shape[1],
            f"names has {len(self.names)} entries for {self.X.shape[1]} columns of X. They must agree.",
        )
        check(
            n == 0 or (np.min(self.y) >= 0 and np.max(self.y) < len(self.classes)),
            f"y runs from {np.min(self.y, initial=0)} to {np.max(self.y, initial=0)} for {len(self.classes)} "
            "classes. Expected an index into classes.",
        )
        absent = [c for c in METADATA if c not in self.metadata]
        check(not absent, f"metadata lacks {', '.join(absent)}. Expected: {', '.join(METADATA)}.")

    def __len__(self) -> int:
        return len(self.X)

    @property
    def is_signal(self) -> bool:
        """Whether X holds signals rather than features."""
        return self.X.ndim == 3

    @property
    def shape(self) -> tuple[int, ...]:
        """Shape of one window."""
        return tuple(self.X.shape[1:])

    @property
    def subjects(self) -> list[str]:
        """The people, sorted by name with numbers in order."""
        return natural_sorted(self.metadata["subject"].unique())

    def counts(self) -> pd.DataFrame:
        """Windows per subject and class."""
        labels = pd.Categorical.from_codes(self.y, categories=list(self.classes))
        return pd.crosstab(self.metadata["subject"].to_numpy(), labels, dropna=False).rename_axis(
            index="subject", columns="class"
        )

    def take(self, rows: np.ndarray) -> Windows:
        """Return the windows of ``rows`` (indices or a mask)."""
        rows = np.asarray(rows)
        rows = np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)
        return replace(
            self, X=self.X[rows], y=self.y[rows], metadata=self.metadata.iloc[rows].reset_index(drop=True)
        )

    def with_features(self, X: np.ndarray, names: Sequence[str], step: str, **changes: Any) -> Windows:
        """Return features ``X`` of the same windows, ``step`` added to the history."""
        return replace(self, X=X, names=tuple(names), sfreq=None, history=(*self.history, step), **changes)

    def digest(self) -> str:
        """Content hash of signals, labels and origin: two equal digests are the same data."""
        state = hashlib.sha256()
        state.update(np.ascontiguousarray(self.X).view(np.uint8).data)
        state.update(np.ascontiguousarray(self.y).view(np.uint8).data)
        state.update("\n".join(self.metadata["uid"]).encode())
        state.update(repr((self.classes, self.names, self.sfreq)).encode())
        return state.hexdigest()[:16]

    def __repr__(self) -> str:
        what = "signals" if self.is_signal else "features"
        return (
            f"<Windows: {len(self)} {self.modality} {what} of shape {self.shape}, "
            f"{len(self.subjects)} subjects, classes {', '.join(self.classes)}>"
        )

    def _repr_html_(self) -> str:
        facts = {
            "windows": f"{len(self)} ({self.modality}, {'signals' if self.is_signal else 'features'})",
            "shape": " x ".join(map(str, self.shape)),
            "subjects": ", ".join(self.subjects),
            "history": " > ".join(self.history),
        }
        return html_table(facts) + self.counts().to_html()


def _origin(windows: Windows) -> str:
    return str(windows.metadata["recording"].iloc[0]) if len(windows) else "no recording"


def concatenate(parts: Iterable[Windows]) -> Windows:
    """Join windows of one kind.

    Raises
    ------
    BiotransferError
        When sampling rate, columns, shape, classes or modality differ.
    """
    parts = list(parts)
    check(parts, "parts=[] is empty. Pass at least one Windows.")
    first = parts[0]
    for other in parts[1:]:
        for what in ("sfreq", "names", "shape", "classes", "modality"):
            here, there = getattr(first, what), getattr(other, what)
            check(
                here == there,
                f"{what}={there!r} for {_origin(other)!r} but {here!r} for {_origin(first)!r}: "
                f"windows of one network need one {what}."
                + (" Call preprocess(..., sfreq=...)." if what == "sfreq" else ""),
            )
    return replace(
        first,
        X=np.concatenate([p.X for p in parts]),
        y=np.concatenate([p.y for p in parts]),
        metadata=pd.concat([p.metadata for p in parts], ignore_index=True),
    )


def cut_windows(
    recordings: Recording | Sequence[Recording],
    *,
    length: float = 1.0,
    step: float = 0.5,
    by: str = "samples",
    n_times: int | None = None,
    min_length: float | None = None,
    dtype: str = "float32",
) -> Windows:
    """Cut labelled windows; none crosses a file, a gap, an edge or the border of a label.

    Parameters
    ----------
    recordings : Recording or sequence of Recording
        Signals with labels, of one modality, sampling rate and list of classes.
    length, step : float
        Length of a window and distance between starts, in s.
    by : {"samples", "timestamps"}
        Count samples, or go by the device's time stamps as the published feature script does.
    n_times : int, optional
        Resample every window to this many samples (FFT); needed by="timestamps", whose windows differ.
    min_length : float, optional
        With by="timestamps": stop at the first window shorter than this, in s. Default 0.9 times length.
    dtype : {"float32", "float64"}
        Precision of X.

    Returns
    -------
    Windows
        X of shape (n_windows, n_chans, n_times), in V.

    Raises
    ------
    BiotransferError
        When nothing can be cut, a class gets no window, rates or channels differ, or an argument is off.

    Examples
    --------
    >>> from biotransfer.simulate import simulate_pair
    >>> eeg, emg = simulate_pair(n_subjects=1, seed=0)
    >>> cut_windows(eeg, length=1.0, step=0.5).is_signal
    True
    """
    recordings = [recordings] if isinstance(recordings, Recording) else list(recordings)
    classes = check_same_classes(recordings)
    check(length > 0, f"length={length} s is not positive. Try length=1.0.")
    check(step > 0, f"step={step} s is not positive. Try step=0.5.")
    check_option("by", by, CUT_RULES)
    check_option("dtype", dtype, ("float32", "float64"))
    check(
        by == "samples" or n_times is not None,
        "by='timestamps' gives windows of unequal size. Pass n_times=150, as the published script does.",
    )
    check(
        n_times is None or (isinstance(n_times, (int, np.integer)) and n_times >= 2),
        f"n_times={n_times!r} is no number of samples. Expected 2 or more, such as n_times=150.",
    )
    check(
        min_length is None or (by == "timestamps" and 0 < min_length <= length),
        f"min_length={min_length} s with by={by!r} and length={length} s. It goes with by='timestamps' and "
        f"lies above 0 and up to length. Leave it out, or use min_length={0.9 * length:g}.",
    )
    parts = []
    for recording in recordings:
        pieces = (
            _cut_by_timestamps(recording, length, step, min_length)
            if by == "timestamps"
            else _cut_by_samples(recording, length, step)
        )
        rate = recording.sfreq
        if n_times is not None:
            seconds = length if by == "timestamps" else round(length * rate) / rate
            rate = n_times / seconds
        history = f"windows {length:g} s every {step:g} s by {by}"
        part = _assemble(recording, pieces, n_times, rate, dtype, history)
        if part is not None:
            parts.append(part)
    check(
        parts,
        f"length={length} s leaves no window in {len(recordings)} recordings of {recordings[0].dataset!r}: "
        f"the longest labelled stretch lasts {max(_longest_stretch(r) for r in recordings):.2f} s. "
        "Choose a shorter length.",
    )
    windows = concatenate(parts)
    twice = windows.metadata["uid"].duplicated()
    check(
        not twice.any(),
        f"recordings: {int(twice.sum())} windows stand twice, first "
        f"{windows.metadata['uid'][int(np.argmax(twice))]!r}. Expected another subject, session or run for "
        "every recording. Rename them, or pass each recording once.",
    )
    empty = [c for i, c in enumerate(classes) if not np.any(windows.y == i)]
    check(
        not empty,
        f"classes {', '.join(empty)} of {recordings[0].dataset!r} have no window of {length} s. "
        "Choose a shorter length, or leave them out with classes=[...].",
    )
    return windows


@dataclass(frozen=True)
class _Piece:
    """A stretch of samples that becomes one window."""

    first: int
    last: int
    start: float
    stop: float
    label: int
    run: str
    source_file: str


def _stretches(recording: Recording) -> list[tuple[int, int, int, str, str]]:
    """Labelled stretches free of BAD and EDGE: (first sample, end sample, label, run, source file)."""
    spans = annotation_spans(recording.raw)
    cuts = np.array(sorted((s.first, s.last) for s in spans if s.is_boundary), dtype=np.int64).reshape(-1, 2)
    labelled = sorted(
        (s for s in spans if s.description in recording.classes and s.last > s.first), key=lambda s: s[:2]
    )
    for one, other in itertools.pairwise(labelled):
        check(
            other.first >= one.last - 1,
            f"labels {one.description!r} and {other.description!r} of {recording.uid!r} overlap from "
            f"{other.first / recording.sfreq:.3f} to {min(one.last, other.last) / recording.sfreq:.3f} s. "
            "Expected one label at a time. Remove one of the annotations.",
        )
    out = []
    for span in labelled:
        run = str(span.extras.get("run", recording.run))
        source = str(span.extras.get("source_file", recording.source_file))
        label, position = recording.classes.index(span.description), span.first
        inside = cuts[(cuts[:, 0] < span.last) & (cuts[:, 1] > span.first)]
        for first, last in [*inside.tolist(), (span.last, span.last)]:
            if first > position:
                out.append((position, first, label, run, source))
            position = max(position, last)
    return out


def _longest_stretch(recording: Recording) -> float:
    return max(((e - b) / recording.sfreq for b, e, *_ in _stretches(recording)), default=0.0)


def _cut_by_samples(recording: Recording, length: float, step: float) -> list[_Piece]:
    sfreq = recording.sfreq
    size, hop = round(length * sfreq), round(step * sfreq)
    check(
        size >= 2 and hop >= 1,
        f"length={length} s, step={step} s are {size} and {hop} samples at {sfreq:g} Hz. Choose longer ones.",
    )
    return [
        _Piece(i, i + size, i / sfreq, (i + size) / sfreq, label, run, source)
        for begin, end, label, run, source in _stretches(recording)
        for i in range(begin, end - size + 1, hop)
    ]


def _cut_by_timestamps(
    recording: Recording, length: float, step: float, min_length: float | None
) -> list[_Piece]:
    """Cut as the published script does: from the last sample with t <= t0 up to, not including, the last one
    with t <= t0 + length; stop at the first window shorter than ``min_length``.

    Source: EEG_feature_extraction.py of doi:10.1109/IS.2018.8710576, get_time_slice.
    """
    times = recording.timestamps
    if times is None:
        raise BiotransferError(
            f"by='timestamps' but {recording.uid!r} has no time stamps (the data set gives none, or the "
            "signal was resampled). Use by='samples'."
        )
    stretches = _stretches(recording)
    labels = {label for _, _, label, _, _ in stretches}
    check(
        len(labels) == 1,
        f"by='timestamps' needs one label per recording; {recording.uid!r} has {len(labels)}. "
        "Use by='samples'.",
    )
    label, run, source = stretches[0][2:]
    shortest = 0.9 * length if min_length is None else min_length
    pieces: list[_Piece] = []
    offset = 0.0
    while True:
        begin = times[0] + offset
        first = int(np.searchsorted(times, begin, side="right")) - 1
        last = int(np.searchsorted(times, begin + length, side="right")) - 1
        if times[last] - times[first] < shortest:
            return pieces
        pieces.append(
            _Piece(first, last, times[first] - times[0], times[last] - times[0], label, run, source)
        )
        offset += step


def _assemble(
    recording: Recording, pieces: list[_Piece], n_times: int | None, sfreq: float, dtype: str, step_name: str
) -> Windows | None:
    if not pieces:
        return None
    data = recording.raw.get_data(picks=recording.picks)
    if n_times is None:
        starts = np.array([p.first for p in pieces])
        size = pieces[0].last - pieces[0].first
        X = np.lib.stride_tricks.sliding_window_view(data, size, axis=1)[:, starts].swapaxes(0, 1)
    else:
        from scipy.signal import resample

        sizes = np.array([p.last - p.first for p in pieces])
        X = np.empty((len(pieces), len(data), n_times))
        for size in np.unique(sizes):
            alike = np.flatnonzero(sizes == size)
            X[alike] = resample(
                np.stack([data[:, pieces[i].first : pieces[i].last] for i in alike]), n_times, axis=-1
            )
        step_name += f", resampled to {n_times} samples"
    base = f"{recording.dataset}/sub-{recording.subject}/ses-{recording.session}"
    units = [f"{base}/run-{p.run}" for p in pieces]
    metadata = pd.DataFrame(
        {
            "uid": [f"{u}@{p.start:.4f}" for u, p in zip(units, pieces, strict=True)],
            "dataset": recording.dataset,
            "subject": recording.subject,
            "session": recording.session,
            "run": [p.run for p in pieces],
            "recording": units,
            "start": [p.start for p in pieces],
            "stop": [p.stop for p in pieces],
            "source_file": [p.source_file for p in pieces],
        }
    )
    return Windows(
        X=np.ascontiguousarray(X, dtype=dtype),
        y=np.array([p.label for p in pieces], dtype=np.int64),
        metadata=metadata,
        classes=recording.classes,
        names=tuple(recording.ch_names),
        modality=recording.modality,
        sfreq=round(sfreq, 6),
        history=(step_name,),
    )


def to_epochs(windows: Windows) -> Any:
    """Return signals as :class:`mne.EpochsArray` with the metadata attached.

    Raises
    ------
    BiotransferError
        When the windows are features.
    """
    import mne

    check(windows.is_signal, "to_epochs needs signals, these are features. Pass the windows before features.")
    info = mne.create_info(list(windows.names), windows.sfreq, windows.modality)
    events = np.column_stack([np.arange(len(windows)), np.zeros(len(windows), int), windows.y])
    return mne.EpochsArray(
        windows.X.astype(np.float64),
        info,
        events=events,
        event_id={c: i for i, c in enumerate(windows.classes) if np.any(windows.y == i)},
        metadata=windows.metadata.assign(label=[windows.classes[i] for i in windows.y]),
        verbose="error",
    )


def from_epochs(
    epochs: Any, *, subject: str, modality: str, dataset: str = "epochs", session: str = "1"
) -> Windows:
    """Turn :class:`mne.Epochs` into Windows; each epoch is its own recording, its event name the label.

    Parameters
    ----------
    epochs : mne.BaseEpochs
        Epochs in V; ``event_id`` names the classes.
    subject, session, dataset : str
        Who was recorded; ``metadata`` columns of these names win when present.
    modality : {"eeg", "emg"}
        Which channels to take.
    """
    import mne

    check_option("modality", modality, MODALITIES)
    kinds = {modality: True}
    picks = mne.pick_types(epochs.info, meg=False, **kinds, exclude="bads")
    check(
        len(picks) > 0,
        f"modality={modality!r} but the epochs have no good channel of it, only "
        f"{', '.join(sorted(set(epochs.get_channel_types())))}. Call epochs.set_channel_types(...).",
    )
    data = epochs.get_data(picks=picks)
    check(np.isfinite(data).all(), "epochs hold NaN or infinite values. Drop those epochs first.")
    classes = tuple(epochs.event_id)
    codes = {code: i for i, code in enumerate(epochs.event_id.values())}
    given = epochs.metadata if epochs.metadata is not None else pd.DataFrame(index=range(len(data)))
    n = np.arange(len(data))
    table = pd.DataFrame({"dataset": dataset, "subject": subject, "session": session}, index=n)
    for column in ("dataset", "subject", "session"):
        if column in given:
            table[column] = given[column].astype(str).to_numpy()
    table["run"] = [str(i) for i in n]
    if "run" in given:
        table["run"] = given["run"].astype(str).to_numpy()
    table["recording"] = (
        table["dataset"] + "/sub-" + table["subject"] + "/ses-" + table["session"] + "/run-" + table["run"]
    )
    table["start"] = (
        given["start"].to_numpy() if "start" in given else epochs.events[:, 0] / epochs.info["sfreq"]
    )
    table["stop"] = table["start"] + data.shape[2] / epochs.info["sfreq"]
    table["source_file"] = given["source_file"].to_numpy() if "source_file" in given else ""
    table["uid"] = table["recording"] + "@" + table["start"].map("{:.4f}".format)
    return Windows(
        X=data.astype(np.float32),
        y=np.array([codes[c] for c in epochs.events[:, 2]], dtype=np.int64),
        metadata=table[list(METADATA)],
        classes=classes,
        names=tuple(epochs.ch_names[i] for i in picks),
        modality=modality,
        sfreq=float(epochs.info["sfreq"]),
        history=("mne.Epochs",),
    )
