"""MNE Raws as recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import mne

from ....errors import check, check_option, did_you_mean, one_or_many
from ...plain import name_of
from ...recording import MODALITIES, Recording, label_names
from ..loaded import Loaded
from .marks import apply_projectors, check_around, events_to_stretches, mistyped_channels
from .naming import check_labels, check_unique, number_runs, one_each


def from_raws(
    raws: Any | Sequence[Any] | Mapping[str, Any],
    *,
    modality: str,
    classes: Sequence[str],
    subjects: Sequence[str] | None = None,
    sessions: Sequence[str] | str = "1",
    runs: Sequence[str] | str | None = None,
    dataset: str = "own",
    tmin: float | None = None,
    tmax: float | None = None,
) -> list[Recording]:
    """Use MNE Raws as recordings.

    Parameters
    ----------
    raws : mne.io.BaseRaw, a sequence of them, or dict of subject to Raw
        Signals in V with channel types set; labels are annotations. They are not changed; one with projectors
        that are attached and not applied is copied and they are applied, as mne.Epochs does.
    modality : {"eeg", "emg"}
        Which channels to use.
    classes : sequence of str
        Annotation descriptions that are labels, in class order.
    subjects : sequence of str
        Who was recorded, one per Raw. Not needed with a dict.
    sessions, runs : str or sequence of str
        One for all, or one per Raw. Runs default to 1, 2, ... within a subject and session.
    dataset : str
        A name for all of them.
    tmin, tmax : float, optional
        Makes stretches of events: every annotation that is a label reaches from ``tmin`` to ``tmax`` around
        its onset, in s. Give both, or none.

    Returns
    -------
    list of Recording
        In the order given.

    Raises
    ------
    BiotransferError
        When subjects are missing, a Raw has annotations but none of the labels, two recordings have one name,
        tmin is not below tmax, or a Raw is not valid (see ``check_recording``).

    Examples
    --------
    >>> import mne, numpy as np
    >>> info = mne.create_info(["EMG1"], 200.0, "emg")
    >>> raw = mne.io.RawArray(np.zeros((1, 400)), info, verbose="error")
    >>> _ = raw.set_annotations(mne.Annotations([0.0], [2.0], ["fist"]))
    >>> from_raws({"S1": raw}, modality="emg", classes=["fist"])[0].uid
    'own/sub-S1/ses-1/run-1'
    """
    if isinstance(raws, Mapping):
        check(
            subjects is None, "subjects is given twice: raws is a dict of subject to Raw. Leave subjects out."
        )
        subjects, raws = list(raws), list(raws.values())
    dataset = name_of("dataset", dataset)
    raws = one_or_many(
        "raws", raws, mne.io.BaseRaw, "Use from_arrays(...) for arrays, from_epochs for epochs."
    )
    people = one_each("subjects", subjects, len(raws))
    days = one_each("sessions", sessions, len(raws))
    numbers = number_runs(people, days) if runs is None else one_each("runs", runs, len(raws))
    labels = check_labels(classes)
    check_option("modality", modality, MODALITIES)
    check_around(tmin, tmax)
    recordings = []
    for raw, subject, session, run in zip(raws, people, days, numbers, strict=True):
        source = Path(raw.filenames[0]).name if getattr(raw, "filenames", None) and raw.filenames[0] else ""
        ready, notes = apply_projectors(raw, modality)
        if tmin is not None and tmax is not None:
            ready = events_to_stretches(ready, labels, tmin, tmax)
        notes += mistyped_channels(raw, modality)
        recording = Recording(
            ready, modality, dataset, subject, labels, session, run, source, notes=tuple(notes)
        )
        found = label_names(ready)
        check(
            not found or set(found) & set(labels),
            f"classes={list(labels)}: none is an annotation of {recording.uid!r}, whose annotations are "
            f"{', '.join(found)}.{did_you_mean(labels[0], found)} "
            "Name what there is: classes: [...] in the data section. In Python: classes=[...], or "
            "raw.set_annotations(...) before.",
        )
        recordings.append(recording)
    check_unique(recordings)
    return Loaded(recordings)
