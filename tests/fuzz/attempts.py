"""Attempts in a process of their own, with 10 s and 1 GB each."""

from __future__ import annotations

import contextlib
import io
import multiprocessing
import os
import random
import shutil
import tempfile
import traceback
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from biotransfer.errors import BiotransferError

from . import commands
from .kind import Files, Kind, all_kinds, write_files

SECONDS = 10.0
"""Of processor time; the machine may be busy."""
_WALL = 60.0
BYTES = 1 << 30
_RENEWED = 400
"""Attempts after which a process makes room for a new one."""


@dataclass(frozen=True)
class Outcome:
    """How an attempt ended: "result", "refused", "raised", "slow", "large" or "died"; and why."""

    how: str
    said: str = ""
    seconds: float = 0.0
    bytes: int = 0

    @property
    def fine(self) -> bool:
        """Whether it ended as it must."""
        return self.how in ("result", "refused")


@dataclass
class Tally:
    """Outcomes of many attempts."""

    counts: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0
    largest: int = 0
    found: dict[str, tuple[Files, Outcome]] = field(default_factory=dict)

    def add(self, files: Files, outcome: Outcome) -> None:
        """Count one; the smallest input of each fault is kept."""
        self.counts[outcome.how] += 1
        self.slowest = max(self.slowest, outcome.seconds)
        self.largest = max(self.largest, outcome.bytes)
        if not outcome.fine:
            cause = f"{outcome.how}: {outcome.said.partition(': ')[0]}"
            known = self.found.get(cause)
            if known is None or sum(map(len, files.values())) < sum(map(len, known[0].values())):
                self.found[cause] = (files, outcome)


def judge(kind: Kind, files: Files) -> Outcome:
    """Attempt one input in this process."""
    with tempfile.TemporaryDirectory(prefix="fuzz-") as place:
        folder = Path(place) / "given"
        folder.mkdir()
        try:
            write_files(files, folder)
        except (OSError, ValueError):
            return Outcome("refused", "no such file can be there")
        clock = _spent()
        _forget_peaks()
        how, said = _ending(kind, folder)
        return Outcome(how, said, _spent() - clock, _peak())


def _ending(kind: Kind, folder: Path) -> tuple[str, str]:
    quiet = io.StringIO()
    with contextlib.redirect_stdout(quiet), contextlib.redirect_stderr(quiet), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            kind.attempt(folder)
        except BiotransferError as error:
            return "refused", str(error)
        except SystemExit:
            return "refused", "the command line"
        except BaseException as error:
            return "raised", _where(error)
    return "result", ""


def _where(error: BaseException) -> str:
    """Return type and place of an exception: the last line of this package, and the last of all."""
    frames = traceback.extract_tb(error.__traceback__)
    own = [f for f in frames if "/biotransfer/" in f.filename and "/site-packages/" not in f.filename]
    last = own[-1] if own else frames[-1]
    deep = frames[-1]
    there = "" if deep is last else f" < {Path(deep.filename).name}:{deep.name}"
    return f"{type(error).__name__} at {Path(last.filename).name}:{last.name}{there}: {str(error)[:80]!r}"


def _children() -> list[int]:
    try:
        text = Path(f"/proc/self/task/{os.getpid()}/children").read_text()
    except OSError:
        return []
    return [int(pid) for pid in text.split()]


def _spent() -> float:
    """Return the processor time of this process and its children, those that ended too."""
    times = os.times()
    total = times.user + times.system + times.children_user + times.children_system
    for pid in _children():
        with contextlib.suppress(OSError, IndexError, ValueError):
            fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def _forget_peaks() -> None:
    for pid in (os.getpid(), *_children()):
        with contextlib.suppress(OSError):
            Path(f"/proc/{pid}/clear_refs").write_text("5")


def _peak() -> int:
    """Return the most memory that this process and its children have had since :func:`_forget_peaks`."""
    total = 0
    for pid in (os.getpid(), *_children()):
        with contextlib.suppress(OSError, IndexError, ValueError):
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
            total += 1024 * int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
    return total


def _serve(name: str, pipe: Any, every: bool) -> None:
    """Judge what comes through a pipe, in a process that can take 1 GB more than it has."""
    commands.every_step = every
    kind = all_kinds()[name]
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)  # what readers say of damage
    with contextlib.suppress(ImportError, OSError, ValueError):
        import resource

        now = 4096 * int(Path("/proc/self/statm").read_text().split()[0])
        resource.setrlimit(resource.RLIMIT_AS, (now + 3 * BYTES, resource.RLIM_INFINITY))
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    while (files := pipe.recv()) is not None:
        pipe.send(judge(kind, files))


class Worker:
    """A process that judges inputs of one kind; killed when one takes too long, and begun again."""

    def __init__(self, name: str, *, every: bool = False):
        self.name, self.every, self._process, self._pipe, self._done = name, every, None, None, 0

    def __enter__(self) -> Worker:
        return self

    def __exit__(self, *_: object) -> None:
        self._stop()

    def _start(self) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_serve, args=(self.name, theirs, self.every), daemon=False)
        self._process.start()
        theirs.close()
        self._done = 0

    def _stop(self) -> None:
        if self._process is None:
            return
        with contextlib.suppress(OSError):
            self._pipe.send(None)
        self._process.join(1)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()
        self._process = None

    def _once(self, files: Files) -> Outcome:
        if self._process is None or self._done >= _RENEWED:
            self._stop()
            self._start()
            self._pipe.send({})  # what an attempt imports is not part of its time
            self._pipe.recv()
        self._done += 1
        try:
            self._pipe.send(files)
            if not self._pipe.poll(_WALL):
                self._process.kill()
                self._process.join()
                self._process = None
                return Outcome("slow", f"more than {_WALL:g} s", _WALL)
            outcome: Outcome = self._pipe.recv()
        except (EOFError, OSError):
            self._process.join()
            code, self._process = self._process.exitcode, None
            return Outcome("died", f"exit code {code}")
        if outcome.seconds > SECONDS:
            return Outcome("slow", f"{outcome.how} {outcome.said}", outcome.seconds, outcome.bytes)
        if outcome.bytes > BYTES:
            return Outcome("large", f"{outcome.how} {outcome.said}", outcome.seconds, outcome.bytes)
        return outcome

    def judge(self, files: Files) -> Outcome:
        """Attempt one input; one that takes too long or too much is tried again in a new process."""
        outcome = self._once(files)
        if outcome.how in ("slow", "large", "died"):
            self._stop()
            outcome = self._once(files)
        return outcome


def mutated(kind: Kind, seeds: list[Files], seed: int, n: int) -> Iterator[Files]:
    """Yield mutated inputs; the same for the same seed."""
    for i in range(n):
        rng = random.Random(f"{seed}-{i}")
        yield kind.mutate(rng, rng.choice(seeds), seeds)


def seeds_of(kind: Kind) -> list[Files]:
    """Return the whole inputs of a kind."""
    place = Path(tempfile.mkdtemp(prefix="fuzz-seeds-"))
    try:
        return kind.seeds(place)
    finally:
        shutil.rmtree(place, ignore_errors=True)


def try_inputs(name: str, inputs: Iterable[Files]) -> Tally:
    """Judge inputs of one kind, one after the other."""
    tally = Tally()
    with Worker(name) as worker:
        for files in inputs:
            tally.add(files, worker.judge(files))
    return tally
