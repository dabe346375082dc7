"""A network as a declared record: layers, and which are stem, body and head. No weights inside."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from ...showing import html_rows, html_table, one_line
from ..layers.layer import Layer

PARTS = ("stem", "body", "head")
_MOST_TENSORS = 60


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
        owners: dict[str, str] = {}
        owner = ""
        for layer in self.layers:
            owner = owner if layer.record.norm else layer.name or owner
            owners |= dict.fromkeys(layer.tensor_shapes(), owner)
        return owners

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
            before, shape = shape, layer.output_shape(shape)
            total += layer.record.operations(layer.options, before, shape)
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
        facts = {"network": self.name, "input": " x ".join(map(str, self.input_shape))}
        facts |= {part: f"{n} parameters" for part, n in sizes.items()}
        tensors = [
            (name, self.tensor_parts[name], " x ".join(map(str, shape)), int(np.prod(shape)))
            for name, shape in list(self.tensor_shapes.items())[:_MOST_TENSORS]
        ]
        return html_table(facts) + html_rows(("tensor", "part", "shape", "parameters"), tensors)
