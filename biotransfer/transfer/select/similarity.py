"""How alike people are: in which features their classes differ."""

from __future__ import annotations

import numpy as np

from ...errors import check
from ...signals.windows import Windows, natural_sorted

_AT_LEAST = 3


def describe_windows(windows: Windows) -> np.ndarray:
    """Return features, or the log power of each channel, shape (n_windows, n_columns), float64."""
    X = windows.X.astype(np.float64)
    return np.log(X.var(axis=2) + np.finfo(np.float64).tiny) if windows.is_signal else X


def separability(X: np.ndarray, y: np.ndarray) -> np.ndarray:
    """Share of each column's variance that lies between the classes (eta squared).

    Parameters
    ----------
    X : ndarray, shape (n_windows, n_columns)
        Windows of one person.
    y : ndarray of int, shape (n_windows,)
        Classes.

    Returns
    -------
    ndarray, shape (n_columns,)
        From 0 to 1; 0 for a constant.

    Examples
    --------
    >>> separability(np.array([[0.0, 1.0], [0.0, 2.0], [1.0, 1.0], [1.0, 2.0]]), np.array([0, 0, 1, 1]))
    array([1., 0.])
    """
    centered = X - X.mean(axis=0)
    total = (centered**2).sum(axis=0)
    between = np.zeros(X.shape[1])
    for label in np.unique(y):
        mine = centered[y == label]
        between += len(mine) * mine.mean(axis=0) ** 2
    return np.divide(between, total, out=np.zeros_like(total), where=total > 0)


def by_person(windows: Windows) -> dict[str, np.ndarray]:
    """Return the separability vector of every person."""
    X, subjects = describe_windows(windows), windows.metadata["subject"].to_numpy(dtype=str)
    return {
        str(person): separability(X[subjects == person], windows.y[subjects == person])
        for person in natural_sorted(np.unique(subjects))
    }


def rank_people(source: Windows, target: Windows) -> list[tuple[str, float]]:
    """Return the source's people with their similarity to the target, the most similar first.

    Parameters
    ----------
    source, target : Windows
        Aligned: column i of one stands for column i of the other.

    Raises
    ------
    BiotransferError
        When the two have no common columns, or too few to correlate.

    Notes
    -----
    Source: own, after Lin & Jung 2017, doi:10.3389/fnhum.2017.00334, who rank donors by how alike their
    features are; their criterion is not known in detail. Similarity is the correlation, over columns, of a
    person's separability (:func:`separability`) with the mean of the target's training people. A person or a
    target whose columns all separate alike has similarity 0.
    """
    check_columns(source, target)
    n_source = len(source.names)
    check(
        n_source >= _AT_LEAST,
        f"select correlates over columns, and these windows have {n_source}. Expected {_AT_LEAST} or more.",
    )
    wanted = np.mean(list(by_person(target).values()), axis=0)
    ranked = [(person, _correlation(vector, wanted)) for person, vector in by_person(source).items()]
    return sorted(ranked, key=lambda item: -item[1])


def check_columns(source: Windows, target: Windows) -> None:
    """Refuse sides that have no common columns.

    Raises
    ------
    BiotransferError
        With their numbers.
    """
    n_source, n_target = len(source.names), len(target.names)
    check(
        n_source == n_target and source.is_signal == target.is_signal,
        f"select compares the sides column by column, but the source's windows have {n_source} columns and "
        f"the target's {n_target}. Bring both to one shape, such as align: {{name: top_k, k: 64}}.",
    )


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    norm = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / norm if norm > 0 else 0.0
