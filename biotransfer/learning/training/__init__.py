"""Training: the only optimiser loop, with its two engines and one function in front."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from .augmentations import AUGMENTATIONS
from .schedule import Schedule, epoch_order

if TYPE_CHECKING:
    from .job import Curves, Job
    from .running import ENGINES, choose_engine, run_job, train

__all__ = ["AUGMENTATIONS", "ENGINES", "Curves", "Job", "Schedule", "choose_engine", "epoch_order", "run_job",
           "train"]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name in ("Curves", "Job"):
        from . import job

        return getattr(job, name)
    if name in ("ENGINES", "choose_engine", "run_job", "train"):
        from . import running

        return getattr(running, name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
