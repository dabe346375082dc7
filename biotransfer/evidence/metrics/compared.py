"""What a study compares: decided before anybody looks at results."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

from ...learning.predictions import METRICS
from ...settings import Settings, key, number, option, text


class Measure(NamedTuple):
    """What of a learning curve counts: how a table calls it, and what it adds to a sentence."""

    label: str
    phrase: str


MEASURES = {
    "step0": Measure("before any update", " before any update"),
    "after_epoch_1": Measure("after epoch 1", " after the first epoch"),
    "asymptote": Measure("mean of the last epochs, three at most", ""),
    "final": Measure("after the last update", " after the last update"),
    "area": Measure("mean over the learning curve", " averaged over training"),
}


def _metrics() -> list[str]:
    return [entry.name for entry in METRICS.values() if entry.facts["larger_is_better"]]


@dataclass(frozen=True)
class Compare(Settings):
    """What is compared with what, and what counts as a difference.

    Examples
    --------
    >>> Compare(margin=0.05)
    Compare(against='scratch', metric='balanced_accuracy', measure='asymptote', margin=0.05, alpha=0.05)
    """

    SECTION = "compare"

    against: str = key("The arm that all others are compared with.", text(), "scratch")
    metric: str = key(
        "What is compared (see: biotransfer list metrics).", option(_metrics), "balanced_accuracy"
    )
    measure: str = key("What of the learning curve counts.", option(tuple(MEASURES)), "asymptote")
    margin: float = key("The largest difference that does not matter, as a share.", number(above=0), 0.02)
    alpha: float = key("Error rate of each protocol's family of tests.", number(above=0, below=1), 0.05)
