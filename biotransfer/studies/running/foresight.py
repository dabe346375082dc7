"""What a study could find, and how many people it would take, before anything is trained."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ...errors import BiotransferError, check
from ...evidence.reading import direction_label, network_label, protocol_label
from ...evidence.stats import Design, Estimate, Parts, detectable_gain, people_needed, smallest_p
from ...evidence.verdicts import FEWEST_SEEDS
from ...files import read_json
from ...results import Direction
from ...signals.splits import ALL, budget_label
from ...transfer.carry import Contest, contests
from .plan import Plan
from .tasks import TargetTask, lay_out

PRIOR_PARTS = {"eeg": Parts(0.041, 0.008, 0.034), "emg": Parts(0.0072, 0.0014, 0.0059)}
_MEASURED = "measured on real pairs"
_Key = tuple[Direction, str, str, str, str]


@dataclass(frozen=True)
class Foresight:
    """What the claims of one direction can show under one protocol.

    Parameters
    ----------
    direction : Direction
        From which data to which.
    network, variant, protocol, budget : str
        Which comparison.
    design : Design
        People, seeds, the most controls that one of the claims has to beat, and the size of the family.
    parts : Parts
        Standard deviations of the differences, assumed.
    origin : str
        Where they come from.
    detectable : Estimate
        Gain that is called positive in four of five studies; None where nothing can be.
    needed : Estimate
        People with whom the margin is called positive in four of five studies.
    margin : float
        Of the recipe.
    """

    direction: Direction
    network: str
    variant: str
    protocol: str
    budget: str
    design: Design
    parts: Parts
    origin: str
    detectable: Estimate
    needed: Estimate
    margin: float

    @property
    def spread(self) -> float:
        """Standard deviation between people of the mean over seeds, the seeds' luck in it."""
        return self.parts.spread(self.design.n_people, self.design.n_seeds)

    @property
    def found(self) -> str:
        """What it could find, in words."""
        return self._found()

    def plain(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "direction": str(self.direction),
            **{key: getattr(self, key) for key in ("network", "variant", "protocol", "budget")},
            "n_people": self.design.n_people,
            "n_seeds": self.design.n_seeds,
            "n_claims": self.design.n_claims,
            "detectable": self.detectable.value,
            "people_needed": self.needed.value,
            "margin": self.margin,
            "spread": self.spread,
            "says": str(self),
        }

    def __str__(self) -> str:
        where = (
            f"{direction_label(self.direction)}, {network_label(self.network, self.variant)}, tested on "
            f"{protocol_label(self.protocol)}"
        )
        if self.budget != ALL:
            where += f", {budget_label(self.budget)}"
        said = f"{where}: {self.design.n_people} people, {self._found()}"
        if self.design.n_seeds >= FEWEST_SEEDS:
            said += f"; {100 * self.margin:.3g} points {self._need()}"
        return f"{said} (spread {100 * self.spread:.1f} points, {self.origin})"

    def _found(self) -> str:
        if self.design.n_seeds < FEWEST_SEEDS:
            seeds = f"{self.design.n_seeds} seed{'s' * (self.design.n_seeds != 1)}"
            return f"nothing can be claimed: {seeds} explore, a claim takes {FEWEST_SEEDS}"
        claims = f"{self.design.n_claims} claim{'s' * (self.design.n_claims != 1)}"
        family = f"Holm over {claims}, {self.design.n_controls} controls to beat"
        if self.detectable.value is None:
            smallest = min(1.0, self.design.n_claims * smallest_p(self.design.n_people))
            return f"nothing can be found: p is {smallest:.2g} or more ({family})"
        value, low, high = (f"{100 * (x or 0.0):.1f}" for x in self.detectable)
        return f"finds {value} points ({low} to {high}) in four of five studies ({family})"

    def _need(self) -> str:
        if self.needed.value is None:
            return "would need more seeds, not only more people"
        ends = f"{self.needed.low} to {self.needed.high or 'more'}"
        return f"would need {self.needed.value} people ({ends})"


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
        In the order of the plan; of directions in which a transfer is claimed.

    Raises
    ------
    BiotransferError
        When the folder holds no verdicts on such a target, or the number is not above 0.

    Notes
    -----
    Studies are drawn and the verdict's tests applied to them (:func:`.detectable_gain`), at the first step of
    Holm, with controls that stay at the baseline. Without ``spread`` the parts are those of transferred
    against scratch (``arithmetic_myo``, balanced accuracy, asymptote, five seeds) of the 12 people of
    mental-arithmetic (EEG): 4.1 points between people, 0.8 between seeds for all people alike, 3.4 otherwise;
    for EMG in these proportions, so that the 14 people of myodisco spread by the 0.8 points measured. A
    ``spread`` is divided in these proportions.

    ``plan`` decides who is tested: a person counts once, however often.
    """
    compared = plan.recipe.compare
    tested: dict[_Key, set[str]] = {}
    contested: dict[_Key, dict[str, Contest]] = {}
    for variant, task in _targets(plan):
        people = plan.sides[task.direction.target].signals.metadata["subject"].to_numpy(dtype=str)
        split = plan.split(task.direction, task.network, task.protocol, task.fold, task.budget)
        key = (task.direction, task.network, variant, task.protocol, task.budget)
        if key not in contested:
            contested[key] = contests(plan.of(variant).recipe.arms, compared.against)
        tested.setdefault(key, set()).update(np.unique(people[split.test]))
    out = []
    for key, who in tested.items():
        if not contested[key]:
            continue
        direction, network, variant, protocol, budget = key
        family = [k for k, them in tested.items() if k[3] == protocol and _can(len(them), compared.alpha)]
        design = Design(
            max(len(who), 2),
            len(plan.recipe.seeds),
            max(len(contest.controls) for contest in contested[key].values()),
            sum(len(contested[k]) for k in family) or len(contested[key]),
            alpha=compared.alpha,
        )
        parts, origin = _parts(plan, direction.target, design, spread)
        found = needed = Estimate(None, None, None)
        if design.n_seeds >= FEWEST_SEEDS:
            found = detectable_gain(design, parts)
            needed = people_needed(compared.margin, design, parts)
        out.append(
            Foresight(
                direction, network, variant, protocol, budget, design, parts, origin, found, needed,
                compared.margin,
            )
        )  # fmt: skip
    return out


def _targets(plan: Plan) -> Iterator[tuple[str, TargetTask]]:
    """Return every fold of a target with the variant of the recipe that it belongs to."""
    for entry in lay_out(plan):
        if isinstance(entry.task, TargetTask):
            yield entry.variant, entry.task


def _can(n_people: int, alpha: float) -> bool:
    """Whether so many people can reach significance: others do not count in the family, see verdicts."""
    return smallest_p(n_people) < alpha


def _parts(plan: Plan, target: str, design: Design, given: str | float | None) -> tuple[Parts, str]:
    """Return the parts to plan with, and where they come from."""
    prior = PRIOR_PARTS[plan.sides[target].signals.modality]
    if given is None:
        return prior, _MEASURED
    try:
        value = float(str(given))
    except ValueError:
        row = _earlier(Path(str(given)), target)
        parts = prior.scaled_to(float(row["spread"]), row["n_subjects"], row["n_seeds"])
        return parts, f"{row['arm']}, {row['direction']} in {Path(str(given)).name}"
    check(
        0 < value < 1,
        f"spread={given}. Expected a share such as 0.04 (four points), or a folder of an earlier study.",
    )
    return prior.scaled_to(value, design.n_people, design.n_seeds), "as given"


def _earlier(folder: Path, target: str) -> dict[str, Any]:
    path = folder / "verdicts.json"
    if not path.is_file():
        raise BiotransferError(
            f"spread={str(folder)!r} is no number and no finished study. Expected a share such as 0.04, or a "
            "study folder. Type: biotransfer run RECIPE"
        )
    found = [
        row
        for row in read_json(path)
        if row["target"] == target and row["arm"] == "transferred" and row["spread"]
    ]
    check(
        found,
        f"spread={str(folder)!r} holds no verdict on 'transferred' with target {target!r}. "
        "Expected an earlier study of the same target. Pass --spread 0.04.",
    )
    return dict(max(found, key=lambda row: float(row["spread"])))
