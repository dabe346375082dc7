"""Studies: from a recipe to Results."""

from __future__ import annotations

from .plan import estimate_seconds
from .run import Study, default_folder, prepare, run_study
from .tasks import rehearse

__all__ = ["Study", "default_folder", "estimate_seconds", "prepare", "rehearse", "run_study"]
