"""Two finished studies side by side: what differs in recipe, data, code and results, claim by claim."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from ..errors import check_is
from ..results import Direction, Results, load_results
from ..showing import html_rows, one_line
from ..signals.splits import ALL, budget_label
from .metrics import STUDY_KEYS
from .pooling.parts import data_set_of
from .reading import (
    arm_label,
    compared,
    data_label,
    direction_label,
    is_share,
    judged_arms,
    metric_limits,
    network_label,
    outcome_label,
    p_label,
    protocol_label,
)
from .stats import mean_interval, sign_flip_p
from .verdicts.comparison import comparisons_of

CLAIM = (*STUDY_KEYS, "arm")
"""What makes two claims the same."""
_CODE = ("git_commit", "python", "platform", "cpu", "blas", "device", "engine", "path")
_DATA = ("dataset", "n_subjects", "n_recordings", "n_windows", "classes", "sfreq", "ch_names", "window",
         "preprocessing_text", "features", "digest")  # fmt: skip
_ABSENT = "(not there)"
_LONGEST = 90


@dataclass(frozen=True)
class Difference:
    """One thing that differs.

    Parameters
    ----------
    where : {"recipe", "data", "code"}
        Of what.
    what : str
        Key of the recipe, side and fact, or library.
    first, second : str
        What it is in either study.
    """

    where: str
    what: str
    first: str
    second: str


@dataclass(frozen=True)
class ClaimPair:
    """One claim in both studies.

    Parameters
    ----------
    claim : dict
        Keys :data:`CLAIM`.
    first, second : dict or None
        Its row of verdicts; None where a study does not make it.
    shift : float or None
        Mean over the people of both of the second gain minus the first; None where fewer than two are in
        both, or the studies compare different metrics.
    low, high : float or None
        Its 95 % interval over these people.
    p : float or None
        Sign-flip test over them.
    n_shared : int
        How many they are.
    """

    claim: Mapping[str, str]
    first: Mapping[str, Any] | None
    second: Mapping[str, Any] | None
    shift: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    n_shared: int = 0

    @property
    def label(self) -> str:
        """The claim in words."""
        words = [
            direction_label(Direction.read(self.claim["direction"])),
            network_label(self.claim["network"], self.claim["variant"]),
            f"tested on {protocol_label(self.claim['protocol'])}",
        ]
        if self.claim["budget"] != ALL:
            words.append(budget_label(self.claim["budget"]))
        return ", ".join([*words, arm_label(self.claim["arm"])])

    @property
    def change(self) -> str:
        """What became of the verdict."""
        if self.first is None or self.second is None:
            return f"only in the {'second' if self.first is None else 'first'} study"
        before, after = outcome_label(self.first), outcome_label(self.second)
        return f"both {before}" if before == after else f"{before}, then {after}"

    @property
    def shift_label(self) -> str:
        """The shift with its interval and p."""
        if self.shift is None:
            return "no people in common" if self.n_shared < 2 else "another metric"
        scale = 100 if is_share(str((self.first or {})["metric"])) else 1
        ends = (
            ""
            if self.low is None or self.high is None
            else (f" ({scale * self.low:+.1f} to {scale * self.high:+.1f})")
        )
        return f"{scale * self.shift:+.1f}{ends}, {self.n_shared} people, p {p_label(self.p)}"


@dataclass(frozen=True, eq=False)
class SideBySide:
    """What differs between two studies.

    Parameters
    ----------
    names : tuple of str
        Of the studies.
    titles : tuple of str
        Of their recipes.
    differences : list of Difference
        In recipe, data and code.
    pairs : list of ClaimPair
        Claims of either.
    """

    names: tuple[str, str]
    titles: tuple[str, str]
    differences: list[Difference]
    pairs: list[ClaimPair]

    def of(self, where: str) -> list[Difference]:
        """Return the differences of one kind."""
        return [one for one in self.differences if one.where == where]

    @property
    def answer(self) -> str:
        """How many claims both make, and how many of them came to another verdict."""
        both = [pair for pair in self.pairs if pair.first is not None and pair.second is not None]
        changed = sum(not pair.change.startswith("both") for pair in both)
        said = f"{changed} of {len(both)} claims that both make came to another verdict"
        if not both:
            said = "no claim is made by both"
        for place, missing in (("first", "second"), ("second", "first")):
            n = sum(getattr(pair, missing) is None for pair in self.pairs)
            said += f"; {n} only in the {place}" if n else ""
        return f"{said[0].upper()}{said[1:]}."

    def lines(self) -> list[str]:
        """Return everything as text."""
        said = [
            f"first:  {self.names[0]}  ({self.titles[0]})",
            f"second: {self.names[1]}  ({self.titles[1]})",
        ]
        for where in ("recipe", "data", "code"):
            found = self.of(where)
            said.append(f"\n{where}: {'the same' if not found else f'{len(found)} differ'}")
            said += [f"  {one.what}: {_cut(one.first)} -> {_cut(one.second)}" for one in found]
        said.append(f"\nresults: {self.answer}")
        for pair in self.pairs:
            said.append(f"  {pair.label}: {_gain(pair.first)} -> {_gain(pair.second)}; {pair.change}")
            if pair.first is not None and pair.second is not None:
                said.append(f"    second minus first, same people: {pair.shift_label}")
        said.append("Two verdicts that differ are no evidence that the gains do: read the shift.")
        return said

    def plain(self) -> dict[str, Any]:
        """Return everything as plain values, for JSON."""
        return {
            "studies": [{"name": n, "title": t} for n, t in zip(self.names, self.titles, strict=True)],
            "differences": [vars(one) for one in self.differences],
            "claims": [
                {
                    **pair.claim,
                    "first": None if pair.first is None else dict(pair.first),
                    "second": None if pair.second is None else dict(pair.second),
                    "shift": pair.shift, "shift_low": pair.low, "shift_high": pair.high,
                    "shift_p": pair.p, "n_shared": pair.n_shared, "change": pair.change,
                }
                for pair in self.pairs
            ],
        }  # fmt: skip

    def __repr__(self) -> str:
        what = f"{len(self.differences)} differences; {self.answer}"
        return one_line(f"SideBySide {self.names[0]} and {self.names[1]}: {what}")

    def _repr_html_(self) -> str:
        rows = [(one.where, one.what, _cut(one.first), _cut(one.second)) for one in self.differences]
        claims = [
            (pair.label, _gain(pair.first), _gain(pair.second), pair.shift_label, pair.change)
            for pair in self.pairs
        ]
        return html_rows(("claim", "first", "second", "second minus first", "verdict"), claims) + html_rows(
            ("where", "what", "first", "second"), rows
        )


def _cut(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 4]} ..."


def _gain(row: Mapping[str, Any] | None) -> str:
    if row is None:
        return "–"
    scale = 100 if is_share(row["metric"]) else 1
    return f"{scale * row['difference']:+.1f}"


def compare_studies(first: str | Path | Results, second: str | Path | Results) -> SideBySide:
    """Say what differs between two finished studies.

    Parameters
    ----------
    first, second : path or Results
        Study folders, or what :func:`.load_results` gives.

    Returns
    -------
    SideBySide
        Recipe keys, facts of the data, code and libraries that differ; and of every claim both gains, what
        became of the verdict, and, over the people whom both tested with the same metric, the second gain
        minus the first with its 95 % interval and sign-flip p.

    Raises
    ------
    BiotransferError
        When a folder holds no finished study.

    Notes
    -----
    A verdict that is positive in one study and inconclusive in the other is no evidence that their gains
    differ: that is what the shift tests (Gelman & Stern 2006, doi:10.1198/000313006X152649).
    """
    names: list[str] = []
    studies: list[Results] = []
    for place, given in (("first", first), ("second", second)):
        check_is(place, given, (str, Path, Results), "Pass a study folder, or load_results(folder).")
        studies.append(given if isinstance(given, Results) else load_results(given))
        names.append(place if isinstance(given, Results) else str(given))
    a, b = studies
    return SideBySide(
        (names[0], names[1]),
        (str(a.recipe.get("title", "")), str(b.recipe.get("title", ""))),
        [*_recipes(a, b), *_data(a, b), *_code(a, b)],
        _pairs(a, b),
    )


def _flat(value: Any, name: str = "") -> Iterator[tuple[str, str]]:
    """Yield the leaves of a recipe by their dotted keys."""
    if isinstance(value, Mapping) and value:
        for key, inner in value.items():
            yield from _flat(inner, f"{name}.{key}" if name else str(key))
    elif isinstance(value, list) and any(isinstance(item, Mapping) for item in value):
        for i, inner in enumerate(value):
            own = inner.get("label") or inner.get("name") or i if isinstance(inner, Mapping) else i
            yield from _flat(inner, f"{name}.{own}")
    else:
        yield name, _typed(value)


def _typed(value: Any) -> str:
    """Write a value as a recipe does."""
    if value is None:
        return "null"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _differ(where: str, a: Mapping[str, str], b: Mapping[str, str]) -> list[Difference]:
    return [
        Difference(where, key, a.get(key, _ABSENT), b.get(key, _ABSENT))
        for key in dict.fromkeys([*a, *b])
        if a.get(key, _ABSENT) != b.get(key, _ABSENT)
    ]


def _recipes(a: Results, b: Results) -> list[Difference]:
    return _differ("recipe", dict(_flat(a.recipe)), dict(_flat(b.recipe)))


def _data(a: Results, b: Results) -> list[Difference]:
    facts = [
        {
            f"{data_label(name)}: {fact.replace('_', ' ')}": str(side.get(fact))
            for name, side in results.data.items()
            for fact in _DATA
        }
        for results in (a, b)
    ]
    return _differ("data", *facts)


def _code(a: Results, b: Results) -> list[Difference]:
    facts = []
    for results in (a, b):
        said = results.provenance
        versions = {f"version of {name}": str(v) for name, v in (said.get("versions") or {}).items()}
        facts.append({**versions, **{key.replace("_", " "): str(said.get(key, "")) for key in _CODE}})
    return _differ("code", *facts)


def _claims(results: Results) -> dict[tuple[str, ...], Mapping[str, Any]]:
    return {
        tuple(str(row[key]) for key in CLAIM): row
        for row in results.verdict_list
        if row["verdict"] is not None
    }


def _gains(results: Results) -> dict[tuple[str, ...], pd.Series]:
    """Return of every claim the gain of each person, seeds averaged."""
    found: dict[tuple[str, ...], pd.Series] = {}
    for one in comparisons_of(results.curves, compared(results), **judged_arms(results)):
        owner = data_set_of(results, one.direction.target)
        key = (str(one.direction), one.network, one.variant, one.protocol, one.budget, one.arm)
        index = [(owner, person) for person in one.people]
        found[key] = pd.Series(one.differences.mean(axis=1), index=pd.MultiIndex.from_tuples(index))
    return found


def _pairs(a: Results, b: Results) -> list[ClaimPair]:
    ours, theirs = _claims(a), _claims(b)
    gains = _gains(a), _gains(b)
    alike = compared(a).metric == compared(b).metric and compared(a).measure == compared(b).measure
    return [
        _pair(key, ours.get(key), theirs.get(key), gains[0].get(key), gains[1].get(key), alike)
        for key in dict.fromkeys([*ours, *theirs])
    ]


def _pair(
    key: tuple[str, ...],
    first: Mapping[str, Any] | None,
    second: Mapping[str, Any] | None,
    ours: pd.Series | None,
    theirs: pd.Series | None,
    alike: bool,
) -> ClaimPair:
    claim = dict(zip(CLAIM, key, strict=True))
    if ours is None or theirs is None or first is None or second is None:
        return ClaimPair(claim, first, second)
    shared = ours.index.intersection(theirs.index)
    if len(shared) < 2 or not alike:
        return ClaimPair(claim, first, second, n_shared=len(shared))
    d = (theirs[shared] - ours[shared]).to_numpy(dtype=float)
    low, high = mean_interval(d, limits=metric_limits(str(first["metric"]), difference=True))
    known = low == low
    return ClaimPair(
        claim, first, second,
        shift=float(d.mean()), low=float(low) if known else None, high=float(high) if known else None,
        p=float(sign_flip_p(d)), n_shared=len(shared),
    )  # fmt: skip
