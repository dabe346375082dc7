"""What is planned, and how much its differences vary."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check
from .crossed import crossed_test
from .given import check_levels


class Parts(NamedTuple):
    """Standard deviations of a difference: between people, of seeds for all people alike, of the rest."""

    people: float
    seeds: float
    rest: float

    @classmethod
    def of(cls, d: ArrayLike) -> Parts:
        """Return the parts of differences, shape (n_people, n_seeds); one seed gives all to people."""
        values = np.asarray(d, dtype=np.float64)
        if values.shape[1] == 1:
            return cls(float(values[:, 0].std(ddof=1)), 0.0, 0.0)
        found = crossed_test(values)
        return cls(found.people, found.seeds, found.rest)

    def spread(self, n_people: int, n_seeds: int) -> float:
        """Return the deviation between people that gives the mean its standard error, seeds' luck in it."""
        luck = n_people * self.seeds**2 / n_seeds
        return float(np.sqrt(self.people**2 + luck + self.rest**2 / n_seeds))

    def scaled_to(self, spread: float, n_people: int, n_seeds: int) -> Parts:
        """Return parts in these proportions with that :meth:`spread`."""
        factor = spread / self.spread(n_people, n_seeds)
        return Parts(self.people * factor, self.seeds * factor, self.rest * factor)


class Estimate(NamedTuple):
    """A simulated number with its 95 % interval; ``None`` where it is beyond what was searched."""

    value: float | None
    low: float | None
    high: float | None


@dataclass(frozen=True)
class Design:
    """What is planned, for one claim.

    Parameters
    ----------
    n_people, n_seeds : int
        Tested people, and seeds of each.
    n_controls : int
        Controls that a positive arm has to beat beside the baseline.
    n_claims : int
        Claims that Holm corrects over; the power is that at its first step, so whatever the others find.
    correlation : float
        Between the differences from the baseline and from any control: 0.5 where all arms vary alike, 0.75 to
        0.79 over people in simulated studies with a useful source (``benchmarks/bench_truth.py``).
    alpha : float
        Error rate of the family.
    """

    n_people: int
    n_seeds: int
    n_controls: int = 4
    n_claims: int = 1
    correlation: float = 0.75
    alpha: float = 0.05

    def __post_init__(self) -> None:
        check(
            self.n_people >= 2 and self.n_seeds >= 1 and self.n_controls >= 0 and self.n_claims >= 1,
            f"{self} is no design. Expected 2 people, 1 seed and 1 claim or more.",
        )
        check(
            0 <= self.correlation <= 1,
            f"correlation={self.correlation} is no share of what differences have in common. Pass 0.75.",
        )
        check_levels(self.alpha)
