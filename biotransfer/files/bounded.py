"""Text from strangers in bounds: counted while it is read, and refused before anything grows."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from numbers import Integral, Real
from pathlib import Path
from typing import Any

import yaml

from ..errors import BiotransferError, check

LARGEST = 512 * 1024
"""Bytes of a text, such as a recipe."""
MOST = 20_000
"""Values in it, those that aliases repeat included."""
DEEPEST = 24
"""Lists and mappings inside each other."""
LONGEST = 10_000
"""Characters of one text in it."""
LONGEST_NUMBER = 40
"""Characters of one number."""
_HUGE = 2**63
_UNFIT = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")
_NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")


def bounded(value: Any, where: str = "") -> Any:
    """Return a copy of lists and mappings, of which every value is finite, short and not too deep.

    Parameters
    ----------
    value : object
        Lists, mappings and what they hold; what is neither these nor text nor a number stays as it is.
    where : str
        The key that holds it, for messages.

    Raises
    ------
    BiotransferError
        With the path of the first value that is out of bounds.

    Examples
    --------
    >>> bounded({"seeds": [1, 2]})
    {'seeds': [1, 2]}
    """
    return _Copying().copy(value, where, 0)


class _Copying:
    """One walk through nested values, which counts them."""

    def __init__(self) -> None:
        self.n = 0

    def copy(self, value: Any, where: str, depth: int) -> Any:
        self.n += 1
        check(self.n <= MOST, f"{where or 'the text'} holds more than {MOST} values. Expected fewer.")
        check(
            depth <= DEEPEST,
            f"{_short(where)} lies more than {DEEPEST} lists and mappings deep. Expected less.",
        )
        if isinstance(value, str):
            return _text(value, where)
        if isinstance(value, Mapping) and type(value).__module__.partition(".")[0] != "biotransfer":
            return {self.key(k, where): self.copy(v, _below(where, k), depth + 1) for k, v in value.items()}
        if type(value) in (list, tuple):
            return type(value)(self.copy(v, f"{where}.{i}", depth + 1) for i, v in enumerate(value))
        if isinstance(value, Integral):
            check(abs(int(value)) < _HUGE, f"{where} has {len(hex(int(value)))} digits. Expected fewer.")
        elif isinstance(value, Real):
            check(math.isfinite(value), f"{where}={value!r} is not finite. Expected a number.")
        return value

    def key(self, name: Any, where: str) -> Any:
        known = isinstance(name, (str, int, float)) or name is None
        check(known, f"{where or 'the text'}: {type(name).__name__} is no key. Expected text.")
        return self.copy(name, f"a key of {where}" if where else "a key", 0)


def _below(where: str, name: Any) -> str:
    return f"{where}.{name}" if where else str(name)


def _short(where: str) -> str:
    return where if len(where) <= 60 else f"{where[:50]}..."


def _text(value: str, where: str) -> str:
    check(
        len(value) <= LONGEST,
        f"{_short(where)} has {len(value)} characters. Expected {LONGEST} or less.",
    )
    found = _UNFIT.search(value)
    check(
        found is None,
        f"{_short(where)}={value[:60]!r} holds a character that is no text. Expected letters, digits, signs.",
    )
    return value


class _Loader(yaml.SafeLoader):
    """Plain values without tags, counted while they are composed; a day stays text."""

    yaml_implicit_resolvers = {  # noqa: RUF012
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith(":timestamp")]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }

    def __init__(self, stream: str):
        super().__init__(stream)
        self.n, self.depth = 0, 0
        self.weights: dict[str, int] = {}

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Count a value, or all those that an alias repeats."""
        event = self.peek_event()
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            _check_at(anchor in self.weights, f"*{anchor} repeats what is not whole before it", event)
            self.n += self.weights[str(anchor)]
        _check_at(self.n <= MOST, f"it holds more than {MOST} values", event)
        _check_at(self.depth <= DEEPEST, f"more than {DEEPEST} lists and mappings inside each other", event)
        _check_at(getattr(event, "tag", None) is None, "a tag (!) names a type", event)
        before = self.n
        self.n, self.depth = self.n + 1, self.depth + 1
        node = super().compose_node(parent, index)
        self.depth -= 1
        if anchor is not None and not isinstance(event, yaml.AliasEvent):
            self.weights[anchor] = self.n - before
        return node

    def compose_scalar_node(self, anchor: Any) -> Any:
        """Refuse a value that is too long to be read."""
        node = super().compose_scalar_node(anchor)
        most = LONGEST_NUMBER if node.tag in _NUMBERS else LONGEST
        _check_at(len(node.value) <= most, f"a value of {len(node.value)} characters, more than {most}", node)
        return node

    def compose_mapping_node(self, anchor: Any) -> Any:
        """Refuse a key that stands there twice."""
        node = super().compose_mapping_node(anchor)
        seen = set()
        for name, _ in node.value:
            _check_at(isinstance(name, yaml.ScalarNode), "a key is a list or mapping", name)
            _check_at(name.value not in seen, f"the key {name.value[:60]!r} stands there twice", name)
            seen.add(name.value)
        return node


