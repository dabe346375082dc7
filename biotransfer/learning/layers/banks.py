"""Filters over time of every channel, their norm, ELU and sums over channels, in blocks of a CPU's cache.

A bank's maps are the widest values of a network: written out for all times of several models, they leave the
cache between any two operations. So all filters give some times of one model by one product, with the norm in
it: mean and variance of what filters give follow from the moments of the windows.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional

from .functions import elu_, elu_back

_VALUES, _FEWEST_TIMES = 1 << 17, 8
"""Of a block: a core's cache holds it twice, and what a product of fewer times spends on its edges."""


class BankFacts(NamedTuple):
    """What a bank is told beside its tensors.

    Parameters
    ----------
    padding : int
        Zeros at both ends of a window.
    eps, momentum : float
        Of the norm.
    training : tuple of bool
        Which models' norms go by the batch and move their running statistics; () for none.
    keeps : bool
        Whether there will be a way back.
    """

    padding: int
    eps: float
    momentum: float
    training: tuple[bool, ...]
    keeps: bool


class Bank(torch.autograd.Function):
    """Filters over time, a norm by batches, ELU, and sums over the channels for each filter."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        filters: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        space: torch.Tensor,
        mean: torch.Tensor,
        variance: torch.Tensor,
        facts: BankFacts,
    ) -> torch.Tensor:
        """Compute.

        Parameters
        ----------
        ctx : context
            Of torch.
        x : Tensor, shape (n_models, n_chans, n_windows, n_times)
            Windows; no gradient of them is computed.
        filters : Tensor, shape (n_models, n_filters, kernel)
            Over time.
        weight, bias, mean, variance : Tensor, shape (n_models, n_filters)
            Scale, shift and running statistics of the norm.
        space : Tensor, shape (n_models, n_filters, n_sums, n_chans)
            Weights of the sums.
        facts : BankFacts
            The rest.

        Returns
        -------
        Tensor, shape (n_models, n_times, n_filters, n_sums, n_windows)
        """
        n_models, n_chans, n_windows, _ = x.shape
        n_filters, n_sums = space.shape[1:3]
        times = Times(x.shape[-1], filters.shape[-1], facts.padding, n_filters * n_chans * n_windows)
        rows, n = x.flatten(1, 2), n_chans * n_windows * times.n_times
        moments = find_moments(rows, times) if any(facts.training) else None
        center, spread = mean.clone(), variance.clone()
        if moments is not None:
            moving = torch.tensor(facts.training)
            found = moments.behind(filters)
            center[moving], spread[moving] = found[0][moving], found[1][moving]
            share = facts.momentum * moving.to(x).unsqueeze(1)
            mean.lerp_(center, share)
            variance.lerp_(spread * (n / max(n - 1, 1)), share)
        rate = torch.rsqrt(spread + facts.eps)
        scale = weight * rate
        shift = times.each(bias - center * scale).unsqueeze(2)
        matrices, sums = times.matrices(filters * scale.unsqueeze(-1)), times.each(space)
        kept = _take((n_models, times.n_times, n_filters, n_chans * n_windows), x) if facts.keeps else None
        room = x.new_empty((2, times.length * n_filters, n_chans * n_windows))
        out = x.new_empty((n_models, times.n_times, n_filters, n_sums, n_windows))
        for m in range(n_models):
            for block in times.blocks:
                n_maps = n_filters * block.length
                active = room[0, :n_maps] if kept is None else kept[m, block.times].flatten(0, 1)
                own = matrices[m, :n_maps, block.inside]
                torch.addmm(shift[m, :n_maps], own, rows[m, :, block.seen].T, out=active)
                elu_(active, room[1, :n_maps])
                given = active.unflatten(1, (n_chans, n_windows))
                torch.bmm(sums[m, :n_maps], given, out=out[m, block.times].flatten(0, 1))
        if kept is not None:
            ctx.save_for_backward(rows, filters, weight, sums, kept, center, rate)
            ctx.times, ctx.moments, ctx.training = times, moments, facts.training
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients of filters, norm and sums."""
        rows, filters, weight, sums, kept, center, rate = ctx.saved_tensors
        times, (n_models, n_filters, kernel) = ctx.times, filters.shape
        gradient = gradient.contiguous()
        n_sums, n_windows = gradient.shape[-2:]
        n_chans = kept.shape[-1] // n_windows
        d_matrices = rows.new_zeros((n_models, times.length + kernel - 1, times.length * n_filters))
        d_sums, shifts = torch.zeros_like(sums), torch.zeros_like(weight)
        room = torch.empty_like(kept[0, : times.length]).flatten(0, 1)
        for m in range(n_models):
            for block in times.blocks:
                n_maps = n_filters * block.length
                active, slope = kept[m, block.times].flatten(0, 1), room[:n_maps]
                given = gradient[m, block.times].flatten(0, 1)
                maps = active.unflatten(1, (n_chans, n_windows)).transpose(1, 2)
                d_sums[m, :n_maps] += torch.bmm(given, maps)
                torch.bmm(sums[m, :n_maps].transpose(1, 2), given, out=slope.view(n_maps, n_chans, n_windows))
                elu_back(slope, active, slope)
                shifts[m] += slope.sum(dim=1).view(-1, n_filters).sum(dim=0)
                d_matrices[m, block.inside, :n_maps].addmm_(rows[m, :, block.seen].T, slope.T)
        _give_back(kept)
        d_space = d_sums.view(n_models, -1, n_filters, n_sums, n_chans).sum(dim=1)
        d_filters = times.filters(d_matrices)
        d_weight = rate * ((d_filters * filters).sum(-1) - center * shifts)
        if ctx.moments is not None:
            moving = torch.tensor(ctx.training)
            d_filters[moving] -= ctx.moments.pull(filters, shifts, rate * d_weight)[moving]
        return None, d_filters * (weight * rate).unsqueeze(-1), d_weight, shifts, d_space, None, None, None


