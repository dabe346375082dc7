"""From curves to verdicts: whether an arm helps, and whether it helps more than its controls.

A verdict is one of positive, negative, equivalent and inconclusive. The unit is the person.
"""

from ..metrics import Compare
from .comparison import ROLES, compare, compare_measures
from .otherwise import ask_otherwise, calibration_errors
from .ranking import rank_methods
from .rule import VERDICTS, Decision, decide
from .wording import headline, write_sentence

__all__ = [
    "ROLES",
    "VERDICTS",
    "Compare",
    "Decision",
    "ask_otherwise",
    "calibration_errors",
    "compare",
    "compare_measures",
    "decide",
    "headline",
    "rank_methods",
    "write_sentence",
]
