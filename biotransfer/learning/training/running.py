"""One function in front of both engines."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from typing import NoReturn

import numpy as np
import torch

from ...errors import BiotransferError, check, check_is, check_option, one_or_many
from ...signals.splits import Split
from ...signals.windows import Windows
from ..networks.network import Network
from .arm import Arm
from .curves import Curves, Tested, join_curves, mark_lost
from .forward import can_stack
from .guard import reproducibly
from .job import Job
from .loop import train_loop
from .probing import Keeper, find_probes, make_anew, train_probes
from .schedule import Schedule
from .stacked import has_kernel, train_stacked
from .teaching import teach
from .untrained import evaluate_untrained
from .weighting import check_sample_weight

ENGINES = ("auto", "stacked", "loop")


def choose_engine(network: Network, engine: str = "auto", device: str = "cpu") -> str:
    """Return the engine that trains ``network`` fastest.

    Parameters
    ----------
    network : Network
        Of all models.
    engine : {"auto", "stacked", "loop"}
        What was asked for; "auto" decides by what was measured, see Notes.
    device : str
        A torch device: a library's model is stacked on a CPU only.

    Raises
    ------
    BiotransferError
        When "stacked" is asked for a network that has no stacked form.

    Notes
    -----
    Whatever has a stacked form is stacked: a library's model where the kernel of maps over time knows every
    layer that is read from it (:func:`.can_map`), or torch does. Beside the loop the kernel trained two dense
    networks as fast (1.5 million weights, where memory is the limit) to 75 times as fast (163 weights), and
    one or two over signals 1.5 to 2.8 times, on one core of an Intel Xeon with AVX-512.
    """
    check_option("engine", engine, ENGINES)
    if engine == "auto":
        return "stacked" if _stacks(network, device) else "loop"
    check(
        engine != "stacked" or _stacks(network, device),
        f"engine='stacked' cannot train network {network.name!r}: it has layers without a stacked form. "
        "Use engine='auto'.",
    )
    return engine


def check_device(device: str) -> None:
    """Refuse a device that is not there.

    Raises
    ------
    BiotransferError
        When torch finds no CUDA device.
    """
    check(
        device == "cpu" or torch.cuda.is_available(),
        f"device={device!r} but torch finds no CUDA device. Use --device cpu.",
    )


def _stacks(network: Network, device: str) -> bool:
    """Whether many models of a network can train at once: by its layers, or by what the kernel knows."""
    if network.build is None:
        return can_stack(network)
    return device == "cpu" and (has_kernel(network, device) or can_stack(network))


def run_job(
    job: Job,
    *,
    engine: str = "auto",
    device: str = "cpu",
    dtype: str = "float32",
    keep: Keeper = make_anew,
) -> Curves:
    """Train every arm of ``job``.

    Parameters
    ----------
    job : Job
        Network, arms, windows, rows and schedule.
    engine : {"auto", "stacked", "loop"}
        All at once, or one after the other.
    device : str
        "cpu" or a CUDA device.
    dtype : {"float32", "float64"}
        Precision.
    keep : callable
        Keeps what frozen bodies make of the windows, see :data:`.Keeper`; for this job alone when not given.

    Raises
    ------
    BiotransferError
        For an engine or device that cannot do it, for a teacher without windows to label, and when a training
        diverges: its own loss means the learning rate. One whose :class:`.Penalty` explodes is told by
        ``Curves.diverged`` among the others, see :func:`.mark_lost`.
    """
    check_option("dtype", dtype, ("float32", "float64"))
    check_is("device", device, str, "Type device='cpu'.")
    check_device(device)
    check(
        job.schedule.precision == "full" or (device != "cpu" and dtype == "float32"),
        f"train.precision='mixed' on device={device!r} with dtype={dtype!r}: mixed precision pays where a "
        "GPU multiplies bfloat16 faster than float32, elsewhere it only loses digits. "
        "Use train.precision=full.",
    )
    chosen = choose_engine(job.network, engine, device)
    function = train_stacked if chosen == "stacked" else train_loop
    with reproducibly():
        job = teach(job, lambda lesson: function(lesson, device, getattr(torch, dtype)))
        try:
            if engine == "auto" and job.network.build is not None and not has_kernel(job.network, device):
                curves = _probes_apart(job, function, device, getattr(torch, dtype), keep)
            else:
                curves = function(job, device, getattr(torch, dtype))
        except torch.linalg.LinAlgError as error:
            raise BiotransferError(
                f"learning_rate={job.schedule.learning_rate:g}: training diverged, what the head sees has no "
                f"singular values ({error}). Lower it: --set train.learning_rate=1.0e-4"
            ) from error
    lost = np.array([a for a in range(len(job.arms)) if not _finite(curves, a)], dtype=np.int64)
    for a in lost:
        if job.arms[a].penalty is None:
            refuse_diverged(job.arms[a], job.schedule, "not finite")
    return mark_lost(curves, lost) if len(lost) else curves


def _probes_apart(
    job: Job, train: Callable[..., Curves], device: str, dtype: torch.dtype, keep: Keeper
) -> Curves:
    """Train arms of which the network's end alone trains by what enters it, the others by ``train``."""
    probes = find_probes(job)
    rest = sorted(set(range(len(job.arms))).difference(*probes.values()))
    parts = [train(job.take(np.array(rest)), device, dtype)] if rest else []
    for cut, members in probes.items():
        stacks = choose_engine(cut.network, device=device) == "stacked"
        run = partial(train_stacked if stacks else train_loop, device=device, dtype=dtype)
        parts.append(train_probes(job.take(np.array(members)), cut, run, keep, device, dtype))
    return join_curves(parts, np.array([*rest, *(a for members in probes.values() for a in members)]))


