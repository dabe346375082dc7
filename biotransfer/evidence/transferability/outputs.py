"""What a network gives on windows: its layers, the features its head sees, its class probabilities."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from ...errors import check
from ...learning.networks.network import Layer, Network

if TYPE_CHECKING:
    import torch

_BATCH = 512


def computing_layers(network: Network) -> list[Layer]:
    """Return the layers that have tensors, norms left out: each stands for all up to the next."""
    return [layer for layer in network.layers if layer.tensor_shapes() and "norm" not in layer.kind]


def layer_outputs(
    network: Network, tensors: Mapping[str, np.ndarray], X: np.ndarray
) -> dict[str, np.ndarray]:
    """Return what every layer hands to the next one, after its norm, rectifier and pooling.

    Parameters
    ----------
    network : Network
        The record.
    tensors : mapping of str to ndarray
        Its weights.
    X : ndarray, shape (n_windows, *network.input_shape)
        Windows.

    Returns
    -------
    dict of str to ndarray, shape (n_windows, n_units), float64
        By layer name, flattened; the last is the head: logits.
    """
    check(
        tuple(X.shape[1:]) == tuple(network.input_shape),
        f"windows have shape {tuple(X.shape[1:])}, network {network.name!r} takes {network.input_shape}. "
        "Align them first.",
    )
    import torch

    from ...learning.networks.modules import build_module
    from ...learning.networks.tensors import load_tensors

    module = build_module(network, torch.float64)
    load_tensors(module, tensors)
    layers = [layer.name for layer in computing_layers(network)]
    parts: dict[str, list[np.ndarray]] = {name: [] for name in layers}

    def store(name: str, value: torch.Tensor) -> None:
        parts[name].append(value.detach().flatten(1).numpy().copy())

    handles = [
        module.get_submodule(after).register_forward_pre_hook(
            lambda _, inputs, name=before: store(name, inputs[0])
        )
        for before, after in pairwise(layers)
    ]
    try:
        with torch.no_grad():
            for begin in range(0, len(X), _BATCH):
                rows = np.asarray(X[begin : begin + _BATCH], dtype=np.float64)
                store(layers[-1], module(torch.from_numpy(rows)))
    finally:
        for handle in handles:
            handle.remove()
    return {name: np.concatenate(values) for name, values in parts.items()}


def network_features(network: Network, tensors: Mapping[str, np.ndarray], X: np.ndarray) -> np.ndarray:
    """Return what the head sees.

    Parameters
    ----------
    network : Network
        The record.
    tensors : mapping of str to ndarray
        Its weights.
    X : ndarray, shape (n_windows, *network.input_shape)
        Windows.

    Returns
    -------
    ndarray, shape (n_windows, n_units), float64
    """
    last = [layer.name for layer in computing_layers(network) if layer.part != "head"][-1]
    return layer_outputs(network, tensors, X)[last]


def class_probabilities(network: Network, tensors: Mapping[str, np.ndarray], X: np.ndarray) -> np.ndarray:
    """Return the softmax of what the head gives.

    Parameters
    ----------
    network : Network
        The record.
    tensors : mapping of str to ndarray
        Its weights.
    X : ndarray, shape (n_windows, *network.input_shape)
        Windows.

    Returns
    -------
    ndarray, shape (n_windows, n_outputs), float64
    """
    return softmax(list(layer_outputs(network, tensors, X).values())[-1])


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return probabilities, rows adding up to 1."""
    shifted = np.exp(logits - logits.max(axis=1, keepdims=True))
    return shifted / shifted.sum(axis=1, keepdims=True)
