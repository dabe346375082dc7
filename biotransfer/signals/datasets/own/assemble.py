"""From the contents of files to recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from typing import Any

import mne
import numpy as np

from ....errors import BiotransferError, check, check_option
from ...recording import EDGE, Recording, is_boundary, set_again
from .content import Content, Stretch
from .keys import Reading
from .listing import Found
from .raws import from_raws

_RENAMED = (("standard_", "colin27_"), ("colin27_", "standard_"))
"""What MNE called the positions of the 10-05 system before 1.13, and what it calls them since."""


@dataclass(frozen=True, eq=False)
class Part:
    """A file on its way into a recording: what its path says, what it holds, its labels and its run."""

    found: Found
    content: Content
    stretches: tuple[Stretch, ...]
    run: str
    labelled: bool
    notes: tuple[str, ...] = ()


def make_recording(
    parts: Sequence[Part], reading: Reading, classes: tuple[str, ...], sfreq: float | None, dataset: str
) -> Recording:
    """Return one recording of one file, or of several with a border between them.

    Parameters
    ----------
    parts : sequence of Part
        Of one person and session, in order.
    reading : Reading
        Names, types and positions of channels.
    classes : tuple of str
        In order.
    sfreq : float or None
        Sampling rate in Hz of arrays.
    dataset : str
        A name.

    Raises
    ------
    BiotransferError
        When files that are joined differ in channels or rate, or a recording is not valid.
    """
    first, single = parts[0], len(parts) == 1
    facts: dict[str, Any] = {
        "subject": first.found.named.subject or "1",
        "session": first.found.named.session or "1",
        "run": first.run if single else "1",
        "source_file": first.found.path if single else _common_folder(parts),
        "notes": tuple(note for part in parts for note in (*part.content.notes, *part.notes)),
    }
    if first.content.raw is not None:
        raw = _joined_raw(parts, reading)
        (made,) = from_raws(
            [raw],
            modality=reading.modality,
            classes=classes,
            subjects=[facts["subject"]],
            sessions=[facts["session"]],
            runs=[facts["run"]],
            dataset=dataset,
        )
        notes = (*made.notes, *facts["notes"])
        return replace(made, source_file=facts["source_file"], notes=notes)
    raw = _array_raw(parts, reading, sfreq)
    times = first.content.times if single else None
    return Recording(
        raw=raw, modality=reading.modality, dataset=dataset, classes=classes, timestamps=times, **facts
    )


def check_rate(sfreq: float | None, path: str, n_samples: int) -> None:
    """Raise where nobody says how many samples a second has."""
    check(
        sfreq is not None,
        f"sfreq is missing: {path!r} does not say it. Write sfreq: and the rate of the device in Hz, as its "
        f"manual says it (at 200 Hz these {n_samples} samples would be {n_samples / 200:g} s).",
    )


def _array_raw(parts: Sequence[Part], reading: Reading, sfreq: float | None) -> mne.io.RawArray:
    names = [channel_names(part.content, reading, part.found.path) for part in parts]
    for part, own in zip(parts, names, strict=True):
        check(
            own == names[0],
            f"{part.found.path!r} has the channels {_shown(own)}, {parts[0].found.path!r} "
            f"{_shown(names[0])}: files of one person and session are joined "
            "and need the same. Name those to use: channels.",
        )
    check_rate(sfreq, parts[0].found.path, parts[0].content.n_samples)
    assert sfreq is not None
    info = mne.create_info(names[0], sfreq, channel_types(names[0], reading))
    data = [part.content.data for part in parts]
    raw = mne.io.RawArray(data[0] if len(data) == 1 else np.concatenate(data, axis=1), info, verbose="error")
    onset: list[float] = []
    duration: list[float] = []
    said: list[str] = []
    extras: list[Any] = []
    begin = 0
    for part in parts:
        edges = list(part.content.borders) if begin == 0 else [0, *part.content.borders]
        for stretch in part.stretches:
            onset.append((begin + stretch.first) / sfreq)
            duration.append((stretch.last - stretch.first) / sfreq)
            said.append(stretch.label)
            extras.append({"run": _run(part, stretch), "source_file": part.found.path})
        onset += [(begin + edge) / sfreq for edge in edges]
        duration += [0.0] * len(edges)
        said += [EDGE] * len(edges)
        extras += [None] * len(edges)
        begin += part.content.n_samples
    raw.set_annotations(mne.Annotations(onset, duration, said, extras=extras), emit_warning=False)
    return _finished(raw, reading)


def _joined_raw(parts: Sequence[Part], reading: Reading) -> mne.io.BaseRaw:
    raws = []
    for part in parts:
        raw = part.content.raw
        names = channel_names(part.content, reading, part.found.path)
        raw.rename_channels(dict(zip(raw.ch_names, names, strict=True)))
        given = channel_types(names, reading, raw.get_channel_types())
        changed = {n: t for n, t, old in zip(names, given, raw.get_channel_types(), strict=True) if t != old}
        if changed:
            raw.set_channel_types(changed, on_unit_change="ignore", verbose="error")
        if part.labelled:
            _label_raw(raw, part)
        else:
            _name_file(raw, part, len(parts) > 1)
        raws.append(_finished(raw, reading))
    if len(raws) == 1:
        return raws[0]
    lengths = [raw.n_times for raw in raws]
    try:
        joined = mne.concatenate_raws(raws, on_mismatch="raise", verbose="error")
    except ValueError as error:
        raise BiotransferError(
            f"{', '.join(p.found.path for p in parts[:3])} cannot be joined: {error}. Write join: false, or "
            "name the channels that all have: channels."
        ) from error
    begins = joined.first_time + (np.cumsum(lengths) - lengths) / joined.info["sfreq"]
    files = mne.Annotations(
        begins,
        [0.0] * len(parts),
        [EDGE] * len(parts),
        orig_time=joined.annotations.orig_time,
        extras=[{"source_file": part.found.path} for part in parts],
    )
    return set_again(joined, joined.annotations + files)


def _name_file(raw: mne.io.BaseRaw, part: Part, joined: bool) -> None:
    """Say in the annotations of a Raw which run and file they are from, where it is one of several."""
    marks = raw.annotations.copy()
    extras = [dict(own or {}) for own in marks.extras]
    for own in extras:
        if "run" in own and (joined or part.found.named.run):
            own["run"] = f"{part.run}-{own['run']}"
        elif joined:
            own["run"] = part.run
        if joined:
            own["source_file"] = part.found.path
    if any(extras):
        marks.extras = extras
        set_again(raw, marks)


def _label_raw(raw: mne.io.BaseRaw, part: Part) -> None:
    """Replace the annotations of a Raw by labels from elsewhere; what no window may touch stays."""
    sfreq, begin = raw.info["sfreq"], raw.first_time
    kept = raw.annotations[[is_boundary(str(d)) for d in raw.annotations.description]]
    marks = mne.Annotations(
        [begin + s.first / sfreq for s in part.stretches],
        [(s.last - s.first) / sfreq for s in part.stretches],
        [s.label for s in part.stretches],
        orig_time=raw.info["meas_date"],
        extras=[{"run": _run(part, s), "source_file": part.found.path} for s in part.stretches],
    )
    set_again(raw, kept + marks)


def _finished(raw: mne.io.BaseRaw, reading: Reading) -> mne.io.BaseRaw:
    """Return a Raw with what is said of all of them."""
    if reading.line_freq is not None:
        raw.info["line_freq"] = reading.line_freq
    if reading.montage is not None:
        positions = _positions(reading.montage)
        raw.set_montage(positions, match_case=False, on_missing="ignore", verbose="error")
    return raw


def _positions(name: str) -> mne.channels.DigMontage:
    """Return electrode positions by the name that this MNE, or another version, has for them."""
    known = mne.channels.get_builtin_montages()
    names = [name, *(new + name.removeprefix(old) for old, new in _RENAMED if name.startswith(old))]
    here = next((other for other in names if other in known), None)
    check_option("montage", here or name, known)
    return mne.channels.make_standard_montage(here, head_size="auto")


def channel_names(content: Content, reading: Reading, where: str) -> list[str]:
    """Return the names of a file's channels, renamed as asked.

    Raises
    ------
    BiotransferError
        When there are more or fewer names than channels, or two have one name.
    """
    own = list(content.ch_names) if content.raw is None else list(content.raw.ch_names)
    if not own:
        own = [f"{reading.modality.upper()}{i + 1}" for i in range(len(content.data))]
    given = reading.channel_names
    if isinstance(given, Mapping):
        own = [given.get(name, name) for name in own]
    elif given is not None:
        check(
            len(given) == len(own),
            f"channel_names has {len(given)} names for {len(own)} channels of {where!r}: {_shown(own)}. "
            "Expected one each; say which are channels: channels.",
        )
        own = list(given)
    twice = sorted({name for name in own if own.count(name) > 1})
    check(not twice, f"{where!r} has two channels called {', '.join(twice)}. Name them: channel_names.")
    return own


def channel_types(names: Sequence[str], reading: Reading, own: Sequence[str] | None = None) -> list[str]:
    """Return the type of every channel: as asked, else as in the file, else the modality.

    Raises
    ------
    BiotransferError
        For a type that MNE does not know, or a name that no channel has.
    """
    types = list(own) if own is not None else [reading.modality] * len(names)
    known = mne.io.get_channel_type_constants(include_defaults=True)
    for name, kind in (reading.channel_types or {}).items():
        check_option("channel_types", kind, known)
        for i, channel in enumerate(names):
            if channel == name or fnmatchcase(channel, name):
                types[i] = kind
    return types


def _run(part: Part, stretch: Stretch) -> str:
    if not stretch.run:
        return part.run
    return f"{part.run}-{stretch.run}" if part.found.named.run else stretch.run


def _common_folder(parts: Sequence[Part]) -> str:
    folders = {part.found.path.rpartition("/")[0] for part in parts}
    return folders.pop() if len(folders) == 1 else ""


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:8]) + (", ..." if len(names) > 8 else "")
