"""Layers: what a network is made of, each kind one record of all that is known of it."""

from .catalog import KINDS
from .kind import LayerKind, Step
from .layer import Layer

__all__ = ["KINDS", "Layer", "LayerKind", "Step"]
