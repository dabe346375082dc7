"""Signals without the polynomial that fits them best."""

from __future__ import annotations

import numpy as np


def without_trend(x: np.ndarray, order: int) -> np.ndarray:
    """Return an array without the polynomial that fits each row best.

    Parameters
    ----------
    x : ndarray, shape (..., n_times)
        Signals.
    order : int
        Of the polynomial.

    Notes
    -----
    Projection on Legendre polynomials made orthonormal over the samples.

    Examples
    --------
    >>> without_trend(np.array([[1.0, 2.0, 3.0]]), 1).round(9) + 0.0
    array([[0., 0., 0.]])
    """
    n = x.shape[-1]
    if n <= order:
        return np.zeros_like(x)
    basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(np.linspace(-1, 1, n), order))
    return np.asarray(x - (x @ basis) @ basis.T)
