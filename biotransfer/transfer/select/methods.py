"""Selections: a SelectProblem -> which people and classes of the source, and why."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import combinations

import numpy as np
import pandas as pd

from ...errors import check, did_you_mean
from .problem import Selection, SelectProblem, row
from .similarity import describe_windows, rank_people

_TIE = 1e-9


def choose(
    problem: SelectProblem,
    *,
    people: Iterable[str] | None = None,
    classes: Iterable[str] | None = None,
    scores: dict[str, float] | None = None,
    tried: Sequence[dict[str, object]] = (),
    transfer: dict[str, object] | None = None,
) -> Selection:
    """Return a selection; what is not given is everybody, every class, and yes.

    Parameters
    ----------
    problem : SelectProblem
        People and classes to choose from.
    people, classes : iterable of str, optional
        Chosen.
    scores : dict of str to float, optional
        Of every person, the best first.
    tried : sequence of dict
        Further rows of the table.
    transfer : dict, optional
        The row that says whether to transfer.
    """
    chosen = set(problem.people if people is None else people)
    kept = tuple(name for name in problem.source.classes if classes is None or name in set(classes))
    ranked = scores or dict.fromkeys(problem.people, np.nan)
    verdict = transfer or row("transfer", "yes", chosen=True, reason="asked for")
    rows = [
        *(row("person", name, score=score, chosen=name in chosen) for name, score in ranked.items()),
        *(row("class", name, chosen=name in kept) for name in problem.source.classes),
        *tried,
        verdict,
    ]
    ordered = tuple(name for name in ranked if name in chosen)
    return Selection(ordered, kept, bool(verdict["chosen"]), pd.DataFrame(rows))


def everyone(problem: SelectProblem) -> Selection:
    """Choose every person and class."""
    return choose(problem)


def most_similar(problem: SelectProblem, *, n: int = 3) -> Selection:
    """Choose the people of the source whose classes differ in the features in which the target's differ.

    Parameters
    ----------
    n : int, 1 to 100000
        How many people.

    Raises
    ------
    BiotransferError
        When the source has fewer, or source and target have no common columns.

    Notes
    -----
    Source: own criterion after Lin & Jung 2017, doi:10.3389/fnhum.2017.00334 (see ``rank_people``).
    """
    check(
        1 <= n <= len(problem.people),
        f"select most_similar: n={n}, but {len(problem.people)} people of the source train. "
        f"Expected 1 to {len(problem.people)}.",
    )
    ranked = rank_people(problem.source, problem.target)
    return choose(problem, people=[name for name, _ in ranked[:n]], scores=dict(ranked))


def conditional(problem: SelectProblem, *, sizes: Sequence[int] = (), gate: float = 1.0) -> Selection:
    """Add people of the source in the order of their similarity, as many as help; none unless they do.

    Every size is tried on folds inside the target's training rows: the source network is pretrained on the
    first n people, transferred, and compared with scratch on people kept out.

    Parameters
    ----------
    sizes : sequence of int, 1 to 100000
        Numbers of people to try; 1, 2, 4, ... and all when empty.
    gate : float, 0 or more
        Standard errors over the inner folds by which the best size must beat scratch; else nothing is
        transferred.

    Raises
    ------
    BiotransferError
        When no size can be tried, or source and target have no common columns.

    Notes
    -----
    Source: own criterion after Lin & Jung 2017, doi:10.3389/fnhum.2017.00334, who rank donors, choose their
    number by inner cross-validation and transfer only on condition. Scores are balanced accuracies after the
    last update. More people are more windows and, with equal epochs, more updates of the source network. The
    alignment was fitted to all training rows of the target, so inner folds share it.
    """
    check(gate >= 0, f"select conditional: gate={gate}. Expected 0 or more, such as 1.0.")
    total = len(problem.people)
    usual = [2**i for i in range(total.bit_length()) if 2**i < total]
    numbers = sorted(set(sizes) or {*usual, total})
    wrong = [n for n in numbers if not 1 <= n <= total]
    check(
        not wrong,
        f"select conditional: sizes={list(sizes)}, but {total} people of the source train. "
        f"Expected numbers from 1 to {total}.",
    )
    numbers = [n for n in numbers if n >= problem.at_least]
    check(
        numbers,
        f"select conditional: no size of {list(sizes)} reaches the {problem.at_least} people that the method "
        "of pretraining needs. Add a larger one.",
    )
    assert problem.gains is not None
    ranked = rank_people(problem.source, problem.target)
    order = [name for name, _ in ranked]
    gains = problem.gains([tuple(order[:n]) for n in numbers])
    mean = gains.mean(axis=1)
    error = gains.std(axis=1, ddof=1) / np.sqrt(gains.shape[1])
    best = int(np.argmax(mean))
    open_ = bool(mean[best] > gate * error[best] + _TIE)
    word = "above" if open_ else "not above"
    tried = [
        row("size", str(n), score=m, error=e, chosen=i == best)
        for i, (n, m, e) in enumerate(zip(numbers, mean, error, strict=True))
    ]
    verdict = row(
        "transfer",
        "yes" if open_ else "no",
        score=mean[best],
        error=error[best],
        chosen=open_,
        reason=f"inner gain of {100 * mean[best]:.1f} points with {numbers[best]} people, {word} {gate:g} "
        f"standard errors ({100 * gate * error[best]:.1f})",
    )
    return choose(problem, people=order[: numbers[best]], scores=dict(ranked), tried=tried, transfer=verdict)


def classes(problem: SelectProblem, *, classes: Sequence[str]) -> Selection:
    """Choose classes of the source by name.

    Parameters
    ----------
    classes : sequence of str
        Names; those that the source does not have belong to the other modality.

    Raises
    ------
    BiotransferError
        When fewer than two are the source's.
    """
    own = problem.source.classes
    kept = [name for name in own if name in classes]
    near = "".join(did_you_mean(name, own) for name in classes if name not in own)
    check(
        len(kept) >= 2,
        f"select classes: {len(kept)} of {list(classes)} are classes of the source ({', '.join(own)})."
        f"{near} Name two or more of them.",
    )
    return choose(problem, classes=kept)


def separable_classes(problem: SelectProblem, *, n: int = 2) -> Selection:
    """Choose the classes of the source that are farthest apart.

    Parameters
    ----------
    n : int, 1 to 100000
        How many classes.

    Raises
    ------
    BiotransferError
        When the source has fewer, or n is below 2.

    Notes
    -----
    Source: own. The distance of two classes is the squared difference of their means over their pooled
    variance, averaged over columns and over people who have both; of all sets of n classes the one whose
    nearest two are farthest apart is taken.
    """
    own = problem.source.classes
    check(
        2 <= n <= len(own),
        f"select separable_classes: n={n}, the source has {len(own)} classes. Expected 2 to {len(own)}.",
    )
    apart = class_distances(problem)
    best = max(
        combinations(range(len(own)), n), key=lambda s: min(apart[a, b] for a, b in combinations(s, 2))
    )
    tried = [
        row("pair", f"{own[a]} / {own[b]}", score=apart[a, b], chosen=a in best and b in best)
        for a, b in combinations(range(len(own)), 2)
    ]
    return choose(problem, classes=[own[i] for i in best], tried=tried)


def class_distances(problem: SelectProblem) -> np.ndarray:
    """Distance of every two classes of the source, shape (n_classes, n_classes)."""
    windows = problem.source
    X, subjects = describe_windows(windows), windows.metadata["subject"].to_numpy(dtype=str)
    n = len(windows.classes)
    apart = np.zeros((n, n))
    for a, b in combinations(range(n), 2):
        each = []
        for person in problem.people:
            one, two = (X[(subjects == person) & (windows.y == label)] for label in (a, b))
            if len(one) > 1 and len(two) > 1:
                pooled = (one.var(axis=0, ddof=1) + two.var(axis=0, ddof=1)) / 2
                squared = (one.mean(axis=0) - two.mean(axis=0)) ** 2
                each.append(np.divide(squared, pooled, out=np.zeros_like(pooled), where=pooled > 0).mean())
        apart[a, b] = apart[b, a] = np.mean(each) if each else 0.0
    return apart
