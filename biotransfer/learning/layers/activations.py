"""What is done to every value alone: ELU, square, logarithm, dropout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .kind import LayerKind, MapOp, Options, Shape

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here


def _elu(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.ELU()


def _square(o: Options, before: Shape) -> nn.Module:
    from .modules import Apply

    return Apply(lambda x: x * x)


def _log(o: Options, before: Shape) -> nn.Module:
    from .modules import Apply

    least = o["least"]
    return Apply(lambda x: x.clamp(min=least).log())


def _dropout(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.Dropout(o["share"])


def _elu_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    from torch.nn import functional

    return functional.elu(x)


def _gelu(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.GELU()


def _gelu_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    from torch.nn import functional

    return functional.gelu(x)


def _dropout_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    return here.drop(x, o["share"])


ELU = LayerKind(
    name="elu",
    summary="Negative values approach -1.",
    example=({}, (4, 10)),
    module=_elu,
    stacked=_elu_stacked,
    op=lambda o, before: MapOp("elu"),
)
GELU = LayerKind(
    name="gelu",
    summary="Every value times the share of a normal distribution below it.",
    example=({}, (4, 10)),
    module=_gelu,
    stacked=_gelu_stacked,
)
SQUARE = LayerKind(
    name="square",
    summary="Every value squared.",
    example=({}, (4, 10)),
    module=_square,
    op=lambda o, before: MapOp("square"),
)
LOG = LayerKind(
    name="log",
    summary="Logarithm, of small values that of the least.",
    example=({"least": 1e-6}, (4, 10)),
    module=_log,
    op=lambda o, before: MapOp("log", eps=o["least"]),
)
DROPOUT = LayerKind(
    name="dropout",
    summary="While training a share of the values, drawn by the update's seed, becomes 0.",
    example=({"share": 0.25}, (4, 10)),
    module=_dropout,
    stacked=_dropout_stacked,
    op=lambda o, before: MapOp("drop", kept=1 - o["share"]),
)
ACTIVATIONS = (ELU, GELU, SQUARE, LOG, DROPOUT)
