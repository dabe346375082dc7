"""What makes a Recording valid: an MNE Raw in volts with typed channels, labels as annotations, and who.

A stretch that carries a label is an annotation whose description is the class. Its ``extras`` may override
``run`` and ``source_file`` when one Raw joins several files; an ``EDGE`` may name the ``source_file`` that
begins there. Annotations whose description starts with
``BAD`` or ``EDGE`` mark what no window may touch; filters restart at ``EDGE`` too. EEGLAB's ``boundary`` and
BrainVision's ``New Segment/`` are such edges. Text that FIF files hold escaped (``&#20241;``) is read as what
was written.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

import mne
import numpy as np

from ..errors import BiotransferError, check, check_option
from ..showing import html_table, one_line, with_picture
from .amplitude import check_amplitude, check_largest

MODALITIES = ("eeg", "emg")
FROM_RAWS = "Make recordings of MNE Raws: from_raws([raw], modality='eeg', classes=[...], subjects=['p01'])."
"""What to type where something else than recordings is given."""
VOLTS_PER_UNIT = {"V": 1.0, "mV": 1e-3, "uV": 1e-6, "µV": 1e-6, "nV": 1e-9}
EDGE = "EDGE boundary"
_FORBIDDEN = ("BAD", "EDGE")
_FOREIGN_EDGES = re.compile(r"boundary|new segment/.*", re.IGNORECASE)
_ESCAPED = re.compile(r"&#(\d+);")
_DIGITS = 1000
_SLOWEST, _FASTEST = 1.0, 1e6  # Hz
_NEARLY = 1e-6  # of a sample: what is left of a duration that was computed


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
    derived : bool
        Whether the signal was made of another recording's: a filter may leave less than electrodes give.
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
    derived: bool = False

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
        return replace(self, raw=raw, **{"derived": True, **changes})

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
        return with_picture(self, html_table(facts))


class Span(NamedTuple):
    """An annotation in samples of its Raw, ``first`` up to, not including, ``last``."""

    first: int
    last: int
    description: str
    extras: Mapping[str, Any]

    @property
    def is_boundary(self) -> bool:
        """Whether no window may touch it."""
        return is_boundary(self.description)


def is_boundary(description: str) -> bool:
    """Whether an annotation of this name marks what no window may touch, in the words of MNE or of others."""
    return description.upper().startswith(_FORBIDDEN) or _FOREIGN_EDGES.fullmatch(description) is not None


def plain_text(description: str) -> str:
    """Return the text of an annotation as it was written, before FIF escaped what Latin-1 lacks.

    Examples
    --------
    >>> plain_text("&#20241;&#24687;")
    '休息'
    """
    return _ESCAPED.sub(lambda found: chr(int(found[1])), description)


def folded_name(name: str) -> str:
    """Return a name without case, blanks, dashes and underscores: what one person may write otherwise.

    Examples
    --------
    >>> folded_name(" Left-hand_open")
    'lefthandopen'
    """
    return "".join(name.casefold().replace("_", " ").replace("-", " ").split())


def annotation_spans(raw: Any) -> list[Span]:
    """Return the annotations of a Raw in samples, clipped to the samples there are.

    Notes
    -----
    MNE counts onsets from ``first_samp``, with and without a measurement date. Onset and size are rounded,
    not both ends: two stretches of one duration are of one size, wherever they begin. One that ends within
    half a sample of the signal's end is moved, not cut. What forbids windows reaches to the later of both
    ends. An edge of EEGLAB or BrainVision has no size, whatever its duration: it tells how much is missing
    there.
    """
    sfreq, n_times, marks = float(raw.info["sfreq"]), raw.n_times, raw.annotations
    if not len(marks):
        return []
    names = [plain_text(str(description)) for description in marks.description]
    foreign = np.array([_FOREIGN_EDGES.fullmatch(name) is not None for name in names])
    forbids = np.array([is_boundary(name) for name in names])
    begins = (marks.onset - raw.first_time) * sfreq
    lengths = np.where(foreign, 0.0, np.nan_to_num(marks.duration) * sfreq)
    first, size, end = _nearest(begins), _nearest(lengths), _nearest(begins + lengths)
    inside = begins + lengths <= n_times + 0.5 + _NEARLY
    last = np.where(forbids & (lengths > 0), np.maximum(first + size, end), first + size)
    late = np.where((size > 0) & inside, np.clip(last - n_times, 0, first.clip(0)), 0)
    first, last = (first - late).clip(0, n_times), (last - late).clip(0, n_times)
    extras = marks.extras if getattr(marks, "extras", None) is not None else [None] * len(marks)
    return [
        Span(a, max(a, b), EDGE if edge else name, dict(own or {}))
        for a, b, edge, name, own in zip(
            first.tolist(), last.tolist(), foreign.tolist(), names, extras, strict=True
        )
    ]


def set_again(raw: Any, marks: mne.Annotations) -> Any:
    """Give a Raw annotations whose onsets count as those of ``raw.annotations`` do, in place.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Which.
    marks : mne.Annotations
        Such as a changed copy of its own.

    Returns
    -------
    mne.io.BaseRaw
        The same.

    Notes
    -----
    Without a measurement date, ``raw.set_annotations`` counts onsets from the first sample and
    ``raw.annotations`` from ``first_samp``: what is read there and set again moves by ``first_time``.
    """
    moved = marks.copy()
    if moved.orig_time is None:
        moved.onset = moved.onset - raw.first_time
    return raw.set_annotations(moved, emit_warning=False)


def _nearest(values: np.ndarray) -> np.ndarray:
    """Return the nearest whole numbers, halves upward."""
    return np.floor(values + 0.5 + _NEARLY).astype(int)


def points_only(recording: Recording) -> list[str]:
    """Return the classes whose annotations, all of them, mark points: they have no duration."""
    sizes: dict[str, int] = {}
    for span in annotation_spans(recording.raw):
        sizes[span.description] = max(sizes.get(span.description, 0), span.last - span.first)
    return [name for name in recording.classes if sizes.get(name) == 0]


def label_names(raw: Any) -> list[str]:
    """Return the names of all annotations that can be labels, each once, in natural order."""
    return natural_sorted({span.description for span in annotation_spans(raw) if not span.is_boundary})


def natural_sorted(values: Iterable[str]) -> list[str]:
    """Sort names with their numbers in numeric order.

    Examples
    --------
    >>> natural_sorted(["S10", "S2", "a"])
    ['S2', 'S10', 'a']
    """

    def key(value: str) -> list[tuple[bool, int, str]]:
        parts = [p for p in re.split(r"(\d+)", value) if p]
        return [(not p.isdecimal(), int(p) if p.isdecimal() and len(p) <= _DIGITS else 0, p) for p in parts]

    return sorted(values, key=key)


def check_recording(recording: Recording) -> None:
    """Refuse a recording that later steps could not trust.

    Raises
    ------
    BiotransferError
        Unknown modality, a sampling rate below 1 Hz or above 1 MHz, no channel of it, no samples, NaN or
        infinite samples (the channel named), an amplitude no electrode gives, no classes, a class named like
        what no window may touch, time stamps that do not fit, projectors that were not applied.
    """
    check_option("modality", recording.modality, MODALITIES)
    raw, name = recording.raw, recording.source_file or recording.uid
    times = recording.timestamps
    check(
        isinstance(raw, mne.io.BaseRaw),
        f"raw={type(raw).__name__} for {name!r} is no mne.io.Raw. Use from_arrays(...) for arrays.",
    )
    check(
        _SLOWEST <= recording.sfreq <= _FASTEST,
        f"{name!r} runs at {recording.sfreq:g} Hz. Expected {_SLOWEST:g} to {_FASTEST:g} Hz, as electrodes "
        "are sampled. Check what its header says, or get the file again.",
    )
    check(
        len(recording.picks) > 0,
        f"{name!r} has no good {recording.modality} channel: its types are "
        f"{sorted(set(raw.get_channel_types()))}.{_exchanged(recording)} Call "
        f"raw.set_channel_types({_types_meant(recording)}) or pass another modality.",
    )
    check(len(recording.classes) > 0, f"{name!r} names no classes. Pass classes=[...], the labels to use.")
    check_class_names(recording.classes)
    check(raw.n_times > 0, f"{name!r} has no samples. Check the file.")
    check(
        times is None or len(times) == raw.n_times,
        f"timestamps has {0 if times is None else len(times)} entries for {raw.n_times} samples of {name!r}. "
        "Expected one per sample. Pass timestamps=None to go by samples.",
    )
    waiting = pending_projectors(raw, recording.picks)
    check(
        not waiting,
        f"{name!r} has projectors that are attached and not applied: {', '.join(waiting)}. Expected the "
        "signal that is meant. Call raw.apply_proj(), or raw.del_proj() to go without.",
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
    if recording.derived:
        check_largest(data, repr(name))
    else:
        check_amplitude(data, recording.modality, repr(name))


def _exchanged(recording: Recording) -> str:
    """Ask whether two sides are exchanged, where a recording holds channels of the other modality."""
    others = [m for m in MODALITIES if m != recording.modality and m in recording.raw.get_channel_types()]
    return f" It holds {others[0]} channels: are the paths of emg and eeg exchanged?" if others else ""


def _types_meant(recording: Recording) -> str:
    """Return what to set types of: the channels named after the modality, where there are any."""
    named = [n for n in recording.raw.ch_names if n.lower().startswith(recording.modality)]
    return str(dict.fromkeys(named, recording.modality)) if named else "..."


def pending_projectors(raw: Any, picks: Sequence[int]) -> list[str]:
    """Return the projectors that would change these channels and were not applied."""
    names = {raw.ch_names[i] for i in picks}
    return [
        str(p["desc"]) for p in raw.info["projs"] if not p["active"] and names & set(p["data"]["col_names"])
    ]


def check_class_names(classes: Iterable[str]) -> None:
    """Refuse a class whose name marks what no window may touch.

    Raises
    ------
    BiotransferError
        With its reason, and how to name it otherwise.
    """
    for name in classes:
        word = next((word for word in _FORBIDDEN if name.upper().startswith(word)), "")
        why = f"begins with {word}" if word else "is the border of a segment in EEGLAB or BrainVision"
        check(
            not is_boundary(name),
            f"classes: {name!r} {why}, which marks what no window may touch. Expected another name. "
            f"Call raw.annotations.rename({{{name!r}: 'class {name}'}}) and name that.",
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


def check_same_channels(recordings: Iterable[Recording]) -> list[str]:
    """Return the good channels of all recordings, refused when names or their order differ.

    Raises
    ------
    BiotransferError
        When there is no recording, or one has other channels than the first, another order of them, or a bad
        one that is good there; with what to type.
    """
    recordings = list(recordings)
    check(recordings, "recordings=[] is empty. Load at least one recording.")
    first = recordings[0]
    for other in recordings[1:]:
        if other.ch_names != first.ch_names:
            raise BiotransferError(_other_channels(first, other))
    return first.ch_names


def _other_channels(first: Recording, other: Recording) -> str:
    """Say how the channels of two recordings differ, and what to type."""
    here, there = first.ch_names, other.ch_names
    what = f"channels {', '.join(there)} of {other.uid!r} but {', '.join(here)} of {first.uid!r}:"
    common = [name for name in here if name in there]
    bad = {
        recording.uid: [name for name in theirs if name in recording.raw.info["bads"]]
        for recording, theirs in ((first, there), (other, here))
    }
    marked = [f"{', '.join(names)} bad in {uid!r}" for uid, names in bad.items() if names]
    if set(here) == set(there):
        return f"{what} another order. Expected one order for all. Call raw.reorder_channels({here})."
    if marked:
        return (
            f"{what} {' and '.join(marked)}. Expected the same good channels in all. Call "
            f"raw.interpolate_bads(), which needs positions, or pick what all have: raw.pick({common})."
        )
    if common:
        return f"{what} other channels. Expected the same in all. Call raw.pick({common}) on every raw."
    return (
        f"{what} no name in common. Expected the same channels in all. "
        "Call raw.rename_channels({old: new})."
    )