def refuse_diverged(arm: Arm, schedule: Schedule, loss: str) -> NoReturn:
    """Say of a training that its loss is ``loss``.

    Raises
    ------
    BiotransferError
        Always.
    """
    raise BiotransferError(
        f"learning_rate={schedule.learning_rate:g}: training of arm {arm.name!r}, seed {arm.seed}, "
        f"diverged, its loss is {loss}. Lower it: --set train.learning_rate=1.0e-4"
    )


def _finite(curves: Curves, a: int) -> bool:
    """Whether an arm's losses are numbers, on the windows that it trained on, too, and its weights."""
    trained = curves.train_loss[a, 1 : 1 + int(curves.trained_epochs[a])]
    values = [curves.loss[a], trained, *curves.tensors[a].values()]
    return all(bool(np.isfinite(value).all()) for value in values)


def train(
    network: Network,
    arms: Sequence[Arm],
    windows: Windows,
    split: Split,
    schedule: Schedule | None = None,
    *,
    engine: str = "auto",
    device: str = "cpu",
    dtype: str = "float32",
    sample_weight: np.ndarray | None = None,
    keep: Keeper = make_anew,
) -> Curves:
    """Train ``arms`` on the training rows of ``split``; take curves on its validation and test rows.

    Parameters
    ----------
    network : Network
        Of all arms.
    arms : sequence of Arm
        Starting weights; arms of one seed see the same batches.
    windows : Windows
        Aligned windows.
    split : Split
        Which rows train and test.
    schedule : Schedule, optional
        Epochs, learning rate, batch size.
    engine, device, dtype, keep
        See :func:`run_job`.
    sample_weight : array, shape (n_windows,), optional
        What each of the windows counts in the loss, 0 or more; of it the training rows' share matters. See
        ``Schedule.class_weight``, too.

    Returns
    -------
    Curves
        Evaluation rows are ``split.validation`` followed by ``split.test``; ``to_frame(direction)`` gives
        their table. Where no window has a label
        (a budget of 0) nothing is updated and every point of the curve repeats the first.
    """
    check_is("network", network, Network, "Type build_network(...).")
    arms = one_or_many("arms", arms, Arm, "Type make_arms(...).")
    check_is("windows", windows, Windows, "Type cut_windows(recordings).")
    check_is("split", split, Split, "Type make_splits(windows)[0].")
    schedule = Schedule() if schedule is None else schedule
    check_is("schedule", schedule, Schedule, "Type Schedule(epochs=20).")
    n = len(arms)
    eval_rows = np.concatenate([split.validation, split.test])
    subjects = windows.metadata["subject"].iloc[eval_rows].to_numpy(dtype=str)
    tested = Tested(network.name, arms, split, subjects, windows.y[eval_rows])
    if not len(split.train):
        with reproducibly():
            curves = evaluate_untrained(network, arms, windows.X[eval_rows], windows.y[eval_rows], schedule)
        return replace(curves, tested=tested)
    job = Job(
        network,
        arms,
        windows.X,
        windows.y,
        np.tile(split.train, (n, 1)),
        np.tile(eval_rows, (n, 1)),
        split.uid,
        schedule,
        np.tile(split.unlabelled, (n, 1)),
        n_validation=len(split.validation),
        sfreq=windows.sfreq,
        sample_weight=None if sample_weight is None else check_sample_weight(sample_weight, len(windows)),
    )
    return replace(run_job(job, engine=engine, device=device, dtype=dtype, keep=keep), tested=tested)
