"""Correction for a family of tests."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ...errors import check


def holm(p: ArrayLike) -> np.ndarray:
    """Adjust p values so that the chance of any false claim in the family stays below alpha.

    Parameters
    ----------
    p : array_like, shape (n_tests,), float
        The family.

    Returns
    -------
    ndarray, shape (n_tests,), float64
        Adjusted p, in the order given.

    Raises
    ------
    BiotransferError
        On a value outside 0 .. 1.

    Notes
    -----
    Source: Holm 1979, Scand. J. Statist. 6:65.

    Examples
    --------
    >>> holm([0.01, 0.04, 0.03]).tolist()
    [0.03, 0.06, 0.06]
    """
    values = np.asarray(p, dtype=np.float64)
    check(
        values.ndim == 1 and bool(np.all((values >= 0) & (values <= 1))),
        f"p={values.tolist()} are no p values. Expected a list of numbers between 0 and 1.",
    )
    order = np.argsort(values, kind="stable")
    adjusted = np.empty_like(values)
    adjusted[order] = np.maximum.accumulate(values[order] * np.arange(values.size, 0, -1))
    return np.minimum(adjusted, 1.0)
