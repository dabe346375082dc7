"""Methods as declared records: listing, validation and documentation follow from the entry.

A method is one function and one :class:`Entry`. Its **keyword-only arguments are its parameters**: their
defaults come from the signature and their meaning from the numpydoc docstring, so each fact stands in one
place. What else is known of a method are its **facts**: a catalog declares each as a :class:`Fact`, and holds
every entry against them when it is made.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from importlib.util import find_spec
from typing import Any, get_args, get_origin

from .errors import BiotransferError, a_kind, check, check_option, did_you_mean
from .parameters import REQUIRED, Parameter, parameters_of
from .registry import Registration, ask_installed_packages, open_catalog
from .showing import html_table, one_line


@dataclass(frozen=True)
class Fact:
    """What the entries of a catalog say of themselves under one name.

    Parameters
    ----------
    doc : str
        Its meaning, as ``biotransfer show`` prints it.
    kind : type
        Of the value: a type, a union such as ``str | None``, or ``tuple[str, ...]``.
    options : collection, optional
        What the value, or each item of a tuple, can be.
    default : object, optional
        What holds where an entry says nothing; without it every entry has to say.
    asks : callable, optional
        Says of a value, or of each item of a tuple, what the method asks of a study: "" or None for nothing.
    """

    doc: str
    kind: Any = str
    options: Collection[Any] = ()
    default: Any = REQUIRED
    asks: Callable[[Any], str | None] | None = None

    def fault(self, value: Any) -> str:
        """Say what is wrong with a value, and what is expected; "" where nothing is.

        Examples
        --------
        >>> Fact("What it takes.", options=("signals", "features")).fault("signal")
        "is unknown. Did you mean 'signals'? Use one of: signals, features."
        """
        many = get_origin(self.kind) is tuple
        kind = get_args(self.kind)[0] if many else self.kind
        if many and not isinstance(value, tuple):
            return f"is {a_kind(value)}. Expected a tuple."
        for item in value if many else (value,):
            if not _is_a(item, kind):
                name = getattr(kind, "__name__", str(kind))
                return f"holds {a_kind(item)}. Expected {name}."
            if self.options and item is not None and item not in self.options:
                known = ", ".join(map(str, self.options))
                return f"is unknown.{did_you_mean(item, self.options)} Use one of: {known}."
        return ""

    def asked(self, value: Any) -> list[str]:
        """Return what a method with this value asks of a study."""
        items = value if isinstance(value, tuple) else (value,)
        return [text for item in items if self.asks and (text := self.asks(item))]


def _is_a(value: Any, kind: Any) -> bool:
    """Whether a value has a type; no bool is a number, a whole number is a float."""
    kinds = get_args(kind) or (kind,)
    if isinstance(value, bool):
        return bool in kinds
    return isinstance(value, (*kinds, int) if float in kinds else kinds)


COMMON: Mapping[str, Fact] = {
    "packages": Fact(
        "Modules that it imports from an optional part of the installation.", tuple[str, ...], default=()
    ),
    "extra": Fact(
        "That part of the installation.",
        str | None,
        default=None,
        asks=lambda extra: extra and f"pip install 'biotransfer[{extra}]'",
    ),
}
"""Facts of every kind of entry."""


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
        What the facts of its catalog ask for (``role`` of an arm, ``modality`` of a data set, ...). The entry
        that the catalog holds has them all, defaults filled in.
    """

    name: str
    summary: str
    function: Callable[..., Any]
    source: str = "own"
    facts: Mapping[str, Any] = field(default_factory=dict)

    @cached_property
    def parameters(self) -> tuple[Parameter, ...]:
        """The keyword-only arguments of ``function``, documented."""
        return parameters_of(self.function)

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
    entries : list of Entry
        The methods.
    facts : mapping of str to Fact, optional
        What an entry of this kind must and may declare, beside the facts of every kind (``COMMON``).
    refused : mapping of str to str, optional
        Methods that one could expect here, and why they cannot be used.
    elsewhere : mapping of str to str, optional
        What to say of names that people bring from other toolkits, by the name in small letters and digits:
        where the method is here, or why it is not.
    word : str, optional
        What :func:`.register` calls it: it takes what is registered, and asks installed packages when a name
        is unknown or it is listed. Without it, it holds its own entries only.

    Attributes
    ----------
    own : tuple of str
        Names of the entries that were not registered from outside.

    Raises
    ------
    BiotransferError
        When an entry lacks a fact, declares one that is unknown, or gives it a value that it cannot have.

    Examples
    --------
    >>> def double(x, *, times=2):
    ...     return x * times
    >>> exact = Fact("Whether the result is exact.", bool, default=True)
    >>> catalog = Catalog("multiplier", [Entry("double", "Multiply by two.", double)], {"exact": exact})
    >>> catalog.resolve({"name": "double", "times": 3})[1], catalog["double"].facts["exact"]
    ({'times': 3}, True)
    """

    def __init__(
        self,
        kind: str,
        entries: list[Entry],
        facts: Mapping[str, Fact] | None = None,
        *,
        refused: Mapping[str, str] | None = None,
        elsewhere: Mapping[str, str] | None = None,
        word: str = "",
    ):
        self.kind, self.word = kind, word
        self.facts = {**(facts or {}), **COMMON}
        self.refused, self._elsewhere = dict(refused or {}), dict(elsewhere or {})
        self._entries = {entry.name: replace(entry, facts=self._complete(entry)) for entry in entries}
        check(len(self._entries) == len(entries), f"catalog {kind!r} names one entry twice.")
        self.own = tuple(self._entries)
        if word:
            open_catalog(word, self._take)

    def _take(self, new: Registration) -> None:
        """Hold what was registered from outside, too."""
        check(
            new.name not in self.own,
            f"name={new.name!r} stands in the catalog of {self.word} already. Expected another name. Type: "
            f"register({self.word!r}, ..., name='my_{new.name}').",
        )
        entry = Entry(new.name, new.summary, new.function, new.source, new.facts)
        self._entries[new.name] = replace(entry, facts=self._complete(entry))

    def _known(self, name: object = None) -> dict[str, Entry]:
        """Return all entries, those of installed packages too unless ``name`` is found without them."""
        if self.word and (name is None or name not in self._entries):
            ask_installed_packages()
        return self._entries

    def _complete(self, entry: Entry) -> dict[str, Any]:
        """Return every fact of an entry, checked, in the order of the catalog."""
        for name in entry.facts:
            if name not in self.facts:
                raise BiotransferError(
                    f"catalog {self.kind!r}, entry {entry.name!r}: fact {name!r} is unknown."
                    f"{did_you_mean(name, self.facts)} Use one of: {', '.join(self.facts)}."
                )
        full: dict[str, Any] = {}
        for name, fact in self.facts.items():
            value = full[name] = entry.facts.get(name, fact.default)
            check(
                value is not REQUIRED,
                f"catalog {self.kind!r}, entry {entry.name!r}: fact {name!r} is missing. Expected: "
                f"{fact.doc} Write Entry(..., facts={{{name!r}: ...}}).",
            )
            fault = fact.fault(value)
            check(not fault, f"catalog {self.kind!r}, entry {entry.name!r}: fact {name}={value!r} {fault}")
        check(
            bool(full["packages"]) == bool(full["extra"]),
            f"catalog {self.kind!r}, entry {entry.name!r}: packages={full['packages']!r} and "
            f"extra={full['extra']!r}. Expected both, or none.",
        )
        return full

    def __getitem__(self, name: str) -> Entry:
        return self.find(name)

    def find(self, name: Any, where: str = "") -> Entry:
        """Return an entry; ``where`` is the key that names it, for the message."""
        if not isinstance(name, str):
            known = ", ".join(self)
            raise BiotransferError(f"{where or self.kind}={name!r} is no name. Use one of: {known}.")
        if name in self.refused:
            raise BiotransferError(
                f"{where or self.kind}={name!r} cannot be used here: {self.refused[name]}."
            )
        entries = self._known(name)
        told = self._elsewhere.get(re.sub(r"[^a-z0-9]", "", name.lower()))
        if name not in entries and told:
            raise BiotransferError(
                f"{where or self.kind}={name!r} cannot be used here: {told}. See: biotransfer list toolkits"
            )
        check_option(where or self.kind, name, entries)
        return self._entries[name]

    def __iter__(self) -> Iterator[str]:
        return iter(tuple(self._known()))

    def __len__(self) -> int:
        return len(self._known())

    def __contains__(self, name: object) -> bool:
        return name in self._known(name)

    def __repr__(self) -> str:
        return one_line(f"{self.kind}: {', '.join(self)}")

    def _repr_html_(self) -> str:
        return html_table({self.kind: f"{len(self)} entries", **{e.name: e.summary for e in self.values()}})

    def asks(self, name: str) -> str:
        """Say what a method asks of a study, from the facts of its entry.

        Parameters
        ----------
        name : str
            Of an entry.
        """
        said = self.find(name).facts
        return "; ".join(text for key, fact in self.facts.items() for text in fact.asked(said[key]))

    def resolve(self, spec: str | Mapping[str, Any], where: str = "") -> tuple[Entry, dict[str, Any]]:
        """Return the entry and the full, validated parameters that ``spec`` asks for.

        Parameters
        ----------
        spec : str or mapping
            A name, or ``{"name": ..., parameter: value, ...}``.
        where : str
            The key that holds it, for messages; the catalog's kind when not given.

        Raises
        ------
        BiotransferError
            On an unknown name or key, a value of the wrong type, or a missing one.
        """
        if isinstance(spec, str):
            spec = {"name": spec}
        check(
            isinstance(spec, Mapping) and "name" in spec,
            f"{where or self.kind}={spec!r} is neither a name nor a mapping with a name. "
            f"Write {where or self.kind}: {next(iter(self._entries))}.",
        )
        entry = self.find(spec["name"], where)
        _check_packages(self.kind, entry)
        parameters = {p.name: p for p in entry.parameters}
        given = {key: value for key, value in spec.items() if key != "name"}
        for key, value in given.items():
            if key not in parameters:
                raise BiotransferError(
                    f"{self.kind} {entry.name!r} has no parameter {key!r}."
                    f"{did_you_mean(key, parameters)} It takes: {', '.join(parameters) or 'none'}."
                )
            fault = parameters[key].fault(value)
            check(not fault, f"{self.kind} {entry.name}: {key}={value!r} {fault}")
        missing = [p.name for p in parameters.values() if p.required and p.name not in given]
        check(
            not missing,
            f"{self.kind} {entry.name!r} needs {', '.join(missing)}. Type: biotransfer show {entry.name}",
        )
        return entry, {**entry.defaults, **given}


def _check_packages(kind: str, entry: Entry) -> None:
    """Refuse a method whose packages are not installed."""
    absent = [name for name in entry.facts["packages"] if find_spec(name) is None]
    check(
        not absent,
        f"{kind} {entry.name!r} needs the package {', '.join(absent)}, which is not installed. "
        f"Type: pip install 'biotransfer[{entry.facts['extra']}]'",
    )
