"""Plain values where names are expected: taken where their meaning is clear, refused in words where not."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from numbers import Integral, Real
from typing import Any

from ..errors import a_kind, check


def name_of(argument: str, value: Any) -> str:
    """Return one name: text as it is, a whole number by its digits.

    Parameters
    ----------
    argument : str
        Whose value it is, for the message.
    value : object
        A text, or a whole number, be it written 7 or 7.0.

    Raises
    ------
    BiotransferError
        For anything else, and for an empty text.

    Examples
    --------
    >>> name_of("subject", 7), name_of("subject", "p01")
    ('7', 'p01')
    """
    if isinstance(value, str):
        check(value.strip(), f"{argument}={value!r} is empty. Expected a name. Write {argument}='1'.")
        return str(value)
    whole = isinstance(value, Real) and not isinstance(value, bool) and math.isfinite(value)
    check(
        whole and (isinstance(value, Integral) or float(value).is_integer()),
        f"{argument}={value!r} is no name but {a_kind(value)}. Expected a text or a whole number. "
        f"Write {argument}='1'.",
    )
    return str(int(value))


def listed(argument: str, values: Any) -> list[Any]:
    """Return several values as a list; one text is one value.

    Raises
    ------
    BiotransferError
        For what holds no values in an order: a number, a mapping, a set.
    """
    if isinstance(values, str):
        return [values]
    ordered = isinstance(values, (Sequence, Iterable)) and not isinstance(
        values, (Mapping, set, frozenset, bytes)
    )
    check(
        ordered and getattr(values, "ndim", 1) == 1,
        f"{argument}={values!r} is {a_kind(values)}, not a list. Write {argument}=[...].",
    )
    return list(values)
