"""Scores of one side: features or source probabilities of the target's windows, and their labels."""

from __future__ import annotations

import numpy as np

from ...errors import check

_TINY = np.finfo(np.float64).tiny
_SMALLEST, _LARGEST = 1e-100, 1e12


def _labelled(F: np.ndarray, y: np.ndarray, what: str) -> tuple[np.ndarray, np.ndarray]:
    """Return features as float64 and labels as 0, 1, ...; refuse what no score is defined for."""
    F, y = np.asarray(F, dtype=np.float64), np.asarray(y)
    check(F.ndim == 2, f"{what} has {F.ndim} axes. Expected 2: windows x columns.")
    check(
        len(F) == len(y), f"{what} has {len(F)} windows, y {len(y)} labels. Pass the labels of these windows."
    )
    check(np.isfinite(F).all(), f"{what} holds values that are not finite. Leave these windows out.")
    classes, codes = np.unique(y, return_inverse=True)
    check(len(classes) > 1, f"y has {len(classes)} class. Expected 2 or more: a score tells how they differ.")
    return F, codes


def logme(F: np.ndarray, y: np.ndarray) -> float:
    """Return the largest log evidence per window of a linear regression from features to one-hot labels.

    Parameters
    ----------
    F : ndarray, shape (n_windows, n_features)
        Source-network features of the target's training windows.
    y : ndarray, shape (n_windows,)
        Labels.

    Returns
    -------
    float
        Mean over classes, in nats; larger is better.

    Notes
    -----
    Source: You et al. 2021, arXiv:2102.11005, equation 2 and algorithm 1: weights ~ N(0, 1/alpha), labels ~
    N(F w, 1/beta), both precisions by MacKay's fixed point after one singular value decomposition. Differs
    from it in that the fixed point runs until the evidence stands still (relative change below 1e-12, 1000
    rounds at most) instead of until alpha/beta changes by less than 1 %.
    """
    F, codes = _labelled(F, y, "F")
    n, d = F.shape
    U, s, _ = np.linalg.svd(F, full_matrices=False)
    one_hot = np.eye(codes.max() + 1)[codes]
    z2, s2 = (U.T @ one_hot) ** 2, (s**2)[:, None]
    outside = np.maximum((one_hot**2).sum(axis=0) - z2.sum(axis=0), 0.0)
    alpha, beta = np.ones(one_hot.shape[1]), np.ones(one_hot.shape[1])
    evidence = np.full(one_hot.shape[1], -np.inf)
    for _ in range(1000):
        before, precision = evidence, alpha + beta * s2
        weights = (beta**2 * s2 * z2 / precision**2).sum(axis=0)
        residual = outside + (z2 * (alpha / precision) ** 2).sum(axis=0)
        determinant = np.log(precision).sum(axis=0) + (d - len(s)) * np.log(alpha)
        evidence = 0.5 * (
            n * np.log(beta / (2 * np.pi)) + d * np.log(alpha) - beta * residual - alpha * weights
            - determinant
        )  # fmt: skip
        if np.all(np.abs(evidence - before) <= 1e-12 * np.abs(evidence)):
            break
        gamma = (beta * s2 / precision).sum(axis=0)
        alpha = np.clip(gamma / np.maximum(weights, _TINY), _SMALLEST, _LARGEST)
        beta = np.minimum((n - gamma) / np.maximum(residual, _TINY), _LARGEST)
    return float(evidence.mean() / n)


def h_score(F: np.ndarray, y: np.ndarray) -> float:
    """Return tr(pinv(cov F) cov(E[F|y])): the spread of class means in units of the features' covariance.

    Parameters
    ----------
    F : ndarray, shape (n_windows, n_features)
        Source-network features of the target's training windows.
    y : ndarray, shape (n_windows,)
        Labels.

    Returns
    -------
    float
        Between 0 and the number of classes less one; larger is better.

    Notes
    -----
    Source: Bao et al. 2019, doi:10.1109/ICIP.2019.8803726, definition 2. With more than one feature per ten
    windows the covariance is shrunk after Ledoit and Wolf and the class means by the same share (Ibrahim et
    al. 2021, arXiv:2110.06893, equation 7).
    """
    F, codes = _labelled(F, y, "F")
    n, d = F.shape
    F = F - F.mean(axis=0)
    counts = np.bincount(codes)
    means = np.stack([F[codes == c].mean(axis=0) for c in range(len(counts))])
    between = (means.T * counts) @ means / n
    if d > n / 10:
        from sklearn.covariance import ledoit_wolf

        covariance, shrinkage = ledoit_wolf(F, assume_centered=True)
        return float((1 - shrinkage) * np.trace(np.linalg.pinv(covariance, hermitian=True) @ between))
    return float(np.trace(np.linalg.pinv(F.T @ F / n, hermitian=True) @ between))


