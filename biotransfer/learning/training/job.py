"""What an engine is asked for and what it gives back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from ...errors import check
from ..networks.network import Network
from .arm import Arm
from .augmentations import refuse_features
from .curves import Curves
from .schedule import Schedule, epoch_order
from .weighting import window_weights


@dataclass(frozen=True, eq=False)
class PseudoLabels:
    """What a teacher says of windows without labels.

    Parameters
    ----------
    rows : ndarray, shape (n_windows,), int64
        Rows of the pool that got a label.
    probabilities : ndarray, shape (n_windows, n_classes), float32
        Their labels: a distribution over the classes, or one at the first choice.
    ratio : int
        Such windows per labelled one in a batch.
    """

    rows: np.ndarray
    probabilities: np.ndarray
    ratio: int


@dataclass(frozen=True, eq=False)
class Job:
    """Trainings of one network on equally many windows each; arms may see different rows of one pool.

    Parameters
    ----------
    network : Network
        Of all arms.
    arms : sequence of Arm
        Starting weights and seeds.
    X : ndarray, shape (n_pool, *network.input_shape), float32
        Pool of windows.
    y : ndarray, shape (n_pool,), int64
        Labels.
    train_rows : ndarray, shape (n_arms, n_train), int64
        Rows of the pool that each arm trains on.
    eval_rows : ndarray, shape (n_arms, n_eval), int64
        Rows on which curves are taken.
    split_uid : str
        With the seed it fixes the order of batches.
    schedule : Schedule
        Epochs, rate, batch size.
    unlabelled_rows : ndarray, shape (n_arms, n_unlabelled), int64, optional
        Rows without labels, for arms that have a teacher.
    pseudo : sequence of PseudoLabels or None, optional
        What each arm's teacher said; filled in once the teachers are trained.
    n_validation : int
        How many of ``eval_rows``, from the first on, are validation rows: what ``Schedule.patience`` watches.
    sfreq : float, optional
        Sampling rate of the windows in Hz.
    sample_weight : ndarray, shape (n_pool,), float64, optional
        What each window counts in the loss, besides ``Schedule.class_weight``.
    """

    network: Network
    arms: Sequence[Arm]
    X: np.ndarray
    y: np.ndarray
    train_rows: np.ndarray
    eval_rows: np.ndarray
    split_uid: str
    schedule: Schedule
    unlabelled_rows: np.ndarray | None = None
    pseudo: Sequence[PseudoLabels | None] = ()
    n_validation: int = 0
    sfreq: float | None = None
    sample_weight: np.ndarray | None = None

    def __post_init__(self) -> None:
        n = len(self.arms)
        check(n > 0, "arms=[] is empty. Pass at least one arm.")
        check(
            self.X.shape[1:] == tuple(self.network.input_shape),
            f"windows have shape {self.X.shape[1:]}, network {self.network.name!r} takes "
            f"{self.network.input_shape}. Build the network for these windows.",
        )
        check(
            self.train_rows.shape[0] == n and self.eval_rows.shape[0] == n,
            f"train_rows for {self.train_rows.shape[0]} arms, eval_rows for {self.eval_rows.shape[0]}, "
            f"{n} arms. They must agree.",
        )
        check(self.train_rows.shape[1] > 0, "train_rows is empty: there is nothing to train on.")
        patience = self.schedule.patience
        check(
            patience == 0 or self.n_validation > 0,
            f"train.patience={patience} watches validation windows, and this split has none. "
            "Keep people for them, such as split: {by: subject, validation: 1}, or use train.patience=0.",
        )
        if self.schedule.augment != "none" and len(self.network.input_shape) != 2:
            refuse_features(self.network.name, self.schedule.augment)

    def order(self, arm: int, epoch: int) -> np.ndarray:
        """Rows of the pool in the order in which ``arm`` sees them."""
        rows = self.train_rows[arm]
        return rows[epoch_order(self.arms[arm].seed, self.split_uid, epoch, len(rows))]

    @cached_property
    def weights(self) -> np.ndarray | None:
        """What the training windows of every arm count, shape (n_arms, n_train); None: all the same."""
        return window_weights(self.train_rows, self.y, self.schedule.class_weight, self.sample_weight)

    def weights_in_order(self, arm: int, epoch: int) -> np.ndarray:
        """Return what the windows of :meth:`order` count, shape (n_train,); (0,) where all count the same."""
        if self.weights is None:
            return np.empty(0)
        own: np.ndarray = self.weights[arm]
        return own[epoch_order(self.arms[arm].seed, self.split_uid, epoch, len(own))]

    def take(self, arms: np.ndarray) -> Job:
        """Return the job of some of the arms, in the order given; the pool is shared."""
        return replace(
            self,
            arms=[self.arms[a] for a in arms],
            train_rows=self.train_rows[arms],
            eval_rows=self.eval_rows[arms],
            unlabelled_rows=None if self.unlabelled_rows is None else self.unlabelled_rows[arms],
            pseudo=[self.pseudo[a] for a in arms] if self.pseudo else (),
        )

    def labels_of(self, arm: int) -> PseudoLabels | None:
        """Return what the arm's teacher said, where there was one and it labelled any window."""
        said = self.pseudo[arm] if self.pseudo else None
        return said if said is not None and len(said.rows) else None


def shared_tensor(array: np.ndarray) -> torch.Tensor:
    """Return a tensor of the same memory, which is only read: windows may be shared between processes."""
    array = np.ascontiguousarray(array)
    if array.flags.writeable or not array.size:
        return torch.from_numpy(array)
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
        return torch.from_numpy(array)


def empty_curves(job: Job, engine: str) -> Curves:
    """Return curves to be filled in for ``job``."""
    n_arms, n_eval = job.eval_rows.shape
    steps, epochs = job.schedule.evaluation_points(job.train_rows.shape[1])
    return Curves(
        steps=steps,
        epochs=epochs,
        predicted=np.zeros((n_arms, len(steps), n_eval), np.int16),
        loss=np.zeros((n_arms, len(steps), n_eval), np.float32),
        probabilities=np.zeros((n_arms, n_eval, job.network.n_outputs), np.float32),
        train_loss=np.full((n_arms, len(steps)), np.nan),
        train_accuracy=np.full((n_arms, len(steps)), np.nan),
        tensors=[{} for _ in job.arms],
        trained_epochs=np.full(n_arms, job.schedule.epochs),
        best_epoch=np.full(n_arms, job.schedule.epochs),
        pseudo_labels=np.array([len(said.rows) if (said := job.labels_of(a)) else 0 for a in range(n_arms)]),
        engine=engine,
        path=np.full(n_arms, engine, dtype=object),
    )
