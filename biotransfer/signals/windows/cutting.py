"""From recordings to windows: by counting samples, or by the time stamps of the device."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import BiotransferError, check, check_option, for_each, one_or_many
from ...settings import Reader, Settings, UnexpectedError, group, key, maybe, number, option, whole
from ..recording import FROM_RAWS, Recording, check_same_channels, check_same_classes
from .container import Windows, concatenate
from .levels import level, say_levels
from .piece import Piece
from .rejection import Reject, rejected, say_rejection
from .stretches import empty_classes, labelled_stretches
from .view import SignalView

CUT_RULES = ("samples", "timestamps")
PRECISIONS = ("float32", "float64")


def _span() -> Reader:
    def accept(_: str, given: Any) -> tuple[float, ...]:
        if not isinstance(given, (list, tuple)) or len(given) != 2:
            raise UnexpectedError
        return tuple(number().accepts("", value) for value in given)

    return Reader("two numbers of seconds, [from, to]", accept)


@dataclass(frozen=True)
class Cutting(Settings):
    """How windows are cut, see :func:`cut_windows`."""

    SECTION = "windows"

    length: float = key("Length of a window, in s.", number(above=0, unit="seconds"), 1.0)
    step: float = key("Distance between the starts of windows, in s.", number(above=0, unit="seconds"), 0.5)
    by: str = key(
        "Count samples, or go by the device's time stamps as the published feature script does.",
        option(CUT_RULES),
        "samples",
    )
    n_times: int | None = key(
        "Samples that every window is resampled to; needed by: timestamps, whose windows differ.",
        maybe(whole(2)),
        None,
    )
    min_length: float | None = key(
        "By time stamps: the first window shorter than this ends a recording, in s; 0.9 times length when "
        "left out.",
        maybe(number(above=0, unit="seconds")),
        None,
    )
    detrend: int | None = key(
        "Order of the polynomial that is taken out of every window: 0 its mean, 1 a straight line.",
        maybe(whole(0, 10)),
        None,
    )
    baseline: tuple[float, ...] | None = key(
        "Part of every window whose mean is taken out of all of it, [from, to] in s from its start.",
        maybe(_span()),
        None,
    )
    reject: Reject | None = key(
        "Which windows are rejected for their amplitude: auto, autoreject, a range in microvolt, or above, "
        "factor and flat; none when left out.",
        maybe(group(Reject)),
        None,
    )

    def agree(self) -> None:
        """Refuse windows of unequal size, and a shortest window that nothing asks for."""
        check(
            self.by == "samples" or self.n_times is not None,
            "windows.by='timestamps' gives windows of unequal size. Give n_times=150, as the published "
            "script does.",
        )
        check(
            self.min_length is None or (self.by == "timestamps" and self.min_length <= self.length),
            f"windows.min_length={self.min_length} s with by={self.by!r} and length={self.length} s. It goes "
            f"with by='timestamps' and is no more than length. Leave it out, or use {0.9 * self.length:g}.",
        )
        check(
            self.baseline is None or 0 <= self.baseline[0] < self.baseline[1] <= self.length,
            f"windows.baseline={list(self.baseline or ())} s does not lie in a window of {self.length:g} s. "
            f"Expected [from, to] inside of it, such as [0, {self.length / 5:g}].",
        )


def cut_windows(
    recordings: Recording | Sequence[Recording],
    *,
    length: float = Cutting.length,
    step: float = Cutting.step,
    by: str = Cutting.by,
    n_times: int | None = Cutting.n_times,
    min_length: float | None = Cutting.min_length,
    detrend: int | None = None,
    baseline: Sequence[float] | None = None,
    reject: str | float | Mapping[str, Any] | Reject | None = None,
    dtype: str = "float32",
    copy: bool = True,
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
    detrend : int, optional
        Order of the polynomial that is taken out of every window: 0 its mean, 1 a straight line.
    baseline : sequence of two floats, optional
        Part of every window whose mean is taken out of all of it, (from, to) in s from its start.
    reject : str, float, mapping or Reject, optional
        Windows that are rejected for their amplitude: "auto" (a robust rule in every recording),
        "autoreject", a range in microvolt, or ``{"above": ..., "factor": ..., "flat": ...}``.
    dtype : {"float32", "float64"}
        Precision of X.
    copy : bool
        False: X is a :class:`~biotransfer.signals.windows.view.SignalView`, windows are copied out of one
        array of all recordings when they are asked for, and an overlap costs no memory.

    Returns
    -------
    Windows
        X of shape (n_windows, n_chans, n_times), in V.

    Raises
    ------
    BiotransferError
        When nothing can be cut, a class gets no window, rates or channels differ, or an argument is off; of
        many, the recording is named.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_pair
    >>> eeg, emg = simulate_pair(n_subjects=1, seed=0)
    >>> cut_windows(eeg, length=1.0, step=0.5).is_signal
    True
    """
    recordings = one_or_many("recordings", recordings, Recording, FROM_RAWS)
    check_same_classes(recordings)
    check_same_channels(recordings)
    asked = {"detrend": detrend, "baseline": baseline, "reject": reject}
    cutting = Cutting.read(
        {"length": length, "step": step, "by": by, "n_times": n_times, "min_length": min_length, **asked}
    )
    check_option("dtype", dtype, PRECISIONS)
    check(
        copy or (n_times is None and detrend is None and baseline is None),
        f"copy=False with n_times={n_times}, detrend={detrend}, baseline={baseline}: windows that are "
        "changed are no piece of their recording. Leave these out, or pass copy=True.",
    )
    signal = None if copy else _Joined(recordings, dtype)
    cut = for_each(
        "recordings", recordings, lambda recording: cut_recording(recording, cutting, dtype, signal)
    )
    parts = [part for part in cut if part is not None]
    if not parts:
        raise nothing_left(recordings, recordings[0].classes, cutting)
    windows = concatenate(parts)
    check_cut(windows, recordings, cutting)
    return windows


