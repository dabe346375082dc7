"""The models of a stack, and one update of all of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch.nn import functional

from ..weights import is_statistic
from .adamw import StackedAdamW
from .augmentations import Augment
from .context import Others
from .cuda_graphs import Replays
from .dense import DenseGradients, written_out
from .extras import Anchors, LowRank, Penalties, Stacked, stack_arrays
from .forward import run_mixed, run_stacked
from .job import Job
from .passes import TrainingPass
from .recorder import Recorder
from .schedule import update_seed
from .teaching import others_in_order, pseudo_order, soft_cross_entropy

_WINDOWS = 64
"""Of a library's model that are looked at in one pass: more leave a CPU's cache."""


@dataclass(frozen=True, eq=False)
class _Labelled:
    """What a stack's teachers labelled, for one epoch: rows of the pool and their probabilities."""

    rows: torch.Tensor
    probabilities: torch.Tensor


class Models:
    """Weights of a stack's models with everything that moves them.

    Parameters
    ----------
    job : Job
        Of arms that :func:`.plan_stacks` put together.
    X : Tensor, shape (n_pool, *input_shape)
        All windows; gives device and precision.
    y : Tensor, shape (n_pool,)
        Labels.
    augment : callable, optional
        Changes training windows.

    Attributes
    ----------
    leaves : dict of str to Tensor, shape (n_models, *shape)
        What moves: "tensor/0" and, for low-rank pairs, "tensor/1".
    repeats : bool
        Whether every update does the same to the windows and weights that it is given, until
        :meth:`begin_update` returns True.
    """

    def __init__(self, job: Job, X: torch.Tensor, y: torch.Tensor, augment: Augment | None):
        arms, network, schedule = job.arms, job.network, job.schedule
        self.job, self.X, self.y, self.augment = job, X, y, augment
        self.tensors = {
            name: stack_arrays([arm.tensors[name] for arm in arms], X) for name in network.tensor_shapes
        }
        self.low_rank, self.anchors = LowRank(arms, X), Anchors(arms, X)
        self.run = run_mixed if schedule.precision == "mixed" else run_stacked
        self.penalty = (
            Penalties(arms, X, self.run, lambda own, x: self.run(network, own, x), schedule)
            if arms[0].penalty
            else None
        )
        parts = {name: self.low_rank.factors.get(name, (tensor,)) for name, tensor in self.tensors.items()}
        self.leaves = {f"{name}/{i}": leaf for name, pair in parts.items() for i, leaf in enumerate(pair)}
        parts = {name: pair for name, pair in parts.items() if not is_statistic(name)}
        self.same_rows = bool((job.eval_rows == job.eval_rows[:1]).all())
        self.n_train = job.train_rows.shape[1]
        self.optimizer = StackedAdamW(arms, parts, schedule, self.n_train)
        said = job.labels_of(0)
        self.ratio = said.ratio if said else 0
        self.repeats = not (self.penalty or self.ratio or augment or job.weights is not None)
        plain = (
            not (self.penalty or self.ratio or augment)
            and not self.low_rank.factors
            and schedule.precision == "full"
        )
        self.written = (
            DenseGradients(network, self.tensors, len(arms)) if plain and written_out(network) else None
        )
        self.n_updates = 0
        self.now = TrainingPass(job) if network.build is not None else None
        self.replays = Replays(self.update) if X.is_cuda and self.repeats else None

    @property
    def path(self) -> str:
        """By what the models are trained, see :class:`.Curves`."""
        kind = "stacked modules" if self.written is None else "dense gradients"
        return kind if self.replays is None else f"{kind}, CUDA graph"

    @property
    def merged(self) -> Stacked:
        """All tensors of the network, low-rank products added."""
        return self.low_rank.merge(self.tensors)

    def begin_epoch(self, epoch: int) -> None:
        """Choose what the teachers labelled, and what penalties look at, for an epoch counted from 0."""
        job = self.job
        if self.penalty and self.penalty.others:
            found = np.stack([others_in_order(job, a, epoch) for a in range(len(job.arms))])
            self._others = torch.from_numpy(found).to(self.X.device)
        if not self.ratio:
            return
        said = [job.labels_of(a) for a in range(len(job.arms))]
        picked = [pseudo_order(job, a, epoch) for a in range(len(job.arms))]
        rows = np.stack([s.rows[p] for s, p in zip(said, picked, strict=True) if s])
        labels = stack_arrays([s.probabilities[p] for s, p in zip(said, picked, strict=True) if s], self.X)
        self._further = _Labelled(torch.from_numpy(rows).to(self.X.device), labels)

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what each model says of some of its evaluation rows, (n_models, n_windows, n_classes)."""
        if self.now is not None and rows.shape[1] > _WINDOWS:
            return torch.cat([self.logits(part) for part in rows.split(_WINDOWS, dim=1)], dim=1)
        if self.same_rows:
            x = gather(self.X, rows[:1]).expand(len(rows), *[-1] * self.X.ndim)
        else:
            x = gather(self.X, rows)
        return run_stacked(self.job.network, self.merged, x)[1]

    def train_epoch(self, epoch: int, recorder: Recorder) -> None:
        """Train every model on all its windows, in the order of an epoch, counted from 1."""
        job = self.job
        order = np.stack([job.order(a, epoch - 1) for a in range(len(job.arms))])
        rows = torch.from_numpy(order).to(self.X.device)
        targets = self.y[rows]
        counts = np.stack([job.weights_in_order(a, epoch - 1) for a in range(len(job.arms))])
        weights = torch.from_numpy(counts).to(self.X)
        self.begin_epoch(epoch - 1)
        recorder.begin(epoch)
        for batch in job.schedule.batches(self.n_train):
            changed = self.begin_update()
            if self.replays is None:
                found = self.update(rows[:, batch], targets[:, batch], batch.start, weights[:, batch])
            else:
                if changed:
                    self.replays.forget()
                found = self.replays(rows[:, batch], targets[:, batch])
            recorder.add(epoch, *found, batch.stop - batch.start)

    def begin_update(self) -> bool:
        """Let what thaws now take part; return whether the set of trained tensors has changed."""
        changed = self.optimizer.begin(self.n_updates)
        if self.now is not None:
            self.now.begin(self.n_updates)
        if changed and self.written is None:
            for name, leaf in self.leaves.items():
                leaf.requires_grad_(name in self.optimizer.training)
        self.n_updates += 1
        return changed

    def update(
        self,
        rows: torch.Tensor,
        targets: torch.Tensor,
        begin: int = 0,
        weights: torch.Tensor | None = None,
    ) -> tuple[torch.Tensor, torch.Tensor]:
        """Train every model on its batch.

        Parameters
        ----------
        rows, targets : Tensor, shape (n_models, n_windows), int64
            Windows of the pool and their labels.
        begin : int
            Where in the epoch the batch begins.
        weights : Tensor, shape (n_models, n_windows) or (n_models, 0), optional
            What each window counts; the same without any.

        Returns
        -------
        loss : Tensor, shape (n_models,)
            Mean cross-entropy before the update, without what an arm adds to it.
        hits : Tensor, shape (n_models,), int64
            Windows that were classified correctly.
        """
        weights = weights if weights is not None and weights.shape[1] else None
        if self.written is None:
            return self._by_autograd(rows, targets, begin, weights)
        loss, hits = self.written(self.X, rows, targets, self.optimizer.training, weights)
        self.anchors.add_gradients(self.written.gradients, self.tensors)
        self.optimizer.step(self.written.gradients)
        return loss, hits

    def _by_autograd(
        self, rows: torch.Tensor, targets: torch.Tensor, begin: int, weights: torch.Tensor | None
    ) -> tuple[torch.Tensor, torch.Tensor]:
        n, training = rows.shape[1], self.optimizer.training
        if self.ratio:
            more = slice(self.ratio * begin, self.ratio * (begin + n))
            rows = torch.cat([rows, self._further.rows[:, more]], dim=1)
        x, merged = gather(self.X, rows), self.merged
        if self.augment:
            x = torch.stack([self.augment(own, seed) for own, seed in zip(x, self._seeds(), strict=True)])
        features, logits = self.run(self.job.network, merged, x, self.now)
        losses = functional.cross_entropy(
            logits[:, :n].flatten(0, 1), targets.flatten(), reduction="none"
        ).view_as(targets)
        labelled = losses.mean(dim=1)
        loss = labelled if weights is None else (weights * losses).mean(dim=1)
        if self.ratio:
            pseudo = soft_cross_entropy(logits[:, n:], self._further.probabilities[:, more]).sum(dim=1)
            loss = (n * loss + pseudo) / rows.shape[1]
        plain = loss
        if self.anchors.parts:
            loss = loss + self.anchors.loss(merged)
        beside: dict[str, torch.Tensor] = {}
        if self.penalty:
            progress = (self.n_updates - 1) / self.job.schedule.n_updates(self.n_train)
            beside = self.penalty.leaves
            loss = loss + self.penalty.loss(
                x, targets, features, logits, merged, progress, labelled=plain,
                others=self._further_windows(begin, n), seeds=self._seeds(),
            )  # fmt: skip
        if training or beside:
            wanted = [*(self.leaves[name] for name in training), *beside.values()]
            found = torch.autograd.grad(loss.sum(), wanted, allow_unused=bool(beside))
            own = zip(training, found, strict=False)
            self.optimizer.step(
                {k: torch.zeros_like(self.leaves[k]) if g is None else g.contiguous() for k, g in own}
            )
        if self.penalty:
            for leaf, gradient in zip(beside.values(), found[len(training) :] if beside else (), strict=True):
                leaf.grad = None if gradient is None else gradient.contiguous()
            self.penalty.step()
        hits = (logits[:, :n].detach().argmax(-1) == targets).sum(dim=1)
        return labelled.detach(), hits

    def _seeds(self) -> list[int]:
        """Return the seed of every model for what the update that has begun draws."""
        return [update_seed(arm.seed, self.job.split_uid, self.n_updates - 1) for arm in self.job.arms]

    def _further_windows(self, begin: int, n: int) -> Others | None:
        """Return the windows that the penalty looks at in an update, besides the batch."""
        if self.penalty is None or not self.penalty.others:
            return None
        rows = self._others[:, begin : begin + n]
        labels = self.y[rows] if self.penalty.others == "labelled" else None
        return Others(gather(self.X, rows), rows, len(self.X), labels)


def gather(X: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """Return the windows of each model, shape (n_models, n_windows, *input_shape)."""
    return X.index_select(0, rows.reshape(-1)).unflatten(0, tuple(rows.shape))
