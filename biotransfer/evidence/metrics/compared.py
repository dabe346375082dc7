"""What a study compares: decided before anybody looks at results."""

from __future__ import annotations

from dataclasses import dataclass

from ...errors import check, check_option
from ...learning.predictions import METRICS

MEASURES = ("step0", "after_epoch_1", "asymptote", "final", "area")


@dataclass(frozen=True)
class Compare:
    """What is compared with what, and what counts as a difference.

    Parameters
    ----------
    against : str
        The arm that all others are compared with.
    metric : str
        Accuracy or balanced accuracy.
    measure : str
        What of the curve counts: one of ``metrics.MEASURES``.
    margin : float
        Largest difference that does not matter, as a share (0.02 is two points).
    alpha : float
        Error rate of each protocol's family.

    Raises
    ------
    BiotransferError
        On an unknown metric or measure, or a number out of range.

    Examples
    --------
    >>> Compare(margin=0.05)
    Compare(against='scratch', metric='balanced_accuracy', measure='asymptote', margin=0.05, alpha=0.05)
    """

    against: str = "scratch"
    metric: str = "balanced_accuracy"
    measure: str = "asymptote"
    margin: float = 0.02
    alpha: float = 0.05

    def __post_init__(self) -> None:
        better = [name for name, entry in METRICS.items() if entry.facts["larger_is_better"]]
        check_option("metric", self.metric, better)
        check_option("measure", self.measure, MEASURES)
        check(
            self.margin > 0,
            f"margin={self.margin}. Expected a difference above 0. Pass margin=0.02 for two points.",
        )
        check(
            0 < self.alpha < 1,
            f"alpha={self.alpha}. Expected an error rate between 0 and 1. Pass alpha=0.05.",
        )
