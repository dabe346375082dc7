"""AdamW for many models at once: each tensor of each model at its own rate, from its own first update on.

Models stand side by side in a tensor, so neighbours of one rate and beginning are one contiguous segment, and
all segments of one rate and beginning are updated by one fused call. What is frozen is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from itertools import groupby

import torch

from ...edges import update_by_adamw
from .arm import Arm
from .schedule import Schedule

BETAS, EPS = (0.9, 0.999), 1e-8


@dataclass(eq=False)
class _Group:
    """Segments that move alike: name and models of each, and the optimiser's state."""

    rate: float
    first: int
    step: torch.Tensor
    where: list[tuple[str, slice]] = field(default_factory=list)
    values: list[torch.Tensor] = field(default_factory=list)
    means: list[torch.Tensor] = field(default_factory=list)
    squares: list[torch.Tensor] = field(default_factory=list)

    def add(self, name: str, models: slice, values: torch.Tensor) -> None:
        """Add neighbouring models of one tensor."""
        self.where.append((name, models))
        self.values.append(values)
        self.means.append(torch.zeros_like(values))
        self.squares.append(torch.zeros_like(values))


class StackedAdamW:
    """The optimiser of a stack; the same updates as torch.optim.AdamW on every model alone.

    Parameters
    ----------
    arms : sequence of Arm
        One per model.
    leaves : mapping of str to list of Tensor, shape (n_models, *shape)
        What trains in place of each of the network's tensors: itself, or a low-rank pair.
    schedule : Schedule
        Rate and weight decay.
    n_train : int
        Training windows, which fix the number of updates.

    Notes
    -----
    Source: Loshchilov & Hutter 2019, arXiv:1711.05101, algorithm 2.
    """

    def __init__(
        self,
        arms: Sequence[Arm],
        leaves: Mapping[str, Sequence[torch.Tensor]],
        schedule: Schedule,
        n_train: int,
    ):
        self.schedule = schedule
        groups: dict[tuple[float, int], _Group] = {}
        never = schedule.n_updates(n_train)
        for name, parts in leaves.items():
            settings = [
                (a.lr_scale[name], schedule.first_update(a.thaw.get(name, 0.0), n_train)) for a in arms
            ]
            at = 0
            for (scale, first), same in groupby(settings):
                models = slice(at, at := at + len(list(same)))
                if scale > 0 and first < never:
                    key = schedule.learning_rate * scale, first
                    if key not in groups:
                        groups[key] = _Group(*key, torch.zeros((), device=parts[0].device))
                    for i, leaf in enumerate(parts):
                        groups[key].add(f"{name}/{i}", models, leaf.detach()[models])
        self._groups = list(groups.values())
        self._active: list[_Group] = []
        self._changes = {group.first for group in self._groups}
        self.training: list[str] = []

    def begin(self, update: int) -> bool:
        """Let what thaws at ``update`` take part from now on; return whether ``training`` has changed.

        ``training`` lists the names whose gradient is needed: "tensor/0" and, for low-rank pairs, "tensor/1".
        """
        if update not in self._changes:
            return False
        self._active = [group for group in self._groups if group.first <= update]
        self.training = list(dict.fromkeys(name for group in self._active for name, _ in group.where))
        return True

    @torch.no_grad()
    def step(self, gradients: Mapping[str, torch.Tensor]) -> None:
        """Update every active segment.

        Parameters
        ----------
        gradients : mapping of str to Tensor
            By the names in ``training``.
        """
        for group in self._active:
            group.step.add_(1)
            update_by_adamw(
                group.values,
                [gradients[name][models] for name, models in group.where],
                group.means,
                group.squares,
                group.step,
                rate=group.rate,
                betas=BETAS,
                weight_decay=self.schedule.weight_decay,
                eps=EPS,
            )
