"""What a forward pass of many models asks of their layers: who is in training, what is dropped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch


class Pass:
    """A forward pass in which nothing trains: norms go by running statistics, and nothing is dropped."""

    def training(self, name: str) -> tuple[bool, ...]:
        """Return for every model whether the layer of a name is in training; () where none is."""
        return ()

    def kept(self, name: str, share: float, like: torch.Tensor) -> torch.Tensor:
        """Return factors of the shape of ``like``: 0 with probability ``share``, else 1 / (1 - share).

        Parameters
        ----------
        name : str
            Of a layer that some model has in training; the others' factors are 1.
        share : float
            Of the values that are dropped.
        like : Tensor, shape (n_models, n_windows, ...)
            What is dropped from.
        """
        raise NotImplementedError


@dataclass(frozen=True)
class Here:
    """Where in a forward pass a layer is run.

    Parameters
    ----------
    now : Pass
        The forward pass.
    name : str
        Of the layer.
    """

    now: Pass
    name: str

    @property
    def training(self) -> tuple[bool, ...]:
        """For every model whether the layer is in training; () where none is."""
        return self.now.training(self.name)

    def inside(self, name: str) -> Here:
        """Return the place of a layer within this one."""
        return Here(self.now, f"{self.name}.{name}")

    def drop(self, x: torch.Tensor, share: float) -> torch.Tensor:
        """Return ``x`` with a share of its values dropped, where a model's layer is in training."""
        if share <= 0 or not any(self.training):
            return x
        return x * self.now.kept(self.name, share, x)
