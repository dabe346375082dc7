"""How a module's tensors lie in memory: channels last, where a CPU convolves faster."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn


def put_channels_last(module: nn.Module) -> None:
    """Let filters lie with the channels last; nothing else changes but last bits.

    Parameters
    ----------
    module : nn.Module
        Changed in place.

    Notes
    -----
    Torch draws dropout in the order of memory. Here it is drawn in the order of the axes, as with channels
    first, so that the layout does not decide which values are dropped.
    """
    for tensor in module.parameters():
        if tensor.ndim == len("NCHW"):
            tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
    for part in module.modules():
        if type(part) is nn.Dropout:
            part.forward = partial(_dropped, part)  # type: ignore[method-assign]


def _dropped(dropout: nn.Dropout, x: torch.Tensor) -> torch.Tensor:
    if x.is_contiguous() or not dropout.training or not 0 < dropout.p < 1:
        return nn.functional.dropout(x, dropout.p, dropout.training)
    kept = torch.empty(x.shape, dtype=x.dtype, device=x.device).bernoulli_(1 - dropout.p)
    return x * kept.div_(1 - dropout.p)
