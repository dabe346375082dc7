"""What the layers of a network give on windows."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from ...errors import check
from ...learning.layers.layer import Layer
from ...learning.networks.forward import run_network
from ...learning.networks.network import Network

_BATCH = 512


def computing_layers(network: Network) -> list[Layer]:
    """Return the layers that have tensors, norms left out: each stands for all up to the next."""
    return [layer for layer in network.layers if layer.tensor_shapes() and not layer.record.norm]


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
    names = [layer.name for layer in computing_layers(network)]
    found = run_network(network, tensors, X, layers=names[1:], dtype="float64", batch=_BATCH)
    handed = [*found.inputs.values(), found.logits]
    return {name: value.reshape(len(value), -1) for name, value in zip(names, handed, strict=True)}
