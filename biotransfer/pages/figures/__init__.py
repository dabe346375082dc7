"""Results -> plain matplotlib figures, one function per picture; no pyplot, no global settings touched."""

from __future__ import annotations

from .calibration import plot_calibration
from .carried import plot_ledger
from .changes import plot_moved
from .contest import plot_contest
from .curves import plot_curve_gains, plot_learning_curves
from .forest import plot_forest
from .looks import draw_looks, looks_of, plot_looks
from .matrix import plot_matrix
from .nouns import plot_account, plot_counts, plot_loss, plot_side_by_side, plot_training, plot_verdicts
from .nuisance import plot_mains, plot_nuisance
from .outcomes import plot_confusion, plot_gains, plot_subjects
from .ranking import plot_ranking
from .recordings import plot_before_after, plot_psd, plot_recording
from .scores import plot_scores
from .signals import plot_signals, plot_spectra
from .topology import plot_search

__all__ = [
    "draw_looks",
    "looks_of",
    "plot_account",
    "plot_counts",
    "plot_loss",
    "plot_side_by_side",
    "plot_training",
    "plot_verdicts",
    "plot_before_after",
    "plot_calibration",
    "plot_confusion",
    "plot_contest",
    "plot_curve_gains",
    "plot_forest",
    "plot_gains",
    "plot_learning_curves",
    "plot_ledger",
    "plot_looks",
    "plot_matrix",
    "plot_moved",
    "plot_psd",
    "plot_ranking",
    "plot_recording",
    "plot_scores",
    "plot_search",
    "plot_mains",
    "plot_nuisance",
    "plot_signals",
    "plot_spectra",
    "plot_subjects",
]
