"""Shallow classifiers that look at windows without labels, too, such as those of a new person."""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations
from typing import Any

import numpy as np

_MOST = 1000
Scores = Callable[[np.ndarray], np.ndarray]


def _spaced(n: int, most: int = _MOST) -> np.ndarray:
    """Return evenly spaced rows, ``most`` of them where there are more."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(int))


def _classifier(learn: Callable[[np.ndarray, np.ndarray, np.ndarray], Scores]) -> Any:
    """Return a classifier of what ``learn`` makes of windows, signs of classes and windows without labels."""
    from sklearn.base import BaseEstimator, ClassifierMixin

    class Unlabelled(ClassifierMixin, BaseEstimator):
        """Names the class with the largest score."""

        def fit(self, X: np.ndarray, y: np.ndarray, unlabelled: np.ndarray | None = None) -> Any:
            """Learn from windows with labels, and from others without."""
            rows = _spaced(len(X))
            self.classes_ = np.unique(y)
            signs = np.where(y[rows, None] == self.classes_, 1.0, -1.0)
            others = X[:0] if unlabelled is None else unlabelled[_spaced(len(unlabelled))]
            self.scores_ = learn(X[rows], signs, others)
            return self

        def predict(self, X: np.ndarray) -> np.ndarray:
            """Return the class of the largest score."""
            return np.asarray(self.classes_[self.scores_(X).argmax(axis=1)])

        def predict_proba(self, X: np.ndarray) -> np.ndarray:
            """Return the softmax of the scores."""
            scores = np.clip(self.scores_(X), -50.0, 50.0)
            odds = np.exp(scores - scores.max(axis=1, keepdims=True))
            return np.asarray(odds / odds.sum(axis=1, keepdims=True))

    return Unlabelled()


def graph_laplacian(X: np.ndarray, neighbors: int) -> np.ndarray:
    """Return the normalized Laplacian of the graph of nearest neighbours, with weights of a Gaussian.

    Parameters
    ----------
    X : ndarray, shape (n, n_columns), float64
        Windows.
    neighbors : int
        Of each; two windows are linked where one is a neighbour of the other.

    Returns
    -------
    ndarray, shape (n, n)
    """
    from sklearn.neighbors import kneighbors_graph

    n = len(X)
    near = kneighbors_graph(X, min(neighbors, n - 1), mode="distance").toarray()
    linked = (near > 0) | (near.T > 0)
    squares = np.maximum(near, near.T) ** 2
    width = squares[linked].mean() if linked.any() else 1.0
    W = np.where(linked, np.exp(-squares / (2 * width)), 0.0)
    root = 1.0 / np.sqrt(np.maximum(W.sum(axis=1), 1e-12))
    return np.asarray(np.eye(n) - root[:, None] * W * root)


def manifold_kernel(
    X: np.ndarray, gamma: float, smooth: float, neighbors: int
) -> Callable[[np.ndarray, np.ndarray], np.ndarray]:
    """Return a Gaussian kernel in which windows that a graph links lie near each other.

    Parameters
    ----------
    X : ndarray, shape (n, n_columns), float64
        Windows of the graph, with labels and without.
    gamma : float
        Of the Gaussian kernel.
    smooth : float
        Weight of the smoothness over the graph, in units of the kernel's own norm.
    neighbors : int
        Of the graph.

    Returns
    -------
    callable
        ``(A, B) -> kernel of every row of A with every row of B``.

    Notes
    -----
    Source: Sindhwani, Niyogi & Belkin 2005, "Beyond the point cloud", ICML 22, equation 6:
    ``k~(a, b) = k(a, b) - k_a' (I + M K)^-1 M k_b`` with M the Laplacian times ``smooth``.
    """
    from sklearn.metrics.pairwise import rbf_kernel

    M = smooth * graph_laplacian(X, neighbors)
    K = rbf_kernel(X, X, gamma=gamma)
    inner = np.linalg.solve(np.eye(len(X)) + M @ K, M)

    def kernel(A: np.ndarray, B: np.ndarray) -> np.ndarray:
        toward = rbf_kernel(A, X, gamma=gamma) @ inner
        return np.asarray(rbf_kernel(A, B, gamma=gamma) - toward @ rbf_kernel(X, B, gamma=gamma))

    return kernel


def _on_manifold(
    smooth: float,
    gamma: float,
    neighbors: int,
    weigh: Callable[[np.ndarray, np.ndarray], tuple[np.ndarray, np.ndarray]],
) -> Any:
    """Return a classifier whose scores are kernels with the labelled windows, weighed, plus a constant."""

    def learn(X: np.ndarray, signs: np.ndarray, others: np.ndarray) -> Scores:
        width = gamma / X.shape[1]
        kernel = manifold_kernel(np.concatenate([X, others]), width, smooth, neighbors)
        weights, constant = weigh(kernel(X, X), signs)
        return lambda Z: kernel(Z, X) @ weights + constant

    return _classifier(learn)


def lap_rls(
    seed: int, *, smooth: float = 1.0, ridge: float = 0.01, gamma: float = 1.0, neighbors: int = 6
) -> Any:
    """Fit the classes' signs by a kernel that is smooth over all windows, labelled or not (least squares).

    Parameters
    ----------
    seed : int
        Not needed.
    smooth : float, 0 or more
        Weight of the smoothness over the graph of windows.
    ridge : float, above 0
        Weight of the kernel's norm.
    gamma : float, above 0
        Of the Gaussian kernel, over the number of columns.
    neighbors : int, 1 to 100
        Of every window in the graph.

    Notes
    -----
    Source: Belkin, Niyogi & Sindhwani 2006, JMLR 7:2399-2434, equation 8 (LapRLS), by the deformed kernel of
    Sindhwani et al. 2005; the Laplacian is normalized. At most 1000
    windows with labels and 1000 without are used, evenly spaced. Probabilities are a softmax.
    """

    def weigh(K: np.ndarray, signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        solved = np.linalg.solve(K + ridge * len(K) * np.eye(len(K)), signs)
        return solved, np.zeros(signs.shape[1])

    return _on_manifold(smooth, gamma, neighbors, weigh)


def lap_svm(
    seed: int, *, smooth: float = 1.0, strength: float = 1.0, gamma: float = 1.0, neighbors: int = 6
) -> Any:
    """Separate the classes by a kernel that is smooth over all windows, labelled or not (support vectors).

    Parameters
    ----------
    seed : int
        Not needed.
    smooth : float, 0 or more
        Weight of the smoothness over the graph of windows.
    strength : float, above 0
        Weight of windows on the wrong side, C.
    gamma : float, above 0
        Of the Gaussian kernel, over the number of columns.
    neighbors : int, 1 to 100
        Of every window in the graph.

    Notes
    -----
    Source: Belkin, Niyogi & Sindhwani 2006, JMLR 7:2399-2434, section 4.2 (LapSVM), by the deformed kernel of
    Sindhwani et al. 2005 in :class:`sklearn.svm.SVC`, one class against the others; as lap_rls besides.
    """
    from sklearn.svm import SVC

    def weigh(K: np.ndarray, signs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        weights, constant = np.zeros_like(signs), np.zeros(signs.shape[1])
        for c, sign in enumerate(signs.T):
            found = SVC(C=strength, kernel="precomputed").fit(K, sign)
            weights[found.support_, c] = found.dual_coef_[0]
            constant[c] = found.intercept_[0]
        return weights, constant

    return _on_manifold(smooth, gamma, neighbors, weigh)


def tsvm(seed: int, *, strength: float = 0.1, others: float = 1.0) -> Any:
    """Separate the classes by hyperplanes that keep away from windows without labels, too.

    Parameters
    ----------
    seed : int
        Not needed.
    strength : float, above 0
        Weight of windows on the wrong side, C.
    others : float, above 0
        Largest weight of those without labels, in units of C.

    Notes
    -----
    Source: Joachims 1999, "Transductive inference for text classification using support vector machines",
    ICML 16:200-209, figure 3. Differs from it in squared slacks (:class:`sklearn.svm.LinearSVC`), in that all
    pairs that should change places do so at once, and in that the weight grows by 4. Class stands against
    class, on those of the windows without labels that the labelled ones alone give to either; scores are
    votes, and margins where these tie. The share of a class is that of the labelled windows. Limits and
    probabilities are those of lap_rls.
    """

    def learn(X: np.ndarray, signs: np.ndarray, unlabelled: np.ndarray) -> Scores:
        y, n_classes = signs.argmax(axis=1), signs.shape[1]
        pairs = list(combinations(range(n_classes), 2))

        def fit(said: np.ndarray) -> Scores:
            planes = []
            for a, b in pairs:
                rows, more = np.isin(y, (a, b)), unlabelled[np.isin(said, (a, b))]
                planes.append(_transduce(X[rows], np.where(y[rows] == a, 1.0, -1.0), more, strength, others))

            def score(Z: np.ndarray) -> np.ndarray:
                found = np.zeros((len(Z), n_classes))
                for (a, b), (w, c) in zip(pairs, planes, strict=True):
                    margin = Z @ w + c
                    vote = np.sign(margin) + margin / (n_classes * (1 + np.abs(margin)))
                    found[:, a] += vote
                    found[:, b] -= vote
                return found

            return score

        first = fit(np.full(len(unlabelled), -1))
        return fit(first(unlabelled).argmax(axis=1)) if len(unlabelled) else first

    return _classifier(learn)


def _transduce(
    X: np.ndarray, sign: np.ndarray, others: np.ndarray, strength: float, most: float
) -> tuple[np.ndarray, float]:
    """Return the hyperplane of one class: direction and constant."""
    from sklearn.svm import LinearSVC

    def separate(given: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, float]:
        both = np.concatenate([X, others]) if len(given) > len(X) else X
        found = LinearSVC(C=strength, dual=False, max_iter=5000).fit(both, given, weights)
        return found.coef_[0], float(found.intercept_[0])

    plane = separate(sign, np.ones(len(X)))
    n = len(others)
    n_own = round(float(np.mean(sign > 0)) * n)
    if not 0 < n_own < n:
        return plane
    guessed = np.full(n, -1.0)
    guessed[np.argsort(others @ plane[0] + plane[1], kind="stable")[n - n_own :]] = 1.0
    weight = 4.0**-5
    while weight <= 1.0:
        for _ in range(20):
            each = weight * most * np.where(guessed > 0, n_own / (n - n_own), 1.0)
            plane = separate(np.concatenate([sign, guessed]), np.concatenate([np.ones(len(X)), each]))
            slack = np.maximum(0.0, 1.0 - guessed * (others @ plane[0] + plane[1]))
            own, rest = (np.flatnonzero((guessed * s > 0) & (slack > 0)) for s in (1, -1))
            own, rest = (i[np.argsort(-slack[i], kind="stable")] for i in (own, rest))
            pairs = min(len(own), len(rest))
            swap = slack[own[:pairs]] + slack[rest[:pairs]] > 2.0
            if not swap.any():
                break
            guessed[own[:pairs][swap]], guessed[rest[:pairs][swap]] = -1.0, 1.0
        weight *= 4.0
    return plane
