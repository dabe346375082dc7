"""Forward passes of many models of one network at once: every tensor carries a leading model axis.

Dense layers are batched products. For convolutions the model axis is folded into the channels; a signal is
an image of one row. On a CPU they run grouped, so that model i's filters see model i's windows alone, with
the channels last in memory: there small networks trained 1.4 to 1.5 times as fast as with channels first. On
a GPU, where groups are slow, they are products of the filters with the patches of the windows: of 128 models
of 8 x 128 signals an H200 made 2.7 times as many updates as by groups, 2.8 times as many as by vmap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import pairwise

import torch
from torch.nn import functional

from ..networks.network import Layer, Network

STACKABLE = frozenset(
    {
        "linear",
        "relu",
        "layer_norm",
        "conv1d",
        "conv2d",
        "group_norm",
        "max_pool",
        "mean_over_time",
        "image",
        "flatten",
    }
)


def run_stacked(
    network: Network, tensors: Mapping[str, torch.Tensor], x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Run every model on its own windows.

    Parameters
    ----------
    network : Network
        All of whose layers are stackable.
    tensors : mapping of str to Tensor, shape (n_models, *shape)
        Weights.
    x : Tensor, shape (n_models, n_windows, *input_shape)
        Windows.

    Returns
    -------
    features : Tensor, shape (n_models, n_windows, n_units)
        What enters the head.
    logits : Tensor, shape (n_models, n_windows, n_outputs)
        What leaves it.
    """
    features: torch.Tensor | None = None
    n_models, folded = len(x), x.ndim > 3
    if folded:
        x = _ordered(x.transpose(0, 1).flatten(1, 2).unsqueeze(2))
    for layer in pooled_first(network.layers):
        if layer.part == "head" and features is None:
            features = x
        if layer.kind == "image":
            side = layer.options["side"]
            x, folded = _ordered(x.transpose(0, 1).unflatten(2, (side, side))), True
        elif layer.kind in ("flatten", "mean_over_time"):
            x = x.mean(dim=-1) if layer.kind == "mean_over_time" else x
            x, folded = x.unflatten(1, (n_models, -1)).transpose(0, 1).flatten(2), False
        else:
            x = _fold(layer, tensors, x, n_models) if folded else _dense(layer, tensors, x)
    assert features is not None
    return features, x


def pooled_first(layers: Sequence[Layer]) -> list[Layer]:
    """Put pooling before the ReLU that it follows: the same values and gradients, from fewer numbers."""
    out = list(layers)
    for i, kinds in enumerate(pairwise(layer.kind for layer in layers)):
        if kinds == ("relu", "max_pool"):
            out[i : i + 2] = out[i + 1], out[i]
    return out


def _ordered(x: torch.Tensor) -> torch.Tensor:
    """Put images, (n_windows, n_models * n_channels, height, width), into their device's order."""
    return x.contiguous(memory_format=torch.contiguous_format if x.is_cuda else torch.channels_last)


def run_mixed(
    network: Network, tensors: Mapping[str, torch.Tensor], x: torch.Tensor
) -> tuple[torch.Tensor, torch.Tensor]:
    """Do as :func:`run_stacked` in bfloat16 where the device's rules allow it; returns the precision of x."""
    with torch.autocast(x.device.type, torch.bfloat16):
        features, logits = run_stacked(network, tensors, x)
    return features.to(x.dtype), logits.to(x.dtype)


def _dense(layer: Layer, tensors: Mapping[str, torch.Tensor], x: torch.Tensor) -> torch.Tensor:
    """One layer on x of shape (n_models, n_windows, n_units)."""
    if layer.kind == "linear":
        weight, bias = tensors[f"{layer.name}.weight"], tensors[f"{layer.name}.bias"]
        return torch.baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2))
    if layer.kind == "layer_norm":
        weight, bias = tensors[f"{layer.name}.weight"], tensors[f"{layer.name}.bias"]
        return functional.layer_norm(x, x.shape[-1:]) * weight.unsqueeze(1) + bias.unsqueeze(1)
    return torch.relu(x)


def _fold(layer: Layer, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, n_models: int) -> torch.Tensor:
    """One layer on x of shape (n_windows, n_models * n_channels, height, width)."""
    if layer.kind == "relu":
        return torch.relu(x)
    if layer.kind == "max_pool":
        size = layer.options["size"]
        return functional.max_pool2d(x, (size if x.shape[2] > 1 else 1, size))
    weight, bias = (tensors[f"{layer.name}.{key}"] for key in ("weight", "bias"))
    if layer.kind == "group_norm":
        return functional.group_norm(x, n_models * layer.options["groups"], weight.flatten(), bias.flatten())
    weight = weight.unsqueeze(3) if layer.kind == "conv1d" else weight
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
    n_models, n_out, _, *kernel = weight.shape
    n_windows, _, *size = x.shape
    padding = [side // 2 for side in reversed(kernel) for _ in range(2)]
    patches = functional.pad(x, padding).unflatten(1, (n_models, -1))
    patches = patches.unfold(3, kernel[0], 1).unfold(4, kernel[1], 1).permute(1, 2, 5, 6, 0, 3, 4)
    filters = weight.flatten(2)
    out = torch.baddbmm(bias.unsqueeze(2), filters, patches.reshape(n_models, filters.shape[2], -1))
    return out.view(n_models, n_out, n_windows, *size).permute(2, 0, 1, 3, 4).flatten(1, 2)
