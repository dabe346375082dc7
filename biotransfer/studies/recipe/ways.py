"""Further ways to transfer in one study: each is the recipe with some keys replaced."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...errors import check
from ...settings import Reader, Settings, key, known_keys, made

REPLACED = ("select", "align", "scale", "pretrain", "network", "arms")


def _label(_: str, given: Any) -> str:
    check(
        isinstance(given, str) and re.fullmatch(r"[\w. -]+", given),
        f"methods: label={given!r}. Expected a few letters, digits and spaces, such as label: coral.",
    )
    return str(given)


@dataclass(frozen=True)
class Way(Settings):
    """A further way to transfer.

    Parameters
    ----------
    label : str
        What results call it.
    changes : mapping
        Values of the recipe's keys that differ; ``arms`` are labels of those that run.
    """

    SECTION = "methods"

    label: str = key("What results call it.", Reader("a few letters, digits and spaces", _label))
    changes: Mapping[str, Any] = key(
        f"What differs, beside the label: {', '.join(REPLACED)} (labels of those that run).",
        made("keys of the recipe"),
        {},
        written="",
    )

    def agree(self) -> None:
        """Refuse a way that changes nothing, or what no way can."""
        known_keys("methods", self.changes, REPLACED)
        check(self.changes, f"methods: {self.label!r} changes nothing. Give one of {', '.join(REPLACED)}.")

    @property
    def name(self) -> str:
        """The label: no two ways share one."""
        return self.label

    @classmethod
    def read(cls, given: Any, inside: str = "") -> Way:
        """Return the way that a mapping of a label and changed keys describes."""
        if isinstance(given, cls):
            return given
        given = known_keys("methods", given, ["label", *REPLACED])
        changes = {name: given[name] for name in REPLACED if name in given}
        return cls(given.get("label"), changes)

    def plain(self) -> dict[str, Any]:
        """Return the changed keys beside the label."""
        from_settings = super().plain()
        return {"label": from_settings["label"], **from_settings["changes"]}
