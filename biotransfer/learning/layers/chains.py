"""Filters over time twice, norms by batches and sums over channels, as one matrix for each filter.

Nothing between them bends: what the second filters give is a matrix times a window, and its mean and variance
follow from the moments of the windows. Sums over channels come first, and few maps are filtered instead of
all.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable


class ChainNorm(NamedTuple):
    """A norm of a chain.

    Parameters
    ----------
    tensors : mapping of str to Tensor, shape (n_models, n_filters)
        Scale ``weight``, shift ``bias``, and running statistics, which move for models in training.
    training : tuple of bool
        Which models are; () for none.
    eps, momentum : float
        Its options.
    """

    tensors: Mapping[str, torch.Tensor]
    training: tuple[bool, ...]
    eps: float
    momentum: float

    def factors(self, found: tuple[torch.Tensor, torch.Tensor], n: int) -> tuple[torch.Tensor, torch.Tensor]:
        """Return scale and shift by mean and variance of ``n`` values."""
        center, spread = self.tensors["running_mean"].clone(), self.tensors["running_var"].clone()
        if any(self.training):
            moving = torch.tensor(self.training).unsqueeze(1)
            with torch.no_grad():
                share = self.momentum * moving.to(center)
                self.tensors["running_mean"].lerp_(found[0].detach(), share)
                self.tensors["running_var"].lerp_(found[1].detach() * (n / max(n - 1, 1)), share)
            center, spread = torch.where(moving, found[0], center), torch.where(moving, found[1], spread)
        scale = self.tensors["weight"] * torch.rsqrt(spread + self.eps)
        return scale, self.tensors["bias"] - center * scale


class Windows(NamedTuple):
    """Windows of every model with their moments.

    Parameters
    ----------
    rows : Tensor, shape (n_models, n_chans, n_windows, n_times)
        The windows.
    mean : Tensor, shape (n_models, n_times)
        Over channels and windows.
    products : Tensor, shape (n_models, n_times, n_times)
        Means of products of deviations.
    """

    rows: torch.Tensor
    mean: torch.Tensor
    products: torch.Tensor

    def behind(
        self, matrices: torch.Tensor, constants: torch.Tensor | None = None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of what matrices, (n_models, n, n_behind, n_times), and constants give."""
        middle = torch.matmul(matrices, self.mean[:, None, :, None]).squeeze(-1)
        middle = middle if constants is None else middle + constants
        center = middle.mean(dim=-1)
        n_models, n, n_behind, n_times = matrices.shape
        flat = matrices.view(n_models, n * n_behind, n_times)
        within = (torch.bmm(flat, self.products) * flat).view(n_models, n, -1).sum(dim=-1) / n_behind
        return center, within + (middle - center.unsqueeze(-1)).square().mean(dim=-1)


@torch.no_grad()
def windows_of(rows: torch.Tensor) -> Windows:
    """Return windows, shape (n_models, n_chans, n_windows, n_times), with their moments."""
    flat = rows.flatten(1, 2)
    mean = flat.mean(dim=1)
    deviations = flat - mean.unsqueeze(1)
    return Windows(rows, mean, torch.bmm(deviations.transpose(1, 2), deviations) / flat.shape[1])


