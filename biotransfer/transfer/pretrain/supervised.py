"""Supervised pretraining: the engines that also train the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..carry import make_arms

if TYPE_CHECKING:
    from .problem import Learned, PretrainProblem


def supervised(problem: PretrainProblem) -> Learned:
    """Classify the source's windows.

    Notes
    -----
    Source: Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074.
    """
    import numpy as np

    from ...learning.training.job import Job
    from ...learning.training.running import run_job
    from .problem import Learned

    X, y = problem.pooled()
    own = problem.sample_weight
    arms = [make_arms(["scratch"], {}, problem.network, seed, stream="source")[0] for seed in problem.seeds]
    job = Job(
        problem.network,
        arms,
        X,
        y,
        problem.rows(problem.train),
        problem.rows(problem.test),
        problem.split_uid,
        problem.schedule,
        sfreq=problem.windows[0].sfreq,
        sample_weight=None if own is None else np.tile(own, len(problem.windows)),
    )
    curves = run_job(job, engine=problem.engine, device=problem.device, dtype=problem.dtype)
    return Learned(curves.tensors, curves.train_loss[:, 1:], curves.diverged)
