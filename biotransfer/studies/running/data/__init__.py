"""From a recipe's data section to windows, and what the report says about them.

Stages are kept in the cache, each by what it depends on: preprocessed recordings, windows, features, and what
should not carry the label, which is measured in the recordings as they were loaded.
"""

from __future__ import annotations

from .opening import find_side, open_request
from .recordings import data_sections, load_recordings, smoke_people
from .request import MADE_BY, Place, Request, file_bytes, is_stored
from .side import Side, open_side

__all__ = [
    "MADE_BY",
    "Place",
    "Request",
    "Side",
    "data_sections",
    "file_bytes",
    "find_side",
    "is_stored",
    "load_recordings",
    "open_request",
    "open_side",
    "smoke_people",
]
