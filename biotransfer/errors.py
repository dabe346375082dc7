"""The one way to say no: what is wrong, with numbers, what was expected, and what to type next."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Hashable, Iterable
from typing import Any, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


class BiotransferError(ValueError):
    """A request that cannot be carried out.

    The message reads ``<argument>=<value> <what is wrong, with numbers>. <What is expected>. <The next thing
    to type>.``
    """


class DataNotFoundError(BiotransferError):
    """A data set that is not on this machine."""


def a_kind(value: object) -> str:
    """Return the type of a value, with its article.

    Examples
    --------
    >>> a_kind(3), a_kind("three")
    ('an int', 'a str')
    """
    name = type(value).__name__
    return f"an {name}" if name[0] in "aeioAEIO" else f"a {name}"


def check(condition: Any, message: str) -> None:
    """Raise :class:`BiotransferError` with ``message`` unless ``condition`` holds.

    Examples
    --------
    >>> check(3 > 2, "three is not more than two.")
    """
    if not condition:
        raise BiotransferError(message)


def did_you_mean(value: object, options: Iterable[str]) -> str:
    """Return ``" Did you mean 'x'?"`` for the option nearest to ``value``, or an empty string.

    Examples
    --------
    >>> did_you_mean("scrach", ["scratch", "permuted"])
    " Did you mean 'scratch'?"
    """
    near = difflib.get_close_matches(str(value), list(options), n=1, cutoff=0.6)
    return f" Did you mean {near[0]!r}?" if near else ""


def check_option(name: str, value: Any, options: Iterable[str]) -> Any:
    """Return ``value`` if it is one of ``options``.

    Parameters
    ----------
    name : str
        The argument's name, for the message.
    value : object
        What was asked for.
    options : iterable of str
        What there is.

    Raises
    ------
    BiotransferError
        With the nearest option and the whole list.

    Examples
    --------
    >>> check_option("modality", "eeg", ["eeg", "emg"])
    'eeg'
    """
    options = list(options)
    if not isinstance(value, Hashable) or value not in options:
        raise BiotransferError(
            f"{name}={value!r} is unknown.{did_you_mean(value, options)} Use one of: {', '.join(options)}."
        )
    return value


def one_or_many(name: str, given: Any, kind: type[Item], instead: str) -> list[Item]:
    """Return what was given in a list: one object, or several.

    Parameters
    ----------
    name : str
        The argument, for the message.
    given : object
        One of ``kind``, or an iterable of them.
    kind : type
        What is expected.
    instead : str
        What to type where it is something else.

    Raises
    ------
    BiotransferError
        For anything else, or none.
    """
    if isinstance(given, kind):
        return [given]
    wanted = f"Expected {kind.__name__}, one or many. {instead}"
    many = isinstance(given, Iterable) and getattr(given, "ndim", 1) > 0
    check(many, f"{name} is {a_kind(given)}. {wanted}")
    items: list[Item] = []
    for item in given:
        check(
            isinstance(item, kind),
            f"{name} is {a_kind(given)} of {type(item).__name__}. {wanted}",
        )
        items.append(item)
    check(items, f"{name}=[] is empty. {wanted}")
    return items


def check_is(name: str, given: Any, kind: type | tuple[type, ...], instead: str) -> None:
    """Refuse what is not of the kind that an argument takes.

    Parameters
    ----------
    name : str
        The argument, for the message.
    given : object
        What was passed.
    kind : type or tuple of type
        What is expected.
    instead : str
        What to type.

    Raises
    ------
    BiotransferError
        For anything else.
    """
    kinds = kind if isinstance(kind, tuple) else (kind,)
    wanted = " or ".join(k.__name__ for k in kinds)
    check(isinstance(given, kinds), f"{name} is {a_kind(given)}. Expected {wanted}. {instead}")


def for_each(name: str, items: Iterable[Item], function: Callable[[Item], Made]) -> list[Made]:
    """Return what ``function`` makes of every item; an error says which of several it is about.

    Parameters
    ----------
    name : str
        The argument that holds the items, for the message.
    items : iterable
        One or more.
    function : callable
        Takes one of them.

    Raises
    ------
    BiotransferError
        That of ``function``, the item's position and what it is before it.

    Examples
    --------
    >>> for_each("seeds", [1, 2], lambda seed: seed + 1)
    [2, 3]
    """
    items = list(items)
    made = []
    for i, item in enumerate(items):
        try:
            made.append(function(item))
        except BiotransferError as error:
            if len(items) == 1:
                raise
            raise BiotransferError(f"{name}[{i}], {item!r}: {error}") from error
    return made
