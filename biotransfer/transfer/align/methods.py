"""Alignment methods: scaled training Windows of source and target -> a Transform for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import check, check_option
from ...signals.windows import Windows
from .transform import Transform, keep, row_blocks

SCORES = ("anova", "mutual_information", "variance")


def none(source: Windows, target: Windows) -> tuple[Transform, Transform]:
    """Leave both sides as they are."""
    return keep(source), keep(target)


def check_features(name: str, windows: Windows) -> None:
    """Refuse signals where alignment ``name`` takes features."""
    check(
        not windows.is_signal,
        f"align {name} takes features, the {windows.modality} windows are signals. "
        "Add features: statistical, or use align: euclidean, riemannian, matched or none.",
    )


def _scores(windows: Windows, score: str) -> np.ndarray:
    """How well each feature tells the classes apart; constants come last."""
    varies = windows.X.max(axis=0) > windows.X.min(axis=0)
    scores = np.full(len(varies), -np.inf)
    if score == "variance":
        scores[varies] = windows.X[:, varies].astype(np.float64).var(axis=0)
    elif score == "anova":
        scores[varies] = np.nan_to_num(f_statistic(windows.X, windows.y), nan=-1.0, posinf=np.inf)[varies]
    else:
        from sklearn.feature_selection import mutual_info_classif

        X = windows.X[:, varies].astype(np.float64)
        scores[varies] = mutual_info_classif(X, windows.y, random_state=0)
    return scores


def f_statistic(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the F statistic of a one-way analysis of variance of every column.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_features)
        Rows, read a few at a time.
    y : ndarray, shape (n_windows,), int64
        Their classes.

    Returns
    -------
    ndarray, shape (n_features,), float64
        Very large, infinite or NaN where a column does not vary within classes, else the values of
        :func:`sklearn.feature_selection.f_classif`, which took five times as long.
    """
    classes, y = np.unique(y, return_inverse=True)
    counts = np.bincount(y)
    sums = np.zeros((len(classes), X.shape[1]))
    squares = np.zeros(X.shape[1])
    for rows in row_blocks(X):
        part = X[rows].astype(np.float64)
        squares += np.square(part).sum(axis=0)
        for c in range(len(classes)):
            sums[c] += part[y[rows] == c].sum(axis=0)
    all_mean = np.square(sums.sum(axis=0)) / len(X)
    between = (np.square(sums) / counts[:, None]).sum(axis=0) - all_mean
    within = np.maximum(squares - all_mean - between, 0.0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio: np.ndarray = (between / (len(classes) - 1)) / (within / (len(X) - len(classes)))
    return ratio


def top_k(
    source: Windows, target: Windows, *, k: int = 128, score: str = "anova"
) -> tuple[Transform, Transform]:
    """Keep the k best features of each side; the i-th best of one meets the i-th best of the other.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    k : int, 1 to 100000
        How many features to keep.
    score : {"anova", "mutual_information", "variance"}
        What makes a feature good: the F statistic, the mutual information with the label, or its variance.

    Raises
    ------
    BiotransferError
        When a side has fewer than k features that vary.

    Notes
    -----
    Source: the paper selects features and reshapes them, but names neither selector nor number
    (doi:10.1109/ACCESS.2020.2979074); both are parameters here.
    """
    check_option("score", score, SCORES)
    check(k > 0, f"align top_k: k={k}. Expected 1 or more.")
    sides = []
    for windows in (source, target):
        check_features("top_k", windows)
        scores = _scores(windows, score)
        varying = int(np.isfinite(scores).sum() + np.isposinf(scores).sum())
        check(
            k <= varying,
            f"align top_k: k={k} but the {windows.modality} windows have {varying} features that vary. "
            f"Use k: {varying} or less.",
        )
        best = np.argsort(-scores, kind="stable")[:k]
        sides.append(keep(windows, best, f"top {k} by {score}"))
    return sides[0], sides[1]


def principal_axes(X: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return singular values and axes of centered rows, the largest first.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_features)
        Rows.

    Returns
    -------
    singular : ndarray, shape (rank,)
        Above rounding.
    axes : ndarray, shape (n_features, rank)
        Orthonormal columns, the largest entry of each positive.
    """
    _, singular, axes = np.linalg.svd(X - X.mean(axis=0), full_matrices=False)
    rank = int(np.sum(singular > singular[0] * 1e-7)) if len(singular) else 0
    axes = axes[:rank]
    largest = np.abs(axes).argmax(axis=1)
    axes = axes * np.sign(axes[np.arange(rank), largest])[:, None]
    return singular[:rank], axes.T


def pca(source: Windows, target: Windows, *, k: int = 64, whiten: bool = True) -> tuple[Transform, Transform]:
    """Project each side on its own first k principal components.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    k : int, 1 to 100000
        Number of components.
    whiten : bool
        Give every component unit variance.

    Raises
    ------
    BiotransferError
        When a side has fewer than k dimensions.
    """
    check(k > 0, f"align pca: k={k}. Expected 1 or more.")
    sides = []
    for windows in (source, target):
        check_features("pca", windows)
        X = windows.X.astype(np.float64)
        singular, axes = principal_axes(X)
        check(
            k <= len(singular),
            f"align pca: k={k} but the {windows.modality} training windows span {len(singular)} dimensions. "
            f"Use k: {len(singular)} or less.",
        )
        deviation = singular[:k] / np.sqrt(max(len(X) - 1, 1)) if whiten else np.ones(k)
        step = f"first {k} principal components{', whitened' if whiten else ''}"
        names = tuple(f"pc{i + 1}" for i in range(k))
        matrix = axes[:, :k] / deviation
        sides.append(replace(keep(windows, step=step), center=X.mean(axis=0), matrix=matrix, names=names))
    return sides[0], sides[1]
