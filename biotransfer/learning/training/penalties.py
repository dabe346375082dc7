"""Terms that an arm adds to its loss: one function for both engines.

A penalty is a function ``(context, *, parameters) -> Tensor, shape (n_models,)``. Every tensor of the context
has a leading model axis; the loop engine passes one model, the stacked engine all that share a penalty.
Models must not mix: element i of the result depends on model i alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...catalog import Catalog, Entry

if TYPE_CHECKING:
    import torch


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


def bss(context: Context, *, strength: float = 1e-3, k: int = 1) -> torch.Tensor:
    """Shrink the smallest singular values of the batch of features, the directions that transfer badly.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the term.
    k : int, 1 to 100000
        How many singular values.

    Notes
    -----
    Source: Chen et al. 2019, "Catastrophic Forgetting Meets Negative Transfer", NeurIPS 32, equation 5.
    """
    import torch

    values = torch.linalg.svdvals(context.features)
    return strength * values[:, -k:].square().sum(dim=1)


def delta(context: Context, *, strength: float = 1.0) -> torch.Tensor:
    """Keep the features near those of the reference network, unit by unit.

    Parameters
    ----------
    context : Context
        The update; its reference holds ``attention``, shape (n_models, n_features).
    strength : float, 0 or more
        Of the term.

    Notes
    -----
    Source: Li et al. 2019, arXiv:1901.09229, equation 5; differs from it in that the one feature map is what
    enters the head.
    """
    theirs, _ = context.reference_outputs()
    distance = (context.features - theirs).square() * context.reference["attention"].unsqueeze(1)
    return strength * distance.sum(dim=2).mean(dim=1)


def lwf(context: Context, *, strength: float = 1.0, temperature: float = 2.0) -> torch.Tensor:
    """Keep the answers of the reference's head: distil what the reference network says of the batch.

    Parameters
    ----------
    context : Context
        The update; its reference holds ``head_weight`` and ``head_bias`` of the reference network's head.
    strength : float, 0 or more
        Of the term.
    temperature : float, above 0
        Divides both sides' logits.

    Notes
    -----
    Source: Li & Hoiem 2016, arXiv:1606.09282, equations 2 to 4; differs from it in that the head stays still.
    """
    _, theirs = context.reference_outputs()
    target = (theirs / temperature).softmax(dim=2)
    ours = (_reference_head(context) / temperature).log_softmax(dim=2)
    return -strength * (target * ours).sum(dim=2).mean(dim=1)


def co_tuning(context: Context, *, strength: float = 1.0) -> torch.Tensor:
    """Let the reference's head answer with the mix of source classes that each label stands for.

    Parameters
    ----------
    context : Context
        The update; its reference holds ``head_weight`` and ``head_bias`` of the reference network's head, and
        ``relationship``, shape (n_models, n_outputs, n_source_outputs), whose rows sum to 1.
    strength : float, 0 or more
        Of the term.

    Notes
    -----
    Source: You et al. 2020, "Co-tuning for transfer learning", NeurIPS 33, equation 3; differs from it in
    that the head stays still.
    """
    relationship = context.reference["relationship"]
    index = context.y.unsqueeze(2).expand(-1, -1, relationship.shape[2])
    target = relationship.gather(1, index)
    ours = _reference_head(context).log_softmax(dim=2)
    return -strength * (target * ours).sum(dim=2).mean(dim=1)


def _reference_head(context: Context) -> torch.Tensor:
    """Logits of the reference's head, one dense layer, on the features being trained."""
    weight, bias = context.reference["head_weight"], context.reference["head_bias"]
    return bias.unsqueeze(1).baddbmm(context.features, weight.transpose(1, 2))


PENALTIES = Catalog(
    "penalty",
    [
        Entry("bss", "The smallest singular values of the features.", bss,
              "Chen et al. 2019, NeurIPS 32, equation 5"),
        Entry("delta", "The distance of the features from the source network's.", delta,
              "Li et al. 2019, arXiv:1901.09229"),
        Entry("lwf", "The source's answers, distilled.", lwf, "Li & Hoiem 2016, arXiv:1606.09282"),
        Entry("co_tuning", "The source's head against the category relationship.", co_tuning,
              "You et al. 2020, NeurIPS 33"),
    ],
    word="penalties",
)  # fmt: skip
