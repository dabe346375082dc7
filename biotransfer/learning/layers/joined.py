"""Layers that follow each other, as one: the same values and gradients, in fewer or nearer operations."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

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
    return in_time["n_in"] == 1 and not in_time.get("bias", True)


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
    return found.flatten(1, 2).transpose(1, 2)


def _scaled_elu(
    layers: Sequence[Layer],
    tensors: Sequence[Mapping[str, torch.Tensor]],
    x: torch.Tensor,
    here: Sequence[Here],
) -> torch.Tensor:
    from .functions import ScaleElu, standardise

    norm = layers[0].options
    found = standardise(
        x, tensors[0], in_training(norm, x, here[0]), eps=norm["eps"], momentum=norm["momentum"]
    )
    return ScaleElu.apply(*found)


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
    padding = layers[0].options.get("padding", layers[0].options["kernel"] // 2)
    rows = torch.nn.functional.pad(x.squeeze(2).transpose(1, 2), (padding, padding)).contiguous()
    return FiltersOfWindows.apply(rows, weight, bias).transpose(1, 2)


BANK = Joined(
    kinds=("conv_time", "batch_norm", "elu", "conv_space"), first=True, fits=_bank_fits, stacked=_bank
)
CONTRACTED = Joined(
    kinds=("conv_time", "conv_across"),
    first=True,
    fits=lambda layers: layers[0].options["n_in"] == 1,
    stacked=_contracted,
)
NORM_ELU = Joined(kinds=("batch_norm", "elu"), stacked=_scaled_elu)
JOINED = (BANK, CONTRACTED, NORM_ELU)
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
