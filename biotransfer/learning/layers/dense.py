"""Dense layers, and the rectifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .kind import LayerKind, MapOp, Options, Shape, Step

if TYPE_CHECKING:
    import torch
    from torch import nn


def dense_shapes(o: Options) -> dict[str, Shape]:
    """Weight and bias of a dense layer."""
    return {"weight": (o["n_out"], o["n_in"]), "bias": (o["n_out"],)}


def dense_operations(o: Options, before: Shape, behind: Shape) -> float:
    """Multiply-adds times two of its product."""
    return 2.0 * o["n_in"] * o["n_out"]


def _linear(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.Linear(o["n_in"], o["n_out"])


def _linear_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, n_models: int
) -> torch.Tensor:
    import torch

    return torch.baddbmm(tensors["bias"].unsqueeze(1), x, tensors["weight"].transpose(1, 2))


def _relu(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.ReLU()


def _relu_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, n_models: int
) -> torch.Tensor:
    import torch

    return torch.relu(x)


LINEAR = LayerKind(
    name="linear",
    summary="Dense layer.",
    example=({"n_in": 6, "n_out": 4}, (6,)),
    shapes=dense_shapes,
    output_shape=lambda o, before: (o["n_out"],),
    operations=dense_operations,
    module=_linear,
    stacked=_linear_stacked,
    step=lambda o: Step("linear"),
    op=lambda o, before: MapOp("conv", length=0, biased=True),
)
RELU = LayerKind(
    name="relu",
    summary="Negative values become 0.",
    example=({}, (6,)),
    module=_relu,
    stacked=_relu_stacked,
    step=lambda o: Step("rectify"),
    op=lambda o, before: MapOp("relu"),
)
DENSE = (LINEAR, RELU)
