"""From curves to verdicts: whether an arm helps, and whether it helps more than its controls.

A verdict is one of positive, negative, equivalent, inconclusive and not_assayable. The unit is the person.
"""

from ..metrics import Compare
from .comparison import compare, compare_measures
from .contested import contested
from .influence import influence_of_people
from .obstacles import FEWEST_STRANGERS, NEAR_CHANCE, judge_sources, not_judged
from .otherwise import ask_otherwise, calibration_errors
from .ranking import rank_methods
from .rule import FEWEST_SEEDS, VERDICTS, Assay, Claim, Decision, Rival, decide, judge_assay
from .wording import headline, leading_claims, write_sentence

__all__ = [
    "FEWEST_SEEDS",
    "FEWEST_STRANGERS",
    "NEAR_CHANCE",
    "VERDICTS",
    "Assay",
    "Claim",
    "Compare",
    "Decision",
    "Rival",
    "ask_otherwise",
    "calibration_errors",
    "compare",
    "compare_measures",
    "contested",
    "decide",
    "headline",
    "influence_of_people",
    "judge_assay",
    "judge_sources",
    "leading_claims",
    "not_judged",
    "rank_methods",
    "write_sentence",
]