class _OutOfBoundsError(yaml.MarkedYAMLError):
    """What is YAML and is not read."""


def _check_at(fits: bool, problem: str, at: Any) -> None:
    if not fits:
        raise _OutOfBoundsError(problem=problem, problem_mark=at.start_mark)


_UNQUOTED = re.compile(r"(?P<key>[\w-]+):\s+(?P<value>(?:[*&!%@`]|\{[^{}\s]*\}(?=[^\s,}]))[^\s,]*)")
"""A key whose text begins as YAML's own words do."""


def _quotes(text: str, line: int) -> str:
    """Say what to type where a line of YAML that cannot be read holds such a text; "" where it holds none."""
    found = _UNQUOTED.search(text.splitlines()[line]) if line < len(text.splitlines()) else None
    if found is None:
        return ""
    value = found["value"].rstrip("'")
    value = value[: len(value) - max(value.count("}") - value.count("{"), 0)].replace("'", "''")
    return f"Such a text stands in quotes: {found['key']}: '{value}'"


def parse_yaml(text: str, what: str, instead: str) -> Any:
    """Return what a YAML text says, without building more than it may hold.

    Parameters
    ----------
    text : str
        Of a stranger, perhaps.
    what : str
        What it is, for messages, such as ``recipe 'mine.yaml'``.
    instead : str
        What to do, for messages.

    Returns
    -------
    object
        Plain values: text, finite numbers, true, false, nothing, lists, mappings. A day is text.

    Raises
    ------
    BiotransferError
        For what is no YAML, or out of the bounds of this module; with line and column.

    Examples
    --------
    >>> parse_yaml("date: 2026-11-28", "text", "")
    {'date': '2026-11-28'}
    """
    check(len(text) <= LARGEST, f"{what} has {len(text)} characters, more than {LARGEST}. {instead}")
    loader = None
    try:
        loader = _Loader(text)
        return bounded(loader.get_single_data())
    except (BiotransferError, yaml.YAMLError, ValueError, KeyError, OverflowError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        place = f" at line {mark.line + 1}, column {mark.column + 1}" if mark else ""
        verb = (
            "is not read" if isinstance(error, (_OutOfBoundsError, BiotransferError)) else "is no valid YAML"
        )
        problem = " ".join(str(getattr(error, "problem", None) or error).split())[:300]
        quotes = _quotes(text, mark.line) if mark else ""
        raise BiotransferError(f"{what} {verb}{place}: {problem}. {quotes or instead}") from error
    finally:
        if loader is not None:
            loader.dispose()


def parse_json(text: str, what: str, instead: str) -> Any:
    """Return what a JSON text says: finite values, none too deep or too long.

    Parameters
    ----------
    text : str
        Of a stranger, perhaps.
    what, instead : str
        See :func:`parse_yaml`.

    Raises
    ------
    BiotransferError
        For what is no JSON, or out of the bounds of this module.
    """
    check(len(text) <= LARGEST, f"{what} has {len(text)} characters, more than {LARGEST}. {instead}")
    try:
        return bounded(json.loads(text))
    except (ValueError, RecursionError) as error:
        verb = "is not read" if isinstance(error, BiotransferError) else "is no valid JSON"
        raise BiotransferError(
            f"{what} {verb}: {' '.join(str(error).split())[:300].rstrip('.')}. {instead}"
        ) from error


def is_file(path: Path) -> bool:
    """Whether there is such a file; a name that no file can have is none."""
    try:
        return path.is_file()
    except (OSError, ValueError):
        return False


def exists(path: Path) -> bool:
    """Whether there is a file or folder; a name that none can have is none."""
    try:
        return path.exists()
    except (OSError, ValueError):
        return False


def read_yaml(path: Path, what: str, instead: str) -> Any:
    """Return what a YAML file says, see :func:`parse_yaml`.

    Parameters
    ----------
    path : Path
        Of a file.
    what, instead : str
        See :func:`parse_yaml`.

    Raises
    ------
    BiotransferError
        When it cannot be read, too.
    """
    return parse_yaml(read_text(path, what, instead), what, instead)


def read_text(path: Path, what: str, instead: str, *, largest: int = LARGEST) -> str:
    """Return the text of a file, of which no more than ``largest`` bytes are read.

    Parameters
    ----------
    path : Path
        Of a file.
    what, instead : str
        For messages.
    largest : int
        Bytes.

    Raises
    ------
    BiotransferError
        When it is no text in UTF-8, is larger, or cannot be read.
    """
    try:
        with path.open("rb") as file:
            content = file.read(largest + 1)
        check(len(content) <= largest, f"{what} has more than {largest} bytes. {instead}")
        return content.decode("utf-8-sig")
    except (OSError, ValueError) as error:
        if isinstance(error, BiotransferError):
            raise
        raise BiotransferError(f"{what} cannot be read: {error}. {instead}") from error
