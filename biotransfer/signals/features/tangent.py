"""Covariances as points of a flat space: their matrix logarithm."""

from __future__ import annotations

import numpy as np

from ...errors import check
from ..windows import Windows
from ..windows.columns import Column
from . import primitives as p
from .series import series


def tangent_space(windows: Windows, *, shrinkage: float = 0.05) -> Windows:
    """Describe windows by their covariance in the tangent space of symmetric positive definite matrices.

    Parameters
    ----------
    windows : Windows
        Signals of shape (n_windows, n_chans, n_times) in V.
    shrinkage : float, 0 to 1
        How far the covariance is moved towards equal, independent channels before its logarithm, 0 to 1.

    Returns
    -------
    Windows
        C (C + 1) / 2 features for C channels, float64: ``tangent_C3`` of the diagonal and ``tangent_C3_C4``
        of the matrix logarithm of the covariance in uV^2, entries off the diagonal times the root of 2, so
        that distances between rows are log-Euclidean distances between covariances. Finite for flat channels.

    Raises
    ------
    BiotransferError
        When the shrinkage is out of range.

    Notes
    -----
    Source: Arsigny et al. 2007, doi:10.1137/050637996; Barachant et al. 2012, doi:10.1109/TBME.2011.2172210.
    The reference is the identity, which is fixed: nothing is fitted, and a row sees its window alone.
    Standardising (``scale: standard``, on training rows only) subtracts the mean of the logarithms, which is
    the logarithm of the training windows' log-Euclidean mean: the tangent space at that mean. A reference of
    each side's own is ``align: riemannian``, on signals.

    Examples
    --------
    >>> from biotransfer.signals.simulate import simulate_eeg
    >>> from biotransfer.signals.windows import cut_windows
    >>> tangent_space(cut_windows(simulate_eeg(n_subjects=1))).names[:2]
    ('tangent_TP9', 'tangent_TP9_AF7')
    """
    p.check_signals(windows, "tangent_space")
    check(
        0 <= shrinkage < 1,
        f"features tangent_space: shrinkage={shrinkage}. Expected 0 or more and less than 1, such as 0.05.",
    )
    n, n_chans = windows.X.shape[:2]
    i, j = np.triu_indices(n_chans)
    weight = np.where(i == j, 1.0, np.sqrt(2.0))
    out = np.empty((n, len(i)))
    for rows, part in series(windows):
        values, vectors = np.linalg.eigh(p.covariance(part.x))
        values = np.maximum(values, p.FLAT**2)
        shrunk = (1 - shrinkage) * values + shrinkage * values.mean(axis=-1, keepdims=True)
        out[rows] = p.matrix_log(shrunk, vectors)[:, i, j] * weight
    names = windows.names
    columns = [
        Column("tangent", (names[a],) if a == b else (names[a], names[b]), "log(uV^2)")
        for a, b in zip(i, j, strict=True)
    ]
    said = {} if shrinkage == 0.05 else {"shrinkage": shrinkage}
    return windows.with_features(out, columns, p.step_name("tangent_space", **said))
