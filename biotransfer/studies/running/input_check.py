"""Weights of other studies that arms start from are refused where their inputs mean another thing."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...errors import check
from ...learning.networks import NETWORKS, Network
from ...learning.networks.checkpoints import open_weights
from ...transfer.align import ALIGN
from ...transfer.carry.given import check_carries

if TYPE_CHECKING:
    from .plan import OfFold, Plan


def check_inputs(plan: Plan, task: OfFold, network: Network) -> None:
    """Refuse weights of another study whose inputs are not what the target's network sees.

    Column i of the target's windows must stand for what column i was to the saved network: the modality of
    the direction's source, the same features, scaling and alignment, and an alignment that looks at each side
    by itself. Other people, recordings, filters and windows are the other study's business. A card that does
    not say is believed, and so are checkpoints of others.

    Parameters
    ----------
    plan : Plan
        The study.
    task : TargetTask
        Of one direction and network.
    network : Network
        The target's.

    Raises
    ------
    BiotransferError
        With what differs.
    """
    source = plan.sides[task.direction.source].about
    takes_features = NETWORKS[task.network].facts["takes"] == "features"
    align = plan.recipe.align
    for arm in plan.recipe.arms:
        weights = None if arm.weights is None else open_weights(arm.weights, network)
        if weights is None or not {"modality", "align"} <= set(weights.card):
            continue
        card = weights.card
        what = f"arm {arm.label!r}: weights {arm.weights!r}"
        check(
            card["modality"] == source["modality"],
            f"{what} were trained on {card['modality']}, and {task.direction} starts from "
            f"{source['modality']}. Use only directions whose source is {card['modality']}.",
        )
        check(
            not ALIGN[align["name"]].facts["joint"],
            f"{what} were trained before this study's align {align['name']!r}, which turns the source's "
            "inputs by the target's, was fitted. Use align: top_k, pca, matched or none.",
        )
        asked: dict[str, Any] = {
            "features": source["features_spec"] if takes_features else None,
            "scale": plan.recipe.scale,
            "align": align,
        }
        said = {**card, "align": _completed(card["align"])}
        differs = [f"{k} {said.get(k)!r}, here {v!r}" for k, v in asked.items() if said.get(k) != v]
        check(
            not differs,
            f"{what} stand for other inputs: {'; '.join(differs)}. Give this study the same, or train the "
            "weights anew.",
        )
        check_carries(weights, network, what)


def _completed(align: Any) -> Any:
    """Return a card's alignment with the parameters that were added since, at their defaults."""
    known = isinstance(align, Mapping) and align.get("name") in ALIGN
    return {**ALIGN[align["name"]].defaults, **align} if known else align
