"""Pretraining: what a source network is trained on, and how."""

from .catalog import METHODS, SOURCES
from .validity import method_label, why_not

__all__ = ["METHODS", "SOURCES", "method_label", "why_not"]
