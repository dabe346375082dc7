"""Registered methods in a study: their source counts in every address, and other processes know them."""

from __future__ import annotations

import ast
import hashlib
import sys
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from ...errors import BiotransferError, check
from ...registry import NOTEBOOK, Registration, registered
from ...settings import plain
from ..recipe import digest


def method_sources(*depends: Any) -> dict[str, str]:
    """Return the hash of the source of every registered method that is named somewhere.

    Parameters
    ----------
    *depends
        What an address depends on: mappings, lists, settings and texts.

    Returns
    -------
    dict of str to str
        By catalog and name; empty where none is named.

    Raises
    ------
    BiotransferError
        For a method without a module that other processes can import, and whose source can be read.

    Notes
    -----
    What counts is the file that defines it, or all files of its package, and what these import from the
    folder that they lie in.
    """
    if not registered():
        return {}
    named = set(_texts(plain(list(depends))))
    return {
        f"{one.kind}/{one.name}": digest([_source(module) for module in _modules(one)])
        for one in registered()
        if one.name in named
    }


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from _texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from _texts(inner)
    elif isinstance(value, str):
        yield value


def _modules(method: Registration) -> tuple[str, ...]:
    check(
        NOTEBOOK not in method.modules,
        f"{method.kind} {method.name!r} is defined in a notebook or a script, not in a module. Expected a "
        "file that worker processes can import, since its source is part of what results are stored by. Put "
        "it in my_methods.py beside the notebook (in a cell: %%writefile my_methods.py), with its "
        "register(...), and type: import my_methods",
    )
    return method.modules


def _source(module: str) -> str:
    """Return a hash of a module, of the package that it is part of, and of what it uses beside it."""
    top = module.partition(".")[0]
    file = getattr(sys.modules.get(top), "__file__", None)
    if not file or not Path(file).is_file() or not file.endswith(".py"):
        raise BiotransferError(
            f"the module {module!r}, which registered a method, has no source that can be read. Expected a "
            ".py file: its source is part of what results are stored by. Put the method in one."
        )
    state, todo, seen = hashlib.sha256(), [Path(file).resolve()], set[Path]()
    folder = todo[0].parent.parent if todo[0].name == "__init__.py" else todo[0].parent
    while todo:
        path = todo.pop(0)
        for one in sorted(path.parent.rglob("*.py")) if path.name == "__init__.py" else [path]:
            if one in seen:
                continue
            seen.add(one)
            stat = one.stat()
            content, beside = _read(one, folder, stat.st_mtime_ns, stat.st_size)
            state.update(one.relative_to(folder).as_posix().encode() + b"\0" + content)
            todo += sorted(beside - seen)
    return state.hexdigest()


@cache
def _read(path: Path, folder: Path, *_: int) -> tuple[bytes, frozenset[Path]]:
    """Return a hash of a file, and the files of what it imports that lie in the folder it is imported from.

    What follows the folder tells one state of the file from another.
    """
    text = path.read_bytes()
    names: set[str] = set()
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module.partition(".")[0])
    names -= {*sys.stdlib_module_names, NOTEBOOK}
    specs = [spec for name in names if (spec := find_spec(name)) is not None]
    found = {Path(spec.origin).resolve() for spec in specs if spec.origin}
    beside = {p for p in found if p.suffix == ".py" and folder in (p.parent, p.parent.parent)}
    return hashlib.sha256(text).digest(), frozenset(beside)
