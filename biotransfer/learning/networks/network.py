"""A network as a declared record: layers, and which are stem, body and head. No weights inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...showing import html_table, one_line

PARTS = ("stem", "body", "head")


@dataclass(frozen=True)
class Layer:
    """One layer: what it computes, and the part it belongs to.

    Parameters
    ----------
    kind : str
        ``linear``, ``relu``, ``layer_norm``, ``group_norm``, ``conv1d``, ``conv2d``, ``max_pool``,
        ``mean_over_time``, ``image`` or ``flatten``; with channels kept apart ``channels_apart``,
        ``conv_time``, ``max_pool_time``, ``mean_over_channels`` or ``attend_channels``; ``spinal`` and
        ``last`` of a SpinalNet head; ``foreign`` for a layer of a library's model.
    part : {"stem", "body", "head"}
        Sees channels or features; carries over; sees classes.
    name : str
        Prefix of its tensors; "" for a layer without any.
    options : mapping
        ``n_in``, ``n_out``, ``kernel``, ``groups``, ... as the kind needs; ``shapes`` by tensor for a foreign
        layer.
    """

    kind: str
    part: str
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of each tensor of this layer by full name."""
        o = self.options
        if self.kind == "foreign":
            return dict(o["shapes"])
        if self.kind == "linear":
            shapes: dict[str, tuple[int, ...]] = {"weight": (o["n_out"], o["n_in"]), "bias": (o["n_out"],)}
        elif self.kind in ("conv1d", "conv2d"):
            kernel = (o["kernel"],) * (1 if self.kind == "conv1d" else 2)
            shapes = {"weight": (o["n_out"], o["n_in"], *kernel), "bias": (o["n_out"],)}
        elif self.kind == "conv_time":
            shapes = {"weight": (o["n_out"], o["n_in"], 1, o["kernel"]), "bias": (o["n_out"],)}
        elif self.kind == "attend_channels":
            shapes = {"weight": (o["n_out"], o["n_in"]), "bias": (o["n_out"],), "score": (1, o["n_out"])}
        elif self.kind == "spinal":
            shapes = {"weight": (o["n_out"], o["n_in"]), "bias": (o["n_out"],)}
            if o["norm"]:
                shapes |= {"norm.weight": (o["n_out"],), "norm.bias": (o["n_out"],)}
        elif self.kind in ("layer_norm", "group_norm"):
            shapes = {"weight": (o["n_out"],), "bias": (o["n_out"],)}
        else:
            shapes = {}
        return {f"{self.name}.{key}": shape for key, shape in shapes.items()}


@dataclass(frozen=True)
class Network:
    """How to build a network.

    Parameters
    ----------
    name : str
        Catalog name.
    layers : tuple of Layer
        In order of computation.
    input_shape : tuple of int
        Of one window: ``(n_features,)`` or ``(n_chans, n_times)``.
    n_outputs : int
        Number of classes.
    parameters : mapping
        What the recipe asked for.
    build : mapping, optional
        For a library's model: how the library builds it (``library``, ``model``, ``sfreq``, ``options``,
        ``channels``), its ``operations`` per window and what it said while it was built (``notes``). Its
        layers then declare tensors, not computations.
    """

    name: str
    layers: tuple[Layer, ...]
    input_shape: tuple[int, ...]
    n_outputs: int
    parameters: Mapping[str, Any] = field(default_factory=dict)
    build: Mapping[str, Any] | None = None

    @cached_property
    def tensor_shapes(self) -> dict[str, tuple[int, ...]]:
        """Shape of every tensor by name, in order."""
        return {k: s for layer in self.layers for k, s in layer.tensor_shapes().items()}

    @cached_property
    def tensor_parts(self) -> dict[str, str]:
        """Stem, body or head, for every tensor."""
        return {k: layer.part for layer in self.layers for k in layer.tensor_shapes()}

    @cached_property
    def tensor_layers(self) -> dict[str, str]:
        """Layer that every tensor stands and falls with; a norm belongs to the layer before it."""
        return {k: layer.name.removesuffix("_norm") for layer in self.layers for k in layer.tensor_shapes()}

    @property
    def n_parameters(self) -> int:
        """Number of values in all tensors."""
        return int(sum(np.prod(s) for s in self.tensor_shapes.values()))

    def operations(self, n_windows: int) -> float:
        """Multiply-adds times two of one forward pass over ``n_windows`` (dense and convolution layers)."""
        if self.build is not None:
            return float(self.build["operations"]) * n_windows
        total, shape = 0.0, tuple(self.input_shape)
        for layer in self.layers:
            o = layer.options
            if layer.kind == "attend_channels":
                total += 2.0 * (o["n_in"] + 1) * o["n_out"] * shape[-1]
            shape = _output_shape(layer, shape)
            if layer.kind in ("linear", "spinal"):
                total += 2.0 * o["n_in"] * o["n_out"]
            elif layer.kind in ("conv1d", "conv2d", "conv_time"):
                kernel = o["kernel"] ** (2 if layer.kind == "conv2d" else 1)
                total += 2.0 * o["n_in"] * kernel * float(np.prod(shape))
        return total * n_windows

    def describe(self) -> dict[str, Any]:
        """Plain record for a weights card."""
        record = {
            "name": self.name,
            "parameters": dict(self.parameters),
            "input_shape": list(self.input_shape),
            "n_outputs": self.n_outputs,
        }
        return record if self.build is None else record | {"build": dict(self.build)}

    def __repr__(self) -> str:
        shape = " x ".join(map(str, self.input_shape))
        return one_line(
            f"Network {self.name}: {shape} -> {self.n_outputs} classes, {self.n_parameters} parameters"
        )

    def _repr_html_(self) -> str:
        sizes = {
            part: sum(int(np.prod(s)) for k, s in self.tensor_shapes.items() if self.tensor_parts[k] == part)
            for part in PARTS
        }
        return html_table(
            {"network": self.name, "input": " x ".join(map(str, self.input_shape))}
            | {part: f"{n} parameters" for part, n in sizes.items()}
        )


def _output_shape(layer: Layer, shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of one window after ``layer``."""
    o = layer.options
    if layer.kind == "linear":
        return (o["n_out"],)
    if layer.kind == "image":
        return (1, o["side"], o["side"])
    if layer.kind in ("conv1d", "conv2d", "conv_time"):
        return (o["n_out"], *shape[1:])
    if layer.kind == "channels_apart":
        return (1, *shape)
    if layer.kind == "max_pool_time":
        return (*shape[:-1], shape[-1] // o["size"])
    if layer.kind in ("mean_over_channels", "attend_channels"):
        return shape[:-1]
    if layer.kind == "spinal":
        return (shape[0] + o["n_out"],)
    if layer.kind == "last":
        return (o["size"],)
    if layer.kind == "max_pool":
        return (shape[0], *(n // o["size"] for n in shape[1:]))
    if layer.kind == "mean_over_time":
        return shape[:-1]
    if layer.kind == "flatten":
        return (int(np.prod(shape)),)
    return shape


def output_shape(layers: tuple[Layer, ...] | list[Layer], input_shape: tuple[int, ...]) -> tuple[int, ...]:
    """Shape of one window after all ``layers``."""
    for layer in layers:
        input_shape = _output_shape(layer, input_shape)
    return input_shape
