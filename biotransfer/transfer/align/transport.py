"""Alignment by optimal transport, between the same inputs and across different ones."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from ...errors import check
from ...signals.windows import Windows
from .inputs import check_components, common_inputs, some_rows
from .methods import check_features
from .moments import affine, matrix_power
from .transform import Transform, WindowMap, applied, keep, show_map

_ROUNDS = 5000


@dataclass(frozen=True, eq=False)
class AnchorShift:
    """``Z = X + image(a) - a`` with a the anchor nearest to x.

    Parameters
    ----------
    anchors, images : ndarray, shape (n_anchors, n_features), float64
        Training windows of the source, and where the transport plan takes them.
    names : tuple of str
        Names of the columns.
    step : str
        What the history will say.
    """

    anchors: np.ndarray
    images: np.ndarray
    names: tuple[str, ...]
    step: str

    def __repr__(self) -> str:
        return show_map(self)

    def apply(self, windows: Windows) -> Windows:
        """Return transformed windows, float32."""
        return applied(self, windows)

    def apply_array(self, X: np.ndarray) -> np.ndarray:
        """Transform an array of shape (n_windows, n_features)."""
        X = np.asarray(X, dtype=np.float64)
        nearest = np.argmin(np.sum(self.anchors**2, axis=1) - 2 * X @ self.anchors.T, axis=1)
        return np.asarray(X + (self.images - self.anchors)[nearest], dtype=np.float32)


def _images(plan: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return where each source row's mass goes on average."""
    return np.asarray(plan @ targets / plan.sum(axis=1, keepdims=True))


