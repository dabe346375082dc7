"""Terms that an arm adds to its loss: one function for both engines.

A penalty is a function ``(context, *, parameters) -> Tensor, shape (n_models,)``. Every tensor of the context
has a leading model axis; the loop engine passes one model, the stacked engine all models that share a penalty.
Models must not mix: element i of the result depends on model i alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import torch

from ..catalog import Catalog, Entry


@dataclass(frozen=True, eq=False)
class Context:
    """What a penalty may look at in one update; gradients flow through ``features``, ``logits``, ``tensors``.

    Parameters
    ----------
    x : Tensor, shape (n_models, n_windows, *input_shape)
        The batch.
    y : Tensor, shape (n_models, n_windows), int64
        Its labels.
    features : Tensor, shape (n_models, n_windows, n_features)
        What enters the head.
    logits : Tensor, shape (n_models, n_windows, n_outputs)
        What leaves it.
    tensors : mapping of str to Tensor, shape (n_models, *shape)
        The weights being trained (low-rank ones merged).
    reference : mapping of str to Tensor, shape (n_models, *shape)
        The penalty's own arrays (``Penalty.tensors``); they never train.
    reference_outputs : callable
        Returns features and logits of ``x`` under ``Penalty.network`` with the reference tensors, without
        gradient: shapes (n_models, n_windows, n_features) and (n_models, n_windows, its n_outputs).
    progress : float
        Share of the updates that are done, from 0 to below 1.
    """

    x: torch.Tensor
    y: torch.Tensor
    features: torch.Tensor
    logits: torch.Tensor
    tensors: Mapping[str, torch.Tensor]
    reference: Mapping[str, torch.Tensor]
    reference_outputs: Callable[[], tuple[torch.Tensor, torch.Tensor]]
    progress: float


def bss(context: Context, *, weight: float = 1e-3, k: int = 1) -> torch.Tensor:
    """Shrink the smallest singular values of the batch of features, the directions that transfer badly.

    Parameters
    ----------
    context : Context
        The update.
    weight : float
        Of the term.
    k : int
        How many singular values.

    Notes
    -----
    Source: Chen et al. 2019, "Catastrophic Forgetting Meets Negative Transfer", NeurIPS 32, equation 5.
    """
    values = torch.linalg.svdvals(context.features)
    return weight * values[:, -k:].square().sum(dim=1)


PENALTIES = Catalog(
    "penalty",
    [
        Entry(
            "bss",
            "Batch spectral shrinkage: the smallest singular values of the features.",
            bss,
            "Chen et al. 2019, NeurIPS 32, equation 5",
        ),
    ],
)
