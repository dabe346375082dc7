"""Convolutions across channels: sums over all of them, for each filter over time or for all together."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .kind import LayerKind, MapOp, Options, Shape

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here


def _space_shapes(o: Options) -> dict[str, Shape]:
    name = "parametrizations.weight.original" if o["most"] else "weight"
    return {name: (o["n_out"], 1, o["n_rows"], 1)}


def _space(o: Options, before: Shape) -> nn.Module:
    from .modules import SumRows

    return SumRows(o["n_in"], o["n_out"], o["n_rows"], o["most"])


def _space_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    import torch

    n_models, n_windows, n_in, n_rows, n_times = x.shape
    maps = x.permute(0, 2, 3, 1, 4).reshape(n_models * n_in, n_rows, -1)
    found = torch.bmm(sums_of(o, tensors).flatten(0, 1), maps)
    return found.view(n_models, -1, n_windows, n_times).transpose(1, 2)


def sums_of(o: Options, tensors: Mapping[str, torch.Tensor]) -> torch.Tensor:
    """Return the weights of the sums, shape (n_models, n_in, n_out / n_in, n_rows), none too long."""
    (weight,) = tensors.values()
    if o["most"]:
        weight = weight.flatten(0, 1).renorm(p=2, dim=0, maxnorm=o["most"]).view_as(weight)
    return weight.reshape(len(weight), o["n_in"], -1, o["n_rows"])


def _across_shapes(o: Options) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {"weight": (o["n_out"], o["n_in"], o["n_rows"], 1)}
    return shapes | ({"bias": (o["n_out"],)} if o["bias"] else {})


def _across(o: Options, before: Shape) -> nn.Module:
    from .modules import SumAll

    return SumAll(**o)


def _across_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    import torch

    maps = x.permute(0, 2, 3, 1, 4).flatten(1, 2)
    found = torch.bmm(tensors["weight"].flatten(2), maps.flatten(2)).unflatten(2, maps.shape[2:])
    found = found.transpose(1, 2)
    return found + tensors["bias"][:, None, :, None] if o["bias"] else found


def _joined_shapes(o: Options) -> dict[str, Shape]:
    shapes: dict[str, Shape] = {
        "conv_time.weight": (o["n_filters"], 1, o["kernel"], 1),
        "conv_time.bias": (o["n_filters"],),
        "conv_spat.weight": (o["n_out"], o["n_filters"], 1, o["n_in"]),
    }
    return shapes | ({"conv_spat.bias": (o["n_out"],)} if o["bias"] else {})


def _joined_operations(o: Options, before: Shape, behind: Shape) -> float:
    return 2.0 * o["n_filters"] * o["n_in"] * behind[1] * (o["kernel"] + o["n_out"])


def _joined(o: Options, before: Shape) -> nn.Module:
    from .modules import TimeThenSpace

    return TimeThenSpace(**o)


CONV_SPACE = LayerKind(
    name="conv_space",
    summary="Sums over the channels, some for every filter over time; each may be no longer than a most.",
    example=({"n_in": 2, "n_out": 4, "n_rows": 3, "most": 0.5}, (2, 3, 12)),
    shapes=_space_shapes,
    output_shape=lambda o, before: (o["n_out"], before[2]),
    operations=lambda o, before, behind: 2.0 * o["n_rows"] * behind[0] * behind[1],
    module=_space,
    stacked=_space_stacked,
    op=lambda o, before: MapOp("space", most=float(o["most"] or 0)),
)
CONV_TIME_SPACE = LayerKind(
    name="conv_time_space",
    summary="Filters over time, the same for every channel, and sums of all of them over the channels.",
    example=({"n_in": 3, "n_filters": 4, "n_out": 5, "kernel": 4, "bias": True}, (3, 12)),
    shapes=_joined_shapes,
    output_shape=lambda o, before: (o["n_out"], before[1] - o["kernel"] + 1),
    operations=_joined_operations,
    module=_joined,
    op=lambda o, before: MapOp("joined", o["kernel"], filters=o["n_filters"], biased=o["bias"]),
)
CONV_ACROSS = LayerKind(
    name="conv_across",
    summary="Sums of all filters over time over all channels.",
    example=({"n_in": 2, "n_out": 4, "n_rows": 3, "bias": True}, (2, 3, 12)),
    shapes=_across_shapes,
    output_shape=lambda o, before: (o["n_out"], before[2]),
    operations=lambda o, before, behind: 2.0 * o["n_in"] * o["n_rows"] * behind[0] * behind[1],
    module=_across,
    stacked=_across_stacked,
)
SPATIAL = (CONV_SPACE, CONV_TIME_SPACE, CONV_ACROSS)
