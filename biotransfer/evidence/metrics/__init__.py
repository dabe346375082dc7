"""How good predictions are, and what a learning curve says about transfer.

Numbers only: what they are worth as evidence is decided in ``stats`` and ``verdicts``.
"""

from ...learning.predictions import (
    METRICS,
    accuracy,
    balanced_accuracy,
    chance_level,
    confusion,
    expected_calibration_error,
    log_loss,
)
from .calibration import calibration_curves, labelled_seconds, seconds_needed
from .compared import MEASURES, Compare
from .curves import (
    CONDITION,
    STUDY_KEYS,
    curve_measures,
    hold_last_values,
    join_tables,
    measure_curves,
    time_to_threshold,
)

__all__ = [
    "CONDITION",
    "Compare",
    "MEASURES",
    "METRICS",
    "STUDY_KEYS",
    "accuracy",
    "balanced_accuracy",
    "calibration_curves",
    "chance_level",
    "confusion",
    "curve_measures",
    "join_tables",
    "expected_calibration_error",
    "labelled_seconds",
    "log_loss",
    "hold_last_values",
    "measure_curves",
    "seconds_needed",
    "time_to_threshold",
]
