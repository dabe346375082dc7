"""What a transfer starts from: the source's weights, those of another network, or a sham in their place."""

from __future__ import annotations

import zlib
from collections.abc import Collection

import numpy as np

from ...errors import check_option
from ...learning.networks.drawing import initial_tensors
from ...learning.networks.network import Network
from ...learning.networks.records import network_of as source_network
from ...learning.training.arm import Arm, ledger_rows, match_tensors
from ...learning.weights import Tensors, Weights, is_statistic, permute_values, redraw_values

__all__ = [
    "OTHER_SOURCES",
    "SHAMS",
    "STARTS",
    "begin_with",
    "carried_layers",
    "carried_tensors",
    "carry",
    "source_network",
]

SHAMS = {"scratch": "fresh", "permuted": "permuted", "redrawn": "redrawn"}
"""Weights that know nothing of the source, and what a ledger calls their tensors."""
OTHER_SOURCES = {
    "own_donors": "own_donors",
    "same_modality": "same_modality",
    "shuffled_source": "shuffled_labels",
    "noise_source": "noise",
    "phase_source": "phase",
    "simulated_source": "simulated",
}
"""Source networks that can stand in the source's place, and what each is trained on."""
STARTS = {"source": "copied", **SHAMS, **dict.fromkeys(OTHER_SOURCES, "copied")}


def begin_with(source: Weights, fresh: Tensors, network: Network, seed: int, start: str) -> Weights:
    """Return the source, or a sham that takes its place in all that a method does with it.

    Parameters
    ----------
    source : Weights
        Trained weights: those of the network that ``start`` names.
    fresh : dict of str to ndarray
        The random draw that all arms of one seed share.
    network : Network
        The target's network.
    seed : int
        Draws the sham.
    start : str
        "source", or a network in its place that was trained on something else: "own_donors" (other people of
        the target's own set, kept out of its training), "same_modality", "shuffled_source", "noise_source",
        "phase_source", "simulated_source"; these weights are taken as they are. Or a sham: "scratch", the
        weights that scratch starts from; "permuted", the source's values in random order inside each tensor;
        "redrawn", normal draws with each tensor's mean and variance.

    Raises
    ------
    BiotransferError
        On an unknown ``start``.

    Notes
    -----
    A method with a sham start does all that the method does and knows nothing of the source: what it gains,
    the procedure gains. Running statistics of norms are permuted where the others are redrawn, since a normal
    draw could make a variance negative.
    """
    check_option("start", start, STARTS)
    if start not in SHAMS:
        return source
    if start == "scratch":
        drawn = initial_tensors(source_network(source), seed, stream="sham")
        carried = match_tensors(source, network).carried
        sham = {k: fresh[k] if k in carried else v for k, v in drawn.items() if k in source.tensors}
        return Weights(sham, source.card)
    tensors = {}
    for name, value in source.tensors.items():
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), 1 if start == "permuted" else 2])
        permute = start == "permuted" or is_statistic(name)
        tensors[name] = permute_values(value, rng) if permute else redraw_values(value, rng)
    return Weights(tensors, source.card)


def carry(
    name: str,
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    start: str = "source",
    layers: Collection[str] | None = None,
    freeze: bool = False,
) -> Arm:
    """Start from what fits of the source, or of its sham; the rest is fresh.

    Parameters
    ----------
    name : str
        Of the arm.
    source, fresh, network, seed
        As every arm function gets them.
    start : str
        See :func:`begin_with`.
    layers : collection of str, optional
        Carry only these layers; all that fit when not given.
    freeze : bool
        Whether what is carried stays still.
    """
    fit = match_tensors(begin_with(source, fresh, network, seed, start), network)
    carried = {k: v for k, v in fit.carried.items() if layers is None or network.tensor_layers[k] in layers}
    reasons = {
        k: "not among the layers asked for" if k in fit.carried and k not in carried else reason
        for k, reason in fit.reasons.items()
    }
    actions = {k: STARTS[start] if k in carried else "fresh" for k in fresh}
    lr_scale = {k: 0.0 if freeze and k in carried else 1.0 for k in fresh}
    return Arm(name, seed, {**fresh, **carried}, lr_scale, ledger_rows(network, actions, lr_scale, reasons))


def carried_tensors(source: Weights, network: Network) -> list[str]:
    """Return what fits of the source, in the network's order."""
    return list(match_tensors(source, network).carried)


def carried_layers(source: Weights, network: Network) -> list[str]:
    """Return the layers of which everything fits, from the input to the head."""
    return list(dict.fromkeys(network.tensor_layers[k] for k in carried_tensors(source, network)))
