"""Networks: declared records with a stem, a body and a head."""

from __future__ import annotations

from ..layers.layer import Layer
from .catalog import NETWORKS, build_network
from .checkpoints import load_checkpoint
from .drawing import initial_tensors
from .heads import HEADS
from .network import PARTS, Network
from .records import network_of
from .surgery import deepen, replace_head, widen

__all__ = [
    "HEADS", "NETWORKS", "PARTS", "Layer", "Network", "build_network", "deepen", "initial_tensors",
    "load_checkpoint", "network_of", "replace_head", "widen",
]  # fmt: skip
