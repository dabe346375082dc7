"""What an engine is asked for and what it gives back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ..arms.arm import Arm
from ..errors import check
from ..networks.network import Network
from ..weights import Tensors
from .schedule import Schedule, epoch_order


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
    """

    network: Network
    arms: Sequence[Arm]
    X: np.ndarray
    y: np.ndarray
    train_rows: np.ndarray
    eval_rows: np.ndarray
    split_uid: str
    schedule: Schedule

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

    def order(self, arm: int, epoch: int) -> np.ndarray:
        """Rows of the pool in the order in which ``arm`` sees them."""
        rows = self.train_rows[arm]
        return rows[epoch_order(self.arms[arm].seed, self.split_uid, epoch, len(rows))]

    def take(self, arms: slice) -> Job:
        """Return the job of some of the arms."""
        return Job(self.network, self.arms[arms], self.X, self.y, self.train_rows[arms], self.eval_rows[arms],
                   self.split_uid, self.schedule)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Curves:
    """What happened, arm by arm.

    Parameters
    ----------
    steps, epochs : ndarray, shape (n_points,)
        Updates and passes at each point; column 0 is before any update.
    predicted : ndarray, shape (n_arms, n_points, n_eval), int16
        Predicted class.
    loss : ndarray, shape (n_arms, n_points, n_eval), float32
        Cross-entropy of each window, in nats.
    probabilities : ndarray, shape (n_arms, n_eval, n_classes), float32
        After the last update.
    train_loss, train_accuracy : ndarray, shape (n_arms, n_points), float64
        Mean over the batches of the epoch that ends at the point; NaN at step 0.
    tensors : list of dict
        Weights after the last update, one per arm.
    """

    steps: np.ndarray
    epochs: np.ndarray
    predicted: np.ndarray
    loss: np.ndarray
    probabilities: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    tensors: list[Tensors]


def empty_curves(job: Job) -> Curves:
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
    )


def join_curves(parts: Sequence[Curves]) -> Curves:
    """Join the curves of several arms' jobs."""
    first = parts[0]
    joined = {
        name: np.concatenate([getattr(p, name) for p in parts])
        for name in ("predicted", "loss", "probabilities", "train_loss", "train_accuracy")
    }
    tensors = [t for p in parts for t in p.tensors]
    return Curves(steps=first.steps, epochs=first.epochs, tensors=tensors, **joined)
