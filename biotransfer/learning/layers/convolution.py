"""Convolutions, padded so that times and sides stay where nothing else is said."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from .kind import LayerKind, MapOp, Options, Shape, Step
from .reshaping import apart, fold

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here


_FEW = 1 << 15
"""Weights of filters as matrices, up to which these beat convolutions."""


def _padding(o: Options) -> int:
    return int(o.get("padding", o["kernel"] // 2))


def padding_of(o: Options) -> tuple[int, int]:
    """Zeros before a window and behind it, where there may be one more."""
    return _padding(o), _padding(o) + int(o.get("further", 0))


def _padded(o: Options) -> int:
    return sum(padding_of(o))


def _spread(o: Options) -> int:
    """How many samples a filter spans."""
    return int(o.get("dilation", 1) * (o["kernel"] - 1) + 1)


def _shapes(kernel: Callable[[int], Shape]) -> Callable[[Options], dict[str, Shape]]:
    def shapes(o: Options) -> dict[str, Shape]:
        weight: dict[str, Shape] = {
            "weight": (o["n_out"], o["n_in"] // o.get("groups", 1), *kernel(o["kernel"]))
        }
        return weight | ({"bias": (o["n_out"],)} if o.get("bias", True) else {})

    return shapes


def _output_shape(o: Options, before: Shape) -> Shape:
    return (o["n_out"], *before[1:])


def _shape_in_time(o: Options, before: Shape) -> Shape:
    return (o["n_out"], *before[1:-1], before[-1] + _padded(o) - _spread(o) + 1)


def _operations(n_axes: int) -> Callable[[Options, Shape, Shape], float]:
    return lambda o, before, behind: (
        2.0 * o["n_in"] / o.get("groups", 1) * o["kernel"] ** n_axes * float(np.prod(behind))
    )


def _patches(o: Options, before: Shape) -> float:
    return float(np.prod(before)) * o["kernel"] ** (len(before) - 1)


def _patches_in_time(o: Options, before: Shape) -> float:
    return float(np.prod(before)) * o["kernel"]


def _conv1d(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    further = {key: o[key] for key in ("groups", "dilation", "bias") if key in o}
    found = nn.Conv1d(o["n_in"], o["n_out"], o["kernel"], padding=_padding(o), **further)
    return _one_more(found) if o.get("further") else found


def _conv2d(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.Conv2d(o["n_in"], o["n_out"], o["kernel"], padding=o["kernel"] // 2)


def _conv_time(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    size = (1, o["kernel"])
    found = nn.Conv2d(o["n_in"], o["n_out"], size, padding=(0, _padding(o)), bias=o.get("bias", True))
    return _one_more(found) if o.get("further") else found


def _one_more(filters: nn.Module) -> nn.Module:
    """Let a convolution see one more zero at the end of time."""
    from torch.nn import functional

    filters.register_forward_pre_hook(lambda _, given: (functional.pad(given[0], (0, 1)),))
    return filters


def _conv1d_op(o: Options, before: Shape) -> MapOp | None:
    groups, dilation = o.get("groups", 1), o.get("dilation", 1)
    biased, each = o.get("bias", True), groups == o["n_in"] == o["n_out"] > 1
    if (
        o.get("further")
        or (groups > 1 and not each)
        or (each and (dilation > 1 or biased))
        or _padding(o) >= max(o["kernel"], 2)
    ):
        return None
    return MapOp("each" if each else "conv", o["kernel"], _padding(o), dilation=dilation, biased=biased)


def _stacked(o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here) -> torch.Tensor:
    """Run filters of shape (n_models, n_out, n_in, [height,] width) on models folded into the channels."""
    from torch.nn import functional

    weight, bias = tensors["weight"], tensors.get("bias")
    weight = weight.unsqueeze(3) if weight.ndim == 4 else weight
    usual = not {"padding", "groups", "dilation", "bias", "further"} & set(o)
    if o["kernel"] == 1 and o.get("groups", 1) == 1 and x.ndim == 4 and not x.is_cuda:
        return _in_one_point(tensors, x)
    if x.ndim == 4 and not x.is_cuda and _few_products(o, x.shape[-1]):
        return _as_matrices(o, tensors, x)
    images = fold(x)
    if x.is_cuda and usual and bias is not None:
        return apart(convolve_patches(images, weight, bias), x)
    padding = [side // 2 for side in weight.shape[3:]]
    padding[-1] = _padding(o)
    found = functional.conv2d(
        functional.pad(images, (0, 1)) if o.get("further") else images,
        weight.flatten(0, 1),
        None if bias is None else bias.flatten(),
        padding=padding,
        dilation=(1, o.get("dilation", 1)),
        groups=len(x) * o.get("groups", 1),
    )
    return apart(found, x)


def _in_one_point(tensors: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Mix channels: products of filters with all times of all windows."""
    import torch

    given = x.transpose(1, 2)
    weight, bias = tensors["weight"].squeeze(-1), tensors.get("bias")
    rows = given.flatten(2)
    found = torch.bmm(weight, rows) if bias is None else torch.baddbmm(bias.unsqueeze(2), weight, rows)
    return found.view(len(x), -1, *given.shape[2:]).transpose(1, 2)


