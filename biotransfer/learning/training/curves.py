"""What trainings reached at every point, and the long table that it makes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

from ...errors import check
from ...showing import html_table, one_line, with_picture
from ...signals.splits import ALL, Split
from ..predictions import accuracy, balanced_accuracy
from ..weights import Tensors
from .arm import Arm
from .divergence import LOST, diverged


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
        ", CUDA graph" where updates are replayed, ", compiled in this process" where last bits are its own.
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

    @property
    def diverged(self) -> np.ndarray:
        """Whether each training exploded, shape (n_arms,): see :func:`.diverged`."""
        if not self.loss.shape[2]:
            before = ended = np.full(len(self.loss), np.nan)
        else:
            before, ended = (self.loss[:, at].mean(axis=1, dtype=np.float64) for at in (0, -1))
        return diverged(before, np.fmax(ended, np.fmax.reduce(self.train_loss, axis=1)))

    def to_frame(
        self,
        direction: str,
        *,
        network: str | None = None,
        variant: str = "",
        protocol: str | None = None,
        budget: str | None = None,
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
        budget : str, optional
            Labelled seconds per class, such as "5"; "all" where every window has its label.

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
        check(
            budget is not None or not len(tested.split.unlabelled),
            f"split {tested.split.name} leaves {len(tested.split.unlabelled)} windows without their label, "
            "and budget says not how many seconds have one. Pass to_frame(..., budget='5') for 5 s a class.",
        )
        trial = table["trial"].to_numpy()
        columns = {
            "direction": str(direction),
            "network": network or tested.network,
            "variant": variant,
            "protocol": protocol or tested.split.rule,
            "budget": ALL if budget is None else budget,
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
        return _table(self, self._tested())

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
        first, last = len(self.tested.split.validation), {}
        if n_eval > first:
            right = (self.predicted[:, -1, first:] == self.tested.y[first:]).mean(axis=1)
            names = [f"{arm.name}, seed {arm.seed}" for arm in self.tested.arms]
            last = {name: f"test accuracy {value:.3f}" for name, value in zip(names, right, strict=True)}
        return with_picture(self, html_table({"split": self.tested.split.name, **facts, **last}))


def _table(curves: Curves, tested: Tested) -> pd.DataFrame:
    """One row per trial, person, part, metric and point; the training part pools all people as "*"."""
    subjects, y = tested.subjects, tested.y
    is_test = np.arange(len(y)) >= len(tested.split.validation)
    groups: list[tuple[str, str, str, np.ndarray]] = []
    for part, inside in (("validation", ~is_test), ("test", is_test)):
        for subject in np.unique(subjects[inside]):
            mine = np.flatnonzero(inside & (subjects == subject))
            predicted = curves.predicted[:, :, mine]
            groups += [
                (part, subject, "accuracy", accuracy(y[mine], predicted)),
                (part, subject, "balanced_accuracy", balanced_accuracy(y[mine], predicted)),
                (part, subject, "log_loss", curves.loss[:, :, mine].mean(axis=2, dtype=np.float64)),
            ]
    groups += [
        ("train", "*", "accuracy", curves.train_accuracy),
        ("train", "*", "log_loss", curves.train_loss),
    ]
    values = np.stack([group[3] for group in groups], axis=1)
    n_trials, n_groups, n_points = values.shape
    known = ~np.isnan(values.ravel())
    each = np.tile(np.repeat(np.arange(n_groups), n_points), n_trials)[known]

    def column(position: int) -> pd.Categorical:
        names = pd.Categorical([group[position] for group in groups])
        return pd.Categorical.from_codes(names.codes[each], dtype=names.dtype)

    return pd.DataFrame(
        {
            "trial": np.repeat(np.arange(n_trials, dtype=np.int32), n_groups * n_points)[known],
            "subject": column(1),
            "step": np.tile(curves.steps, n_trials * n_groups)[known],
            "epoch": np.tile(curves.epochs, n_trials * n_groups)[known],
            "split_part": column(0),
            "metric": column(2),
            "value": values.ravel()[known],
        }
    )


def mark_lost(curves: Curves, lost: np.ndarray) -> Curves:
    """Give trainings that ended in numbers that are none a loss that says so, and answers that say nothing.

    Parameters
    ----------
    curves : Curves
        Of all arms.
    lost : ndarray of int64
        Which of them; their ``diverged`` is True afterwards.

    Returns
    -------
    Curves
        Of these their last loss and every other that is no number are ``LOST`` nats, their probabilities 1
        over the number of classes. Weights are left as they are.
    """
    loss, train_loss, probabilities = (
        x.copy() for x in (curves.loss, curves.train_loss, curves.probabilities)
    )
    for a in lost:
        trained = train_loss[a, 1 : 1 + int(curves.trained_epochs[a])]
        trained[~np.isfinite(trained)] = LOST
        loss[a, -1], trained[-1:] = LOST, LOST
        loss[a][~np.isfinite(loss[a])] = LOST
        probabilities[a] = 1 / probabilities.shape[-1]
    return replace(curves, loss=loss, train_loss=train_loss, probabilities=probabilities)


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
