"""Convolutions, padded so that times and sides stay."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

import numpy as np

from .kind import LayerKind, Options, Shape, Step

if TYPE_CHECKING:
    import torch
    from torch import nn


def _shapes(kernel: Callable[[int], Shape]) -> Callable[[Options], dict[str, Shape]]:
    return lambda o: {"weight": (o["n_out"], o["n_in"], *kernel(o["kernel"])), "bias": (o["n_out"],)}


def _output_shape(o: Options, before: Shape) -> Shape:
    return (o["n_out"], *before[1:])


def _operations(n_axes: int) -> Callable[[Options, Shape, Shape], float]:
    return lambda o, before, behind: 2.0 * o["n_in"] * o["kernel"] ** n_axes * float(np.prod(behind))


def _patches(o: Options, before: Shape) -> float:
    return float(np.prod(before)) * o["kernel"] ** (len(before) - 1)


def _conv1d(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.Conv1d(o["n_in"], o["n_out"], o["kernel"], padding=o["kernel"] // 2)


def _conv2d(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.Conv2d(o["n_in"], o["n_out"], o["kernel"], padding=o["kernel"] // 2)


def _conv_time(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.Conv2d(o["n_in"], o["n_out"], (1, o["kernel"]), padding=(0, o["kernel"] // 2))


def _stacked(o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, n_models: int) -> torch.Tensor:
    """Run filters of shape (n_models, n_out, n_in, [height,] width) on folded models."""
    from torch.nn import functional

    weight, bias = tensors["weight"], tensors["bias"]
    weight = weight.unsqueeze(3) if weight.ndim == 4 else weight
    if x.is_cuda:
        return convolve_patches(x, weight, bias)
    padding = [side // 2 for side in weight.shape[3:]]
    return functional.conv2d(x, weight.flatten(0, 1), bias.flatten(), padding=padding, groups=n_models)


def convolve_patches(x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
    """Convolve as products of filters and patches, padded so that the size stays.

    Parameters
    ----------
    x : Tensor, shape (n_windows, n_models * n_in, height, width)
        Images.
    weight : Tensor, shape (n_models, n_out, n_in, kernel_height, kernel_width)
        Filters of odd sides.
    bias : Tensor, shape (n_models, n_out)
        Of the filters.

    Returns
    -------
    Tensor, shape (n_windows, n_models * n_out, height, width)
    """
    import torch
    from torch.nn import functional

    n_models, n_out, _, *kernel = weight.shape
    n_windows, _, *size = x.shape
    padding = [side // 2 for side in reversed(kernel) for _ in range(2)]
    patches = functional.pad(x, padding).unflatten(1, (n_models, -1))
    patches = patches.unfold(3, kernel[0], 1).unfold(4, kernel[1], 1).permute(1, 2, 5, 6, 0, 3, 4)
    filters = weight.flatten(2)
    out = torch.baddbmm(bias.unsqueeze(2), filters, patches.reshape(n_models, filters.shape[2], -1))
    return out.view(n_models, n_out, n_windows, *size).permute(2, 0, 1, 3, 4).flatten(1, 2)


CONV1D = LayerKind(
    name="conv1d",
    summary="Filters over all channels and a stretch of time.",
    example=({"n_in": 3, "n_out": 4, "kernel": 5}, (3, 12)),
    shapes=_shapes(lambda kernel: (kernel,)),
    output_shape=_output_shape,
    operations=_operations(1),
    module=_conv1d,
    stacked=_stacked,
    patches=_patches,
    step=lambda o: Step("conv", length=o["kernel"]),
)
CONV2D = LayerKind(
    name="conv2d",
    summary="Square filters over images.",
    example=({"n_in": 2, "n_out": 3, "kernel": 3}, (2, 6, 6)),
    shapes=_shapes(lambda kernel: (kernel, kernel)),
    output_shape=_output_shape,
    operations=_operations(2),
    module=_conv2d,
    stacked=_stacked,
    patches=_patches,
)
CONV_TIME = LayerKind(
    name="conv_time",
    summary="Filters over a stretch of time, the same for every channel.",
    example=({"n_in": 2, "n_out": 3, "kernel": 5}, (2, 4, 12)),
    shapes=_shapes(lambda kernel: (1, kernel)),
    output_shape=_output_shape,
    operations=_operations(1),
    module=_conv_time,
)
CONVOLUTIONS = (CONV1D, CONV2D, CONV_TIME)
