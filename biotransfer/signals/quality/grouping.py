"""Findings as a few lines: one for all channels and recordings with the same defect."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from .finding import KINDS, SEVERITIES, Finding

_QUOTED = re.compile(r"'[^']*'")
_WORDS = 36
_NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class Group:
    """Findings of one kind and severity.

    Parameters
    ----------
    findings : tuple of Finding
        One or more; the worst first.
    """

    findings: tuple[Finding, ...]

    @property
    def kind(self) -> str:
        """A key of ``KINDS``."""
        return self.findings[0].kind

    @property
    def severity(self) -> str:
        """Of the worst."""
        return self.findings[0].severity

    @property
    def message(self) -> str:
        """Where it was found, what it is, and the worst case."""
        worst = self.findings[0]
        if len(self.findings) == 1:
            return f"{worst.recording}: {worst.message}" if worst.recording else worst.message
        recordings = {f.recording for f in self.findings}
        channels = len({(f.recording, f.channel) for f in self.findings if f.channel})
        files = len({f.file for f in self.findings if f.file})
        many = [f"{n} {what}" for n, what in ((channels, "channels"), (files, "files")) if n]
        if recordings != {""}:
            n = len(recordings)
            many.append(f"{n} recording{'s' * (n > 1)}")
        where = " of ".join(many) or f"{len(self.findings)} times"
        place = f" ({worst.recording})" if worst.recording else ""
        return f"{where}: {KINDS[worst.kind]}; such as: {worst.message.rstrip('.')}{place}."

    def __str__(self) -> str:
        return f"{self.severity}: {self.kind}: {self.message}"


def group_findings(findings: Sequence[Finding]) -> list[Group]:
    """Return findings in groups, the most severe first.

    Parameters
    ----------
    findings : sequence of Finding
        As :func:`.inspect_recordings` returns them.

    Returns
    -------
    list of Group
        One for each kind and severity; what loaders noticed is grouped by its words, apart from names and
        numbers.
    """
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        words = ""
        if finding.kind in ("noticed", "known", "unused_file", "filtered"):
            words = _NUMBER.sub("#", _QUOTED.sub("''", finding.message))[:_WORDS]
        groups.setdefault((finding.severity, finding.kind, words), []).append(finding)
    kinds = list(KINDS)
    ordered = sorted(
        groups.items(), key=lambda item: (-SEVERITIES.index(item[0][0]), kinds.index(item[0][1]))
    )
    return [Group(tuple(_worst_first(found))) for _, found in ordered]


def _worst_first(findings: list[Finding]) -> list[Finding]:
    """Order by value: the smallest first where little is bad, the largest elsewhere."""
    sign = 1.0 if findings[0].kind in ("short", "short_file", "unlabelled") else -1.0
    return sorted(findings, key=lambda f: sign * f.value if np.isfinite(f.value) else 0.0)
