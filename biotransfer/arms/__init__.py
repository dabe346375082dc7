"""Arms: what a training starts from, paired by construction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ..catalog import Catalog, Entry
from ..errors import check
from ..networks.network import Network, initial_tensors
from ..weights import Weights
from .arm import Arm, LedgerRow, Penalty, carried_share
from .strategies import (
    frozen_body,
    noise_source,
    permuted,
    redrawn,
    same_modality,
    scratch,
    shuffled_source,
    transferred,
)

__all__ = ["ARMS", "Arm", "LedgerRow", "Penalty", "carried_share", "make_arms"]


def _entry(function: Any, role: str, starts_from: str | None, summary: str, source: str = "own") -> Entry:
    return Entry(function.__name__, summary, function, source, {"role": role, "starts_from": starts_from})


ARMS = Catalog(
    "arm",
    [
        _entry(scratch, "baseline", None, "Random weights."),
        _entry(transferred, "transfer", "supervised", "The source's weights; everything trains.",
               "Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074"),
        _entry(frozen_body, "transfer", "supervised", "The source's weights stay; only fresh layers train.",
               "Yosinski et al. 2014, arXiv:1411.1792"),
        _entry(permuted, "control", "supervised",
               "The source's weights in random order: only their distribution."),
        _entry(redrawn, "control", "supervised",
               "Draws with the source's mean and variance: only the scale.",
               "Raghu et al. 2019, arXiv:1902.07208"),
        _entry(shuffled_source, "control", "shuffled_labels", "A source trained on permuted labels.",
               "Maennel et al. 2020, arXiv:2006.10455"),
        _entry(noise_source, "control", "noise", "A source trained on surrogate noise."),
        _entry(same_modality, "reference", "same_modality", "Other people of the target's own modality."),
    ],
)  # fmt: skip


def make_arms(
    specs: Sequence[str | Mapping[str, Any]],
    sources: Mapping[str, Weights],
    network: Network,
    seed: int,
    *,
    stream: str = "target",
) -> list[Arm]:
    """Return the arms of one seed: same fresh tensors, same head, other starting weights.

    Parameters
    ----------
    specs : sequence of str or mapping
        Catalog names, with parameters where an arm has some.
    sources : mapping
        Trained weights by what they were trained on (the arms' ``starts_from``).
    network : Network
        The target's network.
    seed : int
        Shared by all arms: draws heads and fresh layers, orders the batches.
    stream : str
        See :func:`biotransfer.networks.initial_tensors`.

    Raises
    ------
    BiotransferError
        When an arm's source is not there.

    Examples
    --------
    >>> from biotransfer.networks import build_network
    >>> [arm.name for arm in make_arms(["scratch"], {}, build_network("mlp", (8,), 3), seed=0)]
    ['scratch']
    """
    fresh = initial_tensors(network, seed, stream=stream)
    for value in fresh.values():
        value.setflags(write=False)
    arms = []
    for spec in specs:
        entry, parameters = ARMS.resolve(spec)
        wanted = entry.facts["starts_from"]
        check(
            wanted is None or wanted in sources,
            f"arm {entry.name!r} starts from a {wanted!r} source, which was not trained. "
            f"Pass sources={{{wanted!r}: weights}}.",
        )
        source = sources[wanted] if wanted else None
        arms.append(entry.function(source, dict(fresh), network, seed, **parameters))
    return arms
