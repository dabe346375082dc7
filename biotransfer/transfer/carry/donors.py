"""What own donors may bring: no more than the source that they vouch for could."""

from __future__ import annotations

from ...learning.networks.network import Network
from ...learning.weights import Weights


def brought_by(donors: Weights, source: Network) -> Weights:
    """Return the weights of own donors without the layers that the source could not bring.

    Parameters
    ----------
    donors : Weights
        Trained on other people of the target's own set, for whom every layer fits the target.
    source : Network
        The source's network, whose first layers may see other columns than the target's.

    Returns
    -------
    Weights
        Without the tensors below the head that have another shape in ``source``; the card's ledger says so.

    Notes
    -----
    A positive control has to be carried as its transfer is: where the source's first layer cannot carry over,
    that of the donors must not either. Source: own.
    """
    kept, lost = {}, []
    for name, value in donors.tensors.items():
        shape = source.tensor_shapes.get(name)
        if source.tensor_parts.get(name) == "head" or shape == value.shape:
            kept[name] = value
            continue
        there = "no such tensor" if shape is None else f"shape {'x'.join(map(str, shape))}"
        lost.append({"tensor": name, "reason": f"the source has {there}: its donors do not bring it"})
    if not lost:
        return donors
    return Weights(kept, {**donors.card, "ledger": [*donors.card.get("ledger", ()), *lost]})
