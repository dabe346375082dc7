"""The tensors of a torch module by their names in the record: read, written, and kept still."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping

import numpy as np
import torch
from torch import nn

from ...errors import BiotransferError
from ..weights import is_statistic


def module_tensors(module: nn.Module) -> dict[str, torch.Tensor]:
    """Return what a module learns: its parameters, and the running statistics of its norms."""
    statistics = {name: b for name, b in module.named_buffers() if is_statistic(name)}
    return dict(module.named_parameters()) | statistics


def load_tensors(module: nn.Module, tensors: Mapping[str, np.ndarray]) -> None:
    """Copy ``tensors`` into the module.

    Raises
    ------
    BiotransferError
        Unless every name and every shape fits.
    """
    with torch.no_grad():
        state = module_tensors(module)
        if set(state) != set(tensors):
            raise BiotransferError(
                f"tensors {sorted(set(tensors) ^ set(state))} are on one side only. "
                "Build the network that the weights' card names."
            )
        for name, tensor in state.items():
            given = tuple(np.shape(tensors[name]))
            if given != tuple(tensor.shape):
                raise BiotransferError(
                    f"tensor {name!r} has shape {given}, the network's has {tuple(tensor.shape)}. "
                    "Build the network that the weights' card names."
                )
            tensor.copy_(torch.tensor(tensors[name], dtype=tensor.dtype))


def set_training(module: nn.Module, still: Collection[str]) -> None:
    """Put the module into training mode, except what is ``still``.

    Parameters
    ----------
    module : nn.Module
        What is trained.
    still : collection of str
        Names of the tensors that do not move. A norm in training mode moves its statistics even when no
        optimiser touches it; here it stays in evaluation mode. So does every block within the module of which
        nothing trains, its dropout included: what is frozen gives the same for the same windows.
    """
    module.train()
    inert = inert_blocks(module_tensors(module), still)
    for name, part in module.named_modules():
        if f"{name}.running_mean" in still or name in inert:
            part.eval()


def inert_blocks(learned: Collection[str], still: Collection[str]) -> set[str]:
    """Return the blocks within a module of which nothing trains, of those that hold a tensor."""
    return _blocks(learned) - _blocks(name for name in learned if name not in still)


def _blocks(names: Iterable[str]) -> set[str]:
    """Return the blocks that hold some tensors, the whole module left out."""
    parts = [name.split(".") for name in names]
    return {".".join(path[:i]) for path in parts for i in range(1, len(path))}
