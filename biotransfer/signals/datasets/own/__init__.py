"""One's own recordings: MNE Raws, arrays, tables, a folder of files."""

from __future__ import annotations

from .arrays import from_arrays
from .folder import ENTRY, from_folder, load_folder
from .frames import from_table
from .guessing import guess_folder
from .raws import from_raws

__all__ = ["ENTRY", "from_arrays", "from_folder", "from_raws", "from_table", "guess_folder", "load_folder"]
