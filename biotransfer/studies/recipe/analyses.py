"""What a recipe asks of its networks besides their accuracy."""

from __future__ import annotations

from typing import Any

from ...errors import check, check_option


def resolve_scores(given: Any) -> list[str]:
    """Return the transferability scores by name; true stands for all that judge a source.

    Raises
    ------
    BiotransferError
        For an unknown score, one that judges no source, one named twice, or one whose package is missing.
    """
    from ...evidence.transferability import SCORES

    every = [name for name, entry in SCORES.items() if entry.facts["needs"] != "two_layers"]
    if isinstance(given, bool) or given is None:
        given = every if given else []
    names = [given] if isinstance(given, str) else given
    check(
        isinstance(names, list) and len({str(name) for name in names}) == len(names),
        f"scores={given!r}. Expected true, or a list that names each score once, such as [logme, leep].",
    )
    for name in names:
        SCORES.resolve(check_option("scores", name, SCORES))
        check(
            name in every,
            f"scores: {name!r} compares two layers and judges no source. Use one of {', '.join(every)}.",
        )
    return names
