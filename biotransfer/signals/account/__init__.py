"""From files to windows, nothing unaccounted: what was found, what is used, and where every sample went."""

from __future__ import annotations

from .findings import window_findings
from .tables import account, account_recording, account_tables, file_table, person_table
from .words import say_account, show_people

__all__ = [
    "account",
    "account_recording",
    "account_tables",
    "file_table",
    "person_table",
    "say_account",
    "show_people",
    "window_findings",
]
