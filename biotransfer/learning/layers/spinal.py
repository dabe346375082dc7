"""Layers of a SpinalNet head."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .dense import dense_operations, dense_shapes
from .kind import LayerKind, Options, Shape
from .norms import START

if TYPE_CHECKING:
    from torch import nn


def _shapes(o: Options) -> dict[str, Shape]:
    norm = {"norm.weight": (o["n_out"],), "norm.bias": (o["n_out"],)} if o["norm"] else {}
    return dense_shapes(o) | norm


def _spinal(o: Options, before: Shape) -> nn.Module:
    from .modules import Spinal

    return Spinal(**o)


def _last(o: Options, before: Shape) -> nn.Module:
    from .modules import Apply

    size = o["size"]
    return Apply(lambda x: x[..., -size:])


SPINAL = LayerKind(
    name="spinal",
    summary="Units that see half of the features and the units before them, beside both.",
    example=({"n_in": 5, "n_out": 2, "begin": 3, "end": 6, "dropout": 0.0, "norm": True}, (8,)),
    shapes=_shapes,
    constants={f"norm.{key}": value for key, value in START.items()},
    output_shape=lambda o, before: (before[0] + o["n_out"],),
    operations=dense_operations,
    module=_spinal,
)
LAST = LayerKind(
    name="last",
    summary="The last values alone.",
    example=({"size": 2}, (6,)),
    output_shape=lambda o, before: (o["size"],),
    module=_last,
)
SPINALNET = (SPINAL, LAST)
