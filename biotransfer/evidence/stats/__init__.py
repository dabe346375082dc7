"""Evidence over people: exact tests, intervals, and what a design could have found.

The unit is the person, never the window or the seed. Most functions take paired differences, one number per
person: average seeds first. Where the luck of the seeds counts, too, :func:`crossed_test` takes both.
"""

from .bayes import Posterior, bayes_rope
from .crossed import CrossedTest, crossed_test
from .exact import EXACT_UP_TO, equivalence_p, sign_flip_p, smallest_p
from .families import holm
from .intervals import bootstrap_interval
from .mixed import FEWEST_PEOPLE, MixedModel, mixed_model, why_no_mixed_model
from .power import detectable_difference, paired_power, subjects_needed
from .survival import Survival, kaplan_meier, log_rank_scores, paired_survival_p

__all__ = [
    "EXACT_UP_TO", "FEWEST_PEOPLE", "CrossedTest", "MixedModel", "Posterior", "Survival",
    "bayes_rope", "bootstrap_interval", "crossed_test", "detectable_difference", "equivalence_p", "holm",
    "kaplan_meier", "log_rank_scores", "mixed_model", "paired_power", "paired_survival_p",
    "sign_flip_p", "smallest_p", "subjects_needed", "why_no_mixed_model",
]  # fmt: skip
