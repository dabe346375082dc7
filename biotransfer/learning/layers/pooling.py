"""From many values to few: over time, over tiles, over channels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .dense import dense_shapes
from .kind import LayerKind, MapOp, Options, Shape, Step
from .reshaping import apart, fold

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here


def _max_pool(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.MaxPool1d(o["size"]) if len(before) == 2 else nn.MaxPool2d(o["size"])


def _max_pool_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    from torch.nn import functional

    size = o["size"]
    return apart(functional.max_pool2d(fold(x), (size if x.ndim > 4 else 1, size)), x)


def _max_pool_time(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.MaxPool2d((1, o["size"]))


def _mean_pool(o: Options, before: Shape) -> nn.Module:
    from torch import nn

    return nn.AvgPool1d(o["size"], o["stride"], o.get("padding", 0))


def _mean_pool_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    """Multiply by a matrix whose columns are the tiles."""
    import torch

    from .functions import Tiles

    tiles = Tiles(o["size"], o["stride"], o.get("padding", 0)).matrix(x)
    return torch.matmul(x.transpose(1, 2), tiles.T).transpose(1, 2)


def _mean(o: Options, before: Shape) -> nn.Module:
    from .modules import Apply

    return Apply(lambda x: x.mean(dim=-1))


def _mean_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    return x.mean(dim=-1)


def _attend_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    import torch

    given = x.transpose(2, 3)
    rows = given.flatten(1, 2)
    units = torch.tanh(torch.baddbmm(tensors["bias"].unsqueeze(1), rows, tensors["weight"].transpose(1, 2)))
    score = torch.bmm(units, tensors["score"].transpose(1, 2)).view(*given.shape[:3], 1)
    return (given * torch.softmax(score, dim=2)).sum(dim=2)


def _max_pool_time_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    from torch.nn import functional

    return apart(functional.max_pool2d(fold(x), (1, o["size"])), x)


def _attend(o: Options, before: Shape) -> nn.Module:
    from .modules import AttendChannels

    return AttendChannels(o["n_in"], o["n_out"])


MAX_POOL = LayerKind(
    name="max_pool",
    summary="Largest value of every tile of time, or of an image.",
    example=({"size": 3}, (4, 10)),
    output_shape=lambda o, before: (before[0], *(n // o["size"] for n in before[1:])),
    module=_max_pool,
    stacked=_max_pool_stacked,
    step=lambda o: Step("pool", length=o["size"]),
    op=lambda o, before: MapOp("largest", o["size"], stride=o["size"]) if len(before) == 2 else None,
    pool=lambda o: int(o["size"]),
)
MAX_POOL_TIME = LayerKind(
    name="max_pool_time",
    summary="Largest value of every tile of time, channel by channel.",
    example=({"size": 3}, (2, 4, 10)),
    output_shape=lambda o, before: (*before[:-1], before[-1] // o["size"]),
    module=_max_pool_time,
    stacked=_max_pool_time_stacked,
    pool=lambda o: int(o["size"]),
)
MEAN_POOL = LayerKind(
    name="mean_pool",
    summary="Mean of tiles of time, which may overlap.",
    example=({"size": 4, "stride": 3}, (4, 11)),
    output_shape=lambda o, before: (
        before[0],
        (before[1] + 2 * o.get("padding", 0) - o["size"]) // o["stride"] + 1,
    ),
    module=_mean_pool,
    stacked=_mean_pool_stacked,
    op=lambda o, before: None if o.get("padding") else MapOp("mean", o["size"], stride=o["stride"]),
)
MEAN_OVER_TIME = LayerKind(
    name="mean_over_time",
    summary="Mean over time.",
    example=({}, (4, 10)),
    output_shape=lambda o, before: before[:-1],
    module=_mean,
    stacked=_mean_stacked,
    step=lambda o: Step("average"),
    op=lambda o, before: MapOp("mean", before[-1]) if len(before) == 2 else None,
)
MEAN_OVER_CHANNELS = LayerKind(
    name="mean_over_channels",
    summary="Mean over the channels.",
    example=({}, (3, 4)),
    output_shape=lambda o, before: before[:-1],
    module=_mean,
    stacked=_mean_stacked,
)
ATTEND_CHANNELS = LayerKind(
    name="attend_channels",
    summary="Mean over the channels, weighted by what each of them shows.",
    example=({"n_in": 3, "n_out": 5}, (3, 4)),
    shapes=lambda o: {**dense_shapes(o), "score": (1, o["n_out"])},
    output_shape=lambda o, before: before[:-1],
    operations=lambda o, before, behind: 2.0 * (o["n_in"] + 1) * o["n_out"] * before[-1],
    module=_attend,
    stacked=_attend_stacked,
)
POOLINGS = (MAX_POOL, MAX_POOL_TIME, MEAN_POOL, MEAN_OVER_TIME, MEAN_OVER_CHANNELS, ATTEND_CHANNELS)
