"""Methods as declared records: listing, validation and documentation follow from the entry.

A method is one function and one :class:`Entry`. Its **keyword-only arguments are its parameters**: their
defaults come from the signature and their meaning from the numpydoc docstring, so each fact stands in one
place.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from importlib.util import find_spec
from typing import Any

from .errors import BiotransferError, check, check_option, did_you_mean
from .showing import html_table, one_line


@dataclass(frozen=True)
class Parameter:
    """A keyword of a method: its name, default and meaning."""

    name: str
    default: Any
    doc: str

    @property
    def required(self) -> bool:
        """Whether a recipe has to give it."""
        return self.default is inspect.Parameter.empty


@dataclass(frozen=True)
class Entry:
    """A method that a recipe can name.

    Parameters
    ----------
    name : str
        What a recipe says.
    summary : str
        One sentence, used by the listing, the report and the Methods paragraph.
    function : callable
        Does the work; its keyword-only arguments are the method's parameters.
    source : str
        The paper and equation, or "own".
    facts : mapping
        What else a catalog of this kind declares (``role`` of an arm, ``modality`` of a data set, ...);
        ``packages`` are modules that the method imports from the optional ``extra`` of the installation.
    """

    name: str
    summary: str
    function: Callable[..., Any]
    source: str = "own"
    facts: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The keyword-only arguments of ``function``, documented."""
        import docstring_parser

        docs: dict[str, str] = {}
        for item in docstring_parser.parse(inspect.getdoc(self.function) or "").params:
            for name in item.arg_name.split(","):
                kind = f"({item.type_name}) " if item.type_name else ""
                docs[name.strip()] = kind + " ".join((item.description or "").split())
        return tuple(
            Parameter(p.name, p.default, docs.get(p.name, ""))
            for p in inspect.signature(self.function).parameters.values()
            if p.kind is inspect.Parameter.KEYWORD_ONLY
        )

    def __repr__(self) -> str:
        return one_line(f"Entry {self.name}: {self.summary}")

    def _repr_html_(self) -> str:
        given = {p.name: "required" if p.required else repr(p.default) for p in self.parameters}
        return html_table({"entry": self.name, "summary": self.summary, "source": self.source, **given})

    @property
    def defaults(self) -> dict[str, Any]:
        """Default of every parameter that has one."""
        return {p.name: p.default for p in self.parameters if not p.required}


class Catalog(Mapping[str, Entry]):
    """Methods of one kind by name; an unknown name is answered with the nearest one.

    Parameters
    ----------
    kind : str
        What the entries are ("network", "arm", ...): also the recipe's key.
    entries : iterable of Entry
        The methods.
    refused : mapping of str to str, optional
        Methods that one could expect here, and why they cannot be used.

    Examples
    --------
    >>> def double(x, *, times=2):
    ...     return x * times
    >>> catalog = Catalog("multiplier", [Entry("double", "Multiply by two.", double)])
    >>> catalog.resolve({"name": "double", "times": 3})[1]
    {'times': 3}
    """

    def __init__(self, kind: str, entries: list[Entry], refused: Mapping[str, str] | None = None):
        self.kind = kind
        self.refused = dict(refused or {})
        self._entries = {entry.name: entry for entry in entries}
        check(len(self._entries) == len(entries), f"catalog {kind!r} names one entry twice.")

    def __getitem__(self, name: str) -> Entry:
        if name in self.refused:
            raise BiotransferError(f"{self.kind}={name!r} cannot be used here: {self.refused[name]}.")
        check_option(self.kind, name, self._entries)
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __contains__(self, name: object) -> bool:
        return name in self._entries

    def __repr__(self) -> str:
        return one_line(f"{self.kind}: {', '.join(self)}")

    def _repr_html_(self) -> str:
        return html_table({self.kind: f"{len(self)} entries", **{e.name: e.summary for e in self.values()}})

    def resolve(self, spec: str | Mapping[str, Any]) -> tuple[Entry, dict[str, Any]]:
        """Return the entry and the full, validated parameters that ``spec`` asks for.

        Parameters
        ----------
        spec : str or mapping
            A name, or ``{"name": ..., parameter: value, ...}``.

        Raises
        ------
        BiotransferError
            On an unknown name or key, a value of the wrong type, or a missing one.
        """
        if isinstance(spec, str):
            spec = {"name": spec}
        check(
            isinstance(spec, Mapping) and "name" in spec,
            f"{self.kind}={spec!r} is neither a name nor a mapping with a name. "
            f"Write {self.kind}: {next(iter(self))}.",
        )
        entry = self[spec["name"]]
        _check_packages(self.kind, entry)
        parameters = {p.name: p for p in entry.parameters}
        given = {key: value for key, value in spec.items() if key != "name"}
        for key, value in given.items():
            if key not in parameters:
                raise BiotransferError(
                    f"{self.kind} {entry.name!r} has no parameter {key!r}."
                    f"{did_you_mean(key, parameters)} It takes: {', '.join(parameters) or 'none'}."
                )
            _check_type(f"{self.kind} {entry.name}: {key}", value, parameters[key].default)
        missing = [p.name for p in parameters.values() if p.required and p.name not in given]
        check(
            not missing,
            f"{self.kind} {entry.name!r} needs {', '.join(missing)}. Type: biotransfer show {entry.name}",
        )
        return entry, {**entry.defaults, **given}


def _check_packages(kind: str, entry: Entry) -> None:
    """Refuse a method whose packages are not installed."""
    absent = [name for name in entry.facts.get("packages", ()) if find_spec(name) is None]
    check(
        not absent,
        f"{kind} {entry.name!r} needs the package {', '.join(absent)}, which is not installed. "
        f"Type: pip install 'biotransfer[{entry.facts.get('extra')}]'",
    )


def _check_type(name: str, value: Any, default: Any) -> None:
    """Refuse a value whose type cannot stand where ``default`` stands."""
    if default is inspect.Parameter.empty or default is None or value is None:
        return
    kinds: tuple[type, ...]
    if isinstance(default, bool):
        kinds = (bool,)
    elif isinstance(default, int):
        kinds = (int,)
    elif isinstance(default, float):
        kinds = (int, float)
    elif isinstance(default, (list, tuple)):
        kinds = (list, tuple)
    elif isinstance(default, str):
        kinds = (str,)
    else:
        return
    if kinds == (list, tuple) and default and isinstance(value, kinds):
        for item in value:
            _check_type(name, item, default[0])
    wrong_bool = isinstance(value, bool) and bool not in kinds
    check(
        isinstance(value, kinds) and not wrong_bool,
        f"{name}={value!r} is a {type(value).__name__}. Expected: {kinds[-1].__name__}, such as {default!r}.",
    )
