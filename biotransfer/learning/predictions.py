"""How good predictions are: labels or probabilities in, one number per set of predictions out."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from ..catalog import Catalog, Entry, Fact
from ..errors import check


def _labels(y_true: ArrayLike, y_pred: ArrayLike) -> tuple[np.ndarray, np.ndarray]:
    """Return both label arrays broadcast to one shape (..., n)."""
    true, pred = np.asarray(y_true), np.asarray(y_pred)
    check(
        true.ndim >= 1 and pred.ndim >= 1 and true.shape[-1] == pred.shape[-1] and true.shape[-1] > 0,
        f"y_true has shape {true.shape} and y_pred {pred.shape}. Expected (..., n) with one n > 0. "
        "Pass one prediction per label.",
    )
    for name, labels in (("y_true", true), ("y_pred", pred)):
        check(
            labels.dtype.kind in "iu" and labels.min() >= 0,
            f"{name} of type {labels.dtype} is no array of class codes. "
            "Expected integers 0 .. n_classes - 1. Pass Windows.y.",
        )
    shape = np.broadcast_shapes(true.shape, pred.shape)
    return np.broadcast_to(true, shape), np.broadcast_to(pred, shape)


def _probabilities(y_true: ArrayLike, probabilities: ArrayLike) -> tuple[np.ndarray, np.ndarray, float]:
    """Return labels (..., n), probabilities (..., n, n_classes) in float64 and the input type's epsilon."""
    given = np.asarray(probabilities)
    true = np.asarray(y_true)
    check(
        given.dtype.kind == "f" and given.ndim >= 2 and given.shape[-2] == true.shape[-1] > 0,
        f"probabilities of type {given.dtype} have shape {given.shape} for y_true {true.shape}. "
        "Expected floats (..., n, n_classes). Pass the softmax of the network's output.",
    )
    off = float(np.max(np.abs(given.sum(-1, dtype=np.float64) - 1)))
    check(
        off <= 1e-4 and given.min() >= 0,
        f"probabilities of a window sum to 1 only within {off:.3g}. "
        "Expected non-negative rows that sum to 1. Pass the softmax of the network's output.",
    )
    true, _ = _labels(true, np.zeros(given.shape[:-1], dtype=np.int64))
    check(
        true.max() < given.shape[-1],
        f"y_true holds class {true.max()} but probabilities have {given.shape[-1]} columns. "
        "Expected one column per class.",
    )
    return true, given.astype(np.float64), float(np.finfo(given.dtype).eps)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Return the probabilities that logits stand for.

    Parameters
    ----------
    logits : ndarray, shape (..., n_classes), float
        What a network's head gives.

    Returns
    -------
    ndarray, shape (..., n_classes)
        Adding up to 1, in the precision of the logits.

    Examples
    --------
    >>> softmax(np.log([[1.0, 3.0]])).round(6).tolist()
    [[0.25, 0.75]]
    """
    shifted = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.asarray(shifted / shifted.sum(axis=-1, keepdims=True))


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Return the logarithm of :func:`softmax`, also where that is 0."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    return np.asarray(shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True)))


def confusion(y_true: ArrayLike, y_pred: ArrayLike, n_classes: int) -> np.ndarray:
    """Count how often each class was taken for which.

    Parameters
    ----------
    y_true : array_like, shape (n,) or (..., n), int
        Class codes.
    y_pred : array_like, shape (..., n), int
        Predicted class codes; leading axes are independent sets of predictions.
    n_classes : int
        Number of classes.

    Returns
    -------
    ndarray, shape (..., n_classes, n_classes), int64
        Rows are true classes, columns predicted ones.

    Raises
    ------
    BiotransferError
        When shapes differ or a code is outside 0 .. n_classes - 1.

    Examples
    --------
    >>> confusion([0, 0, 1], [0, 1, 1], 2).tolist()
    [[1, 1], [0, 1]]
    """
    true, pred = _labels(y_true, y_pred)
    largest = int(max(true.max(), pred.max()))
    check(
        largest < n_classes,
        f"n_classes={n_classes} but a label is {largest}. Expected codes 0 .. {n_classes - 1}. "
        f"Pass n_classes={largest + 1}.",
    )
    batch = true.shape[:-1]
    n_sets = int(np.prod(batch, dtype=np.int64))
    cell = true.reshape(n_sets, -1).astype(np.int64) * n_classes + pred.reshape(n_sets, -1)
    cell += np.arange(n_sets)[:, None] * n_classes**2
    counts = np.bincount(cell.ravel(), minlength=n_sets * n_classes**2)
    return counts.reshape(*batch, n_classes, n_classes)


def accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Share of windows named correctly.

    Parameters
    ----------
    y_true : array_like, shape (n,) or (..., n), int
        Class codes.
    y_pred : array_like, shape (..., n), int
        Predicted class codes.

    Returns
    -------
    ndarray, shape (...), float64
        Between 0 and 1.

    Examples
    --------
    >>> float(accuracy([0, 0, 1, 1], [0, 1, 1, 1]))
    0.75
    """
    true, pred = _labels(y_true, y_pred)
    return np.asarray(np.mean(true == pred, axis=-1))


def balanced_accuracy(y_true: ArrayLike, y_pred: ArrayLike) -> np.ndarray:
    """Mean recall over the classes that occur in ``y_true``.

    Parameters
    ----------
    y_true : array_like, shape (n,) or (..., n), int
        Class codes.
    y_pred : array_like, shape (..., n), int
        Predicted class codes.

    Returns
    -------
    ndarray, shape (...), float64
        Between 0 and 1; chance is 1 / number of classes present.

    Examples
    --------
    >>> float(balanced_accuracy([0, 0, 0, 1], [0, 0, 0, 0]))
    0.5
    """
    true, pred = _labels(y_true, y_pred)
    counts = confusion(true, pred, int(max(true.max(), pred.max())) + 1)
    support = counts.sum(-1)
    recall = np.diagonal(counts, axis1=-2, axis2=-1) / np.maximum(support, 1)
    return np.asarray(recall.sum(-1) / (support > 0).sum(-1))


