"""What is kept of recordings as they are loaded, before filters: what is wrong, and how they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from ...signals.quality import Group, group_findings, inspect_recordings
from ...signals.quality.finding import SEVERITIES
from ...signals.recording import Recording, annotation_spans

FILE = "loaded.json"
_MOST_RECORDINGS = 24
_MOST_CHANNELS = 8
_BINS = 100


def glance(recordings: Sequence[Recording]) -> dict[str, Any]:
    """Return what the report shows of recordings as they were loaded.

    Parameters
    ----------
    recordings : sequence of Recording
        Before any preprocessing, in V.

    Returns
    -------
    dict
        ``findings``, one dict for each group with severity, kind, message and n; ``looks``, of at most 24
        recordings, each with recording, subject, seconds, ch_names, low and high (microvolt, one list of 100
        values per channel), labels (class, first and last second) and bad (first and last second).
    """
    chosen = np.linspace(0, len(recordings) - 1, min(len(recordings), _MOST_RECORDINGS)).astype(int)
    return {
        "findings": [plain_group(group) for group in group_findings(inspect_recordings(recordings))],
        "looks": [_look(recordings[i]) for i in chosen],
    }


def plain_group(group: Group) -> dict[str, Any]:
    """Return findings of one kind as the report shows them."""
    return {
        "severity": group.severity,
        "kind": group.kind,
        "message": group.message,
        "n": len(group.findings),
    }


def worst_first(findings: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return findings, the most severe first, else in their order."""
    return sorted(findings, key=lambda finding: -SEVERITIES.index(finding["severity"]))


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
