"""Declared settings: every key of a group has one place for its default, its check and its meaning.

A group is a frozen dataclass below :class:`Settings` whose fields are made by :func:`key`. It is what does
the work, what a recipe's mapping is read into, and what listing and documentation are made from: a value is
refused in the same words wherever it is given.
"""

from __future__ import annotations

import copy
import math
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import MISSING, Field, dataclass, field, fields
from numbers import Integral, Real
from typing import Any, ClassVar, Self

from .catalog import Catalog
from .errors import BiotransferError, check, check_option, did_you_mean


class UnexpectedError(Exception):
    """A value that a reader does not take; its text, if any, says why."""


@dataclass(frozen=True)
class Reader:
    """How a value is read.

    Parameters
    ----------
    expects : str
        What it has to be, for the message and the documentation.
    accepts : callable
        ``(where, given) -> value``. It raises :class:`BiotransferError`, or :class:`UnexpectedError` for what
        it does not expect.
    of : type, optional
        The group that it reads a mapping into: its keys are documented below this one.
    under : str
        What stands between this key and those of the group: "N" for a position, "NAME" for a name.
    """

    expects: str
    accepts: Callable[[str, Any], Any]
    of: type[Settings] | None = None
    under: str = ""

    def __call__(self, where: str, given: Any, example: Any = MISSING) -> Any:
        """Return what ``given`` stands for.

        Parameters
        ----------
        where : str
            The key, for the message.
        given : object
            As written.
        example : object, optional
            A value that would do.

        Raises
        ------
        BiotransferError
            When it is something else.
        """
        try:
            return self.accepts(where, given)
        except UnexpectedError as error:
            such = "" if example is MISSING or example is None else f", such as {plain(example)!r}"
            raise BiotransferError(f"{where}={given!r}{error}. Expected {self.expects}{such}.") from error


def made(expects: str) -> Reader:
    """Read nothing: take what the group that owns the key has made."""
    return Reader(expects, lambda _, given: given)


def whole(least: int | None = None, most: int | None = None) -> Reader:
    """Read a whole number.

    Examples
    --------
    >>> whole(1)("epochs", 3)
    3
    """

    def accept(_: str, given: Any) -> int:
        if isinstance(given, bool) or not isinstance(given, Integral) or not _inside(int(given), least, most):
            raise UnexpectedError
        return int(given)

    return Reader(f"a whole number{_range(least, most)}", accept)


def number(
    least: float | None = None,
    most: float | None = None,
    *,
    above: float | None = None,
    below: float | None = None,
    unit: str = "",
) -> Reader:
    """Read a finite number.

    Examples
    --------
    >>> number(above=0, unit="s")("length", 1)
    1.0
    """

    def accept(_: str, given: Any) -> float:
        if isinstance(given, str) and _is_number(given):
            raise UnexpectedError(" (write 1.0e-3, not 1e-3: YAML reads that as text)")
        if isinstance(given, bool) or not isinstance(given, Real):
            raise UnexpectedError
        try:
            value = float(given)
        except OverflowError:
            value = math.inf
        fits = math.isfinite(value) and _inside(value, least, most)
        if not fits or (above is not None and value <= above) or (below is not None and value >= below):
            raise UnexpectedError
        return value

    more = f" above {above:g}" if above is not None else ""
    more += f"{' and' if more else ''} below {below:g}" if below is not None else ""
    return Reader(f"a number{f' of {unit}' if unit else ''}{more}{_range(least, most)}", accept)


def text() -> Reader:
    """Read a text."""

    def accept(_: str, given: Any) -> str:
        if not isinstance(given, str):
            raise UnexpectedError(" is no text")
        return given

    return Reader("text; put it in quotes", accept)


def flag() -> Reader:
    """Read true or false."""

    def accept(_: str, given: Any) -> bool:
        if not isinstance(given, bool):
            raise UnexpectedError
        return given

    return Reader("true or false", accept)


def option(names: Collection[str] | Callable[[], Collection[str]]) -> Reader:
    """Read one of several names; a function is asked for them when a value is read."""

    def accept(where: str, given: Any) -> str:
        return str(check_option(where, given, names() if callable(names) else names))

    expects = "one of several names" if callable(names) else f"one of {', '.join(names)}"
    return Reader(expects, accept)