def nothing_left(recordings: Iterable[Recording], names: Sequence[str], cutting: Cutting) -> BiotransferError:
    """Return the error for classes without a window: all of them rejected, or as :func:`.empty_classes`."""
    recordings = list(recordings)
    if cutting.reject is not None:
        lost = {recording.classes.index(name) for recording in recordings[:1] for name in names}
        found = [piece for r in recordings for piece in window_pieces(r, cutting) if piece.label in lost]
        if found:
            return BiotransferError(
                f"windows.reject={cutting.reject.plain()} rejects all {len(found)} windows of "
                f"{', '.join(names)}. Expected some of every class. Loosen it: a larger factor or above, "
                "flat: null, or leave reject out."
            )
    return empty_classes(recordings, names, cutting.length)


def check_cut(windows: Windows, recordings: Iterable[Recording], cutting: Cutting) -> None:
    """Refuse windows of which two are one, or of whose classes one is empty.

    Parameters
    ----------
    windows : Windows
        All that was cut.
    recordings : iterable of Recording
        What it was cut from; looked at where a class is empty.
    cutting : Cutting
        How.

    Raises
    ------
    BiotransferError
        With the windows, or with the classes and why each is empty.
    """
    twice = windows.metadata["uid"].duplicated()
    check(
        not twice.any(),
        f"recordings: {int(twice.sum())} windows stand twice, first "
        f"{windows.metadata['uid'][int(np.argmax(twice))]!r}. Expected another subject, session or run for "
        "every recording. Rename them, or pass each recording once.",
    )
    found = np.bincount(windows.y, minlength=len(windows.classes))
    empty = [name for name, n in zip(windows.classes, found, strict=True) if n == 0]
    if empty:
        raise nothing_left(recordings, empty, cutting)


class _Joined:
    """Recordings one after the other in one array, filled as they are cut."""

    def __init__(self, recordings: Sequence[Recording], dtype: str) -> None:
        total = sum(recording.raw.n_times for recording in recordings)
        self.signal = np.empty((len(recordings[0].picks), total), dtype)
        self._filled = 0

    def view(self, data: np.ndarray, starts: np.ndarray, size: int) -> SignalView:
        """Add a recording's data and return its windows."""
        begin, self._filled = self._filled, self._filled + data.shape[1]
        self.signal[:, begin : self._filled] = data
        return SignalView(self.signal, starts + begin, size)


def cut_recording(
    recording: Recording, cutting: Cutting, dtype: str = "float32", signal: _Joined | None = None
) -> Windows | None:
    """Cut the windows of one recording, whichever of its classes it holds; None where there is none.

    Parameters
    ----------
    recording : Recording
        Signal with labels.
    cutting : Cutting
        How.
    dtype : {"float32", "float64"}
        Precision of X.
    signal : optional
        What the windows become views of; their own array when left out.
    """
    pieces = kept_pieces(recording, cutting)
    rate = recording.sfreq
    if cutting.n_times is not None:
        seconds = cutting.length if cutting.by == "timestamps" else round(cutting.length * rate) / rate
        rate = cutting.n_times / seconds
    windows = _assemble(recording, pieces, cutting.n_times, rate, dtype, say_cutting(cutting), signal)
    return None if windows is None else level(windows, cutting.detrend, cutting.baseline)


def say_cutting(cutting: Cutting) -> str:
    """Return how windows were cut, for their history."""
    text = f"windows {cutting.length:g} s every {cutting.step:g} s by {cutting.by}"
    return "; ".join([text, *say_choices(cutting)])


def say_choices(cutting: Cutting) -> list[str]:
    """Return what was done to windows beside cutting them, one phrase each."""
    said = [] if cutting.reject is None else [say_rejection(cutting.reject)]
    return said + say_levels(cutting.detrend, cutting.baseline)


