"""Fresh weights: every tensor from a stream of its own."""

from __future__ import annotations

import zlib

import numpy as np

from ...errors import check
from ..layers.layer import Layer
from ..weights import Tensors
from .network import Network


def _weight_of(layer: Layer, name: str) -> str:
    """Return the weight beside which a tensor stands."""
    usual = f"{layer.name}.weight"
    beside = [k for k in layer.tensor_shapes() if k.rpartition(".")[0] == name.rpartition(".")[0]]
    return usual if usual in layer.tensor_shapes() else beside[0]


def initial_tensors(network: Network, seed: int, *, stream: str = "target") -> Tensors:
    """Draw fresh weights: every tensor from its own stream, so that equal shapes start equal in every arm.

    Parameters
    ----------
    network : Network
        What to draw for.
    seed : int
        With the tensor's name and the stream it fixes the draw.
    stream : str
        Source networks draw from the stream "source": else a target's fresh head would be the one against
        which the source's body was trained, and scratch would start where the source started. A study draws
        anew for every fold (the split's uid), so that the luck of one draw is not shared by all people.

    Returns
    -------
    dict of str to ndarray, float32

    Notes
    -----
    Uniform in +-1/sqrt(fan_in) for weights and biases (He et al. 2015, arXiv:1502.01852, with a = sqrt(5), as
    torch's layers do); norms start at one and zero. A library's model draws by its own rules from a generator
    seeded with seed, stream and model: a tensor's draw then depends on those before it.
    """
    check(seed >= 0, f"seed={seed} is negative. Expected 0 or more.")
    if network.build is not None:
        from .foreign_modules import draw_tensors

        return draw_tensors(network, seed, stream)
    tensors: Tensors = {}
    for layer in network.layers:
        shapes = layer.tensor_shapes()
        for key, name in layer.tensor_names.items():
            shape, constant = shapes[name], layer.record.constants.get(key)
            if constant is not None:
                value = np.full(shape, constant)
            else:
                rng = np.random.default_rng([seed, zlib.crc32(name.encode()), zlib.crc32(stream.encode())])
                fan_in = int(np.prod(shapes[_weight_of(layer, name)][1:]))
                value = rng.uniform(-1.0, 1.0, shape) / np.sqrt(fan_in)
            tensors[name] = value.astype(np.float32)
    return tensors
