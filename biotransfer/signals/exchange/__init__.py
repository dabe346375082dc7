"""Recordings and windows in the forms of others: BIDS data sets."""

from __future__ import annotations

from .bids import to_bids

__all__ = ["to_bids"]
