"""An affine map of windows as a value: center, scale, choose columns, project."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ..windows import Windows

SCALES = ("standard", "none")


@dataclass(frozen=True, eq=False)
class Transform:
    """``Z = (X[:, columns] - center) / scale @ matrix``; along the second axis, for features and signals.

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
    """

    columns: np.ndarray
    center: np.ndarray
    scale: np.ndarray
    names: tuple[str, ...]
    step: str
    matrix: np.ndarray | None = None

    def apply(self, windows: Windows) -> Windows:
        """Return transformed windows, float32."""
        Z = self.apply_array(windows.X)
        return replace(windows, X=Z, names=self.names, history=(*windows.history, self.step))

    def apply_array(self, X: np.ndarray) -> np.ndarray:
        """Transform an array of shape (n_windows, n_columns[, n_times])."""
        extra = (1,) * (X.ndim - 2)
        Z = (X[:, self.columns] - self.center.reshape(-1, *extra)) / self.scale.reshape(-1, *extra)
        if self.matrix is not None:
            Z = np.einsum("nc...,ck->nk...", Z, self.matrix)
        return Z.astype(np.float32)

    def then(self, other: Transform) -> Transform:
        """Return the transform that applies this one, then ``other``; ours must not project."""
        assert self.matrix is None
        kept = other.columns
        return Transform(
            columns=self.columns[kept],
            center=self.center[kept] + self.scale[kept] * other.center,
            scale=self.scale[kept] * other.scale,
            matrix=other.matrix,
            names=other.names,
            step=", ".join(filter(None, (self.step, other.step))),
        )


def keep(windows: Windows, columns: np.ndarray | None = None, step: str = "") -> Transform:
    """Return the transform that takes ``columns`` as they are."""
    columns = np.arange(len(windows.names)) if columns is None else np.asarray(columns, dtype=np.int64)
    names = tuple(windows.names[i] for i in columns)
    return Transform(columns, np.zeros(len(columns)), np.ones(len(columns)), names, step)


def fit_scaler(windows: Windows, scale: str) -> Transform:
    """Fit zero mean and unit deviation per column over windows (and time); constants are only centered.

    Parameters
    ----------
    windows : Windows
        Training rows only.
    scale : {"standard", "none"}
        Whether to scale at all.
    """
    if scale == "none":
        return keep(windows)
    axes = (0, 2) if windows.is_signal else (0,)
    X = windows.X.astype(np.float64)
    center, deviation = X.mean(axis=axes), X.std(axis=axes)
    floor = 1e-12 * np.maximum(np.abs(center), np.finfo(np.float64).tiny)
    deviation = np.where(deviation > floor, deviation, 1.0)
    return replace(keep(windows, step="standardised"), center=center, scale=deviation)
