"""Curves of a stack, kept where it trains and brought home once."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import torch
from torch.nn import functional

from .job import Job, empty_curves

_EVAL_WINDOWS = 512


class Evaluated(Protocol):
    """Models whose curves are taken."""

    def logits(self, rows: torch.Tensor) -> torch.Tensor:
        """Return what each model says of some of its evaluation rows, (n_models, n_windows, n_classes)."""


class Recorder:
    """Takes a point of the curves after every epoch; only early stopping waits for it on the device.

    Parameters
    ----------
    job : Job
        Of the stack.
    X, y : Tensor
        All windows and their labels.
    """

    def __init__(self, job: Job, X: torch.Tensor, y: torch.Tensor):
        self.job, self.X, self.y = job, X, y
        self.curves = empty_curves(job, "stacked")
        self.predicted, self.loss, self.probabilities = (
            torch.from_numpy(table).to(X.device)
            for table in (self.curves.predicted, self.curves.loss, self.curves.probabilities)
        )
        self.train_loss = X.new_full(self.curves.train_loss.shape, np.nan)
        self.train_hits = torch.zeros(self.curves.train_loss.shape, dtype=torch.int64, device=X.device)
        self.rows = torch.from_numpy(job.eval_rows).to(X.device)

    def add(self, epoch: int, loss: torch.Tensor, hits: torch.Tensor, n_windows: int) -> None:
        """Count what an update of epoch ``epoch``, from 1, saw of its batch."""
        self.train_loss[:, epoch].add_(loss, alpha=n_windows)
        self.train_hits[:, epoch].add_(hits)

    def begin(self, epoch: int) -> None:
        """Count from nothing."""
        self.train_loss[:, epoch] = 0

    @torch.no_grad()
    def evaluate(self, models: Evaluated, at: int) -> None:
        """Take column ``at`` of the curves."""
        job, n = self.job, self.rows.shape[1]
        for begin in range(0, n, _EVAL_WINDOWS):
            part = slice(begin, min(begin + _EVAL_WINDOWS, n))
            rows = self.rows[:, part]
            logits = models.logits(rows)
            log_p = functional.log_softmax(logits.transpose(1, 2).contiguous(), dim=1)
            self.predicted[:, at, part] = logits.argmax(-1).to(self.predicted.dtype)
            self.loss[:, at, part] = -log_p.gather(1, self.y[rows].unsqueeze(1)).squeeze(1).float()
            if at == len(self.curves.steps) - 1:
                self.probabilities[:, part] = log_p.exp().transpose(1, 2).float()
        if job.schedule.patience:
            self._fetch(slice(at, at + 1))

    def finish(self) -> None:
        """Fill in ``curves``; where early stopping watches them, only what it has not brought home."""
        n_train = self.job.train_rows.shape[1]
        self.curves.train_loss[:] = self.train_loss.cpu().numpy() / n_train
        self.curves.train_accuracy[:, 1:] = self.train_hits[:, 1:].cpu().numpy() / n_train
        if not self.job.schedule.patience:
            self._fetch(slice(None))

    def _fetch(self, columns: slice) -> None:
        if self.X.is_cuda:
            self.curves.predicted[:, columns] = self.predicted[:, columns].cpu().numpy()
            self.curves.loss[:, columns] = self.loss[:, columns].cpu().numpy()
            self.curves.probabilities[:] = self.probabilities.cpu().numpy()