def _coding_rate(Z: np.ndarray, eps: float) -> float:
    """Return half the log determinant of I + Z'Z / (n eps), by the smaller of the two Gram matrices."""
    n, d = Z.shape
    gram = Z.T @ Z if d <= n else Z @ Z.T
    return 0.5 * float(np.linalg.slogdet(np.eye(len(gram)) + gram / (n * eps))[1])


def trans_rate(F: np.ndarray, y: np.ndarray, *, eps: float = 1e-4) -> float:
    """Return R(Z) - R(Z|Y), the coding rate of centered features less that inside the classes.

    Parameters
    ----------
    F : ndarray, shape (n_windows, n_features)
        Source-network features of the target's training windows.
    y : ndarray, shape (n_windows,)
        Labels.
    eps : float, above 0
        Distortion that is allowed, in squared feature units.

    Returns
    -------
    float
        In nats; larger is better. It depends on the scale of the features.

    Notes
    -----
    Source: Huang et al. 2022, arXiv:2106.09545, equation 3: R(Z) = 1/2 logdet(I + Z'Z / (n eps)), and R(Z|Y)
    its mean over classes. Differs from the authors' code in weighting classes by their windows, not equally.
    """
    F, codes = _labelled(F, y, "F")
    check(eps > 0, f"eps={eps}. Expected a distortion above 0. Pass eps=1e-4.")
    Z = F - F.mean(axis=0)
    counts = np.bincount(codes)
    inside = sum(n / len(Z) * _coding_rate(Z[codes == c], eps) for c, n in enumerate(counts))
    return _coding_rate(Z, eps) - inside


def leep(P: np.ndarray, y: np.ndarray) -> float:
    """Return the mean log likelihood of the labels when read through the source's class probabilities.

    Parameters
    ----------
    P : ndarray, shape (n_windows, n_source_classes)
        Probabilities that the source network gives its own classes on the target's windows.
    y : ndarray, shape (n_windows,)
        Labels of the target.

    Returns
    -------
    float
        In nats, at most 0; larger is better.

    Notes
    -----
    Source: Nguyen et al. 2020, arXiv:2002.12462, equation 2: mean_i log sum_z P(y_i|z) P_iz, with P(y|z) from
    the joint mean_i P_iz [y_i = y].
    """
    P, codes = _labelled(P, y, "P")
    joint = np.eye(codes.max() + 1)[codes].T @ P / len(P)
    given = joint / np.maximum(joint.sum(axis=0), _TINY)
    return float(np.log(np.maximum((given[codes] * P).sum(axis=1), _TINY)).mean())


def nce(P: np.ndarray, y: np.ndarray) -> float:
    """Return -H(Y|Z) with Z the class that the source network names.

    Parameters
    ----------
    P : ndarray, shape (n_windows, n_source_classes)
        Probabilities that the source network gives its own classes on the target's windows.
    y : ndarray, shape (n_windows,)
        Labels of the target.

    Returns
    -------
    float
        In nats, at most 0; larger is better.

    Notes
    -----
    Source: Tran, Nguyen and Hassner 2019, arXiv:1908.08142, equation 9.
    """
    P, codes = _labelled(P, y, "P")
    joint = np.zeros((codes.max() + 1, P.shape[1]))
    np.add.at(joint, (codes, P.argmax(axis=1)), 1.0 / len(P))
    total = np.broadcast_to(joint.sum(axis=0), joint.shape)
    some = joint > 0
    return float((joint[some] * np.log(joint[some] / total[some])).sum())
