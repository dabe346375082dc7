"""Kernels compiled ahead, in a process of their own, while data are read."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from collections.abc import Iterable, Sequence
from pathlib import Path

from ..networks.catalog import NETWORKS, OWN

_COMPILE = {
    "kernel": "from biotransfer.learning.training.compiled import compile_kernel; compile_kernel('float32')",
    "kernel_maps": "from biotransfer.learning.training.compiled_maps import compile_maps; "
    "compile_maps('float32')",
}
"""Code that compiles each kernel, by the name of its folder."""
_DRIVER = "driver"
"""The module of a folder that holds what is stored."""


def kernels_of(networks: Iterable[str]) -> list[str]:
    """Return the kernels that train some networks on a CPU.

    Parameters
    ----------
    networks : iterable of str
        Names of the catalog.
    """
    known = [name for name in networks if name in OWN or NETWORKS[name].facts["kernel"]]
    found = {"kernel" if name in OWN else "kernel_maps" for name in known}
    return [name for name in _COMPILE if name in found]


def is_compiled(kernel: str = "kernel") -> bool:
    """Whether this installation holds a kernel that was compiled since its source was written."""
    tag = f"py{sys.version_info[0]}{sys.version_info[1]}"
    sources = [path for name in {"kernel", kernel} for path in _folder(name).glob("*.py")]
    written = max((source.stat().st_mtime for source in sources), default=0.0)
    found = (_folder(kernel) / "__pycache__").glob(f"{_DRIVER}.*{tag}*.nbi")
    return any(file.stat().st_mtime >= written for file in found)


def start_compiling(kernels: Sequence[str] = ("kernel",)) -> bool:
    """Let another process compile the kernels that are not, and return at once whether one was started.

    Training waits for it as for any process that compiles, see ``edges.compile_apart``.

    Parameters
    ----------
    kernels : sequence of str
        See :func:`kernels_of`.
    """
    missing = [name for name in kernels if not is_compiled(name) and os.access(_folder(name), os.W_OK)]
    if not missing:
        return False
    paths = os.pathsep.join(path for path in sys.path if path)
    code = "; ".join(_COMPILE[name] for name in missing)
    threading.Thread(
        target=subprocess.run,
        args=([sys.executable, "-c", code],),
        kwargs={"env": {**os.environ, "PYTHONPATH": paths}, "check": False, "stdout": subprocess.DEVNULL},
        daemon=True,
    ).start()
    return True


def _folder(kernel: str) -> Path:
    return Path(__file__).with_name(kernel)
