"""XDF, the format of the Lab Streaming Layer: a stream of signal, and one of markers."""

from __future__ import annotations

import gzip
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from .....errors import BiotransferError, check
from .....limits import read_apart
from ....recording import VOLTS_PER_UNIT
from ..columns import find_columns
from ..content import Content, Point
from ..keys import Reading

_UNITS: Mapping[str, float] = {
    **VOLTS_PER_UNIT,
    "volts": 1.0, "volt": 1.0, "millivolts": 1e-3, "millivolt": 1e-3, "microvolts": 1e-6, "microvolt": 1e-6,
}  # fmt: skip

_USUAL = "Segments and clock-segments differ"
"""What pyxdf says of every file without clock offsets."""


def read_xdf(path: Path, name: str, reading: Reading) -> Content:
    """Read one stream of numbers, and the markers beside it.

    Raises
    ------
    BiotransferError
        When the file cannot be read, a stream is not there or cannot be told from others, or nobody says the
        unit.
    """
    streams, told = _load(path)
    signal = _pick(streams, "signal", reading.signal, name, of_text=False)
    times = np.asarray(signal["time_stamps"], dtype=np.float64)
    values = np.asarray(signal["time_series"], dtype=np.float64).reshape(len(times), -1).T
    check(values.size, f"{name!r}: its stream {_fact(signal, 'name')!r} holds no samples. Leave it out.")
    described = _channels(signal, len(values))
    names = tuple(label for label, _ in described)
    chosen = list(range(len(values)))
    if reading.channels is not None:
        chosen = list(find_columns("channels", reading.channels, names, name))
    volts = [
        reading.volts or _UNITS.get(described[i][1].lower(), _UNITS.get(described[i][1], 0.0)) for i in chosen
    ]
    check(all(volts), f"unit is missing: {name!r} does not say it of all channels. Write unit: uV.")
    rate = float(_fact(signal, "nominal_srate") or 0)
    said = reading.sfreq if isinstance(reading.sfreq, float) else None
    return Content(
        data=values[chosen] * np.array(volts)[:, None],
        ch_names=tuple(names[i] for i in chosen) if all(names) else (),
        sfreq=said or (rate if rate > 0 else None),
        times=times,
        points=_markers(streams, reading, name, times),
        notes=tuple(f"{name}: pyxdf says: {text.rstrip('.')}." for text in told),
    )


@dataclass(frozen=True, eq=False)
class StreamFacts:
    """What one stream is: name, type, names of channels, whether units are said; its numbers or its words."""

    name: str
    kind: str
    is_text: bool
    names: tuple[str, ...]
    has_units: bool
    values: np.ndarray
    words: frozenset[str]


def describe_streams(path: Path) -> list[StreamFacts]:
    """Return what the streams of a file are."""
    out = []
    for stream in _load(path)[0]:
        text = _is_text(stream)
        empty = np.empty((0, 0))
        values = empty if text else np.asarray(stream["time_series"], dtype=np.float64).T
        described = _channels(stream, len(values))
        words = frozenset(str(row[0]) for row in stream["time_series"]) if text else frozenset()
        units = bool(described) and all(_volts(unit) for _, unit in described)
        names = tuple(label for label, _ in described)
        out.append(
            StreamFacts(_fact(stream, "name"), _fact(stream, "type"), text, names, units, values, words)
        )
    return out


def _load(path: Path) -> tuple[list[Any], list[str]]:
    try:
        return read_apart(_streams, path)
    except BiotransferError:
        raise
    except ImportError as error:
        raise BiotransferError(
            f"{str(path)!r} needs the package pyxdf. Type: pip install 'biotransfer[files]'"
        ) from error
    except Exception as error:
        raise BiotransferError(
            f"{str(path)!r} cannot be read as XDF ({type(error).__name__}: {error}). Get the file again, or "
            "leave it out by a pattern."
        ) from error


def _streams(path: Path) -> tuple[list[Any], list[str]]:
    """Return the streams, and what pyxdf says of damage while it reads them."""
    import pyxdf

    opener: Any = gzip.open if path.suffix == ".xdfz" else open
    said: dict[str, None] = {}
    listener = logging.Handler(logging.WARNING)
    listener.emit = lambda record: said.update({record.getMessage(): None})  # type: ignore[method-assign]
    logger = logging.getLogger("pyxdf")
    logger.addHandler(listener)
    logger.propagate = False
    try:
        with opener(path, "rb") as file:
            streams: list[Any] = pyxdf.load_xdf(file, verbose=False)[0]
    finally:
        logger.removeHandler(listener)
    return streams, [text for text in said if _USUAL not in text]


def _markers(streams: Sequence[Any], reading: Reading, name: str, times: np.ndarray) -> tuple[Point, ...]:
    text = [s for s in streams if _is_text(s)]
    if reading.marker_stream is None and not text:
        return ()
    stream = _pick(streams, "marker_stream", reading.marker_stream, name, of_text=True)
    at = np.searchsorted(times, np.asarray(stream["time_stamps"], dtype=np.float64))
    said = [row[0] if isinstance(row, (list, tuple, np.ndarray)) else row for row in stream["time_series"]]
    return tuple(Point(int(i), str(label)) for i, label in zip(at, said, strict=True))


def _pick(streams: Sequence[Any], key: str, given: str | None, name: str, *, of_text: bool) -> Any:
    if given is None:
        found = [s for s in streams if _is_text(s) == of_text and len(s["time_stamps"])]
    else:
        found = [s for s in streams if given in (_fact(s, "name"), _fact(s, "type"))]
    shown = ", ".join(f"{_fact(s, 'name')} ({_fact(s, 'type')})" for s in streams) or "none"
    check(
        len(found) == 1,
        f"{key}={given!r} fits {len(found)} streams of {name!r}. Expected one of: {shown}. "
        f"Write {key}: and its name.",
    )
    return found[0]


def _is_text(stream: Any) -> bool:
    return bool(_fact(stream, "channel_format") == "string")


def _fact(stream: Any, key: str) -> str:
    value = stream["info"].get(key) or [""]
    return str(value[0])


def _channels(stream: Any, n: int) -> list[tuple[str, str]]:
    """Return label and unit of every channel, as far as the stream describes them."""
    description = (stream["info"].get("desc") or [None])[0] or {}
    listed = (description.get("channels") or [None])[0] or {}
    rows = listed.get("channel") or []
    if len(rows) != n:
        return [("", "")] * n
    return [(_word(row, "label"), _word(row, "unit")) for row in rows]


def _volts(unit: str) -> float:
    """Return how many V a unit is; 0 for one that is not known."""
    return _UNITS.get(unit, _UNITS.get(unit.lower(), 0.0))


def _word(row: Mapping[str, Any], key: str) -> str:
    return str((row.get(key) or [""])[0] or "")
