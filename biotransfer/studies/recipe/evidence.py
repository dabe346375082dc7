"""What a recipe says about evidence: features that should not carry the label, accepted errors, people."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

from ...errors import check, check_option
from .sides import known_keys, plain


def resolve_nuisance(given: Any) -> dict[str, Any] | None:
    """Resolve what is measured beside the signal; None for nothing.

    Raises
    ------
    BiotransferError
        On an unknown key, family or classifier, or a line that is no frequency.
    """
    from ...evidence.baselines import BASELINES, NUISANCE

    if given is None or given is False:
        return None
    given = known_keys("nuisance", {} if given is True else given, ("families", "line", "classifier"))
    families = given.get("families", list(NUISANCE))
    check(
        isinstance(families, list) and families and len(set(families)) == len(families),
        f"nuisance.families={families!r}. Expected each at most once out of {', '.join(NUISANCE)}. For none "
        "write nuisance: false.",
    )
    for family in families:
        check_option("nuisance.families", family, NUISANCE)
    line = given.get("line")
    check(
        line is None or (isinstance(line, (int, float)) and not isinstance(line, bool) and 10 <= line <= 500),
        f"nuisance.line={line!r}. Expected the mains frequency in Hz, such as 50.0, or nothing to find it.",
    )
    entry, parameters = BASELINES.resolve(given.get("classifier", "qda"))
    return {
        "families": families,
        "line": None if line is None else float(line),
        "classifier": {"name": entry.name, **plain(parameters)},
    }


def resolve_permutations(given: Any, baselines: Collection[Any]) -> int:
    """Resolve how often labels are permuted.

    Raises
    ------
    BiotransferError
        For no number, or permutations without a baseline to fit.
    """
    check(
        isinstance(given, int) and not isinstance(given, bool) and 0 <= given <= 9999,
        f"permutations={given!r}. Expected a number up to 9999, such as 99, or 0 for none.",
    )
    check(
        given == 0 or baselines,
        f"permutations={given} but baselines is empty: nothing is fitted. Add baselines: [lda].",
    )
    return int(given)


def resolve_accept(given: Any) -> dict[str, str]:
    """Resolve the errors that a study is run in spite of.

    Raises
    ------
    BiotransferError
        For an unknown check, one that never stops a study, or a missing reason.
    """
    from ...evidence.checks import CHECKS, guard_names

    names = guard_names()
    check(
        isinstance(given, dict),
        f"accept={given!r} is no mapping. Write accept: {{leaking_split: why it is run in spite of it}}.",
    )
    for name, reason in given.items():
        check_option("accept", name, CHECKS)
        check(
            name in names,
            f"accept: {name} never stops a study. Expected one of {', '.join(names)}. Leave it out.",
        )
        check(
            isinstance(reason, str) and len(reason.split()) > 1,
            f"accept.{name}={reason!r} is no reason. Say in a few words why; the report prints it.",
        )
    return {str(name): reason.strip().rstrip(".") for name, reason in given.items()}


def resolve_people(given: Any, sides: Collection[str]) -> list[list[str]]:
    """Resolve groups of ``side/person`` who are one person.

    Raises
    ------
    BiotransferError
        For a group that is no list of two or more, or an unknown side.
    """
    check(isinstance(given, list), f"same_people={given!r} is no list. Write same_people: [[eeg/a, emg/S1]].")
    known = [*sides, *(f"same_modality {name}" for name in sides)]
    for group in given:
        check(
            isinstance(group, list) and len(group) > 1 and all("/" in str(name) for name in group),
            f"same_people: {group!r} names no two people. Write side/person, such as [eeg/a, emg/S1].",
        )
        for name in group:
            check_option("same_people", name.split("/", 1)[0], known)
    return [list(group) for group in given]
