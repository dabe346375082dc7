"""The matrix products that the kernel calls: torch's own where it exports them, else scipy's.

Torch's builds for x86 hold a BLAS that multiplies 64 x 988 by 988 x 128 at the rate of large squares, scipy's
at three quarters of it (one core, AVX-512).
"""

from __future__ import annotations

import ctypes
from collections.abc import Mapping
from pathlib import Path

import torch
from llvmlite import binding
from numba.extending import get_cython_function_address


def publish(symbols: Mapping[str, str]) -> None:
    """Make products known to compiled code.

    Parameters
    ----------
    symbols : mapping of str to str
        By BLAS name, such as "sgemm", what compiled code calls it; by the Fortran interface.
    """
    library = _torch_library()
    for name, symbol in symbols.items():
        function = getattr(library, f"{name}_", None)
        address = None if function is None else ctypes.cast(function, ctypes.c_void_p).value
        binding.add_symbol(symbol, address or get_cython_function_address("scipy.linalg.cython_blas", name))


def _torch_library() -> ctypes.CDLL | None:
    """Return the library in which torch may hold a BLAS of its own; None where it holds none."""
    folder = Path(torch.__file__).parent / "lib"
    for name in ("libtorch_cpu.so", "torch_cpu.dll"):
        if (folder / name).exists():
            return ctypes.CDLL(str(folder / name))
    return None
