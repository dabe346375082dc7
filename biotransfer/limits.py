"""Reading what others wrote in a process of its own, within limits: of damage, readers hang or crash."""

from __future__ import annotations

import atexit
import contextlib
import importlib.util
import os
import pickle
import select
import signal
import struct
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

from .errors import BiotransferError, check

Read = TypeVar("Read")
SECONDS, SECONDS_PER_MB = 3.0, 0.25
"""Of processor time that one read may take."""
BYTES, BYTES_PER_BYTE = 512 << 20, 40
"""Of memory that one read may take, beyond what its process has."""
LARGEST, LARGEST_PER_BYTE = 192 << 20, 32
"""Of what one read may give."""
_WAITS = 20
"""How many times longer than its processor time a read may take on a busy machine."""
_MENDS = "It is damaged, or no recording. Get the file again, or leave it out."
_here: dict[int, _Process] = {}
_refused: dict[tuple[Any, ...], str] = {}
_one_at_a_time = threading.RLock()
_inside = False


def read_apart(
    function: Callable[..., Read], path: Path, *arguments: Any, beside: Iterable[Path] = ()
) -> Read:
    """Return ``function(path, *arguments)``, called in a process that lives from one read to the next.

    Parameters
    ----------
    function : callable
        Of a module, so that the other process can import it.
    path : Path
        What it reads. Limits follow the size of what lies there.
    *arguments : object
        Whatever else it takes; they are pickled, as is what it returns.
    beside : iterable of Path
        Further files that it may read.

    Raises
    ------
    BiotransferError
        When the read takes more than 3 s of processor time (and 1 s for every 4 MB), more than 512 MiB of
        memory (and 40 times the size), gives more than 192 MiB (and 32 times the size), or its process dies.
    Exception
        What the function raises.

    Notes
    -----
    A platform without POSIX limits (Windows) reads in this process, without any.
    """
    check(path.is_file() or path.is_dir(), f"{str(path)!r} is no file that can be read. {_MENDS}")
    if _inside or not sys.executable or importlib.util.find_spec("resource") is None:
        return function(path, *arguments)
    size = _size([path, *beside])
    limits = (
        SECONDS + SECONDS_PER_MB * size / 1e6,
        BYTES + BYTES_PER_BYTE * size,
        LARGEST + LARGEST_PER_BYTE * size,
    )
    status = path.stat()
    one = (function.__qualname__, str(path), *map(repr, arguments), status.st_mtime_ns, status.st_ino, size)
    check(one not in _refused, _refused.get(one, ""))
    with _one_at_a_time:
        process = _here.get(os.getpid())
        if process is None or process.popen.poll() is not None:
            process = _here[os.getpid()] = _Process()
        try:
            how, answer = process.ask((function, (path, *arguments), limits), _WAITS * limits[0])
        except BaseException:
            process.end()
            raise
        if how in ("late", "died"):
            answer = process.end()
            how = "late" if answer == -getattr(signal, "SIGXCPU", 0) else how
    if how in ("result", "raised"):
        if how == "raised":
            raise answer
        return answer
    died = f"ends its reader (exit code {answer})"
    why = {
        "late": f"takes more than {limits[0]:.0f} s of processor time to read",
        "memory": f"takes more than {limits[1] / 1e6:.0f} MB to read",
        "large": f"gives more than {limits[2] / 1e6:.0f} MB",
    }
    _refused[one] = f"{str(path)!r}, of {size} bytes, {why.get(how, died)}. {_MENDS}"
    raise BiotransferError(_refused[one])


def _size(paths: Iterable[Path]) -> int:
    """Return how many bytes files have, and those in folders."""
    total = 0
    for path in paths:
        for file in path.rglob("*") if path.is_dir() else [path]:
            with contextlib.suppress(OSError):
                total += file.stat().st_size
    return total


class _Process:
    """The process that reads; it ends with this one, which holds the other end of its pipe."""

    def __init__(self) -> None:
        code = f"from {__name__} import serve; serve()"
        paths = os.pathsep.join(path for path in sys.path if path)
        self.popen = subprocess.Popen(
            [sys.executable, "-c", code],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": paths},
        )
        atexit.register(self.end)

    def ask(self, order: Any, seconds: float) -> tuple[str, Any]:
        """Return how a call ended, and what it gave."""
        assert self.popen.stdin is not None
        self.deadline = time.monotonic() + seconds
        try:
            pickle.dump(order, self.popen.stdin)
            self.popen.stdin.flush()
            (n,) = struct.unpack("<Q", self._receive(8))
            lengths = struct.unpack(f"<{n}Q", self._receive(8 * n))
            body, *buffers = [self._receive(length) for length in lengths]
        except (EOFError, BrokenPipeError):
            return "died", None
        except TimeoutError:
            return "late", None
        how, answer = pickle.loads(body, buffers=buffers)
        return how, answer

    def _receive(self, n: int) -> bytearray:
        assert self.popen.stdout is not None
        data, got = bytearray(n), 0
        view, source = memoryview(data), self.popen.stdout.fileno()
        while got < n:
            left = self.deadline - time.monotonic()
            if left <= 0 or not select.select([source], [], [], left)[0]:
                raise TimeoutError
            more = os.readv(source, [view[got:]])
            if not more:
                raise EOFError
            got += more
        return data

    def end(self) -> int:
        """End the process and return its exit code."""
        atexit.unregister(self.end)
        if self.popen.poll() is None:
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.popen.wait(0.2)
        self.popen.kill()
        for pipe in (self.popen.stdin, self.popen.stdout):
            with contextlib.suppress(OSError):
                assert pipe is not None
                pipe.close()
        return self.popen.wait()


def serve() -> None:
    """Read what comes over standard input until it ends; what readers print goes to standard error."""
    global _inside
    import resource

    _inside = True
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    source, answers = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    os.dup2(2, 1)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while True:
        try:
            function, arguments, (seconds, memory, largest) = pickle.load(source)
        except EOFError:
            return
        _limit(resource, seconds, memory)
        try:
            ending = ("result", function(*arguments))
        except MemoryError:
            ending = ("memory", None)
        except Exception as error:
            ending = ("raised", _plain(error))
        _send(answers, ending, largest)
        del ending


def _limit(resource: Any, seconds: float, memory: float) -> None:
    """Allow this process so much more than it has taken."""
    spent = time.process_time()
    resource.setrlimit(resource.RLIMIT_CPU, (int(spent + seconds) + 1, resource.RLIM_INFINITY))
    with contextlib.suppress(OSError, ValueError):
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        most = int(pages * os.sysconf("SC_PAGE_SIZE") + memory)
        resource.setrlimit(resource.RLIMIT_AS, (most, resource.RLIM_INFINITY))


def _plain(error: Exception) -> Exception:
    """Return an exception that can be sent, with its traceback as a note."""
    error.add_note("".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))
    except Exception:
        return RuntimeError(f"{type(error).__name__}: {error}")
    return error


def _send(answers: BinaryIO, ending: tuple[str, Any], largest: float) -> None:
    buffers: list[pickle.PickleBuffer] = []
    try:
        body = pickle.dumps(ending, protocol=5, buffer_callback=buffers.append)
        parts = [memoryview(body), *(buffer.raw() for buffer in buffers)]
        if sum(part.nbytes for part in parts) > largest:
            raise OverflowError
    except (MemoryError, OverflowError):
        parts = [memoryview(pickle.dumps(("large", None)))]
    answers.write(struct.pack(f"<{1 + len(parts)}Q", len(parts), *(part.nbytes for part in parts)))
    for part in parts:
        answers.write(part)
    answers.flush()
