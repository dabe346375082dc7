"""Which method may be asked of which study, and why not."""

from __future__ import annotations

from collections.abc import Mapping

from ...catalog import Entry
from ...learning.networks.catalog import OWN
from ...learning.networks.network import Network
from ...learning.weights import is_statistic

NEEDS: Mapping[str, str] = {
    "target_rows": "the target's labelled training windows",
    "source_features": "a source network that takes the target's windows",
    "source_logits": "a source network, with its head, that takes the target's windows",
    "unlabelled": "training windows without labels, which a budget leaves",
    "units": "layers of units that are known one by one",
    "dense_layer": "a dense layer below the head",
    "batch_norm": "norms with running statistics",
    "head_input": "a head whose input can be watched",
    "person_windows": "windows of the tested person without labels, of the classes that the training people "
    "share",
}
_SHARING = {
    "jdot": "Courty et al. 2017, arXiv:1705.08848",
    "deep_jdot": "Damodaran et al. 2018, arXiv:1803.10081",
}
REFUSED: Mapping[str, str] = {
    name: f"it assumes that source and target have the same classes ({source}), and a gesture is no mental "
    "state; it is valid only inside one modality, across its people (see: biotransfer list pretrain). Across "
    "modalities use an arm such as transferred, or an align method that needs no common labels"
    for name, source in _SHARING.items()
}


def why_not(
    entry: Entry,
    *,
    network: Network | None = None,
    source: Network | None = None,
    unlabelled: bool | None = None,
    labelled: bool | None = None,
    person: bool | None = None,
) -> str | None:
    """Say why a method cannot be used, as far as is known.

    Parameters
    ----------
    entry : Entry
        Of ``ARMS``; its fact ``needs`` names what it needs (see ``NEEDS``).
    network : Network, optional
        The target's network.
    source : Network, optional
        The source's network.
    unlabelled : bool, optional
        Whether the study leaves training windows without labels.
    labelled : bool, optional
        Whether every training of the study has labelled windows of the target.
    person : bool, optional
        Whether every split leaves windows of the tested person without labels.

    Returns
    -------
    str or None
        The reason and what to do, or None. What is not known is no reason.

    Examples
    --------
    >>> from biotransfer.transfer.carry import ARMS
    >>> why_not(ARMS["self_training"], unlabelled=False).partition(",")[0]
    "arm 'self_training' needs training windows without labels"
    """
    reason: str | None = None
    for need in entry.facts["needs"]:
        if need == "unlabelled" and unlabelled is False:
            reason = "and every training window of this study has its label. Set a budget: budget: [10]."
        elif need == "person_windows" and person is False:
            reason = (
                "and no split of this study leaves any. It adapts people to a person inside one modality, "
                "never a modality to another, whose classes differ. Use split: {by: new_person}; across "
                "modalities use an arm such as transferred, or an align method that needs no common labels."
            )
        elif need in ("target_rows", "unlabelled") and labelled is False:
            return (
                f"arm {entry.name!r} needs {NEEDS['target_rows']}, and a budget of 0 leaves none. "
                "Leave 0 out of budget.seconds."
            )
        elif network is not None and need in ("units", "dense_layer", "batch_norm", "head_input"):
            reason = _lacks_layers(need, network)
        elif network is not None and source is not None and need in ("source_features", "source_logits"):
            reason = _cannot_see(need, network, source)
        if reason:
            return f"arm {entry.name!r} needs {NEEDS[need]}, {reason}"
    return None


def _lacks_layers(need: str, network: Network) -> str | None:
    """Say what of its layers a network lacks."""
    below = {k: s for k, s in network.tensor_shapes.items() if network.tensor_parts[k] != "head"}
    if need == "units" and network.build is not None:
        ours = f"{', '.join(OWN[:-1])} or {OWN[-1]}"
        return f"and network {network.name!r} is a library's model. Use network: {ours}."
    if need == "dense_layer" and not any(k.endswith(".weight") and len(s) == 2 for k, s in below.items()):
        return f"and network {network.name!r} has none. Use network: mlp or cnn_image, or arm frozen_body."
    if need == "head_input" and network.build is not None and dense_head(network) is None:
        return (
            f"and that of network {network.name!r} is not a single dense layer. Use network: EEGNet or mlp."
        )
    if need == "batch_norm" and not any(map(is_statistic, below)):
        return (
            f"and network {network.name!r} has none, so no source statistics could be mixed in. "
            "Use a network such as EEGNet."
        )
    return None


def _cannot_see(need: str, network: Network, source: Network) -> str | None:
    """Say why the source's network cannot be run on the target's windows, or its head not be asked."""
    if tuple(network.input_shape) != tuple(source.input_shape):
        return (
            f"but the source's windows have shape {tuple(source.input_shape)}, the target's "
            f"{tuple(network.input_shape)}. Bring both to one shape, such as align: {{name: top_k, k: 64}}."
        )
    if network.name != source.name:
        return f"but the source is network {source.name!r}, the target {network.name!r}. Use one for both."
    if need == "source_logits" and dense_head(source) is None:
        return "but the source's head is not a single dense layer. Use delta: it needs no head."
    return None


def dense_head(network: Network) -> tuple[str, str] | None:
    """Return the names of weight and bias of a head that is one dense layer, else None."""
    head = [k for k, part in network.tensor_parts.items() if part == "head"]
    dense = (
        len(head) == 2
        and head[0].endswith(".weight")
        and head[1].endswith(".bias")
        and len(network.tensor_shapes[head[0]]) == 2
    )
    return (head[0], head[1]) if dense else None
