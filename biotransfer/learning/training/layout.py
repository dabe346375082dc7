"""How a module's tensors lie in memory: channels last, where a CPU convolves faster."""

from __future__ import annotations

from functools import partial

import torch
from torch import nn


def put_channels_last(module: nn.Module, x: torch.Tensor) -> bool:
    """Let filters lie with the channels last; nothing else changes but last bits.

    Parameters
    ----------
    module : nn.Module
        Changed in place.
    x : Tensor
        A window or more that it takes.

    Returns
    -------
    bool
        Whether they lie so. A model that looks at its own maps in another shape (``Tensor.view``) cannot be
        laid out anew, and stays as it was.

    Notes
    -----
    Torch draws dropout in the order of memory. Here it is drawn in the order of the axes, as with channels
    first, so that the layout does not decide which values are dropped.
    """
    filters = [tensor for tensor in module.parameters() if tensor.ndim == len("NCHW")]
    for tensor in filters:
        tensor.data = tensor.data.contiguous(memory_format=torch.channels_last)
    if filters and not _runs(module, x):
        for tensor in filters:
            tensor.data = tensor.data.contiguous()
        return False
    for part in module.modules():
        if type(part) is nn.Dropout:
            part.forward = partial(_dropped, part)  # type: ignore[method-assign]
    return True


@torch.no_grad()
def _runs(module: nn.Module, x: torch.Tensor) -> bool:
    """Whether a model takes windows as it lies; neither it nor the random state changes."""
    modes = {part: part.training for part in module.modules()}
    with torch.random.fork_rng(devices=[]):
        try:
            module.eval()(x)
        except RuntimeError:
            return False
        finally:
            for part, mode in modes.items():
                part.training = mode
    return True


def _dropped(dropout: nn.Dropout, x: torch.Tensor) -> torch.Tensor:
    if x.is_contiguous() or not dropout.training or not 0 < dropout.p < 1:
        return nn.functional.dropout(x, dropout.p, dropout.training)
    kept = torch.empty(x.shape, dtype=x.dtype, device=x.device).bernoulli_(1 - dropout.p)
    return x * kept.div_(1 - dropout.p)
