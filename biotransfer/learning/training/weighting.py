"""How much a training window counts in the loss: as often as every other, by its class, or as asked."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from ...errors import BiotransferError, a_kind, check, did_you_mean

CLASS_WEIGHTS = ("none", "balanced")


def balanced(y: np.ndarray) -> np.ndarray:
    """Return one weight per window with which every class that is there counts equally, of mean 1.

    Parameters
    ----------
    y : ndarray, shape (n_windows,), int64
        Classes of training windows.

    Returns
    -------
    ndarray, shape (n_windows,), float64

    Notes
    -----
    Source: King & Zeng 2001, doi:10.1093/oxfordjournals.pan.a004868, equation 5: ``n / (n_classes * count)``,
    over the classes that are there.

    Examples
    --------
    >>> balanced(np.array([0, 0, 0, 1])).round(2).tolist()
    [0.67, 0.67, 0.67, 2.0]
    """
    _, codes, counts = np.unique(y, return_inverse=True, return_counts=True)
    return np.asarray(len(y) / (len(counts) * counts[codes]))


def window_weights(rows: np.ndarray, y: np.ndarray, class_weight: str, given: np.ndarray | None) -> Any:
    """Return what the training windows of every arm count, of mean 1; None where all count the same.

    Parameters
    ----------
    rows : ndarray, shape (n_arms, n_train), int64
        Training rows of the pool.
    y : ndarray, shape (n_pool,), int64
        Classes.
    class_weight : {"none", "balanced"}
        Of the schedule.
    given : ndarray, shape (n_pool,), float64, optional
        What each window of the pool counts besides.

    Returns
    -------
    ndarray, shape (n_arms, n_train), float64, or None
    """
    if class_weight == "none" and given is None:
        return None
    weights = np.ones(rows.shape) if given is None else given[rows].astype(np.float64)
    if class_weight == "balanced":
        weights = weights * np.stack([balanced(y[own]) for own in rows])
    return weights / weights.mean(axis=1, keepdims=True)


def check_sample_weight(given: Any, n: int) -> np.ndarray:
    """Return what each of ``n`` windows counts.

    Raises
    ------
    BiotransferError
        For another number of them, a negative one, NaN, or nothing that counts.
    """
    wanted = (
        f"Expected {n} numbers of 0 or more, one for each window. Type sample_weight=None to leave them out."
    )
    try:
        weights = np.asarray(given, dtype=np.float64)
    except (TypeError, ValueError) as error:
        raise BiotransferError(f"sample_weight, {a_kind(given)}, holds no numbers. {wanted}") from error
    check(weights.shape == (n,), f"sample_weight has the shape {weights.shape}. {wanted}")
    fine = bool(np.isfinite(weights).all() and (weights >= 0).all())
    check(fine, f"sample_weight runs from {weights.min()} to {weights.max()}. {wanted}")
    check(weights.any(), f"every sample_weight is zero: nothing would count. {wanted}")
    return weights


def by_class(class_weight: Any, classes: np.ndarray, y: np.ndarray) -> np.ndarray | None:
    """Return what each window counts by a weight for each class, as scikit-learn takes it.

    Parameters
    ----------
    class_weight : None, "balanced", or mapping of label to float
        Classes that a mapping leaves out count 1.
    classes : ndarray, shape (n_classes,)
        Labels, in order.
    y : ndarray, shape (n_windows,), int64
        Index into ``classes``.

    Raises
    ------
    BiotransferError
        For anything else, a label that there is not, or a weight that is no number of 0 or more.
    """
    if class_weight is None or (isinstance(class_weight, str) and class_weight == "none"):
        return None
    if isinstance(class_weight, str) and class_weight == "balanced":
        return balanced(y)
    check(
        isinstance(class_weight, Mapping),
        f"class_weight={class_weight!r} is neither None, 'balanced' nor a mapping of label to number. "
        "Type class_weight='balanced'.",
    )
    labels = [str(label) for label in classes]
    each = np.ones(len(labels))
    for label, value in class_weight.items():
        check(
            str(label) in labels,
            f"class_weight names {label!r}, which y does not hold.{did_you_mean(label, labels)} It holds "
            f"{', '.join(labels)}.",
        )
        number = isinstance(value, (int, float, np.number)) and not isinstance(value, bool)
        check(
            number and np.isfinite(value) and value >= 0,
            f"class_weight[{label!r}]={value!r}. Expected a number of 0 or more.",
        )
        each[labels.index(str(label))] = float(value)
    return check_sample_weight(each[y], len(y))
