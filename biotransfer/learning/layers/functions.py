"""Operations of many models at once that torch has no form of, or a slow one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

import torch
from torch.autograd.function import once_differentiable

_LOG2_E = 1 / math.log(2)
_VALUES = 1 << 17
"""Of one array, of which a CPU's cache holds several."""


def elu_(x: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
    """Change values to their ELU; ``below`` has room for as many.

    The power is one of 2: those of e, which torch leaves to a library, took four times as long on an EPYC.
    """
    torch.mul(x, _LOG2_E, out=below).clamp_(max=0).exp2_().sub_(1)
    return torch.maximum(x, below, out=x)


def elu_back(gradient: torch.Tensor, active: torch.Tensor, out: torch.Tensor) -> None:
    """Fill in the gradient of what became ``active`` by ELU; ``out`` may be the gradient of that."""
    torch.ops.aten.elu_backward.grad_input(gradient, 1.0, 1.0, 1.0, True, active, grad_input=out)


def standardise(
    x: torch.Tensor,
    tensors: Mapping[str, torch.Tensor],
    training: tuple[bool, ...],
    *,
    eps: float,
    momentum: float,
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Return what a norm by batches scales and shifts, and by which factors and constants.

    Parameters
    ----------
    x : Tensor, shape (n_models, n_windows, n_channels, ...)
        What enters the norm.
    tensors : mapping of str to Tensor, shape (n_models, n_channels)
        Scale ``weight``, shift ``bias`` and running statistics; these move for models in training.
    training : tuple of bool
        Which models are in training; () where none is.
    eps, momentum : float
        Added to variances; share of the batch in running statistics.

    Returns
    -------
    x : Tensor, shape (n_models, n_windows, n_channels, ...)
        Channels lie outermost in memory, then windows.
    scale, shift : Tensor, shape (n_models, 1, n_channels, 1, ...)
    """
    if any(training) and not all(training):
        parts = [
            standardise(
                own, {k: t[m : m + 1] for k, t in tensors.items()}, (moves,), eps=eps, momentum=momentum
            )
            for m, (own, moves) in enumerate(zip(x.split(1), training, strict=True))
        ]
        first, scale, shift = (torch.cat(found) for found in zip(*parts, strict=True))
        return first, scale, shift
    shape = (len(x), 1, -1, *[1] * (x.ndim - 3))
    weight, bias = tensors["weight"], tensors["bias"]
    mean, variance = tensors["running_mean"], tensors["running_var"]
    if not any(training):
        scale = weight * torch.rsqrt(variance + eps)
        return x, scale.view(shape), (bias - mean.clone() * scale).view(shape)
    outer = x.transpose(1, 2)
    rows = outer.reshape(*outer.shape[:2], -1)
    n = rows.shape[-1]
    found, center, rate = torch.native_layer_norm(rows, (n,), None, None, eps)
    with torch.no_grad():
        moved = (rate.square().reciprocal() - eps) * (n / max(n - 1, 1))
        mean.lerp_(center.view_as(mean), momentum)
        variance.lerp_(moved.view_as(variance), momentum)
    return found.view_as(outer).transpose(1, 2), weight.view(shape), bias.view(shape)


class FiltersOfWindows(torch.autograd.Function):
    """Filters over all channels and a stretch of time, as products with patches of the windows."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, weight: torch.Tensor, bias: torch.Tensor) -> torch.Tensor:
        """Filter.

        Parameters
        ----------
        ctx : context
            Of torch.
        x : Tensor, shape (n_models, n_chans, n_windows, n_times)
            Windows; no gradient of them is computed.
        weight : Tensor, shape (n_models, n_out, n_chans, kernel)
            Filters.
        bias : Tensor, shape (n_models, n_out)
            Theirs.

        Returns
        -------
        Tensor, shape (n_models, n_out, n_windows, n_times - kernel + 1)
        """
        kernel = weight.shape[-1]
        n_times = x.shape[-1] - kernel + 1
        out = x.new_empty((*weight.shape[:2], x.shape[2], n_times))
        for own, filters, shift, patches in zip(out, weight, bias, _patches(x, kernel), strict=True):
            torch.addmm(shift.unsqueeze(1), filters.flatten(1), patches, out=own.view(len(own), -1))
        ctx.save_for_backward(x)
        ctx.kernel = kernel
        return out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients of filters and biases."""
        (x,) = ctx.saved_tensors
        rows = gradient.flatten(2)
        found = rows.new_empty((*rows.shape[:2], x.shape[1] * ctx.kernel))
        for own, given, patches in zip(found, rows, _patches(x, ctx.kernel), strict=True):
            torch.mm(given, patches.T, out=own)
        return None, found.unflatten(2, (x.shape[1], -1)), rows.sum(dim=-1)


def _patches(x: torch.Tensor, kernel: int) -> Iterator[torch.Tensor]:
    """Yield every model's patches, shape (n_chans * kernel, n_windows * n_times), in the same memory."""
    _, n_chans, n_windows, n_given = x.shape
    n_times = n_given - kernel + 1
    patches = x.new_empty((n_chans, kernel, n_windows, n_times))
    for own in x:
        patches.copy_(own.unfold(-1, n_times, 1).transpose(1, 2))
        yield patches.view(n_chans * kernel, -1)


class Tiles(NamedTuple):
    """Stretches of time of which means are taken.

    Parameters
    ----------
    size, stride, padding : int
        Samples of a stretch, from one to the next, and zeros at both ends.
    """

    size: int
    stride: int
    padding: int

    def matrix(self, like: torch.Tensor) -> torch.Tensor:
        """Return the means of so many times, the last axis of ``like``, as shape (n_tiles, n_times)."""
        n = like.shape[-1] + 2 * self.padding
        whole = like.new_zeros(((n - self.size) // self.stride + 1, n))
        whole.as_strided((len(whole), self.size), (n + self.stride, 1)).fill_(1 / self.size)
        return whole[:, self.padding : n - self.padding]

    @property
    def apart(self) -> bool:
        """Whether they follow each other without anything between them."""
        return self.size == self.stride and not self.padding

    def means(self, x: torch.Tensor) -> torch.Tensor:
        """Return means, shape (n_models, n_windows, n_channels, n_tiles); axes lie as they do in x."""
        if not self.apart:
            return torch.matmul(x.transpose(1, 2), self.matrix(x).T).transpose(1, 2)
        order = _order(x)
        at = order.index(3)
        tiles = self._times(x).permute(*order[:at], 3, 4, *order[at + 1 :])
        return _undo(tiles.mean(at + 1), order)

    def pull(self, gradient: torch.Tensor, active: torch.Tensor, out: torch.Tensor) -> None:
        """Fill in the gradient of what became ``active`` by ELU, by that of the means of it."""
        if not self.apart:
            given = torch.matmul(gradient.transpose(1, 2), self.matrix(active)).transpose(1, 2)
            elu_back(given, active, out)
            return
        order, whole = _order(out), self._times(out)
        given = _undo((gradient / self.size).permute(order).contiguous(), order)
        elu_back(given.unsqueeze(-1).expand_as(whole), self._times(active), whole)
        out[..., whole.shape[-2] * self.size :] = 0

    def _times(self, x: torch.Tensor) -> torch.Tensor:
        """View times by tiles, shape (..., n_tiles, size)."""
        n_tiles = x.shape[-1] // self.size
        return x[..., : n_tiles * self.size].unflatten(-1, (n_tiles, self.size))


def _order(x: torch.Tensor) -> list[int]:
    """Return the axes as they lie in memory, the outermost first."""
    strides = x.stride()
    return sorted(range(x.ndim), key=lambda axis: -strides[axis])


def _undo(x: torch.Tensor, order: list[int]) -> torch.Tensor:
    """Bring axes that were put in an order back to their places."""
    return x.permute(sorted(range(x.ndim), key=order.__getitem__))


class NormFacts(NamedTuple):
    """What a norm by batches is told beside its tensors.

    Parameters
    ----------
    eps, momentum : float
        Added to variances; share of the batch in running statistics.
    training : tuple of bool
        Which models' norms go by the batch and move their running statistics; () for none.
    tiles : Tiles, optional
        Of which means are taken in the end.
    """

    eps: float
    momentum: float
    training: tuple[bool, ...]
    tiles: Tiles | None = None


class NormElu(torch.autograd.Function):
    """A norm by batches, ELU, and means of tiles; a few models after the other stay in a CPU's cache."""

    @staticmethod
    def forward(
        ctx: Any,
        x: torch.Tensor,
        weight: torch.Tensor,
        bias: torch.Tensor,
        mean: torch.Tensor,
        variance: torch.Tensor,
        facts: NormFacts,
    ) -> torch.Tensor:
        """Compute.

        Parameters
        ----------
        ctx : context
            Of torch.
        x : Tensor, shape (n_models, n_windows, n_channels, ...)
            What enters.
        weight, bias, mean, variance : Tensor, shape (n_models, n_channels)
            Scale, shift and running statistics.
        facts : NormFacts
            The rest.

        Returns
        -------
        Tensor, shape (n_models, n_windows, n_channels, ...)
        """
        shape, axes = (-1, 1, x.shape[2], *[1] * (x.ndim - 3)), _but_channels(x)
        deviations, out = torch.empty_like(x), torch.empty_like(x)
        n, moving = x[0].numel() // x.shape[2], _moving(facts.training, weight)
        rate, means = torch.empty_like(mean), []
        for part in _parts(x):
            center, own = mean[part].clone(), x[part]
            if facts.training:
                center = torch.where(moving[part], own.mean(axes), center)
            away = torch.sub(own, center.view(shape), out=deviations[part])
            spread, active = variance[part].clone(), out[part]
            if facts.training:
                spread = torch.where(moving[part], torch.mul(away, away, out=active).mean(axes), spread)
                share = facts.momentum * moving[part].to(x)
                mean[part].lerp_(center, share)
                variance[part].lerp_(spread * (n / max(n - 1, 1)), share)
            torch.rsqrt(spread + facts.eps, out=rate[part])
            scale = weight[part] * rate[part]
            torch.mul(away, scale.view(shape), out=active).add_(bias[part].view(shape))
            elu_(active, torch.empty_like(active))
            if facts.tiles:
                means.append(facts.tiles.means(active))
        ctx.save_for_backward(deviations, out, weight, rate)
        ctx.facts = facts
        return torch.cat(means) if facts.tiles else out

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients of what entered, of scale and of shift."""
        deviations, out, weight, rate = ctx.saved_tensors
        shape, axes = (-1, 1, out.shape[2], *[1] * (out.ndim - 3)), _but_channels(out)
        n, moving = out[0].numel() // out.shape[2], _moving(ctx.facts.training, weight)
        d_x, d_weight, d_bias = torch.empty_like(out), torch.empty_like(weight), torch.empty_like(weight)
        back = ctx.facts.tiles.pull if ctx.facts.tiles else elu_back
        for part in _parts(out):
            own, away, pace = d_x[part], deviations[part], rate[part]
            back(gradient[part], out[part], own)
            torch.sum(own, axes, out=d_bias[part])
            torch.mul((own * away).sum(axes), pace, out=d_weight[part])
            scale = weight[part] * pace
            own.mul_(scale.view(shape))
            if ctx.facts.training:
                lost = moving[part] * scale / -n
                own.addcmul_(away, (lost * pace * d_weight[part]).view(shape))
                own.add_((lost * d_bias[part]).view(shape))
        return d_x, d_weight, d_bias, None, None, None


def _but_channels(x: torch.Tensor) -> list[int]:
    """Return the axes of windows and of what is behind the channels."""
    return [axis for axis in range(1, x.ndim) if axis != 2]


def _moving(training: tuple[bool, ...], like: torch.Tensor) -> torch.Tensor:
    return torch.tensor(training or (False,) * len(like)).unsqueeze(1)


def _parts(x: torch.Tensor) -> list[slice]:
    """Return which models fit into a cache together."""
    each = max(_VALUES // max(x[0].numel(), 1), 1)
    return [slice(begin, begin + each) for begin in range(0, len(x), each)]
