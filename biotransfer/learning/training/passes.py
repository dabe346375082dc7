"""Forward passes of a stack in training: whose layers are in training, and what dropout draws for each."""

from __future__ import annotations

import torch

from ..layers.passing import Pass
from ..networks.tensors import inert_blocks
from .job import Job
from .schedule import update_seed


class TrainingPass(Pass):
    """Does what the loop does with each model alone: see :func:`.set_training`, and draws of one seed.

    Parameters
    ----------
    job : Job
        Of the stack.
    """

    def __init__(self, job: Job):
        self.job = job
        n_train, schedule = job.train_rows.shape[1], job.schedule
        self._first = [
            {
                name: schedule.first_update(arm.thaw.get(name, 0.0), n_train)
                for name in job.network.tensor_shapes
                if arm.lr_scale[name] > 0
            }
            for arm in job.arms
        ]
        self._changes = {0, *(first for own in self._first for first in own.values())}
        self._found: dict[str, tuple[bool, ...]] = {}

    def begin(self, update: int) -> None:
        """Let an update begin, counted from 0: who trains from now on, and the draws of its seed."""
        job = self.job
        if update in self._changes:
            names = list(job.network.tensor_shapes)
            self._still = [
                frozenset(name for name in names if own.get(name, update + 1) > update) for own in self._first
            ]
            self._inert = [frozenset(inert_blocks(names, still)) for still in self._still]
            self._found = {}
            streams = [(arm.seed, inert) for arm, inert in zip(job.arms, self._inert, strict=True)]
            own = list(dict.fromkeys(streams))
            self._stream = torch.tensor([own.index(stream) for stream in streams])
            self._seeds = [seed for seed, _ in own]
            self._models = [streams.index(stream) for stream in own]
        self._draws = [
            torch.Generator().manual_seed(update_seed(seed, job.split_uid, update)) for seed in self._seeds
        ]

    def training(self, name: str) -> tuple[bool, ...]:
        """Return for every model whether the layer of a name is in training."""
        if name not in self._found:
            parts = name.split(".")
            blocks = {".".join(parts[:i]) for i in range(1, len(parts) + 1)}
            self._found[name] = tuple(
                not (blocks & inert or f"{name}.running_mean" in still)
                for still, inert in zip(self._still, self._inert, strict=True)
            )
        return self._found[name]

    def kept(self, name: str, share: float, like: torch.Tensor) -> torch.Tensor:
        """Return factors by which values are dropped, drawn as torch does for each model alone."""
        training = self.training(name)
        found = like.new_empty((len(self._draws), *like.shape[1:]))
        for own, model, draw in zip(found, self._models, self._draws, strict=True):
            if training[model]:
                own.bernoulli_(1 - share, generator=draw)
            else:
                own.fill_(1 - share)
        found.div_(1 - share)
        return found if len(found) == len(like) else found[self._stream]
