"""The same values in another shape."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from .kind import LayerKind, MapOp, Options, Shape

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here


def fold(x: torch.Tensor) -> torch.Tensor:
    """Fold models into channels: (n_models, n_windows, n_channels, [height,] width) -> images.

    Returns
    -------
    Tensor, shape (n_windows, n_models * n_channels, height, width)
        In their device's order; a signal is an image of one row.
    """
    import torch

    x = x.transpose(0, 1).flatten(1, 2)
    x = x.unsqueeze(2) if x.ndim == 3 else x
    return x.contiguous(memory_format=torch.contiguous_format if x.is_cuda else torch.channels_last)


def apart(images: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """Take the models out of the channels again: as many models and axes as ``like``; nothing is copied."""
    x = images.unflatten(1, (len(like), -1)).transpose(0, 1)
    return x.squeeze(3) if x.ndim > like.ndim else x


def _image(o: Options, before: Shape) -> nn.Module:
    from .modules import Apply

    side = o["side"]
    return Apply(lambda x: x.reshape(len(x), 1, side, side))


def _image_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    return x.unflatten(2, (1, o["side"], o["side"]))


def _flatten(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.Flatten()


def _flatten_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    return x.flatten(2)


def _channels_apart(o: Options, before: Shape) -> nn.Module:
    from .modules import Apply

    return Apply(lambda x: x.unsqueeze(1))


def _channels_apart_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    return x.unsqueeze(2)


def _without_last(o: Options, before: Shape) -> nn.Module:
    from .modules import Apply

    return Apply(lambda x: x[..., : before[-1] - o["n"]])


def _without_last_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    return x[..., : x.shape[-1] - o["n"]]


def _last_time(o: Options, before: Shape) -> nn.Module:
    from .modules import Apply

    return Apply(lambda x: x[..., -1])


def _last_time_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    return x[..., -1]


def _times_first(o: Options, before: Shape) -> nn.Module:
    from .modules import Apply

    return Apply(lambda x: x.transpose(1, 2))


def _times_first_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    return x.transpose(2, 3)


IMAGE = LayerKind(
    name="image",
    summary="Features as a square image.",
    example=({"side": 3}, (9,)),
    output_shape=lambda o, before: (1, o["side"], o["side"]),
    module=_image,
    stacked=_image_stacked,
)
FLATTEN = LayerKind(
    name="flatten",
    summary="All values in a row.",
    example=({}, (2, 3, 3)),
    output_shape=lambda o, before: (int(np.prod(before)),),
    module=_flatten,
    stacked=_flatten_stacked,
    op=lambda o, before: MapOp("none"),
)
CHANNELS_APART = LayerKind(
    name="channels_apart",
    summary="Every channel a row of its own, for filters that all of them share.",
    example=({}, (4, 10)),
    output_shape=lambda o, before: (1, *before),
    module=_channels_apart,
    stacked=_channels_apart_stacked,
    op=lambda o, before: MapOp("none"),
)
WITHOUT_LAST_TIMES = LayerKind(
    name="without_last_times",
    summary="All times but the last.",
    example=({"n": 3}, (4, 10)),
    output_shape=lambda o, before: (*before[:-1], before[-1] - o["n"]),
    module=_without_last,
    stacked=_without_last_stacked,
)
LAST_TIME = LayerKind(
    name="last_time",
    summary="The last time of all channels.",
    example=({}, (4, 10)),
    output_shape=lambda o, before: before[:-1],
    module=_last_time,
    stacked=_last_time_stacked,
)
TIMES_FIRST = LayerKind(
    name="times_first",
    summary="The channels of every time in a row.",
    example=({}, (4, 10)),
    output_shape=lambda o, before: before[::-1],
    module=_times_first,
    stacked=_times_first_stacked,
)
RESHAPINGS = (IMAGE, FLATTEN, CHANNELS_APART, WITHOUT_LAST_TIMES, LAST_TIME, TIMES_FIRST)
