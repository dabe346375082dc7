"""Answers about the tested person's windows that stay when windows, or weights, change a little."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .critics import warming
from .views import changed

if TYPE_CHECKING:
    import torch

    from ..context import Context

_WEAK, _STRONG, _THIRD = 1, 2, 3


def pi_model(
    context: Context, *, strength: float = 1.0, noise: float = 0.1, hidden: float = 0.1, warm: float = 0.4
) -> torch.Tensor:
    """Let two changed views of a window of the tested person have the same answer.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the mean squared difference of the probabilities.
    noise : float, 0 or more
        Deviation of the noise of a view.
    hidden : float, 0 to 1
        Share of a view that is hidden.
    warm : float, 0 to 1
        Share of the updates during which the term rises from 0.

    Notes
    -----
    Source: Laine & Aila 2017, arXiv:1610.02242, algorithm 1.
    """
    first, second = (
        context.run_others(changed(context, noise, hidden, stream))[1].softmax(-1)
        for stream in (_WEAK, _STRONG)
    )
    return strength * warming(context.progress, warm) * (first - second).square().mean((1, 2))


def average_weights(context: Context, keep: float) -> dict[str, torch.Tensor]:
    """Return the running average of the weights, with this update's start in it.

    Notes
    -----
    Source: Tarvainen & Valpola 2017, arXiv:1703.01780, equation 2; as in their code it is the plain mean
    until that forgets less than ``keep`` does: weights drawn at random would stay in it for long.
    """
    now = {name: value.detach() for name, value in context.tensors.items()}
    before = context.memory.get("average")
    if before is None:
        context.memory["average"] = {name: value.clone() for name, value in now.items()}
        context.memory["averaged"] = 1
    else:
        context.memory["averaged"] += 1
        share = max(1.0 - keep, 1.0 / context.memory["averaged"])
        for name, value in before.items():
            value.lerp_(now[name], share)
    found: dict[str, torch.Tensor] = context.memory["average"]
    return found


def ask_average(context: Context, x: torch.Tensor, keep: float) -> torch.Tensor:
    """Return the logits that the averaged weights give, without gradient."""
    import torch

    assert context.run is not None
    average = average_weights(context, keep)
    with torch.no_grad():
        return context.run(average, x)[1]


def mean_teacher(
    context: Context,
    *,
    strength: float = 1.0,
    noise: float = 0.1,
    hidden: float = 0.1,
    keep: float = 0.99,
    warm: float = 0.4,
) -> torch.Tensor:
    """Let the answer about a window of the tested person be that of the averaged weights.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the mean squared difference of the probabilities.
    noise : float, 0 or more
        Deviation of the noise of a view.
    hidden : float, 0 to 1
        Share of a view that is hidden.
    keep : float, 0 to 1
        Share of the average that stays at every update.
    warm : float, 0 to 1
        Share of the updates during which the term rises from 0.

    Notes
    -----
    Source: Tarvainen & Valpola 2017, arXiv:1703.01780, equations 1 and 2.
    """  # fmt: skip
    said = ask_average(context, changed(context, noise, hidden, _STRONG), keep).softmax(-1)
    own = context.run_others(changed(context, noise, hidden, _WEAK))[1].softmax(-1)
    return strength * warming(context.progress, warm) * (own - said).square().mean((1, 2))


def self_ensemble(
    context: Context,
    *,
    strength: float = 3.0,
    noise: float = 0.1,
    hidden: float = 0.1,
    keep: float = 0.99,
    confidence: float = 0.8,
    balance: float = 0.005,
) -> torch.Tensor:
    """Let the answer be that of the averaged weights where these are sure, and no class be forgotten.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the mean squared difference of the probabilities.
    noise : float, 0 or more
        Deviation of the noise of a view.
    hidden : float, 0 to 1
        Share of a view that is hidden.
    keep : float, 0 to 1
        Share of the average that stays at every update.
    confidence : float, 0 to 1
        Probability that the averaged weights must give a class for the window to count.
    balance : float, 0 or more
        Weight of the cross-entropy between equal classes and the mean answer.

    Notes
    -----
    Source: French, Mackiewicz & Fisher 2018, arXiv:1706.05208, sections 3.2 to 3.4 (confidence thresholding
    and class balance); the paper's threshold is 0.968.
    """  # fmt: skip
    said = ask_average(context, changed(context, noise, hidden, _STRONG), keep).softmax(-1)
    own = context.run_others(changed(context, noise, hidden, _WEAK))[1].softmax(-1)
    sure = (said.max(-1).values >= confidence).to(own)
    apart = (sure * (own - said).square().mean(2)).mean(1)
    even = -own.mean(1).clamp_min(1e-6).log().mean(1)
    return strength * (apart + balance * even)


def fixmatch(
    context: Context,
    *,
    strength: float = 1.0,
    confidence: float = 0.9,
    noise: float = 0.1,
    hidden: float = 0.3,
) -> torch.Tensor:
    """Let a strongly changed view have the class that the network is sure of for a weakly changed one.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the cross-entropy.
    confidence : float, 0 to 1
        Probability that the weak view's class must reach.
    noise : float, 0 or more
        Deviation of the weak view's noise; the strong view's is three times as large.
    hidden : float, 0 to 1
        Share of the strong view that is hidden.

    Notes
    -----
    Source: Sohn et al. 2020, arXiv:2001.07685, equation 4.
    """
    _, sure, losses = _strong_against_weak(context, noise, hidden)
    return strength * ((sure >= confidence).to(losses) * losses).mean(1)


def flexmatch(
    context: Context,
    *,
    strength: float = 1.0,
    confidence: float = 0.9,
    noise: float = 0.1,
    hidden: float = 0.3,
) -> torch.Tensor:
    """Do as fixmatch, with a lower threshold for classes that are learned slowly.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the cross-entropy.
    confidence : float, 0 to 1
        Threshold of the class that is learned best.
    noise : float, 0 or more
        Deviation of the weak view's noise; the strong view's is three times as large.
    hidden : float, 0 to 1
        Share of the strong view that is hidden.

    Notes
    -----
    Source: Zhang et al. 2021, arXiv:2110.08263, equations 5 to 9: the threshold of a class is that share of
    ``confidence`` that the windows assigned to it make of the largest class, or of the windows of no class
    while these are more (the warm-up of equation 11), by the convex mapping x / (2 - x).
    """
    import torch

    said, sure, losses = _strong_against_weak(context, noise, hidden)
    assert context.others is not None
    n_models, n_classes = said.shape[0], context.logits.shape[-1]
    if "assigned" not in context.memory:
        shape = (n_models, context.others.n_pool)
        context.memory["assigned"] = torch.full(shape, n_classes, dtype=torch.int64, device=said.device)
    assigned = context.memory["assigned"]
    counts = torch.zeros(n_models, n_classes + 1, dtype=losses.dtype, device=said.device)
    counts.scatter_add_(1, assigned, torch.ones_like(assigned, dtype=losses.dtype))
    share = counts[:, :-1] / counts.max(1, keepdim=True).values
    threshold = confidence * (share / (2 - share)).gather(1, said)
    rows, picked = context.others.rows, sure >= confidence
    assigned.scatter_(1, rows, torch.where(picked, said, assigned.gather(1, rows)))
    return strength * ((sure >= threshold).to(losses) * losses).mean(1)


def _strong_against_weak(
    context: Context, noise: float, hidden: float
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return class and probability of the weak view, and the strong view's cross-entropy with that class."""
    import torch
    from torch.nn.functional import cross_entropy

    with torch.no_grad():
        weak = context.run_others(changed(context, noise, 0.0, _WEAK))[1].softmax(-1)
    sure, said = weak.max(-1)
    strong = context.run_others(changed(context, 3 * noise, hidden, _STRONG))[1]
    losses = cross_entropy(strong.flatten(0, 1), said.flatten(), reduction="none").view_as(sure)
    return said, sure, losses


