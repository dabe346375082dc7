"""From the record to torch: the module that the loop engine trains."""

from __future__ import annotations

from collections import OrderedDict

import torch
from torch import nn

from ...errors import BiotransferError
from .foreign_build import build_foreign
from .network import Layer, Network


class _Image(nn.Module):
    def __init__(self, side: int):
        super().__init__()
        self.side = side

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.reshape(len(x), 1, self.side, self.side)


class _MeanOverLast(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.mean(dim=-1)


class _ChannelsApart(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x.unsqueeze(1)


class _AttendChannels(nn.Linear):
    def __init__(self, n_in: int, n_out: int):
        super().__init__(n_in, n_out)
        self.score = nn.Parameter(torch.empty(1, n_out))
        nn.init.kaiming_uniform_(self.score, a=5**0.5)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Weigh channels: (n_windows, n_in, n_chans) -> (n_windows, n_in)."""
        given = x.transpose(1, 2)
        weight = torch.tanh(super().forward(given)) @ self.score.T
        return (given * torch.softmax(weight, dim=1)).sum(dim=1)


class _Spinal(nn.Linear):
    def __init__(self, n_in: int, n_out: int, begin: int, end: int, dropout: float, norm: bool):
        super().__init__(n_in, n_out)
        self.columns, self.n_before = slice(begin, end), n_in - (end - begin)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(n_out) if norm else nn.Identity()

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Append this layer's units to the features and the units before: (..., n) -> (..., n + n_out)."""
        before = x[..., x.shape[-1] - self.n_before :]
        given = self.dropout(torch.cat([x[..., self.columns], before], dim=-1))
        return torch.cat([x, torch.relu(self.norm(super().forward(given)))], dim=-1)


class _Last(nn.Module):
    def __init__(self, size: int):
        super().__init__()
        self.size = size

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x[..., -self.size :]


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
    if layer.kind in ("mean_over_time", "mean_over_channels"):
        return _MeanOverLast()
    if layer.kind == "channels_apart":
        return _ChannelsApart()
    if layer.kind == "conv_time":
        return nn.Conv2d(o["n_in"], o["n_out"], (1, o["kernel"]), padding=(0, o["kernel"] // 2))
    if layer.kind == "max_pool_time":
        return nn.MaxPool2d((1, o["size"]))
    if layer.kind == "attend_channels":
        return _AttendChannels(o["n_in"], o["n_out"])
    if layer.kind == "spinal":
        return _Spinal(**o)
    if layer.kind == "last":
        return _Last(o["size"])
    raise BiotransferError(f"layer kind={layer.kind!r} has no module. Add it to networks/modules.py.")


def build_module(network: Network, dtype: torch.dtype = torch.float32) -> nn.Module:
    """Return a torch module whose tensors carry the record's names, ready to train.

    Parameters
    ----------
    network : Network
        The record.
    dtype : torch.dtype
        Precision of the tensors.
    """
    if network.build is not None:
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(0)  # for random constants that nothing trains
            return build_foreign(network.build, network.input_shape, network.n_outputs).to(dtype)
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    n_axes = len(network.input_shape)
    with torch.random.fork_rng(devices=[]):
        for i, layer in enumerate(network.layers):
            modules[layer.name or f"{layer.kind}_{i}"] = _layer_module(layer, n_axes)
    return nn.Sequential(modules).to(dtype)
