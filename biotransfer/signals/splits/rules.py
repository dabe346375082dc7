"""The rules: who trains, who tests.

Rules that let near copies of test windows into training exist because the field uses them; they are flagged
``leaks`` and every result made with them says so.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np

from ...errors import check
from ..windows import Windows, natural_sorted
from .split import NONE, Split

_MOST_COMBINATIONS = 500


def _held_out(
    groups: np.ndarray, train: np.ndarray, number: int, position: int, what: str
) -> tuple[np.ndarray, np.ndarray]:
    """Move ``number`` whole groups from ``train`` aside; which ones rotates with the fold's position."""
    if number == 0:
        return train, NONE
    names = natural_sorted(np.unique(groups[train]))
    check(
        len(names) > number,
        f"split: {what}={number} leaves nobody to train on: the fold has {len(names)} people or recordings "
        f"besides the test. Use {what}={max(len(names) - 1, 0)} or less.",
    )
    chosen = [names[(position + i) % len(names)] for i in range(number)]
    aside = np.isin(groups[train], chosen)
    return train[~aside], train[aside]


def _people(windows: Windows) -> list[str]:
    """Return everybody, two at least."""
    people = natural_sorted(np.unique(windows.metadata["subject"].to_numpy(dtype=str)))
    check(
        len(people) >= 2,
        f"split by subject: {windows.metadata['dataset'].iloc[0]!r} has one subject, {people}. "
        "At least two are needed. Use split: {by: recording} or load more subjects.",
    )
    return people


def _test_people(
    windows: Windows, rule: str, tests: Sequence[Sequence[str]], validation: int, donors: int
) -> list[Split]:
    """Return one split per group of people, everybody else on the training side."""
    groups = windows.metadata["subject"].to_numpy(dtype=str)
    splits = []
    for position, test_people in enumerate(tests):
        test = np.flatnonzero(np.isin(groups, test_people))
        train = np.flatnonzero(~np.isin(groups, test_people))
        train, aside = _held_out(groups, train, donors, position, "donors")
        train, watched = _held_out(groups, train, validation, position, "validation")
        name = "subject=" + "+".join(test_people)
        splits.append(Split(name, rule, train, test, watched, aside, apart="subject"))
    return splits


def by_subject(
    windows: Windows, *, folds: int | None = None, validation: int = 0, donors: int = 0, seed: int = 0
) -> list[Split]:
    """Test on people the network has never seen.

    Parameters
    ----------
    windows : Windows
        What to split.
    folds : int, 2 to 1000, optional
        Number of groups of people; leave one person out when not given.
    validation : int, 0 to 1000
        People kept out of training to watch the curve.
    donors : int, 0 to 1000
        People kept aside to train the same-modality source.
    seed : int, 0 or more
        Draws the groups of people when ``folds`` is given.

    Raises
    ------
    BiotransferError
        When there are fewer people than the rule needs.
    """
    people = _people(windows)
    if folds is None:
        tests = [[person] for person in people]
    else:
        check(
            2 <= folds <= len(people),
            f"split: folds={folds} with {len(people)} people. Expected 2 to {len(people)}.",
        )
        order = np.random.default_rng(seed).permutation(len(people))
        tests = [[people[i] for i in sorted(order[f::folds])] for f in range(folds)]
    return _test_people(windows, "subject", tests, validation, donors)


def by_subjects_out(
    windows: Windows,
    *,
    n: int = 2,
    folds: int | None = None,
    validation: int = 0,
    donors: int = 0,
    seed: int = 0,
) -> list[Split]:
    """Leave n people out at a time, in every combination or in a drawn number of them.

    A person is tested in several folds and averaged inside the person: the unit stays the person.

    Parameters
    ----------
    windows : Windows
        What to split.
    n : int, 1 to 1000
        People tested together.
    folds : int, 2 to 1000, optional
        Number of combinations, drawn so that everybody is tested about equally often; every combination
        when not given.
    validation : int, 0 to 1000
        People kept out of training to watch the curve.
    donors : int, 0 to 1000
        People kept aside to train the same-modality source.
    seed : int, 0 or more
        Draws the combinations when ``folds`` is given.

    Raises
    ------
    BiotransferError
        When there are fewer people than the rule needs, or more combinations than anybody wants to train.
    """
    people = _people(windows)
    check(
        1 <= n < len(people),
        f"split: n={n} people out of {len(people)}. Expected 1 to {len(people) - 1}.",
    )
    total = math.comb(len(people), n)
    if folds is None:
        check(
            total <= _MOST_COMBINATIONS,
            f"split: n={n} of {len(people)} people make {total} combinations. "
            f"Draw some of them: split: {{by: subjects_out, n: {n}, folds: {2 * len(people)}}}.",
        )
        chosen = list(combinations(range(len(people)), n))
    else:
        check(
            1 <= folds <= total,
            f"split: folds={folds}, and n={n} of {len(people)} people make {total} combinations. "
            f"Expected 1 to {total}.",
        )
        chosen = _draw_combinations(len(people), n, folds, seed)
    tests = [[people[i] for i in who] for who in chosen]
    return _test_people(windows, "subjects_out", tests, validation, donors)


def _draw_combinations(n_people: int, n: int, folds: int, seed: int) -> list[tuple[int, ...]]:
    """Draw different combinations, those tested least first; ties, and repeats that force it, by chance."""
    rng = np.random.default_rng(seed)
    times = np.zeros(n_people)
    drawn: dict[tuple[int, ...], None] = {}
    spread = 1.0
    while len(drawn) < folds:
        order = np.argsort(times + spread * rng.random(n_people), kind="stable")
        who = tuple(sorted(order[:n].tolist()))
        if who in drawn:
            spread += 0.02
            continue
        drawn[who] = None
        times[list(who)] += 1
        spread = 1.0
    return list(drawn)


