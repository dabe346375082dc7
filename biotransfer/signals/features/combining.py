"""Feature sets by name, one or several side by side: which are asked for, and their columns as one table."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...catalog import Entry
from ...errors import check
from ..windows import Windows
from .catalog import FEATURES

Spec = str | Mapping[str, Any] | Sequence[str | Mapping[str, Any]]
"""A feature set, by name or with parameters, or a list of such."""
Sets = tuple[tuple[Entry, dict[str, Any]], ...]


def resolve_sets(spec: Spec, where: str = "") -> Sets:
    """Return the sets that are asked for, with all of their parameters.

    Parameters
    ----------
    spec : str, mapping or list of such
        Names, or ``{"name": ..., parameter: value}``.
    where : str
        The key that holds it, for messages; the catalog's kind when not given.

    Raises
    ------
    BiotransferError
        On an unknown name or parameter, a set named twice, none at all, or a set that stands alone.

    Examples
    --------
    >>> [entry.name for entry, _ in resolve_sets(["band_power", {"name": "time_domain", "threshold": 1.0}])]
    ['band_power', 'time_domain']
    """
    where = where or FEATURES.kind
    several: list[Any] = list(spec) if isinstance(spec, (list, tuple)) else [spec]
    check(several, f"{where}=[] names no feature set. Write {where}: [band_power, time_domain].")
    sets = tuple(FEATURES.resolve(one, where) for one in several)
    names = [entry.name for entry, _ in sets]
    twice = sorted({name for name in names if names.count(name) > 1})
    check(not twice, f"{where}: {', '.join(twice)} is named twice. Name each once.")
    for entry, parameters in sets:
        check(
            len(sets) == 1 or not entry.facts["lag"],
            f"{where}: {entry.name} stands alone: its rows are not those of {', '.join(names)}. "
            f"Write {where}: {entry.name}, or leave it out.",
        )
        if entry.facts["check"] is not None:
            entry.facts["check"](**parameters)
    return sets


def describe(windows: Windows, sets: Sets) -> Windows:
    """Return the columns of all sets side by side, in their order.

    Raises
    ------
    BiotransferError
        When two columns have one name.
    """
    parts = [entry.function(windows, **parameters) for entry, parameters in sets]
    names = [name for part in parts for name in part.names]
    twice = sorted({name for name in names if names.count(name) > 1}) if len(set(names)) < len(names) else []
    check(
        not twice,
        f"features: {len(twice)} columns, such as {', '.join(map(repr, twice[:3]))}, come twice out of "
        f"{', '.join(entry.name for entry, _ in sets)}. Leave one of these out, or name channels apart.",
    )
    if len(parts) == 1:
        return parts[0]
    columns = {name: one for part in parts for name, one in part.columns.items()}
    step = " + ".join(part.history[-1].removeprefix("features ") for part in parts)
    X = np.concatenate([part.X for part in parts], axis=1)
    return windows.with_features(X, names, f"features {step}", columns=columns)