def _few_products(o: Options, n_times: int) -> bool:
    """Whether matrices from all times to all times, zeros included, are small."""
    n_behind = n_times + _padded(o) - _spread(o) + 1
    pairs = o["n_out"] * o["n_in"] // o.get("groups", 1)
    return o.get("groups", 1) in (1, o["n_in"]) and pairs * n_times * n_behind <= _FEW


def _as_matrices(o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """Run filters over a few times as matrices from all of them to all behind."""
    import torch

    n_models, n_windows, n_in, n_times = x.shape
    weight, bias, groups = tensors["weight"], tensors.get("bias"), o.get("groups", 1)
    n_behind = n_times + _padded(o) - _spread(o) + 1
    which = _taps(n_times, n_behind, o["kernel"], _padding(o), o.get("dilation", 1)).to(x.device)
    whole = torch.nn.functional.pad(weight, (0, 1)).index_select(-1, which)
    whole = whole.unflatten(-1, (n_times, n_behind))
    if groups == 1:
        matrices = whole.permute(0, 2, 3, 1, 4).reshape(n_models, n_in * n_times, -1)
        found = torch.bmm(x.reshape(n_models, n_windows, -1), matrices).unflatten(2, (-1, n_behind))
    else:
        given = x.transpose(1, 2).repeat_interleave(o["n_out"] // groups, dim=1)
        found = torch.matmul(given, whole.squeeze(2)).transpose(1, 2)
    return found if bias is None else found + bias[:, None, :, None]


@lru_cache(maxsize=64)
def _taps(n_times: int, n_behind: int, kernel: int, padding: int, dilation: int) -> torch.Tensor:
    """Return by which tap each time (of n_times) is seen by each behind (n_behind); ``kernel`` for none."""
    import torch

    at = torch.arange(n_times)[:, None] - torch.arange(n_behind) + padding
    inside = (at >= 0) & (at < dilation * kernel) & (at % dilation == 0)
    return torch.where(inside, at // dilation, kernel).flatten()


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
    output_shape=_shape_in_time,
    operations=_operations(1),
    module=_conv1d,
    stacked=_stacked,
    patches=_patches,
    step=lambda o: Step("conv", length=o["kernel"]),
    op=_conv1d_op,
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
    output_shape=_shape_in_time,
    operations=_operations(1),
    module=_conv_time,
    stacked=_stacked,
    patches=_patches_in_time,
    op=lambda o, before: (
        None if o.get("further") else MapOp("time", o["kernel"], _padding(o), biased=o.get("bias", True))
    ),
)
CONVOLUTIONS = (CONV1D, CONV2D, CONV_TIME)
