"""A kind of layer with its options and the name of its tensors."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from .kind import LayerKind, Shape

if TYPE_CHECKING:
    import torch

    from .passing import Here


class Bound:
    """What follows from a kind, a name and options."""

    name: str
    options: Mapping[str, Any]

    @property
    def record(self) -> LayerKind:
        """All that is known of its kind."""
        raise NotImplementedError

    @cached_property
    def tensor_names(self) -> dict[str, str]:
        """Full name of each tensor by its name in the record."""
        prefix = f"{self.name}." if self.record.prefixed else ""
        return {key: prefix + key for key in self._shapes}

    @cached_property
    def _shapes(self) -> dict[str, Shape]:
        return self.record.shapes(self.options)

    def tensor_shapes(self) -> dict[str, Shape]:
        """Shape of each tensor of this layer by full name."""
        return {self.tensor_names[key]: shape for key, shape in self._shapes.items()}

    def output_shape(self, before: Shape) -> Shape:
        """Shape of one window behind the layer."""
        return self.record.output_shape(self.options, before)

    def run_stacked(self, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here) -> torch.Tensor:
        """Run the layer of many models at once.

        Parameters
        ----------
        tensors : mapping of str to Tensor, shape (n_models, ...)
            By full name; a library's filters may have further axes of one.
        x : Tensor, shape (n_models, n_windows, ...)
            What enters.
        here : Here
            Its place in the forward pass.
        """
        assert self.record.stacked is not None
        return self.record.stacked(self.options, self.take(tensors), x, here)

    def take(self, tensors: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
        """Return the tensors of many models by their names in the record, in its shapes."""
        found = {key: tensors[name] for key, name in self.tensor_names.items()}
        return {key: found[key].reshape(-1, *shape) for key, shape in self._shapes.items()}


@dataclass(frozen=True)
class Inner(Bound):
    """A layer within another one.

    Parameters
    ----------
    kind : LayerKind
        What it computes.
    name : str
        Prefix of its tensors within the layer around it.
    options : mapping
        As its kind needs.
    """

    kind: LayerKind
    name: str = ""
    options: Mapping[str, Any] = field(default_factory=dict)

    @property
    def record(self) -> LayerKind:
        """All that is known of its kind."""
        return self.kind