def log_loss(y_true: ArrayLike, probabilities: ArrayLike) -> np.ndarray:
    """Mean negative log probability of the true class.

    Parameters
    ----------
    y_true : array_like, shape (n,) or (..., n), int
        Class codes.
    probabilities : array_like, shape (..., n, n_classes), float
        One distribution per window. A zero counts as the type's machine epsilon.

    Returns
    -------
    ndarray, shape (...), float64
        In nats.

    Raises
    ------
    BiotransferError
        When rows do not sum to 1 or a class has no column.
    """
    true, given, epsilon = _probabilities(y_true, probabilities)
    chosen = np.take_along_axis(given, true[..., None].astype(np.int64), axis=-1)[..., 0]
    return np.asarray(-np.log(np.clip(chosen, epsilon, 1 - epsilon)).mean(-1))


def expected_calibration_error(
    y_true: ArrayLike, probabilities: ArrayLike, *, n_bins: int = 15
) -> np.ndarray:
    """Mean gap between confidence and accuracy over bins of the highest probability.

    Parameters
    ----------
    y_true : array_like, shape (n,) or (..., n), int
        Class codes.
    probabilities : array_like, shape (..., n, n_classes), float
        One distribution per window.
    n_bins : int, 1 to 1000
        Bins of equal width on (0, 1]; each weighs as its number of windows.

    Returns
    -------
    ndarray, shape (...), float64
        Between 0 (calibrated) and 1.

    Raises
    ------
    BiotransferError
        When rows do not sum to 1 or ``n_bins`` is below 1.

    Notes
    -----
    Source: Guo et al. 2017, arXiv:1706.04599, equation 3.
    """
    check(n_bins >= 1, f"n_bins={n_bins}. Expected 1 or more. Leave it out for 15.")
    true, given, _ = _probabilities(y_true, probabilities)
    batch = true.shape[:-1]
    n_sets = int(np.prod(batch, dtype=np.int64))
    confidence = given.max(-1).reshape(n_sets, -1)
    gap = confidence - (given.argmax(-1) == true).reshape(n_sets, -1)
    place = np.searchsorted(np.linspace(0, 1, n_bins + 1)[1:-1], confidence, side="left")
    place = place + np.arange(n_sets)[:, None] * n_bins
    sums = np.bincount(place.ravel(), weights=gap.ravel(), minlength=n_sets * n_bins)
    error = np.abs(sums.reshape(n_sets, n_bins)).sum(-1) / confidence.shape[1]
    return error.reshape(batch)


METRICS = Catalog(
    "metric",
    [
        Entry(
            "balanced_accuracy",
            "Mean recall over the classes present.",
            balanced_accuracy,
            "Brodersen et al. 2010, doi:10.1109/ICPR.2010.764",
            {"needs": "y_pred", "larger_is_better": True, "chance": "uniform"},
        ),
        Entry(
            "accuracy",
            "Share of windows named correctly.",
            accuracy,
            facts={"needs": "y_pred", "larger_is_better": True, "chance": "majority"},
        ),
        Entry(
            "log_loss",
            "Mean negative log probability of the true class, in nats.",
            log_loss,
            facts={"needs": "probabilities", "larger_is_better": False, "chance": "entropy"},
        ),
        Entry(
            "expected_calibration_error",
            "Mean gap between confidence and accuracy.",
            expected_calibration_error,
            "Guo et al. 2017, arXiv:1706.04599",
            {"needs": "probabilities", "larger_is_better": False, "chance": None},
        ),
    ],
    {
        "needs": Fact("What it is computed from, beside the labels.", options=("y_pred", "probabilities")),
        "larger_is_better": Fact("Whether more is better.", bool),
        "chance": Fact(
            "What the best constant prediction reaches it by.", str | None, ("uniform", "majority", "entropy")
        ),
    },
    word="metrics",
)


def chance_level(
    y_true: ArrayLike | None = None, metric: str = "balanced_accuracy", *, counts: ArrayLike | None = None
) -> float:
    """Best value that a constant prediction reaches.

    Parameters
    ----------
    y_true : array_like, shape (n,), int
        Class codes of the test windows.
    metric : str
        ``balanced_accuracy`` (1 / classes present), ``accuracy`` (share of the largest class) or
        ``log_loss`` (entropy of the class shares, nats).
    counts : array_like, shape (n_classes,), int
        Windows per class, instead of ``y_true``.

    Raises
    ------
    BiotransferError
        When both or neither of ``y_true`` and ``counts`` are given, no window is there, or the metric has
        no chance level.

    Examples
    --------
    >>> chance_level([0, 0, 0, 1], "accuracy"), chance_level(counts=[3, 1, 0])
    (0.75, 0.5)
    """
    check(
        (y_true is None) != (counts is None),
        "chance_level takes either y_true or counts. "
        "Pass chance_level(windows.y) or chance_level(counts=[...]).",
    )
    rule = METRICS[metric].facts["chance"]
    check(
        rule is not None,
        f"metric={metric!r} has no chance level. Expected accuracy, balanced_accuracy or log_loss.",
    )
    number = np.bincount(np.asarray(y_true)) if counts is None else np.asarray(counts)
    number = number[number > 0]
    check(number.size > 0, "chance_level got no window. Expected at least one label.")
    share = number / number.sum()
    if rule == "uniform":
        return 1.0 / number.size
    if rule == "majority":
        return float(share.max())
    return float(-(share * np.log(share)).sum())
