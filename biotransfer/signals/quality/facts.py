"""What a recording is before anything is done to it: whose, rate, channels, labels, amplitudes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import mne
import numpy as np

from ..recording import Recording, annotation_spans

_TYPES = ("eeg", "emg", "eog", "ecg")
_MOST_SAMPLES = 20_000
_BIN = 0.2
"""Seconds."""
_FLOOR = 1e-3
"""Of a channel's mean, added before the logarithm."""


@dataclass(frozen=True)
class Facts:
    """One recording as it was loaded.

    Parameters
    ----------
    uid, dataset, subject, session, run, source_file, modality : str
        Where it comes from.
    classes : tuple of str
        The labels that are asked for.
    sfreq : float
        In Hz.
    n_times : int
        Samples.
    ch_names : tuple of str
        Good channels of its modality, in their order.
    bads : tuple of str
        Bad channels of its modality.
    still : tuple of str
        Good channels of its modality whose samples all have one value.
    amplitudes : mapping of str to float
        By channel type, in uV: the median over good channels of each one's median distance from its own
        median, over at most 20 000 samples spread evenly.
    labels : mapping of str to tuple of (int, float)
        By name of every annotation that forbids no window: how many there are, and their length in s.
    day : str
        When it was recorded, as YYYY-MM-DD; "" where nothing says so.
    alike : tuple of float
        Correlations between good channels of its modality, above the diagonal and row by row: of EEG, of the
        steps between samples; of EMG, of the logarithm of the steps' mean size in 0.2 s. Empty where a
        channel stands still or there is only one.
    """

    uid: str
    dataset: str
    subject: str
    session: str
    run: str
    source_file: str
    modality: str
    classes: tuple[str, ...]
    sfreq: float
    n_times: int
    ch_names: tuple[str, ...]
    bads: tuple[str, ...]
    still: tuple[str, ...]
    amplitudes: Mapping[str, float]
    labels: Mapping[str, tuple[int, float]]
    day: str = ""
    alike: tuple[float, ...] = ()

    def plain(self) -> dict[str, Any]:
        """Return it as JSON takes it; :meth:`read` is the way back."""
        return asdict(self)

    @classmethod
    def read(cls, plain: Mapping[str, Any]) -> Facts:
        """Return what :meth:`plain` wrote."""
        texts = {name: tuple(plain[name]) for name in ("classes", "ch_names", "bads", "still", "alike")}
        labels = {name: (int(n), float(seconds)) for name, (n, seconds) in plain["labels"].items()}
        return cls(**{**plain, **texts, "labels": labels})


def recording_facts(recording: Recording) -> Facts:
    """Return what is written down of one recording."""
    raw = recording.raw
    marked = mne.pick_types(raw.info, meg=False, **{recording.modality: True}, exclude=[])
    own = raw.get_data(picks=recording.picks)
    still = (own == own[:, :1]).all(axis=1)
    return Facts(
        uid=recording.uid,
        dataset=recording.dataset,
        subject=recording.subject,
        session=recording.session,
        run=recording.run,
        source_file=recording.source_file,
        modality=recording.modality,
        classes=tuple(recording.classes),
        sfreq=recording.sfreq,
        n_times=int(raw.n_times),
        ch_names=tuple(recording.ch_names),
        bads=tuple(raw.ch_names[i] for i in marked if raw.ch_names[i] in raw.info["bads"]),
        still=tuple(name for name, is_still in zip(recording.ch_names, still, strict=True) if is_still),
        amplitudes=_amplitudes(recording, own),
        labels=_labels(recording),
        day="" if raw.info["meas_date"] is None else raw.info["meas_date"].date().isoformat(),
        alike=() if still.any() else _alike(own, recording.modality, recording.sfreq),
    )


def _alike(own: np.ndarray, modality: str, sfreq: float) -> tuple[float, ...]:
    steps = np.diff(own, axis=1)
    if modality == "emg":
        size = max(1, round(sfreq * _BIN))
        whole = np.abs(steps[:, : steps.shape[1] // size * size]).reshape(len(steps), -1, size).mean(axis=2)
        steps = np.log(whole + _FLOOR * whole.mean(axis=1, keepdims=True))
    else:
        steps = steps[:, :: (steps.shape[1] // _MOST_SAMPLES) | 1]
    if len(steps) < 2 or steps.shape[1] < len(steps):
        return ()
    with np.errstate(invalid="ignore", divide="ignore"):
        upper = np.corrcoef(steps)[np.triu_indices(len(steps), 1)]
    return tuple(round(float(r), 3) for r in upper) if np.isfinite(upper).all() else ()


def _amplitudes(recording: Recording, own: np.ndarray) -> dict[str, float]:
    raw = recording.raw
    out = {recording.modality: _amplitude(own)}
    for kind in _TYPES:
        if kind in raw.get_channel_types(unique=True) and kind not in out:
            picks = mne.pick_types(raw.info, meg=False, **{kind: True}, exclude="bads")
            if len(picks):
                out[kind] = _amplitude(np.nan_to_num(raw.get_data(picks=picks)))
    return {kind: out[kind] for kind in _TYPES if kind in out}


def _amplitude(data: np.ndarray) -> float:
    """Return the median distance from the median, in uV; an odd stride falls in step with no mains."""
    spread = data[:, :: (data.shape[1] // _MOST_SAMPLES) | 1]
    distance = np.abs(spread - np.median(spread, axis=1, keepdims=True))
    return float(np.median(np.median(distance, axis=1)) * 1e6)


def _labels(recording: Recording) -> dict[str, tuple[int, float]]:
    out: dict[str, tuple[int, float]] = {}
    for span in annotation_spans(recording.raw):
        if not span.is_boundary:
            n, seconds = out.get(span.description, (0, 0.0))
            out[span.description] = (n + 1, seconds + (span.last - span.first) / recording.sfreq)
    return out
