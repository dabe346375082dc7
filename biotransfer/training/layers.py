"""Forward passes of many models of one network at once: every tensor carries a leading model axis.

Dense layers are batched products. Convolutions fold the model axis into the channels and run grouped, so that
model i's filters see model i's windows alone.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch.nn import functional

from ..networks.network import Layer, Network

DENSE = frozenset({"linear", "relu", "layer_norm"})
STACKABLE = DENSE | {"conv1d", "conv2d", "group_norm", "max_pool", "mean_over_time", "image", "flatten"}


def convolves(network: Network) -> bool:
    """Whether any layer is more than dense."""
    return not all(layer.kind in DENSE for layer in network.layers)


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
        x = x.transpose(0, 1).flatten(1, 2)
    for layer in network.layers:
        if layer.part == "head" and features is None:
            features = x
        if layer.kind == "image":
            side = layer.options["side"]
            x, folded = x.transpose(0, 1).unflatten(2, (side, side)), True
        elif layer.kind in ("flatten", "mean_over_time"):
            x = x.mean(dim=-1) if layer.kind == "mean_over_time" else x
            x, folded = x.unflatten(1, (n_models, -1)).transpose(0, 1).flatten(2), False
        else:
            x = _fold(layer, tensors, x, n_models) if folded else _dense(layer, tensors, x)
    assert features is not None
    return features, x


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
    """One layer on x of shape (n_windows, n_models * n_channels, ...)."""
    if layer.kind == "relu":
        return torch.relu(x)
    if layer.kind == "max_pool":
        pool = functional.max_pool1d if x.ndim == 3 else functional.max_pool2d
        return pool(x, layer.options["size"])
    weight, bias = (tensors[f"{layer.name}.{key}"].flatten(0, 1) for key in ("weight", "bias"))
    if layer.kind == "group_norm":
        return functional.group_norm(x, n_models * layer.options["groups"], weight, bias)
    convolve = functional.conv1d if layer.kind == "conv1d" else functional.conv2d
    return convolve(x, weight, bias, padding=layer.options["kernel"] // 2, groups=n_models)
