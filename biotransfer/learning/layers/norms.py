"""Norms, without running statistics: a frozen one does not move."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .kind import LayerKind, Options, Shape, Step

if TYPE_CHECKING:
    import torch
    from torch import nn

START = {"weight": 1.0, "bias": 0.0}


def _shapes(o: Options) -> dict[str, Shape]:
    return {"weight": (o["n_out"],), "bias": (o["n_out"],)}


def _layer_norm(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.LayerNorm(o["n_out"])


def _layer_norm_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, n_models: int
) -> torch.Tensor:
    from torch.nn import functional

    weight, bias = tensors["weight"].unsqueeze(1), tensors["bias"].unsqueeze(1)
    return functional.layer_norm(x, x.shape[-1:]) * weight + bias


def _group_norm(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.GroupNorm(o["groups"], o["n_out"])


def _group_norm_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, n_models: int
) -> torch.Tensor:
    from torch.nn import functional

    weight, bias = tensors["weight"].flatten(), tensors["bias"].flatten()
    return functional.group_norm(x, n_models * o["groups"], weight, bias)


LAYER_NORM = LayerKind(
    name="layer_norm",
    summary="Units of one window to mean 0 and deviation 1, then scaled and shifted.",
    example=({"n_out": 6}, (6,)),
    shapes=_shapes,
    constants=START,
    module=_layer_norm,
    stacked=_layer_norm_stacked,
    step=lambda o: Step("norm", groups=1),
    norm=True,
)
GROUP_NORM = LayerKind(
    name="group_norm",
    summary="Groups of channels of one window to mean 0 and deviation 1, then scaled and shifted.",
    example=({"n_out": 4, "groups": 2}, (4, 10)),
    shapes=_shapes,
    constants=START,
    module=_group_norm,
    stacked=_group_norm_stacked,
    step=lambda o: Step("norm", groups=o["groups"]),
    norm=True,
)
NORMS = (LAYER_NORM, GROUP_NORM)
