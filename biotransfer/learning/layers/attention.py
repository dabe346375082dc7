"""Attention of the times of a window to each other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from .kind import LayerKind, Options, Shape

if TYPE_CHECKING:
    import torch
    from torch import nn

    from .passing import Here

PARTS = ("keys", "queries", "values", "projection")


def _shapes(o: Options) -> dict[str, Shape]:
    n = o["n_in"]
    return {f"{part}.{key}": s for part in PARTS for key, s in (("weight", (n, n)), ("bias", (n,)))}


def _operations(o: Options, before: Shape, behind: Shape) -> float:
    n_times, n = before
    return 2.0 * n_times * n * (len(PARTS) * n + 2 * n_times)


def _attention(o: Options, before: Shape) -> nn.Module:
    from .modules import Attention

    return Attention(o["n_in"], o["heads"], o["share"])


def _attention_stacked(
    o: Options, tensors: Mapping[str, torch.Tensor], x: torch.Tensor, here: Here
) -> torch.Tensor:
    import torch

    n_models, n_windows, n_times, n = x.shape
    heads = o["heads"]
    weight = torch.cat([tensors[f"{part}.weight"] for part in PARTS[:3]], dim=1)
    bias = torch.cat([tensors[f"{part}.bias"] for part in PARTS[:3]], dim=1)
    found = torch.baddbmm(bias.unsqueeze(1), x.flatten(1, 2), weight.transpose(1, 2))
    found = found.view(n_models, n_windows, n_times, 3, heads, n // heads).permute(3, 0, 1, 4, 2, 5)
    keys, queries, values = found.flatten(1, 3)
    scores = torch.bmm(queries * (n // heads) ** -0.5, keys.transpose(1, 2))
    shares = torch.softmax(scores, dim=-1).view(n_models, n_windows, heads, n_times, n_times)
    mixed = torch.bmm(here.drop(shares, o["share"]).flatten(0, 2), values)
    mixed = mixed.view(n_models, n_windows, heads, n_times, -1).transpose(2, 3).reshape(n_models, -1, n)
    out = torch.baddbmm(
        tensors["projection.bias"].unsqueeze(1), mixed, tensors["projection.weight"].transpose(1, 2)
    )
    return out.view_as(x)


ATTENTION = LayerKind(
    name="attention",
    summary="Every time becomes a mean of all times, weighted by how they fit, for several heads.",
    example=({"n_in": 6, "heads": 2, "share": 0.5}, (5, 6)),
    shapes=_shapes,
    operations=_operations,
    module=_attention,
    stacked=_attention_stacked,
)
ATTENTIONS = (ATTENTION,)
