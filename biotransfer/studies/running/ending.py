"""How processes end: workers with the one that started them, and that one after it has cleaned up."""

from __future__ import annotations

import ctypes
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

_ASK = ("SIGTERM", "SIGHUP")
_PR_SET_PDEATHSIG = 1
_LOOK_SECONDS = 1.0


class StoppedError(KeyboardInterrupt):
    """The system asked this process to end."""


@contextmanager
def cleaned_up_before_the_end() -> Iterator[None]:
    """Let SIGTERM and SIGHUP unwind the block before they end the process as they would have.

    What the block holds, such as locks, temporary folders and other processes, is let go on the way. Signals
    that the caller handles or ignores (nohup) stay as they are; so do all of them outside the main thread.
    """
    told: list[int] = []

    def stop(number: int, _: Any) -> None:
        told.append(number)
        if len(told) == 1:
            raise StoppedError(signal.Signals(number).name)

    taken = []
    if threading.current_thread() is threading.main_thread():
        known = [getattr(signal, name) for name in _ASK if hasattr(signal, name)]
        taken = [number for number in known if signal.getsignal(number) is signal.SIG_DFL]
    for number in taken:
        signal.signal(number, stop)
    try:
        yield
    finally:
        for number in taken:
            signal.signal(number, signal.SIG_DFL)
        if told:
            os.kill(os.getpid(), told[0])


def end_with_parent(parent: int) -> None:
    """Let this process end as soon as the one that started it has, however that ended.

    Parameters
    ----------
    parent : int
        Number of the process that started this one.

    Notes
    -----
    Linux sends SIGKILL; everywhere a thread looks once a second, too.
    """
    if sys.platform == "linux":
        with suppress(OSError, AttributeError):
            ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    threading.Thread(target=_watch, args=(parent,), name="end with parent", daemon=True).start()


def _watch(parent: int) -> None:
    while os.getppid() == parent:
        time.sleep(_LOOK_SECONDS)
    os._exit(1)
