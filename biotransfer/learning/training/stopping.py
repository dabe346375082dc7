"""Early stopping: every model keeps the weights of the epoch with the lowest validation loss."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch

from .curves import Curves
from .job import Job


class BestEpochs:
    """What has been best so far, for the models of a stack; models that have stopped keep theirs.

    Parameters
    ----------
    job : Job
        Of these models.
    curves : Curves
        Theirs, filled in epoch by epoch.
    tensors : mapping of str to Tensor, shape (n_models, *shape)
        What changes while they train; it is written back in place.
    arms : slice
        Which rows of ``curves`` the models are.
    """

    def __init__(self, job: Job, curves: Curves, tensors: Mapping[str, torch.Tensor], arms: slice):
        self.patience, self.n_validation = job.schedule.patience, job.n_validation
        self.curves, self.tensors, self.arms = curves, tensors, arms
        n = len(curves.best_epoch[arms])
        self.lowest = np.full(n, np.inf)
        self.stopped = np.zeros(n, dtype=bool)
        self.kept = {name: tensor.detach().clone() for name, tensor in tensors.items()}

    def watch(self, epoch: int) -> bool:
        """Look at the epoch that has ended, counted from 1; return whether every model has stopped."""
        if self.patience == 0:
            return False
        watched = self.curves.loss[self.arms, epoch, : self.n_validation].mean(axis=1, dtype=np.float64)
        better = ~self.stopped & (watched < self.lowest)
        self.lowest[better] = watched[better]
        best, last = self.curves.best_epoch[self.arms], self.curves.trained_epochs[self.arms]
        best[better] = epoch
        index = torch.from_numpy(np.flatnonzero(better))
        for name, tensor in self.tensors.items():
            where = index.to(tensor.device)
            self.kept[name].index_copy_(0, where, tensor.detach().index_select(0, where))
        last[~self.stopped] = epoch
        self.stopped |= epoch - best >= self.patience
        return bool(self.stopped.all())

    @torch.no_grad()
    def restore(self) -> None:
        """Put the best weights back, and let the curves show them from their epoch on."""
        if self.patience == 0:
            return
        for name, tensor in self.tensors.items():
            tensor.copy_(self.kept[name])
        curves, arms = self.curves, self.arms
        for table in (curves.predicted, curves.loss, curves.train_loss, curves.train_accuracy):
            for row, best in zip(table[arms], curves.best_epoch[arms], strict=True):
                row[best:] = row[best]
