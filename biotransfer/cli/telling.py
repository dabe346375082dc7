"""Where a command speaks: text, one JSON value, a bar, JSON lines, a log; or nothing but errors."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from ..errors import BiotransferError
from ..progress import Bars, JsonLines, Progress

PROGRESS = ("bar", "json", "none")


class Teller:
    """What one command says.

    Parameters
    ----------
    quiet : bool
        Whether only what was asked for is said: no progress, no explanations.
    as_json : bool
        Whether standard output is one JSON value.
    progress : {"bar", "json", "none"}
        How work in progress is shown, on stderr.
    log : file, optional
        Takes JSON lines.
    """

    def __init__(
        self, *, quiet: bool = False, as_json: bool = False, progress: str = "bar", log: TextIO | None = None
    ) -> None:
        self.quiet, self.as_json = quiet, as_json
        self.log = None if log is None else JsonLines(log)
        kind = "none" if quiet and progress == "bar" else progress
        self.bars = Bars() if kind == "bar" else None
        self.lines = JsonLines(sys.stderr) if kind == "json" else None

    def say(self, *lines: object) -> None:
        """Print lines, unless the command is quiet or speaks JSON."""
        if not self.quiet and not self.as_json:
            for line in lines:
                print(line)

    def answer(self, *lines: object) -> None:
        """Print what was asked for, unless the command speaks JSON."""
        if not self.as_json:
            for line in lines:
                print(line)

    def plain(self, value: Any) -> None:
        """Print the one JSON value, where the command speaks JSON."""
        if self.as_json:
            print(json.dumps(plain_value(value), ensure_ascii=False, indent=1))

    def note(self, **facts: Any) -> None:
        """Write facts to the log and, as JSON, to stderr."""
        for lines in (self.log, self.lines):
            if lines is not None:
                lines.say(**facts)

    def progress(self, what: str, done: int, total: int) -> None:
        """Tell how far it is, everywhere."""
        told: tuple[Progress | None, ...] = (self.bars, self.lines, self.log)
        for one in told:
            if one is not None:
                one(what, done, total)

    def close(self) -> None:
        """End the bar."""
        if self.bars is not None:
            self.bars.close()


@contextmanager
def teller_of(arguments: argparse.Namespace) -> Iterator[Teller]:
    """Give what a command speaks through; its log is opened before anything else is done.

    Raises
    ------
    BiotransferError
        When the log cannot be written.
    """
    log: TextIO | None = None
    if arguments.log is not None:
        path = Path(arguments.log)
        try:
            log = path.open("a", encoding="utf-8")
        except OSError as error:
            raise BiotransferError(
                f"--log {str(path)!r} cannot be written: {error.strerror or error}. Name another file."
            ) from error
    teller = Teller(
        quiet=arguments.quiet,
        as_json=getattr(arguments, "json", False),
        progress=getattr(arguments, "progress", "none"),
        log=log,
    )
    try:
        yield teller
    finally:
        teller.close()
        if log is not None:
            log.close()


def plain_value(value: Any) -> Any:
    """Return a value as JSON holds it: no NaN, no numpy, no tuples, text for what is anything else."""
    if isinstance(value, dict):
        return {str(key): plain_value(inner) for key, inner in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain_value(inner) for inner in value]
    if hasattr(value, "item") and getattr(value, "ndim", 1) == 0:
        value = value.item()
    if value is None or isinstance(value, (bool, int, str)):
        return value
    if isinstance(value, float):
        return value if value == value and abs(value) != float("inf") else None
    return getattr(value, "__name__", None) or str(value)
