"""An arm: starting weights, which tensors may move, and a ledger of where every tensor came from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ...errors import check, check_option
from ...showing import html_table, one_line
from ..networks.network import Network
from ..weights import Tensors, Weights

OTHERS = ("", "unlabelled", "training", "labelled")
"""Further windows that a penalty may be shown."""


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
class Penalty:
    """A term that an arm adds to its loss.

    Parameters
    ----------
    name : str
        Of ``learning.training.PENALTIES``.
    options : mapping
        The penalty's parameters.
    tensors : mapping of str to ndarray
        What it is measured against and never trains: the tensors of ``network`` (such as the source's weights
        with the source's head), and further arrays that the penalty asks for by name.
    network : Network, optional
        The network that ``tensors`` are the weights of; None where the penalty needs no reference outputs.
    learns : mapping of str to ndarray
        What trains beside the network and is thrown away, such as a critic: at the schedule's rate.
    others : {"", "unlabelled", "training", "labelled"}
        Which further windows every update shows it, as many as the batch has: none; the split's unlabelled
        ones; the arm's own training windows, in another order; or the unlabelled ones with their labels.
    """

    name: str
    options: Mapping[str, Any] = field(default_factory=dict)
    tensors: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    network: Network | None = None
    learns: Mapping[str, np.ndarray] = field(default_factory=dict, repr=False)
    others: str = ""

    def __post_init__(self) -> None:
        check_option(f"penalty {self.name!r}: others", self.others, OTHERS)
        shapes = self.network.tensor_shapes if self.network else {}
        for name, shape in shapes.items():
            check(
                name in self.tensors and np.shape(self.tensors[name]) == shape,
                f"penalty {self.name!r}: tensor {name!r} of its network has shape {shape}, "
                f"given is {np.shape(self.tensors[name]) if name in self.tensors else 'none'}. "
                "Pass the weights of that network.",
            )


@dataclass(frozen=True, eq=False)
class Teacher:
    """Who labels unlabelled windows for the arm that learns from them.

    Parameters
    ----------
    arm : Arm
        What the teacher starts from; it trains as any arm does.
    soft : bool
        Whether its probabilities are the labels, or its first choices.
    confidence : float
        Only windows whose most probable class reaches this get a label.
    ratio : int
        Such windows per labelled one in a batch.
    of : {"unlabelled", "training"}
        Which windows it labels: those of the split that have no label, or the training windows again.
    """

    arm: Arm
    soft: bool
    confidence: float
    ratio: int
    of: str = "unlabelled"


@dataclass(frozen=True, eq=False)
class Arm:
    """What one training starts from, and what it adds to plain training.

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
    thaw : mapping of str to float
        Share of the updates, 0 to 1, during which a tensor stays as it is; then it trains as if the optimizer
        began there. 1 is frozen.
    anchor : mapping of str to (ndarray, float)
        Reference and strength: adds strength / 2 * ||tensor - reference||^2 to the loss.
    low_rank : mapping of str to (ndarray, ndarray, float)
        A of shape (r, n_in), B of shape (n_out, r) and a scale, for the weight of a dense layer: it acts as
        weight + scale * B @ A, where A and B train in its place (at its ``lr_scale`` and ``thaw``, weight
        decay acting on A and B) and the weight itself stays. Trained tensors come back merged.
    penalty : Penalty, optional
        A further term of the loss.
    teacher : Teacher, optional
        Who labels the split's unlabelled windows for this arm.
    stochastic_norm : float
        Probability that a channel of a norm uses the running statistics in place of the batch's in an update.

    Raises
    ------
    BiotransferError
        For a tensor that is not there, another shape, or a share outside 0 to 1.

    Notes
    -----
    ``low_rank``: Hu et al. 2022, arXiv:2106.09685, equation 3. ``anchor``: Li et al. 2018, arXiv:1802.01483,
    equation 3. ``thaw``: Howard & Ruder 2018, arXiv:1801.06146, section 3.3; Kumar et al. 2022,
    arXiv:2202.10054.
    """

    name: str
    seed: int
    tensors: Mapping[str, np.ndarray]
    lr_scale: Mapping[str, float]
    ledger: tuple[LedgerRow, ...]
    thaw: Mapping[str, float] = field(default_factory=dict)
    anchor: Mapping[str, tuple[np.ndarray, float]] = field(default_factory=dict)
    low_rank: Mapping[str, tuple[np.ndarray, np.ndarray, float]] = field(default_factory=dict)
    penalty: Penalty | None = None
    teacher: Teacher | None = None
    stochastic_norm: float = 0.0

    def __post_init__(self) -> None:
        named: dict[str, Mapping[str, Any]] = {
            "lr_scale": self.lr_scale, "thaw": self.thaw, "anchor": self.anchor, "low_rank": self.low_rank
        }  # fmt: skip
        for what, mapping in named.items():
            strange = sorted(set(mapping) - set(self.tensors))
            check(
                not strange,
                f"{what} of arm {self.name!r} names {', '.join(strange)}, which the network does not have. "
                f"It has: {', '.join(self.tensors)}.",
            )
        for name, share in self.thaw.items():
            check(0 <= share <= 1, f"thaw={share} of {name!r} in arm {self.name!r}. Expected 0 to 1.")
        for name, (reference, strength) in self.anchor.items():
            check(
                reference.shape == self.tensors[name].shape and strength >= 0,
                f"anchor of {name!r} in arm {self.name!r} has shape {reference.shape} and strength "
                f"{strength}, the tensor has shape {self.tensors[name].shape}. Expected the same shape and a "
                "strength of 0 or more.",
            )
        for name, (a, b, _) in self.low_rank.items():
            shape = self.tensors[name].shape
            check(
                len(shape) == 2 and a.shape[1:] == shape[1:] and b.shape == (shape[0], a.shape[0]),
                f"low_rank of {name!r} in arm {self.name!r}: A has shape {a.shape}, B {b.shape}, the tensor "
                f"{shape}. Expected A (r, n_in) and B (n_out, r) of a weight (n_out, n_in).",
            )

    def __repr__(self) -> str:
        return one_line(f"Arm {self.name}, seed {self.seed}: {carried_share(self.ledger):.0%} carried over")

    def _repr_html_(self) -> str:
        rows = {
            row.tensor: f"{row.action}, {'trained' if row.trained else 'frozen'}: {row.reason}"
            for row in self.ledger
        }
        return html_table({"arm": self.name, "seed": self.seed, **rows})


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
    told = {row["tensor"]: row["reason"] for row in source.card.get("ledger", ())}
    for name, shape in network.tensor_shapes.items():
        if network.tensor_parts[name] == "head":
            reasons[name] = "the head sees the target's classes"
        elif name not in source.tensors:
            reasons[name] = told.get(name, "the source network has no such tensor")
        elif source.tensors[name].shape != shape:
            theirs = "x".join(map(str, source.tensors[name].shape))
            reasons[name] = f"shape {theirs} in the source, {'x'.join(map(str, shape))} here"
        else:
            carried[name] = source.tensors[name].astype(np.float32)
            reasons[name] = told.get(name, "same name and shape")
    layers = network.tensor_layers
    broken = {layers[name] for name in network.tensor_shapes if name not in carried}
    for name in [n for n in carried if layers[n] in broken]:
        del carried[name]
        reasons[name] = "another tensor of its layer does not fit"
    if source.card.get("inputs"):
        first = [k for k in carried if layers[k] == layers[next(iter(carried))]]
        for name in [k for k in carried if network.tensor_parts[k] == "stem"] or first:
            reasons[name] += f"; inputs {source.card['inputs']}"
    return Fit(carried, reasons)


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
