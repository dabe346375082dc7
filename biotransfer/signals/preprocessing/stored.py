"""Preprocessed recordings in files: what windows are cut from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import mne
import numpy as np

from ...settings import plain
from ..recording import Recording, annotation_spans

_INDEX = "recordings.json"


def write_recordings(
    recordings: Iterable[Recording], folder: Path, steps: Sequence[Mapping[str, Any]] = ()
) -> None:
    """Write the good channels of recordings, one after the other, with their annotations.

    Parameters
    ----------
    recordings : iterable of Recording
        Consumed one by one.
    folder : Path
        Is there.
    steps : sequence of mapping
        What was done to them, with what was found in all of them.
    """
    index: list[dict[str, Any]] = []
    notes: dict[str, None] = {}
    for i, recording in enumerate(recordings):
        raw = recording.raw
        notes.update(dict.fromkeys(recording.notes))
        np.save(folder / f"{i}.npy", raw.get_data(picks=recording.picks))
        if recording.timestamps is not None:
            np.save(folder / f"{i}_timestamps.npy", recording.timestamps)
        index.append(
            {
                "modality": recording.modality,
                "dataset": recording.dataset,
                "subject": recording.subject,
                "classes": recording.classes,
                "session": recording.session,
                "run": recording.run,
                "source_file": recording.source_file,
                "ch_names": recording.ch_names,
                "sfreq": recording.sfreq,
                "timestamps": recording.timestamps is not None,
                "spans": [[s.first, s.last, s.description, dict(s.extras)] for s in annotation_spans(raw)],
            }
        )
    about = {"recordings": index, "notes": list(notes), "steps": plain(steps)}
    (folder / _INDEX).write_text(json.dumps(about), encoding="utf-8")


def read_notes(folder: Path) -> list[str]:
    """Return the notes that were written with the recordings."""
    return list(json.loads((folder / _INDEX).read_text(encoding="utf-8"))["notes"])


def read_steps(folder: Path) -> list[dict[str, Any]]:
    """Return the steps that were done to the recordings, with what was found in all of them."""
    return list(json.loads((folder / _INDEX).read_text(encoding="utf-8"))["steps"])


def read_recordings(folder: Path) -> Iterator[Recording]:
    """Yield the recordings that :func:`write_recordings` wrote, one by one."""
    for i, facts in enumerate(json.loads((folder / _INDEX).read_text(encoding="utf-8"))["recordings"]):
        times = np.load(folder / f"{i}_timestamps.npy") if facts.pop("timestamps") else None
        yield _recording(np.load(folder / f"{i}.npy"), times, facts)


def _recording(data: np.ndarray, times: np.ndarray | None, facts: dict[str, Any]) -> Recording:
    sfreq, modality = facts.pop("sfreq"), facts["modality"]
    raw = mne.io.RawArray(data, mne.create_info(facts.pop("ch_names"), sfreq, modality), verbose="error")
    spans = facts.pop("spans")
    raw.set_annotations(
        mne.Annotations(
            onset=[first / sfreq for first, *_ in spans],
            duration=[(last - first) / sfreq for first, last, *_ in spans],
            description=[description for _, _, description, _ in spans],
            extras=[extras or None for *_, extras in spans],
        ),
        emit_warning=False,
    )
    facts["classes"] = tuple(facts["classes"])
    return Recording(raw, timestamps=times, derived=True, **facts)
