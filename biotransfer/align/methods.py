"""Alignment methods: scaled training Windows of source and target -> a Transform for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ..errors import check, check_option
from ..windows import Windows
from .transform import Transform, keep

SCORES = ("anova", "mutual_information", "variance")


def none(source: Windows, target: Windows) -> tuple[Transform, Transform]:
    """Leave both sides as they are."""
    return keep(source), keep(target)


def _needs_features(windows: Windows, name: str) -> None:
    check(
        not windows.is_signal,
        f"align {name} takes features, the {windows.modality} windows are signals. "
        "Add features: statistical, or use align: none or matched.",
    )


def _scores(windows: Windows, score: str) -> np.ndarray:
    """How well each feature tells the classes apart; constants come last."""
    X = windows.X.astype(np.float64)
    varies = X.std(axis=0) > 0
    scores = np.full(X.shape[1], -np.inf)
    if score == "variance":
        scores[varies] = X[:, varies].var(axis=0)
    elif score == "anova":
        from sklearn.feature_selection import f_classif

        scores[varies] = np.nan_to_num(f_classif(X[:, varies], windows.y)[0], nan=-1.0, posinf=np.inf)
    else:
        from sklearn.feature_selection import mutual_info_classif

        scores[varies] = mutual_info_classif(X[:, varies], windows.y, random_state=0)
    return scores


def top_k(
    source: Windows, target: Windows, *, k: int = 128, score: str = "anova"
) -> tuple[Transform, Transform]:
    """Keep the k best features of each side; the i-th best of one meets the i-th best of the other.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    k : int
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
        _needs_features(windows, "top_k")
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


def pca(source: Windows, target: Windows, *, k: int = 64, whiten: bool = True) -> tuple[Transform, Transform]:
    """Project each side on its own first k principal components.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    k : int
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
        _needs_features(windows, "pca")
        X = windows.X.astype(np.float64)
        center = X.mean(axis=0)
        _, singular, components = np.linalg.svd(X - center, full_matrices=False)
        rank = int(np.sum(singular > singular[0] * 1e-7)) if len(singular) else 0
        check(
            k <= rank,
            f"align pca: k={k} but the {windows.modality} training windows span {rank} dimensions. "
            f"Use k: {rank} or less.",
        )
        components = components[:k]
        largest = np.abs(components).argmax(axis=1)
        components = components * np.sign(components[np.arange(k), largest])[:, None]
        deviation = singular[:k] / np.sqrt(max(len(X) - 1, 1)) if whiten else np.ones(k)
        step = f"first {k} principal components{', whitened' if whiten else ''}"
        names = tuple(f"pc{i + 1}" for i in range(k))
        matrix = components.T / deviation
        sides.append(replace(keep(windows, step=step), center=center, matrix=matrix, names=names))
    return sides[0], sides[1]


def matched(source: Windows, target: Windows) -> tuple[Transform, Transform]:
    """Keep what both sides have under one name: features, or channels of signals.

    Raises
    ------
    BiotransferError
        When the two sides share no name.
    """
    shared = [name for name in target.names if name in set(source.names)]
    check(
        shared,
        f"align matched: source ({source.modality}: {', '.join(source.names[:3])}, ...) and target "
        f"({target.modality}: {', '.join(target.names[:3])}, ...) share no name. "
        "Use align: {name: top_k, k: 128}, or features: statistical, whose names both modalities share.",
    )
    sides = []
    for windows in (source, target):
        position = {name: i for i, name in enumerate(windows.names)}
        columns = np.array([position[name] for name in shared])
        sides.append(keep(windows, columns, f"{len(shared)} columns named alike"))
    return sides[0], sides[1]
