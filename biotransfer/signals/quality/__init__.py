"""What is wrong with recordings: findings, in groups, as a table, and what was decided about them."""

from __future__ import annotations

from .finding import KINDS, Finding
from .grouping import Group, group_findings
from .inspecting import inspect_recording, inspect_recordings

__all__ = [
    "KINDS",
    "Finding",
    "Group",
    "group_findings",
    "inspect_recording",
    "inspect_recordings",
]
