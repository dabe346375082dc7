"""Self-training: teachers are trained as any arm is, and label the windows that have no label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ...errors import check
from .arm import Arm, Teacher
from .curves import Curves
from .job import Job, PseudoLabels
from .schedule import epoch_order


def teach(job: Job, run: Callable[[Job], Curves]) -> Job:
    """Train the teachers of a job's arms and return the job with what they said.

    Parameters
    ----------
    job : Job
        Whose arms may have a teacher.
    run : callable
        Trains a job.

    Raises
    ------
    BiotransferError
        When there is no window without a label, or an arm has a penalty besides.

    Notes
    -----
    Source: Zoph et al. 2020, arXiv:2006.06882, section 3.3.
    """
    taught = [a for a, arm in enumerate(job.arms) if arm.teacher is not None]
    if not taught or job.pseudo:
        return job
    name = job.arms[taught[0]].name
    rows = job.unlabelled_rows
    check(
        rows is not None and rows.shape[1] > 0,
        f"arm {name!r} learns from training windows without labels, and this split has none. "
        "Set a budget, such as budget: [10], or leave the arm out.",
    )
    assert rows is not None
    both = [job.arms[a].name for a in taught if job.arms[a].penalty is not None]
    check(not both, f"arm {both[:1]} has a teacher and a penalty. Expected one of them.")
    teachers: list[Arm] = [job.arms[a].teacher.arm for a in taught]  # type: ignore[union-attr]
    lesson, n_validation = job.take(np.array(taught)), job.n_validation
    watched = np.concatenate([lesson.eval_rows[:, :n_validation], rows[taught]], axis=1)
    curves = run(replace(lesson, arms=teachers, eval_rows=watched))
    said: list[PseudoLabels | None] = [None] * len(job.arms)
    for i, a in enumerate(taught):
        teacher = job.arms[a].teacher
        assert teacher is not None
        said[a] = pseudo_labels(teacher, rows[a], curves.probabilities[i, n_validation:])
    return replace(job, pseudo=said)


def pseudo_labels(teacher: Teacher, rows: np.ndarray, probabilities: np.ndarray) -> PseudoLabels:
    """Return the labels of the windows of which the teacher is sure enough.

    Parameters
    ----------
    teacher : Teacher
        How labels are made.
    rows : ndarray, shape (n_windows,), int64
        Windows without labels.
    probabilities : ndarray, shape (n_windows, n_classes), float32
        What the trained teacher says of them.
    """
    sure = probabilities.max(axis=1) >= teacher.confidence
    labels = probabilities[sure]
    if not teacher.soft:
        labels = np.eye(probabilities.shape[1], dtype=np.float32)[labels.argmax(axis=1)]
    return PseudoLabels(rows[sure], labels, teacher.ratio)


def pseudo_order(job: Job, arm: int, epoch: int) -> np.ndarray:
    """Return which pseudo-labelled windows ``arm`` sees in an epoch, ``ratio`` for each labelled one.

    They come in passes of their own, each in a new order, that do not begin anew with the epoch.

    Parameters
    ----------
    job : Job
        Whose ``pseudo`` is filled in.
    arm : int
        An arm whose teacher labelled some windows.
    epoch : int
        From 0.

    Returns
    -------
    ndarray, shape (ratio * n_train,), int64
        Positions in ``PseudoLabels.rows``.
    """
    said = job.labels_of(arm)
    assert said is not None
    n, count = len(said.rows), said.ratio * job.train_rows.shape[1]
    begin = epoch * count
    passes = [
        epoch_order(job.arms[arm].seed, f"{job.split_uid}/unlabelled", turn, n)
        for turn in range(begin // n, -(-(begin + count) // n))
    ]
    return np.concatenate(passes)[begin % n : begin % n + count]


def soft_cross_entropy(logits: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of each window with a distribution over the classes (last axis)."""
    return -(probabilities * torch.log_softmax(logits, dim=-1)).sum(dim=-1)
