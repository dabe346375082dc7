"""The one way to say no: what is wrong, with numbers, what was expected, and what to type next."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Any


class BiotransferError(ValueError):
    """A request that cannot be carried out.

    The message reads ``<argument>=<value> <what is wrong, with numbers>. <What is expected>. <The next thing
    to type>.``
    """


class DataNotFoundError(BiotransferError):
    """A data set that is not on this machine."""


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
    if value not in options:
        raise BiotransferError(
            f"{name}={value!r} is unknown.{did_you_mean(value, options)} Use one of: {', '.join(options)}."
        )
    return value
