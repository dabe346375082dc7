"""Delimited text and OpenBCI's text as contents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from .....errors import check
from ..columns import find_column, find_columns
from ..content import Content
from ..keys import SECONDS_PER_UNIT, Reading
from .binary import read_bytes
from .delimited import Columns, Layout, Table, parse_table

_OPENBCI_RATE = re.compile(r"%\s*Sample Rate\s*=\s*([0-9.]+)", re.I)
_OPENBCI_CHANNELS = re.compile(r"%\s*Number of channels\s*=\s*(\d+)", re.I)
_SHOWN = 5


def read_text(path: Path, name: str, reading: Reading) -> Content:
    """Read a table with a row per sample.

    Parameters
    ----------
    path : Path
        The file.
    name : str
        How messages call it.
    reading : Reading
        How it is laid out.
    """
    return _content(_parse(path, name, reading), name, reading)


def read_openbci(path: Path, name: str, reading: Reading) -> Content:
    """Read what OpenBCI's own programs write: comments with the rate, then microvolts.

    Raises
    ------
    BiotransferError
        When the comments do not name the sampling rate, and nobody else does.
    """
    top = read_bytes(path)[:4096].decode("utf-8", "replace")
    rate, count = _OPENBCI_RATE.search(top), _OPENBCI_CHANNELS.search(top)
    changes: dict[str, Any] = {"comment": "%", "unit": reading.unit or "uV"}
    if reading.channels is None:
        named = "EXG Channel" in top
        check(named or count, f"{name!r} does not say its number of channels. Write channels: 2-9.")
        changes["channels"] = ("EXG Channel *",) if named or count is None else (f"2-{1 + int(count[1])}",)
    if reading.sfreq is None and reading.time_column is None:
        check(
            rate,
            f"sfreq is missing: {name!r} does not say it, as OpenBCI's files do. Write sfreq: and the rate "
            "of the board in Hz.",
        )
        changes["sfreq"] = float(rate[1]) if rate else None
    return read_text(path, name, replace(reading, **changes))


def _parse(path: Path, name: str, reading: Reading) -> Table:
    layout = Layout(reading.delimiter, reading.decimal, reading.header, reading.skip_rows, reading.comment)

    def choose(names: tuple[str, ...], numeric: tuple[bool, ...]) -> Columns:
        texts = [
            find_column(key, given, names, name)
            for key, given in (("label_column", reading.label_column), ("run_column", reading.run_column))
            if given is not None
        ]
        times = []
        if reading.time_column is not None:
            times.append(find_column("time_column", reading.time_column, names, name))
        if reading.channels is not None:
            channels = find_columns("channels", reading.channels, names, name)
        else:
            padded = (*numeric, *[False] * (len(names) - len(numeric)))
            channels = tuple(i for i in range(len(names)) if padded[i] and i not in (*times, *texts))
        check(channels, f"{name!r} has no column of numbers. Say which are channels: channels.")
        return Columns((*times, *channels), tuple(texts))

    return parse_table(read_bytes(path), name, layout, choose)


def _content(table: Table, name: str, reading: Reading) -> Content:
    n_times = int(reading.time_column is not None)
    times = table.numbers[:, 0] * SECONDS_PER_UNIT[reading.time_unit] if n_times else None
    texts = list(table.texts)
    codes = texts.pop(0) if reading.label_column is not None else None
    notes: tuple[str, ...] = ()
    borders: tuple[int, ...] = ()
    if table.dropped:
        lines = np.array([line for line, _ in table.dropped])
        borders = tuple(int(i) for i in np.unique(np.searchsorted(table.lines, lines)))
        notes = (_dropped(name, table.dropped),)
    check(reading.unit is not None, f"unit is missing: {name!r} does not say it. Write unit: uV.")
    volts = reading.volts or 1.0
    signal = table.numbers[:, n_times:].T
    return Content(
        data=signal * volts,
        ch_names=tuple(table.names[i] for i in table.columns.numbers[n_times:]) if table.named else (),
        times=times,
        codes=codes,
        runs=texts.pop(0) if reading.run_column is not None else None,
        borders=tuple(b for b in borders if 0 < b < signal.shape[1]),
        notes=notes,
        sfreq=reading.sfreq if isinstance(reading.sfreq, float) else None,
    )


def _dropped(name: str, dropped: Sequence[tuple[int, str]]) -> str:
    shown = ", ".join(f"{line} ({what})" for line, what in dropped[:_SHOWN])
    more = f" and {len(dropped) - _SHOWN} more" if len(dropped) > _SHOWN else ""
    many = "lines" if len(dropped) > 1 else "line"
    verb = "are" if len(dropped) > 1 else "is"
    return f"'{name}': {many} {shown}{more} {verb} malformed and left out; no window crosses the place."
