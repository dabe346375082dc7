"""Which topologies a search may try, network by network."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from ...errors import BiotransferError, check, did_you_mean


class _Trial(Protocol):
    def suggest_int(self, name: str, low: int, high: int) -> int: ...

    def suggest_categorical(self, name: str, choices: Any) -> Any: ...


@dataclass(frozen=True)
class Choice:
    """One value of several.

    Parameters
    ----------
    of : tuple
        The values.
    """

    of: tuple[Any, ...]

    def suggest(self, trial: _Trial, name: str) -> Any:
        """Return what ``trial`` draws."""
        return trial.suggest_categorical(name, list(self.of))


@dataclass(frozen=True)
class Sizes:
    """A list of sizes, of a length that is searched too.

    Parameters
    ----------
    fewest, most : int
        Length of the list.
    of : tuple of int
        Each element is one of these.
    """

    fewest: int
    most: int
    of: tuple[int, ...]

    def suggest(self, trial: _Trial, name: str) -> list[int]:
        """Return what ``trial`` draws; elements beyond the length are drawn too: children keep them."""
        n = trial.suggest_int(f"{name}.length", self.fewest, self.most)
        sizes = [trial.suggest_categorical(f"{name}.{i + 1}", list(self.of)) for i in range(self.most)]
        return [int(size) for size in sizes[:n]]


Space = Mapping[str, Choice | Sizes]
SPACES: Mapping[str, Space] = {
    "mlp": {"hidden": Sizes(1, 3, (8, 16, 32, 64, 128, 256))},
    "cnn_image": {
        "filters": Sizes(1, 2, (4, 8, 16, 32)),
        "kernel": Choice((3, 5)),
        "hidden": Choice((16, 32, 64, 128)),
    },
    "cnn_signal": {
        "filters": Sizes(1, 3, (8, 16, 32)),
        "kernel": Choice((7, 15, 31)),
        "pool": Choice((2, 4)),
    },
    "channel_wise": {
        "filters": Sizes(1, 3, (8, 16, 32)),
        "kernel": Choice((7, 15, 31)),
        "pool": Choice((2, 4)),
        "hidden": Choice((16, 32, 64)),
    },
}
"""What is searched of each network unless a recipe says otherwise."""


def read_space(network: str, given: Mapping[str, Any] | None = None) -> Space:
    """Return what is searched of a network.

    Parameters
    ----------
    network : str
        Catalog name.
    given : mapping, optional
        By parameter, a list of values, or ``{"length": [fewest, most], "of": [sizes]}``; parameters that are
        not named stay as the recipe's network has them.

    Raises
    ------
    BiotransferError
        For a network whose topology is fixed, and for a parameter that it does not have.

    Examples
    --------
    >>> read_space("mlp", {"hidden": {"length": [1, 2], "of": [8, 16]}})
    {'hidden': Sizes(fewest=1, most=2, of=(8, 16))}
    """
    check(
        network in SPACES,
        f"search: network {network!r} has no topology to search. Use one of: {', '.join(SPACES)}.",
    )
    if not given:
        return SPACES[network]
    check(
        isinstance(given, Mapping),
        f"search.space.{network}={given!r} is no mapping. Expected values by parameter: "
        f"{', '.join(SPACES[network])}.",
    )
    return {name: _read(network, name, value) for name, value in given.items()}


def _read(network: str, name: str, value: Any) -> Choice | Sizes:
    known = SPACES[network]
    if name not in known:
        raise BiotransferError(
            f"search.space: network {network!r} has no {name!r} to search.{did_you_mean(name, known)} "
            f"It has: {', '.join(known)}."
        )
    if isinstance(known[name], Choice):
        check(
            isinstance(value, (list, tuple)) and len(value) > 0,
            f"search.space.{name}={value!r}. Expected a list of values, such as {list(known[name].of)}.",
        )
        return Choice(tuple(value))
    length = value.get("length") if isinstance(value, Mapping) else None
    of = value.get("of") if isinstance(value, Mapping) else None
    good = (
        isinstance(length, (list, tuple))
        and len(length) == 2
        and all(type(n) is int for n in length)
        and 1 <= length[0] <= length[1]
        and isinstance(of, (list, tuple))
        and len(of) > 0
        and all(type(n) is int and n > 0 for n in of)
    )
    check(
        good,
        f"search.space.{name}={value!r}. Expected for example {{length: [1, 3], of: [16, 32, 64]}}.",
    )
    assert length is not None
    assert of is not None
    return Sizes(length[0], length[1], tuple(of))
