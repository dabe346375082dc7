"""What a recipe says about evidence beside the arms: features that should not carry the label."""

from __future__ import annotations

from typing import Any

from ..errors import check, check_option
from .sides import known_keys, plain


def resolve_nuisance(given: Any) -> dict[str, Any] | None:
    """Resolve what is measured beside the signal; None for nothing.

    Raises
    ------
    BiotransferError
        On an unknown key, family or classifier, or a line that is no frequency.
    """
    from ..baselines import BASELINES, NUISANCE

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
