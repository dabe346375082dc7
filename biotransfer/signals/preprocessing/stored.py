"""Preprocessed recordings in files: what windows are cut from."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import mne
import numpy as np

from ...files import Contents, list_contents, read_contents
from ...settings import plain
from ..recording import Recording, annotation_spans

_INDEX = "recordings.json"
_OF = "preprocessed recordings"


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
    files: list[str] = []
    notes: dict[str, None] = {}
    for i, recording in enumerate(recordings):
        raw = recording.raw
        notes.update(dict.fromkeys(recording.notes))
        arrays = {f"{i}.npy": raw.get_data(picks=recording.picks)}
        if recording.timestamps is not None:
            arrays[f"{i}_timestamps.npy"] = recording.timestamps
        for name, values in arrays.items():
            np.save(folder / name, values)
        files += arrays
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
    list_contents(folder, files, of=_OF, facts=about, name=_INDEX)


def _contents(folder: Path) -> Contents:
    return read_contents(folder, of=_OF, name=_INDEX)


def read_notes(folder: Path) -> list[str]:
    """Return the notes that were written with the recordings."""
    return list(_contents(folder).facts["notes"])


def read_steps(folder: Path) -> list[dict[str, Any]]:
    """Return the steps that were done to the recordings, with what was found in all of them."""
    return list(_contents(folder).facts["steps"])


def read_recordings(folder: Path) -> Iterator[Recording]:
    """Yield the recordings that :func:`write_recordings` wrote, one by one.

    Raises
    ------
    DamagedError
        When a file is not as it was written.
    """
    contents = _contents(folder)
    for i, facts in enumerate(contents.facts["recordings"]):
        names = [f"{i}.npy", *([f"{i}_timestamps.npy"] if facts.pop("timestamps") else [])]
        data, *times = [np.load(path) for path in contents.proven(*names)]
        yield _recording(data, times[0] if times else None, facts)


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
