"""Weights of source windows: how much each counts, so that together they resemble the target's windows.

Inputs alone are compared, never labels, column by column: rows are standardised windows of both sides.
"""

from __future__ import annotations

import numpy as np

from ...errors import check

_TINY = 1e-12


def gaussian_kernel(A: np.ndarray, B: np.ndarray, gamma: float) -> np.ndarray:
    """Return ``exp(-gamma ||a - b||^2)`` of every row of A with every row of B."""
    squares = np.sum(A**2, axis=1)[:, None] + np.sum(B**2, axis=1) - 2 * A @ B.T
    return np.asarray(np.exp(-gamma * np.maximum(squares, 0.0)))


def usual_gamma(X: np.ndarray, most: int = 500) -> float:
    """Return one over the median squared distance of rows, evenly spaced where there are many."""
    rows = X[np.unique(np.linspace(0, len(X) - 1, min(len(X), most)).round().astype(int))]
    squares = np.sum(rows**2, axis=1)[:, None] + np.sum(rows**2, axis=1) - 2 * rows @ rows.T
    apart = squares[np.triu_indices(len(rows), 1)]
    return 1.0 / max(float(np.median(apart)) if len(apart) else 1.0, _TINY)


def kmm_weights(
    source: np.ndarray, target: np.ndarray, gamma: float, bound: float, eps: float | None = None
) -> np.ndarray:
    """Weigh source windows so that their mean in the kernel's space is the target's.

    Parameters
    ----------
    source, target : ndarray, shape (n_source, n_columns), (n_target, n_columns), float64
        Windows.
    gamma : float
        Of the Gaussian kernel.
    bound : float
        Largest weight B.
    eps : float, optional
        How far the mean weight may be from 1; ``(sqrt(n) - 1) / sqrt(n)`` when not given.

    Returns
    -------
    ndarray, shape (n_source,)

    Notes
    -----
    Source: Huang et al. 2006, "Correcting sample selection bias by unlabeled data", NIPS 19, equation 12:
    minimise ``1/2 b'Kb - k'b`` over ``0 <= b <= B`` and ``|mean(b) - 1| <= eps``, here by accelerated
    projected gradients.
    """
    n = len(source)
    K = gaussian_kernel(source, source, gamma)
    kappa = n * gaussian_kernel(source, target, gamma).mean(axis=1)
    eps = (np.sqrt(n) - 1) / np.sqrt(n) if eps is None else eps
    step = 1.0 / max(float(np.linalg.norm(K, 2)) if n <= 400 else _largest(K), _TINY)
    b = momentum = np.ones(n)
    t = 1.0
    for _ in range(3000):
        new = _into_slab(momentum - step * (K @ momentum - kappa), bound, n * (1 - eps), n * (1 + eps))
        after = (1 + np.sqrt(1 + 4 * t * t)) / 2
        if (momentum - new) @ (new - b) > 0:
            momentum, after = new.copy(), 1.0
        else:
            momentum = new + (t - 1) / after * (new - b)
        moved = float(np.abs(new - b).max())
        b, t = new, after
        if moved < 1e-7:
            break
    return b


def _largest(K: np.ndarray) -> float:
    """Return a bound on the largest eigenvalue of a kernel of positive entries."""
    return float(K.sum(axis=1).max())


def _into_slab(b: np.ndarray, bound: float, least: float, most: float) -> np.ndarray:
    """Project onto ``0 <= b <= bound`` with a sum between two values."""
    inside = np.clip(b, 0.0, bound)
    total = inside.sum()
    if least <= total <= most:
        return np.asarray(inside)
    wanted = min(max(total, least), most)
    low, high = float(b.min() - bound) - 1.0, float(b.max()) + 1.0
    for _ in range(80):
        middle = (low + high) / 2
        low, high = (middle, high) if np.clip(b - middle, 0.0, bound).sum() > wanted else (low, middle)
    return np.asarray(np.clip(b - (low + high) / 2, 0.0, bound))


