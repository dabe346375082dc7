"""What becomes one window."""

from __future__ import annotations

from typing import NamedTuple


class Piece(NamedTuple):
    """A stretch of samples that becomes one window; ``at`` tells it from others of its recording, in s."""

    at: float
    first: int
    last: int
    start: float
    stop: float
    label: int
    run: str
    source_file: str