def window_pieces(recording: Recording, cutting: Cutting) -> list[Piece]:
    """Return the samples of every window of one recording.

    Raises
    ------
    BiotransferError
        When labels overlap, a window is shorter than two samples, or time stamps are asked for and not there.
    """
    if cutting.by == "timestamps":
        return _cut_by_timestamps(recording, cutting.length, cutting.step, cutting.min_length)
    return _cut_by_samples(recording, cutting.length, cutting.step)


def kept_pieces(recording: Recording, cutting: Cutting) -> list[Piece]:
    """Return the samples of every window of one recording that is not rejected."""
    pieces = window_pieces(recording, cutting)
    if cutting.reject is None or not pieces:
        return pieces
    out = rejected(recording, pieces, cutting.reject)
    return [piece for piece, is_out in zip(pieces, out, strict=True) if not is_out]


def kept_uids(recording: Recording, cutting: Cutting) -> set[str] | None:
    """Return the names of the windows that are not rejected; None where nothing is asked for."""
    if cutting.reject is None:
        return None
    return {uid_of(recording, piece) for piece in kept_pieces(recording, cutting)}


def unit_of(recording: Recording, piece: Piece) -> str:
    """Return the name of what no window crosses: a run of a recording."""
    return f"{recording.dataset}/sub-{recording.subject}/ses-{recording.session}/run-{piece.run}"


def uid_of(recording: Recording, piece: Piece) -> str:
    """Return the name of a window."""
    return f"{unit_of(recording, piece)}@{piece.at:.4f}"


def _cut_by_samples(recording: Recording, length: float, step: float) -> list[Piece]:
    sfreq = recording.sfreq
    size, hop = round(length * sfreq), round(step * sfreq)
    check(
        size >= 2 and hop >= 1,
        f"length={length} s, step={step} s are {size} and {hop} samples at {sfreq:g} Hz. Choose longer ones.",
    )
    return [
        Piece(i / sfreq, i, i + size, i / sfreq, (i + size) / sfreq, label, run, source)
        for begin, end, label, run, source in labelled_stretches(recording)
        for i in range(begin, end - size + 1, hop)
    ]


def _cut_by_timestamps(
    recording: Recording, length: float, step: float, min_length: float | None
) -> list[Piece]:
    """Cut as the published script does.

    A window runs from the last sample with t <= t0 up to, not including, the last one with t <= t0 + length;
    the first window shorter than ``min_length`` ends it.

    Source: EEG_feature_extraction.py of doi:10.1109/IS.2018.8710576, get_time_slice.
    """
    times = recording.timestamps
    if times is None:
        raise BiotransferError(
            f"by='timestamps' but {recording.uid!r} has no time stamps (the data set gives none, or the "
            "signal was resampled). Use by='samples'."
        )
    stretches = labelled_stretches(recording)
    labels = {label for _, _, label, _, _ in stretches}
    check(
        len(labels) == 1,
        f"by='timestamps' needs one label per recording; {recording.uid!r} has {len(labels)}. "
        "Use by='samples'.",
    )
    label, run, source = stretches[0][2:]
    shortest = 0.9 * length if min_length is None else min_length
    most = max(0, int((times[-1] - times[0]) / step)) + 2
    offsets = np.add.accumulate(np.r_[0.0, np.full(most, step)])  # one after the other, as the script adds
    first, last = (
        np.searchsorted(times, times[0] + offsets + further, side="right") - 1 for further in (0.0, length)
    )
    n = int(np.argmax(times[last] - times[first] < shortest))
    starts, stops = times[first[:n]] - times[0], times[last[:n]] - times[0]
    columns = (part.tolist() for part in (offsets[:n], first[:n], last[:n], starts, stops))
    return [
        Piece(at, begin, end, start, stop, label, run, source)
        for at, begin, end, start, stop in zip(*columns, strict=True)
    ]


def _assemble(
    recording: Recording,
    pieces: list[Piece],
    n_times: int | None,
    sfreq: float,
    dtype: str,
    step_name: str,
    signal: _Joined | None,
) -> Windows | None:
    if not pieces:
        return None
    data = recording.raw.get_data(picks=recording.picks)
    X: Any
    if signal is not None:
        X = signal.view(data, np.array([p.first for p in pieces]), pieces[0].last - pieces[0].first)
    elif n_times is None:
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
    units = [unit_of(recording, p) for p in pieces]
    metadata = pd.DataFrame(
        {
            "uid": [uid_of(recording, p) for p in pieces],
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
        X=X if signal is not None else np.ascontiguousarray(X, dtype=dtype),
        y=np.array([p.label for p in pieces], dtype=np.int64),
        metadata=metadata,
        classes=recording.classes,
        names=tuple(recording.ch_names),
        modality=recording.modality,
        sfreq=round(sfreq, 6),
        history=(step_name,),
    )
