"""How all that trains in machine code is compiled, by numba."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from numba import njit
from numba.extending import intrinsic, overload

from ....edges import compile_apart

OPTIONS: dict[str, Any] = {
    "error_model": "numpy",
    "fastmath": {"contract", "nsz", "reassoc"},
    "no_cfunc_wrapper": True,
}
"""Of numba."""


def compiled(function: Callable[..., Any], options: Mapping[str, Any] = OPTIONS) -> Any:
    """Compile together with what calls it."""
    make: Any = njit
    return make(**options, no_cpython_wrapper=True)(function)


def entry(
    command: Callable[[tuple[Any, ...]], str],
    sources: Sequence[Path],
    options: Mapping[str, Any] = OPTIONS,
) -> Callable[[Callable[..., Any]], Any]:
    """Compile apart before the first call; where no folder can be written, every process for itself.

    Parameters
    ----------
    command : callable
        See :func:`biotransfer.edges.compile_apart`.
    sources : sequence of Path
        Files of all that is compiled into it: what is stored is void when one of them changes.
    options : mapping
        Of numba.
    """
    make: Any = njit

    def decorate(function: Callable[..., Any]) -> Any:
        try:
            return compile_apart(make(**options, nogil=True, cache=True)(function), command, beside=sources)
        except RuntimeError:
            return make(**options, nogil=True)(function)

    return decorate


def in_ir(function: Callable[..., Any]) -> Any:
    """Write a function in the compiler's own language."""
    make: Any = intrinsic
    return make(function)


def by_precision(stand_in: Callable[..., Any]) -> Any:
    """Choose what a call of ``stand_in`` compiles to by the types of its arguments."""
    make: Any = overload
    return make(stand_in, jit_options=OPTIONS)
