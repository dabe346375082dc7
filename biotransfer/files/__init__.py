"""Files: written whole or not at all, and read as they were written or refused."""

from __future__ import annotations

from .bounded import bounded, exists, is_file, parse_json, parse_yaml, read_text, read_yaml
from .proof import (
    CONTENTS,
    Contents,
    DamagedError,
    Stamp,
    list_contents,
    read_contents,
    read_proven,
    remove,
    stamp_of,
    write_proven,
)
from .writing import (
    folder_aside,
    is_alive,
    make_folder,
    read_json,
    shipped_recipes,
    sweep_parts,
    temporary_folder,
    write_atomically,
    write_json,
    write_text,
)

__all__ = [
    "CONTENTS", "Contents", "DamagedError", "Stamp", "bounded", "exists", "folder_aside", "is_alive",
    "is_file", "list_contents", "make_folder", "parse_json", "parse_yaml", "read_contents", "read_json",
    "read_proven", "read_text", "read_yaml", "remove", "shipped_recipes", "stamp_of", "sweep_parts",
    "temporary_folder", "write_atomically", "write_json", "write_proven", "write_text",
]  # fmt: skip
