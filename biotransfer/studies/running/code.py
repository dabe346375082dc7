"""What computed a number: the source of some rooms of this package, and the versions of the libraries."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from ... import __version__
from ...errors import check
from ..recipe import digest

_TOOLS = ("dev", "notebook", "test")
"""Extras of the installation that compute nothing."""


@cache
def source_uid(*rooms: str) -> str:
    """Return a hash of the source of some rooms of this package.

    Parameters
    ----------
    *rooms : str
        Folders or files below the package, such as "signals/windows" or "studies/running/data"; all of the
        package when none is named.

    Raises
    ------
    BiotransferError
        For a room without a file: it would stand for nothing.
    """
    package = Path(__file__).parents[2]
    state = hashlib.sha256()
    for room in rooms or ("",):
        single = package / f"{room}.py"
        found = [single] if room and single.is_file() else sorted((package / room).rglob("*.py"))
        check(
            found,
            f"room={room!r} holds no code of biotransfer. Expected a folder or a file below it without its "
            "suffix, such as 'learning' or 'signals/windows/container'.",
        )
        for path in found:
            state.update(path.relative_to(package).as_posix().encode() + b"\0" + path.read_bytes())
    return state.hexdigest()[:16]


@cache
def library_version(name: str) -> str:
    """Return the version of an installed distribution; "" when it is not installed."""
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


def code_uid(rooms: tuple[str, ...] = (), libraries: tuple[str, ...] | None = None) -> str:
    """Return a hash of what computes: source and versions.

    Parameters
    ----------
    rooms : tuple of str
        See :func:`source_uid`.
    libraries : tuple of str, optional
        Distributions, such as "scikit-learn"; an absent one counts as absent. Default: every one that this
        package declares.
    """
    names = declared_libraries() if libraries is None else libraries
    return digest([source_uid(*rooms), {name: library_version(name) for name in names}])


@cache
def declared_libraries() -> tuple[str, ...]:
    """Return the distributions that the installation of biotransfer names and that may compute.

    Those of extras for tests, notebooks and development do not. Where the package runs from a bare copy
    nothing is declared.
    """
    try:
        lines = requires("biotransfer") or []
    except PackageNotFoundError:
        return ()
    found = [re.match(r"([\w.-]+)[^;]*(?:; *extra *== *[\"'](\w+))?", line) for line in lines]
    return tuple(sorted({match[1] for match in found if match and match[2] not in _TOOLS}))


def package_versions() -> dict[str, str]:
    """Return the versions of this package and of every installed library that numbers may depend on."""
    found = {name: library_version(name) for name in declared_libraries()}
    return {"biotransfer": __version__, **{name: text for name, text in found.items() if text}}
