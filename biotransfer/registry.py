"""A function of your own among the methods of the package: registered without importing anything else.

``register`` only writes down what is given. The catalog that it is meant for takes it when it is made, or at
once where it is there. Installed packages name a module, or a function to be called, as an entry point of the
group ``biotransfer``: it is loaded when a name is not known otherwise, or a catalog is listed.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any, ClassVar, overload

from .errors import BiotransferError, check, check_option

CATALOGS = {
    "datasets": "signals.datasets:DATASETS",
    "preprocess": "signals.preprocessing:STEPS",
    "features": "signals.features:FEATURES",
    "singles": "signals.features.singles:SINGLES",
    "splits": "signals.splits:SPLITS",
    "networks": "learning.networks:NETWORKS",
    "heads": "learning.networks:HEADS",
    "augmentations": "learning.training:AUGMENTATIONS",
    "penalties": "learning.training:PENALTIES",
    "select": "transfer.select:SELECT",
    "align": "transfer.align:ALIGN",
    "sources": "transfer.pretrain:SOURCES",
    "pretrain": "transfer.pretrain:METHODS",
    "arms": "transfer.carry:ARMS",
    "metrics": "evidence.metrics:METRICS",
    "scores": "evidence.transferability:SCORES",
    "baselines": "evidence.baselines:BASELINES",
    "nuisance": "evidence.baselines:NUISANCE",
    "checks": "evidence.checks:CHECKS",
    "sections": "pages.report.sections:SECTIONS",
}
"""Where every catalog stands, by the word that ``register`` and ``biotransfer list`` take."""

GROUP = "biotransfer"
NOTEBOOK = "__main__"

Function = Callable[..., Any]


@dataclass(frozen=True)
class Registration:
    """A method that was registered.

    Parameters
    ----------
    kind : str
        A key of ``CATALOGS``.
    name, summary, source : str
        As of an entry.
    function : callable
        Does the work.
    facts : mapping
        As of an entry of that catalog.
    """

    kind: str
    name: str
    summary: str
    function: Function
    source: str = "own"
    facts: Mapping[str, Any] = field(default_factory=dict)

    @property
    def modules(self) -> tuple[str, ...]:
        """Modules that define its function, and those among its facts."""
        functions = [self.function, *(value for value in self.facts.values() if callable(value))]
        return tuple(dict.fromkeys(str(getattr(f, "__module__", "")) for f in functions))

    @property
    def home(self) -> tuple[str, str]:
        """Module and name of its function: the same ones replace what they registered before."""
        return self.function.__module__, self.function.__qualname__


class _Known:
    """What was registered, who takes it, and whether installed packages were asked."""

    registered: ClassVar[dict[tuple[str, str], Registration]] = {}
    takers: ClassVar[dict[str, Callable[[Registration], None]]] = {}
    asked: ClassVar[bool] = False


@overload
def register(
    kind: str,
    function: None = None,
    *,
    name: str = "",
    summary: str = "",
    source: str = "own",
    **facts: Any,
) -> Callable[[Function], Function]: ...
@overload
def register(
    kind: str, function: Function, *, name: str = "", summary: str = "", source: str = "own", **facts: Any
) -> Function: ...
def register(
    kind: str,
    function: Function | None = None,
    *,
    name: str = "",
    summary: str = "",
    source: str = "own",
    **facts: Any,
) -> Any:
    """Add a function of your own to a catalog: a recipe can name it, ``list`` and ``show`` know it.

    Parameters
    ----------
    kind : str
        The catalog: datasets, preprocess, features, splits, networks, arms, metrics, checks, sections, ...
        (see: biotransfer list).
    function : callable, optional
        Does the work; its keyword-only arguments are its parameters. Left out, what is returned decorates it.
    name : str
        What a recipe says. Default: the function's name.
    summary : str
        One sentence. Default: the first line of its docstring.
    source : str
        The paper and equation, or "own".
    **facts
        What the catalog asks for, such as ``say`` of a step or ``role`` of an arm.

    Returns
    -------
    callable
        The function.

    Raises
    ------
    BiotransferError
        For an unknown catalog, a name that stands there already, or facts that are missing or wrong; where
        the catalog is not loaded yet, the facts are looked at when it is.

    Notes
    -----
    Nothing is imported. A study takes functions of modules, which worker processes import and whose source is
    part of what results are stored by; one of a notebook's cell is refused there.

    Examples
    --------
    >>> @register("features", summary="Largest deflection of every channel.")  # doctest: +SKIP
    ... def largest(windows, *, scale=1e6):
    ...     return windows.with_features(abs(windows.X).max(2) * scale, windows.names, "features largest")
    """
    check_option("kind", kind, CATALOGS)
    if function is None:
        return lambda decorated: register(kind, decorated, name=name, summary=summary, source=source, **facts)
    check(
        callable(function) and hasattr(function, "__qualname__"),
        f"function={function!r} is no function. Expected one of a module. Type: "
        f"register({kind!r}, my_function, name='...').",
    )
    name = name or function.__name__
    check(
        name.replace("-", "_").isidentifier(),
        f"name={name!r} cannot stand in a recipe. Expected letters, digits, - and _. Type: "
        f"register({kind!r}, ..., name='my_name').",
    )
    summary = summary or (function.__doc__ or "").strip().partition("\n")[0]
    check(
        summary,
        f"summary='' of {name!r} says nothing. Expected a sentence: give summary=..., or a docstring.",
    )
    _add(Registration(kind, name, summary, function, source, facts))
    return function


def _add(new: Registration) -> None:
    before = _Known.registered.get((new.kind, new.name))
    check(
        before is None or before.home == new.home,
        f"name={new.name!r} was registered among {new.kind} by {'.'.join(before.home if before else ())}. "
        "Expected another name.",
    )
    if new.kind in _Known.takers:
        _Known.takers[new.kind](new)  # looks at the facts
    _Known.registered[new.kind, new.name] = new


def open_catalog(kind: str, take: Callable[[Registration], None]) -> None:
    """Give a catalog that is made what was registered for it, and what will be."""
    for registration in registered(kind):
        take(registration)
    _Known.takers[kind] = take


def registered(kind: str = "") -> list[Registration]:
    """Return what was registered, for one catalog or all."""
    return [one for one in _Known.registered.values() if kind in ("", one.kind)]


def ask_installed_packages() -> bool:
    """Load the entry points of installed packages, once; whether that was done now.

    Raises
    ------
    BiotransferError
        When one cannot be loaded.
    """
    if _Known.asked:
        return False
    from importlib.metadata import entry_points

    _Known.asked = True
    for point in entry_points(group=GROUP):
        where = f"{point.dist.name if point.dist else 'a package'}: {point.name} = {point.value}"
        try:
            found = point.load()
            if callable(found):
                found()
        except Exception as error:
            _Known.asked = False
            raise BiotransferError(
                f"the entry point of {where} cannot be loaded: {type(error).__name__}: {error}. Expected a "
                "module, or a function, that calls biotransfer.register. Mend or uninstall that package."
            ) from error
    return True


def import_methods(module: str) -> None:
    """Import a module that registers methods; one of the working folder is found, too.

    Parameters
    ----------
    module : str
        As an import statement names it.

    Raises
    ------
    BiotransferError
        When it cannot be imported.
    """
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        import_module(module)
    except Exception as error:
        raise BiotransferError(
            f"methods={module!r} cannot be imported: {type(error).__name__}: {error}. Expected the name of a "
            f"module in {here} or on the path, without .py, that calls biotransfer.register."
        ) from error


def places() -> list[tuple[str, str]]:
    """Return every module that registered something, with the folder that it is imported from."""
    names = dict.fromkeys(name for one in registered() for name in one.modules if name not in (NOTEBOOK, ""))
    return [(name, _folder(name)) for name in names]


def _folder(name: str) -> str:
    """Return the folder from which a module is imported; "" where it has no file."""
    file = getattr(sys.modules.get(name.partition(".")[0]), "__file__", None)
    if not file:
        return ""
    path = Path(file).resolve()
    return str(path.parent.parent if path.name == "__init__.py" else path.parent)


def register_again(found: Iterable[tuple[str, str]]) -> None:
    """Import, in another process, the modules that registered something in the first one.

    Raises
    ------
    BiotransferError
        When one cannot be imported there.
    """
    for name, folder in found:
        if name in sys.modules:
            continue
        if folder and folder not in sys.path:
            sys.path.append(folder)
        try:
            import_module(name)
        except ImportError as error:
            raise BiotransferError(
                f"the module {name!r}, which registered a method, cannot be imported in a worker process: "
                f"{error}. Expected it in {folder or 'a folder of sys.path'}. Put it beside the recipe, or "
                "install it."
            ) from error
