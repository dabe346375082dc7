"""Studies: from a recipe to Results."""

from __future__ import annotations

from .assay import Proof, find_proofs, say_mappings, say_proofs
from .estimate import count_trainings, estimate_seconds
from .folder import default_folder
from .foresight import Foresight, foresee
from .processes import kept_processes, share_with_processes
from .run import Study, prepare, run_study
from .tasks import lay_out, rehearse

__all__ = [
    "Foresight", "Proof", "Study", "count_trainings", "default_folder", "estimate_seconds", "find_proofs",
    "foresee", "kept_processes", "lay_out", "prepare", "rehearse", "run_study", "say_mappings", "say_proofs",
    "share_with_processes",
]  # fmt: skip
