"""The container: signals or features with labels and origin."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import BiotransferError, check, check_option
from ...showing import html_table, one_line, with_picture
from ..recording import natural_sorted
from .columns import Column
from .view import SignalView

METADATA = ("uid", "dataset", "subject", "session", "run", "recording", "start", "stop", "source_file")
UNITS = ("V", "none")
_DIGEST_ROWS = 1 << 14


@dataclass(frozen=True, eq=False)
class Windows:
    """Labelled windows of one modality.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_chans, n_times) in ``unit``, or (n_windows, n_features); float32, float64
        Signals or features; a :class:`~biotransfer.signals.windows.view.SignalView` of signals where
        cut_windows was told not to copy.
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
    columns : mapping of str to Column
        Of features, by name: statistic, channels and unit. Names that are no key say it themselves.
    unit : {"V", "none"}
        Of signals. "none" says that the values have no unit, such as z-scored ones: ``dataclasses.replace(
        windows, X=z, unit="none")``. Then nothing judges their amplitude.
    """

    X: np.ndarray
    y: np.ndarray
    metadata: pd.DataFrame
    classes: tuple[str, ...]
    names: tuple[str, ...]
    modality: str
    sfreq: float | None = None
    history: tuple[str, ...] = ()
    columns: Mapping[str, Column] = field(default_factory=dict)
    unit: str = "V"

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
        check_option("unit", self.unit, UNITS)
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

    def pick(self, names: Sequence[str]) -> Windows:
        """Return the columns (channels or features) of these names, in this order.

        Raises
        ------
        BiotransferError
            For a name that there is not.
        """
        places = {name: i for i, name in enumerate(self.names)}
        for name in names:
            check_option("names", name, places)
        return replace(self, X=self.X[:, [places[n] for n in names]], names=tuple(names))

    def with_features(
        self, X: np.ndarray, names: Sequence[str | Column], step: str, **changes: Any
    ) -> Windows:
        """Return features ``X`` of the same windows, ``step`` added to the history; columns have names."""
        columns = {one.name: one for one in names if isinstance(one, Column)}
        known = tuple(one.name if isinstance(one, Column) else one for one in names)
        changes = {"columns": columns, **changes}
        return replace(self, X=X, names=known, sfreq=None, history=(*self.history, step), **changes)

    def to_frame(self) -> pd.DataFrame:
        """Return a table, its columns the metadata, ``label``, and features or channels.

        Returns
        -------
        DataFrame
            Of features: one row per window. Of signals: one row per window and sample, as
            :meth:`mne.Epochs.to_data_frame` has it, with ``window`` (its number), ``time`` (in s from its
            start) and one column per channel in V; that is the number of windows times their length.

        Raises
        ------
        BiotransferError
            When a feature or channel has the name of another column.

        Examples
        --------
        >>> from biotransfer.signals.features import extract_features
        >>> from biotransfer.signals.simulate import simulate_emg
        >>> from biotransfer.signals.windows import cut_windows
        >>> windows = cut_windows(simulate_emg(n_subjects=1, seed=0)).take(np.arange(3))
        >>> windows.to_frame().groupby("window")["EMG1"].std().shape
        (3,)
        >>> extract_features(windows, "time_domain").to_frame()["label"].nunique()
        1
        """
        n_times = self.shape[1] if self.is_signal else 1
        own = {"window": np.arange(len(self)), "time": 0.0} if self.is_signal else {}
        taken = [name for name in self.names if name in {*self.metadata, *own, "label"}]
        check(
            not taken,
            f"names hold {', '.join(taken)}, which a table of windows has as another column. Rename them: "
            "dataclasses.replace(windows, names=...).",
        )
        rows = np.repeat(np.arange(len(self)), n_times)
        labels = pd.Categorical.from_codes(self.y, categories=list(self.classes))
        about = self.metadata.reset_index(drop=True).assign(**own, label=labels)
        if self.is_signal:
            texts = {name: "category" for name in about if not pd.api.types.is_numeric_dtype(about[name])}
            about = about.astype(texts).iloc[rows].reset_index(drop=True)
            about["time"] = np.tile(np.arange(n_times) / float(self.sfreq or 1.0), len(self))
        values = np.asarray(self.X)
        values = values.transpose(0, 2, 1).reshape(-1, len(self.names)) if self.is_signal else values
        return pd.concat([about, pd.DataFrame(values, columns=list(self.names))], axis=1)

    @property
    def units(self) -> tuple[str, ...]:
        """The unit of every channel or feature; "" where there is none, or a feature does not say it."""
        if self.is_signal:
            return ("V" if self.unit == "V" else "",) * len(self.names)
        return tuple(self.columns[name].unit if name in self.columns else "" for name in self.names)

    def digest(self) -> str:
        """Content hash of signals, labels and origin: two equal digests are the same data."""
        state = hashlib.sha256()
        for begin in range(0, len(self), _DIGEST_ROWS):
            state.update(np.ascontiguousarray(self.X[begin : begin + _DIGEST_ROWS]).view(np.uint8).data)
        state.update(np.ascontiguousarray(self.y).view(np.uint8).data)
        uids = self.metadata["uid"]
        for begin in range(0, len(self), _DIGEST_ROWS):
            text = "\n".join(uids.iloc[begin : begin + _DIGEST_ROWS])
            state.update((text if begin == 0 else "\n" + text).encode())
        unit = () if self.unit == "V" else (self.unit,)
        state.update(repr((self.classes, self.names, self.sfreq, *unit)).encode())
        return state.hexdigest()[:16]

    def __repr__(self) -> str:
        what = "signals" if self.is_signal else "features"
        return one_line(
            f"Windows: {len(self)} {self.modality} {what} of shape {self.shape}, "
            f"{len(self.subjects)} subjects, classes {', '.join(self.classes)}"
        )

    def _repr_html_(self) -> str:
        facts = {
            "windows": f"{len(self)} ({self.modality}, {'signals' if self.is_signal else 'features'})",
            "shape": " x ".join(map(str, self.shape)),
            "subjects": ", ".join(self.subjects),
            "history": " > ".join(self.history),
        }
        return with_picture(self, html_table(facts) + self.counts().to_html())


def _origin(windows: Windows) -> str:
    return str(windows.metadata["recording"].iloc[0]) if len(windows) else "no recording"


_ALIKE = {
    "sfreq": "one sampling rate. Write preprocess: {preset: eeg, sfreq: 128} in its data section. "
    "In Python: preprocess(..., sfreq=128).",
    "names": "the same channels or features in the same order. Cut them anew from recordings that agree.",
    "shape": "one length. Write one windows: {length: ...} or {n_times: ...} for both.",
    "classes": "one list of classes. Pass classes=[...] to both.",
    "modality": "one modality. Keep EEG and EMG apart.",
    "unit": "one unit. Scale all of them, or none.",
}


def check_alike(first: Windows, other: Windows) -> None:
    """Refuse windows that cannot stand in one array.

    Raises
    ------
    BiotransferError
        When sampling rate, columns, shape, classes, modality or unit differ, with what to type.
    """
    for what, wanted in _ALIKE.items():
        here, there = getattr(first, what), getattr(other, what)
        if here != there:
            raise BiotransferError(
                f"{what}={there!r} for {_origin(other)!r} but {here!r} for {_origin(first)!r}: windows of "
                f"one network need {wanted}"
            )


def _join(parts: Sequence[Any]) -> Any:
    """Join windows; views of one signal stay views of it."""
    first = parts[0]
    if all(isinstance(part, SignalView) and part.signal is first.signal for part in parts):
        return SignalView(first.signal, np.concatenate([part.starts for part in parts]), first.size)
    return np.concatenate([np.asarray(part) for part in parts])


def concatenate(parts: Iterable[Windows]) -> Windows:
    """Join windows of one kind.

    Raises
    ------
    BiotransferError
        When sampling rate, columns, shape, classes, modality or unit differ.
    """
    parts = list(parts)
    check(parts, "parts=[] is empty. Pass at least one Windows.")
    first = parts[0]
    for other in parts[1:]:
        check_alike(first, other)
    return replace(
        first,
        X=_join([p.X for p in parts]),
        y=np.concatenate([p.y for p in parts]),
        metadata=pd.concat([p.metadata for p in parts], ignore_index=True),
    )
