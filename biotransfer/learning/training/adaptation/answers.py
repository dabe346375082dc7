"""Answers about the tested person's windows that are made surer, debiased or told."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .consistency import average_weights
from .critics import apply_dense, rising
from .views import changed

if TYPE_CHECKING:
    import torch

    from ..context import Context

_TINY = 1e-6


def mcc(context: Context, *, strength: float = 1.0, temperature: float = 2.5) -> torch.Tensor:
    """Let the network confuse classes less on the tested person's windows.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the mean confusion of a class with the others.
    temperature : float, above 0
        Divides the logits.

    Notes
    -----
    Source: Jin et al. 2020, arXiv:1912.03699, equations 2 to 7; its temperature is 2.5. The weights of the
    windows pass no gradient, as in the authors' code.
    """
    import torch

    p = (context.run_others()[1] / temperature).softmax(-1)
    entropy = -(p * p.clamp_min(_TINY).log()).sum(-1).detach()
    weight = 1 + torch.exp(-entropy)
    weight = p.shape[1] * weight / weight.sum(1, keepdim=True)
    confusion = (p * weight.unsqueeze(2)).transpose(1, 2) @ p
    confusion = confusion / confusion.sum(2, keepdim=True)
    diagonal = confusion.diagonal(dim1=1, dim2=2).sum(1)
    return strength * (confusion.sum((1, 2)) - diagonal) / p.shape[2]


def dst(
    context: Context,
    *,
    strength: float = 1.0,
    confidence: float = 0.7,
    agreement: float = 2.0,
    noise: float = 0.1,
    hidden: float = 0.3,
) -> torch.Tensor:
    """Give pseudo labels to a head of their own, and avoid features on which they could be worst.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the pseudo labels' loss and, rising from 0, of the reversed gradient.
    confidence : float, 0 to 1
        Probability that a pseudo label must reach.
    agreement : float, above 0
        Weight of the worst head's loss on the training windows.
    noise : float, 0 or more
        Deviation of the weak view's noise; the strong view's is three times as large.
    hidden : float, 0 to 1
        Share of the strong view that is hidden.

    Notes
    -----
    Source: Chen et al. 2022, arXiv:2202.07136, equations 5 to 9, on FixMatch. Differs from TLlib's code in
    that the worst case is taken on the strong view's sure windows and on the labels, not on all windows of
    the weak view and the answers, and that both heads are one dense layer.
    """  # fmt: skip
    import torch

    from ..losses import cross_entropy, reverse_gradient

    with torch.no_grad():
        weak = context.run_others(changed(context, noise, 0.0, 1))[1].softmax(-1)
    sure, said = weak.max(-1)
    keep = (sure >= confidence).to(weak)
    features = context.run_others(changed(context, 3 * noise, hidden, 2))[0]
    pseudo = apply_dense(context.learned, "second", features).log_softmax(-1)
    taught = -(keep * pseudo.gather(2, said.unsqueeze(2)).squeeze(2)).mean(1)
    how = strength * rising(context.progress)
    ours = apply_dense(context.learned, "third", reverse_gradient(context.features, how))
    theirs = apply_dense(context.learned, "third", reverse_gradient(features, how)).softmax(-1)
    wrong = (1 - theirs.gather(2, said.unsqueeze(2)).squeeze(2)).clamp_min(_TINY).log()
    worst = agreement * cross_entropy(ours, context.y) - (keep * wrong).mean(1)
    return strength * taught + worst


def _contrast(
    query: torch.Tensor, keys: torch.Tensor, same: torch.Tensor, temperature: float
) -> torch.Tensor:
    """Pull queries to the keys of their class: mean over queries of the mean log share of these keys."""
    similarity = (query @ keys.transpose(1, 2) / temperature).log_softmax(-1)
    counts = same.sum(2)
    each = -(same * similarity).sum(2) / counts.clamp_min(1)
    counted = (counts > 0).to(each)
    return (each * counted).sum(1) / counted.sum(1).clamp_min(1)


def self_tuning(
    context: Context,
    *,
    strength: float = 1.0,
    temperature: float = 0.2,
    keep: float = 0.99,
    projection: int = 16,
) -> torch.Tensor:
    """Contrast every window with the group of windows of its class, or of what is said to be its class.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the pseudo group contrast.
    temperature : float, above 0
        Divides the cosine similarities.
    keep : float, 0 to 1
        Share of the averaged weights, which make the keys, that stays at every update.
    projection : int, 1 to 4096
        Units of the projection, which is thrown away.

    Notes
    -----
    Source: Wang et al. 2021, arXiv:2102.12903, equations 3 to 5. Differs from it in that the keys are those
    of the batch, made by averaged weights, in place of a queue; the pseudo label is that of the averaged
    weights.
    """
    import torch
    from torch.nn.functional import normalize

    assert context.others is not None
    assert context.run is not None
    average = average_weights(context, keep)
    with torch.no_grad():
        ours, (theirs, logits) = context.run(average, context.x)[0], context.run(average, context.others.x)
        both = torch.cat([ours, theirs], 1)
        keys = normalize(apply_dense(context.learned, "projection", both).detach(), dim=-1)
    features = torch.cat([context.features, context.run_others()[0]], 1)
    query = normalize(apply_dense(context.learned, "projection", features), dim=-1)
    groups = torch.cat([context.y, logits.argmax(-1)], 1)
    same = (groups.unsqueeze(2) == groups.unsqueeze(1)).to(query)
    return strength * _contrast(query, keys, same, temperature)


def bi_tuning(
    context: Context,
    *,
    strength: float = 1.0,
    temperature: float = 0.2,
    keep: float = 0.99,
    projection: int = 16,
) -> torch.Tensor:
    """Contrast training windows of one class, as seen and projected, with those of the others.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of both contrasts.
    temperature : float, above 0
        Divides the cosine similarities.
    keep : float, 0 to 1
        Share of the averaged weights, which make the keys, that stays at every update.
    projection : int, 1 to 4096
        Units of the projection, which is thrown away.

    Notes
    -----
    Source: Zhong et al. 2020, arXiv:2011.06182, equations 3 (contrast of a class's prototype with the
    windows) and 5 (categorical contrast of projections). Differs from it in that the keys are those of the
    batch, made by averaged weights, in place of a queue.
    """
    import torch
    from torch.nn.functional import normalize

    assert context.run is not None
    average = average_weights(context, keep)
    with torch.no_grad():
        seen = context.run(average, context.x)[0]
        keys = normalize(apply_dense(context.learned, "projection", seen).detach(), dim=-1)
    query = normalize(apply_dense(context.learned, "projection", context.features), dim=-1)
    same = (context.y.unsqueeze(2) == context.y.unsqueeze(1)).to(query)
    categorical = _contrast(query, keys, same, temperature)
    classes = torch.arange(context.logits.shape[-1], device=context.y.device)
    of_class = (classes.view(1, -1, 1) == context.y.unsqueeze(1)).to(query)
    prototypes = normalize(context.learned["prototypes"], dim=-1)
    instances = normalize(context.features, dim=-1)
    return strength * (categorical + _contrast(prototypes, instances, of_class, temperature))


def labelled_others(context: Context) -> torch.Tensor:
    """Learn from the tested person's windows with their labels, as from any other.

    Parameters
    ----------
    context : Context
        The update, with the labels of the further windows.
    """
    from ..losses import cross_entropy

    assert context.others is not None
    assert context.others.y is not None
    return cross_entropy(context.run_others()[1], context.others.y)
