"""Weights that an arm names itself: a file of another study, or a checkpoint of others."""

from __future__ import annotations

from ...errors import check
from ...learning.networks.checkpoints import open_weights
from ...learning.networks.network import Network
from ...learning.training.arm import match_tensors
from ...learning.weights import Weights
from .request import ArmRequest
from .starting import source_network


def check_carries(source: Weights, network: Network, what: str) -> None:
    """Refuse weights of which nothing would carry over.

    Parameters
    ----------
    source : Weights
        Trained weights.
    network : Network
        The target's.
    what : str
        The argument, for the message.

    Raises
    ------
    BiotransferError
        With the reason of the first tensors, and the network to use.
    """
    fit = match_tensors(source, network)
    reasons = "; ".join(f"{k}: {v}" for k, v in list(fit.reasons.items())[:2])
    theirs = source.card.get("network") or {}
    check(
        fit.carried,
        f"{what}: nothing of them fits network {network.name!r} below its head ({reasons}). They are of "
        f"network {theirs.get('name')!r}: use that one, with the same parameters, "
        f"{dict(theirs.get('parameters') or {})}.",
    )


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
    check_carries(source, network, f"arm {request.label!r}: weights={request.weights!r}")
    whole = set(source.tensors) >= set(source_network(source).tensor_shapes)
    check(
        whole or not {"source_features", "source_logits"}.intersection(request.entry.facts["needs"]),
        f"arm {request.label!r} runs the source network, and weights={request.weights!r} hold only a part "
        "of it. Use arm transferred, or another that only starts from them.",
    )
    return source
