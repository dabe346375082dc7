"""Recordings whose every sample is known, for tests of preprocessing and windows."""

from collections.abc import Sequence
from typing import Any

import mne
import numpy as np

from biotransfer.signals.recording import Recording


def make_recording(
    data: np.ndarray,
    sfreq: float = 100.0,
    annotations: Sequence[tuple[float, float, str]] | None = None,
    *,
    types: str | Sequence[str] = "eeg",
    modality: str = "eeg",
    classes: tuple[str, ...] = ("a", "b"),
    first_samp: int = 0,
    meas_date: float | None = None,
    **facts: Any,
) -> Recording:
    """Recording around ``data`` (n_chans, n_samples) in V; annotations are (onset, duration, description)."""
    types = [types] * len(data) if isinstance(types, str) else list(types)
    info = mne.create_info([f"{kind}{i}" for i, kind in enumerate(types)], sfreq, types)
    raw = mne.io.RawArray(np.asarray(data, dtype=np.float64), info, first_samp=first_samp, verbose="error")
    if meas_date is not None:
        raw.set_meas_date(meas_date)
    if annotations is None:
        annotations = [(0.0, raw.n_times / sfreq, classes[0])]
    columns = zip(*annotations, strict=True) if annotations else ([], [], [])
    raw.set_annotations(mne.Annotations(*columns), emit_warning=False)
    given = {"dataset": "set", "subject": "s1", **facts}
    return Recording(raw, modality, classes=classes, **given)


def snapshot(recording: Recording) -> tuple[Any, ...]:
    """Everything of a recording that a function could change."""
    raw = recording.raw
    notes = [(a["onset"], a["duration"], a["description"]) for a in raw.annotations]
    stamps = None if recording.timestamps is None else recording.timestamps.tobytes()
    info = (raw.info["sfreq"], raw.info["highpass"], raw.info["lowpass"], list(raw.info["bads"]))
    return (
        raw.get_data().tobytes(),
        notes,
        raw.ch_names,
        raw.get_channel_types(),
        info,
        stamps,
        raw.first_samp,
    )
