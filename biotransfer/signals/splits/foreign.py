"""Splits by other libraries: any scikit-learn splitter, any MOABB splitter; checked as our own are."""

from __future__ import annotations

import inspect
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from ...errors import BiotransferError, check, check_option
from ..plain import name_of
from ..windows import Windows
from .checking import check_split, check_windows
from .split import APART, Split

GROUPS = ("subject", "session", "recording", "run")


def _group_labels(windows: Windows, groups: str) -> np.ndarray:
    """Return one label per window; a session, recording or run is that of one person."""
    check_option("groups", groups, GROUPS)
    table = windows.metadata
    if groups == "subject":
        return table["subject"].to_numpy(dtype=str)
    if groups == "session":
        return (table["subject"].astype(str) + " " + table["session"].astype(str)).to_numpy(dtype=str)
    return table["recording" if groups == "recording" else "run"].to_numpy(dtype=str)


def splits_from(
    splitter: Any,
    windows: Windows,
    *,
    groups: str = "subject",
    apart: str | None = None,
    name: str | None = None,
    leaks: bool = False,
) -> list[Split]:
    """Return the splits that another library's splitter makes, each checked.

    Parameters
    ----------
    splitter : object
        Its ``split`` takes ``(X, y, groups)``, as every splitter of scikit-learn does, or ``(y, metadata)``,
        as the splitters of MOABB do; it yields row numbers of train and test.
    windows : Windows
        What to split.
    groups : {"subject", "session", "recording", "run"}
        What of the metadata is passed as ``groups``.
    apart : {"subject", "session", "recording", "sample"}, optional
        What test windows must not share with training, see :class:`Split`. By default the largest of these
        that is apart in every fold.
    name : str, optional
        The rule's name in tables; the splitter's class when not given.
    leaks : bool
        Accept near copies of test windows in training; the splits are flagged.

    Raises
    ------
    BiotransferError
        When the object has no such ``split``, or a fold shares a sample between training and test.

    Notes
    -----
    Source: the interfaces of scikit-learn (``BaseCrossValidator.split``) and of MOABB 1.2
    (``moabb.evaluations.splitters``).

    Examples
    --------
    >>> from sklearn.model_selection import LeaveOneGroupOut
    >>> from biotransfer.signals.simulate import simulate_pair
    >>> from biotransfer.signals.windows import cut_windows
    >>> windows = cut_windows(simulate_pair(n_subjects=2, seed=0)[0])
    >>> [split.apart for split in splits_from(LeaveOneGroupOut(), windows)]
    ['subject', 'subject']
    """
    check_windows(windows)
    if apart is not None:
        check_option("apart", apart, APART)
    if name is not None:
        name = name_of("name", name)
    method = getattr(splitter, "split", None)
    check(
        callable(method) and not isinstance(splitter, (str, type)),
        f"splitter={splitter!r} has no split(X, y, groups) or split(y, metadata). Expected an instance, such "
        "as sklearn.model_selection.GroupKFold(3).",
    )
    try:
        pairs = list(_call(splitter, windows, groups))
    except (ValueError, TypeError) as error:
        if isinstance(error, BiotransferError):
            raise
        raise BiotransferError(
            f"splitter={splitter!r} cannot split these {len(windows)} windows: {error}. Change its "
            "parameters, or groups."
        ) from error
    check(pairs, f"splitter={splitter!r} made no fold. Expected one at least. Change its parameters.")
    rule = name or type(splitter).__name__
    rows = [(np.asarray(train, np.int64), np.asarray(test, np.int64)) for train, test in pairs]
    apart = apart or _largest_apart(windows, rows)
    splits = [
        Split(f"fold={i + 1}", rule, np.sort(train), np.sort(test), leaks=leaks, apart=apart)
        for i, (train, test) in enumerate(rows)
    ]
    for split in splits:
        check_split(windows, split)
    return splits


def _call(splitter: Any, windows: Windows, groups: str) -> Any:
    labels = np.array(windows.classes)[windows.y]
    if "metadata" in inspect.signature(splitter.split).parameters:
        return splitter.split(labels, windows.metadata.reset_index(drop=True))
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", "The groups parameter is ignored")
        return list(splitter.split(np.zeros((len(windows), 1)), labels, _group_labels(windows, groups)))


def _largest_apart(windows: Windows, rows: Sequence[tuple[np.ndarray, np.ndarray]]) -> str:
    """Return the largest unit that no fold has on both sides."""
    for unit in ("subject", "session", "recording"):
        labels = _group_labels(windows, unit)
        if all(not set(labels[train]) & set(labels[test]) for train, test in rows):
            return unit
    return "sample"


def by_sklearn(
    windows: Windows,
    *,
    splitter: str = "GroupKFold",
    groups: str = "subject",
    options: Mapping[str, Any] | None = None,
) -> list[Split]:
    """Split by a class of ``sklearn.model_selection``; folds that share samples are refused.

    Parameters
    ----------
    windows : Windows
        What to split.
    splitter : str
        Name of the class, such as GroupShuffleSplit or StratifiedGroupKFold.
    groups : {"subject", "session", "recording", "run"}
        What of the metadata is passed as ``groups``.
    options : mapping, optional
        Arguments of the class, such as n_splits and random_state.

    Raises
    ------
    BiotransferError
        For an unknown class or argument, a class that draws without a random_state, or folds that leak.
    """
    import sklearn.model_selection as library

    known = [k for k, c in vars(library).items() if isinstance(c, type) and hasattr(c, "split")]
    check_option("split.splitter", splitter, known)
    made = getattr(library, splitter)
    accepted = inspect.signature(made).parameters
    given = dict(options or {})
    for key in given:
        check_option(f"split.options of {splitter}", key, list(accepted))
    draws = "random_state" in accepted and ("shuffle" not in accepted or given.get("shuffle"))
    check(
        not draws or isinstance(given.get("random_state"), int),
        f"split: {splitter} draws its folds but options has no random_state. Expected a whole number, so "
        "that the study can be repeated. Write options: {random_state: 0}.",
    )
    try:
        instance = made(**given)
    except (TypeError, ValueError) as error:
        raise BiotransferError(
            f"split: {splitter} does not take options={given}: {error}. Change the options."
        ) from error
    return splits_from(instance, windows, groups=groups, name="sklearn")
