"""Every person once: who is who in several studies, and what one data set says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from ...results import Results
from ..stats import SHARE_DIFFERENCES, crossed_test, mean_interval
from .parts import Part, Person, data_set_of

SMALLEST_ERROR = 1e-4
"""Standard error of a data set whose people do not differ at all: a hundredth of a point."""


class Mean(NamedTuple):
    """Mean difference of one data set, its error and 95 % interval, its people and seeds in all studies."""

    mean: float
    error: float
    low: float | None
    high: float | None
    n_people: int
    n_seeds: int


def same_person(studies: Mapping[str, Results]) -> dict[Person, Person]:
    """Return whom else a person is, where recipes declare it: the one of the data set first by name.

    Parameters
    ----------
    studies : mapping of str to Results
        By name. Their ``same_people`` name groups of side/person who are one.

    Returns
    -------
    dict of Person to Person
        Only people who stand for another.
    """
    first: dict[Person, Person] = {}

    def root(person: Person) -> Person:
        while person in first:
            person = first[person]
        return person

    for results in studies.values():
        for group in results.recipe.get("same_people") or ():
            named = [name.split("/", 1) for name in group]
            roots = sorted({root(Person(data_set_of(results, side), who)) for side, who in named})
            first.update(dict.fromkeys(roots[1:], roots[0]))
    return {person: root(person) for person in first}


def counted_once(parts: Sequence[Part], same: Mapping[Person, Person]) -> tuple[list[Part], list[str]]:
    """Leave people out of a data set who are counted in another, and say so.

    Parameters
    ----------
    parts : sequence of Part
        Of one place.
    same : mapping of Person to Person
        See :func:`same_person`.

    Returns
    -------
    parts : list of Part
        With the people who count there.
    notes : list of str
        Who was left out where, and who is in several studies.
    """
    everyone = {person for part in parts for values in part.values.values() for person in values.index}
    moved = {person: one for person, one in same.items() if person in everyone and one in everyone}
    notes = [
        f"{person.subject} of {person.data_set} is {one.subject} of {one.data_set}, and counts there"
        for person, one in sorted(moved.items())
    ]
    kept = [
        Part(
            **{
                **vars(part),
                "values": {
                    arm: values.loc[[who not in moved for who in values.index]]
                    for arm, values in part.values.items()
                },
            }
        )
        for part in parts
    ]
    kept = [part for part in kept if all(len(values) for values in part.values.values())]
    where: dict[Person, set[str]] = {}
    for part in kept:
        for person in {person for values in part.values.values() for person in values.index}:
            where.setdefault(person, set()).add(f"{part.study}, {part.direction}")
    shared: dict[tuple[str, tuple[str, ...]], int] = {}
    for person, places in where.items():
        if len(places) > 1:
            key = person.data_set, tuple(sorted(places))
            shared[key] = shared.get(key, 0) + 1
    notes += [
        f"{number} people of {data_set} are in {len(places)} comparisons ({'; '.join(places)}): each counts "
        "once, with the mean of these"
        for (data_set, places), number in sorted(shared.items())
    ]
    return kept, notes


def mean_of(tables: Sequence[pd.DataFrame]) -> Mean | None:
    """Average the differences of one data set: seeds inside studies, studies inside people, then people.

    Parameters
    ----------
    tables : sequence of DataFrame
        One per comparison that tested people of this data set; one row per Person, one column per seed.

    Returns
    -------
    Mean or None
        None for a single person, who has no standard error.

    Notes
    -----
    The squared error is the variance of people's means over their number, plus the square of what the luck of
    the seeds adds (:func:`.crossed_test`): their deviation over the root of their number, times the share of
    that comparison in the mean, added up before it is squared, since comparisons may share a baseline. With
    one comparison that is the error of :func:`.crossed_test`, and the interval is that of
    :func:`.mean_interval`; with several it is that of the t test over people with this error.
    """
    from scipy.special import stdtrit

    tables = [table for table in tables if len(table)]
    by_person = pd.concat([table.mean(axis=1).rename(i) for i, table in enumerate(tables)], axis=1)
    people = np.round(by_person.mean(axis=1).to_numpy(float), 12)
    if len(people) < 2:
        return None
    given = by_person.notna().to_numpy()
    shares = (given / given.sum(axis=1, keepdims=True)).mean(axis=0)
    luck = [
        float(crossed_test(table.to_numpy(float)).seeds) / table.shape[1] ** 0.5
        if min(table.shape) > 1
        else 0.0
        for table in tables
    ]
    variance = float(people.var(ddof=1)) / len(people) + float(shares @ np.array(luck)) ** 2
    mean, error = float(people.mean()), max(float(np.sqrt(variance)), SMALLEST_ERROR)
    reach = float(stdtrit(len(people) - 1, 0.975)) * error
    low, high = mean - reach, mean + reach
    if len(tables) == 1:
        low, high = mean_interval(tables[0].to_numpy(float), limits=SHARE_DIFFERENCES)
    known = bool(np.isfinite([low, high]).all()) and high - low <= 2
    n_seeds = sum(table.shape[1] for table in tables)
    if not known:
        return Mean(mean, error, None, None, len(people), n_seeds)
    return Mean(mean, error, float(low), float(high), len(people), n_seeds)
