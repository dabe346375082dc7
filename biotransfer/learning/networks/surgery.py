"""Head surgery: replace, deepen or widen the fully connected end of a trained network.

Weights in, new Weights out, with a ledger on the card: what became of every tensor, and why.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import check
from ..layers.dense import LINEAR, RELU
from ..layers.layer import Layer
from ..weights import Tensors, Weights
from .drawing import initial_tensors
from .network import Network
from .records import network_of, rebuild


def replace_head(
    weights: Weights,
    head: str | Mapping[str, Any] | None = None,
    *,
    classes: Sequence[str] | None = None,
    seed: int = 0,
) -> Weights:
    """Return the network with another head, drawn afresh.

    Parameters
    ----------
    weights : Weights
        Trained weights with a network on their card.
    head : str or mapping, optional
        The new head (see ``biotransfer list heads``); the kind it has, when not given.
    classes : sequence of str, optional
        What the new head tells apart; the same classes when not given.
    seed : int
        Draws the head.

    Raises
    ------
    BiotransferError
        When a library's model is asked for another kind of head.

    Examples
    --------
    >>> from biotransfer.learning.networks import build_network
    >>> network = build_network("mlp", (8,), 4)
    >>> trained = Weights(initial_tensors(network, 0), {"network": network.describe()})
    >>> spinal = replace_head(trained, {"name": "spinal", "width": 4}, classes=["rest", "task"])
    >>> spinal.tensors["head.weight"].shape
    (2, 16)
    """
    network = network_of(weights)
    parameters = dict(network.parameters)
    if head is not None:
        _check_own(network, "replaced by another kind")
        parameters["head"] = head
    n_outputs = network.n_outputs if classes is None else len(classes)
    new = rebuild(network, parameters, n_outputs)
    fresh = initial_tensors(new, seed, stream="surgery")
    kept = {k: v for k, v in weights.tensors.items() if network.tensor_parts[k] != "head"}
    tensors = {k: kept.get(k, value) for k, value in fresh.items()}
    fates = {k: ("copied", "below the head") if k in kept else ("fresh", "a new head") for k in tensors}
    more = {} if classes is None else {"classes": list(classes)}
    return _operated(weights, new, tensors, fates, "head replaced", more)


def deepen(weights: Weights) -> Weights:
    """Return the network with one more dense layer before the last, which at first changes nothing.

    Parameters
    ----------
    weights : Weights
        Trained weights of ``mlp``, ``cnn_image``, ``cnn_signal`` or ``channel_wise`` whose head is ``linear``
        or ``mlp``.

    Raises
    ------
    BiotransferError
        For other networks and heads.

    Notes
    -----
    Source: Chen, Goodfellow and Shlens 2016, arXiv:1511.05641, section 2.3 (Net2DeeperNet): the new layer is
    the identity, and ReLU leaves its input as it is, since that is no less than zero already.
    """
    network = network_of(weights)
    hidden = _hidden_of_head(network, "deepened")
    n = int(network.tensor_shapes["head.weight"][1])
    new = rebuild(network, {**network.parameters, "head": {"name": "mlp", "hidden": [*hidden, n]}})
    added = f"head_{len(hidden)}"
    identity = {f"{added}.weight": np.eye(n, dtype=np.float32), f"{added}.bias": np.zeros(n, np.float32)}
    tensors = {k: identity[k] if k in identity else weights.tensors[k] for k in new.tensor_shapes}
    fates = {k: ("fresh", "the identity") if k in identity else ("copied", "as it was") for k in tensors}
    return _operated(weights, new, tensors, fates, "head deepened", {})


def widen(weights: Weights, n_units: int, *, noise: float = 0.01, seed: int = 0) -> Weights:
    """Return the network with more units in the dense layer before the last, which answers as before.

    Parameters
    ----------
    weights : Weights
        Trained weights of a network that ends in two dense layers: ``mlp``, ``cnn_image`` or
        ``channel_wise``, or any of our own with head ``mlp``.
    n_units : int
        Units that the layer has afterwards.
    noise : float
        Deviation of what is added to the weights into a copied unit, as a share of the layer's; without it a
        copy and its original would learn the same for ever, with it the answers change a little.
    seed : int
        Draws which units are copied, and the noise.

    Raises
    ------
    BiotransferError
        When there is no such layer, it has a norm, or ``n_units`` is not more than it has.

    Notes
    -----
    Source: Chen, Goodfellow and Shlens 2016, arXiv:1511.05641, section 2.2, algorithm 1 (Net2WiderNet): a
    copied unit keeps the weights that enter it, and the weights that leave it are divided among its copies.
    """
    network = network_of(weights)
    hidden = _hidden_of_head(network, "widened")
    below, last = _dense_pair(network)
    n = int(last.options["n_in"])
    check(n_units > n, f"n_units={n_units}: the layer before the last has {n} units. Give it more.")
    check(noise >= 0, f"noise={noise}. Expected 0 or more, such as 0.01.")
    parameters = dict(network.parameters)
    if hidden:
        parameters["head"] = {"name": "mlp", "hidden": [*hidden[:-1], n_units]}
    elif isinstance(parameters["hidden"], int):
        parameters["hidden"] = n_units
    else:
        parameters["hidden"] = [*parameters["hidden"][:-1], n_units]
    new = rebuild(network, parameters)

    rng = np.random.default_rng(seed)
    origin = np.concatenate([np.arange(n), rng.integers(0, n, n_units - n)])
    weight, bias = weights.tensors[f"{below.name}.weight"], weights.tensors[f"{below.name}.bias"]
    entering = weight[origin].astype(np.float64)
    entering[n:] += rng.normal(0.0, noise * float(weight.std()), entering[n:].shape)
    leaving = weights.tensors["head.weight"].astype(np.float64)[:, origin] / np.bincount(origin)[origin]
    changed = {
        f"{below.name}.weight": entering.astype(np.float32),
        f"{below.name}.bias": bias[origin],
        "head.weight": leaving.astype(np.float32),
    }
    tensors = {k: changed.get(k, weights.tensors[k]) for k in new.tensor_shapes}
    text = f"{n_units - n} of {n} units copied"
    fates = {k: ("adapted", text) if k in changed else ("copied", "as it was") for k in tensors}
    return _operated(weights, new, tensors, fates, f"head widened from {n} to {n_units} units", {})


def _check_own(network: Network, done: str) -> None:
    check(
        network.build is None,
        f"the head of {network.name!r} cannot be {done}: it is a library's model. "
        "Use mlp, cnn_image, cnn_signal or channel_wise.",
    )


def _hidden_of_head(network: Network, done: str) -> list[int]:
    """Return the hidden units of a linear (none) or mlp head."""
    _check_own(network, done)
    head = network.parameters["head"]
    check(
        head["name"] in ("linear", "mlp"),
        f"head {head['name']!r} of {network.name!r} cannot be {done}: every one of its layers reaches the "
        "classes. Replace it first: replace_head(weights, 'linear').",
    )
    return list(head.get("hidden", []))


def _dense_pair(network: Network) -> tuple[Layer, Layer]:
    """Return the dense layer before the last one, and the last; nothing but a ReLU between them."""
    *rest, last = network.layers
    below = rest[-2]
    check(
        rest[-1].record is RELU and below.record is LINEAR,
        f"network {network.name!r} has no plain dense layer before the last one (there is "
        f"{below.kind!r}), so its head cannot be widened. Deepen it first: deepen(weights).",
    )
    return below, last


def _operated(
    weights: Weights,
    network: Network,
    tensors: Tensors,
    fates: Mapping[str, tuple[str, str]],
    what: str,
    more: Mapping[str, Any],
) -> Weights:
    """Return the new weights; the card says what was done."""
    ledger = [
        {"tensor": k, "part": network.tensor_parts[k], "action": action, "reason": reason}
        for k, (action, reason) in fates.items()
    ]
    before = list(weights.card.get("changes", []))
    facts = {
        **weights.card,
        **more,
        "network": network.describe(),
        "changes": [*before, what],
        "ledger": ledger,
    }
    return Weights(tensors, facts)
