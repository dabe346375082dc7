"""Single features: of one channel, or of a pair; each a small declared function of batched signals."""

from .catalog import GROUPS, SINGLES

__all__ = ["GROUPS", "SINGLES"]
