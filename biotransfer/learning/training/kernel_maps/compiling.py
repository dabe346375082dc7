"""How all here is compiled: with what calls it, and without counting who holds an array."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ....edges import counting
from ..kernel import compiling as dense

OPTIONS: dict[str, Any] = counting(dense.OPTIONS, False)
"""Of numba."""


def compiled(function: Callable[..., Any]) -> Any:
    """Compile together with what calls it; nothing here makes an array."""
    return dense.compiled(function, OPTIONS)


def compiled_part(function: Callable[..., Any]) -> Any:
    """Compile what returns a part of an array: numba only lets it do so where holders are counted.

    What it is given comes from functions that do not count, and so has no counter.
    """
    return dense.compiled(function, counting(dense.OPTIONS, True))
