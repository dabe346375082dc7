"""Cut the excerpt that comes with the package out of the original files: ``python make_excerpt.py DATA``.

DATA holds the folders mental-arithmetic and myo-readings, as ``biotransfer fetch`` brings them. The same
files, numpy and scipy give the same bytes; tests/signals/test_excerpt.py holds the packaged file to them.
"""

from __future__ import annotations

import io
import sys
from pathlib import Path

import numpy as np
from scipy.signal import resample_poly

from biotransfer.signals.datasets import excerpt, load_dataset
from biotransfer.signals.recording import Recording, annotation_spans


def make_excerpt(data_dir: str | Path) -> bytes:
    """Return the excerpt as the bytes of a compressed npz file.

    Parameters
    ----------
    data_dir : str or Path
        Folder with mental-arithmetic and myo-readings.
    """
    arrays = {**cut_eeg(data_dir), **cut_emg(data_dir)}
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def cut_eeg(data_dir: str | Path) -> dict[str, np.ndarray]:
    """Return EEG: a minute per person and class, every fourth sample behind an anti-alias filter.

    Rest is the second minute of its file and arithmetic the only one of its own.
    """
    recordings = load_dataset(
        "mental-arithmetic", data_dir=data_dir, download=False, subjects=list(excerpt.EEG_PEOPLE)
    )
    found = {(r.subject, r.run): r for r in recordings}
    cut = []
    for who in excerpt.EEG_PEOPLE:
        for label, begin in (("rest", 60.0), ("arithmetic", 0.0)):
            cut.append(_minute(found[who, label], begin))
    steps = np.round(np.array(cut) / excerpt.EEG_STEP).astype(np.int16)
    shape = (len(excerpt.EEG_PEOPLE), len(excerpt.EEG_CLASSES), *steps.shape[1:])
    return excerpt.pack(steps.reshape(shape))


def _minute(recording: Recording, begin: float) -> np.ndarray:
    signal = recording.raw.get_data(picks=list(excerpt.EEG_CHANNELS))
    every = round(recording.sfreq / excerpt.EEG_SFREQ)
    first = round(begin * recording.sfreq)
    n_times = round(excerpt.EEG_SECONDS * excerpt.EEG_SFREQ)
    return resample_poly(signal[:, first : first + n_times * every], 1, every, axis=1)[:, :n_times]


def cut_emg(data_dir: str | Path) -> dict[str, np.ndarray]:
    """Return EMG: the last 4 s of the first stretches of each gesture, session 1, counts as they are."""
    recordings = load_dataset(
        "myo-readings",
        data_dir=data_dir,
        download=False,
        subjects=list(excerpt.EMG_PEOPLE),
        sessions=["1"],
        classes=list(excerpt.EMG_CLASSES),
    )
    n_times = round(excerpt.EMG_SECONDS * excerpt.EMG_SFREQ)
    cut = []
    for recording in recordings:
        counts = np.round(recording.raw.get_data() / excerpt.EMG_STEP).astype(np.int8)
        for label in excerpt.EMG_CLASSES:
            spans = [s for s in annotation_spans(recording.raw) if s.description == label]
            for span in spans[: excerpt.EMG_STRETCHES]:
                cut.append(counts[:, span.last - n_times : span.last])
    shape = (len(excerpt.EMG_PEOPLE), len(excerpt.EMG_CLASSES), excerpt.EMG_STRETCHES, -1, n_times)
    return {"emg": np.array(cut).reshape(shape)}


if __name__ == "__main__":
    content = make_excerpt(sys.argv[1])
    excerpt.FILE.write_bytes(content)
    print(f"{excerpt.FILE}: {len(content)} bytes")
