"""What makes a Recording valid: an MNE Raw in volts with typed channels, labels as annotations, and who.

A stretch that carries a label is an annotation whose description is the class. Its ``extras`` may override
``run`` and ``source_file`` when one Raw joins several files. Annotations whose description starts with
``BAD`` or ``EDGE`` mark what no window may touch; MNE's filters restart at ``EDGE`` too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import mne
import numpy as np

from ..errors import BiotransferError, check, check_option
from ..showing import html_table, one_line

MODALITIES = ("eeg", "emg")
FROM_RAWS = "Make recordings of MNE Raws: from_raws([raw], modality='eeg', classes=[...], subjects=['p01'])."
"""What to type where something else than recordings is given."""
VOLTS_PER_UNIT = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "nV": 1e-9}
EDGE = "EDGE boundary"
_LARGEST_VOLTS = 1.0  # scalp and skin potentials stay far below; more means a wrong unit


@dataclass(frozen=True, eq=False)
class Recording:
    """One person's signal with its labels.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Signal in V with channel types set; labels are annotations.
    modality : {"eeg", "emg"}
        Which channels are meant.
    dataset, subject, session, run : str
        Where it comes from, in the BIDS sense.
    classes : tuple of str
        Descriptions of the annotations that are labels, in class order.
    source_file : str
        The file, relative to the data set's folder; "" when there is none.
    timestamps : ndarray, shape (n_samples,), float64, in s, optional
        The device's own time stamps, for methods that cut by them.
    notes : tuple of str
        Defects noticed while loading, each a sentence that names the file.
    """

    raw: Any
    modality: str
    dataset: str
    subject: str
    classes: tuple[str, ...]
    session: str = "1"
    run: str = "1"
    source_file: str = ""
    timestamps: np.ndarray | None = None
    notes: tuple[str, ...] = field(default=())

    def __post_init__(self) -> None:
        check_recording(self)

    @property
    def uid(self) -> str:
        """``dataset/sub-S/ses-S/run-R``."""
        return f"{self.dataset}/sub-{self.subject}/ses-{self.session}/run-{self.run}"

    @property
    def picks(self) -> list[int]:
        """Indices of the good channels of this modality."""
        kinds = {self.modality: True}
        return list(mne.pick_types(self.raw.info, meg=False, **kinds, exclude="bads"))

    @property
    def ch_names(self) -> list[str]:
        """Names of the good channels of this modality."""
        return [self.raw.ch_names[i] for i in self.picks]

    @property
    def sfreq(self) -> float:
        """Sampling rate in Hz."""
        return float(self.raw.info["sfreq"])

    def with_raw(self, raw: Any, **changes: Any) -> Recording:
        """Return a copy around another Raw; time stamps are dropped when the samples are others."""
        if self.timestamps is not None and raw.n_times != len(self.timestamps):
            changes.setdefault("timestamps", None)
        return replace(self, raw=raw, **changes)

    def __repr__(self) -> str:
        return one_line(
            f"Recording {self.uid}: {self.modality}, {len(self.picks)} channels, {self.sfreq:g} Hz, "
            f"{self.raw.n_times / self.sfreq:.1f} s, classes {', '.join(self.classes)}"
        )

    def _repr_html_(self) -> str:
        facts = {
            "recording": self.uid,
            "modality": self.modality,
            "channels": ", ".join(self.ch_names),
            "sampling": f"{self.sfreq:g} Hz",
            "length": f"{self.raw.n_times / self.sfreq:.1f} s",
            "classes": ", ".join(self.classes),
            "noticed": "; ".join(self.notes) or "nothing",
        }
        return html_table(facts)


class Span(NamedTuple):
    """An annotation in samples of its Raw, ``first`` up to, not including, ``last``."""

    first: int
    last: int
    description: str
    extras: Mapping[str, Any]

    @property
    def is_boundary(self) -> bool:
        """Whether no window may touch it."""
        return self.description.upper().startswith(("BAD", "EDGE"))


def annotation_spans(raw: Any) -> list[Span]:
    """Return the annotations of a Raw in samples, clipped to the samples there are.

    Notes
    -----
    MNE counts onsets from ``first_samp``, with and without a measurement date.
    """
    sfreq, n_times, marks = float(raw.info["sfreq"]), raw.n_times, raw.annotations
    begins = marks.onset - raw.first_time
    first = np.clip(np.round(begins * sfreq), 0, n_times).astype(int)
    last = np.maximum(np.clip(np.round((begins + marks.duration) * sfreq), 0, n_times).astype(int), first)
    extras = marks.extras if getattr(marks, "extras", None) is not None else [None] * len(marks)
    return [
        Span(int(a), int(b), str(description), dict(own or {}))
        for a, b, description, own in zip(first, last, marks.description, extras, strict=True)
    ]


def natural_sorted(values: Iterable[str]) -> list[str]:
    """Sort names with their numbers in numeric order.

    Examples
    --------
    >>> natural_sorted(["S10", "S2", "a"])
    ['S2', 'S10', 'a']
    """

    def key(value: str) -> list[tuple[bool, int, str]]:
        parts = re.split(r"(\d+)", value)
        return [(not p.isdecimal(), int(p) if p.isdecimal() else 0, p) for p in parts if p]

    return sorted(values, key=key)


def check_recording(recording: Recording) -> None:
    """Refuse a recording that later steps could not trust.

    Raises
    ------
    BiotransferError
        Unknown modality, no channel of it, no samples, NaN or infinite samples (the channel named), an
        amplitude no electrode gives, no classes, time stamps that do not fit.
    """
    check_option("modality", recording.modality, MODALITIES)
    raw, name = recording.raw, recording.source_file or recording.uid
    times = recording.timestamps
    check(
        isinstance(raw, mne.io.BaseRaw),
        f"raw={type(raw).__name__} for {name!r} is no mne.io.Raw. Use from_arrays(...) for arrays.",
    )
    check(
        len(recording.picks) > 0,
        f"{name!r} has no good {recording.modality} channel: its types are "
        f"{sorted(set(raw.get_channel_types()))}. Call raw.set_channel_types(...) or pass another modality.",
    )
    check(len(recording.classes) > 0, f"{name!r} names no classes. Pass classes=[...], the labels to use.")
    check(raw.n_times > 0, f"{name!r} has no samples. Check the file.")
    check(
        times is None or len(times) == raw.n_times,
        f"timestamps has {0 if times is None else len(times)} entries for {raw.n_times} samples of {name!r}. "
        "Expected one per sample. Pass timestamps=None to go by samples.",
    )
    data = raw.get_data(picks=recording.picks)
    finite = np.isfinite(data)
    if not finite.all():
        channel = int(np.argmin(finite.all(axis=1)))
        sample = int(np.argmin(finite[channel]))
        raise BiotransferError(
            f"{name!r} has {int((~finite).sum())} NaN or infinite values, the first in channel "
            f"{recording.ch_names[channel]!r} at {sample / recording.sfreq:.3f} s. "
            "Interpolate or annotate and crop them, then load again."
        )
    largest = float(np.abs(data).max())
    check(
        largest < _LARGEST_VOLTS,
        f"{name!r} reaches {largest:.3g} V: the unit is wrong, MNE works in volts. "
        "Pass unit='uV' to from_arrays, or multiply by 1e-6.",
    )


def check_same_classes(recordings: Iterable[Recording]) -> tuple[str, ...]:
    """Return the classes of all recordings, refused when they differ.

    Raises
    ------
    BiotransferError
        When there is no recording or two of them declare different classes.
    """
    recordings = list(recordings)
    check(recordings, "recordings=[] is empty. Load at least one recording.")
    first = recordings[0]
    for other in recordings[1:]:
        check(
            other.classes == first.classes,
            f"classes={list(other.classes)} for {other.uid!r} but {list(first.classes)} for {first.uid!r}: "
            "windows of one network need one list of classes. Pass classes=[...] to both.",
        )
    return first.classes
