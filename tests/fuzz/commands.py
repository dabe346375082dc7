"""Commands and calls of the package as attempts."""

from __future__ import annotations

import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from biotransfer.errors import BiotransferError

every_step = False
"""Whether an attempt is all of its steps."""
Step = tuple[str, ...] | Callable[[Path], None]


def command(*steps: Step) -> Callable[[Path], None]:
    """Return an attempt of a step drawn by the content, or of every one; refused where all of them are.

    A step is a command line, or a function of the folder. ``{folder}`` is the folder, ``{file}`` each of its
    files, ``{beside}`` an empty folder beside it.
    """

    def attempt(folder: Path) -> None:
        from biotransfer.cli import main

        beside = folder.parent / "beside"
        beside.mkdir(exist_ok=True)
        files = [path for path in sorted(folder.rglob("*")) if path.is_file()]
        refused, done = None, 0
        drawn = [steps[zlib.crc32(b"".join(path.read_bytes() for path in files)) % len(steps)]]
        for step in steps if every_step else drawn:
            for file in files if not callable(step) and any("{file}" in part for part in step) else [folder]:
                try:
                    if callable(step):
                        step(folder)
                    else:
                        given = {"folder": folder, "file": file, "beside": beside}
                        main([*(part.format(**given) for part in step), "--debug"])
                    done += 1
                except BiotransferError as error:
                    refused = error
        if refused is not None and not done:
            raise refused

    return attempt


def read_as(**keys: Any) -> Callable[[Path], None]:
    """Return a step that reads the folder as it looks, else as it is said to be, and cuts windows of it."""

    def read(folder: Path) -> None:
        from biotransfer.signals.datasets import from_folder
        from biotransfer.signals.datasets.own.guessing import guess_folder
        from biotransfer.signals.quality import inspect_recordings
        from biotransfer.signals.windows import cut_windows

        loaded = from_folder(**{**keys, **guess_folder(folder)})
        inspect_recordings(loaded)
        cut_windows(loaded, length=0.5, step=0.25)

    return read