def kliep_weights(
    source: np.ndarray, target: np.ndarray, centers: np.ndarray, gamma: float, rounds: int = 2000
) -> np.ndarray:
    """Weigh source windows by the density ratio whose target likelihood is largest.

    Parameters
    ----------
    source, target, centers : ndarray, shape (n, n_columns), float64
        Windows; the ratio is a sum of kernels around the centers.
    gamma : float
        Of the Gaussian kernel.
    rounds : int
        Most steps.

    Returns
    -------
    ndarray, shape (n_source,)
        Of mean 1.

    Notes
    -----
    Source: Sugiyama et al. 2008, doi:10.1007/s10463-008-0197-x, equation 12: maximise the sum over target
    windows of ``log w(x)`` under ``mean w = 1`` over the source's and positive coefficients. That is a
    mixture of known densities, so expectation-maximisation finds the one maximum.
    """
    A = gaussian_kernel(target, centers, gamma)
    inside = gaussian_kernel(source, centers, gamma)
    b = np.maximum(inside.mean(axis=0), _TINY)
    parts = A / b
    share = np.full(len(centers), 1.0 / len(centers))
    for _ in range(rounds):
        new = share * (parts / np.maximum(parts @ share, _TINY)[:, None]).mean(axis=0)
        moved = float(np.abs(new - share).max())
        share = new
        if moved < 1e-10:
            break
    return np.asarray(inside @ (share / b))


def rulsif_weights(
    source: np.ndarray, target: np.ndarray, centers: np.ndarray, gamma: float, ridge: float, alpha: float
) -> np.ndarray:
    """Weigh source windows by the relative density ratio that fits best in squares.

    Parameters
    ----------
    source, target, centers : ndarray, shape (n, n_columns), float64
        Windows; the ratio is a sum of kernels around the centers.
    gamma : float
        Of the Gaussian kernel.
    ridge : float
        Penalty on the coefficients, lambda.
    alpha : float
        Share of the target in the denominator, 0 to below 1; 0 is uLSIF.

    Returns
    -------
    ndarray, shape (n_source,)

    Notes
    -----
    Source: Kanamori, Hido & Sugiyama 2009, JMLR 10:1391, equation 9 (uLSIF); Yamada et al. 2013,
    arXiv:1106.4729, equation 5 (RuLSIF). Negative coefficients become zero.
    """
    phi_t, phi_s = (gaussian_kernel(X, centers, gamma) for X in (target, source))
    H = alpha * phi_t.T @ phi_t / len(target) + (1 - alpha) * phi_s.T @ phi_s / len(source)
    theta = np.linalg.solve(H + ridge * np.eye(len(centers)), phi_t.mean(axis=0))
    return np.asarray(phi_s @ np.maximum(theta, 0.0))


def neighbor_weights(source: np.ndarray, target: np.ndarray, neighbors: int) -> np.ndarray:
    """Count for every source window of how many target windows it is among the nearest.

    Parameters
    ----------
    source, target : ndarray, shape (n, n_columns), float64
        Windows.
    neighbors : int
        How many source windows are nearest.

    Returns
    -------
    ndarray, shape (n_source,)

    Notes
    -----
    Source: Loog 2012, doi:10.1109/MLSP.2012.6349714.
    """
    from sklearn.neighbors import NearestNeighbors

    found = NearestNeighbors(n_neighbors=neighbors).fit(source).kneighbors(target, return_distance=False)
    return np.bincount(found.ravel(), minlength=len(source)).astype(np.float64)


def classifier_weights(source: np.ndarray, target: np.ndarray, strength: float) -> np.ndarray:
    """Weigh source windows by the odds that a classifier of the two sides takes them for the target's.

    Parameters
    ----------
    source, target : ndarray, shape (n, n_columns), float64
        Windows.
    strength : float
        Inverse of the classifier's quadratic penalty.

    Returns
    -------
    ndarray, shape (n_source,)

    Notes
    -----
    Source: Bickel, Bruckner & Scheffer 2007, doi:10.1145/1273496.1273507 (a logistic regression).
    """
    from sklearn.linear_model import LogisticRegression

    X = np.concatenate([source, target])
    side = np.concatenate([np.ones(len(source)), np.zeros(len(target))])
    p = LogisticRegression(C=strength, max_iter=2000).fit(X, side).predict_proba(source)[:, 1]
    return np.asarray(1.0 / np.clip(p, 1e-6, 1.0) - 1.0)


