"""From files to windows, nothing unaccounted: what was found, what is used, and where every sample went."""

from __future__ import annotations

from .tables import account, account_recording, file_table, person_table

__all__ = [
    "account",
    "account_recording",
    "file_table",
    "person_table",
]
