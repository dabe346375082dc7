"""People of a target's own set who are kept aside in every fold: a source of the target's own kind."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from ...errors import BiotransferError, check
from ...results import Direction
from ...settings import Reader, Rule, Settings, key, known_keys, whole
from ...transfer.carry import ArmRequest
from .sides import Section

AUTO, NOBODY = "auto", "none"
OWN_DONORS = "own_donors"


class Asking(Protocol):
    """What a study says about directions, folds and whom it keeps aside."""

    @property
    def directions(self) -> tuple[Direction, ...]:
        """From which data to which."""

    @property
    def split(self) -> tuple[Rule, ...]:
        """Who trains and who tests."""

    @property
    def arms(self) -> tuple[ArmRequest, ...]:
        """What is compared."""

    @property
    def same_modality(self) -> Mapping[str, Any]:
        """By target, people kept aside or other data."""

    @property
    def own_donors(self) -> Any:
        """How many people of a target are to be kept aside."""


@dataclass(frozen=True)
class Donors(Settings):
    """People of the target's own set who are kept aside as a source."""

    SECTION = "same_modality"

    people: int = key("How many.", whole(1))


def _count(where: str, given: Any) -> int | str:
    if given is None:
        return NOBODY
    if given in (AUTO, NOBODY):
        return str(given)
    return int(Reader(_EXPECTS, whole(1).accepts)(where, given))


def _own(where: str, given: Any) -> int | str | dict[str, int | str]:
    if isinstance(given, Mapping):
        return {str(target): _count(f"{where}.{target}", asked) for target, asked in given.items()}
    return _count(where, given)


_EXPECTS = f"{AUTO}, {NOBODY}, or a number of people of 1 or more"
HOW_MANY = Reader(f"{_EXPECTS}; a mapping of these by target", _own)
"""Reads the recipe's key ``own_donors``."""


def keeps_people(rule: Mapping[str, Any]) -> bool:
    """Whether a split rule can keep people aside: one that tests people who are in no other part."""
    return "donors" in rule


def donors_asked(recipe: Asking, target: str) -> int | str:
    """Return how many people of a target are asked for as donors: a number, "auto" or "none".

    Parameters
    ----------
    recipe : Recipe
        The study; of ``same_modality`` and ``own_donors`` the former counts where both are given.
    target : str
        A side.
    """
    kept = recipe.same_modality.get(target)
    return kept.people if isinstance(kept, Donors) else _own_asked(recipe, target)


def wants_proof(recipe: Asking, target: str) -> bool:
    """Whether arms from own donors are to run on a target, if people can be kept aside."""
    between = any(d.target == target != d.source for d in recipe.directions)
    return between and _own_asked(recipe, target) != NOBODY


def can_prove(recipe: Asking) -> bool:
    """Whether own donors may prove some direction: one between two sides, by a rule that keeps people."""
    wanted = any(wants_proof(recipe, direction.target) for direction in recipe.directions)
    return wanted and any(keeps_people(rule) for rule in recipe.split)


def _own_asked(recipe: Asking, target: str) -> int | str:
    own = recipe.own_donors
    return own.get(target, AUTO) if isinstance(own, Mapping) else own


def check_donors(recipe: Asking, sides: Mapping[str, Section]) -> None:
    """Refuse own donors that nobody can keep aside, or that are counted in two ways.

    Parameters
    ----------
    recipe : Recipe
        The study, its directions, arms and ``same_modality`` settled.
    sides : mapping
        All data sections.

    Raises
    ------
    BiotransferError
        With the keys to change.
    """
    own = recipe.own_donors
    by_target = known_keys(OWN_DONORS, own, list(sides)) if isinstance(own, Mapping) else {}
    for target, kept in recipe.same_modality.items():
        asked = by_target.get(target, own if not by_target else AUTO)
        check(
            not (isinstance(kept, Donors) and isinstance(asked, int)) or asked == kept.people,
            f"{OWN_DONORS} keeps {asked} people of {target} aside, same_modality.{target}.people="
            f"{getattr(kept, 'people', None)}: one set of people is kept aside in a fold. Leave one out.",
        )
    asked_for = [n for n in (by_target.values() if by_target else [own]) if isinstance(n, int)]
    kept_by = any(keeps_people(rule) for rule in recipe.split)
    rules = ", ".join(rule.name for rule in recipe.split)
    check(
        not asked_for or kept_by,
        f"{OWN_DONORS}={own!r}: split by {rules} tests the people that it trains on, so nobody can be kept "
        f"aside. Use split: {{by: subject}}, or {OWN_DONORS}: {NOBODY}.",
    )
    for arm in recipe.arms:
        check(
            arm.starts_from != OWN_DONORS or can_prove(recipe),
            f"arm {arm.label!r} starts from other people of the target's own set, and nobody is kept aside "
            f"(split by {rules}, {OWN_DONORS}={own!r}). Use split: {{by: subject}} and {OWN_DONORS}: {AUTO}, "
            "between two sets.",
        )


def read_donors(
    given: Any,
    sides: Mapping[str, Section],
    directions: Sequence[Direction],
    splits: Sequence[Rule],
    *,
    wanted: Sequence[str] = (),
    own: Any = NOBODY,
) -> dict[str, Donors | Section]:
    """Return, for each target that needs one, a source of the target's own kind.

    Parameters
    ----------
    given : mapping
        As written, by target.
    sides : mapping
        All data sections.
    directions, splits : sequence
        Of the recipe.
    wanted : sequence of str
        Labels of the arms that start from ``same_modality``: they need people kept aside or another data set.
        A direction from a set to itself needs people kept aside, here or by the split rule.
    own : int, str or mapping
        The recipe's ``own_donors``: a number keeps people aside, too.

    Raises
    ------
    BiotransferError
        When a target lacks one, or the target's people would be in source and target.
    """
    given = known_keys("same_modality", given, list(sides))
    found: dict[str, Donors | Section] = {}
    for direction in directions:
        source, target = direction.source, direction.target
        asked = given.get(target)
        counted = own.get(target) if isinstance(own, Mapping) else own
        check(
            asked is not None or not wanted,
            f"arm {', '.join(wanted)} needs a source for {target}. Add same_modality: {{{target}: {{people: "
            "1}} to keep people of the target's set aside, or name another data set there.",
        )
        keeps = isinstance(asked, Donors) or (isinstance(asked, Mapping) and set(asked) == {"people"})
        needed = bool(wanted) or source == target
        if keeps and (needed or any(keeps_people(rule) for rule in splits)):
            found[target] = _read(target, asked)
            check(
                not needed or all(keeps_people(rule) for rule in splits),
                f"same_modality.{target}: people can be kept aside only with split: {{by: subject}}. "
                "Name another data set instead.",
            )
        elif wanted and target not in found:
            section = Section.of(f"same_modality.{target}", sides[target].modality, asked)
            check(
                section.origin != sides[target].origin,
                f"same_modality.{target}: {section.title!r} is the target itself; its people "
                "would be in source and target. Use {people: n}, or another data set.",
            )
            found[target] = section
        check(
            source != target
            or keeps
            or isinstance(counted, int)
            or all(rule.parameters.get("donors") for rule in splits),
            f"directions: {direction} starts from other people of its own set, but nobody is kept "
            f"aside. Add same_modality: {{{target}: {{people: 1}}}}, or split: {{by: subject, donors: 1}}.",
        )
    return found


def _read(target: str, asked: Any) -> Donors:
    try:
        return Donors.read(asked)
    except BiotransferError as error:
        text = str(error).removeprefix(Donors.SECTION)
        raise BiotransferError(f"{Donors.SECTION}.{target}{text}") from error
