"""Self-training: teachers are trained as any arm is, and label the windows that have no label."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import torch

from ...errors import BiotransferError, check
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
    all_taught = [a for a, arm in enumerate(job.arms) if arm.teacher is not None]
    if not all_taught or job.pseudo:
        return job
    said: list[PseudoLabels | None] = [None] * len(job.arms)
    for of in ("unlabelled", "training"):
        mine = [a for a in all_taught if (t := job.arms[a].teacher) is not None and t.of == of]
        if mine:
            _teach(job, run, mine, job.train_rows if of == "training" else job.unlabelled_rows, said)
    return replace(job, pseudo=said)


def _teach(
    job: Job,
    run: Callable[[Job], Curves],
    taught: list[int],
    rows: np.ndarray | None,
    said: list[PseudoLabels | None],
) -> None:
    """Train the teachers of some arms, and write down what they say of ``rows``."""
    name = job.arms[taught[0]].name
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
    for i, a in enumerate(taught):
        teacher = job.arms[a].teacher
        assert teacher is not None
        said[a] = pseudo_labels(teacher, rows[a], curves.probabilities[i, n_validation:])


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
    count = said.ratio * job.train_rows.shape[1]
    return _in_passes(job.arms[arm].seed, f"{job.split_uid}/unlabelled", epoch, len(said.rows), count)


def _in_passes(seed: int, stream: str, epoch: int, n: int, count: int) -> np.ndarray:
    """Return the ``count`` of ``n`` windows that an epoch sees, in passes that do not begin with it."""
    begin = epoch * count
    turns = range(begin // n, -(-(begin + count) // n))
    passes = [epoch_order(seed, stream, turn, n) for turn in turns]
    return np.concatenate(passes)[begin % n : begin % n + count]


def others_in_order(job: Job, arm: int, epoch: int) -> np.ndarray:
    """Return the further windows that an arm's penalty sees in an epoch, one for each training window.

    Parameters
    ----------
    job : Job
        Whose arm has a penalty that looks at others.
    arm : int
        Its position.
    epoch : int
        From 0.

    Returns
    -------
    ndarray, shape (n_train,), int64
        Rows of the pool, in passes of their own.

    Raises
    ------
    BiotransferError
        When the split leaves no window without a label.
    """
    one = job.arms[arm]
    assert one.penalty is not None
    own = one.penalty.others == "training"
    rows = job.train_rows[arm] if own else None if job.unlabelled_rows is None else job.unlabelled_rows[arm]
    if rows is None or not len(rows):
        raise BiotransferError(
            f"arm {one.name!r} looks at windows of the tested person without labels, and this split has "
            "none. Use split: {by: new_person}."
        )
    count = job.train_rows.shape[1]
    return np.asarray(rows[_in_passes(one.seed, f"{job.split_uid}/others", epoch, len(rows), count)])


def soft_cross_entropy(logits: torch.Tensor, probabilities: torch.Tensor) -> torch.Tensor:
    """Return the cross-entropy of each window with a distribution over the classes (last axis)."""
    return -(probabilities * torch.log_softmax(logits, dim=-1)).sum(dim=-1)