def uda(
    context: Context,
    *,
    strength: float = 1.0,
    confidence: float = 0.5,
    temperature: float = 0.5,
    noise: float = 0.3,
    hidden: float = 0.3,
) -> torch.Tensor:
    """Let a changed view have the sharpened probabilities of the window itself, where they are sure.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the Kullback-Leibler divergence.
    confidence : float, 0 to 1
        Probability that the window's class must reach.
    temperature : float, above 0
        Divides the window's logits.
    noise : float, 0 or more
        Deviation of the view's noise.
    hidden : float, 0 to 1
        Share of the view that is hidden.

    Notes
    -----
    Source: Xie et al. 2020, arXiv:1904.12848, equation 1 and section 3.2 (masking and sharpening). TLlib
    divides the view's logits by the temperature, and averages over the sure windows alone.
    """  # fmt: skip
    import torch

    with torch.no_grad():
        logits = context.run_others()[1]
    wanted = (logits / temperature).softmax(-1)
    sure = (logits.softmax(-1).max(-1).values >= confidence).to(wanted)
    view = context.run_others(changed(context, noise, hidden, _THIRD))[1].log_softmax(-1)
    divergence = (wanted * (wanted.clamp_min(1e-12).log() - view)).sum(-1)
    return strength * (sure * divergence).mean(1)
