"""How recordings look over their whole length, in a few numbers each."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ..recording import Recording, annotation_spans

_MOST_RECORDINGS = 24
_MOST_CHANNELS = 8
_BINS = 100


def looks_of(recordings: Sequence[Recording]) -> list[dict[str, Any]]:
    """Return the range of every channel over the whole of recordings, for a small picture of each.

    Parameters
    ----------
    recordings : sequence of Recording
        Before any preprocessing, in V.

    Returns
    -------
    list of dict
        Of at most 24 recordings, spread over all: recording, subject, seconds, ch_names, n_chans, low and
        high (microvolt, a list of 100 values per channel, 8 at most), labels (class, first and last second)
        and bad (first and last second).
    """
    chosen = np.linspace(0, len(recordings) - 1, min(len(recordings), _MOST_RECORDINGS)).astype(int)
    return [_look(recordings[i]) for i in chosen]


def _look(recording: Recording) -> dict[str, Any]:
    data = recording.raw.get_data(picks=recording.picks[:_MOST_CHANNELS]) * 1e6
    data = data - np.median(data, axis=1, keepdims=True)
    parts = [part for part in np.array_split(data, _BINS, axis=1) if part.shape[1]]
    labels: list[tuple[str, float, float]] = []
    bad: list[tuple[float, float]] = []
    for span in sorted(annotation_spans(recording.raw), key=lambda s: s.first):
        first, last = (round(i / recording.sfreq, 2) for i in span[:2])
        if span.is_boundary and last > first:
            bad.append((first, last))
        elif span.description in recording.classes:
            if labels and labels[-1][0] == span.description and labels[-1][2] == first:
                first = labels.pop()[1]
            labels.append((span.description, first, last))
    return {
        "recording": recording.uid,
        "subject": recording.subject,
        "seconds": round(recording.raw.n_times / recording.sfreq, 2),
        "ch_names": recording.ch_names[:_MOST_CHANNELS],
        "n_chans": len(recording.ch_names),
        "low": np.round([part.min(axis=1) for part in parts], 1).T.tolist(),
        "high": np.round([part.max(axis=1) for part in parts], 1).T.tolist(),
        "labels": labels,
        "bad": bad,
    }
