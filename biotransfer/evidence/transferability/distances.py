"""Scores of two sides: how far apart source and target lie, and how alike two layers are."""

from __future__ import annotations

import numpy as np

from ...errors import check


def _pair(A: np.ndarray, B: np.ndarray, names: tuple[str, str]) -> tuple[np.ndarray, np.ndarray]:
    A, B = np.asarray(A, dtype=np.float64), np.asarray(B, dtype=np.float64)
    for name, value in zip(names, (A, B), strict=True):
        check(value.ndim == 2, f"{name} has {value.ndim} axes. Expected 2: windows x columns.")
    return A, B


def linear_cka(A: np.ndarray, B: np.ndarray) -> float:
    """Return the linear centered kernel alignment of two layers on the same windows.

    Parameters
    ----------
    A, B : ndarray, shape (n_windows, n_units)
        What the layers give; the numbers of units may differ.

    Returns
    -------
    float
        0 (nothing shared) to 1 (equal up to rotation, shift and scale); NaN when a layer is constant.

    Notes
    -----
    Source: Kornblith et al. 2019, arXiv:1905.00414, equation 4: |B'A|^2 / (|A'A| |B'B|), columns centered.
    """
    A, B = _pair(A, B, ("A", "B"))
    check(len(A) == len(B), f"A has {len(A)} windows, B {len(B)}. Pass the same windows through both layers.")
    A, B = A - A.mean(axis=0), B - B.mean(axis=0)
    if max(A.shape[1], B.shape[1]) > len(A):
        K, L = A @ A.T, B @ B.T
        shared, own = float((K * L).sum()), float(np.linalg.norm(K) * np.linalg.norm(L))
    else:
        shared = float(np.linalg.norm(B.T @ A) ** 2)
        own = float(np.linalg.norm(A.T @ A) * np.linalg.norm(B.T @ B))
    return shared / own if own > 0 else float("nan")


def _some(n: int, most: int, seed: int) -> np.ndarray:
    return np.sort(np.random.default_rng([seed, n]).permutation(n)[:most])


def otdd(
    source_F: np.ndarray,
    source_y: np.ndarray,
    target_F: np.ndarray,
    target_y: np.ndarray,
    *,
    max_windows: int = 500,
    seed: int = 0,
) -> float:
    """Return the cost of transporting the labelled source onto the labelled target.

    Parameters
    ----------
    source_F, target_F : ndarray, shape (n_windows, n_features)
        Features of both sides, in one space.
    source_y, target_y : ndarray, shape (n_windows,)
        Labels; the two sets need not have anything in common.
    max_windows : int, 2 to 5000
        Windows of each side that are transported, drawn at random; label Gaussians see all.
    seed : int, 0 or more
        Draws them.

    Returns
    -------
    float
        In squared feature units; smaller is better.

    Notes
    -----
    Source: Alvarez-Melis and Fusi 2020, arXiv:2002.02923, equations 5 to 7: the ground cost of two windows is
    their squared distance plus the squared 2-Wasserstein distance of the Gaussians of their labels; exact
    transport (POT).
    """
    import ot

    A, B = _pair(source_F, target_F, ("source_F", "target_F"))
    check(
        A.shape[1] == B.shape[1],
        f"source_F has {A.shape[1]} columns, target_F {B.shape[1]}. Pass both sides through one network.",
    )
    codes_a, means_a, roots_a = _gaussians(A, np.asarray(source_y))
    codes_b, means_b, roots_b = _gaussians(B, np.asarray(target_y))
    between = ot.dist(means_a, means_b)
    for i, root in enumerate(roots_a):
        for j, other in enumerate(roots_b):
            overlap = np.linalg.svd(root @ other, compute_uv=False).sum()
            between[i, j] += (root**2).sum() + (other**2).sum() - 2 * overlap
    rows_a, rows_b = _some(len(A), max_windows, seed), _some(len(B), max_windows, seed)
    cost = ot.dist(A[rows_a], B[rows_b]) + between[np.ix_(codes_a[rows_a], codes_b[rows_b])]
    return float(ot.emd2([], [], cost, numItermax=1_000_000))


