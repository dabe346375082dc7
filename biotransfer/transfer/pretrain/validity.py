"""Which pretraining method may be asked of which source, and why not."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from ...catalog import Entry
from ...errors import check
from ...learning.networks.catalog import OWN
from .styles import map_ends

if TYPE_CHECKING:
    from ...learning.networks.network import Network
    from ...learning.training.schedule import Schedule

OURS = f"{', '.join(OWN[:-1])} or {OWN[-1]}"


def refuse_options(name: str, schedule: Schedule, *, weighted: bool = False) -> None:
    """Refuse what only supervised pretraining does with its windows and its loss.

    Parameters
    ----------
    name : str
        Of the method.
    schedule : Schedule
        How it is to train.
    weighted : bool
        Whether windows count differently, as a selection of windows says.

    Raises
    ------
    BiotransferError
        For augmented windows, mixed precision, weighed classes or windows.
    """
    check(
        name == "supervised" or not weighted,
        f"pretrain {name} does not weigh windows, and the selection says how much each counts. Use "
        "pretrain: supervised, or select: all.",
    )
    check(
        name == "supervised"
        or (schedule.augment, schedule.precision, schedule.class_weight) == ("none", "full", "none"),
        f"pretrain {name} neither augments windows, nor mixes precisions, nor weighs classes. Use "
        "pretrain: supervised, or train: {augment: none, precision: full, class_weight: none}.",
    )


def why_not(
    entry: Entry,
    *,
    kind: str | None = None,
    needs: tuple[str, ...] = (),
    network: Network | None = None,
    target: Network | None = None,
    n_people: int | None = None,
) -> str | None:
    """Say why a pretraining method cannot be used, as far as is known.

    Parameters
    ----------
    entry : Entry
        Of ``METHODS``.
    kind : str, optional
        What the source network is trained on, of ``SOURCES`` or "same_modality".
    needs : tuple of str
        What the arm that starts from it needs (fact ``needs`` of ``ARMS``).
    network, target : Network, optional
        The source's and the target's network.
    n_people : int, optional
        People that the source network is trained on.

    Returns
    -------
    str or None
        The reason and what to do, or None. What is not known is no reason.

    Examples
    --------
    >>> from biotransfer.transfer.pretrain import METHODS
    >>> why_not(METHODS["masked"], kind="shuffled_labels").partition(",")[0]
    'pretrain masked reads no labels'
    """
    facts = entry.facts
    if kind == "shuffled_labels" and not facts["labels"]:
        return (
            f"pretrain {entry.name} reads no labels, so a source with permuted labels is the source itself "
            "and no control. Use arm noise_source or phase_source, or start: permuted."
        )
    if "source_logits" in needs and (not facts["labels"] or facts["joint"]):
        head = "it trains no head" if not facts["labels"] else "it gives the target's head"
        return (
            f"pretrain {entry.name} leaves no head that knows the source's classes ({head}), and the arm "
            "asks for its answers. Use arm delta, or pretrain: supervised."
        )
    if network is not None and network.build is not None and facts["inside"]:
        return (
            f"pretrain {entry.name} needs to see what enters the head, layer by layer; network "
            f"{network.name!r} is a library's whole model. Use pretrain: supervised, or network: {OURS}."
        )
    if network is not None and facts["inside"] and _drops(network):
        return (
            f"pretrain {entry.name} draws no dropout, and the head of network {network.name!r} asks for "
            "some. Use pretrain: supervised, or a head without dropout."
        )
    if network is not None and facts["maps"] and not map_ends(network):
        return (
            f"pretrain {entry.name} mixes means and deviations of feature maps, and network "
            f"{network.name!r} has no maps of several samples behind a pooling: a single number has no "
            "statistics. Use network: cnn_signal, or pretrain: mmd."
        )
    if n_people is not None and n_people < facts["people"]:
        return (
            f"the source has {n_people} training people, this pretraining method needs {facts['people']} or "
            f"more (pretrain {entry.name}). Load more subjects, or use pretrain: supervised."
        )
    if facts["joint"] and network is not None and target is not None:
        here, there = _body(network), _body(target)
        if not here or here != there:
            return (
                f"pretrain {entry.name}: network {network.name!r} has no body that both modalities share "
                f"(source {here}, target {there}). Give it a hidden layer after the first "
                "and align both modalities to one shape: align: {name: top_k, k: 128}."
            )
    return None


def _body(network: Network) -> dict[str, Any]:
    return {k: s for k, s in network.tensor_shapes.items() if network.tensor_parts[k] == "body"}


def _drops(network: Network) -> bool:
    return any(layer.options.get("dropout") for layer in network.layers)


def method_label(entry: Entry, parameters: Mapping[str, Any]) -> str:
    """Name a method with what of its parameters is not the default.

    Examples
    --------
    >>> from biotransfer.transfer.pretrain import METHODS
    >>> method_label(METHODS["reptile"], {"inner_steps": 3})
    'reptile (inner_steps=3)'
    """
    own = [f"{k}={v}" for k, v in parameters.items() if v != entry.defaults.get(k, v)]
    return f"{entry.name} ({', '.join(own)})" if own else entry.name
