"""Evidence over people: exact tests, intervals, and what a design could have found.

The unit is the person, never the window or the seed. Most functions take paired differences, one number per
person: average seeds first. Where the luck of the seeds counts, too, :func:`crossed_test` takes both.
"""

from .crossed import CrossedTest, crossed_test
from .exact import EXACT_UP_TO, equivalence_p, sign_flip_p, smallest_p
from .families import CorrectedTTest, holm, nadeau_bengio
from .intervals import bootstrap_interval
from .power import detectable_difference, paired_power, subjects_needed

__all__ = [
    "EXACT_UP_TO", "CorrectedTTest", "CrossedTest", "bootstrap_interval", "crossed_test",
    "detectable_difference", "equivalence_p", "holm", "nadeau_bengio", "paired_power", "sign_flip_p",
    "smallest_p", "subjects_needed",
]  # fmt: skip
