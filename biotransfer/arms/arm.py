"""An arm: starting weights, which tensors may move, and a ledger of where every tensor came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from ..networks.network import Network
from ..weights import Tensors, Weights


@dataclass(frozen=True)
class LedgerRow:
    """Where one tensor of an arm came from.

    Parameters
    ----------
    tensor, part : str
        Name, and stem, body or head.
    action : {"copied", "adapted", "fresh", "permuted", "redrawn"}
        What happened.
    trained : bool
        Whether training moves it.
    parameters : int
        Number of values.
    reason : str
        Why.
    """

    tensor: str
    part: str
    action: str
    trained: bool
    parameters: int
    reason: str


@dataclass(frozen=True, eq=False)
class Arm:
    """What one training starts from.

    Parameters
    ----------
    name : str
        Catalog name, or the recipe's label.
    seed : int
        Fixes the fresh draws and the order of batches.
    tensors : dict of str to ndarray, float32
        Every tensor of the network.
    lr_scale : mapping of str to float
        Factor on the learning rate per tensor; 0 is frozen.
    ledger : tuple of LedgerRow
        One row per tensor.
    """

    name: str
    seed: int
    tensors: Mapping[str, np.ndarray]
    lr_scale: Mapping[str, float]
    ledger: tuple[LedgerRow, ...]

    def __repr__(self) -> str:
        return f"<Arm {self.name}, seed {self.seed}: {carried_share(self.ledger):.0%} carried over>"


def carried_share(ledger: tuple[LedgerRow, ...]) -> float:
    """Share of parameters that do not start fresh."""
    total = sum(row.parameters for row in ledger)
    return sum(row.parameters for row in ledger if row.action != "fresh") / total


@dataclass(frozen=True)
class Fit:
    """Which tensors of the source a target network can take, and why not the others."""

    carried: Tensors
    reasons: Mapping[str, str]


def match_tensors(source: Weights, network: Network) -> Fit:
    """Find what can carry over: by name and shape, layer by layer, never the head.

    A layer carries whole or not at all, and a norm goes with the layer before it.

    Parameters
    ----------
    source : Weights
        Trained weights.
    network : Network
        The target's network.
    """
    carried: Tensors = {}
    reasons: dict[str, str] = {}
    for name, shape in network.tensor_shapes.items():
        if network.tensor_parts[name] == "head":
            reasons[name] = "the head sees the target's classes"
        elif name not in source.tensors:
            reasons[name] = "the source network has no such tensor"
        elif source.tensors[name].shape != shape:
            theirs = "x".join(map(str, source.tensors[name].shape))
            reasons[name] = f"shape {theirs} in the source, {'x'.join(map(str, shape))} here"
        else:
            carried[name] = source.tensors[name].astype(np.float32)
            reasons[name] = "same name and shape"
    broken = {_layer(name) for name in network.tensor_shapes if name not in carried}
    for name in [n for n in carried if _layer(n) in broken]:
        del carried[name]
        reasons[name] = "another tensor of its layer does not fit"
    return Fit(carried, reasons)


def _layer(tensor: str) -> str:
    """Return the layer that a tensor stands and falls with."""
    return tensor.rpartition(".")[0].removesuffix("_norm")


def ledger_rows(
    network: Network, actions: Mapping[str, str], lr_scale: Mapping[str, float], reasons: Mapping[str, str]
) -> tuple[LedgerRow, ...]:
    """Return one row per tensor of ``network``."""
    return tuple(
        LedgerRow(
            name,
            network.tensor_parts[name],
            actions[name],
            lr_scale[name] > 0,
            int(np.prod(shape)),
            reasons[name],
        )
        for name, shape in network.tensor_shapes.items()
    )
