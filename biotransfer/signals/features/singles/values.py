"""What a single feature may return, and the checks that several of them need."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from ....errors import check

Values = Mapping[str, np.ndarray]
"""Columns by name, each of shape (n_windows, n_chans), or (n_windows, n_pairs)."""


def check_count(name: str, parameter: str, value: int, least: int, most: int) -> None:
    """Refuse a whole number out of range."""
    check(
        isinstance(value, int) and not isinstance(value, bool) and least <= value <= most,
        f"feature {name}: {parameter}={value!r}. Expected a whole number from {least} to {most}. "
        f"Use {parameter}: {least}.",
    )


def check_range(name: str, parameter: str, edges: Sequence[float], nyquist: float) -> tuple[float, float]:
    """Return the two ends of a range of frequencies, refusing one that a sampling rate cannot hold."""
    check(
        isinstance(edges, (list, tuple))
        and len(edges) == 2
        and all(isinstance(edge, (int, float)) and not isinstance(edge, bool) for edge in edges)
        and 0 <= edges[0] < edges[1] <= nyquist * (1 + 1e-9),
        f"feature {name}: {parameter}={edges!r} at {2 * nyquist:g} Hz sampling. Expected 0 <= low < high <= "
        f"{nyquist:g} Hz. Use {parameter}: [{nyquist / 8:g}, {nyquist / 2:g}].",
    )
    return float(edges[0]), float(edges[1])


def pairs_of(n_chans: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the first and the second channel of every pair."""
    i, j = np.triu_indices(n_chans, 1)
    return i, j
