"""Filters over time of every channel, their norm, ELU and sums over channels, map by map in a CPU's cache.

A bank's maps are the widest values of a network: written out for all filters of several models, they leave
the cache between any two operations. So each map is made by one product, with the norm in its filters: mean
and variance of what filters give follow from the moments of the windows.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable
from torch.nn import functional

_FEWEST_TIMES = 32


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
        Tensor, shape (n_models, n_filters, n_sums, n_windows, n_times)
        """
        n_models, n_chans, n_windows, _ = x.shape
        n_filters, n_sums = space.shape[1:3]
        times = Times(x.shape[-1], filters.shape[-1], facts.padding)
        pieces, matrices = times.pieces(x), times.matrices(filters)
        n = n_chans * n_windows * times.n_times
        moments = find_moments(pieces, matrices, n) if any(facts.training) else None
        center, spread = mean.clone(), variance.clone()
        if moments is not None:
            moving = torch.tensor(facts.training)
            center[moving], spread[moving] = moments.center[moving], moments.spread[moving]
            share = facts.momentum * moving.to(x).unsqueeze(1)
            mean.lerp_(center, share)
            variance.lerp_(spread * (n / max(n - 1, 1)), share)
        rate = torch.rsqrt(spread + facts.eps)
        scale = weight * rate
        shift = (bias - center * scale).tolist()
        scaled = matrices * scale[..., None, None]
        kept = _take((n_models, n_filters, n) if facts.keeps else (1, 1, n), x)
        below, out = x.new_empty(n), x.new_empty((n_models, n_filters, n_sums, n_windows * times.n_times))
        for m in range(n_models):
            for f in range(n_filters):
                active = kept[m, f] if facts.keeps else kept[0, 0]
                for piece, own in times.places(pieces, active):
                    torch.mm(piece.rows[m], scaled[m, f, : piece.n_times].T, out=own)
                active.add_(shift[m][f])
                torch.clamp(active, max=0, out=below).exp_().sub_(1)
                torch.maximum(active, below, out=active)
                at = 0
                for _, own in times.places(pieces, active):
                    width = own.numel() // n_chans
                    torch.mm(space[m, f], own.view(n_chans, -1), out=out[m, f, :, at : at + width])
                    at += width
        ctx.save_for_backward(matrices, weight, space, kept, center, rate)
        ctx.pieces, ctx.times, ctx.moments, ctx.training = pieces, times, moments, facts.training
        return times.in_order(out, pieces, n_windows)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients of filters, norm and sums."""
        matrices, weight, space, kept, center, rate = ctx.saved_tensors
        n_models, n_filters, _, n_chans = space.shape
        times, pieces, n = ctx.times, ctx.pieces, kept.shape[-1]
        gradient = times.in_pieces(gradient, pieces)
        found = [matrices.new_empty((n_models, n_filters, piece.n_times, piece.width)) for piece in pieces]
        d_bias = [[0.0] * n_filters for _ in range(n_models)]
        d_space = torch.empty_like(space)
        slope = kept.new_empty(n)
        for m in range(n_models):
            for f in range(n_filters):
                at = 0
                for k, (_, own) in enumerate(times.places(pieces, kept[m, f])):
                    width = own.numel() // n_chans
                    given, rows = gradient[m, f, :, at : at + width], own.view(n_chans, -1).T
                    d_space[m, f] = torch.mm(given, rows) if k == 0 else d_space[m, f] + torch.mm(given, rows)
                    torch.mm(
                        space[m, f].T,
                        given,
                        out=slope[n_chans * at : n_chans * (at + width)].view(n_chans, -1),
                    )
                    at += width
                active = torch.ops.aten.elu_backward(slope, 1.0, 1.0, 1.0, True, kept[m, f])
                d_bias[m][f] = float(active.sum())
                for k, (piece, own) in enumerate(times.places(pieces, active)):
                    torch.mm(own.T, piece.rows[m], out=found[k][m, f])
        _give_back(kept)
        shifts = weight.new_tensor(d_bias)
        d_matrices = torch.zeros_like(matrices)
        for piece, own in zip(pieces, found, strict=True):
            d_matrices[:, :, : piece.n_times] += own
        d_weight = rate * ((d_matrices * matrices).sum((-2, -1)) - center * shifts)
        if ctx.moments is not None:
            moving = torch.tensor(ctx.training)
            d_matrices[moving] -= ctx.moments.pull(pieces, shifts / n, rate * d_weight / n)[moving]
        d_filters = times.filters(d_matrices * (weight * rate)[..., None, None])
        return None, d_filters, d_weight, shifts, d_space, None, None, None


class Piece(NamedTuple):
    """Stretches of windows from which filters as matrices give so many times each.

    Parameters
    ----------
    rows : Tensor, shape (n_models, n_rows, width)
        Stretches.
    n_times : int
        Times behind the filters.
    """

    rows: torch.Tensor
    n_times: int

    @property
    def width(self) -> int:
        """Samples of a stretch."""
        return int(self.rows.shape[-1])


class Moments(NamedTuple):
    """Mean and variance of what filters give, and what of the windows they depend on, piece by piece.

    Parameters
    ----------
    center, spread : Tensor, shape (n_models, n_filters)
        Mean and variance over all rows and times.
    means : tuple of Tensor, shape (n_models, width)
        Of the stretches.
    behind : tuple of Tensor, shape (n_models, n_filters, n_times)
        Means of each time behind the filters.
    products : tuple of Tensor, shape (n_models, n_filters, n_times, width)
        Of the deviations behind and before the filters.
    """

    center: torch.Tensor
    spread: torch.Tensor
    means: tuple[torch.Tensor, ...]
    behind: tuple[torch.Tensor, ...]
    products: tuple[torch.Tensor, ...]

    def pull(self, pieces: list[Piece], shift: torch.Tensor, scale: torch.Tensor) -> torch.Tensor:
        """Return what the gradient of matrices loses since every value moves mean and variance.

        Parameters
        ----------
        pieces : list of Piece
            Of the windows.
        shift, scale : Tensor, shape (n_models, n_filters)
            What each value behind loses by itself, and times its deviation.
        """
        lost = torch.zeros_like(self.products[0])
        for piece, mean, behind, product in zip(pieces, self.means, self.behind, self.products, strict=True):
            above = shift[..., None] + scale[..., None] * (behind - self.center[..., None])
            both = scale[..., None, None] * product
            both += (piece.rows.shape[1] * above).unsqueeze(-1) * mean[:, None, None]
            lost[:, :, : piece.n_times] += both
        return lost


def find_moments(pieces: list[Piece], matrices: torch.Tensor, n: int) -> Moments:
    """Return the moments of what filters give of windows, of ``n`` values for each filter.

    Parameters
    ----------
    pieces : list of Piece
        Of the windows.
    matrices : Tensor, shape (n_models, n_filters, length, width)
        Filters.
    n : int
        Values behind each.
    """
    means, behind, products = [], [], []
    for piece in pieces:
        mean = piece.rows.mean(dim=1)
        deviations = piece.rows - mean.unsqueeze(1)
        moments = torch.bmm(deviations.transpose(1, 2), deviations)
        own = matrices[:, :, : piece.n_times]
        means.append(mean)
        behind.append(torch.matmul(own, mean[:, None, :, None]).squeeze(-1))
        products.append(torch.matmul(own, moments.unsqueeze(1)))
    counts = [piece.rows.shape[1] for piece in pieces]
    center, total = (torch.zeros_like(behind[0][..., 0]) for _ in range(2))
    for count, own in zip(counts, behind, strict=True):
        center += count / n * own.sum(-1)
    for count, piece, own, product in zip(counts, pieces, behind, products, strict=True):
        total += (product * matrices[:, :, : piece.n_times]).sum((-2, -1))
        total += count * (own - center.unsqueeze(-1)).square().sum(-1)
    return Moments(center, total / n, tuple(means), tuple(behind), tuple(products))


_FREE: dict[tuple[object, ...], torch.Tensor] = {}
"""Memory of the last way back; taken anew, the system would clear it page by page."""


def _take(shape: tuple[int, ...], like: torch.Tensor) -> torch.Tensor:
    free = _FREE.pop((shape, like.dtype), None)
    return like.new_empty(shape) if free is None else free


def _give_back(kept: torch.Tensor) -> None:
    _FREE.clear()
    _FREE[tuple(kept.shape), kept.dtype] = kept


class Times:
    """Filters over time as matrices: each takes a stretch of a window to some of the times behind them.

    Parameters
    ----------
    n_given : int
        Samples of a window.
    kernel : int
        Samples of a filter.
    padding : int
        Zeros at both ends.
    """

    def __init__(self, n_given: int, kernel: int, padding: int):
        self.n_given, self.kernel, self.padding = n_given, kernel, padding
        self.n_times = n_given + 2 * padding - kernel + 1
        self.n_blocks = min(range(1, max(self.n_times // _FEWEST_TIMES, 1) + 1), key=self._products)
        self.length = -(-self.n_times // self.n_blocks)
        self.inner = slice(padding, padding + n_given) if self.n_blocks == 1 else slice(None)

    def _products(self, n_blocks: int) -> int:
        """How many products of samples and weights a filter takes, of a window cut into blocks."""
        if n_blocks == 1:
            return self.n_times * self.n_given
        return self.n_times * (-(-self.n_times // n_blocks) + self.kernel - 1)

    def pieces(self, x: torch.Tensor) -> list[Piece]:
        """Return stretches of windows, shape (n_models, n_chans, n_windows, n_times): blocks, and a rest."""
        if self.n_blocks == 1:
            return [Piece(x.reshape(len(x), -1, self.n_given), self.n_times)]
        width = self.length + self.kernel - 1
        after = self.n_blocks * self.length + self.kernel - 1 - self.n_given - self.padding
        stretches = functional.pad(x, (self.padding, after)).unfold(-1, width, self.length)
        rest = self.n_times % self.length
        whole = stretches[..., : self.n_times // self.length, :].reshape(len(x), -1, width)
        last = [Piece(stretches[..., -1, :].reshape(len(x), -1, width), rest)] if rest else []
        return [Piece(whole, self.length), *last]

    def matrices(self, filters: torch.Tensor) -> torch.Tensor:
        """Return filters, shape (..., kernel), as matrices, shape (..., length, width)."""
        whole = filters.new_zeros((*filters.shape[:-1], self.length, self.length + self.kernel - 1))
        self._diagonals(whole).copy_(filters.unsqueeze(-2))
        return whole[..., self.inner].contiguous()

    def filters(self, matrices: torch.Tensor) -> torch.Tensor:
        """Return what gradients of :meth:`matrices` are of the filters."""
        width = self.length + self.kernel - 1
        before = self.inner.start or 0
        whole = functional.pad(matrices, (before, width - before - matrices.shape[-1]))
        return self._diagonals(whole).sum(dim=-2)

    def _diagonals(self, whole: torch.Tensor) -> torch.Tensor:
        """View the entries of matrices that are a filter's, shape (..., length, kernel)."""
        *above, _, width = whole.shape
        strides = (*whole.stride()[:-2], width + 1, 1)
        return whole.as_strided((*above, self.length, self.kernel), strides)

    def places(self, pieces: list[Piece], values: torch.Tensor) -> Iterator[tuple[Piece, torch.Tensor]]:
        """Yield each piece with its rows of times, shape (n_rows, n_times), among the values of all."""
        at = 0
        for piece in pieces:
            size = piece.rows.shape[1] * piece.n_times
            yield piece, values[at : at + size].view(-1, piece.n_times)
            at += size

    def in_order(self, out: torch.Tensor, pieces: list[Piece], n_windows: int) -> torch.Tensor:
        """Return values of pieces, (..., n_windows * n_times), as windows, (..., n_windows, n_times)."""
        first = n_windows * (self.n_times - (pieces[-1].n_times if len(pieces) > 1 else 0))
        parts = [
            part.unflatten(-1, (n_windows, -1)) for part in out.split([first, out.shape[-1] - first], -1)
        ]
        return torch.cat(parts, dim=-1) if len(pieces) > 1 else parts[0]

    def in_pieces(self, windows: torch.Tensor, pieces: list[Piece]) -> torch.Tensor:
        """Undo :meth:`in_order`."""
        if len(pieces) == 1:
            return windows.flatten(-2)
        first = self.n_times - pieces[-1].n_times
        parts = windows.split([first, pieces[-1].n_times], -1)
        return torch.cat([part.flatten(-2) for part in parts], dim=-1)
