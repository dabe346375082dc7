"""Layers of a library's model: they declare tensors, not computations."""

from __future__ import annotations

from .kind import LayerKind

FOREIGN = LayerKind(
    name="foreign",
    summary="Tensors that stand and fall together in a library's model, by their names there.",
    example=None,
    shapes=lambda o: dict(o["shapes"]),
    prefixed=False,
    module=None,
)
