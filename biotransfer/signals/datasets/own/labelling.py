"""The labels of a file: those of its samples, else of a table, of its name, or its own annotations."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from ....errors import check, did_you_mean
from ...recording import is_boundary, natural_sorted, plain_text
from .assemble import Part, check_rate
from .content import Content, Point, Stretch
from .keys import Reading
from .labels import Naming, disagreement, points_of_codes, stretches_of_codes, stretches_of_points
from .listing import Found
from .tables import LabelTable
from .timing import gaps

_SHOWN = 5


def label_part(
    found: Found,
    content: Content,
    label: str,
    run: str,
    reading: Reading,
    naming: Naming,
    tables: LabelTable,
    rate: float | None,
) -> Part:
    """Return a file with its labels: those of its samples, else of a table, of its name, or its own."""
    notes: list[str] = []
    if content.times is not None:
        missing = gaps(content.times, found.path, reading.gap)
        if missing:
            times = content.times
            places = ", ".join(f"{times[i] - times[i - 1]:.3g} s before sample {i}" for i in missing[:5])
            more = f" and {len(missing) - 5} more" if len(missing) > 5 else ""
            notes.append(f"'{found.path}' has {len(missing)} gap(s) in its time stamps: {places}{more}.")
        content = replace(content, borders=tuple(sorted({*content.borders, *missing})))
    sfreq = content.raw.info["sfreq"] if content.raw is not None else content.sfreq or rate
    n = content.n_samples
    points = [Point(p.at, naming.name(p.label)) for p in content.points]
    check_rate(sfreq, found.path, n)
    assert sfreq is not None
    stretches: Sequence[Stretch]
    labelled = True
    if content.codes is not None:
        unnamed = naming.unnamed(content.codes)
        if unnamed:
            notes.append(f"'{found.path}' holds codes that labels does not name: {unnamed}; not used.")
        if reading.tmax is not None:
            points = points_of_codes(content.codes, naming)
            stretches = stretches_of_points(points, sfreq, n, reading.tmin, reading.tmax)
        else:
            stretches = stretches_of_codes(content.codes, content.runs, naming, n)
        odd = disagreement(found.path, label, stretches)
        notes += [odd] if odd else []
    elif tables:
        stretches = tables.stretches(found, naming, sfreq, n, reading)
    elif label:
        stretches = [Stretch(0, n, label)]
    elif content.raw is not None:
        stretches, labelled = _own_annotations(content.raw, naming, reading), False
    else:
        stretches = []
        if points:
            check(
                reading.tmax is not None,
                f"tmax is missing: the markers of {found.path!r} are points. Write tmax: 4.0, or tmax: next.",
            )
            assert reading.tmax is not None
            stretches = stretches_of_points(points, sfreq, n, reading.tmin, reading.tmax)
        check(
            stretches,
            f"{found.path!r} has no labels. Say where they are: {{label}} in the pattern, label_column or "
            "label_table.",
        )
    if content.raw is None and content.sfreq is None:
        content = replace(content, sfreq=rate)
    return Part(found, content, tuple(stretches), run, labelled, tuple(notes))


def _own_annotations(raw: Any, naming: Naming, reading: Reading) -> list[Stretch]:
    """Give the annotations of a Raw the names of labels, and points a length; return the labels."""
    marks = raw.annotations
    sfreq, begin, n = raw.info["sfreq"], raw.first_time, raw.n_times
    names = [naming.of_annotation(plain_text(str(description))) for description in marks.description]
    marks.description = names if names else marks.description
    if reading.tmax is not None:
        wanted = set(reading.classes or own_names(naming) or names)
        ordered = sorted((o, i) for i, o in enumerate(marks.onset) if not is_boundary(names[i]))
        onset, duration = marks.onset.copy(), marks.duration.copy()
        for k, (at, i) in enumerate(ordered):
            end = ordered[k + 1][0] if k + 1 < len(ordered) else begin + n / sfreq
            last = end if isinstance(reading.tmax, str) else at + reading.tmax
            if names[i] in wanted:
                onset[i], duration[i] = at + reading.tmin, max(0.0, last - at - reading.tmin)
        marks.onset, marks.duration = onset, duration
    return [Stretch(0, 0, name) for name in dict.fromkeys(names) if not is_boundary(name)]


def check_classes(classes: Sequence[str] | None, labels: Iterable[str]) -> None:
    """Raise where a class that is asked for is no label of any file."""
    there = natural_sorted(set(labels))
    for name in classes or ():
        check(
            name in there,
            f"classes: no file is of {name!r}.{did_you_mean(name, there)} Files are of {', '.join(there)}. "
            "Write classes: [...] of these, or leave classes out.",
        )


def own_names(naming: Naming) -> tuple[str, ...]:
    """Return the names of labels, each once."""
    return tuple(dict.fromkeys((naming.labels or {}).values()))
