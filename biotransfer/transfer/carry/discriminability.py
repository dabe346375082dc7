"""Discriminability-based transfer: keep the hidden units that tell the target's classes apart."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import check
from ...learning.networks.forward import run_network
from ...learning.networks.network import Network
from ...learning.training.arm import Arm
from ...learning.weights import Tensors, Weights
from ...signals.windows import Windows
from .starting import carried_layers, carry


def discriminability_based(
    source: Weights,
    fresh: Tensors,
    network: Network,
    seed: int,
    target: Windows,
    *,
    strength: float = 1.0,
    cutoff: float = 0.1,
    shrink: float = 0.1,
    start: str = "source",
) -> Arm:
    """Keep hidden units by how much their side tells about the target's class; shrink or redraw the others.

    Parameters
    ----------
    target : Windows
        The target's labelled training windows.
    strength : float, 0 or more
        S: the unit that tells most keeps its weights times this.
    cutoff : float, 0 or more
        C: a unit is kept when S times its share of the largest information reaches it.
    shrink : float, 0 or more
        Largest absolute weight of a unit that is not kept.
    start : str
        The source's weights, another source network, or a sham: see :func:`.begin_with`.

    Raises
    ------
    BiotransferError
        When a parameter is out of range.

    Notes
    -----
    Source: Pratt 1993, "Discriminability-based transfer between neural networks", NIPS 5:204-211: s_n is the
    side of unit i on training window n, M_i the mutual information of s and y, r_i = S M_i / max M; a unit
    with r_i >= C keeps its weights and bias times r_i. Differs from it in that the paper's S, C and bound are
    unknown here; several layers are treated one by one, each on what the carried layers below give it and
    with the largest M of its own layer; a filter's side is that of its mean over positions; and a unit is
    "badly conditioned", and drawn afresh, when all training windows lie on one side of it.
    """
    check(strength > 0, f"arm discriminability_based: strength={strength}. Expected above 0, such as 1.0.")
    check(
        0 <= cutoff <= strength,
        f"arm discriminability_based: cutoff={cutoff}. Expected 0 to strength={strength}.",
    )
    check(shrink > 0, f"arm discriminability_based: shrink={shrink}. Expected above 0, such as 0.1.")
    arm = carry("discriminability_based", source, fresh, network, seed, start=start)
    layers = carried_layers(source, network)
    found = run_network(network, arm.tensors, target.X, layers=layers).outputs
    tensors, reasons = dict(arm.tensors), {}
    for layer in layers:
        output = found[layer].reshape(len(target), found[layer].shape[1], -1).mean(axis=2)
        side = output > 0
        information = side_information(side, target.y)
        largest = information.max()
        ratio = strength * information / largest if largest > 0 else np.zeros_like(information)
        split = side.any(axis=0) & ~side.all(axis=0)
        kept = split & (ratio >= cutoff)
        weight = arm.tensors[f"{layer}.weight"]
        for name in (f"{layer}.weight", f"{layer}.bias"):
            tensors[name] = _adapt(tensors[name], weight, fresh[name], ratio, kept, split, shrink)
            reasons[name] = (
                f"{kept.sum()} units kept, {np.sum(split & ~kept)} shrunk, {np.sum(~split)} drawn afresh"
            )
    ledger = tuple(
        replace(row, action="adapted", reason=reasons[row.tensor]) if row.tensor in reasons else row
        for row in arm.ledger
    )
    return replace(arm, tensors=tensors, ledger=ledger)


def side_information(side: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Mutual information of each unit's side with the class.

    Parameters
    ----------
    side : ndarray of bool, shape (n_windows, n_units)
        On which side of each unit's hyperplane a window lies.
    y : ndarray of int, shape (n_windows,)
        Classes.

    Returns
    -------
    ndarray, shape (n_units,)
        In nats.

    Examples
    --------
    >>> side_information(np.array([[True, True], [True, False], [False, True], [False, False]]),
    ...                  np.array([0, 0, 1, 1])).round(3)
    array([0.693, 0.   ])
    """
    classes = (np.arange(y.max() + 1)[:, None] == y).astype(np.float64)
    joint = np.stack([classes @ side, classes @ ~side]) / len(y)
    independent = joint.sum(axis=0) * joint.sum(axis=1)[:, None]
    ratio = np.divide(joint, independent, out=np.ones_like(joint), where=joint > 0)
    return np.maximum(np.sum(joint * np.log(ratio), axis=(0, 1)), 0.0)


def _adapt(
    value: np.ndarray,
    weight: np.ndarray,
    fresh: np.ndarray,
    ratio: np.ndarray,
    kept: np.ndarray,
    split: np.ndarray,
    shrink: float,
) -> np.ndarray:
    """Scale, shrink or redraw the units (first axis) of one tensor of a layer."""
    largest = np.abs(weight).reshape(len(weight), -1).max(axis=1)
    down = np.divide(np.minimum(largest, shrink), largest, out=np.zeros(len(weight)), where=largest > 0)
    shape = (-1,) + (1,) * (value.ndim - 1)
    factor = np.where(kept, ratio, down).reshape(shape)
    return np.where(split.reshape(shape), value * factor, fresh).astype(np.float32)
