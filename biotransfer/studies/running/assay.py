"""Which control will prove that a study could see transfer, said before anything is trained."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

import numpy as np

from ...evidence.reading import place_label
from ...learning.networks import NETWORKS
from ...results import Direction
from ...signals.splits import ALL, budget_label
from ...transfer.align import MEASURES_MAPPING, why_no_meaning
from ...transfer.carry import contests
from .plan import Plan


@dataclass(frozen=True)
class Proof:
    """How one transfer arm of one design is proven to be one that could have gained.

    Parameters
    ----------
    direction : Direction
        From which data to which.
    network, variant, protocol : str
        Which design.
    budgets : tuple of str
        At which it is proven, each by itself.
    arm : str
        Label of the transfer.
    control : str
        Label of its positive control; "" where there is none.
    donors, people : int
        People that a fold keeps aside as donors, at least, and people who are tested.
    reason : str
        Why the design is not assayable; "" where ``control`` runs.
    """

    direction: Direction
    network: str
    variant: str
    protocol: str
    budgets: tuple[str, ...]
    arm: str
    control: str
    donors: int
    people: int
    reason: str

    @property
    def design(self) -> str:
        """Direction, network, way to transfer and split rule in a few words."""
        return place_label(str(self.direction), self.network, self.variant, self.protocol)


def find_proofs(plan: Plan) -> list[Proof]:
    """Return how every transfer arm of every design is proven.

    Parameters
    ----------
    plan : Plan
        What is to run.
    """
    found = []
    for variant in plan.recipe.variants:
        own = plan.of(variant)
        by_arm = {arm.label: arm for arm in own.recipe.arms}
        asked = contests(own.recipe.arms, own.recipe.compare.against)
        for direction in own.recipe.directions:
            for spec in own.recipe.network:
                for rule in own.recipe.split:
                    splits = own.splits[direction.target, rule.name, spec.name]
                    subjects = own.sides[direction.target].windows(spec.name).metadata["subject"]
                    names = subjects.to_numpy(dtype=str)
                    donors = min(len(np.unique(names[split.donors])) for split in splits)
                    tested = {name for split in splits for name in np.unique(names[split.test])}
                    for label, contest in asked.items():
                        control = by_arm.get(contest.positive_control or "")
                        reason = (
                            _why_unproven(own, control.source, direction, spec.name, rule.name)
                            if control is not None
                            else _why_none(own, by_arm[label].parameters, direction, spec.name, rule.name)
                        )
                        found.append(
                            Proof(
                                direction,
                                spec.name,
                                variant,
                                rule.name,
                                tuple(own.budgets),
                                label,
                                "" if control is None or reason else control.label,
                                donors,
                                len(tested),
                                reason,
                            )
                        )
    return found


def _why_unproven(plan: Plan, source: str | None, direction: Direction, network: str, protocol: str) -> str:
    """Say why a positive control cannot run; one that starts from no source always can."""
    return "" if source is None else plan.why_unproven(source, direction, network, protocol)


def _why_none(
    plan: Plan, parameters: Iterable[str], direction: Direction, network: str, protocol: str
) -> str:
    if direction.source == direction.target:
        return f"the source is other people of {direction.target} already"
    if "start" not in parameters:
        return "its method has no parameter start, so it cannot start from own donors"
    return plan.without.get((direction.target, protocol, network)) or "no arm starts from own donors"


def say_proofs(plan: Plan) -> list[str]:
    """Say of every design which control will prove it, or why a null result of it will say nothing.

    Parameters
    ----------
    plan : Plan
        What is to run.
    """
    lines = []
    for design, group in groupby(find_proofs(plan), key=lambda proof: proof.design):
        proofs = list(group)
        proven = [proof for proof in proofs if proof.control]
        if proven:
            first = proven[0]
            arms = ", ".join(f"{proof.arm} -> {proof.control}" for proof in proven)
            at = "; ".join(budget_label(budget) for budget in first.budgets)
            each = "" if first.budgets == (ALL,) or len(first.budgets) == 1 else "each of "
            lines.append(
                f"{design}: proven by {first.donors} donor{'s' * (first.donors > 1)} per fold, "
                f"{first.people} people tested, at {each}{at}: {arms}"
            )
        for reason, rest in groupby(sorted(_missing(proofs)), key=lambda pair: pair[0]):
            arms = ", ".join(arm for _, arm in rest)
            lines.append(f"{design}: not assayable but for a gain: {arms}: {reason}")
    return lines


def _missing(proofs: Iterable[Proof]) -> list[tuple[str, str]]:
    return [(proof.reason, proof.arm) for proof in proofs if not proof.control]


def say_mappings(plan: Plan) -> list[str]:
    """Say which designs carry a network to inputs that are not those it learned.

    Parameters
    ----------
    plan : Plan
        What is to run.
    """
    lines: dict[str, None] = {}
    for variant, recipe in plan.recipe.variants.items():
        for direction in recipe.directions:
            for spec in recipe.network:
                if NETWORKS[spec.name].facts["shared"] and recipe.align.name == "none":
                    continue
                ends = (direction.source, direction.target)
                why = why_no_meaning(
                    recipe.align, *(plan.sides[end].windows(spec.name).names for end in ends)
                )
                if why:
                    where = place_label(str(direction), spec.name, variant)
                    lines[f"{where}: align {why}: {MEASURES_MAPPING}"] = None
    return list(lines)
