"""What a study asks of the search for a topology."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...settings import (
    Reader,
    Settings,
    UnexpectedError,
    key,
    known_keys,
    many,
    maybe,
    option,
    plain,
    text,
    whole,
)
from .nsga2 import RULES
from .space import read_space

SIDES = ("source", "target")


def _by_network(_: str, given: Any) -> Any:
    if not isinstance(given, Mapping):
        raise UnexpectedError
    return plain(given)


@dataclass(frozen=True)
class Search(Settings):
    """A search for topologies by NSGA-II on inner folds."""

    SECTION = "search"

    networks: tuple[str, ...] | None = key(
        "Which of the recipe's networks; all when left out.", maybe(many(text(), single=False)), None
    )
    side: str = key(
        "Whose training people the inner folds are of: source or target.", option(SIDES), "source"
    )
    generations: int = key("Generations of the search.", whole(1), 4)
    population: int = key("Topologies in a generation.", whole(2), 8)
    folds: int = key("Inner folds.", whole(2), 2)
    inits: int = key("Trainings of a topology in a fold, from other random weights.", whole(1), 2)
    choose: str = key("Which topology of the front is taken.", option(RULES), "one_standard_error")
    seed: int = key("Draws the search.", whole(0), 0)
    space: Mapping[str, Any] = key(
        "What is searched, by network and parameter: a list of values, or {length: [fewest, most], of: "
        "[sizes]}.",
        Reader("a mapping by network", _by_network),
        {},
    )

    def agree(self) -> None:
        """Refuse a space of a network that is not searched, or that has no topology to search."""
        if self.networks is None:
            return
        spaces = known_keys("search.space", self.space, self.networks)
        for name in self.networks:
            read_space(name, spaces.get(name))