def by_session(windows: Windows, *, test: Sequence[str] | None = None) -> list[Split]:
    """Test on sessions (days) never trained on, of people whose other sessions are in training.

    Parameters
    ----------
    windows : Windows
        What to split.
    test : sequence of str, optional
        Names of the sessions to test on, in one fold; every session in turn when not given.

    Raises
    ------
    BiotransferError
        When there is one session, an unknown one is named, or a person would be tested whose every session
        is held out.
    """
    sessions = windows.metadata["session"].to_numpy(dtype=str)
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    names = natural_sorted(set(sessions.tolist()))
    check(
        len(names) >= 2,
        f"split by session: {windows.metadata['dataset'].iloc[0]!r} was loaded with one session, {names}. "
        "At least two are needed. Load more with sessions: [...], or use split: {by: recording}.",
    )
    check(
        not isinstance(test, str), f"split by session: test={test!r} is text. Write a list: test: [{test}]."
    )
    unknown = [name for name in test or () if str(name) not in names]
    check(
        not unknown,
        f"split by session: test={unknown} of sessions {', '.join(names)}. Name some of these.",
    )
    splits = []
    for held in [[str(name) for name in test]] if test else [[name] for name in names]:
        out = np.isin(sessions, held)
        alone = natural_sorted(set(subjects[out]) - set(subjects[~out]))
        check(
            not alone,
            f"split by session: {', '.join(alone)} {'have' if len(alone) > 1 else 'has'} no session besides "
            f"{'+'.join(held)}. Leave them out with subjects: [...], or use split: {{by: subject}}.",
        )
        name = "session=" + "+".join(held)
        splits.append(Split(name, "session", np.flatnonzero(~out), np.flatnonzero(out), apart="session"))
    return splits


def by_recording(windows: Windows, *, folds: int = 2) -> list[Split]:
    """Test on other recordings of the same people: the i-th recording of each person and class is in fold i.

    Parameters
    ----------
    windows : Windows
        What to split.
    folds : int, 2 to 1000
        Number of folds; a person with fewer recordings of a class is missing from some tests.

    Raises
    ------
    BiotransferError
        When a class has a single recording, so that nothing could be trained on.
    """
    check(folds >= 2, f"split: folds={folds}. Expected 2 or more.")
    recordings = windows.metadata["recording"].to_numpy(dtype=str)
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    fold = np.empty(len(windows), dtype=np.int64)
    for subject in np.unique(subjects):
        for label in range(len(windows.classes)):
            mine = (subjects == subject) & (windows.y == label)
            for i, recording in enumerate(natural_sorted(np.unique(recordings[mine]))):
                fold[mine & (recordings == recording)] = i % folds
    shared = [r for r in np.unique(recordings) if len(np.unique(fold[recordings == r])) > 1]
    check(
        not shared,
        f"split by recording: {shared[:3]} hold several classes that fall into different folds. "
        "Use split: {by: block}."
        if shared
        else "",
    )
    rows = np.arange(len(windows))
    return [
        Split(f"recording={f + 1}", "recording", rows[fold != f], rows[fold == f], apart="recording")
        for f in range(folds)
        if np.any(fold == f)
    ]


def by_block(windows: Windows, *, folds: int = 5, gap: float = 1.0) -> list[Split]:
    """Test on a contiguous block of every recording, with a gap around it that nobody uses.

    Parameters
    ----------
    windows : Windows
        What to split.
    folds : int, 2 to 1000
        Blocks per recording.
    gap : float, 0 or more
        Seconds between training and test samples; windows that reach into the gap are dropped.
    """
    check(folds >= 2, f"split: folds={folds}. Expected 2 or more.")
    check(gap >= 0, f"split: gap={gap} s is negative. Expected 0 or more.")
    table = windows.metadata
    start, stop = table["start"].to_numpy(float), table["stop"].to_numpy(float)
    _, inverse = np.unique(table["recording"].to_numpy(dtype=str), return_inverse=True)
    middle = (start + stop) / 2
    fold = np.empty(len(windows), dtype=np.int64)
    for group in range(inverse.max() + 1):
        mine = np.flatnonzero(inverse == group)
        order = mine[np.argsort(middle[mine], kind="stable")]
        fold[order] = np.arange(len(order)) * folds // len(order)
    splits = []
    for f in range(folds):
        test = np.flatnonzero(fold == f)
        keep = fold != f
        for group in np.unique(inverse[test]):
            mine = test[inverse[test] == group]
            low, high = start[mine].min() - gap, stop[mine].max() + gap
            keep &= ~((inverse == group) & (stop > low) & (start < high))
        splits.append(Split(f"block={f + 1}", "block", np.flatnonzero(keep), test))
    return splits


def by_shuffled_windows(windows: Windows, *, folds: int = 10, seed: int = 0) -> list[Split]:
    """Shuffle all windows, as the field often does: near copies of test windows are trained on. It leaks.

    Parameters
    ----------
    windows : Windows
        What to split.
    folds : int, 2 to 1000
        Number of folds.
    seed : int, 0 or more
        Draws the shuffle.
    """
    check(2 <= folds <= len(windows), f"split: folds={folds}. Expected 2 to {len(windows)}.")
    order = np.random.default_rng(seed).permutation(len(windows))
    return [
        Split(
            f"fold={f + 1}",
            "shuffled_windows",
            np.sort(np.concatenate([order[g::folds] for g in range(folds) if g != f])),
            np.sort(order[f::folds]),
            leaks=True,
        )
        for f in range(folds)
    ]
