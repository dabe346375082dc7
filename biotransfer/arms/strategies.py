"""Ways to carry weights over, and the controls that tell knowledge from luck.

Every function takes the source weights (None for scratch), the fresh tensors that all arms of one seed share,
the network and the seed, and returns an Arm. They differ in nothing but the weights they start from and the
tensors they let move.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable

import numpy as np

from ..networks.network import Network
from ..weights import Tensors, Weights, is_statistic, permute_values, redraw_values
from .arm import Arm, ledger_rows, match_tensors


def scratch(source: Weights | None, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Start from random weights."""
    free = dict.fromkeys(fresh, 1.0)
    actions = dict.fromkeys(fresh, "fresh")
    reasons = dict.fromkeys(fresh, "standard random initialisation")
    return Arm("scratch", seed, fresh, free, ledger_rows(network, actions, free, reasons))


def _carry(
    name: str,
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    *,
    action: str = "copied",
    change: Callable[[str, np.ndarray], np.ndarray] | None = None,
    freeze: bool = False,
) -> Arm:
    """Start from the source's tensors, each passed through ``change``; the rest is fresh."""
    fit = match_tensors(source, network)
    tensors = {k: fit.carried[k] if k in fit.carried else fresh[k] for k in fresh}
    if change is not None:
        tensors |= {k: change(k, v) for k, v in fit.carried.items()}
    actions = {k: action if k in fit.carried else "fresh" for k in fresh}
    lr_scale = {k: 0.0 if freeze and k in fit.carried else 1.0 for k in fresh}
    return Arm(name, seed, tensors, lr_scale, ledger_rows(network, actions, lr_scale, fit.reasons))


def transferred(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Start from the weights trained on the source; everything trains."""
    return _carry("transferred", source, fresh, network, seed)


def frozen_body(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Keep what came from the source as it is and train only what is fresh.

    Notes
    -----
    When the stem is fresh too (other channels), this is not the textbook linear probe: the ledger says what
    was trained.
    """
    return _carry("frozen_body", source, fresh, network, seed, freeze=True)


def permuted(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Start from the source's weights in a random order inside each tensor: values stay, structure goes."""

    def change(name: str, value: np.ndarray) -> np.ndarray:
        return permute_values(value, np.random.default_rng([seed, zlib.crc32(name.encode()), 1]))

    return _carry("permuted", source, fresh, network, seed, action="permuted", change=change)


def redrawn(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Start from normal draws with the mean and variance of each of the source's tensors: only their scale.

    Notes
    -----
    Source: Raghu et al. 2019, arXiv:1902.07208 ("Mean Var Init"); differs from it in that running statistics
    of norms are permuted, since a normal draw could make a variance negative.
    """

    def change(name: str, value: np.ndarray) -> np.ndarray:
        rng = np.random.default_rng([seed, zlib.crc32(name.encode()), 2])
        return permute_values(value, rng) if is_statistic(name) else redraw_values(value, rng)

    return _carry("redrawn", source, fresh, network, seed, action="redrawn", change=change)


def shuffled_source(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Transfer from a source trained on permuted labels.

    Notes
    -----
    Source: Maennel et al. 2020, arXiv:2006.10455.
    """
    return _carry("shuffled_source", source, fresh, network, seed)


def noise_source(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Transfer from a source trained on surrogate noise."""
    return _carry("noise_source", source, fresh, network, seed)


def same_modality(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Transfer from other people of the target's own modality: what a proper source would give."""
    return _carry("same_modality", source, fresh, network, seed)
