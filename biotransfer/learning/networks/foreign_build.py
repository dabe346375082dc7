"""Build a library's model from what a network declares of it."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from functools import partial
from typing import Any

import torch
from torch import nn

from ...errors import BiotransferError
from ...signals.windows.braindecode import channel_info, listening, load_braindecode


def construct_model(
    model: str,
    n_chans: int,
    n_times: int,
    n_outputs: int,
    sfreq: float,
    options: Mapping[str, Any],
    channels: Sequence[str] | None,
    device: str = "cpu",
) -> nn.Module:
    """Build the model; parameters that it declares fixed become buffers, so that nothing trains them."""
    cls = getattr(load_braindecode("braindecode.models"), model, None)
    if cls is None:
        raise BiotransferError(
            f"network={model!r} is not in the installed braindecode. Type: pip install -U braindecode"
        )
    places = {} if channels is None else {"chs_info": channel_info(channels, sfreq)}
    with torch.device(device) if device != "cpu" else nullcontext():
        module = cls(n_chans=n_chans, n_times=n_times, n_outputs=n_outputs, sfreq=sfreq, **places, **options)
    if channels is not None and "ch_names" in inspect.signature(module.forward).parameters:
        module.forward = partial(module.forward, ch_names=list(channels))
    for owner in module.modules():
        for name, parameter in list(owner.named_parameters(recurse=False)):
            if not parameter.requires_grad:
                delattr(owner, name)
                owner.register_buffer(name, parameter.detach())
    return module


def build_foreign(build: Mapping[str, Any], input_shape: tuple[int, ...], n_outputs: int) -> nn.Module:
    """Return the model that a network's ``build`` declares; its random values are overwritten later."""
    n_chans, n_times = input_shape
    with listening():
        return construct_model(
            build["model"], n_chans, n_times, n_outputs, build["sfreq"], build["options"], build["channels"]
        )
