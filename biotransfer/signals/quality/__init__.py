"""What is wrong with recordings: findings, in groups, as a table, and what was decided about them."""

from __future__ import annotations

from .decisions import ACTIONS, Decision, apply_decisions, findings_table, read_decisions
from .finding import KINDS, Finding
from .grouping import Group, group_findings
from .inspecting import inspect_recording, inspect_recordings

__all__ = [
    "ACTIONS",
    "Decision",
    "KINDS",
    "Finding",
    "Group",
    "apply_decisions",
    "findings_table",
    "group_findings",
    "inspect_recording",
    "inspect_recordings",
    "read_decisions",
]
