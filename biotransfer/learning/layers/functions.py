"""Operations of many models at once that torch has no form of, or a slow one."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from typing import Any

import torch
from torch.autograd.function import once_differentiable


_LOG2_E = 1 / math.log(2)


def elu_(x: torch.Tensor, below: torch.Tensor) -> torch.Tensor:
    """Change values to their ELU; ``below``, as many, is what negative ones become, and 0.

    The power is one of 2: torch leaves those of e to a library that is slow on processors of others.
    """
    torch.mul(x, _LOG2_E, out=below).clamp_(max=0).exp2_().sub_(1)
    return torch.maximum(x, below, out=x)


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


class ScaleElu(torch.autograd.Function):
    """ELU of what is scaled and shifted."""

    @staticmethod
    def forward(ctx: Any, x: torch.Tensor, scale: torch.Tensor, shift: torch.Tensor) -> torch.Tensor:
        """Compute elu(x * scale + shift)."""
        out = torch.addcmul(shift, x, scale)
        slope = out.clamp(max=0).exp_()
        ctx.save_for_backward(x, scale, slope)
        return torch.maximum(out, slope - 1, out=out)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, gradient: torch.Tensor) -> tuple[torch.Tensor | None, ...]:
        """Return the gradients of what was given."""
        x, scale, slope = ctx.saved_tensors
        own = gradient * slope
        axes = [i for i, n in enumerate(scale.shape) if n == 1 and x.shape[i] > 1]
        d_scale = (own * x).sum(axes, keepdim=True) if ctx.needs_input_grad[1] else None
        d_shift = own.sum(axes, keepdim=True) if ctx.needs_input_grad[2] else None
        return own.mul_(scale) if ctx.needs_input_grad[0] else None, d_scale, d_shift
