"""Evidence over people: exact tests, intervals, and what a design could have found.

The unit is the person, never the window or the seed. Most functions take paired differences, one number per
person: average seeds first. :func:`mean_interval`, :func:`difference_p` and :func:`equivalence_p` take both
people and seeds.
"""

from .bayes import Posterior, bayes_rope
from .crossed import CrossedTest, crossed_test
from .designs import Design, Estimate, Parts
from .equivalence import WORST, equivalence_p, fewest_for_equivalence, unseen_p
from .exact import EXACT_UP_TO, sign_flip_interval, sign_flip_p, smallest_p
from .families import holm
from .intervals import (
    NOT_ESTIMABLE,
    SHARE_DIFFERENCES,
    SHARES,
    Interval,
    difference_p,
    mean_interval,
)
from .meta import Combined, combine_means
from .mixed import FEWEST_PEOPLE, MixedModel, mixed_model, why_no_mixed_model
from .planning import detectable_gain, people_needed, positive_rate
from .power import paired_power
from .survival import Survival, kaplan_meier, log_rank_scores, paired_survival_p

__all__ = [
    "EXACT_UP_TO", "FEWEST_PEOPLE", "NOT_ESTIMABLE", "SHARES", "SHARE_DIFFERENCES", "WORST", "Combined",
    "CrossedTest", "Design", "Estimate", "Interval", "MixedModel", "Parts", "Posterior", "Survival",
    "bayes_rope", "combine_means", "crossed_test",
    "detectable_gain", "difference_p", "equivalence_p", "fewest_for_equivalence", "holm", "kaplan_meier",
    "log_rank_scores", "mean_interval", "mixed_model", "paired_power", "paired_survival_p",
    "people_needed", "positive_rate", "sign_flip_interval", "sign_flip_p", "smallest_p", "unseen_p",
    "why_no_mixed_model",
]  # fmt: skip
