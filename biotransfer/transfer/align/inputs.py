"""The same number of inputs on both sides, which most alignments start from."""

from __future__ import annotations

import numpy as np

from ...errors import check, check_option
from ...signals.windows import Windows
from .matched import matched
from .methods import check_features, none, pca, top_k
from .transform import Transform

FIRST = ("top_k", "pca", "matched", "none")


def common_inputs(
    name: str, source: Windows, target: Windows, first: str, k: int
) -> tuple[Transform, Transform]:
    """Return what brings both sides to one number of inputs.

    Parameters
    ----------
    name : str
        Of the alignment, for messages.
    source, target : Windows
        Scaled features of training rows.
    first : {"top_k", "pca", "matched", "none"}
        How; with "none" both sides must have one number of features already.
    k : int
        How many inputs, for top_k and pca.

    Raises
    ------
    BiotransferError
        When that cannot be.
    """
    check_option(f"align {name}: first", first, FIRST)
    for windows in (source, target):
        check_features(name, windows)
    if first == "top_k":
        return top_k(source, target, k=k)
    if first == "pca":
        return pca(source, target, k=k)
    if first == "matched":
        return matched(source, target)
    check(
        source.shape == target.shape,
        f"align {name}: first='none' but the source has {source.shape[0]} features, the target "
        f"{target.shape[0]}. Use first: top_k, pca or matched, or align: gromov_wasserstein.",
    )
    return none(source, target)


def check_components(name: str, components: int, most: int, what: str) -> None:
    """Refuse more components than there can be."""
    check(
        1 <= components <= most,
        f"align {name}: components={components}, but {what} allow {most}. Use components: {most} or less.",
    )


def some_rows(n: int, most: int) -> np.ndarray:
    """Return at most ``most`` of ``n`` rows, evenly spaced."""
    return np.unique(np.linspace(0, n - 1, min(n, most)).round().astype(np.int64))
