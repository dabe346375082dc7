"""Training that explodes but stays finite: told by the loss, against that before any update."""

from __future__ import annotations

import numpy as np

from ..weights import Tensors

EXPLODED = 100.0
"""How many times the loss before any update, or that of 1 nat, no training that works reaches."""
LOST = 1e9
"""Nats that stand for a loss that is no number."""
_LEAST = 1.0
_LARGEST_WEIGHT = 1e3


def diverged(before: np.ndarray, worst: np.ndarray) -> np.ndarray:
    """Say of every training whether it exploded.

    Parameters
    ----------
    before : array_like, shape (n_trainings,), float
        Mean loss before any update, in nats; NaN where nothing was evaluated.
    worst : array_like, shape (n_trainings,), float
        The largest mean loss of an epoch or of an evaluation after it; NaN where nothing was trained.

    Returns
    -------
    ndarray, shape (n_trainings,), bool

    Notes
    -----
    The loss of a prediction that always says the classes' shares is 3 nats for 20 classes, whatever the
    windows; one a hundred times above where training began is none of a network that learned, also where a
    later epoch comes back to chance. Of 55 stored studies the worst ratio of a training that works is 15, in
    unnormalised networks over features with outliers; a rate of 0.3 in a dense network gives 110, of 10
    4 million.

    Examples
    --------
    >>> diverged([1.1, 1.1, 5.0], [1.6, 4e6, 400.0]).tolist()
    [False, True, False]
    """
    start = np.maximum(np.nan_to_num(np.asarray(before, np.float64), nan=_LEAST), _LEAST)
    return np.asarray(np.asarray(worst, np.float64) > EXPLODED * start)


def exploded_weights(tensors: Tensors) -> bool:
    """Say whether weights are of a training that exploded though its loss cannot: that of normed outputs.

    Parameters
    ----------
    tensors : mapping of str to ndarray
        Weights; those of a network that learned stay below 1,000, fresh ones are about 1.
    """
    return any(float(np.abs(value).max(initial=0.0)) > _LARGEST_WEIGHT for value in tensors.values())
