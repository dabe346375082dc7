"""Weights that an arm names itself: a file of another study, or a checkpoint of others."""

from __future__ import annotations

from ...errors import check
from ...learning.networks.checkpoints import open_weights
from ...learning.networks.network import Network
from ...learning.training.arm import match_tensors
from ...learning.weights import Weights
from .request import ArmRequest
from .starting import source_network


def given_source(request: ArmRequest, network: Network) -> Weights | None:
    """Return the weights that an arm's request names itself; None where it names none.

    Parameters
    ----------
    request : ArmRequest
        Of one arm.
    network : Network
        The target's network.

    Raises
    ------
    BiotransferError
        When they cannot be read, or nothing of them would carry over.
    """
    if request.weights is None:
        return None
    source = open_weights(request.weights, network)
    check(
        match_tensors(source, network).carried,
        f"arm {request.label!r}: nothing of weights={request.weights!r} fits network {network.name!r} below "
        f"its head. They are of network {source.card.get('network', {}).get('name')!r}: use that one, "
        "with the same parameters.",
    )
    whole = set(source.tensors) >= set(source_network(source).tensor_shapes)
    check(
        whole or not {"source_features", "source_logits"}.intersection(request.entry.facts["needs"]),
        f"arm {request.label!r} runs the source network, and weights={request.weights!r} hold only a part "
        "of it. Use arm transferred, or another that only starts from them.",
    )
    return source