class Bands(torch.autograd.Function):
    """Rows of a band, (..., n_rows, width), as the matrix, in which row ``t`` begins at ``t`` - before."""

    @staticmethod
    def forward(ctx: Any, rows: torch.Tensor, before: int, n_columns: int) -> torch.Tensor:
        """Lay out."""
        ctx.inner, ctx.width = slice(before, before + n_columns), rows.shape[-1]
        whole = rows.new_zeros((*rows.shape[:-1], max(rows.shape[-2] + ctx.width, before + n_columns)))
        _band(whole, ctx.width).copy_(rows)
        ctx.whole = whole.shape[-1]
        return whole[..., ctx.inner].contiguous()

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the band of a gradient."""
        whole = gradient.new_zeros((*gradient.shape[:-1], ctx.whole))
        whole[..., ctx.inner] = gradient
        return _band(whole, ctx.width).clone(), None, None


def _band(whole: torch.Tensor, width: int) -> torch.Tensor:
    *above, n_rows, row = whole.shape
    return whole.as_strided((*above, n_rows, width), (*whole.stride()[:-2], row + 1, 1))


def run_chain(
    rows: torch.Tensor,
    first: torch.Tensor,
    norm: ChainNorm,
    second: torch.Tensor,
    norm_behind: ChainNorm,
    space: torch.Tensor,
    padding: tuple[tuple[int, int], tuple[int, int]],
) -> torch.Tensor:
    """Run a chain of many models.

    Parameters
    ----------
    rows : Tensor, shape (n_models, n_chans, n_windows, n_times)
        Windows.
    first : Tensor, shape (n_models, n_filters, kernel)
        Filters over time.
    norm : ChainNorm
        Of what they give.
    second : Tensor, shape (n_models, n_maps, n_filters, kernel)
        Filters over time of that.
    norm_behind : ChainNorm
        Of what these give.
    space : Tensor, shape (n_models, n_maps, n_sums, n_chans)
        Weights of sums over the channels.
    padding : tuple of (int, int)
        Zeros before and behind a window, for either filters.

    Returns
    -------
    Tensor, shape (n_models, n_maps, n_sums, n_windows, n_times_behind)
    """
    windows, n_times = windows_of(rows), rows.shape[-1]
    kernels = first.shape[-1], second.shape[-1]
    between = n_times + sum(padding[0]) - kernels[0] + 1
    behind = between + sum(padding[1]) - kernels[1] + 1
    n_rows = rows.shape[1] * rows.shape[2]
    alone = Bands.apply(first.unsqueeze(2).expand(-1, -1, between, -1), padding[0][0], n_times)
    scale, shift = norm.factors(windows.behind(alone), n_rows * between)

    # Both filters as one, for each place of the second on its own: it sees nothing beyond the times between.
    pairs = torch.matmul(second.transpose(2, 3), (first * scale.unsqueeze(-1)).unsqueeze(1))
    skewed = _skewed(pairs)
    sums = torch.nn.functional.pad(skewed.cumsum(dim=2), (0, 0, 1, 0))
    at = torch.arange(behind)
    begin = (padding[1][0] - at).clamp(0, kernels[1])
    end = (padding[1][0] + between - at).clamp(0, kernels[1])
    bands = sums.index_select(2, end) - sums.index_select(2, begin)
    matrices = Bands.apply(bands, padding[0][0] + padding[1][0], n_times)
    weights = torch.nn.functional.pad(second.cumsum(dim=3), (1, 0))
    constants = (
        (weights.index_select(3, end) - weights.index_select(3, begin))
        .mul(shift[:, None, :, None])
        .sum(dim=2)
    )
    scale, shift = norm_behind.factors(windows.behind(matrices, constants), n_rows * behind)

    n_models, n_maps, n_sums, _ = space.shape
    summed = torch.bmm(space.flatten(1, 2), rows.flatten(2))
    summed = summed.view(n_models * n_maps, -1, n_times)
    scaled = (matrices * scale[..., None, None]).flatten(0, 1)
    found = torch.bmm(summed, scaled.transpose(1, 2)).view(n_models, n_maps, n_sums, -1, behind)
    level = constants * scale.unsqueeze(-1) + shift.unsqueeze(-1)
    return found + (space.sum(dim=3).unsqueeze(-1) * level.unsqueeze(2)).unsqueeze(3)


def _skewed(pairs: torch.Tensor) -> torch.Tensor:
    """Return (..., n, m) as (..., n, n + m - 1), row ``j`` moved by ``j``."""
    *above, n, m = pairs.shape
    return (
        torch.nn.functional.pad(pairs, (0, n)).flatten(-2)[..., : n * (n + m - 1)].view(*above, n, n + m - 1)
    )
