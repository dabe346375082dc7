"""What a penalty may look at in one update."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import torch


@dataclass(frozen=True, eq=False)
class Others:
    """Further windows of one update, as many as the batch has.

    Parameters
    ----------
    x : Tensor, shape (n_models, n_windows, *input_shape)
        The windows.
    rows : Tensor, shape (n_models, n_windows), int64
        Where they stand in the pool.
    n_pool : int
        Windows of the pool.
    y : Tensor, shape (n_models, n_windows), int64, optional
        Their labels; None unless the penalty asks for "labelled".
    """

    x: torch.Tensor
    rows: torch.Tensor
    n_pool: int
    y: torch.Tensor | None = None


@dataclass(frozen=True, eq=False)
class Context:
    """What a penalty may look at in one update.

    Gradients flow through ``features``, ``logits``, ``tensors``, ``learned`` and what ``run`` returns.

    Parameters
    ----------
    x : Tensor, shape (n_models, n_windows, *input_shape)
        The batch.
    y : Tensor, shape (n_models, n_windows), int64
        Its labels.
    features : Tensor, shape (n_models, n_windows, n_features)
        What enters the head.
    logits : Tensor, shape (n_models, n_windows, n_outputs)
        What leaves it.
    tensors : mapping of str to Tensor, shape (n_models, *shape)
        The weights being trained (low-rank ones merged).
    reference : mapping of str to Tensor, shape (n_models, *shape)
        The penalty's own arrays (``Penalty.tensors``); they never train.
    reference_outputs : callable
        Returns features and logits of ``x`` under ``Penalty.network`` with the reference tensors, without
        gradient: shapes (n_models, n_windows, n_features) and (n_models, n_windows, its n_outputs).
    progress : float
        Share of the updates that are done, from 0 to below 1.
    labelled : Tensor, shape (n_models,)
        The loss on the batch that the penalty is added to.
    others : Others, optional
        Further windows, where ``Penalty.others`` asks for some.
    learned : mapping of str to Tensor, shape (n_models, *shape)
        What trains beside the network (``Penalty.learns``).
    run : callable, optional
        ``(tensors, x) -> (features, logits)``: runs the network on any windows with any weights.
    seeds : sequence of int
        One for each model, of this update: of what the penalty draws.
    memory : dict
        Kept from update to update of one training; empty at the first.
    """

    x: torch.Tensor
    y: torch.Tensor
    features: torch.Tensor
    logits: torch.Tensor
    tensors: Mapping[str, torch.Tensor]
    reference: Mapping[str, torch.Tensor]
    reference_outputs: Callable[[], tuple[torch.Tensor, torch.Tensor]]
    progress: float
    labelled: torch.Tensor
    others: Others | None = None
    learned: Mapping[str, torch.Tensor] = field(default_factory=dict)
    run: Callable[[Any, torch.Tensor], tuple[torch.Tensor, torch.Tensor]] | None = None
    seeds: Sequence[int] = ()
    memory: dict[str, Any] = field(default_factory=dict)

    def run_others(self, x: torch.Tensor | None = None) -> tuple[torch.Tensor, torch.Tensor]:
        """Return features and logits of the further windows, or of a view of them."""
        assert self.others is not None
        assert self.run is not None
        return self.run(self.tensors, self.others.x if x is None else x)
