"""Labelled stretches that windows may be cut from, and why a class has none that is long enough."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from ...errors import BiotransferError, check, did_you_mean
from ..recording import Recording, annotation_spans, folded_name

_MOST_NAMED = 8


class Stretch(NamedTuple):
    """Samples of one label free of BAD and EDGE, ``first`` up to, not including, ``last``."""

    first: int
    last: int
    label: int
    run: str
    source_file: str


def labelled_stretches(recording: Recording) -> list[Stretch]:
    """Return the labelled stretches of a recording, cut where windows are forbidden, in order.

    Raises
    ------
    BiotransferError
        When two labels share more than the sample on which both may round their border.
    """
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
            "Expected one label at a time. Remove one of the annotations, or give events a smaller tmax.",
        )
    out = []
    for span in labelled:
        run = str(span.extras.get("run", recording.run))
        source = str(span.extras.get("source_file", recording.source_file))
        label, position = recording.classes.index(span.description), span.first
        inside = cuts[(cuts[:, 0] < span.last) & (cuts[:, 1] > span.first)]
        for first, last in [*inside.tolist(), (span.last, span.last)]:
            if first > position:
                out.append(Stretch(position, first, label, run, source))
            position = max(position, last)
    return out


@dataclass
class _Seen:
    """What recordings hold of one class: seconds without BAD, the longest stretch of them, annotations."""

    annotations: int = 0
    points: int = 0
    seconds: float = 0.0
    marked: float = 0.0
    longest: float = 0.0


@dataclass
class _Names:
    """Names of annotations that are no classes, and how many recordings were looked at."""

    others: set[str] = field(default_factory=set)
    recordings: int = 0


def empty_classes(recordings: Iterable[Recording], names: Sequence[str], length: float) -> BiotransferError:
    """Return the error for classes that get no window, each cause in a sentence of its own.

    Parameters
    ----------
    recordings : iterable of Recording
        All that was cut; read once.
    names : sequence of str
        The classes without a window.
    length : float
        Of a window, in s.
    """
    seen = {name: _Seen() for name in names}
    found, dataset = _Names(), ""
    for recording in recordings:
        _look(recording, seen, found)
        dataset = recording.dataset
    causes: dict[str, list[str]] = {}
    for name, facts in seen.items():
        causes.setdefault(_cause(facts, length), []).append(name)
    said = " ".join(_SENTENCES[cause](names, seen, found, length) for cause, names in causes.items())
    return BiotransferError(
        f"length={length} s leaves no window of {', '.join(names)} in {found.recordings} recordings of "
        f"{dataset!r}: {said}"
    )


def _look(recording: Recording, seen: dict[str, _Seen], found: _Names) -> None:
    found.recordings += 1
    sfreq = recording.sfreq
    for span in annotation_spans(recording.raw):
        if span.description in seen:
            facts = seen[span.description]
            facts.annotations += 1
            facts.points += span.last == span.first
            facts.marked += (span.last - span.first) / sfreq
        elif not span.is_boundary and span.description not in recording.classes:
            found.others.add(span.description)
    for stretch in labelled_stretches(recording):
        name = recording.classes[stretch.label]
        if name in seen:
            seconds = (stretch.last - stretch.first) / sfreq
            seen[name].seconds += seconds
            seen[name].longest = max(seen[name].longest, seconds)


def _cause(facts: _Seen, length: float) -> str:
    if not facts.annotations:
        return "unnamed"
    if facts.points == facts.annotations:
        return "points"
    if not facts.seconds:
        return "bad"
    return "short" if facts.longest < length else "stamps"


def _unnamed(names: Sequence[str], seen: dict[str, _Seen], found: _Names, length: float) -> str:
    if not found.others and not any(facts.annotations for facts in seen.values()):
        return (
            f"no annotation is {_either(names)}. Expected annotations whose description is the class. "
            f"Call raw.set_annotations(mne.Annotations(onset, duration, {names[0]!r})), or leave it out with "
            "classes=[...]."
        )
    others = sorted(found.others)
    shown = ", ".join(map(repr, others[:_MOST_NAMED])) + (", ..." if len(others) > _MOST_NAMED else "")
    near = {name: hint for name in names if (hint := _nearest(name, others))}
    meant = "".join(f" Did you mean {hint!r} by {name!r}?" for name, hint in near.items())
    typed = f"raw.annotations.rename({ {hint: name for name, hint in near.items()} })"
    return (
        f"no annotation is {_either(names)}; other annotations are {shown or 'none'}.{meant} "
        + (f"Call {typed}, or name" if near else "Name")
        + " what there is with classes=[...]."
    )


def _nearest(name: str, others: Sequence[str]) -> str:
    """Return the other spelling of a name: case and blanks apart the same, or else nearly."""
    same = [other for other in others if folded_name(other) == folded_name(name)]
    hint = did_you_mean(name, others).removeprefix(" Did you mean ")[1:-2]
    return same[0] if same else hint


def _points(names: Sequence[str], seen: dict[str, _Seen], found: _Names, length: float) -> str:
    n = sum(seen[name].annotations for name in names)
    durations = "{" + ", ".join(f"{name!r}: {length:g}" for name in names) + "}"
    return (
        f"{n} annotations {', '.join(names)} have no duration: they mark points. Expected stretches. Say in "
        f"the data section what lies around each, in s: tmin: 0.0, tmax: {length:g}. In Python: "
        f"from_raws(..., tmin=0.0, tmax={length:g}), or raw.annotations.set_durations({durations})."
    )


def _bad(names: Sequence[str], seen: dict[str, _Seen], found: _Names, length: float) -> str:
    seconds = sum(seen[name].marked for name in names)
    where = "lie outside of the signal" if not seconds else "are marked BAD as a whole"
    return (
        f"the {seconds:.2f} s of {', '.join(names)} {where}. Expected signal that windows may use. Look at "
        "raw.annotations, or leave these classes out with classes=[...]."
    )


def _short(names: Sequence[str], seen: dict[str, _Seen], found: _Names, length: float) -> str:
    longest = max(seen[name].longest for name in names)
    return (
        f"the longest stretch of {', '.join(names)} lasts {longest:.2f} s, shorter than a window. "
        "Choose a shorter length, or leave these classes out with classes=[...]."
    )


def _stamps(names: Sequence[str], seen: dict[str, _Seen], found: _Names, length: float) -> str:
    return (
        f"the time stamps of {', '.join(names)} leave none of that length before the first one that is too "
        "short. Choose a smaller min_length, or by='samples'."
    )


def _either(names: Sequence[str]) -> str:
    return " or ".join(map(repr, names))


_SENTENCES = {"unnamed": _unnamed, "points": _points, "bad": _bad, "short": _short, "stamps": _stamps}
