"""Maps of windows as values: affine ones (center, scale, choose columns, project), and chains of others."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from ...errors import check
from ...showing import one_line
from ...signals.windows import Windows

_BLOCK_BYTES = 1 << 20
SCALES = ("standard", "none")


class WindowMap(Protocol):
    """What an alignment does to one side."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that come out."""

    @property
    def step(self) -> str:
        """What the history will say."""

    def apply(self, windows: Windows) -> Windows:
        """Return transformed windows, float32."""

    def apply_array(self, X: np.ndarray) -> np.ndarray:
        """Transform an array of shape (n_windows, n_columns[, n_times])."""


@dataclass(frozen=True, eq=False)
class Transform:
    """``Z = (X[:, columns] - center) / scale @ matrix + offset``; along the second axis.

    Parameters
    ----------
    columns : ndarray of int
        Columns (features or channels) to take, in order.
    center, scale : ndarray, shape (len(columns),), float64
        Subtracted and divided by.
    matrix : ndarray, shape (len(columns), k), float64, optional
        Projection; none when the columns stay themselves.
    names : tuple of str
        Names of the columns that come out.
    step : str
        What the history will say.
    offset : ndarray, shape (k,), float64, optional
        Added last.
    """

    columns: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    names: tuple[str, ...]
    step: str
    matrix: np.ndarray | None = None
    offset: np.ndarray | None = None

    def __repr__(self) -> str:
        return show_map(self)

    def apply(self, windows: Windows) -> Windows:
        """Return transformed windows, float32."""
        return applied(self, windows)

    def apply_array(self, X: np.ndarray) -> np.ndarray:
        """Transform an array of shape (n_windows, n_columns[, n_times])."""
        extra = (1,) * (X.ndim - 2)
        center, scale = self.center.reshape(-1, *extra), self.scale.reshape(-1, *extra)
        every = np.array_equal(self.columns, np.arange(X.shape[1]))
        out = np.empty((len(X), len(self.names), *X.shape[2:]), np.float32)
        for rows in row_blocks(X):
            Z = ((X[rows] if every else X[rows][:, self.columns]) - center) / scale
            if self.matrix is not None:
                Z = np.einsum("nc...,ck->nk...", Z, self.matrix)
            out[rows] = Z if self.offset is None else Z + self.offset.reshape(-1, *extra)
        return out

    def then(self, other: WindowMap) -> WindowMap:
        """Return what applies this map, then ``other``."""
        if not isinstance(other, Transform):
            return Chain((self, other))
        step, kept = ", ".join(filter(None, (self.step, other.step))), other.columns
        if self.matrix is None and self.offset is None:
            return replace(
                other,
                columns=self.columns[kept],
                center=self.center[kept] + self.scale[kept] * other.center,
                scale=self.scale[kept] * other.scale,
                step=step,
            )
        first = np.eye(len(self.columns)) if self.matrix is None else self.matrix
        second = np.eye(len(kept)) if other.matrix is None else other.matrix
        shift = np.zeros(first.shape[1]) if self.offset is None else self.offset
        offset = ((shift[kept] - other.center) / other.scale) @ second
        return replace(
            self,
            matrix=(first[:, kept] / other.scale) @ second,
            offset=offset if other.offset is None else offset + other.offset,
            names=other.names,
            step=step,
        )


@dataclass(frozen=True, eq=False)
class Chain:
    """Maps applied one after the other."""

    parts: tuple[WindowMap, ...]

    def __repr__(self) -> str:
        return show_map(self)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the columns that come out."""
        return self.parts[-1].names

    @property
    def step(self) -> str:
        """What the history will say."""
        return ", ".join(filter(None, (part.step for part in self.parts)))

    def apply(self, windows: Windows) -> Windows:
        """Return transformed windows, float32."""
        return applied(self, windows)

    def apply_array(self, X: np.ndarray) -> np.ndarray:
        """Transform an array of shape (n_windows, n_columns)."""
        for part in self.parts:
            X = part.apply_array(X)
        return X


def show_map(mapping: WindowMap) -> str:
    """Return a map's name, what comes out and what it does, on one line."""
    return one_line(
        f"{type(mapping).__name__}: to {len(mapping.names)} columns, {mapping.step or 'as they are'}"
    )


def applied(mapping: WindowMap, windows: Windows) -> Windows:
    """Return ``windows`` as ``mapping`` gives them."""
    Z = mapping.apply_array(windows.X)
    return replace(windows, X=Z, names=mapping.names, history=(*windows.history, mapping.step))


def keep(windows: Windows, columns: np.ndarray | None = None, step: str = "") -> Transform:
    """Return the transform that takes ``columns`` as they are."""
    columns = np.arange(len(windows.names)) if columns is None else np.asarray(columns, dtype=np.int64)
    names = tuple(windows.names[i] for i in columns)
    return Transform(columns, np.zeros(len(columns)), np.ones(len(columns)), names, step)


def row_blocks(X: np.ndarray) -> Iterator[slice]:
    """Yield slices of rows that fit in a processor's cache."""
    size = max(1, _BLOCK_BYTES // max(1, 8 * int(np.prod(X.shape[1:]))))
    for begin in range(0, len(X), size):
        yield slice(begin, begin + size)


def fit_scaler(windows: Windows, scale: str) -> Transform:
    """Fit zero mean and unit deviation per column over windows (and time); constants are only centered.

    Parameters
    ----------
    windows : Windows
        Training rows only.
    scale : {"standard", "none"}
        Whether to scale at all.

    Notes
    -----
    A column is constant where it deviates by less than four roundings of its mean (four times the machine
    epsilon of X): such a deviation is rounding, and dividing by it would make 10^6 of the next rounding.
    """
    if scale == "none":
        return keep(windows)
    check(len(windows) > 0, f"scale={scale!r}: there is no {windows.modality} window to fit it on.")
    axes = (0, 2) if windows.is_signal else (0,)
    X, shape = windows.X, (-1, *(1,) * (windows.X.ndim - 2))
    n = X.size / X.shape[1]
    center = sum(X[rows].sum(axis=axes, dtype=np.float64) for rows in row_blocks(X)) / n
    parts = (np.square(X[rows] - center.reshape(shape)).sum(axis=axes) for rows in row_blocks(X))
    deviation = np.sqrt(sum(parts) / n)
    floor = 4 * np.finfo(X.dtype).eps * np.abs(center)
    deviation = np.where(deviation > floor, deviation, 1.0)
    return replace(keep(windows, step="standardised"), center=center, scale=deviation)
