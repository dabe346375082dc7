"""Features of two modalities with a planted relation: small, so that studies can be run by hundreds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...errors import check, check_option

STRUCTURES = ("nothing", "empty", "useful", "harmful", "scale")
N_DIRECTIONS = 4
N_RUNS = 4
_SMALL = 0.05
_CLASSES = {"source": N_DIRECTIONS + 1, "target": 3}


@dataclass(frozen=True, eq=False)
class FeatureTable:
    """Features of one modality as plain arrays.

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_features), float32
        Without unit.
    y : ndarray, shape (n_windows,), int64
        Class codes.
    subject, run : ndarray, shape (n_windows,), int64
        Person and recording, from 0; the windows of a run are in the order of time.
    n_classes : int
        Number of classes.
    """

    X: np.ndarray
    y: np.ndarray
    subject: np.ndarray
    run: np.ndarray
    n_classes: int


def simulate_features(
    structure: str,
    *,
    shared: float = 1.0,
    n_source: int = 10,
    n_target: int = 12,
    n_windows: int = 40,
    n_features: int = 32,
    contrast: float = 2.0,
    loud: float = 3.0,
    variability: float = 0.7,
    seed: int = 0,
) -> tuple[FeatureTable, FeatureTable]:
    """Simulate source and target features whose relation is known.

    Parameters
    ----------
    structure : {"nothing", "empty", "useful", "harmful", "scale"}
        What the source has to do with the target, see Notes.
    shared : float
        How much of it, from 0 to 1: the squared cosine between the directions of the two modalities.
    n_source, n_target : int
        People; each pair of tables has its own.
    n_windows : int
        Per person and class, in four runs.
    n_features : int
        At least 16.
    contrast : float
        Length of a class's mean, in deviations of the noise.
    loud : float
        Deviation along a nuisance direction, beside noise of deviation 1 everywhere.
    variability : float
        Between people: deviation of every feature's offset, and of the logarithm of the contrast.
    seed : int
        Draws everything.

    Returns
    -------
    source, target : FeatureTable
        Five and three classes; class number c of one has nothing to do with class number c of the other. The
        means of the source's classes are as far apart as they can be and span all four directions.

    Raises
    ------
    BiotransferError
        For an unknown structure, or a number out of range.

    Notes
    -----
    Source: own. In each modality a window is its class's mean, which lies in four class directions, plus the
    person's offset, loud noise in four nuisance directions, and noise in every direction. What a network has
    to learn is which directions tell the classes apart, and which are loud and tell nothing. The **target is
    the same in every structure**; only where the source has its directions differs:

    - *nothing*: class and nuisance directions of the source are orthogonal to both of the target's.
    - *empty*: as *nothing*, and the source's classes do not differ: its labels are as good as permuted.
    - *useful*: the class directions of the source have the squared cosine ``shared`` with the target's.
    - *harmful*: the class directions of the source have it with the target's **nuisance** directions, and its
      nuisance directions with the target's class directions: the source teaches to listen where the target
      is loud, and to ignore what tells its classes apart.
    - *scale*: nothing shared, but all features of both are a twentieth as large. Where inputs are not scaled,
      little of them passes a deep network's usual first weights; trained weights are larger and let the
      target learn sooner, and so does any draw of their size.

    Examples
    --------
    >>> source, target = simulate_features("useful", n_source=2, n_target=3, seed=0)
    >>> source.X.shape, target.X.shape
    ((400, 32), (360, 32))
    """
    check_option("structure", structure, STRUCTURES)
    check(0 <= shared <= 1, f"shared={shared} is outside 0 to 1. Try 0.5.")
    check(
        n_features >= 4 * N_DIRECTIONS,
        f"n_features={n_features}: two modalities need {4 * N_DIRECTIONS} directions. Use n_features=32.",
    )
    check(
        min(n_source, n_target) >= 2, f"n_source={n_source}, n_target={n_target}. Expected 2 or more people."
    )
    check(
        n_windows >= N_RUNS and n_windows % N_RUNS == 0,
        f"n_windows={n_windows} per person and class is no multiple of {N_RUNS} runs. Use n_windows=40.",
    )
    check(
        min(contrast, loud, variability) >= 0,
        f"contrast={contrast}, loud={loud}, variability={variability}. Expected 0 or more.",
    )
    frame = _orthonormal(np.random.default_rng([seed, 0]), n_features)
    own, noisy, other, elsewhere = (frame[:, i * N_DIRECTIONS : (i + 1) * N_DIRECTIONS] for i in range(4))

    def towards(wanted: np.ndarray, otherwise: np.ndarray) -> np.ndarray:
        return np.sqrt(shared) * wanted + np.sqrt(1 - shared) * otherwise

    telling, nuisance = {
        "nothing": (other, elsewhere),
        "empty": (other, elsewhere),
        "scale": (other, elsewhere),
        "useful": (towards(own, other), elsewhere),
        "harmful": (towards(noisy, other), towards(own, elsewhere)),
    }[structure]
    size = _SMALL if structure == "scale" else 1.0
    tables = []
    for part, (directions, loud_ones, n_people) in enumerate(
        [(telling, nuisance, n_source), (own, noisy, n_target)]
    ):
        rng = np.random.default_rng([seed, 1 + part])
        n_classes = list(_CLASSES.values())[part]
        apart = 0.0 if structure == "empty" and part == 0 else contrast
        codes = _simplex() if part == 0 else np.eye(N_DIRECTIONS)[:n_classes]
        means = apart * codes @ _orthonormal(rng, N_DIRECTIONS) @ directions.T
        shape = (n_people, N_RUNS, n_classes, n_windows // N_RUNS)
        strength = np.exp(variability * rng.standard_normal((n_people, 1, 1, 1, 1)))
        X = strength * means[:, None] + variability * rng.standard_normal((n_people, 1, 1, 1, n_features))
        X = X + rng.standard_normal((*shape, n_features))
        X += loud * rng.standard_normal((*shape, N_DIRECTIONS)) @ loud_ones.T
        subject, run, y, _ = (index.ravel() for index in np.indices(shape))
        tables.append(
            FeatureTable((size * X).reshape(-1, n_features).astype(np.float32), y, subject, run, n_classes)
        )
    return tables[0], tables[1]


def _orthonormal(rng: np.random.Generator, size: int) -> np.ndarray:
    """Return random orthonormal columns, uniformly distributed."""
    q, r = np.linalg.qr(rng.standard_normal((size, size)))
    return q * np.sign(np.diag(r))


def _simplex() -> np.ndarray:
    """Return the corners of a regular simplex around the origin, one more than directions, of length 1."""
    corners = np.eye(N_DIRECTIONS + 1) - 1 / (N_DIRECTIONS + 1)
    basis = np.linalg.svd(corners)[2][:N_DIRECTIONS]
    placed = corners @ basis.T
    return placed / np.linalg.norm(placed, axis=1, keepdims=True)
