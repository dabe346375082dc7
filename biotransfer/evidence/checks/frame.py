"""What guards look at before anything is trained, and what they return."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from ...signals.splits import Print, Split
from ...signals.windows import Windows

_MOST_NAMED = 3


class Side(Protocol):
    """The windows of one data set."""

    @property
    def signals(self) -> Windows:
        """As cut."""

    @property
    def about(self) -> Mapping[str, Any]:
        """For the report."""

    @property
    def prints(self) -> Sequence[Print]:
        """What each recording can be known by; none where windows are features."""

    def windows(self, network: str) -> Windows:
        """Return what a network takes."""


class Frame(Protocol):
    """What a study is made from: ``studies.running.plan.Plan``."""

    @property
    def recipe(self) -> Any:
        """Resolved, by key."""

    @property
    def sides(self) -> Mapping[str, Any]:
        """Each a :class:`Side`, by name."""

    @property
    def splits(self) -> Mapping[tuple[str, str, str], list[Split]]:
        """By (target, protocol, network)."""

    @property
    def labelled(self) -> Mapping[tuple[str, str, str, str], list[Split]]:
        """By (target, protocol, network, budget): the same folds with the labels that the budget leaves."""


class Fault(NamedTuple):
    """One thing that a guard found; what it touches: a target and protocol, a direction's source, or all."""

    severity: str
    message: str
    target: str = ""
    protocol: str = ""
    source: str = ""


def first_splits(frame: Frame) -> list[tuple[str, str, str, list[Split]]]:
    """Return (target, protocol, network, splits), one network for every target and rule."""
    seen: dict[tuple[str, str], tuple[str, str, str, list[Split]]] = {}
    for (target, protocol, network), splits in frame.splits.items():
        seen.setdefault((target, protocol), (target, protocol, network, splits))
    return list(seen.values())


def named(items: Sequence[str]) -> str:
    """Return the first of some items, and how many more there are."""
    more = f" and {len(items) - _MOST_NAMED} more" if len(items) > _MOST_NAMED else ""
    return ", ".join(items[:_MOST_NAMED]) + more
