"""Kernel components that know of labels: what both sides share, and what tells the classes apart."""

from __future__ import annotations

import numpy as np

from ...errors import check, check_option
from ...signals.windows import Windows
from .components import anchored, centering, component_map, signed
from .inputs import common_inputs, some_rows
from .transform import WindowMap

LABELS = ("source", "both")
_NEAREST = 10


def label_kernel(source: np.ndarray, target: np.ndarray | None, n_target: int) -> np.ndarray:
    """Return the kernel of labels: 1 for two rows of one class of one side, else 0.

    Parameters
    ----------
    source : ndarray of int
        Classes of the source's rows.
    target : ndarray of int, optional
        Classes of the target's rows: none of them is known when not given.
    n_target : int
        How many rows the target has.
    """
    theirs = np.full(n_target, -1) if target is None else target + source.max() + 1
    both = np.concatenate([source, theirs])
    return ((both[:, None] == both) & (both >= 0)).astype(np.float64)


def smida_coefficients(
    K: np.ndarray, D: np.ndarray, Ky: np.ndarray, components: int, mu: float, gamma: float
) -> np.ndarray:
    """Return the weights of the components that depend on labels and least on the domain.

    Parameters
    ----------
    K, Ky : ndarray, shape (n, n)
        Kernels of all rows and of their labels.
    D : ndarray, shape (n, n_domain_features)
        What is known of each row's domain.
    components : int
        How many components.
    mu, gamma : float
        Weights of the variance, and of the dependence on labels.

    Returns
    -------
    ndarray, shape (n, components)
        Orthonormal leading eigenvectors of ``K (mu H - H D D' H + gamma H Ky H) K``.

    Notes
    -----
    Source: Yan, Kou and Zhang 2018, doi:10.1109/TCYB.2016.2633306, equation 11 (semi-supervised MIDA).
    """
    H = centering(len(K))
    inner = mu * H - H @ D @ D.T @ H + gamma * H @ Ky @ H
    matrix = K @ inner @ K
    _, vectors = np.linalg.eigh((matrix + matrix.T) / 2)
    return signed(vectors[:, ::-1][:, :components])


def sstca_coefficients(
    K: np.ndarray, n_source: int, Ky: np.ndarray, components: int, mu: float, gamma: float, smooth: float
) -> np.ndarray:
    """Return the weights of transfer components that depend on labels and vary little between neighbours.

    Parameters
    ----------
    K, Ky : ndarray, shape (n, n)
        Kernels of all rows, the source's first, and of their labels.
    n_source : int
        How many rows are the source's.
    components : int
        How many components.
    mu, gamma, smooth : float
        Weights of the distance between the sides, of labels against variance (0 to 1), and of the Laplacian.

    Returns
    -------
    ndarray, shape (n, components)

    Notes
    -----
    Source: Pan et al. 2011, doi:10.1109/TNN.2010.2091281, equation 17; the graph joins the ten rows with the
    largest kernel values, by these.
    """
    from scipy.linalg import eigh

    n = len(K)
    side = np.where(np.arange(n) < n_source, 1.0 / n_source, -1.0 / (n - n_source))
    near = np.zeros_like(K)
    order = np.argsort(-(K - np.diag(np.full(n, np.inf))), axis=1)[:, : min(_NEAREST, n - 1)]
    np.put_along_axis(near, order, np.maximum(np.take_along_axis(K, order, axis=1), 0.0), axis=1)
    graph = np.maximum(near, near.T)
    laplacian = np.diag(graph.sum(axis=1)) - graph
    laplacian /= max(float(np.trace(laplacian)) / n, np.finfo(float).tiny)
    H = centering(n)
    spread = K @ H @ (gamma * Ky + (1 - gamma) * np.eye(n)) @ H @ K
    apart = np.outer(K @ side, K @ side)
    held = np.eye(n) + mu * apart + smooth * K @ laplacian @ K
    _, vectors = eigh((spread + spread.T) / 2, (held + held.T) / 2)
    return signed(vectors[:, ::-1][:, :components])


def _known(source: Windows, target: Windows, anchors: int, labels: str, name: str) -> np.ndarray:
    check_option(f"align {name}: labels", labels, LABELS)
    ours, theirs = (w.y[some_rows(len(w), anchors)] for w in (source, target))
    return label_kernel(ours, theirs if labels == "both" else None, len(theirs))


def smida(
    source: Windows,
    target: Windows,
    *,
    components: int = 32,
    kernel: str = "linear",
    mu: float = 1.0,
    gamma: float = 1.0,
    labels: str = "source",
    anchors: int = 300,
    first: str = "top_k",
    k: int = 64,
) -> tuple[WindowMap, WindowMap]:
    """Find components that tell the source's classes apart and do not tell which side a window is from.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    components : int, 1 to 100000
        How many components.
    kernel : {"linear", "rbf"}
        The width of rbf is the median squared distance of the anchors.
    mu : float, above 0
        Weight of the variance that is kept.
    gamma : float, 0 or more
        Weight of the dependence on labels.
    labels : {"source", "both"}
        Whose labels are known.
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
    Source: Yan, Kou and Zhang 2018, doi:10.1109/TCYB.2016.2633306, equation 11; the sides' classes are
    different ones.
    """  # fmt: skip
    check(mu > 0, f"align smida: mu={mu}. Expected above 0.")
    ours, theirs = common_inputs("smida", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    A, n_source, width, K = anchored("smida", s, t, components, kernel, anchors)
    Ky = _known(s, t, anchors, labels, "smida")
    D = (np.arange(len(A)) < n_source)[:, None] == np.array([True, False])
    W = smida_coefficients(K, D.astype(np.float64), Ky, components, mu, gamma)
    mapping = component_map("smida", A, W, width, f"{components} components of labels, not of sides")
    return ours.then(mapping), theirs.then(mapping)


def sstca(
    source: Windows,
    target: Windows,
    *,
    components: int = 32,
    kernel: str = "linear",
    mu: float = 1.0,
    gamma: float = 0.5,
    smooth: float = 1.0,
    labels: str = "source",
    anchors: int = 300,
    first: str = "top_k",
    k: int = 64,
) -> tuple[WindowMap, WindowMap]:
    """Find transfer components that tell the source's classes apart and are alike for neighbours.

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
    gamma : float, 0 to 1
        Weight of the dependence on labels, against variance.
    smooth : float, 0 or more
        Weight of differences between neighbours.
    labels : {"source", "both"}
        Whose labels are known.
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
    Source: Pan et al. 2011, doi:10.1109/TNN.2010.2091281, equation 17; the sides' classes are different ones.
    """  # fmt: skip
    ours, theirs = common_inputs("sstca", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    A, n_source, width, K = anchored("sstca", s, t, components, kernel, anchors)
    Ky = _known(s, t, anchors, labels, "sstca")
    W = sstca_coefficients(K, n_source, Ky, components, mu, gamma, smooth)
    mapping = component_map("sstca", A, W, width, f"{components} semi-supervised transfer components")
    return ours.then(mapping), theirs.then(mapping)
