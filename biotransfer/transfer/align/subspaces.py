"""Alignment through linear subspaces of each side."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from ...errors import check, check_option
from ...signals.windows import Windows
from .inputs import check_components, common_inputs
from .methods import principal_axes
from .transform import Transform, WindowMap, keep


def _projection(windows: Windows, center: np.ndarray, matrix: np.ndarray, stem: str, step: str) -> Transform:
    names = tuple(f"{stem}{i + 1}" for i in range(matrix.shape[1]))
    return replace(keep(windows, step=step), center=center, matrix=matrix, names=names)


def _mean(windows: Windows) -> np.ndarray:
    return np.asarray(windows.X.mean(axis=0, dtype=np.float64))


def _axes(name: str, windows: Windows, components: int) -> np.ndarray:
    _, axes = principal_axes(windows.X.astype(np.float64))
    check_components(name, components, axes.shape[1], f"the {windows.modality} training windows")
    return axes[:, :components]


def subspace_alignment(
    source: Windows, target: Windows, *, components: int = 32, first: str = "top_k", k: int = 64
) -> tuple[WindowMap, WindowMap]:
    """Turn the source's principal subspace into the target's.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    components : int, 1 to 100000
        Principal components of each side.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When a side has fewer dimensions.

    Notes
    -----
    Source: Fernando et al. 2013, doi:10.1109/ICCV.2013.368, equation 4.
    """
    ours, theirs = common_inputs("subspace_alignment", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    P_s = _axes("subspace_alignment", s, components)
    P_t = _axes("subspace_alignment", t, components)
    step = f"{components} components, the source's turned to the target's"
    return (
        ours.then(_projection(s, _mean(s), P_s @ (P_s.T @ P_t), "sa", step)),
        theirs.then(_projection(t, _mean(t), P_t, "sa", step)),
    )


def flow_kernel(P_s: np.ndarray, P_t: np.ndarray) -> np.ndarray:
    """Return the kernel of the geodesic flow between two subspaces.

    Parameters
    ----------
    P_s, P_t : ndarray, shape (n_features, n_components)
        Orthonormal bases; at most half as many components as features.

    Returns
    -------
    ndarray, shape (n_features, n_features)
        ``G = integral of Phi(t) Phi(t)' over t in [0, 1]``, Phi(t) the flow from P_s to P_t.

    Notes
    -----
    Source: Gong et al. 2012, doi:10.1109/CVPR.2012.6247911, equations 4 to 6.
    """
    n_features, n = P_s.shape
    full, _ = np.linalg.qr(np.concatenate([P_s, np.eye(n_features)], axis=1))
    R_s = full[:, n:]
    U1, cosine, Vt = np.linalg.svd(P_s.T @ P_t)
    angle = np.arccos(np.clip(cosine, -1.0, 1.0))
    B = -(R_s.T @ P_t) @ Vt.T
    sine = np.sin(angle)
    moves = sine > 1e-12
    U2 = np.where(moves, B / np.where(moves, sine, 1.0), 0.0)
    double = 2 * angle
    safe = np.where(double > 1e-12, double, 1.0)
    ratio = np.where(double > 1e-12, np.sin(safe) / safe, 1.0)
    falling = np.where(double > 1e-12, (np.cos(safe) - 1) / safe, 0.0)
    first, second = P_s @ U1, R_s @ U2
    G = (first * (1 + ratio)) @ first.T + (second * (1 - ratio)) @ second.T
    cross = (first * falling) @ second.T
    return np.asarray((G + cross + cross.T) / 2)


def gfk(
    source: Windows, target: Windows, *, components: int = 16, first: str = "top_k", k: int = 64
) -> tuple[WindowMap, WindowMap]:
    """Represent both sides along the geodesic from the source's principal subspace to the target's.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    components : int, 1 to 100000
        Principal components of each side; twice as many inputs come out.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When ``components`` is more than half the inputs, or more than a side has.

    Notes
    -----
    Source: Gong et al. 2012, doi:10.1109/CVPR.2012.6247911; inputs are ``x Q sqrt(L)`` with the kernel
    ``G = Q L Q'``, so their inner products are the kernel's.
    """
    ours, theirs = common_inputs("gfk", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    check(
        2 * components <= s.X.shape[1],
        f"align gfk: components={components} with {s.X.shape[1]} inputs. "
        f"Expected at most half of them: {s.X.shape[1] // 2}.",
    )
    G = flow_kernel(_axes("gfk", s, components), _axes("gfk", t, components))
    values, vectors = np.linalg.eigh(G)
    values, vectors = values[::-1][: 2 * components], vectors[:, ::-1][:, : 2 * components]
    largest = np.abs(vectors).argmax(axis=0)
    vectors = vectors * np.sign(vectors[largest, np.arange(vectors.shape[1])])
    matrix = vectors * np.sqrt(np.maximum(values, 0.0))
    step = f"geodesic flow between subspaces of {components}"
    return (
        ours.then(_projection(s, _mean(s), matrix, "gfk", step)),
        theirs.then(_projection(t, _mean(t), matrix, "gfk", step)),
    )


ACROSS = ("sides", "people")


def stationary_axes(groups: list[np.ndarray], n_components: int) -> np.ndarray:
    """Return the directions whose mean and variance change least from group to group.

    Parameters
    ----------
    groups : list of ndarray, shape (n_rows, n_features)
        Rows of each group.
    n_components : int
        How many directions.

    Returns
    -------
    ndarray, shape (n_features, n_components)
        The most stationary first; unit variance over the groups' mean covariance.

    Notes
    -----
    Source: Hara et al. 2010, doi:10.1007/978-3-642-17537-4_52, equations 7 and 8 (analytic SSA; von Buenau et
    al. 2009, doi:10.1103/PhysRevLett.103.214101).
    """
    from scipy.linalg import eigh

    means = np.stack([rows.mean(axis=0) for rows in groups])
    covariances = np.stack([np.atleast_2d(np.cov(rows, rowvar=False)) for rows in groups])
    covariance, mean = covariances.mean(axis=0), means.mean(axis=0)
    covariance = covariance + 1e-6 * np.trace(covariance) / len(covariance) * np.eye(len(covariance))
    inverse = np.linalg.inv(covariance)
    changes = np.einsum("gi,gj->ij", means, means) / len(means) - np.outer(mean, mean)
    changes = changes + 2 * np.mean([c @ inverse @ c for c in covariances], axis=0) - 2 * covariance
    _, vectors = eigh((changes + changes.T) / 2, covariance)
    vectors = vectors[:, :n_components]
    largest = np.abs(vectors).argmax(axis=0)
    return np.asarray(vectors * np.sign(vectors[largest, np.arange(n_components)]))


def ssa(
    source: Windows,
    target: Windows,
    *,
    components: int = 32,
    across: str = "sides",
    first: str = "top_k",
    k: int = 64,
) -> tuple[WindowMap, WindowMap]:
    """Keep the directions in which both sides have the same mean and variance.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    components : int, 1 to 100000
        How many directions.
    across : {"sides", "people"}
        Between what they stay: source and target, or all training people of both.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When there are fewer inputs than ``components``.

    Notes
    -----
    Source: stationary subspace analysis, see :func:`stationary_axes`. On sides that are standardised, means
    and single variances agree already: what differs is how inputs vary together.
    """
    check_option("align ssa: across", across, ACROSS)
    ours, theirs = common_inputs("ssa", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    check_components("ssa", components, s.X.shape[1], "the inputs")
    groups = []
    for windows in (s, t):
        X = windows.X.astype(np.float64)
        people = windows.metadata["subject"].to_numpy(dtype=str)
        groups += [X] if across == "sides" else [X[people == person] for person in windows.subjects]
    matrix = stationary_axes([rows for rows in groups if len(rows) > 1], components)
    step = f"{components} stationary directions across {across}"
    zero = np.zeros(s.X.shape[1])
    return (
        ours.then(_projection(s, zero, matrix, "ssa", step)),
        theirs.then(_projection(t, zero, matrix, "ssa", step)),
    )
