"""People and recordings beside each other: who differs from the others in what should be the same for all."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeVar

import numpy as np

from ..recording import folded_name, natural_sorted
from .facts import Facts
from .finding import Finding, error, warning
from .order import order_findings

LOUDER = 10.0
OTHER_UNIT = 100.0
HIGHEST = {"eeg": 500.0, "emg": 1000.0}
"""In uV, by modality: a median amplitude above is no usual recording."""
_SPREADS = 5.0
_MAD = 1.4826
_MOST_NAMED = 6
Value = TypeVar("Value")


def people_findings(facts: Sequence[Facts]) -> Iterator[Finding]:
    """Yield who differs from the others, by what is written down of every recording.

    Parameters
    ----------
    facts : sequence of Facts
        Of all recordings of one data set.

    Notes
    -----
    loudness: the median amplitude of a person, or of one of three recordings or more of a person, is 10 times
    above or below the median of the others, and 5 robust standard deviations of its logarithm; or 100 times,
    and 10 times away from any other. 100 times is taken for another unit. Of two people only their ratio is
    known. Source: own.
    """
    people: dict[str, list[Facts]] = {}
    for one in facts:
        people.setdefault(one.subject, []).append(one)
    people = {who: people[who] for who in natural_sorted(people)}
    yield from _loudness(people)
    yield from _amplitude(people)
    yield from _channels(facts)
    yield from order_findings(people)
    yield from _rates(facts)
    yield from _spelling(people)
    yield from _classes(people)
    yield from _sessions(people)


def _loudness(people: Mapping[str, Sequence[Facts]]) -> Iterator[Finding]:
    levels = {who: _level([_own(one) for one in own]) for who, own in people.items()}
    yield from _far("", {f"{who!r}": level for who, level in levels.items() if level > 0}, "people")
    for own in people.values():
        heard = {repr(one.uid): _own(one) for one in own if _own(one) > 0}
        if len(heard) > 2:
            yield from _far("", heard, f"recordings of {own[0].subject!r}")


def _amplitude(people: Mapping[str, Sequence[Facts]]) -> Iterator[Finding]:
    """Yield a set whose people are, on the median, louder than electrodes usually are."""
    levels = [_level([_own(one) for one in own]) for own in people.values()]
    level, modality = _level(levels), next(iter(people.values()))[0].modality if people else ""
    if level > HIGHEST.get(modality, np.inf):
        said = (
            f"the median amplitude of the people is {level:.3g} uV, where {modality.upper()} stays below "
            f"{HIGHEST[modality]:g} uV: look whether the unit is right (unit: uV)."
        )
        yield warning("unit", "", said, level)


def _own(one: Facts) -> float:
    return float(one.amplitudes[one.modality])


def _level(values: Sequence[float]) -> float:
    heard = [value for value in values if value > 0]
    return float(np.median(heard)) if heard else 0.0


def _far(where: str, levels: Mapping[str, float], whom: str) -> Iterator[Finding]:
    """Yield those whose level is far from the median of the others'."""
    names, logs = list(levels), np.log(list(levels.values()))
    pair = len(names) == 2
    for i, name in enumerate(names[:1] if pair else names):
        others = np.delete(logs, i)
        if not len(others):
            return
        spread = _MAD * float(np.median(np.abs(others - np.median(others))))
        away = float(logs[i] - np.median(others))
        alone = float(np.abs(others - logs[i]).min()) >= np.log(LOUDER)
        unlike = abs(away) >= max(np.log(LOUDER), _SPREADS * spread)
        if not unlike and not (alone and abs(away) >= np.log(OTHER_UNIT)):
            continue
        ratio = float(np.exp(abs(away)))
        rest = names[1] if pair else f"the median of the other {whom}"
        word = "louder" if away > 0 else "quieter"
        unit = (
            " as if in another unit: give each its own with unit=..., or scale it"
            if ratio >= OTHER_UNIT
            else " look whether gain, unit or electrodes differ"
        )
        said = f"{name} is {ratio:.3g} times {word} than {rest} ({levels[name]:.3g} uV):{unit}."
        make = error if ratio >= OTHER_UNIT else warning
        yield make("loudness", where, said, ratio)


