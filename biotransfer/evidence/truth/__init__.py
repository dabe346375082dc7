"""The verdict on trial: studies of simulated pairs whose truth is known, many at once."""

from .planted import TruthStudy, run_truth
from .rates import confusion, interval_of_rate

__all__ = ["TruthStudy", "confusion", "interval_of_rate", "run_truth"]
