"""Layers that follow each other, as one: the same values and gradients, in fewer or nearer operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .convolution import padding_of
from .layer import Layer
from .norms import in_training
from .spatial import sums_of

if TYPE_CHECKING:
    import torch

    from .passing import Here

Stacked = Callable[
    [Sequence[Layer], Sequence[Mapping[str, "torch.Tensor"]], "torch.Tensor", Sequence["Here"]],
    "torch.Tensor",
]


@dataclass(frozen=True, kw_only=True, eq=False)
class Joined:
    """Several kinds of layers in a row.

    Parameters
    ----------
    kinds : tuple of str
        Their names.
    first : bool
        Whether no gradient of what enters is computed: these stand before all that trains.
    fits : callable
        ``(layers) -> bool``: whether these can be joined.
    stacked : callable
        ``(layers, tensors of each, x, place of each) -> x``, see :attr:`.LayerKind.stacked`.
    """

    kinds: tuple[str, ...]
    first: bool = False
    fits: Callable[[Sequence[Layer]], bool] = lambda layers: True
    stacked: Stacked


def _bank_fits(layers: Sequence[Layer]) -> bool:
    in_time = layers[0].options
    return in_time["n_in"] == 1 and not in_time.get("bias", True) and not in_time.get("further")


def _bank(
    layers: Sequence[Layer],
    tensors: Sequence[Mapping[str, torch.Tensor]],
    x: torch.Tensor,
    here: Sequence[Here],
) -> torch.Tensor:
    import torch

    from .banks import Bank, BankFacts

    norm = layers[1].options
    facts = BankFacts(
        layers[0].options["padding"], norm["eps"], norm["momentum"], in_training(norm, x, here[1]),
        torch.is_grad_enabled(),
    )  # fmt: skip
    rows = x.squeeze(2).transpose(1, 2).contiguous()
    space = sums_of(layers[3].options, tensors[3])
    own = tensors[1]
    found = Bank.apply(
        rows, tensors[0]["weight"].flatten(2), own["weight"], own["bias"], space, own["running_mean"],
        own["running_var"], facts,
    )  # fmt: skip
    return found.flatten(2, 3).permute(0, 3, 2, 1)


def _norm_elu(
    layers: Sequence[Layer],
    tensors: Sequence[Mapping[str, torch.Tensor]],
    x: torch.Tensor,
    here: Sequence[Here],
) -> torch.Tensor:
    from .functions import NormElu, NormFacts, Tiles

    norm, own = layers[0].options, tensors[0]
    pool = layers[2].options if len(layers) > 2 else None
    tiles = Tiles(pool["size"], pool["stride"], pool.get("padding", 0)) if pool else None
    facts = NormFacts(norm["eps"], norm["momentum"], in_training(norm, x, here[0]), tiles)
    return NormElu.apply(x, own["weight"], own["bias"], own["running_mean"], own["running_var"], facts)


def _contracted(
    layers: Sequence[Layer],
    tensors: Sequence[Mapping[str, torch.Tensor]],
    x: torch.Tensor,
    here: Sequence[Here],
) -> torch.Tensor:
    """Contract filters over time and sums over channels to filters over both: nothing is between them."""
    import torch

    from .functions import FiltersOfWindows

    in_time, across = tensors
    space = across["weight"].squeeze(-1).transpose(2, 3)  # (n_models, n_out, n_rows, n_in)
    weight = torch.bmm(space.flatten(1, 2), in_time["weight"].flatten(2)).unflatten(1, space.shape[1:3])
    bias = torch.zeros_like(space[:, :, 0, 0])
    if "bias" in in_time:
        bias = torch.bmm(space.sum(dim=2), in_time["bias"].unsqueeze(2)).squeeze(2)
    if "bias" in across:
        bias = bias + across["bias"]
    padding = padding_of(layers[0].options)
    rows = torch.nn.functional.pad(x.squeeze(2).transpose(1, 2), padding).contiguous()
    return FiltersOfWindows.apply(rows, weight, bias).transpose(1, 2)


def _chain_fits(layers: Sequence[Layer]) -> bool:
    return layers[0].options["n_in"] == 1 and not any(layers[i].options.get("bias", True) for i in (0, 2))


def _chain(
    layers: Sequence[Layer],
    tensors: Sequence[Mapping[str, torch.Tensor]],
    x: torch.Tensor,
    here: Sequence[Here],
) -> torch.Tensor:
    """Run as one where that takes fewer products than one by one: not in long windows of few channels."""
    from .chains import ChainNorm, run_chain

    space = sums_of(layers[4].options, tensors[4])
    n_windows, n_times, second = x.shape[1], x.shape[-1], layers[2].options
    as_one = n_times * (n_times + space.shape[2] * n_windows)
    if as_one > second["n_in"] * second["kernel"] * x.shape[3] * n_windows:
        for layer, own, place in zip(layers, tensors, here, strict=True):
            assert layer.record.stacked is not None
            x = layer.record.stacked(layer.options, own, x, place)
        return x
    norms = [
        ChainNorm(own, in_training(layer.options, x, place), layer.options["eps"], layer.options["momentum"])
        for layer, own, place in zip(layers[1:4:2], tensors[1:4:2], here[1:4:2], strict=True)
    ]
    padding = [padding_of(layers[i].options) for i in (0, 2)]
    found = run_chain(
        x.squeeze(2).transpose(1, 2).contiguous(), tensors[0]["weight"].flatten(2), norms[0],
        tensors[2]["weight"].squeeze(3), norms[1], space, (padding[0], padding[1]),
    )  # fmt: skip
    return found.flatten(1, 2).transpose(1, 2)


CHAIN = Joined(
    kinds=("conv_time", "batch_norm", "conv_time", "batch_norm", "conv_space"),
    first=True,
    fits=_chain_fits,
    stacked=_chain,
)
BANK = Joined(
    kinds=("conv_time", "batch_norm", "elu", "conv_space"), first=True, fits=_bank_fits, stacked=_bank
)
CONTRACTED = Joined(
    kinds=("conv_time", "conv_across"),
    first=True,
    fits=lambda layers: layers[0].options["n_in"] == 1,
    stacked=_contracted,
)
NORM_ELU_MEANS = Joined(kinds=("batch_norm", "elu", "mean_pool"), stacked=_norm_elu)
NORM_ELU = Joined(kinds=("batch_norm", "elu"), stacked=_norm_elu)
JOINED = (CHAIN, BANK, CONTRACTED, NORM_ELU_MEANS, NORM_ELU)
"""Tried in this order."""


def join(layers: Sequence[Layer]) -> list[tuple[Joined | None, tuple[Layer, ...]]]:
    """Return layers in groups that run as one, and alone where nothing joins them."""
    found: list[tuple[Joined | None, tuple[Layer, ...]]] = []
    at = 0
    while at < len(layers):
        for joined in JOINED:
            group = tuple(layers[at : at + len(joined.kinds)])
            inside = all(layer.part != "head" for layer in group)
            if tuple(layer.kind for layer in group) == joined.kinds and inside and joined.fits(group):
                found.append((joined, group))
                break
        else:
            group = (layers[at],)
            found.append((None, group))
        at += len(group)
    return found
