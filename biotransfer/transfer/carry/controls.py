"""The baseline, and the controls that tell knowledge from luck.

Every arm function takes the source weights (None for scratch), the fresh tensors that all arms of one seed
share, the network and the seed, and returns an Arm. Arms differ in nothing but the weights they start from,
which of them may move and how, and what is added to their loss.
"""

from __future__ import annotations

from ...learning.networks.network import Network
from ...learning.training.arm import Arm, ledger_rows
from ...learning.weights import Tensors, Weights
from .starting import carry


def scratch(source: Weights | None, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Start from random weights."""
    free = dict.fromkeys(fresh, 1.0)
    actions = dict.fromkeys(fresh, "fresh")
    reasons = dict.fromkeys(fresh, "standard random initialisation")
    return Arm("scratch", seed, fresh, free, ledger_rows(network, actions, free, reasons))


def permuted(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Start from the source's weights in a random order inside each tensor: values stay, structure goes."""
    return carry("permuted", source, fresh, network, seed, start="permuted")


def redrawn(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Start from normal draws with the mean and variance of each of the source's tensors: only their scale.

    Notes
    -----
    Source: Raghu et al. 2019, arXiv:1902.07208 ("Mean Var Init"); differs from it in that running statistics
    of norms are permuted, since a normal draw could make a variance negative.
    """
    return carry("redrawn", source, fresh, network, seed, start="redrawn")


def shuffled_source(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Transfer from a source trained on permuted labels.

    Notes
    -----
    Source: Maennel et al. 2020, arXiv:2006.10455.
    """
    return carry("shuffled_source", source, fresh, network, seed)


def noise_source(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Transfer from a source trained on surrogate noise."""
    return carry("noise_source", source, fresh, network, seed)


def phase_source(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Transfer from a source with random phases: spectra, covariances and labels stay, wave shape goes.

    Notes
    -----
    Source: Prichard & Theiler 1994, doi:10.1103/PhysRevLett.73.951. Against features of power and covariance
    it is no control: there it knows what the source knows.
    """
    return carry("phase_source", source, fresh, network, seed)


def simulated_source(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Transfer from simulated signals of as many people, channels and classes as the source has."""
    return carry("simulated_source", source, fresh, network, seed)


def same_modality(source: Weights, fresh: Tensors, network: Network, seed: int) -> Arm:
    """Transfer from other people of the target's own modality: what a proper source would give."""
    return carry("same_modality", source, fresh, network, seed)
