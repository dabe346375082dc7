"""Alignment by kernel components that both sides share."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import check, check_option
from ...signals.windows import Windows
from .inputs import check_components, common_inputs, some_rows
from .transform import WindowMap, applied, show_map

KERNELS = ("linear", "rbf")


@dataclass(frozen=True, eq=False)
class KernelMap:
    """``Z = kernel(X, anchors) @ coefficients``.

    Parameters
    ----------
    anchors : ndarray, shape (n_anchors, n_features), float64
        Training windows of both sides.
    coefficients : ndarray, shape (n_anchors, n_components), float64
        Weights of the kernel's values.
    gamma : float or None
        Of ``exp(-gamma ||x - a||^2)``; None for the linear kernel.
    names : tuple of str
        Names of the columns that come out.
    step : str
        What the history will say.
    """

    anchors: np.ndarray
    coefficients: np.ndarray
    gamma: float | None
    names: tuple[str, ...]
    step: str

    def __repr__(self) -> str:
        return show_map(self)

    def apply(self, windows: Windows) -> Windows:
        """Return transformed windows, float32."""
        return applied(self, windows)

    def apply_array(self, X: np.ndarray) -> np.ndarray:
        """Transform an array of shape (n_windows, n_features)."""
        kernel = kernel_values(np.asarray(X, dtype=np.float64), self.anchors, self.gamma)
        return np.asarray(kernel @ self.coefficients, dtype=np.float32)


def kernel_values(A: np.ndarray, B: np.ndarray, gamma: float | None) -> np.ndarray:
    """Return the kernel between rows of A and rows of B, linear where ``gamma`` is None."""
    if gamma is None:
        return np.asarray(A @ B.T)
    squares = np.sum(A**2, axis=1)[:, None] + np.sum(B**2, axis=1) - 2 * A @ B.T
    return np.asarray(np.exp(-gamma * np.maximum(squares, 0.0)))


def centering(n: int) -> np.ndarray:
    """Return the matrix that takes the mean away."""
    return np.eye(n) - 1.0 / n


def tca_coefficients(K: np.ndarray, n_source: int, components: int, mu: float) -> np.ndarray:
    """Return the transfer components' weights.

    Parameters
    ----------
    K : ndarray, shape (n, n)
        Kernel of the source's rows followed by the target's.
    n_source : int
        How many of them are the source's.
    components : int
        How many components.
    mu : float
        Weight of the distance between the two sides' means in the kernel's space.

    Returns
    -------
    ndarray, shape (n, components)
        The leading eigenvectors w of ``K H K w = l (I + mu K L K) w``, with ``w' (I + mu K L K) w = 1``.

    Notes
    -----
    Source: Pan et al. 2011, doi:10.1109/TNN.2010.2091281, equation 8; ``mu`` stands at the distance, as 1/mu
    of the paper up to scale.
    """
    from scipy.linalg import eigh

    n = len(K)
    side = np.where(np.arange(n) < n_source, 1.0 / n_source, -1.0 / (n - n_source))
    distance = np.outer(K @ side, K @ side)
    spread = K @ centering(n) @ K
    _, vectors = eigh((spread + spread.T) / 2, np.eye(n) + mu * distance)
    return signed(vectors[:, ::-1][:, :components])


def mida_coefficients(K: np.ndarray, D: np.ndarray, components: int, mu: float) -> np.ndarray:
    """Return the weights of the components that depend least on the domain.

    Parameters
    ----------
    K : ndarray, shape (n, n)
        Kernel of all rows.
    D : ndarray, shape (n, n_domain_features)
        What is known of each row's domain, such as indicators.
    components : int
        How many components.
    mu : float
        Weight of the variance that is kept.

    Returns
    -------
    ndarray, shape (n, components)
        Orthonormal leading eigenvectors of ``K (mu H - H D D' H) K``.

    Notes
    -----
    Source: Yan, Kou and Zhang 2018, doi:10.1109/TCYB.2016.2633306, equation 8 (unsupervised MIDA).
    """
    centered = centering(len(K))
    HK = centered @ K
    dependence = (D - D.mean(axis=0)).T @ K
    matrix = mu * K @ HK - dependence.T @ dependence
    _, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return signed(vectors[:, ::-1][:, :components])


def signed(vectors: np.ndarray) -> np.ndarray:
    """Return vectors whose largest entry is positive."""
    largest = np.abs(vectors).argmax(axis=0)
    return np.asarray(vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])]))


def anchored(
    name: str, source: Windows, target: Windows, components: int, kernel: str, anchors: int
) -> tuple[np.ndarray, int, float | None, np.ndarray]:
    """Return anchors of both sides, how many are the source's, the kernel's width and its values."""
    check_option(f"align {name}: kernel", kernel, KERNELS)
    check(anchors >= 4, f"align {name}: anchors={anchors}. Expected 4 or more windows of each side.")
    rows = [w.X[some_rows(len(w), anchors)].astype(np.float64) for w in (source, target)]
    A = np.concatenate(rows)
    gamma = None
    if kernel == "rbf":
        squares = -2 * A @ A.T + np.sum(A**2, axis=1)[:, None] + np.sum(A**2, axis=1)
        gamma = 1.0 / max(float(np.median(squares[np.triu_indices(len(A), 1)])), np.finfo(float).tiny)
    most = min(len(A) - 1, A.shape[1] if kernel == "linear" else len(A) - 1)
    check_components(name, components, most, "the anchors and inputs")
    return A, len(rows[0]), gamma, kernel_values(A, A, gamma) / len(A)


def component_map(name: str, A: np.ndarray, W: np.ndarray, gamma: float | None, step: str) -> KernelMap:
    """Return the map, scaled so that its components vary by one over the anchors on average."""
    Z = kernel_values(A, A, gamma) @ W
    spread = float(np.sqrt(np.mean(Z.var(axis=0))))
    names = tuple(f"{name}{i + 1}" for i in range(W.shape[1]))
    return KernelMap(A, W / (spread if spread > 0 else 1.0), gamma, names, step)


def tca(
    source: Windows,
    target: Windows,
    *,
    components: int = 32,
    kernel: str = "linear",
    mu: float = 1.0,
    anchors: int = 300,
    first: str = "top_k",
    k: int = 64,
) -> tuple[WindowMap, WindowMap]:
    """Find components with much variance in which the two sides have the same mean.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    components : int, 1 to 100000
        How many components.
    kernel : {"linear", "rbf"}
        The width of rbf is the median squared distance of the anchors.
    mu : float, 0 or more
        Weight of the distance between the sides.
    anchors : int, 1 to 5000
        Windows of each side, evenly spaced, that span the components.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When a parameter is out of range.

    Notes
    -----
    Source: Pan et al. 2011, doi:10.1109/TNN.2010.2091281; the kernel is divided by the number of anchors, so
    that ``mu`` means the same for any number. One factor brings all components to unit variance on average.
    """
    check(mu >= 0, f"align tca: mu={mu}. Expected 0 or more.")
    ours, theirs = common_inputs("tca", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    A, n_source, gamma, K = anchored("tca", s, t, components, kernel, anchors)
    mapping = component_map("tca", A, tca_coefficients(K, n_source, components, mu), gamma,
                   f"{components} transfer components ({kernel} kernel)")  # fmt: skip
    return ours.then(mapping), theirs.then(mapping)


def mida(
    source: Windows,
    target: Windows,
    *,
    components: int = 32,
    kernel: str = "linear",
    mu: float = 1.0,
    domains: str = "sides",
    anchors: int = 300,
    first: str = "top_k",
    k: int = 64,
) -> tuple[WindowMap, WindowMap]:
    """Find components with much variance that do not tell which side, or person, a window is from.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    components : int, 1 to 100000
        How many components.
    kernel : {"linear", "rbf"}
        The width of rbf is the median squared distance of the anchors.
    mu : float, 0 or more
        Weight of the variance that is kept.
    domains : {"sides", "people"}
        What must not be told: source from target, or any training person from another.
    anchors : int, 1 to 5000
        Windows of each side, evenly spaced, that span the components.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When a parameter is out of range.

    Notes
    -----
    Source: Yan, Kou and Zhang 2018, doi:10.1109/TCYB.2016.2633306; the kernel is divided by the number of
    anchors. One factor brings all components to unit variance on average.
    """
    check(mu > 0, f"align mida: mu={mu}. Expected above 0.")
    check_option("align mida: domains", domains, ("sides", "people"))
    ours, theirs = common_inputs("mida", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    A, n_source, gamma, K = anchored("mida", s, t, components, kernel, anchors)
    label = np.where(np.arange(len(A)) < n_source, "source", "target").astype(object)
    if domains == "people":
        people = [w.metadata["subject"].to_numpy(dtype=str)[some_rows(len(w), anchors)] for w in (s, t)]
        label = label + "/" + np.concatenate(people).astype(object)
    D = (label[:, None] == np.unique(label)[None, :]).astype(np.float64)
    mapping = component_map("mida", A, mida_coefficients(K, D, components, mu), gamma,
                   f"{components} components independent of {domains} ({kernel} kernel)")  # fmt: skip
    return ours.then(mapping), theirs.then(mapping)
