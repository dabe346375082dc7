"""Pretraining: what a source network is trained on, and how."""

from .catalog import METHODS, SOURCES
from .settings import Pretraining
from .validity import method_label, why_not

__all__ = ["METHODS", "SOURCES", "Pretraining", "method_label", "why_not"]
