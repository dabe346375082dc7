"""From the record to torch: the module that the loop engine trains."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from ..errors import BiotransferError
from .network import Layer, Network


class _Image(nn.Module):
    def __init__(self, side: int):
        super().__init__()
        self.side = side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(len(x), 1, self.side, self.side)


class _MeanOverTime(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=-1)


def _layer_module(layer: Layer, n_axes: int) -> nn.Module:
    o = layer.options
    if layer.kind == "linear":
        return nn.Linear(o["n_in"], o["n_out"])
    if layer.kind == "conv1d":
        return nn.Conv1d(o["n_in"], o["n_out"], o["kernel"], padding=o["kernel"] // 2)
    if layer.kind == "conv2d":
        return nn.Conv2d(o["n_in"], o["n_out"], o["kernel"], padding=o["kernel"] // 2)
    if layer.kind == "layer_norm":
        return nn.LayerNorm(o["n_out"])
    if layer.kind == "group_norm":
        return nn.GroupNorm(o["groups"], o["n_out"])
    if layer.kind == "max_pool":
        return nn.MaxPool1d(o["size"]) if n_axes == 2 else nn.MaxPool2d(o["size"])
    if layer.kind == "relu":
        return nn.ReLU()
    if layer.kind == "flatten":
        return nn.Flatten()
    if layer.kind == "image":
        return _Image(o["side"])
    if layer.kind == "mean_over_time":
        return _MeanOverTime()
    raise BiotransferError(f"layer kind={layer.kind!r} has no module. Add it to networks/modules.py.")


def build_module(network: Network, dtype: torch.dtype = torch.float32) -> nn.Sequential:
    """Return a torch module whose tensors carry the record's names.

    Parameters
    ----------
    network : Network
        The record.
    dtype : torch.dtype
        Precision of the tensors.
    """
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    n_axes = len(network.input_shape)
    with torch.random.fork_rng(devices=[]):
        for i, layer in enumerate(network.layers):
            modules[layer.name or f"{layer.kind}_{i}"] = _layer_module(layer, n_axes)
    return nn.Sequential(modules).to(dtype)


def load_tensors(module: nn.Module, tensors: Mapping[str, np.ndarray]) -> None:
    """Copy ``tensors`` into the module; every name and shape has to fit."""
    with torch.no_grad():
        state = dict(module.named_parameters())
        if set(state) != set(tensors):
            raise BiotransferError(
                f"tensors {sorted(set(tensors) ^ set(state))} are on one side only. "
                "Build the network that the weights' card names."
            )
        for name, parameter in state.items():
            parameter.copy_(torch.tensor(tensors[name], dtype=parameter.dtype))
