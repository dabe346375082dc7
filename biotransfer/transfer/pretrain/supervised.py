"""Supervised pretraining: the engines that also train the target."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .problem import Learned, Setting


def supervised(setting: Setting) -> Learned:
    """Classify the source's windows.

    Notes
    -----
    Source: Bird et al. 2020, doi:10.1109/ACCESS.2020.2979074.
    """
    from ...learning.training import Job, run_job
    from ..carry import make_arms
    from .problem import Learned

    X, y = setting.pooled()
    arms = [make_arms(["scratch"], {}, setting.network, seed, stream="source")[0] for seed in setting.seeds]
    job = Job(
        setting.network,
        arms,
        X,
        y,
        setting.rows(setting.train),
        setting.rows(setting.test),
        setting.split_uid,
        setting.schedule,
        sfreq=setting.windows[0].sfreq,
    )
    curves = run_job(job, engine=setting.engine, device=setting.device, dtype=setting.dtype)
    return Learned(curves.tensors, curves.train_loss[:, 1:])
