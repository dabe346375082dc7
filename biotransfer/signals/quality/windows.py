"""What is wrong with windows that were given: people who stand still, or have one class or no other's."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..windows.container import Windows
from .finding import Finding, error, warning
from .people import class_findings

_MOST_NAMED = 6


def windows_findings(windows: Windows) -> Iterator[Finding]:
    """Yield people of whom nothing can be learned, and columns that say nothing.

    Parameters
    ----------
    windows : Windows
        Signals or features.

    Notes
    -----
    dead: every channel of every window of a person has one value; of features, two windows or more of a
    person are all the same. flat: a channel or feature has one value for everybody. Source: own.
    """
    moving = np.zeros(len(windows.names), bool)
    first: np.ndarray = np.asarray(windows.X[:1])
    for who in windows.subjects:
        rows = np.flatnonzero((windows.metadata["subject"] == who).to_numpy())
        still = True
        for at in np.array_split(rows, -(-len(rows) // 1024)):
            X = np.asarray(windows.X[at])
            if windows.is_signal:
                alive = (X[..., :1] != X).any(axis=2).any(axis=0)
                moving |= alive
            else:
                alive = (np.asarray(windows.X[rows[:1]]) != X).any(axis=0)
                moving |= (first != X).any(axis=0)
            still = still and not alive.any()
        if still and (windows.is_signal or len(rows) > 1):
            what = "channels stand still" if windows.is_signal else "features are the same"
            yield error(
                "dead", "", f"all {len(windows.names)} {what} in all {len(rows)} windows of {who!r}.", 1.0
            )
    if moving.any() and not moving.all():
        names = [name for name, moves in zip(windows.names, moving, strict=True) if not moves]
        more = ", ..." if len(names) > _MOST_NAMED else ""
        said = f"{len(names)} of {len(moving)} columns have one value everywhere: "
        said += f"{', '.join(names[:_MOST_NAMED])}{more}."
        yield warning("flat", "", said, len(names) / len(moving))
    counts = windows.counts()
    yield from class_findings(
        {str(who): {str(c) for c in counts.columns if counts.loc[who, c] > 0} for who in windows.subjects},
        windows.classes,
    )
