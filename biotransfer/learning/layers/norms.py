"""Norms: of one window, and of a batch with running statistics, by which a frozen one computes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .kind import LayerKind, MapOp, Options, Shape, Step
from .reshaping import apart, fold

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here

START = {"weight": 1.0, "bias": 0.0}


def _shapes(o: Options) -> dict[str, Shape]:
    return {"weight": (o["n_out"],), "bias": (o["n_out"],)}


def _layer_norm(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.LayerNorm(o["n_out"])


def _layer_norm_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    from torch.nn import functional

    shape = (len(x), *[1] * (x.ndim - 2), -1)
    weight, bias = tensors["weight"].view(shape), tensors["bias"].view(shape)
    return functional.layer_norm(x, x.shape[-1:]) * weight + bias


def _group_norm(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.GroupNorm(o["groups"], o["n_out"])


def _group_norm_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    from torch.nn import functional

    weight, bias = tensors["weight"].flatten(), tensors["bias"].flatten()
    return apart(functional.group_norm(fold(x), len(x) * o["groups"], weight, bias), x)


def _batch_norm(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    norm = nn.BatchNorm1d if len(before) == 2 else nn.BatchNorm2d
    return norm(o["n_out"], o["eps"], o["momentum"])


def in_training(o: Options, x: torch.Tensor, here: Here) -> tuple[bool, ...]:
    """For every model whether a norm goes by the batch; with the option ``alone`` one window never does."""
    return () if o.get("alone") and x.shape[1] == 1 else here.training


def _batch_norm_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    import torch

    from .functions import standardise

    found, scale, shift = standardise(
        x, tensors, in_training(o, x, here), eps=o["eps"], momentum=o["momentum"]
    )
    return torch.addcmul(shift, found, scale)


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
BATCH_NORM = LayerKind(
    name="batch_norm",
    summary="Every channel of a batch to mean 0 and deviation 1, then scaled and shifted.",
    example=({"n_out": 4, "eps": 1e-3, "momentum": 0.05}, (4, 10)),
    shapes=lambda o: {**_shapes(o), "running_mean": (o["n_out"],), "running_var": (o["n_out"],)},
    constants={**START, "running_mean": 0.0, "running_var": 1.0},
    module=_batch_norm,
    stacked=_batch_norm_stacked,
    op=lambda o, before: None if o.get("alone") else MapOp("norm", eps=o["eps"], momentum=o["momentum"]),
    norm=True,
)
NORMS = (LAYER_NORM, GROUP_NORM, BATCH_NORM)