def _gaussians(F: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Return every window's label as 0, 1, ..., and every label's mean and square root of covariance."""
    check(len(F) == len(y), f"{len(F)} windows and {len(y)} labels. Pass one label for each window.")
    classes, codes = np.unique(y, return_inverse=True)
    means, roots = [], []
    for c in range(len(classes)):
        mine = F[codes == c]
        means.append(mine.mean(axis=0))
        values, vectors = np.linalg.eigh(np.atleast_2d(np.cov(mine.T, ddof=0)))
        roots.append((vectors * np.sqrt(np.maximum(values, 0.0))) @ vectors.T)
    return codes, np.stack(means), roots


def proxy_a_distance(
    source_F: np.ndarray,
    source_groups: np.ndarray,
    target_F: np.ndarray,
    target_groups: np.ndarray,
    *,
    folds: int = 5,
    max_windows: int = 500,
    seed: int = 0,
) -> float:
    """Return 2 (1 - 2 err), err the error of a classifier that tells the sides apart on unseen people.

    Parameters
    ----------
    source_F, target_F : ndarray, shape (n_windows, n_features)
        Features of both sides, in one space.
    source_groups, target_groups : ndarray, shape (n_windows,)
        People (or recordings): none is in training and test of the classifier at once.
    folds : int, 2 to 1000
        Folds of the cross-validation, at most the groups of the smaller side.
    max_windows : int, 2 to 5000
        Windows of each side, drawn at random, the same number of both.
    seed : int, 0 or more
        Draws them and the folds.

    Returns
    -------
    float
        2 when the sides are told apart without error, 0 when not at all (below 0 by chance).

    Raises
    ------
    BiotransferError
        When a side has a single group, so that nobody could be held out.

    Notes
    -----
    Source: Ben-David et al. 2007, NIPS 19, section 5; the classifier is a standardised logistic regression,
    and its error counts both sides alike.
    """
    A, B = _pair(source_F, target_F, ("source_F", "target_F"))
    check(
        A.shape[1] == B.shape[1],
        f"source_F has {A.shape[1]} columns, target_F {B.shape[1]}. Pass both sides through one network.",
    )
    n = min(len(A), len(B), max_windows)
    rows_a, rows_b = _some(len(A), n, seed), _some(len(B), n, seed)
    groups = np.concatenate(
        [
            np.unique(np.asarray(source_groups)[rows_a], return_inverse=True)[1],
            -1 - np.unique(np.asarray(target_groups)[rows_b], return_inverse=True)[1],
        ]
    )
    return _domain_distance(
        np.concatenate([A[rows_a], B[rows_b]]), np.repeat([0, 1], n), groups, folds=folds, seed=seed
    )


def _domain_distance(
    X: np.ndarray, domain: np.ndarray, groups: np.ndarray, *, folds: int, seed: int
) -> float:
    from sklearn.linear_model import LogisticRegression
    from sklearn.model_selection import StratifiedGroupKFold
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    fewest = min(len(np.unique(groups[domain == side])) for side in (0, 1))
    check(
        fewest > 1,
        "a side has one person or recording: a classifier of the sides would be tested on whom it has seen. "
        "Load at least two.",
    )
    splitter = StratifiedGroupKFold(min(folds, fewest), shuffle=True, random_state=seed)
    wrong, seen = np.zeros(2), np.zeros(2)
    for train, test in splitter.split(X, domain, groups):
        if len(np.unique(domain[train])) < 2:
            continue
        model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000, class_weight="balanced"))
        predicted = model.fit(X[train], domain[train]).predict(X[test])
        for side in (0, 1):
            mine = domain[test] == side
            seen[side] += mine.sum()
            wrong[side] += (predicted[mine] != side).sum()
    return float(2.0 * (1.0 - 2.0 * (wrong / seen).mean()))


def pattern_similarity(
    source_F: np.ndarray, source_y: np.ndarray, target_F: np.ndarray, target_y: np.ndarray
) -> float:
    """Return how alike the patterns of both sides' classes are.

    Parameters
    ----------
    source_F, target_F : ndarray, shape (n_windows, n_features)
        Features of both sides, in one space.
    source_y, target_y : ndarray, shape (n_windows,)
        Labels; the two sets need not have anything in common.

    Returns
    -------
    float
        1 (every window is its class's pattern, the same on both sides) to about 0 (the classes lie across
        each other, or windows tell none).

    Raises
    ------
    BiotransferError
        When the sides differ in columns, or one has a single class.

    Notes
    -----
    Source: own reading of Bozinovski & Fulgosi 1976, as told by Bozinovski 2020,
    doi:10.31449/inf.v44i3.2828: what a perceptron carries from one training to the next is the inner product
    of the patterns of the two, behind a layer of random weights. Their patterns are binary images of classes
    with one name on both sides. Here windows are seen from the middle of their side's classes, inner
    products are averaged over the windows of two classes and divided by the root mean squares of both sides'
    windows, and classes meet by the best of all assignments.
    """
    from scipy.optimize import linear_sum_assignment

    F, G = _pair(source_F, target_F, ("source_F", "target_F"))
    check(
        F.shape[1] == G.shape[1],
        f"source_F has {F.shape[1]} columns, target_F {G.shape[1]}. Pass both sides through one network.",
    )
    A, B = _class_patterns(F, np.asarray(source_y)), _class_patterns(G, np.asarray(target_y))
    products = A @ B.T
    return float(products[linear_sum_assignment(-products)].mean())


def _class_patterns(F: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Return the mean row of every class, from the middle of these means and in units of all rows' size."""
    check(len(F) == len(y), f"{len(F)} windows and {len(y)} labels. Pass one label for each window.")
    classes = np.unique(y)
    check(len(classes) > 1, f"y has {len(classes)} class. Expected 2 or more: a score tells how they differ.")
    scale = max(float(np.abs(F).max()), np.finfo(np.float64).tiny)
    means = np.stack([(F[y == c] / scale).mean(axis=0) for c in classes])
    middle = means.mean(axis=0)
    size = np.sqrt(((F / scale - middle) ** 2).sum(axis=1).mean())
    return np.asarray((means - middle) / max(float(size), np.finfo(np.float64).tiny))
