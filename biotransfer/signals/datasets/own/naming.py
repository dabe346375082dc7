"""What every entrance for own recordings checks: one name each, labels, runs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from ....errors import check
from ...recording import Recording, check_class_names, plain_text


def one_each(name: str, values: Sequence[Any] | str | None, n: int) -> list[str]:
    """Return one name for each of ``n`` signals."""
    check(values is not None, f"{name} is missing. Pass {name}=[...], one for each of {n}.")
    assert values is not None
    if isinstance(values, str):
        return [values] * n
    check(len(values) == n, f"{name} has {len(values)} entries for {n} signals. Expected one each.")
    return [str(value) for value in values]


def number_runs(subjects: Sequence[str], sessions: Sequence[str]) -> list[str]:
    """Return runs 1, 2, ... within each subject and session."""
    counts: dict[tuple[str, str], int] = {}
    runs = []
    for key in zip(subjects, sessions, strict=True):
        counts[key] = counts.get(key, 0) + 1
        runs.append(str(counts[key]))
    return runs


def check_labels(classes: Sequence[str]) -> tuple[str, ...]:
    """Return the classes as names, refused when they are no list or repeat."""
    check(
        not isinstance(classes, str) and len(classes) > 0,
        f"classes={classes!r} is no list of labels. Write classes=['rest', 'fist'].",
    )
    labels = tuple(plain_text(str(label)) for label in classes)
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
