"""Windows: pieces of signal, or their features, that know where they come from.

Signals and features are one container: features are Windows with other columns. Every window carries the
subject, session, run, start and stop of the samples it saw, so a split can refuse to share them.
"""

from __future__ import annotations

from ..recording import natural_sorted
from .container import METADATA, Windows, concatenate
from .cutting import CUT_RULES, cut_windows
from .disk import WindowsWriter, open_windows, write_windows
from .epochs import from_epochs, to_epochs

__all__ = [
    "CUT_RULES",
    "METADATA",
    "Windows",
    "WindowsWriter",
    "concatenate",
    "cut_windows",
    "from_epochs",
    "natural_sorted",
    "open_windows",
    "to_epochs",
    "write_windows",
]
