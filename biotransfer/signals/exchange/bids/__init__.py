"""Recordings as a BIDS data set that the official validator passes."""

from __future__ import annotations

from .writing import to_bids

__all__ = ["to_bids"]
