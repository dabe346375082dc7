"""The kernel compiled ahead, in a process of its own, while data are read."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

_CODE = "from biotransfer.learning.training.compiled import compile_kernel; compile_kernel('float32')"


def is_compiled() -> bool:
    """Whether this installation holds a compiled kernel, be it of other sources."""
    return any(_cache().glob("kernel.*.nbi"))


def start_compiling() -> bool:
    """Let another process compile the kernel where it is not, and return at once whether one was started.

    Training waits for it as for any process that compiles, see ``edges.compile_apart``.
    """
    if is_compiled() or not os.access(_cache().parent, os.W_OK):
        return False
    paths = os.pathsep.join(path for path in sys.path if path)
    threading.Thread(
        target=subprocess.run,
        args=([sys.executable, "-c", _CODE],),
        kwargs={"env": {**os.environ, "PYTHONPATH": paths}, "check": False, "stdout": subprocess.DEVNULL},
        daemon=True,
    ).start()
    return True


def _cache() -> Path:
    return Path(__file__).with_name("__pycache__")
