"""MNE Raws as recordings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ....errors import check, did_you_mean
from ...recording import Recording
from .naming import check_labels, check_unique, number_runs, one_each


def from_raws(
    raws: Sequence[Any] | Mapping[str, Any],
    *,
    modality: str,
    classes: Sequence[str],
    subjects: Sequence[str] | None = None,
    sessions: Sequence[str] | str = "1",
    runs: Sequence[str] | str | None = None,
    dataset: str = "own",
) -> list[Recording]:
    """Use MNE Raws as recordings.

    Parameters
    ----------
    raws : sequence of mne.io.BaseRaw, or dict of subject to Raw
        Signals in V with channel types set; labels are annotations. They are not copied or changed.
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

    Returns
    -------
    list of Recording
        In the order given.

    Raises
    ------
    BiotransferError
        When subjects are missing, a Raw has annotations but none of the labels, two recordings have one name,
        or a Raw is not valid (see ``check_recording``).

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
    raws = list(raws)
    check(raws, "raws=[] is empty. Pass at least one mne.io.Raw.")
    people = one_each("subjects", subjects, len(raws))
    days = one_each("sessions", sessions, len(raws))
    numbers = number_runs(people, days) if runs is None else one_each("runs", runs, len(raws))
    labels = check_labels(classes)
    recordings = []
    for raw, subject, session, run in zip(raws, people, days, numbers, strict=True):
        source = Path(raw.filenames[0]).name if getattr(raw, "filenames", None) and raw.filenames[0] else ""
        recording = Recording(raw, modality, dataset, subject, labels, session, run, source)
        found = {d for d in raw.annotations.description if not d.upper().startswith(("BAD", "EDGE"))}
        check(
            not found or found & set(labels),
            f"classes={list(labels)}: none is an annotation of {recording.uid!r}, whose annotations are "
            f"{', '.join(sorted(found))}.{did_you_mean(labels[0], found)} "
            "Call raw.set_annotations(...) or pass other classes.",
        )
        recordings.append(recording)
    check_unique(recordings)
    return recordings