def maybe(reader: Reader) -> Reader:
    """Read nothing, or what ``reader`` reads."""
    return Reader(
        f"{reader.expects}, or nothing",
        lambda where, given: None if given is None else reader.accepts(where, given),
        reader.of,
        reader.under,
    )


def many(reader: Reader, *, least: int = 1, single: bool = True) -> Reader:
    """Read a list, each value at most once.

    Parameters
    ----------
    reader : Reader
        Of one value.
    least : int
        How many there have to be.
    single : bool
        Whether a value alone stands for a list of one.
    """

    def accept(where: str, given: Any) -> tuple[Any, ...]:
        if not isinstance(given, (list, tuple)):
            if not single:
                raise UnexpectedError
            given = [given]
        values = tuple(reader(where, value) for value in given)
        check(len(values) >= least, f"{where}={list(given)!r} is empty. Name at least {least}.")
        names = [getattr(value, "name", value) for value in values]
        twice = sorted({str(n) for n in names if names.count(n) > 1})
        check(not twice, f"{where}: {', '.join(twice)} is named twice. Name each once.")
        return values

    expects = f"{reader.expects}, or a list of such" if single else f"a list, each of it {reader.expects}"
    return Reader(expects, accept, reader.of, "N" if reader.of else "")


class Spec(Mapping[str, Any]):
    """A method of a catalog with all of its parameters: a mapping, as a recipe says it.

    Parameters
    ----------
    name : str
        The entry's name.
    parameters : mapping
        All of its parameters.

    Examples
    --------
    >>> dict(Spec("pca", {"k": 8}))
    {'name': 'pca', 'k': 8}
    """

    NAME: ClassVar[str] = "name"

    def __init__(self, name: str, parameters: Mapping[str, Any] | None = None):
        check(self.NAME not in (parameters or {}), f"{name}: {self.NAME} is no parameter of its own.")
        self.name = name
        self.parameters: dict[str, Any] = plain(parameters or {})

    def __getitem__(self, key: str) -> Any:
        return self.name if key == self.NAME else self.parameters[key]

    def __iter__(self) -> Iterator[str]:
        return iter((self.NAME, *self.parameters))

    def __len__(self) -> int:
        return 1 + len(self.parameters)

    def __repr__(self) -> str:
        values = ", ".join(f"{k}={v!r}" for k, v in self.parameters.items())
        return f"{self.name}({values})"

    def changed(self, values: Mapping[str, Any]) -> dict[str, Any]:
        """Return the request with some values replaced; another name leaves those of ``values`` alone."""
        kept = {} if values.get(self.NAME, self.name) != self.name else dict(self)
        return {**kept, **values}


class Rule(Spec):
    """A split rule with all of its parameters; a recipe names it by ``by``."""

    NAME = "by"


def spec(catalog: Callable[[], Catalog]) -> Reader:
    """Read a method of a catalog: a name, or ``{"name": ..., parameter: value}``.

    Parameters
    ----------
    catalog : callable
        Returns the catalog, which may be slow to import.
    """

    def accept(where: str, given: Any) -> Spec:
        entry, parameters = catalog().resolve(given, where)
        return Spec(entry.name, parameters)

    return Reader("a name, or a mapping with name and parameters", accept)


def known_keys(where: str, given: Any, known: Collection[str]) -> dict[str, Any]:
    """Return ``given`` as a dict whose keys are all known.

    Raises
    ------
    BiotransferError
        For anything but a mapping, and for an unknown key, with the nearest known one.
    """
    check(isinstance(given, Mapping), f"{where}={given!r} is no mapping. Expected keys: {', '.join(known)}.")
    for name in given:
        if name not in known:
            raise BiotransferError(
                f"{where}: unknown key {name!r}.{did_you_mean(name, known)} Expected: {', '.join(known)}."
            )
    return dict(given)


