"""AdamW for many models at once: each tensor of each model at its own rate, from its own first update on.

Models stand side by side in a tensor, so neighbours of one rate and beginning are one contiguous segment, and
all segments of one rate are updated by one fused call. What is frozen is never touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby

import torch
from torch.optim.adamw import adamw

from ..arms.arm import Arm
from .schedule import Schedule

BETAS, EPS = (0.9, 0.999), 1e-8


@dataclass(frozen=True, eq=False)
class _Segment:
    """Neighbouring models whose tensor moves alike, with the optimiser's state."""

    name: str
    models: slice
    rate: float
    first: int
    values: torch.Tensor
    mean: torch.Tensor
    square: torch.Tensor
    step: torch.Tensor


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
        self.schedule, self.leaves = schedule, leaves
        self.segments: list[_Segment] = []
        never = schedule.n_updates(n_train)
        for name, parts in leaves.items():
            settings = [
                (a.lr_scale[name], schedule.first_update(a.thaw.get(name, 0.0), n_train)) for a in arms
            ]
            at = 0
            for (scale, first), same in groupby(settings):
                models = slice(at, at := at + len(list(same)))
                if scale > 0 and first < never:
                    for i, leaf in enumerate(parts):
                        values = leaf.detach()[models]
                        state = torch.zeros_like(values), torch.zeros_like(values)
                        step = torch.zeros((), device=leaf.device)
                        rate = schedule.learning_rate * scale
                        self.segments.append(
                            _Segment(f"{name}/{i}", models, rate, first, values, *state, step)
                        )
        self._active: dict[float, list[_Segment]] = {}
        self._changes = {s.first for s in self.segments}
        self.training: list[str] = []

    def begin(self, update: int) -> bool:
        """Let what thaws at ``update`` take part from now on; return whether ``training`` has changed.

        ``training`` lists the names whose gradient is needed: "tensor/0" and, for low-rank pairs, "tensor/1".
        """
        if update not in self._changes:
            return False
        self._active = {}
        for segment in self.segments:
            if segment.first <= update:
                self._active.setdefault(segment.rate, []).append(segment)
        self.training = list(dict.fromkeys(s.name for group in self._active.values() for s in group))
        return True

    @torch.no_grad()
    def step(self, gradients: Mapping[str, torch.Tensor]) -> None:
        """Update every active segment.

        Parameters
        ----------
        gradients : mapping of str to Tensor
            By the names in ``training``.
        """
        for rate, group in self._active.items():
            adamw(
                [s.values for s in group],
                [gradients[s.name][s.models] for s in group],
                [s.mean for s in group],
                [s.square for s in group],
                [],
                [s.step for s in group],
                fused=True,
                amsgrad=False,
                beta1=BETAS[0],
                beta2=BETAS[1],
                lr=rate,
                weight_decay=self.schedule.weight_decay,
                eps=EPS,
                maximize=False,
            )
