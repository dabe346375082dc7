"""Multilayer perceptron over features."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import check
from ..layers.layer import Layer
from .heads import head_layers
from .network import Network


def mlp(
    input_shape: tuple[int, ...],
    n_outputs: int,
    *,
    hidden: Sequence[int] = (64, 32),
    norm: bool = False,
    head: str | Mapping[str, Any] | None = None,
) -> Network:
    """Dense layers with ReLU over a vector of features.

    Parameters
    ----------
    input_shape : tuple
        ``(n_features,)``.
    n_outputs : int
        Number of classes.
    hidden : sequence of int, 1 to 4096
        Units of each hidden layer; the first is the stem, the others are the body.
    norm : bool
        Layer normalisation before each ReLU (no running statistics).
    head : str or mapping, optional
        See ``biotransfer list heads``; one dense layer when not given.

    Raises
    ------
    BiotransferError
        For signals instead of features, or sizes below one.

    Examples
    --------
    >>> mlp((128,), 3, hidden=[64, 32]).n_parameters
    10435
    """
    check(
        len(input_shape) == 1,
        f"network mlp takes features, these windows have shape {tuple(input_shape)}. "
        "Add features: statistical, or use network: cnn_signal.",
    )
    hidden = list(hidden)
    check(hidden and min(hidden) > 0, f"network mlp: hidden={hidden}. Expected sizes such as [64, 32].")
    layers: list[Layer] = []
    n_in = input_shape[0]
    for i, n_out in enumerate(hidden):
        part = "stem" if i == 0 else "body"
        layers.append(Layer("linear", part, f"{part}_{i}", {"n_in": n_in, "n_out": n_out}))
        if norm:
            layers.append(Layer("layer_norm", part, f"{part}_{i}_norm", {"n_out": n_out}))
        layers.append(Layer("relu", part))
        n_in = n_out
    end, head_spec = head_layers(head, n_in, n_outputs)
    parameters = {"hidden": hidden, "norm": norm, "head": head_spec}
    return Network("mlp", tuple(layers + end), tuple(input_shape), n_outputs, parameters)