def optimal_transport(
    source: Windows,
    target: Windows,
    *,
    reg: float = 0.05,
    anchors: int = 500,
    first: str = "top_k",
    k: int = 64,
) -> tuple[WindowMap, WindowMap]:
    """Move the source's windows to where optimal transport to the target's takes them.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    reg : float, 0 or more
        Entropic regularization in units of the largest cost; 0 is the exact plan.
    anchors : int, 1 to 5000
        Windows of each side, evenly spaced, between which the plan is made.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When a parameter is out of range, or the plan does not converge.

    Notes
    -----
    Source: Courty et al. 2017, doi:10.1109/TPAMI.2016.2615921, equations 6, 9 and 12 (barycentric mapping);
    other windows move as their nearest anchor does (Ferradans et al. 2014, doi:10.1137/130929886). Plans are
    POT's.
    """
    import ot

    check(reg >= 0, f"align optimal_transport: reg={reg}. Expected 0 or more.")
    check(anchors >= 2, f"align optimal_transport: anchors={anchors}. Expected 2 or more.")
    ours, theirs = common_inputs("optimal_transport", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    A, B = (w.X[some_rows(len(w), anchors)].astype(np.float64) for w in (s, t))
    cost = ot.dist(A, B)
    a, b = np.full(len(A), 1 / len(A)), np.full(len(B), 1 / len(B))
    if reg == 0:
        plan = ot.emd(a, b, cost)
    else:
        with np.errstate(all="ignore"):
            plan = ot.sinkhorn(
                a,
                b,
                cost / cost.max(),
                reg,
                method="sinkhorn_log",
                numItermax=_ROUNDS,
                stopThr=1e-6,
                warn=False,
            )
        error = float(np.abs(plan.sum(axis=0) - b).sum())
        check(
            np.isfinite(plan).all() and error < 1e-3,
            f"align optimal_transport: reg={reg}: the plan misses the target's weights by {error:.2g} after "
            f"{_ROUNDS} rounds. Use a larger reg, such as {2 * reg:g}, or reg: 0.",
        )
    mapping = AnchorShift(A, _images(plan, B), s.names, "transported to the target")
    return ours.then(mapping), theirs


def linear_transport(
    source: Windows, target: Windows, *, reg: float = 1e-3, first: str = "top_k", k: int = 64
) -> tuple[WindowMap, WindowMap]:
    """Move the source by the affine map that is optimal between Gaussians.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows.
    reg : float, 0 or more
        Added to both covariances' diagonals, in units of a scaled feature's variance.
    first : {"top_k", "pca", "matched", "none"}
        How both sides come to one number of inputs before.
    k : int, 1 to 100000
        That number, for top_k and pca.

    Raises
    ------
    BiotransferError
        When ``reg`` is not positive.

    Notes
    -----
    Source: Flamary, Lounici and Ferrari 2019, arXiv:1905.10155, equation 5; Peyre and Cuturi 2019,
    doi:10.1561/2200000073, remark 2.31. The map is POT's.
    """
    import ot

    check(reg > 0, f"align linear_transport: reg={reg}. Expected above 0.")
    ours, theirs = common_inputs("linear_transport", source, target, first, k)
    s, t = ours.apply(source), theirs.apply(target)
    matrix, offset = ot.gaussian.empirical_bures_wasserstein_mapping(
        s.X.astype(np.float64), t.X.astype(np.float64), reg=reg
    )
    zero = np.zeros(s.X.shape[1])
    step = "transported to the target (affine)"
    return ours.then(affine(s, zero, matrix, np.ravel(offset), step)), theirs


def gromov_plan(A: np.ndarray, B: np.ndarray, reg: float) -> np.ndarray:
    """Return the plan that best keeps distances inside A equal to distances inside B.

    Parameters
    ----------
    A : ndarray, shape (n, n_features_a)
        Rows of one space.
    B : ndarray, shape (m, n_features_b)
        Rows of another space, of any dimension.
    reg : float
        Entropic regularization; 0 is the exact local optimum.

    Returns
    -------
    ndarray, shape (n, m)
        Sums to 1; rows to 1/n, columns to 1/m.

    Notes
    -----
    Source: Peyre, Cuturi and Solomon 2016, Gromov-Wasserstein averaging of kernel and distance matrices,
    ICML 48; by POT. Distances are divided by their largest on each side. The start is the transport between
    each row's mean distance to all others (the first lower bound of Memoli 2011,
    doi:10.1007/s10208-011-9093-5): the problem is not convex.
    """
    import ot

    inside = []
    for rows in (A, B):
        D = ot.dist(rows, rows, metric="euclidean")
        inside.append(D / max(float(D.max()), np.finfo(float).tiny))
    C1, C2 = inside
    a, b = np.full(len(A), 1 / len(A)), np.full(len(B), 1 / len(B))
    start = ot.emd(a, b, ot.dist(C1.mean(axis=1)[:, None], C2.mean(axis=1)[:, None]))
    if reg == 0:
        return np.asarray(ot.gromov.gromov_wasserstein(C1, C2, a, b, "square_loss", G0=start, max_iter=500))
    return np.asarray(
        ot.gromov.entropic_gromov_wasserstein(
            C1, C2, a, b, "square_loss", epsilon=reg, G0=start, max_iter=200, tol=1e-7, solver="PPA"
        )
    )


def gromov_wasserstein(
    source: Windows, target: Windows, *, reg: float = 0.0, anchors: int = 200, ridge: float = 0.1
) -> tuple[WindowMap, WindowMap]:
    """Map the source into the target's space, of any other dimension, by matching distances inside each.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows; the numbers of features may differ.
    reg : float, 0 or more
        Entropic regularization of the plan, distances being at most 1; 0 is the exact local optimum.
    anchors : int, 1 to 5000
        Windows of each side, evenly spaced, between which the plan is made.
    ridge : float, 0 or more
        Of the linear map that carries other windows: share of the anchors' mean variance.

    Raises
    ------
    BiotransferError
        When a parameter is out of range.

    Notes
    -----
    Source: see :func:`gromov_plan`; Alvarez-Melis and Jaakkola 2018, arXiv:1809.00013, for its use across
    spaces. The plan takes each anchor to a mean of the target's; other windows follow by a ridge regression
    of these images on the anchors, which is our own.
    """
    for windows in (source, target):
        check_features("gromov_wasserstein", windows)
    check(reg >= 0 and ridge > 0, f"align gromov_wasserstein: reg={reg}, ridge={ridge}. Expected reg 0 or "
          "more and ridge above 0.")  # fmt: skip
    check(anchors >= 4, f"align gromov_wasserstein: anchors={anchors}. Expected 4 or more.")
    A, B = (w.X[some_rows(len(w), anchors)].astype(np.float64) for w in (source, target))
    images = _images(gromov_plan(A, B, reg), B)
    center, offset = A.mean(axis=0), images.mean(axis=0)
    spread = A - center
    gram = spread @ spread.T
    variance = float(np.trace(gram)) / len(A)
    gram = gram + ridge * (variance if variance > np.finfo(float).tiny else 1.0) * np.eye(len(A))
    matrix = spread.T @ np.linalg.solve(gram, images - offset)
    step = "mapped into the target's space (Gromov-Wasserstein)"
    ours = replace(keep(source, step=step), center=center, matrix=matrix, offset=offset, names=target.names)
    return ours, keep(target)


def canonical_axes(
    A: np.ndarray, B: np.ndarray, plan: np.ndarray, reg: float
) -> tuple[np.ndarray, np.ndarray]:
    """Return the pairs of directions that correlate most over coupled rows.

    Parameters
    ----------
    A : ndarray, shape (n, n_features_a), B : ndarray, shape (m, n_features_b)
        Rows of both sides.
    plan : ndarray, shape (n, m)
        How much row i of A goes with row j of B; sums to 1.
    reg : float
        Added to both covariances' diagonals.

    Returns
    -------
    W_a, W_b : ndarray, shape (n_features_a or _b, min of both)
        Columns in falling order of correlation; projections have unit variance.

    Notes
    -----
    Source: Hotelling 1936, doi:10.1093/biomet/28.3-4.321, with the plan as the joint distribution.
    """
    p, q = plan.sum(axis=1), plan.sum(axis=0)
    A, B = A - p @ A, B - q @ B
    white_a = matrix_power((A.T * p) @ A + reg * np.eye(A.shape[1]), -0.5)
    white_b = matrix_power((B.T * q) @ B + reg * np.eye(B.shape[1]), -0.5)
    U, _, Vt = np.linalg.svd(white_a @ (A.T @ plan @ B) @ white_b, full_matrices=False)
    largest = np.abs(U).argmax(axis=0)
    sign = np.sign(U[largest, np.arange(U.shape[1])])
    return white_a @ (U * sign), white_b @ (Vt.T * sign)


def cca(
    source: Windows,
    target: Windows,
    *,
    components: int = 16,
    reg: float = 0.1,
    anchors: int = 200,
) -> tuple[WindowMap, WindowMap]:
    """Project both sides on the directions that correlate most between coupled windows.

    Parameters
    ----------
    source, target : Windows
        Scaled features of training rows; the numbers of features may differ.
    components : int, 1 to 100000
        How many pairs of directions.
    reg : float, 0 or more
        Added to both covariances' diagonals, in units of a scaled feature's variance.
    anchors : int, 1 to 5000
        Windows of each side, evenly spaced, that are coupled.

    Raises
    ------
    BiotransferError
        When there are fewer inputs than ``components``.

    Notes
    -----
    Source: see :func:`canonical_axes`. Canonical correlation needs to know which windows go together, which
    nobody knows of two modalities recorded apart: the coupling is the Gromov-Wasserstein plan (see
    :func:`gromov_plan`), which is our own choice.
    """
    for windows in (source, target):
        check_features("cca", windows)
    check(reg > 0, f"align cca: reg={reg}. Expected above 0.")
    check(anchors >= 4, f"align cca: anchors={anchors}. Expected 4 or more.")
    check_components("cca", components, min(source.shape[0], target.shape[0]), "the inputs of both sides")
    A, B = (w.X[some_rows(len(w), anchors)].astype(np.float64) for w in (source, target))
    axes = canonical_axes(A, B, gromov_plan(A, B, 0.0), reg)
    sides = []
    for windows, rows, W in ((source, A, axes[0]), (target, B, axes[1])):
        names = tuple(f"cca{i + 1}" for i in range(components))
        step = f"{components} canonical directions of coupled windows"
        side: Transform = replace(
            keep(windows, step=step), center=rows.mean(axis=0), matrix=W[:, :components], names=names
        )
        sides.append(side)
    return sides[0], sides[1]