def _channels(facts: Sequence[Facts]) -> Iterator[Finding]:
    usual = _most([one.ch_names for one in facts])
    for one in facts:
        if one.ch_names == usual:
            continue
        lacks = [name for name in usual if name not in one.ch_names]
        more = [name for name in one.ch_names if name not in usual]
        bad = [name for name in lacks if name in one.bads]
        parts = [
            f"{', '.join(names[:_MOST_NAMED])} {what}"
            for names, what in (
                (bad, "bad"),
                ([name for name in lacks if name not in bad], "missing"),
                (more, "in no other"),
            )
            if names
        ]
        said = "; ".join(parts) or f"another order, {', '.join(one.ch_names[:_MOST_NAMED])}"
        message = (
            f"{said}, where most recordings have {len(usual)} channels, {', '.join(usual[:_MOST_NAMED])}"
            f"{', ...' if len(usual) > _MOST_NAMED else ''}: all need the same channels in one order."
        )
        yield error("channels_differ", one.uid, message, float(len(lacks) + len(more)))


def _rates(facts: Sequence[Facts]) -> Iterator[Finding]:
    usual = _most([one.sfreq for one in facts])
    for one in facts:
        if one.sfreq != usual:
            message = (
                f"sampled at {one.sfreq:g} Hz, most recordings at {usual:g} Hz: resample all to one rate, "
                f"preprocess: {{preset: {one.modality}, sfreq: {min(one.sfreq, usual):g}}}."
            )
            yield warning("rates_differ", one.uid, message, one.sfreq)


def _spelling(people: Mapping[str, Sequence[Facts]]) -> Iterator[Finding]:
    """Labels that are no class but for case, blanks or dashes; classes of which that is the difference."""
    for who, own in people.items():
        classes = own[0].classes
        folded = {folded_name(name): name for name in classes}
        for label in natural_sorted({name for one in own for name in one.labels} - set(classes)):
            meant = folded.get(folded_name(label))
            if meant is not None:
                message = (
                    f"{who!r} has the label {label!r}, and the class is {meant!r}: {_rename(label, meant)}."
                )
                yield error("spelling", "", message)
    classes = next(iter(people.values()))[0].classes
    for i, one in enumerate(classes):
        for other in classes[:i]:
            if folded_name(one) == folded_name(other):
                message = f"the classes {other!r} and {one!r} differ in spelling only: {_rename(one, other)}."
                yield error("spelling", "", message)


def _rename(label: str, meant: str) -> str:
    return f"raw.annotations.rename({{{label!r}: {meant!r}}})"


def _classes(people: Mapping[str, Sequence[Facts]]) -> Iterator[Finding]:
    yield from class_findings(
        {who: _held(own) for who, own in people.items()}, next(iter(people.values()))[0].classes
    )


def class_findings(held: Mapping[str, set[str]], classes: Sequence[str]) -> Iterator[Finding]:
    """Yield who has one class only, or lacks some that others have.

    Parameters
    ----------
    held : mapping of str to set of str
        The classes of each person.
    classes : sequence of str
        All that are asked for.
    """
    classes = [name for name in classes if any(name in h for h in held.values())]
    if len(classes) < 2:
        return
    for who, names in held.items():
        lacking = [name for name in classes if name not in names]
        if not names:
            message = f"{who!r} has none of the classes: no label of {', '.join(classes)}."
            yield error("missing_class", "", message, 1.0)
        elif len(names) == 1:
            message = (
                f"{who!r} has one class only, {next(iter(names))}: nothing can be told apart in that person."
            )
            yield error("one_class", "", message)
        elif lacking:
            have = sum(all(name in other for name in lacking) for other in held.values())
            message = f"{who!r} lacks {', '.join(lacking)}, which {have} of {len(held)} people have."
            yield warning("missing_class", "", message, len(lacking) / len(classes))


def _held(own: Sequence[Facts]) -> set[str]:
    """Return the classes that have labelled signal."""
    return {name for one in own for name in one.classes if one.labels.get(name, (0, 0.0))[1] > 0}


def _sessions(people: Mapping[str, Sequence[Facts]]) -> Iterator[Finding]:
    """Whoever has two classes or more has none of them beside another on one day."""
    several, days = 0, 0
    for own in people.values():
        by_session: dict[tuple[str, str], set[str]] = {}
        for one in own:
            by_session.setdefault((one.session, one.day), set()).update(_held([one]))
        held = [classes for classes in by_session.values() if classes]
        if len(set().union(*held)) < 2:
            continue
        several += 1
        if any(len(classes) > 1 for classes in held):
            return
        days += len({day for _, day in by_session}) > 1
    if several:
        what = "day" if days == several else "session"
        message = (
            f"in all {several} people every class was recorded in a {what} of its own: electrodes, gain and "
            f"mood of the {what} tell the classes apart, whatever the signal does."
        )
        yield error("session_is_class", "", message, 1.0)


def _most(values: Sequence[Value]) -> Value:
    """Return the most frequent value, of several the first."""
    count: Callable[[Value], int] = list(values).count
    return max(dict.fromkeys(values), key=count)
