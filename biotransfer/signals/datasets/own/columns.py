"""Columns and channels by name, by a name with a star, or by position from 1 on."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fnmatch import fnmatchcase

from ....errors import BiotransferError, check, did_you_mean

_RANGE = re.compile(r"(\d+)-(\d+)")


def find_column(key: str, given: str | int, names: Sequence[str], where: str) -> int:
    """Return the position, from 0 on, of one column.

    Raises
    ------
    BiotransferError
        When there is none, or more than one.
    """
    found = _positions(key, given, names, where)
    check(
        len(found) == 1,
        f"{key}={given!r} names {len(found)} columns of {where!r}. Expected one of: {_shown(names)}.",
    )
    return found[0]


def find_columns(key: str, given: Sequence[str | int], names: Sequence[str], where: str) -> tuple[int, ...]:
    """Return the positions, from 0 on, of some columns in the order given, each once."""
    return tuple(dict.fromkeys(i for item in given for i in _positions(key, item, names, where)))


def _positions(key: str, given: str | int, names: Sequence[str], where: str) -> list[int]:
    if isinstance(given, str) and given in names:
        return [i for i, name in enumerate(names) if name == given]
    spans = _RANGE.fullmatch(given) if isinstance(given, str) else None
    if isinstance(given, int) or spans:
        first, last = (int(spans[1]), int(spans[2])) if spans else (int(given), int(given))
        check(
            1 <= first <= last <= len(names),
            f"{key}={given!r}: {where!r} has {len(names)} columns, counted from 1. Expected positions from 1 "
            f"to {len(names)}.",
        )
        return list(range(first - 1, last))
    found = [i for i, name in enumerate(names) if fnmatchcase(name, str(given))]
    if not found:
        raise BiotransferError(
            f"{key}={given!r} is no column of {where!r}.{did_you_mean(given, names)} "
            f"Use some of: {_shown(names)}; or positions from 1 to {len(names)}."
        )
    return found


def _shown(names: Sequence[str]) -> str:
    return ", ".join(names[:20]) + (", ..." if len(names) > 20 else "")