def discrepancy_weights(source: np.ndarray, target: np.ndarray, rounds: int = 100) -> np.ndarray:
    """Weigh source windows so that no direction has another second moment than in the target.

    Parameters
    ----------
    source, target : ndarray, shape (n, n_columns), float64
        Windows.
    rounds : int
        Most steps at every smoothness.

    Returns
    -------
    ndarray, shape (n_source,)
        Of sum 1.

    Notes
    -----
    Source: Mansour, Mohri & Rostamizadeh 2009, arXiv:0902.3430, section 5.2: the least spectral norm of
    ``T'T / n_target - S' diag(z) S`` over shares z. Their semidefinite program is solved here by smoothing,
    as in Cortes & Mohri 2014, doi:10.1016/j.tcs.2013.09.027: a soft maximum of the eigenvalues and their
    opposites, ever less soft.
    """
    from scipy.optimize import minimize
    from scipy.special import logsumexp

    wanted, n = target.T @ target / len(target), len(source)

    def smooth(b: np.ndarray, width: float) -> tuple[float, np.ndarray]:
        total = max(float(b.sum()), _TINY)
        z = b / total
        values, vectors = np.linalg.eigh(wanted - source.T @ (z[:, None] * source))
        both = np.concatenate([values, -values]) / width
        top = logsumexp(both)
        pull = np.exp(both - top)
        along = (vectors * (pull[len(values) :] - pull[: len(values)])) @ vectors.T
        slope = np.einsum("ij,ij->i", source @ along, source)
        return width * float(top), (slope - z @ slope) / total

    b = np.ones(n)
    scale = max(smooth(b, 1.0)[0], _TINY)
    for width in scale * np.logspace(-1, -4, 7):
        found = minimize(
            smooth, b, args=(width,), jac=True, method="L-BFGS-B", bounds=[(0, None)] * n,
            options={"maxiter": rounds},
        )  # fmt: skip
        b = np.maximum(found.x, 0.0) * n / max(float(found.x.sum()), _TINY)
    return np.asarray(b / b.sum())


def network_weights(
    source: np.ndarray, target: np.ndarray, gamma: float, hidden: int, rounds: int, seed: int = 0
) -> np.ndarray:
    """Weigh source windows by a network of the window, so that their kernel mean is the target's.

    Parameters
    ----------
    source, target : ndarray, shape (n, n_columns), float64
        Windows.
    gamma : float
        Of the Gaussian kernel.
    hidden : int
        Units of the network's one hidden layer.
    rounds : int
        Steps of Adam, each on all windows of the target and at most 1000 of the source, evenly spaced.
    seed : int
        Draws the network.

    Returns
    -------
    ndarray, shape (n_source,)

    Notes
    -----
    Source: de Mathelin, Deheeger, Mougeot & Vayatis 2022, arXiv:2209.04215, section 4 (IWN): the squared
    maximum mean discrepancy of weighted source and target, ``w'Kw / n^2 - 2 w'k / n`` for weights of mean 1.
    Differs from it in that the kernel's width stays as it is, and in full batches.
    """
    import torch

    seen = source[np.unique(np.linspace(0, len(source) - 1, min(len(source), 1000)).round().astype(int))]
    K = torch.from_numpy(gaussian_kernel(seen, seen, gamma))
    k = torch.from_numpy(gaussian_kernel(seen, target, gamma).mean(axis=1))
    rng, n_in = np.random.default_rng(seed), source.shape[1]
    shapes = ((n_in, hidden), (hidden,), (hidden, 1), (1,))
    layers = [torch.from_numpy(rng.normal(size=s) / np.sqrt(max(1, s[0]))).requires_grad_() for s in shapes]

    def weigh(X: torch.Tensor) -> torch.Tensor:
        first, bias, second, constant = layers
        out = torch.relu(X @ first + bias) @ second + constant
        return torch.nn.functional.softplus(out[:, 0])

    X, optimizer = torch.from_numpy(seen), torch.optim.Adam(layers, lr=0.01)
    with torch.enable_grad():
        for _ in range(rounds):
            w = weigh(X)
            w = w / w.mean().clamp_min(_TINY)
            loss = w @ K @ w / len(seen) ** 2 - 2 * (w @ k) / len(seen)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    with torch.no_grad():
        return np.asarray(weigh(torch.from_numpy(source)).numpy())


def finished(name: str, weights: np.ndarray) -> np.ndarray:
    """Return weights of mean 1, none negative.

    Raises
    ------
    BiotransferError
        When nothing of the source resembles the target.
    """
    total = float(np.sum(weights))
    check(
        np.isfinite(weights).all() and total > 0,
        f"select {name}: no window of the source lies where the target's do, so none would count. Expected "
        "sides that overlap. Use a wider kernel (a smaller gamma), scale: standard, or select: all.",
    )
    return np.asarray(np.maximum(weights, 0.0) * len(weights) / total)
