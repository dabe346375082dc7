"""From a weights card back to the network's record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...errors import check
from ..weights import Weights
from .catalog import build_network
from .network import Network


def network_of(weights: Weights) -> Network:
    """Return the record of the network that ``weights`` belong to; of a checkpoint, they may be a part.

    Parameters
    ----------
    weights : Weights
        With a network on their card.

    Raises
    ------
    BiotransferError
        When the card names no network, or the tensors are not those of the network it names.
    """
    card = weights.card.get("network")
    check(
        card is not None,
        "these weights name no network on their card, so they cannot be run. "
        "Give them card={'network': network.describe()}.",
    )
    assert card is not None
    network = _build(
        card["name"],
        card["parameters"],
        card["input_shape"],
        card["n_outputs"],
        card.get("build", {}).get("sfreq"),
    )
    shapes = {k: tuple(v.shape) for k, v in weights.tensors.items()}
    whole = "checkpoint" not in weights.card
    expected = {k: s for k, s in network.tensor_shapes.items() if whole or k in shapes}
    wrong = sorted(k for k in {*shapes, *expected} if shapes.get(k) != expected.get(k))
    check(
        not wrong,
        f"the tensors {', '.join(wrong[:5])} are not those of the network on the card, {network.name!r} for "
        f"{network.input_shape} and {network.n_outputs} classes. Load the weights with their own card.",
    )
    return network


def rebuild(network: Network, parameters: Mapping[str, Any], n_outputs: int | None = None) -> Network:
    """Return the network with other parameters, for the same windows.

    Parameters
    ----------
    network : Network
        What to start from.
    parameters : mapping
        All of its parameters, changed.
    n_outputs : int, optional
        Number of classes; the same when not given.
    """
    sfreq = None if network.build is None else network.build["sfreq"]
    n_outputs = network.n_outputs if n_outputs is None else n_outputs
    return _build(network.name, parameters, network.input_shape, n_outputs, sfreq)


def _build(
    name: str,
    parameters: Mapping[str, Any],
    input_shape: tuple[int, ...],
    n_outputs: int,
    sfreq: float | None,
) -> Network:
    return build_network({"name": name, **parameters}, tuple(input_shape), n_outputs, sfreq=sfreq)
