"""Layers beside which what entered them goes on, and both are added."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from .bound import Inner
from .dense import LINEAR, RELU
from .kind import LayerKind, Options, Shape

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here


def _paths(o: Options) -> tuple[tuple[Inner, ...], tuple[Inner, ...]]:
    """Return the layers inside, and those beside."""
    return tuple(o["inside"]), tuple(o.get("beside", ()))


def _shapes(o: Options) -> dict[str, Shape]:
    inside, beside = _paths(o)
    return {name: shape for layer in (*inside, *beside) for name, shape in layer.tensor_shapes().items()}


def _output_shape(o: Options, before: Shape) -> Shape:
    for layer in o["inside"]:
        before = layer.output_shape(before)
    return before


def _operations(o: Options, before: Shape, behind: Shape) -> float:
    total = 0.0
    for path in _paths(o):
        shape = before
        for layer in path:
            entered, shape = shape, layer.output_shape(shape)
            total += layer.record.operations(layer.options, entered, shape)
    return total


def _residual(o: Options, before: Shape) -> nn.Module:
    from .modules import Residual

    return Residual(*([(layer.name, m) for layer, m in _modules(path, before)] for path in _paths(o)))


def _modules(layers: Sequence[Inner], shape: Shape) -> list[tuple[Inner, nn.Module]]:
    found = []
    for layer in layers:
        assert layer.record.module is not None
        found.append((layer, layer.record.module(layer.options, shape)))
        shape = layer.output_shape(shape)
    return found


def _residual_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    inside = beside = x
    for layer in _paths(o)[0]:
        inside = layer.run_stacked(tensors, inside, here.inside(layer.name))
    for layer in _paths(o)[1]:
        beside = layer.run_stacked(tensors, beside, here.inside(layer.name))
    return inside + beside


RESIDUAL = LayerKind(
    name="residual",
    summary="Layers, to whose answer that of others is added, or what entered them where there are none.",
    example=(
        {
            "inside": (
                Inner(LINEAR, "net.first", {"n_in": 6, "n_out": 4}),
                Inner(RELU, "net.second"),
                Inner(LINEAR, "net.third", {"n_in": 4, "n_out": 6}),
            ),
            "beside": (Inner(LINEAR, "side", {"n_in": 6, "n_out": 6}),),
        },
        (6,),
    ),
    shapes=_shapes,
    output_shape=_output_shape,
    operations=_operations,
    module=_residual,
    stacked=_residual_stacked,
)
RESIDUALS = (RESIDUAL,)
