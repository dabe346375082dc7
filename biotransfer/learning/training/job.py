"""What an engine is asked for and what it gives back."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
import torch

from ...errors import check
from ...showing import html_table, one_line
from ...signals.splits import ALL, Split
from ..networks.network import Network
from ..weights import Tensors
from .arm import Arm
from .augmentations import refuse_features
from .schedule import Schedule, epoch_order
from .tables import curve_table


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


@dataclass(frozen=True, eq=False)
class Tested:
    """What a table says beside the numbers: what was trained, and whom it was tested on.

    Parameters
    ----------
    network : str
        Name of all arms' network.
    arms : sequence of Arm
        One per training.
    split : Split
        Its validation rows, then its test rows, are the points of every curve.
    subjects, y : ndarray, shape (n_eval,)
        Person and label of these rows.
    """

    network: str
    arms: Sequence[Arm]
    split: Split
    subjects: np.ndarray
    y: np.ndarray


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
        Mean over the labelled windows of the epoch that ends at the point, each as its batch's update saw it;
        NaN at step 0. The cross-entropy alone, without what an arm adds to it.
    tensors : list of dict
        Weights after the last update, one per arm; with ``Schedule.patience`` those of the best epoch.
    trained_epochs : ndarray, shape (n_arms,), int64
        Passes that were made.
    best_epoch : ndarray, shape (n_arms,), int64
        Pass whose weights were kept.
    pseudo_labels : ndarray, shape (n_arms,), int64
        Windows that a teacher labelled.
    engine : str
        Which engine trained them.
    path : ndarray of str, shape (n_arms,)
        By what: "kernel, products of torch", "dense gradients", "stacked modules", "loop" or "none"; with
        ", CUDA graph" where updates are replayed.
    tested : Tested, optional
        What :func:`.train` was given, for :meth:`to_frame`.
    """

    steps: np.ndarray
    epochs: np.ndarray
    predicted: np.ndarray
    loss: np.ndarray
    probabilities: np.ndarray
    train_loss: np.ndarray
    train_accuracy: np.ndarray
    tensors: list[Tensors]
    trained_epochs: np.ndarray
    best_epoch: np.ndarray
    pseudo_labels: np.ndarray
    engine: str
    path: np.ndarray
    tested: Tested | None = None

    def to_frame(
        self,
        direction: str,
        *,
        network: str | None = None,
        variant: str = "",
        protocol: str | None = None,
        budget: str = ALL,
    ) -> pd.DataFrame:
        """Return the curves as a study's table, which :func:`biotransfer.compare` takes.

        Parameters
        ----------
        direction : str
            What was carried where, such as "emg->eeg".
        network, protocol : str, optional
            What the table calls them. Default: the network's name, the split's rule.
        variant : str
            Which way to transfer, where several are compared.
        budget : str
            Labelled seconds per class, or "all".

        Returns
        -------
        DataFrame
            One row per arm, seed, person, step, part (validation, test; of train, people pooled as "*") and
            metric; the columns of ``results.CURVES``.

        Raises
        ------
        BiotransferError
            For curves that :func:`.train` did not make.
        """
        table, tested = self.by_trial(), self._tested()
        trial = table["trial"].to_numpy()
        columns = {
            "direction": str(direction),
            "network": network or tested.network,
            "variant": variant,
            "protocol": protocol or tested.split.rule,
            "budget": budget,
            "arm": np.array([arm.name for arm in tested.arms])[trial],
            "split": tested.split.name,
            "subject": table["subject"].astype("str"),
            "seed": np.array([arm.seed for arm in tested.arms])[trial],
            **{name: table[name] for name in ("step", "epoch")},
            **{name: table[name].astype("str") for name in ("split_part", "metric")},
            "value": table["value"],
        }
        return pd.DataFrame(columns, index=table.index)

    def by_trial(self) -> pd.DataFrame:
        """Return the rows of :meth:`to_frame` with the arm's position as ``trial`` in place of its names."""
        return curve_table(self, self._tested())

    def _tested(self) -> Tested:
        check(
            self.tested is not None,
            "curves were made by run_job, which knows rows but no people. Make them with train(...).",
        )
        assert self.tested is not None
        return self.tested

    def __repr__(self) -> str:
        n_arms, n_points, n_eval = self.predicted.shape
        return one_line(
            f"Curves: {n_arms} trainings, {n_points} points of {n_eval} windows, engine {self.engine}"
        )

    def _repr_html_(self) -> str:
        n_arms, n_points, n_eval = self.predicted.shape
        facts = {"trainings": n_arms, "points": n_points, "windows": n_eval, "engine": self.engine}
        if self.tested is None:
            return html_table(facts)
        right = (self.predicted[:, -1] == self.tested.y).mean(axis=1)
        names = [f"{arm.name}, seed {arm.seed}" for arm in self.tested.arms]
        last = {name: f"accuracy {value:.3f}" for name, value in zip(names, right, strict=True)}
        return html_table({"split": self.tested.split.name, **facts, **last})


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


def join_curves(parts: Sequence[Curves], order: np.ndarray) -> Curves:
    """Join the curves of several arms' jobs.

    Parameters
    ----------
    parts : sequence of Curves
        One after the other.
    order : ndarray of int64
        Which arm each of them is.
    """
    first, back = parts[0], np.argsort(order)
    joined: dict[str, Any] = {
        name: np.concatenate([getattr(p, name) for p in parts])[back]
        for name in ("predicted", "loss", "probabilities", "train_loss", "train_accuracy", "trained_epochs",
                     "best_epoch", "pseudo_labels", "path")
    }  # fmt: skip
    tensors = [t for p in parts for t in p.tensors]
    return replace(first, tensors=[tensors[i] for i in back], **joined)
