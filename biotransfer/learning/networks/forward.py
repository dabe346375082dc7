"""What a network computes on given windows; nothing is trained."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from ...errors import BiotransferError
from ..predictions import softmax
from .network import Network

if TYPE_CHECKING:
    import torch

BATCH = 1024


@dataclass(frozen=True, eq=False)
class Activations:
    """What a network gives, and what goes into and out of its layers.

    Parameters
    ----------
    logits : ndarray, shape (n_windows, n_outputs)
        What the head gives.
    entered : ndarray, shape (n_windows, n_units), or None
        What the head sees; None where it is loose tensors of a library's model.
    inputs, outputs : dict of str to ndarray, shape (n_windows, ...)
        Of the layers that were asked for, by name: what enters a layer, and what leaves it before what
        follows (norm, ReLU).
    """

    logits: np.ndarray
    entered: np.ndarray | None
    inputs: Mapping[str, np.ndarray]
    outputs: Mapping[str, np.ndarray]

    @property
    def features(self) -> np.ndarray:
        """What the head sees, shape (n_windows, n_units)."""
        if self.entered is None:
            raise BiotransferError(
                "the head of this network is loose tensors, so what enters it cannot be seen. "
                "Use another network, such as EEGNet."
            )
        return self.entered

    @property
    def probabilities(self) -> np.ndarray:
        """Softmax of the logits, shape (n_windows, n_outputs)."""
        return softmax(self.logits)


def run_network(
    network: Network,
    tensors: Mapping[str, np.ndarray],
    X: np.ndarray,
    *,
    layers: Sequence[str] = (),
    dtype: str = "float32",
    batch: int = BATCH,
) -> Activations:
    """Compute ``network`` on ``X``.

    Parameters
    ----------
    network : Network
        The record.
    tensors : mapping of str to ndarray
        Its weights.
    X : ndarray, shape (n_windows, *network.input_shape)
        Windows.
    layers : sequence of str
        Names of the layers whose inputs and outputs are kept.
    dtype : {"float32", "float64"}
        Precision.
    batch : int
        Windows at a time.
    """
    import torch

    from .modules import first_of_head, load_module

    module = load_module(network, tensors, getattr(torch, dtype))
    features: list[np.ndarray] = []
    inputs: dict[str, list[np.ndarray]] = {name: [] for name in layers}
    outputs: dict[str, list[np.ndarray]] = {name: [] for name in layers}

    def keep(parts: list[np.ndarray], value: torch.Tensor) -> None:
        parts.append(value.numpy().copy())

    head = first_of_head(network, module)
    if head is not None:
        head.register_forward_pre_hook(lambda _, given: keep(features, given[0].flatten(1)))
    for name in layers:
        layer = module.get_submodule(name)
        layer.register_forward_pre_hook(lambda _, given, name=name: keep(inputs[name], given[0]))
        layer.register_forward_hook(lambda _, __, output, name=name: keep(outputs[name], output))

    def run(rows: slice) -> torch.Tensor:
        answer: torch.Tensor = module(torch.from_numpy(np.ascontiguousarray(X[rows], dtype=dtype)))
        return answer

    logits = in_batches(run, len(X), batch=batch)
    return Activations(
        logits,
        np.concatenate(features) if features else None,
        {name: np.concatenate(parts) for name, parts in inputs.items()},
        {name: np.concatenate(parts) for name, parts in outputs.items()},
    )


def in_batches(
    run: Callable[[slice], torch.Tensor], n_windows: int, *, axis: int = 0, batch: int = BATCH
) -> np.ndarray:
    """Return what ``run`` makes of all windows, some at a time and without gradients.

    Parameters
    ----------
    run : callable
        Takes a slice of the windows.
    n_windows : int
        How many there are.
    axis : int
        On which the windows lie in what ``run`` returns.
    batch : int
        Windows at a time.
    """
    import torch

    with torch.no_grad():
        parts = [
            run(slice(begin, begin + batch)).cpu().numpy() for begin in range(0, max(n_windows, 1), batch)
        ]
    return np.concatenate(parts, axis=axis)
