"""What every entrance for own recordings checks: one name each, labels, runs."""

from __future__ import annotations

from collections.abc import Sequence
from numbers import Real
from typing import Any

from ....errors import check
from ...plain import listed, name_of
from ...recording import Recording, check_class_names, plain_text


def one_each(argument: str, values: Any, n: int) -> list[str]:
    """Return ``n`` names: one given for all, or one for each.

    Parameters
    ----------
    argument : str
        Whose values they are, for the message.
    values : object
        One name, or a sequence of them.
    n : int
        How many are needed.

    Raises
    ------
    BiotransferError
        For none, another number of them, or what is no name.

    Examples
    --------
    >>> one_each("sessions", 1, 2)
    ['1', '1']
    """
    check(values is not None, f"{argument} is missing. Pass {argument}=[...], one for each of {n}.")
    if isinstance(values, (str, Real)):
        return [name_of(argument, values)] * n
    given = listed(argument, values)
    check(len(given) == n, f"{argument} has {len(given)} entries for {n} signals. Expected one each.")
    return [name_of(f"{argument}[{i}]", value) for i, value in enumerate(given)]


def number_runs(subjects: Sequence[str], sessions: Sequence[str]) -> list[str]:
    """Return runs 1, 2, ... within each subject and session."""
    counts: dict[tuple[str, str], int] = {}
    runs = []
    for key in zip(subjects, sessions, strict=True):
        counts[key] = counts.get(key, 0) + 1
        runs.append(str(counts[key]))
    return runs


def check_labels(classes: Any) -> tuple[str, ...]:
    """Return the classes as names, refused when they are no list or repeat."""
    wanted = "is no list of labels. Write classes=['rest', 'fist']."
    check(classes is not None and not isinstance(classes, str), f"classes={classes!r} {wanted}")
    given = listed("classes", classes)
    check(given, f"classes={classes!r} {wanted}")
    labels = tuple(plain_text(name_of(f"classes[{i}]", label)) for i, label in enumerate(given))
    check_class_names(labels)
    check(len(set(labels)) == len(labels), f"classes={list(labels)} names one twice. Name each once.")
    return labels


def check_unique(recordings: Sequence[Recording]) -> None:
    """Refuse recordings of which two have one name."""
    uids = [recording.uid for recording in recordings]
    twice = sorted({uid for uid in uids if uids.count(uid) > 1})
    check(
        not twice,
        f"{', '.join(twice)} names more than one recording. Expected one name each. "
        "Pass sessions=[...] or runs=[...] that tell them apart.",
    )
