"""What a study could find, and how many people it would take, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ...errors import BiotransferError, check
from ...evidence.reading import network_label
from ...evidence.stats import detectable_difference, smallest_p, subjects_needed
from ...files import read_json
from ...results import Direction
from ...signals.splits import ALL, budget_label
from .plan import Plan
from .tasks import TargetTask, lay_out

PRIOR_SPREAD = {"eeg": 0.043, "emg": 0.008}
_MEASURED = "measured on real pairs"


@dataclass(frozen=True)
class Foresight:
    """What one direction can show under one protocol.

    Parameters
    ----------
    direction : Direction
        From which data to which.
    network, variant, protocol, budget : str
        Which comparison.
    n_subjects : int
        People who are tested.
    n_tests : int
        Size of the family that Holm corrects over.
    spread : float
        Standard deviation between people of the differences, assumed.
    origin : str
        Where the spread comes from.
    detectable : float or None
        Difference found in four of five studies; None where so few people reach no significance.
    needed : int
        People who would find the margin in four of five studies.
    margin : float
        Of the recipe.
    """

    direction: Direction
    network: str
    variant: str
    protocol: str
    budget: str
    n_subjects: int
    n_tests: int
    spread: float
    origin: str
    detectable: float | None
    needed: int
    margin: float

    def __str__(self) -> str:
        where = f"{self.direction}, {network_label(self.network, self.variant)} by {self.protocol}"
        if self.budget != ALL:
            where += f", {budget_label(self.budget)}"
        if self.detectable is None:
            found = (
                f"nothing can be found: p is {self.n_tests * smallest_p(self.n_subjects):.2g} or more after "
                f"Holm over {self.n_tests} comparisons"
            )
        else:
            found = (
                f"finds {100 * self.detectable:.1f} points in four of five studies "
                f"(Holm over {self.n_tests} comparisons)"
            )
        return (
            f"{where}: {self.n_subjects} people, {found}; {100 * self.margin:.3g} points would need "
            f"{self.needed} people (spread {100 * self.spread:.1f} points, {self.origin})"
        )


def foresee(plan: Plan, spread: str | float | None = None) -> list[Foresight]:
    """Say what each direction, network, protocol and budget of a study could find.

    Parameters
    ----------
    plan : Plan
        What is to run.
    spread : float or path, optional
        Standard deviation between people of the paired differences, as a share (0.04 is four points), or the
        folder of an earlier study, whose largest one among the transfer arms of the same target counts.

    Returns
    -------
    list of Foresight
        In the order of the plan.

    Raises
    ------
    BiotransferError
        When the folder holds no verdicts on such a target, or the number is not above 0.

    Notes
    -----
    Without ``spread`` it is that of transferred against scratch (``arithmetic_myo``, balanced accuracy,
    asymptote, mean of five seeds): 4.3 points between the 12 people of mental-arithmetic (EEG), 0.8 points
    between the 14 of myodisco (EMG). The power is that of :func:`.paired_power` at the first
    step of Holm; controls that come close to the transfer take some of it away.

    ``plan`` decides who is tested: a person counts once, however often.
    """
    compared = plan.recipe.compare
    tested: dict[tuple[Direction, str, str, str, str], set[str]] = {}
    tests: dict[tuple[Direction, str, str, str, str], int] = {}
    for variant, task in _targets(plan):
        people = plan.sides[task.direction.target].signals.metadata["subject"].to_numpy(dtype=str)
        split = plan.split(task.direction, task.network, task.protocol, task.fold, task.budget)
        key = (task.direction, task.network, variant, task.protocol, task.budget)
        tests[key] = sum(arm.label != compared.against for arm in plan.of(variant).recipe.arms)
        tested.setdefault(key, set()).update(np.unique(people[split.test]))
    out = []
    for (direction, network, variant, protocol, budget), people in tested.items():
        family = [key for key, who in tested.items() if key[3] == protocol and _can(len(who), compared.alpha)]
        n_tests = sum(tests[key] for key in family) or tests[direction, network, variant, protocol, budget]
        alpha = compared.alpha / max(n_tests, 1)
        value, origin = _spread(plan, direction.target, spread)
        out.append(
            Foresight(
                direction=direction,
                network=network,
                variant=variant,
                protocol=protocol,
                budget=budget,
                n_subjects=len(people),
                n_tests=n_tests,
                spread=value,
                origin=origin,
                detectable=detectable_difference(value, len(people), alpha=alpha),
                needed=subjects_needed(value, compared.margin, alpha=alpha),
                margin=compared.margin,
            )
        )
    return out


def _targets(plan: Plan) -> Iterator[tuple[str, TargetTask]]:
    """Return every fold of a target with the variant of the recipe that it belongs to."""
    for entry in lay_out(plan):
        if isinstance(entry.task, TargetTask):
            yield entry.variant, entry.task


def _can(n_people: int, alpha: float) -> bool:
    """Whether so many people can reach significance: others do not count in the family, see verdicts."""
    return smallest_p(n_people) < alpha


def _spread(plan: Plan, target: str, given: str | float | None) -> tuple[float, str]:
    """Return the spread to plan with, as a share, and where it comes from."""
    if given is None:
        return PRIOR_SPREAD[plan.sides[target].signals.modality], _MEASURED
    try:
        value = float(str(given))
    except ValueError:
        return _earlier(Path(str(given)), target)
    check(
        0 < value < 1,
        f"spread={given}. Expected a share such as 0.04 (four points), or a folder of an earlier study.",
    )
    return value, "as given"


def _earlier(folder: Path, target: str) -> tuple[float, str]:
    path = folder / "verdicts.json"
    if not path.is_file():
        raise BiotransferError(
            f"spread={str(folder)!r} is no number and no finished study. Expected a share such as 0.04, or a "
            "study folder. Type: biotransfer run RECIPE"
        )
    found = [
        (row["spread"], row["direction"], row["arm"])
        for row in read_json(path)
        if row["target"] == target and row["arm"] == "transferred" and row["spread"]
    ]
    check(
        found,
        f"spread={str(folder)!r} holds no verdict on 'transferred' with target {target!r}. "
        "Expected an earlier study of the same target. Pass --spread 0.04.",
    )
    value, direction, arm = max(found)
    return float(value), f"{arm}, {direction} in {folder.name}"
