"""What a recipe says about the search for a topology."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...errors import check, check_option
from ..topologies import read_space
from ..topologies.nsga2 import RULES
from .sides import known_keys, plain

SEARCH_DEFAULTS: dict[str, Any] = {
    "networks": None,
    "side": "source",
    "generations": 4,
    "population": 8,
    "folds": 2,
    "inits": 2,
    "choose": "one_standard_error",
    "seed": 0,
    "space": {},
}
_ENDS = ("source", "target")
_LEAST = {"generations": 1, "population": 2, "folds": 2, "inits": 1, "seed": 0}


def resolve_search(given: Any, networks: Sequence[Mapping[str, Any]]) -> dict[str, Any] | None:
    """Return the search with every default filled in, None where there is none.

    Raises
    ------
    BiotransferError
        For an unknown key or network, or a number out of range.
    """
    if given is None:
        return None
    out = {**SEARCH_DEFAULTS, **known_keys("search", given, list(SEARCH_DEFAULTS))}
    known = [spec["name"] for spec in networks]
    out["networks"] = list(known if out["networks"] is None else out["networks"])
    for name in out["networks"]:
        check_option("search.networks", name, known)
    check_option("search.side", out["side"], _ENDS)
    check_option("search.choose", out["choose"], RULES)
    for key, least in _LEAST.items():
        check(
            type(out[key]) is int and out[key] >= least,
            f"search.{key}={out[key]!r}. Expected a whole number of {least} or more.",
        )
    spaces = known_keys("search.space", out["space"], out["networks"])
    for name in out["networks"]:
        read_space(name, spaces.get(name))
    return {**out, "space": plain(spaces)}