def plain(value: Any) -> Any:
    """Return ``value`` in lists and dicts with text keys, as YAML would read it."""
    if isinstance(value, Settings):
        return value.plain()
    if isinstance(value, Mapping):
        return {str(k): plain(v) for k, v in value.items()}
    if isinstance(value, (list, tuple)):
        return [plain(v) for v in value]
    if isinstance(value, (str, int, float, bool)) or value is None:
        return value
    return str(value)


def key(doc: str, read: Reader, default: Any = MISSING, *, written: str | None = None) -> Any:
    """Declare a field of a group: what it means, how it is read, and its default.

    Parameters
    ----------
    doc : str
        One or two sentences, for the reference.
    read : Reader
        Checks a value.
    default : object, optional
        As written; a key without one has to be given.
    written : str, optional
        What a recipe calls it, where not by its name; "" where its values stand beside the other keys.
    """
    metadata = {"doc": doc, "read": read, "written": written}
    if default is MISSING:
        return field(metadata=metadata)
    if isinstance(default, (str, int, float, bool, tuple)) or default is None:
        return field(default=default, metadata=metadata)
    return field(default_factory=lambda: copy.copy(default), metadata=metadata)


@dataclass(frozen=True)
class Settings:
    """A group of declared keys; every value is read when the group is made."""

    SECTION: ClassVar[str] = ""
    ALONE: ClassVar[str] = ""
    """The key that a value stands for where no mapping is given; "" where there has to be one."""

    def __post_init__(self) -> None:
        for item in fields(self):
            value = item.metadata["read"](self.where(item.name), getattr(self, item.name), _default(item))
            object.__setattr__(self, item.name, value)
        self.agree()

    def agree(self) -> None:
        """Refuse values that do not go together."""

    @classmethod
    def where(cls, name: str) -> str:
        """Return a key as messages call it."""
        return f"{cls.SECTION}.{name}" if cls.SECTION else name

    @classmethod
    def declared(cls) -> dict[str, Field[Any]]:
        """Return the declared fields by name."""
        return {item.name: item for item in fields(cls)}

    @classmethod
    def defaults(cls) -> dict[str, Any]:
        """Return the default of every key that has one, in plain values."""
        return {name: plain(_default(f)) for name, f in cls.declared().items() if _default(f) is not MISSING}

    @classmethod
    def read(cls, given: Any, inside: str = "") -> Self:
        """Return the group that a mapping describes; one that is made already stays.

        Parameters
        ----------
        given : mapping or Settings
            As written.
        inside : str
            The key that the group stands in, for messages.

        Raises
        ------
        BiotransferError
            For unknown or missing keys, and for values that do not fit.
        """
        if isinstance(given, cls):
            return given
        if cls.ALONE and not isinstance(given, Mapping):
            given = {cls.ALONE: given}
        try:
            known = known_keys(cls.SECTION, given, list(cls.declared()))
            absent = [
                name for name, f in cls.declared().items() if _default(f) is MISSING and name not in known
            ]
            check(not absent, f"{cls.SECTION}: {given!r} lacks {', '.join(absent)}. Name them, too.")
            return cls(**known)
        except BiotransferError as error:
            if not inside:
                raise
            raise BiotransferError(f"{inside}.{error}") from error

    def plain(self) -> dict[str, Any]:
        """Return every key with its value, in lists and dicts."""
        return {item.name: plain(getattr(self, item.name)) for item in fields(self)}


def group(cls: type[Settings]) -> Reader:
    """Read a mapping into a group."""
    alone = f"{cls.ALONE} alone, or " if cls.ALONE else ""
    names = [item.metadata["written"] or name for name, item in cls.declared().items()]
    return Reader(f"{alone}a mapping of {', '.join(names)}", lambda _, given: cls.read(given), cls)


def _default(item: Field[Any]) -> Any:
    return item.default_factory() if item.default_factory is not MISSING else item.default


def _inside(value: float, least: float | None, most: float | None) -> bool:
    return (least is None or value >= least) and (most is None or value <= most)


def _range(least: float | None, most: float | None) -> str:
    if least is not None and most is not None:
        return f" from {least:g} to {most:g}"
    return f" of {least:g} or more" if least is not None else f" up to {most:g}" if most is not None else ""


def _is_number(given: str) -> bool:
    try:
        float(given)
    except ValueError:
        return False
    return True
