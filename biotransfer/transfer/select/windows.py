"""Selections that weigh source windows: everybody is chosen, and every window counts as much as it should."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from .methods import choose
from .problem import Selection, SelectProblem, row
from .similarity import check_columns, describe_windows
from .weighting import (
    classifier_weights,
    discrepancy_weights,
    finished,
    kliep_weights,
    kmm_weights,
    neighbor_weights,
    network_weights,
    rulsif_weights,
    usual_gamma,
)

_CHUNK = 1000


def _some(X: np.ndarray, most: int) -> np.ndarray:
    return np.asarray(X[np.unique(np.linspace(0, len(X) - 1, min(len(X), most)).round().astype(int))])


def _weigh(
    problem: SelectProblem, name: str, weights: Callable[[np.ndarray, np.ndarray], np.ndarray]
) -> Selection:
    """Return everybody, with the weight of every window, by what ``weights`` makes of standardised rows."""
    check_columns(problem.source, problem.target)
    source, target = describe_windows(problem.source), describe_windows(problem.target)
    both = np.concatenate([source, target])
    center, spread = both.mean(axis=0), both.std(axis=0)
    spread = np.where(spread > 0, spread, 1.0)
    found = finished(name, weights((source - center) / spread, (target - center) / spread))
    effective = float(found.sum() ** 2 / np.square(found).sum())
    tried = [
        row("windows", "effective number", score=effective, chosen=True),
        *(row("window", uid, score=w, chosen=bool(w > 0))
          for uid, w in zip(problem.source.metadata["uid"].astype(str), found, strict=True)),
    ]  # fmt: skip
    return choose(problem, tried=tried)


def _gamma(gamma: float, target: np.ndarray) -> float:
    return gamma if gamma > 0 else usual_gamma(target)


def kmm(problem: SelectProblem, *, gamma: float = 0.0, bound: float = 10.0, windows: int = 1000) -> Selection:
    """Let source windows count so that their mean in the kernel's space is the target's.

    Parameters
    ----------
    gamma : float, 0 or more
        Of the Gaussian kernel; 0 is one over the median squared distance of the target's windows.
    bound : float, above 0
        Largest weight, before weights are brought to mean 1.
    windows : int, 4 to 5000
        Windows of the target that are looked at, evenly spaced.

    Raises
    ------
    BiotransferError
        When the sides have no common columns, or do not overlap.

    Notes
    -----
    Source: Huang et al. 2006, "Correcting sample selection bias by unlabeled data", NIPS 19, equation 12;
    many source windows are weighed in interleaved parts of at most 1000, as in ADAPT.
    """

    def weights(source: np.ndarray, target: np.ndarray) -> np.ndarray:
        seen, parts = _some(target, windows), -(-len(source) // _CHUNK)
        found = np.zeros(len(source))
        for i in range(parts):
            found[i::parts] = kmm_weights(source[i::parts], seen, _gamma(gamma, seen), bound)
        return found

    return _weigh(problem, "kmm", weights)


def kliep(problem: SelectProblem, *, gamma: float = 0.0, centers: int = 100) -> Selection:
    """Let source windows count by the density ratio under which the target's windows are likeliest.

    Parameters
    ----------
    gamma : float, 0 or more
        Of the Gaussian kernel; 0 is one over the median squared distance of the target's windows.
    centers : int, 4 to 5000
        Windows of the target around which kernels stand, evenly spaced.

    Raises
    ------
    BiotransferError
        When the sides have no common columns, or do not overlap.

    Notes
    -----
    Source: Sugiyama et al. 2008, doi:10.1007/s10463-008-0197-x, equation 12; differs from it in that the
    kernel's width is not chosen by cross-validation.
    """
    return _weigh(problem, "kliep", lambda s, t: kliep_weights(s, t, _some(t, centers), _gamma(gamma, t)))


def ulsif(problem: SelectProblem, *, gamma: float = 0.0, ridge: float = 0.1, centers: int = 100) -> Selection:
    """Let source windows count by the density ratio that fits best in squares.

    Parameters
    ----------
    gamma : float, 0 or more
        Of the Gaussian kernel; 0 is one over the median squared distance of the target's windows.
    ridge : float, above 0
        Penalty on the coefficients.
    centers : int, 4 to 5000
        Windows of the target around which kernels stand, evenly spaced.

    Raises
    ------
    BiotransferError
        When the sides have no common columns, or do not overlap.

    Notes
    -----
    Source: Kanamori, Hido & Sugiyama 2009, JMLR 10:1391-1445, equation 9; differs from it in that width and
    penalty are not chosen by cross-validation.
    """
    return rulsif(problem, gamma=gamma, ridge=ridge, centers=centers, alpha=0.0)


def rulsif(
    problem: SelectProblem, *, gamma: float = 0.0, ridge: float = 0.1, centers: int = 100, alpha: float = 0.1
) -> Selection:
    """Let source windows count by the ratio of the target's density to a mix of both, which is bounded.

    Parameters
    ----------
    gamma : float, 0 or more
        Of the Gaussian kernel; 0 is one over the median squared distance of the target's windows.
    ridge : float, above 0
        Penalty on the coefficients.
    centers : int, 4 to 5000
        Windows of the target around which kernels stand, evenly spaced.
    alpha : float, 0 to 1
        Share of the target in the mix: no weight exceeds one over it.

    Raises
    ------
    BiotransferError
        When the sides have no common columns, or do not overlap.

    Notes
    -----
    Source: Yamada et al. 2013, arXiv:1106.4729, equation 5.
    """
    return _weigh(
        problem,
        "rulsif" if alpha else "ulsif",
        lambda s, t: rulsif_weights(s, t, _some(t, centers), _gamma(gamma, t), ridge, alpha),
    )


def nearest_windows(problem: SelectProblem, *, neighbors: int = 5) -> Selection:
    """Let a source window count by how many of the target's windows it is among the nearest of.

    Parameters
    ----------
    neighbors : int, 1 to 1000
        Nearest source windows of each of the target's.

    Raises
    ------
    BiotransferError
        When the sides have no common columns.

    Notes
    -----
    Source: Loog 2012, doi:10.1109/MLSP.2012.6349714.
    """
    return _weigh(problem, "nearest_windows", lambda s, t: neighbor_weights(s, t, min(neighbors, len(s))))


def classifier_odds(problem: SelectProblem, *, strength: float = 0.01) -> Selection:
    """Let a source window count by the odds that a classifier of the two sides takes it for the target's.

    Parameters
    ----------
    strength : float, above 0
        Inverse of the quadratic penalty of the logistic regression.

    Raises
    ------
    BiotransferError
        When the sides have no common columns.

    Notes
    -----
    Source: Bickel, Bruckner & Scheffer 2007, doi:10.1145/1273496.1273507 (IWC).
    """
    return _weigh(problem, "classifier_odds", lambda s, t: classifier_weights(s, t, strength))


def weighing_network(
    problem: SelectProblem,
    *,
    gamma: float = 0.0,
    hidden: int = 20,
    rounds: int = 300,
    windows: int = 1000,
    seed: int = 0,
) -> Selection:
    """Let a small network say how much a source window counts, so that their mean is the target's.

    Parameters
    ----------
    gamma : float, 0 or more
        Of the Gaussian kernel; 0 is one over the median squared distance of the target's windows.
    hidden : int, 1 to 1000
        Units of its one hidden layer.
    rounds : int, 1 to 10000
        Steps of its training.
    windows : int, 4 to 5000
        Windows of the target that are looked at, evenly spaced.
    seed : int, 0 or more
        Draws the network.

    Raises
    ------
    BiotransferError
        When the sides have no common columns.

    Notes
    -----
    Source: de Mathelin et al. 2022, arXiv:2209.04215 (IWN): the objective of kmm, whose weights it makes a
    smooth function of the window.
    """

    def weights(source: np.ndarray, target: np.ndarray) -> np.ndarray:
        seen = _some(target, windows)
        return network_weights(source, seen, _gamma(gamma, seen), hidden, rounds, seed)

    return _weigh(problem, "weighing_network", weights)


def ldm(problem: SelectProblem, *, components: int = 50, windows: int = 2000, rounds: int = 100) -> Selection:
    """Let source windows count so that no linear rule could tell their second moments from the target's.

    Parameters
    ----------
    components : int, 1 to 1000
        Principal components of both sides together that are compared, at most the columns.
    windows : int, 4 to 20000
        Windows of the target that are looked at, evenly spaced.
    rounds : int, 1 to 10000
        Most steps at each of seven degrees of smoothness.

    Raises
    ------
    BiotransferError
        When the sides have no common columns.

    Notes
    -----
    Source: Mansour, Mohri & Rostamizadeh 2009, arXiv:0902.3430, section 5.2 (linear discrepancy). Differs
    from ADAPT in that rules have a constant, so that means are compared, too: standardised windows that lie
    on opposite sides have the same second moments. Where there are far more windows than pairs of
    components, many weights do; the search begins at equal ones.
    """

    def weights(source: np.ndarray, target: np.ndarray) -> np.ndarray:
        seen = _some(target, windows)
        if components < source.shape[1]:
            axes = np.linalg.eigh(source.T @ source + target.T @ target)[1][:, -components:]
            source, seen = source @ axes, seen @ axes
        source, seen = (np.append(X, np.ones((len(X), 1)), axis=1) for X in (source, seen))
        return discrepancy_weights(source, seen, rounds)

    return _weigh(problem, "ldm", weights)
