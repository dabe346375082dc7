"""Layer by layer: how far weights went and what a layer is needed for; and the line between solutions."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from ...errors import check
from ...learning.networks.drawing import initial_tensors
from ...learning.networks.network import Network
from ...learning.predictions import balanced_accuracy, log_softmax
from ..transferability.distances import linear_cka
from ..transferability.outputs import computing_layers, layer_outputs

LAYER_COLUMNS = ["layer", "part", "parameters", "distance", "relative_distance", "cka_initial", "cka_source",
                 "cka_scratch", "reset_initial", "reset_fresh"]  # fmt: skip
BARRIER_COLUMNS = ["position", "loss", "balanced_accuracy"]
STREAM = "movement"

Tensors = Mapping[str, np.ndarray]


def _tensors_of(network: Network) -> dict[str, list[str]]:
    """Return the tensors that stand and fall with every computing layer: its own, and those of its norm."""
    owner = ""
    found: dict[str, list[str]] = {layer.name: [] for layer in computing_layers(network)}
    for layer in network.layers:
        owner = layer.name if layer.name in found else owner
        found.setdefault(owner, []).extend(layer.tensor_shapes())
    return {name: tensors for name, tensors in found.items() if name}


def _norm(tensors: Tensors, names: list[str]) -> float:
    return float(np.sqrt(sum(np.sum(tensors[n].astype(np.float64) ** 2) for n in names)))


def _accuracy(network: Network, tensors: Tensors, X: np.ndarray, y: np.ndarray) -> float:
    logits = list(layer_outputs(network, tensors, X).values())[-1]
    return float(balanced_accuracy(y, logits.argmax(axis=1)))


def describe_layers(
    network: Network,
    initial: Tensors,
    final: Tensors,
    X: np.ndarray,
    y: np.ndarray,
    *,
    source: Tensors | None = None,
    scratch: Tensors | None = None,
    seed: int = 0,
) -> pd.DataFrame:
    """Describe what training did to every layer.

    Parameters
    ----------
    network : Network
        Of all tensors.
    initial, final : mapping of str to ndarray
        Weights before and after training on the target.
    X : ndarray, shape (n_windows, *network.input_shape)
        Aligned windows, of people who were not trained on.
    y : ndarray, shape (n_windows,)
        Labels.
    source : mapping, optional
        The source network's weights in this network; its head is not looked at.
    scratch : mapping, optional
        Final weights of the arm from random weights.
    seed : int
        Draws the fresh weights of the last column.

    Returns
    -------
    DataFrame
        One row per layer that computes: ``distance`` (Euclidean, from the initial weights) and
        ``relative_distance`` (in units of their length); ``cka_initial``, ``cka_source``, ``cka_scratch``
        (linear CKA of what the layer gives on X; NaN where there is no such network); ``reset_initial``,
        ``reset_fresh`` (change of balanced accuracy when this layer alone goes back to its initial weights,
        or to fresh ones).

    Notes
    -----
    Source: distances and resets after Zhang, Bengio and Singer 2019, arXiv:1902.01996 (re-initialisation and
    re-randomisation); CKA after Kornblith et al. 2019, arXiv:1905.00414.
    """
    outputs = layer_outputs(network, final, X)
    others = {
        name: None if tensors is None else layer_outputs(network, tensors, X)
        for name, tensors in (("initial", initial), ("source", source), ("scratch", scratch))
    }
    fresh = initial_tensors(network, seed, stream=STREAM)
    logits = outputs[list(outputs)[-1]]
    reached = float(balanced_accuracy(y, logits.argmax(axis=1)))
    parts = {layer.name: layer.part for layer in computing_layers(network)}
    rows = []
    for layer, names in _tensors_of(network).items():
        start = _norm(initial, names)
        moved = _norm({n: final[n].astype(np.float64) - initial[n] for n in names}, names)
        row = {
            "layer": layer,
            "part": parts[layer],
            "parameters": sum(int(final[n].size) for n in names),
            "distance": moved,
            "relative_distance": moved / start if start > 0 else np.nan,
        }
        for name, given in others.items():
            unlike = given is None or (name == "source" and parts[layer] == "head")
            row[f"cka_{name}"] = np.nan if unlike else linear_cka(outputs[layer], given[layer])  # type: ignore[index]
        for name, origin in (("initial", initial), ("fresh", fresh)):
            reset = {**final, **{n: origin[n] for n in names}}
            row[f"reset_{name}"] = _accuracy(network, reset, X, y) - reached
        rows.append(row)
    return pd.DataFrame(rows, columns=LAYER_COLUMNS)


def barrier_line(
    network: Network, first: Tensors, second: Tensors, X: np.ndarray, y: np.ndarray, *, n_points: int = 11
) -> pd.DataFrame:
    """Evaluate the networks on the straight line between two solutions.

    Parameters
    ----------
    network : Network
        Of both.
    first, second : mapping of str to ndarray
        Final weights of two arms of one seed (so that their heads started equal).
    X : ndarray, shape (n_windows, *network.input_shape)
        Aligned windows, of people who were not trained on.
    y : ndarray, shape (n_windows,)
        Labels.
    n_points : int
        Points, both ends included.

    Returns
    -------
    DataFrame
        ``position`` (0: first, 1: second), ``loss`` (mean cross-entropy in nats), ``balanced_accuracy``.

    Notes
    -----
    Source: Neyshabur, Sedghi and Zhang 2020, arXiv:2008.11687, section 3.3: solutions from one pretrained
    start lie in one basin, those from random weights do not.
    """
    check(n_points >= 3, f"n_points={n_points}. Expected both ends and one between: 3 or more.")
    rows = []
    for position in np.linspace(0.0, 1.0, n_points):
        between = {
            k: (1 - position) * first[k].astype(np.float64) + position * second[k].astype(np.float64)
            for k in first
        }
        logits = list(layer_outputs(network, between, X).values())[-1]
        log_p = log_softmax(logits)
        loss = -float(log_p[np.arange(len(y)), y].mean())
        rows.append((float(position), loss, float(balanced_accuracy(y, logits.argmax(axis=1)))))
    return pd.DataFrame(rows, columns=BARRIER_COLUMNS)


def barrier_height(position: np.ndarray, value: np.ndarray) -> float:
    """Return how far a line's values rise above the straight line between its ends.

    Parameters
    ----------
    position : ndarray, shape (n_points,)
        0 to 1, both ends included.
    value : ndarray, shape (n_points,)
        Loss there.

    Returns
    -------
    float
        0 where nothing rises.

    Examples
    --------
    >>> barrier_height([0, 0.5, 1], [1.0, 5.0, 3.0])
    3.0
    """
    position, value = np.asarray(position, dtype=float), np.asarray(value, dtype=float)
    order = np.argsort(position)
    position, value = position[order], value[order]
    return float(np.max(value - ((1 - position) * value[0] + position * value[-1])))
