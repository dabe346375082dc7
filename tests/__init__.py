"""Tests, in the rooms of the package; what several share stands beside them."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