class Moments(NamedTuple):
    """What taps of a filter see of the windows of each model, over all rows and times behind it.

    Parameters
    ----------
    means : Tensor, shape (n_models, kernel)
        Of each tap.
    products : Tensor, shape (n_models, kernel, kernel)
        Mean products of their deviations.
    """

    means: torch.Tensor
    products: torch.Tensor

    def behind(self, filters: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Return mean and variance of what filters, (n_models, n_filters, kernel), give."""
        center = torch.bmm(filters, self.means.unsqueeze(2)).squeeze(2)
        return center, (torch.bmm(filters, self.products) * filters).sum(dim=-1)

    def pull(self, filters: torch.Tensor, shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Return what the gradient of filters loses since every value moves mean and variance.

        Parameters
        ----------
        filters : Tensor, shape (n_models, n_filters, kernel)
            Over time.
        shift, scale : Tensor, shape (n_models, n_filters)
            What all values behind lose by themselves, and times their deviations.
        """
        lost = scale.unsqueeze(-1) * torch.bmm(filters, self.products)
        return lost + shift.unsqueeze(-1) * self.means.unsqueeze(1)


def find_moments(rows: torch.Tensor, times: Times) -> Moments:
    """Return what filters see of windows, shape (n_models, n_rows, n_times)."""
    n, kernel, padding = times.n_times, times.kernel, times.padding
    n_rows, n_given = rows.shape[1:]
    mean = rows.mean(dim=1)
    seen = functional.pad(mean, (padding, n + kernel - 1 - n_given - padding)).unfold(-1, kernel, 1)
    means = seen.mean(dim=1)
    beside = seen - means.unsqueeze(1)
    between = torch.bmm(beside.transpose(1, 2), beside) / n
    sums = functional.pad(_products_by_lag(rows - mean.unsqueeze(1), kernel), (0, 0, 1, 0)).cumsum(dim=1)
    tap = torch.arange(kernel)
    begin, end = ((tap - padding + by).clamp(0, n_given) for by in (0, n))
    by_lag = sums.index_select(1, end) - sums.index_select(1, begin)
    first, lag = torch.minimum(tap[:, None], tap), (tap[:, None] - tap).abs()
    within = by_lag.flatten(1).index_select(1, (first * kernel + lag).flatten()).view_as(between)
    return Moments(means, between + within / (n_rows * n))


def _products_by_lag(rows: torch.Tensor, kernel: int) -> torch.Tensor:
    """Return sums over rows of every time and one of the next ones, shape (n_models, n_times, kernel)."""
    n_times, found = rows.shape[-1], []
    for begin in range(0, n_times, kernel):
        end = min(begin + kernel, n_times)
        seen = slice(begin, min(end + kernel - 1, n_times))
        own = torch.bmm(rows[..., begin:end].transpose(1, 2), rows[..., seen])
        whole = functional.pad(own, (0, end - begin + kernel - 1 - own.shape[-1]))
        found.append(_diagonals(whole, kernel))
    return torch.cat(found, dim=1)


def _diagonals(whole: torch.Tensor, kernel: int) -> torch.Tensor:
    """View so many entries of each row, shape (..., n, n + kernel - 1), from the diagonal on."""
    *above, down, along = whole.stride()
    return whole.as_strided((*whole.shape[:-1], kernel), (*above, down + along, along))


_FREE: dict[tuple[object, ...], torch.Tensor] = {}
"""Memory of the last way back; taken anew, the system would clear it page by page."""


def _take(shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    free = _FREE.pop((shape, like.dtype), None)
    return like.new_empty(shape) if free is None else free


def _give_back(kept: torch.Tensor) -> None:
    _FREE.clear()
    _FREE[tuple(kept.shape), kept.dtype] = kept


class Block(NamedTuple):
    """Some times behind filters.

    Parameters
    ----------
    times : slice
        Which.
    seen : slice
        Samples of a window that they see.
    inside : slice
        Where these lie in the stretch that they would see if windows went on.
    """

    times: slice
    seen: slice
    inside: slice

    @property
    def length(self) -> int:
        """How many times."""
        return int(self.times.stop - self.times.start)


class Times:
    """Times behind filters in blocks, and filters as matrices from what a block sees to its times.

    Parameters
    ----------
    n_given : int
        Samples of a window.
    kernel : int
        Samples of a filter.
    padding : int
        Zeros at both ends.
    n_values : int
        That all filters give at a time.
    """

    def __init__(self, n_given: int, kernel: int, padding: int, n_values: int):
        self.kernel, self.padding, self.n_times = kernel, padding, n_given + 2 * padding - kernel + 1
        n_blocks = -(-self.n_times // max(_VALUES // n_values, _FEWEST_TIMES))
        self.length = -(-self.n_times // n_blocks)
        self.blocks = [self._block(begin, n_given) for begin in range(0, self.n_times, self.length)]

    def _block(self, begin: int, n_given: int) -> Block:
        end, first = min(begin + self.length, self.n_times), begin - self.padding
        seen = slice(max(first, 0), min(end + self.kernel - 1 - self.padding, n_given))
        return Block(slice(begin, end), seen, slice(seen.start - first, seen.stop - first))

    def each(self, values: torch.Tensor) -> torch.Tensor:
        """Repeat values of filters, (n_models, n_filters, ...), for the times of a block, these outermost."""
        return values.unsqueeze(1).expand(-1, self.length, *[-1] * (values.ndim - 1)).flatten(1, 2)

    def matrices(self, filters: torch.Tensor) -> torch.Tensor:
        """Return filters, shape (n_models, n_filters, kernel), as (n_models, length * n_filters, width)."""
        n_models, n_filters, kernel = filters.shape
        whole = filters.new_zeros((n_models, self.length, n_filters, self.length + kernel - 1))
        _diagonals(whole.transpose(1, 2), kernel).copy_(filters.unsqueeze(2))
        return whole.flatten(1, 2)

    def filters(self, gradients: torch.Tensor) -> torch.Tensor:
        """Return what gradients of matrices, turned, are of the filters."""
        whole = gradients.unflatten(2, (self.length, -1)).permute(0, 3, 2, 1)
        return _diagonals(whole, self.kernel).sum(dim=2)
