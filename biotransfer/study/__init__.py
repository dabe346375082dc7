"""Studies: from a recipe to Results."""

from __future__ import annotations

from .estimate import count_trainings, estimate_seconds
from .folder import default_folder
from .foresight import Foresight, foresee
from .run import Study, prepare, run_study
from .tasks import lay_out, rehearse

__all__ = [
    "Foresight", "Study", "count_trainings", "default_folder", "estimate_seconds", "foresee", "lay_out",
    "prepare", "rehearse", "run_study",
]  # fmt: skip
