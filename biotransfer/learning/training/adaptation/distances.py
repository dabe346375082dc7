"""Features that are distributed alike in the training people and the tested one."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

    from ..context import Context


def deep_coral(context: Context, *, strength: float = 1.0) -> torch.Tensor:
    """Give the features of the tested person's windows the covariance of the training windows'.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the squared distance of the covariances over 4 d^2.

    Notes
    -----
    Source: Sun & Saenko 2016, arXiv:1607.01719, equations 1 and 6.
    """
    from ..losses import coral_distance

    return strength * coral_distance(context.features, context.run_others()[0])


def dan(context: Context, *, strength: float = 1.0) -> torch.Tensor:
    """Give the features of the tested person's windows the distribution of the training windows'.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the squared maximum mean discrepancy under five Gaussian kernels.

    Notes
    -----
    Source: Long et al. 2015, arXiv:1502.02791, equation 5; differs from it in that the one layer is what
    enters the head, the kernels have equal weights, and the estimate is the biased one.
    """
    from ..losses import mmd_distance

    return strength * mmd_distance(context.features, context.run_others()[0])


def jan(context: Context, *, strength: float = 1.0) -> torch.Tensor:
    """Give features and answers of the tested person's windows the joint distribution of the training's.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the squared joint maximum mean discrepancy.

    Notes
    -----
    Source: Long et al. 2017, arXiv:1605.06636, equation 6: the kernel is the product of those of the two
    layers, here of what enters the head and of the probabilities; the estimate is the biased one.
    """
    from ..losses import joint_mmd_distance

    features, logits = context.run_others()
    pairs = [(context.features, features), (context.logits.softmax(-1), logits.softmax(-1))]
    return strength * joint_mmd_distance(pairs)


def afn(context: Context, *, strength: float = 0.05, step: float = 1.0) -> torch.Tensor:
    """Let the norms of all features grow step by step: what transfers has large norms.

    Parameters
    ----------
    context : Context
        The update.
    strength : float, 0 or more
        Of the term.
    step : float, above 0
        By which a norm is to exceed what it is.

    Notes
    -----
    Source: Xu et al. 2019, arXiv:1811.07456, equation 6 (stepwise adaptive feature norm); its values are 0.05
    and 1.
    """
    terms = []
    for features in (context.features, context.run_others()[0]):
        norms = features.square().sum(-1).clamp_min(1e-12).sqrt()
        terms.append((norms - norms.detach() - step).square().mean(1))
    return strength * (terms[0] + terms[1])
