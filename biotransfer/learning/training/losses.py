"""Losses and distances of features, each for many models at once: a leading model axis on everything."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch.nn import functional

_BANDWIDTHS = (0.25, 0.5, 1.0, 2.0, 4.0)


def cross_entropy(logits: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Mean cross-entropy of each model, in nats.

    Parameters
    ----------
    logits : Tensor, shape (n_models, n_windows, n_classes)
        Scores.
    y : Tensor, shape (n_models, n_windows), int64
        Classes.

    Returns
    -------
    Tensor, shape (n_models,)
    """
    losses = functional.cross_entropy(logits.flatten(0, 1), y.flatten(), reduction="none")
    return losses.view_as(y).mean(dim=1)


def nt_xent(first: torch.Tensor, second: torch.Tensor, temperature: float) -> torch.Tensor:
    """Pull two views of a window together and apart from every other window's.

    Parameters
    ----------
    first, second : Tensor, shape (n_models, n_windows, n_features)
        Projections of two views; row i of both is window i.
    temperature : float
        Divides the cosine similarities.

    Returns
    -------
    Tensor, shape (n_models,)

    Notes
    -----
    Source: Chen et al. 2020, arXiv:2002.05709, equation 1 (NT-Xent), averaged over all 2n views.
    """
    n = first.shape[1]
    z = functional.normalize(torch.cat([first, second], dim=1), dim=-1)
    similarity = z @ z.transpose(1, 2) / temperature
    itself = torch.eye(2 * n, dtype=torch.bool, device=z.device)
    similarity = similarity.masked_fill(itself, float("-inf"))
    partner = torch.arange(2 * n, device=z.device).roll(n)
    return cross_entropy(similarity, partner.expand(len(z), -1))


def coral_distance(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Squared Frobenius distance of two covariances over 4 d^2.

    Parameters
    ----------
    first, second : Tensor, shape (n_models, n_windows, d)
        Features of two people.

    Returns
    -------
    Tensor, shape (n_models,)

    Notes
    -----
    Source: Sun & Saenko 2016, arXiv:1607.01719, equation 1.
    """
    covariances = []
    for x in (first, second):
        centered = x - x.mean(dim=1, keepdim=True)
        covariances.append(centered.transpose(1, 2) @ centered / (x.shape[1] - 1))
    return (covariances[0] - covariances[1]).square().sum(dim=(1, 2)) / (4 * first.shape[-1] ** 2)


def mmd_distance(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Squared maximum mean discrepancy under a mean of five Gaussian kernels.

    Parameters
    ----------
    first, second : Tensor, shape (n_models, n_windows, d)
        Features of two people.

    Returns
    -------
    Tensor, shape (n_models,)

    Notes
    -----
    Source: Gretton et al. 2012, JMLR 13:723, equation 5 (biased), with several kernels after Long et al.
    2015, arXiv:1502.02791. Bandwidths are 1/4, 1/2, 1, 2 and 4 times the median squared distance of the
    pooled windows, held fixed in the gradient. skada's ``dan_loss`` takes distances where this takes squares.
    """
    return _discrepancy(_kernel(first, second), first.shape[1])


def _kernel(first: torch.Tensor, second: torch.Tensor) -> torch.Tensor:
    """Return the mean of five Gaussian kernels of the pooled windows, shape (n_models, 2 n, 2 n)."""
    z = torch.cat([first, second], dim=1)
    squared = (z.unsqueeze(2) - z.unsqueeze(1)).square().sum(-1)
    apart = torch.triu_indices(z.shape[1], z.shape[1], 1, device=z.device)
    median = squared.detach()[:, apart[0], apart[1]].median(dim=1).values.clamp_min(1e-12)
    scaled = squared / median[:, None, None]
    return torch.stack([torch.exp(-scaled / width) for width in _BANDWIDTHS]).mean(0)


def _discrepancy(kernel: torch.Tensor, n: int) -> torch.Tensor:
    within = kernel[:, :n, :n].mean((1, 2)) + kernel[:, n:, n:].mean((1, 2))
    return within - 2 * kernel[:, :n, n:].mean((1, 2))


def joint_mmd_distance(pairs: Sequence[tuple[torch.Tensor, torch.Tensor]]) -> torch.Tensor:
    """Squared maximum mean discrepancy under the product of the kernels of several layers.

    Parameters
    ----------
    pairs : sequence of (Tensor, Tensor), shape (n_models, n_windows, d)
        Of every layer, what it makes of two groups of windows.

    Returns
    -------
    Tensor, shape (n_models,)

    Notes
    -----
    Source: Long et al. 2017, arXiv:1605.06636, equation 6 (biased); the kernels are those of
    :func:`mmd_distance`.
    """
    kernel = torch.stack([_kernel(*pair) for pair in pairs]).prod(0)
    return _discrepancy(kernel, pairs[0][0].shape[1])


class _Reversal(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, strength):
        ctx.strength = strength
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -ctx.strength * gradient, None


def reverse_gradient(x: torch.Tensor, strength: float) -> torch.Tensor:
    """Return ``x`` as it is; its gradient is multiplied by ``-strength``.

    Notes
    -----
    Source: Ganin et al. 2016, arXiv:1505.07818, section 4.2.
    """
    return _Reversal.apply(x, strength)
