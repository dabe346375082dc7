"""What a method's parameter can be: its type as annotated, its range and options as its docstring says them.

A docstring's type reads ``int, 1 or more``, ``float, 0 to 1``, ``float, above 0`` or ``{"a", "b"}``: the
range is that of every number in a list or mapping, the options those of every text.
"""

from __future__ import annotations

import inspect
import math
import re
import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral, Real
from typing import Any, Literal, Union, get_args, get_origin

from .errors import a_kind, did_you_mean

REQUIRED = inspect.Parameter.empty
_NUMBER = r"(-?\d+(?:\.\d+)?(?:e-?\d+)?)"
_WORDS = {bool: "true or false", int: "a whole number", float: "a number", str: "text", type(None): "nothing"}


@dataclass(frozen=True)
class Parameter:
    """A keyword of a method: its name, default and meaning, and what it can be.

    Parameters
    ----------
    name : str
        As a recipe says it.
    default : object
        ``REQUIRED`` where a recipe has to give it.
    doc : str
        Its meaning, the type in front.
    kind : object
        Its annotation; ``REQUIRED`` where it has none that can be read.
    said : str
        The type as the docstring says it.
    """

    name: str
    default: Any
    doc: str
    kind: Any = REQUIRED
    said: str = ""

    @property
    def required(self) -> bool:
        """Whether a recipe has to give it."""
        return self.default is REQUIRED

    @property
    def options(self) -> tuple[str, ...]:
        """Texts that it can be; none where it can be any."""
        return tuple(re.findall(r'"([^"]*)"', self.said))

    @property
    def bounds(self) -> tuple[float, float, bool, bool]:
        """Least and largest number, and whether each is itself outside."""
        between = re.search(rf"{_NUMBER} to {_NUMBER}", self.said)
        if between:
            return float(between[1]), float(between[2]), False, False
        least = re.search(rf"{_NUMBER} or more|above {_NUMBER}", self.said)
        most = re.search(rf"below {_NUMBER}", self.said)
        low = -math.inf if least is None else float(least[1] or least[2])
        return low, math.inf if most is None else float(most[1]), bool(least and least[2]), bool(most)

    def fault(self, value: Any) -> str:
        """Say what is wrong with a value, and what is expected; "" where nothing is.

        Examples
        --------
        >>> Parameter("k", 64, "", int, "int, 1 or more").fault(0)
        'is out of range. Expected: int, 1 or more, such as 64.'
        """
        kind = _like(self.default) if self.kind is REQUIRED else self.kind
        such = "" if self.default in (REQUIRED, None) else f", such as {self.default!r}"
        if not _is_a(value, kind):
            return f"is {a_kind(value)}. Expected: {_in_words(kind)}{such}."
        for leaf in _leaves(value):
            if isinstance(leaf, str) and self.options and leaf not in self.options:
                near = did_you_mean(leaf, self.options)
                return f"is unknown.{near} Use one of: {', '.join(self.options)}."
            if isinstance(leaf, Real) and not isinstance(leaf, bool) and not self._inside(float(leaf)):
                return f"is out of range. Expected: {self.said or 'a finite number'}{such}."
        return ""

    def _inside(self, value: float) -> bool:
        low, high, above, below = self.bounds
        inside = low <= value <= high and math.isfinite(value)
        return inside and not (above and value == low) and not (below and value == high)


def parameters_of(function: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Return the keyword-only arguments of a method, as its signature and docstring say them.

    Parameters
    ----------
    function : callable
        With a numpydoc docstring.
    """
    import docstring_parser

    docs: dict[str, tuple[str, str]] = {}
    for item in docstring_parser.parse(inspect.getdoc(function) or "").params:
        for name in item.arg_name.split(","):
            docs[name.strip()] = (item.type_name or "", " ".join((item.description or "").split()))
    found = []
    for p in inspect.signature(function).parameters.values():
        if p.kind is inspect.Parameter.KEYWORD_ONLY:
            said, doc = docs.get(p.name, ("", ""))
            kind = _annotated(function, p.annotation)
            found.append(Parameter(p.name, p.default, f"({said}) {doc}" if said else doc, kind, said))
    return tuple(found)


def _annotated(function: Callable[..., Any], annotation: Any) -> Any:
    """Return what an annotation stands for; ``REQUIRED`` where that is only known to a type checker."""
    if not isinstance(annotation, str):
        return annotation
    try:
        return eval(annotation, getattr(inspect.unwrap(function), "__globals__", {}))
    except (NameError, TypeError, AttributeError, SyntaxError):
        return REQUIRED


def _like(default: Any) -> Any:
    """Return the type that a default of a parameter without annotation stands for."""
    if default is REQUIRED or default is None:
        return Any
    if isinstance(default, (list, tuple)):
        return Sequence[_like(default[0])] if default else Sequence  # type: ignore[misc]
    known = (bool, int, float, str)
    return next((kind for kind in known if isinstance(default, kind)), Any)


def _is_a(value: Any, kind: Any) -> bool:
    origin, inner = get_origin(kind), get_args(kind)
    if kind is Any:
        return True
    if kind is None or kind is type(None):
        return value is None
    if origin in (Union, types.UnionType):
        return any(_is_a(value, one) for one in inner)
    if origin is Literal:
        return value in inner
    whole = origin or kind
    if whole is bool:
        return isinstance(value, bool)
    if whole in (int, float):
        return isinstance(value, Integral if whole is int else Real) and not isinstance(value, bool)
    if whole in (list, tuple, Sequence):
        of = [one for one in inner if one is not Ellipsis]
        return isinstance(value, (list, tuple)) and all(_is_a(v, of[0]) for v in value if len(of) == 1)
    if whole in (dict, Mapping):
        return isinstance(value, Mapping) and all(_is_a(v, inner[1]) for v in value.values() if inner)
    return isinstance(value, whole) if isinstance(whole, type) else True


def _in_words(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (Union, types.UnionType):
        return " or ".join(_in_words(one) for one in inner)
    whole = origin or kind
    if whole in (list, tuple, Sequence):
        return f"a list of {_in_words(inner[0])}" if inner else "a list"
    if whole in (dict, Mapping):
        return "a mapping"
    return _WORDS.get(whole, getattr(whole, "__name__", str(whole)))


def _leaves(value: Any) -> list[Any]:
    if isinstance(value, Mapping):
        return [leaf for inner in value.values() for leaf in _leaves(inner)]
    if isinstance(value, (list, tuple)):
        return [leaf for inner in value for leaf in _leaves(inner)]
    return [value]
