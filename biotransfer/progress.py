"""How a study says where it is: one live bar, JSON lines, both, or nothing."""

from __future__ import annotations

import json
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any, Literal, TextIO

from .errors import check

Progress = Callable[[str, int, int], None]
"""Told (what, done, total)."""
Shown = Progress | Literal["auto"] | None
_FORMAT = "{desc}{percentage:3.0f}%|{bar}| {n_fmt} of {total_fmt}, {elapsed} so far, {remaining} left"


def in_jupyter() -> bool:
    """Whether a notebook's kernel runs this process."""
    shell = sys.modules.get("IPython")
    running = None if shell is None else shell.get_ipython()
    return running is not None and hasattr(running, "kernel")


class Bars:
    """One tqdm bar for the stage at hand, on stderr or in Jupyter; finished stages stay as lines.

    Parameters
    ----------
    stream : file, optional
        Where to draw; stderr when not given.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream
        self.stage = ""
        self.bar: Any = None

    def __call__(self, what: str, done: int, total: int) -> None:
        """Show that ``done`` of ``total`` are there."""
        stage = what.split()[0]
        if stage != self.stage:
            self.close()
            self.stage = stage
            self.bar = _tqdm()(
                total=total, initial=done, desc=what, file=self.stream or sys.stderr, leave=True,
                bar_format=None if in_jupyter() else _FORMAT, dynamic_ncols=True,
            )  # fmt: skip
        self.bar.total = total
        self.bar.set_description(what, refresh=False)
        self.bar.update(done - self.bar.n)

    def close(self) -> None:
        """End the bar."""
        if self.bar is not None:
            self.bar.close()


def _tqdm() -> Any:
    with warnings.catch_warnings():
        # Without ipywidgets, a bar of text is what there is.
        warnings.simplefilter("ignore")
        from tqdm.auto import tqdm
    return tqdm


class JsonLines:
    """One JSON object a line: when, what, done, total, and seconds since the first.

    Parameters
    ----------
    stream : file
        Open for writing text.
    """

    def __init__(self, stream: TextIO) -> None:
        self.stream = stream
        self.start = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        """Write that ``done`` of ``total`` are there."""
        self.say(event="progress", what=what, done=done, total=total)

    def say(self, **facts: Any) -> None:
        """Write one line of facts."""
        now = datetime.now(UTC).isoformat(timespec="milliseconds")
        seconds = round(time.monotonic() - self.start, 3)
        self.stream.write(json.dumps({"time": now, "seconds": seconds, **facts}) + "\n")
        self.stream.flush()


@contextmanager
def shown(progress: Shown) -> Iterator[Progress | None]:
    """Give what to tell: bars for "auto", in Jupyter and where stderr is a terminal; else what was passed.

    Raises
    ------
    BiotransferError
        For anything that is not "auto", None or a function.
    """
    check(
        progress is None or progress == "auto" or callable(progress),
        f"progress={progress!r} cannot be told. Expected 'auto', None, or a function of (what, done, total).",
    )
    if progress != "auto":
        yield progress
    elif in_jupyter() or sys.stderr.isatty():
        bars = Bars()
        try:
            yield bars
        finally:
            bars.close()
    else:
        yield None
