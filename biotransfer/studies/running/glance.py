"""What is kept of recordings as they are loaded, before filters: what is wrong, and how they look."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ...signals.quality import Group, group_findings, inspect_recordings
from ...signals.quality.finding import SEVERITIES
from ...signals.quality.looks import looks_of
from ...signals.recording import Recording

FILE = "loaded.json"


def glance(recordings: Sequence[Recording]) -> dict[str, Any]:
    """Return what the report shows of recordings as they were loaded.

    Parameters
    ----------
    recordings : sequence of Recording
        Before any preprocessing, in V.

    Returns
    -------
    dict
        ``findings``, one dict for each group with severity, kind, message and n; ``looks``, see
        :func:`.looks_of`.
    """
    return {
        "findings": [plain_group(group) for group in group_findings(inspect_recordings(recordings))],
        "looks": looks_of(recordings),
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
