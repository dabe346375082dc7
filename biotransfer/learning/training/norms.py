"""Norms that mix statistics of the batch with those they were given: StochNorm."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn
from torch.nn import functional

from ...errors import check


def make_stochastic(module: nn.Module, share: float) -> None:
    """Let every norm with running statistics use them for random channels while it trains.

    Parameters
    ----------
    module : nn.Module
        Changed in place.
    share : float
        Probability of each channel, drawn anew in every update.

    Raises
    ------
    BiotransferError
        When no norm has running statistics.

    Notes
    -----
    Source: Kou et al. 2020, "Stochastic Normalization", NeurIPS 33, equations 4 to 6 and algorithm 1: the
    running statistics are updated by the batch, then take the place of the batch's own with probability
    ``share``. What is drawn depends on the update's seed and leaves the draws of other layers as they are.
    """
    norms = [part for part in module.modules() if isinstance(part, nn.modules.batchnorm._BatchNorm)]
    check(
        norms,
        "arm stoch_norm needs norms with running statistics, and this network has none. "
        "Use a network such as EEGNet.",
    )
    for position, norm in enumerate(norms):
        norm.forward = partial(_mixed, norm, share, position)  # type: ignore[method-assign]


def _mixed(
    norm: nn.modules.batchnorm._BatchNorm, share: float, position: int, x: torch.Tensor
) -> torch.Tensor:
    batch = type(norm).forward(norm, x)
    if not norm.training or norm.running_mean is None:
        return batch
    moving = functional.batch_norm(
        x, norm.running_mean, norm.running_var, norm.weight, norm.bias, training=False, eps=norm.eps
    )
    draw = torch.Generator().manual_seed(torch.initial_seed() + 1 + position)
    picked = (torch.rand(norm.num_features, generator=draw) < share).to(x.device)
    return torch.where(picked.reshape(1, -1, *[1] * (x.ndim - 2)), moving, batch)
