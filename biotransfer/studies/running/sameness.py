"""The same data on another processor: made from the same files by the same code, and rounded otherwise."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from ...signals.windows import Windows
from .data import Side

ROUNDING = 1e-4
"""How far the level of a channel or feature may be from what it was, as a part of it."""
_CHUNK = 4096


def print_of(side: Side) -> dict[str, Any]:
    """Return what is written down of a side to know it again.

    Parameters
    ----------
    side : Side
        With a place: its keys stand for files, recipe, code and libraries.

    Returns
    -------
    dict
        ``keys`` of its stages, ``ids`` of their content (digests), and ``levels``, by stage, the rows and the
        root mean square of every column.
    """
    stages = {"signals": side.signals, "features": side.features, "nuisance": side.nuisance}
    return {
        "keys": dict(side.place.keys) if side.place else {},
        "ids": ids_of(side),
        "levels": {name: _levels(windows) for name, windows in stages.items() if windows is not None},
    }


def ids_of(side: Side) -> dict[str, str]:
    """Return the digests by which trials know a side."""
    found = {name: str(side.about[name]) for name in ("digest", "features_digest") if name in side.about}
    nuisance = side.about.get("nuisance")
    return {**found, **({"nuisance": str(nuisance["digest"])} if nuisance else {})}


def _levels(windows: Windows) -> dict[str, Any]:
    rows = hashlib.sha256("\n".join(windows.metadata["uid"]).encode())
    rows.update(np.ascontiguousarray(windows.y).tobytes() + repr((windows.classes, windows.names)).encode())
    total = np.zeros(len(windows.names))
    for begin in range(0, len(windows), _CHUNK):
        X = np.asarray(windows.X[begin : begin + _CHUNK], dtype=np.float64)
        total += np.square(X).sum(axis=tuple(i for i in range(X.ndim) if i != 1))
    level = np.sqrt(total / max(1, len(windows) * int(np.prod(windows.shape[1:]))))
    return {"rows": rows.hexdigest()[:16], "rms": [float(f"{value:.9g}") for value in level]}


def rounding_between(then: Mapping[str, Any], now: Mapping[str, Any]) -> float | None:
    """Return how far the levels of a side are from what they were; None where it is other data.

    Parameters
    ----------
    then, now : mapping
        Of :func:`print_of`.
    """
    if not then.get("keys") or then["keys"] != now["keys"] or set(then["levels"]) != set(now["levels"]):
        return None
    largest = 0.0
    for name, here in now["levels"].items():
        there = then["levels"][name]
        if there["rows"] != here["rows"] or len(there["rms"]) != len(here["rms"]):
            return None
        a, b = np.asarray(there["rms"], dtype=np.float64), np.asarray(here["rms"], dtype=np.float64)
        scale = np.maximum(np.maximum(np.abs(a), np.abs(b)), np.finfo(np.float64).tiny)
        largest = max(largest, float(np.max(np.abs(a - b) / scale, initial=0.0)))
    return largest if largest <= ROUNDING else None


def known_as(side: Side, ids: Mapping[str, str], rounding: float) -> Side:
    """Return a side that goes by the digests of another machine; its windows are its own.

    Parameters
    ----------
    side : Side
        As this machine made it.
    ids : mapping of str to str
        Of :func:`ids_of`, by the study's first machine.
    rounding : float
        Of :func:`rounding_between`.
    """
    assert side.place is not None
    place = side.place._replace(known_as=dict(ids))
    about = {**side.about, **place.names_for(side.about), "rounded": {"levels": rounding, **ids_of(side)}}
    return replace(side, about=about, place=place)
