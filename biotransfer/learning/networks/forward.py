"""What a network computes on given windows, layer by layer; nothing is trained."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from .network import Network

_BATCH = 1024


@dataclass(frozen=True, eq=False)
class Activations:
    """Outputs of a network's layers.

    Parameters
    ----------
    layers : dict of str to ndarray, shape (n_windows, ...), float32
        Output of every layer that has tensors, by name, before what follows it (norm, ReLU).
    features : ndarray, shape (n_windows, n_units), float32
        What the head sees.
    logits : ndarray, shape (n_windows, n_outputs), float32
        What the head gives.
    """

    layers: Mapping[str, np.ndarray]
    features: np.ndarray
    logits: np.ndarray

    @property
    def probabilities(self) -> np.ndarray:
        """Softmax of the logits, shape (n_windows, n_outputs)."""
        shifted = np.exp(self.logits - self.logits.max(axis=1, keepdims=True))
        return shifted / shifted.sum(axis=1, keepdims=True)


def run_network(network: Network, tensors: Mapping[str, np.ndarray], X: np.ndarray) -> Activations:
    """Compute every layer of ``network`` on ``X``.

    Parameters
    ----------
    network : Network
        The record.
    tensors : mapping of str to ndarray
        Its weights.
    X : ndarray, shape (n_windows, *network.input_shape)
        Windows.
    """
    import torch

    from .modules import build_module
    from .tensors import load_tensors

    module = build_module(network).eval()
    load_tensors(module, tensors)
    modules = dict(module.named_modules())
    named = [layer.name for layer in network.layers if layer.name in modules and layer.name]
    head = next(layer.name for layer in network.layers if layer.part == "head" and layer.name in named)
    parts: dict[str, list[np.ndarray]] = {name: [] for name in ("", *named, "features")}
    hooks = [
        modules[name].register_forward_hook(
            lambda _, __, output, name=name: parts[name].append(output.detach().numpy().copy())
        )
        for name in named
    ]
    hooks.append(
        modules[head].register_forward_pre_hook(
            lambda _, given: parts["features"].append(given[0].detach().numpy().copy())
        )
    )
    with torch.no_grad():
        for begin in range(0, len(X), _BATCH):
            x = torch.from_numpy(np.ascontiguousarray(X[begin : begin + _BATCH], dtype=np.float32))
            parts[""].append(module(x).numpy())
    for hook in hooks:
        hook.remove()
    joined = {name: np.concatenate(values) for name, values in parts.items() if values}
    features = joined.pop("features")
    return Activations(joined, features.reshape(len(features), -1), joined.pop(""))
