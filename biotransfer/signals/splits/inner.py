"""Folds inside the training side, for every choice that is made by validation."""

from __future__ import annotations

import numpy as np

from ...errors import check, check_option
from ..windows import Windows, natural_sorted
from .checking import check_split
from .split import Split

UNITS = ("auto", "subject", "recording")


def inner_splits(
    windows: Windows, split: Split, *, folds: int = 3, by: str = "auto", seed: int = 0
) -> list[Split]:
    """Split the training rows of ``split`` again: what a choice may be made on.

    Parameters
    ----------
    windows : Windows
        What ``split`` splits.
    split : Split
        The outer fold; of its rows only ``train`` is used.
    folds : int
        Number of inner folds; fewer where there are fewer people.
    by : {"auto", "subject", "recording"}
        What stays whole. "auto" is the person, and the recording where one person is left to train on.
    seed : int
        Draws the groups.

    Returns
    -------
    list of Split
        Their ``test`` is the inner validation part; train and test are rows of ``split.train``.

    Raises
    ------
    BiotransferError
        When the training rows hold fewer than two people or recordings, or a fold would lack a class.
    """
    check_option("by", by, UNITS)
    check(folds >= 2, f"inner folds={folds}. Expected 2 or more.")
    train = np.asarray(split.train, dtype=np.int64)
    table, y = windows.metadata.iloc[train], windows.y[train]
    if by == "auto":
        by = "subject" if table["subject"].nunique() > 1 else "recording"
    labels = table[by].to_numpy(dtype=str)
    names = natural_sorted(np.unique(labels))
    check(
        len(names) >= 2,
        f"split {split.name}: its training part holds one {by}, {', '.join(names)}, so nothing can be kept "
        "inside it to choose by. Load more, or name one value instead of several.",
    )
    rng = np.random.default_rng(seed)
    fold = np.empty(len(train), dtype=np.int64)
    alike: dict[tuple[int, ...], list[str]] = {}
    for name in names:
        alike.setdefault(tuple(np.unique(y[labels == name]).tolist()), []).append(name)
    for members in alike.values():
        for position, i in enumerate(rng.permutation(len(members))):
            fold[labels == members[i]] = position % folds
    made: list[Split] = []
    for f in np.unique(fold):
        held = fold == f
        name = f"{split.name}/inner={len(made) + 1}"
        made.append(Split(name, "inner", train[~held], train[held], leaks=split.leaks, apart=by))
    for inner in made:
        check_split(windows, inner)
    return made
