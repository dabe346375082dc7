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
    fits : callable
        ``(layers) -> bool``: whether these can be joined.
    stacked : callable
        ``(layers, tensors of each, x, place of each) -> x``, see :attr:`.LayerKind.stacked`.
    """

    kinds: tuple[str, ...]
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


BANK = Joined(kinds=("conv_time", "batch_norm", "elu", "conv_space"), fits=_bank_fits, stacked=_bank)
NORM_ELU = Joined(kinds=("batch_norm", "elu"), stacked=_scaled_elu)
JOINED = (BANK, NORM_ELU)
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
