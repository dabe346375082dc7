"""Recordings and windows in the forms of others: BIDS data sets, data sets of braindecode."""

from __future__ import annotations

from .bids import to_bids
from .braindecode import from_braindecode, to_braindecode

__all__ = ["from_braindecode", "to_bids", "to_braindecode"]
