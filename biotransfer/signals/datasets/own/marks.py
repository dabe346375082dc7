"""What a Raw of others carries: events without duration, projectors, types that its format could not tell."""

from __future__ import annotations

import copy
import re
from collections.abc import Sequence
from typing import Any

import mne
import numpy as np

from ....errors import check
from ...recording import pending_projectors, plain_text, set_again

_TYPE_WORDS = {"emg": "emg", "eog": "eog", "heog": "eog", "veog": "eog", "ecg": "ecg", "ekg": "ecg",
               "gsr": "gsr", "eda": "gsr", "resp": "resp", "temp": "temperature", "status": "stim",
               "trigger": "stim", "trig": "stim", "sti": "stim", "acc": "misc"}  # fmt: skip
"""Channel types of MNE by the word that such a channel's name begins with."""


def check_around(tmin: float | None, tmax: float | None) -> None:
    """Refuse a stretch around events that has no length.

    Raises
    ------
    BiotransferError
        When one end is missing, no number, or tmin is not below tmax.
    """
    given = [value for value in (tmin, tmax) if value is not None]
    numbers = all(isinstance(value, (int, float, np.number)) and np.isfinite(value) for value in given)
    check(
        not given or (len(given) == 2 and numbers and given[0] < given[1]),
        f"tmin={tmin!r}, tmax={tmax!r} are no stretch around an event. Expected two times in s, the first "
        "smaller. Pass tmin=0.0, tmax=1.0.",
    )


def events_to_stretches(raw: Any, classes: Sequence[str], tmin: float, tmax: float) -> Any:
    """Return a Raw on the same samples in which every event of the classes has a duration.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Its annotations are not changed.
    classes : sequence of str
        Descriptions that are labels; other annotations stay as they are.
    tmin, tmax : float
        From where to where around the onset, in s.

    Raises
    ------
    BiotransferError
        When two events follow each other faster than that.
    """
    marks = raw.annotations.copy()
    ours = np.array([plain_text(str(name)) in classes for name in marks.description], dtype=bool)
    onsets = np.sort(marks.onset[ours])
    nearest = float(np.diff(onsets).min()) if len(onsets) > 1 else np.inf
    check(
        nearest > tmax - tmin - 0.5 / raw.info["sfreq"],
        f"tmin={tmin:g}, tmax={tmax:g}: {tmax - tmin:g} s around every event, but two events are "
        f"{nearest:.3f} s apart. Expected one label at a time. Pass tmax={tmin + nearest:g}, or less.",
    )
    marks.onset = np.where(ours, marks.onset + tmin, marks.onset)
    marks.duration = np.where(ours, tmax - tmin, marks.duration)
    shared = copy.copy(raw)
    return set_again(shared, marks)


def apply_projectors(raw: Any, modality: str) -> tuple[Any, list[str]]:
    """Return a Raw with its projectors applied, and a note for each; the same Raw where none waits.

    Parameters
    ----------
    raw : mne.io.BaseRaw
        Not changed.
    modality : {"eeg", "emg"}
        Whose channels matter.
    """
    if not isinstance(raw, mne.io.BaseRaw) or modality not in ("eeg", "emg"):
        return raw, []
    picks = mne.pick_types(raw.info, meg=False, **{modality: True}, exclude="bads")
    waiting = pending_projectors(raw, picks)
    if not waiting:
        return raw, []
    applied = raw.copy().load_data(verbose="error").apply_proj(verbose="error")
    return applied, [f"projector {name!r} was attached, not applied; it is applied here" for name in waiting]


def mistyped_channels(raw: Any, modality: str) -> list[str]:
    """Return a note for every channel of the modality whose name says that it is another type.

    EDF, BDF and many other formats know no types: all of their channels are read as EEG.
    """
    if not isinstance(raw, mne.io.BaseRaw):
        return []
    notes = []
    for name, kind in zip(raw.ch_names, raw.get_channel_types(), strict=True):
        word = re.match(r"[A-Za-z]*", name.strip())
        meant = _TYPE_WORDS.get(word[0].lower() if word else "", kind)
        if kind == modality and meant != kind:
            notes.append(
                f"channel {name!r} has the type {kind}, and its name says {meant}: "
                f"call raw.set_channel_types({{{name!r}: {meant!r}}})"
            )
    return notes
