"""What the statistics are given: one finite number per person, an error rate, a power."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check


def differences_of(d: ArrayLike, at_least: int = 1) -> np.ndarray:
    """Return ``d`` as sorted float64, so that no seeded result depends on the order of people."""
    values = np.asarray(d, dtype=np.float64)
    check(
        values.ndim == 1 and values.size >= at_least and bool(np.isfinite(values).all()),
        f"d of shape {values.shape} with {int((~np.isfinite(values)).sum())} values that are not finite. "
        f"Expected one finite difference per person, at least {at_least}. "
        "Average seeds inside a person first.",
    )
    return np.sort(values)


def check_levels(alpha: float, power: float = 0.8) -> None:
    """Refuse what is no error rate, or no power at that rate."""
    check(
        0 < alpha < 1, f"alpha={alpha} is no error rate. Expected a number between 0 and 1. Pass alpha=0.05."
    )
    check(
        power is None or alpha < power < 1,
        f"power={power} is no power at alpha={alpha}. Expected alpha < power < 1. Pass power=0.8.",
    )
