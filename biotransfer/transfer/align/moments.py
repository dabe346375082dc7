"""Alignment of means and covariances."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import check
from ...signals.windows import Windows
from .inputs import common_inputs
from .transform import Transform, WindowMap, keep


def matrix_power(matrix: np.ndarray, exponent: float) -> np.ndarray:
    """Return a power of a symmetric positive matrix.

    Parameters
    ----------
    matrix : ndarray, shape (n, n)
        Symmetric; eigenvalues below 1e-10 of the largest count as that.
    exponent : float
        Such as -0.5.
    """
    values, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    values = np.maximum(values, max(values[-1], np.finfo(float).tiny) * 1e-10)
    return np.asarray((vectors * values**exponent) @ vectors.T)


def affine(
    windows: Windows, center: np.ndarray, matrix: np.ndarray, offset: np.ndarray, step: str
) -> Transform:
    """Return ``(X - center) @ matrix + offset`` of all columns, which keep their names."""
    return replace(keep(windows, step=step), center=center, matrix=matrix, offset=offset)


def coral(
    source: Windows, target: Windows, *, first: str = "top_k", k: int = 64, reg: float = 1.0
) -> tuple[WindowMap, WindowMap]:
    """Give the source the mean and covariance of the target.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.
    reg : float, 0 or more
        Added to both covariances' diagonals, in units of a scaled feature's variance.

    Raises
    ------
    BiotransferError
        When the sides cannot be brought to one number of inputs, or ``reg`` is negative.

    Notes
    -----
    Source: Sun, Feng and Saenko 2016, arXiv:1511.05547, algorithm 1 (whose ``reg`` is 1); differs from it in
    that the mean moves too.
    """
    check(reg >= 0, f"align coral: reg={reg}. Expected 0 or more.")
    ours, theirs = common_inputs("coral", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    eye = reg * np.eye(s.X.shape[1])
    covariance_s = np.cov(s.X, rowvar=False, dtype=np.float64).reshape(eye.shape) + eye
    covariance_t = np.cov(t.X, rowvar=False, dtype=np.float64).reshape(eye.shape) + eye
    matrix = matrix_power(covariance_s, -0.5) @ matrix_power(covariance_t, 0.5)
    mean_s, mean_t = s.X.mean(axis=0, dtype=np.float64), t.X.mean(axis=0, dtype=np.float64)
    return ours.then(affine(s, mean_s, matrix, mean_t, "target's mean and covariance (CORAL)")), theirs


def euclidean(source: Windows, target: Windows) -> tuple[WindowMap, WindowMap]:
    """Make the arithmetic mean of the windows' covariances the identity, on each side by itself.

    Parameters
    ----------
    source, target : Windows
        Scaled signals of training rows.

    Raises
    ------
    BiotransferError
        For features.

    Notes
    -----
    Source: He and Wu 2020, doi:10.1109/TBME.2019.2913914, equations 11 and 12; differs from it in that the
    reference is one per side, from training people, and not one per person: a new person's windows are never
    looked at before they are tested.
    """
    return _recentered("euclidean", source), _recentered("euclidean", target)


def riemannian(source: Windows, target: Windows) -> tuple[WindowMap, WindowMap]:
    """Make the Riemannian mean of the windows' covariances the identity, on each side by itself.

    Parameters
    ----------
    source, target : Windows
        Scaled signals of training rows.

    Raises
    ------
    BiotransferError
        For features.

    Notes
    -----
    Source: Zanini et al. 2018, doi:10.1109/TBME.2017.2742541, equation 9; the mean is pyriemann's. Differs
    from it in that the reference is one per side, from training people (see :func:`euclidean`).
    """
    return _recentered("riemannian", source), _recentered("riemannian", target)


def window_covariances(X: np.ndarray) -> np.ndarray:
    """Return ``X X' / n_times`` of every window, its diagonal raised by 1e-6 of its mean.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_chans, n_times)
        Signals.
    """
    X = X.astype(np.float64)
    covariances = np.einsum("nct,ndt->ncd", X, X) / X.shape[2]
    trace = np.trace(covariances, axis1=1, axis2=2) / X.shape[1]
    floor = 1e-6 * np.where(trace > 0, trace, 1.0)
    return np.asarray(covariances + floor[:, None, None] * np.eye(X.shape[1]))


def _recentered(kind: str, windows: Windows) -> Transform:
    check(
        windows.is_signal,
        f"align {kind} takes signals, the {windows.modality} windows are features. "
        "Leave features out and use network: cnn_signal, or use align: coral.",
    )
    covariances = window_covariances(windows.X)
    if kind == "euclidean":
        reference = covariances.mean(axis=0)
    else:
        from pyriemann.geometry.mean import mean_riemann

        reference = mean_riemann(covariances, tol=1e-8, maxiter=100)
    matrix = matrix_power(reference, -0.5)
    zero = np.zeros(len(matrix))
    return affine(windows, zero, matrix, zero, f"mean covariance to the identity ({kind})")
