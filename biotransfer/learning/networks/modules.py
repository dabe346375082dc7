"""From the record to torch: the module that the loop engine trains."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

import numpy as np
import torch
from torch import nn

from ...errors import BiotransferError
from .foreign_build import build_foreign
from .network import Network
from .tensors import load_tensors


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
            tail = network.build.get("tail")
            shape = network.input_shape if tail is None else tuple(tail["whole_shape"])
            module = build_foreign(network.build, shape, network.n_outputs).to(dtype)
            return module if tail is None else Tail(module, tail["path"])
    modules: OrderedDict[str, nn.Module] = OrderedDict()
    shape = tuple(network.input_shape)
    with torch.random.fork_rng(devices=[]):
        for i, layer in enumerate(network.layers):
            if layer.record.module is None:
                raise BiotransferError(
                    f"network {network.name!r} has layers of kind {layer.kind!r}, which only their library "
                    "builds. Build it by its name: build_network(...)."
                )
            modules[layer.name or f"{layer.kind}_{i}"] = layer.record.module(layer.options, shape)
            shape = layer.output_shape(shape)
    return nn.Sequential(modules).to(dtype)


class Tail(nn.Module):
    """The last block of a module, whose tensors keep the names that they have there.

    Parameters
    ----------
    whole : nn.Module
        The module.
    path : str
        Of the block within it.
    """

    def __init__(self, whole: nn.Module, path: str):
        super().__init__()
        place: nn.Module = self
        *above, last = path.split(".")
        for name in above:
            place.add_module(name, nn.Module())
            place = place.get_submodule(name)
        place.add_module(last, whole.get_submodule(path))
        self._path = path

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        """Run the block."""
        answer: torch.Tensor = self.get_submodule(self._path)(x)
        return answer


def load_module(network: Network, tensors: Mapping[str, np.ndarray], dtype: torch.dtype) -> nn.Module:
    """Return the module with these weights, to be run and not trained.

    Parameters
    ----------
    network : Network
        The record.
    tensors : mapping of str to ndarray
        Its weights.
    dtype : torch.dtype
        Precision of the tensors.
    """
    module = build_module(network, dtype).eval()
    load_tensors(module, tensors)
    return module.requires_grad_(False)


def first_of_head(network: Network, module: nn.Module) -> nn.Module | None:
    """Return the first layer of the head, which the features enter; a head of loose tensors has none."""
    modules = dict(module.named_modules())
    head = [layer.name for layer in network.layers if layer.part == "head" and layer.name in modules]
    return modules[head[0]] if head else None
