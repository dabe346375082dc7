"""Dense layers, and the rectifier."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .kind import LayerKind, MapOp, Options, Shape, Step

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here


def dense_shapes(o: Options) -> dict[str, Shape]:
    """Weight and bias of a dense layer."""
    return {"weight": (o["n_out"], o["n_in"]), "bias": (o["n_out"],)}


def dense_operations(o: Options, before: Shape, behind: Shape) -> float:
    """Multiply-adds times two of its product."""
    return 2.0 * o["n_in"] * o["n_out"] * float(np.prod(before[:-1]))


def _linear(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.Linear(o["n_in"], o["n_out"])


def _linear_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    import torch

    given = x.flatten(1, -2)
    found = torch.baddbmm(tensors["bias"].unsqueeze(1), given, tensors["weight"].transpose(1, 2))
    return found.view(*x.shape[:-1], -1)


def _relu(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.ReLU()


def _relu_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    import torch

    return torch.relu(x)


def _within_shapes(o: Options) -> dict[str, Shape]:
    return {"parametrizations.weight.original": (o["n_out"], o["n_in"]), "bias": (o["n_out"],)}


def _within(o: Options, before: Shape) -> nn.Module:
    from .modules import LinearWithin, Renorm, ShortenColumns

    limit = ShortenColumns(o["most"], o["eps"]) if o["columns"] else Renorm(o["most"])
    return LinearWithin(o["n_in"], o["n_out"], limit)


def _within_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    from .modules import Renorm, ShortenColumns

    given = tensors["parametrizations.weight.original"]
    if o["columns"]:
        weight = ShortenColumns(o["most"], o["eps"])(given)
    else:
        weight = Renorm(o["most"])(given.flatten(0, 1)).view_as(given)
    return _linear_stacked(o, {"weight": weight, "bias": tensors["bias"]}, x, here)


LINEAR = LayerKind(
    name="linear",
    summary="Dense layer over the last axis.",
    example=({"n_in": 6, "n_out": 4}, (6,)),
    shapes=dense_shapes,
    output_shape=lambda o, before: (*before[:-1], o["n_out"]),
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
LINEAR_WITHIN = LayerKind(
    name="linear_within",
    summary="Dense layer whose rows are no longer than a most, or whose columns are scaled by their length.",
    example=({"n_in": 6, "n_out": 4, "most": 0.25, "columns": True, "eps": 1e-5}, (6,)),
    shapes=_within_shapes,
    output_shape=lambda o, before: (*before[:-1], o["n_out"]),
    operations=dense_operations,
    module=_within,
    stacked=_within_stacked,
)
DENSE = (LINEAR, LINEAR_WITHIN, RELU)
