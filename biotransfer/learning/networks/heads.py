"""Heads: the fully connected end of a network, from features to classes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...catalog import Catalog, Entry
from ...errors import check
from ..layers.layer import Layer


def linear(n_features: int, n_outputs: int) -> list[Layer]:
    """One dense layer.

    Parameters
    ----------
    n_features : int
        What enters the head.
    n_outputs : int
        Number of classes.
    """
    return [Layer("linear", "head", "head", {"n_in": n_features, "n_out": n_outputs})]


def mlp_head(n_features: int, n_outputs: int, *, hidden: Sequence[int] = (32,)) -> list[Layer]:
    """Dense layers with ReLU, then one without.

    Parameters
    ----------
    n_features : int
        What enters the head.
    n_outputs : int
        Number of classes.
    hidden : sequence of int, 1 to 4096
        Units of each hidden layer.

    Raises
    ------
    BiotransferError
        For sizes below one.
    """
    hidden = list(hidden)
    check(hidden and min(hidden) > 0, f"head mlp: hidden={hidden}. Expected sizes such as [32].")
    layers: list[Layer] = []
    for i, n_out in enumerate(hidden):
        layers.append(Layer("linear", "head", f"head_{i}", {"n_in": n_features, "n_out": n_out}))
        layers.append(Layer("relu", "head"))
        n_features = n_out
    return layers + linear(n_features, n_outputs)


def spinal(
    n_features: int,
    n_outputs: int,
    *,
    width: int = 16,
    steps: int = 4,
    dropout: float = 0.0,
    norm: bool = False,
) -> list[Layer]:
    """Dense layers in a row that take the halves of the features in turn, each after the one before.

    Parameters
    ----------
    n_features : int
        What enters the head; even, to be halved.
    n_outputs : int
        Number of classes.
    width : int, 1 to 4096
        Units of each layer in the row.
    steps : int, 1 to 64
        Layers in the row; they take the halves in turn.
    dropout : float, 0 to 1
        Share of a layer's inputs set to zero while training.
    norm : bool
        Layer normalisation before each ReLU (no running statistics).

    Raises
    ------
    BiotransferError
        When the features cannot be halved, or a size is out of range.

    Notes
    -----
    Source: Kabir et al. 2022, arXiv:2007.03347, figure 2 and section III: with a and b the features' halves,
    x1 = L1(a), x2 = L2([b, x1]), x3 = L3([a, x2]), x4 = L4([b, x3]), logits = W [x1, x2, x3, x4] + bias,
    each L being dropout, dense layer, norm, ReLU. Differs from it in that dropout is 0 unless asked for, and
    that the norm has no running statistics.
    """
    check(
        n_features % 2 == 0,
        f"head spinal: {n_features} features cannot be halved. Give the layer before it an even number of "
        f"units, such as {n_features + 1}.",
    )
    check(width > 0 and steps > 0, f"head spinal: width={width}, steps={steps}. Expected 1 or more.")
    check(0 <= dropout < 1, f"head spinal: dropout={dropout}. Expected 0 up to below 1, such as 0.5.")
    half = n_features // 2
    layers = [
        Layer(
            "spinal",
            "head",
            f"head_{i + 1}",
            {
                "n_in": half + (width if i else 0),
                "n_out": width,
                "begin": half * (i % 2),
                "end": half * (i % 2 + 1),
                "dropout": dropout,
                "norm": norm,
            },
        )
        for i in range(steps)
    ]
    return [*layers, Layer("last", "head", "", {"size": steps * width}), *linear(steps * width, n_outputs)]


HEADS = Catalog(
    "head",
    [
        Entry("linear", "One dense layer.", linear),
        Entry("mlp", "Dense layers with ReLU, then one without.", mlp_head),
        Entry(
            "spinal",
            "SpinalNet: a row of dense layers that take the halves of the features in turn.",
            spinal,
            "Kabir et al. 2022, arXiv:2007.03347",
        ),
    ],
    word="heads",
)


def head_layers(
    head: str | Mapping[str, Any] | None, n_features: int, n_outputs: int
) -> tuple[list[Layer], dict[str, Any]]:
    """Return the layers of a head, and its request with every default filled in.

    Parameters
    ----------
    head : str or mapping or None
        None is "linear". Name in ``HEADS``, or ``{"name": ..., parameter: value}``.
    n_features : int
        What enters the head.
    n_outputs : int
        Number of classes.

    Examples
    --------
    >>> layers, spec = head_layers({"name": "spinal", "width": 8}, 32, 3)
    >>> [layer.name for layer in layers if layer.name], spec["steps"]
    (['head_1', 'head_2', 'head_3', 'head_4', 'head'], 4)
    """
    entry, parameters = HEADS.resolve("linear" if head is None else head)
    layers = entry.function(n_features, n_outputs, **parameters)
    plain = {k: list(v) if isinstance(v, tuple) else v for k, v in parameters.items()}
    return layers, {"name": entry.name, **plain}
