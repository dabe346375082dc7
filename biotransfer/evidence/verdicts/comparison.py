"""Curves in, verdicts out."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from ...errors import check, check_option
from ...results import Direction
from ...signals.splits import ALL, SPLITS, budget_label
from ...transfer.carry import ROLES, ArmRequest, Contest, contests, read_label, resolve_arms
from ..divergence import count_diverged, say_diverged
from ..metrics import STUDY_KEYS, Compare, join_tables, measure_curves
from ..reading import metric_limits, network_label, place_label
from ..stats import (
    Design,
    Estimate,
    Parts,
    crossed_test,
    detectable_gain,
    difference_p,
    mean_interval,
    people_needed,
    sign_flip_p,
)
from .obstacles import source_obstacles, target_obstacle
from .rule import Claim, Decision, decide
from .wording import write_sentence


@dataclass(frozen=True)
class Known:
    """What is known of an arm: role, subject of its sentence, contest, and whether a source teaches it."""

    role: str
    phrase: str
    contest: Contest
    learns_from_source: bool = True


@dataclass(frozen=True, eq=False)
class _Comparison:
    """One arm of one direction, condition and budget beside the arm it is compared with."""

    direction: Direction
    network: str
    variant: str
    protocol: str
    budget: str
    arm: str
    known: Known
    values: dict[str, np.ndarray]
    obstacles: tuple[str, ...]
    people: tuple[str, ...] = ()
    diverged: Mapping[str, int] = field(default_factory=dict)

    @property
    def against(self) -> str:
        return self.known.contest.against

    @property
    def controls(self) -> list[str]:
        return [name for name in self.known.contest.controls if name in self.values]

    @property
    def is_claim(self) -> bool:
        return self.known.role == "transfer"

    def over(self, other: str, arm: str | None = None) -> np.ndarray:
        """Return an arm minus another, shape (n_people, n_seeds)."""
        return np.round(self.values[arm or self.arm] - self.values[other], 12)

    @property
    def differences(self) -> np.ndarray:
        return self.over(self.against)

    @property
    def assay(self) -> np.ndarray | None:
        """Positive control minus the same baseline; where it is the arm itself, the arm's own gain."""
        name = self.known.contest.positive_control
        return self.over(self.against, name) if name in self.values else None

    @property
    def claim(self) -> Claim:
        rests_on = [self.arm, self.against, *self.controls, self.known.contest.positive_control or ""]
        return Claim(
            self.differences,
            [self.over(name) for name in self.controls],
            self.assay,
            self.obstacles,
            say_diverged(self.diverged, rests_on),
        )

    @property
    def spread(self) -> float:
        """Standard deviation between people that gives the mean its standard error, the seeds' luck in it."""
        d = self.differences
        if d.shape[1] == 1:
            return float(d.mean(1).std(ddof=1))
        return float(crossed_test(d).error * np.sqrt(len(d)))


def _comparisons(
    table: pd.DataFrame,
    asked: Compare,
    known: Mapping[str, Known],
    chance: Mapping[str, float],
    sources: pd.DataFrame | None,
    broken: Mapping[tuple[str, ...], Mapping[str, int]],
) -> Iterator[_Comparison]:
    """Yield every arm but its own baseline, in the order of the table."""
    weak = source_obstacles(sources)
    for keys, group in table.groupby(STUDY_KEYS, sort=False):
        direction, network, variant, protocol, budget = map(str, keys)
        where = place_label(direction, network, variant, protocol)
        values: dict[str, np.ndarray] = {}
        people: tuple[str, ...] = ()
        for arm in group["arm"].drop_duplicates():
            wide = group[group["arm"] == arm].pivot(index="subject", columns="seed", values=asked.measure)
            check(
                len(wide) >= 2,
                f"{where} was tested on one person, {wide.index[0]!r}. "
                "A comparison over people needs at least two. Load more subjects.",
            )
            check(
                not wide.isna().any(axis=None),
                f"{where}, arm {arm!r}: not every person has every seed. "
                "Expected the same seeds for all people. Finish the study first.",
            )
            values[str(arm)], people = wide.to_numpy(float), tuple(map(str, wide.index))
        ends = Direction.read(direction)
        chances = target_obstacle(list(values.values()), chance.get(ends.target), asked.alpha)
        chance_source = weak.get((direction, network, variant), "")
        lost = broken.get((direction, network, variant, protocol, budget), {})
        for arm in values:
            if arm != known[arm].contest.against:
                told = [chance_source if known[arm].learns_from_source else "", chances]
                yield _Comparison(
                    ends, network, variant, protocol, budget, arm, known[arm], values,
                    tuple(filter(None, told)), people, lost,
                )  # fmt: skip


def comparisons_of(
    curves: Any,
    asked: Compare,
    *,
    arms: Iterable[str | Mapping[str, Any] | ArmRequest] | None = None,
    chance: Mapping[str, float] | None = None,
    roles: Mapping[str, str] | None = None,
    sources: pd.DataFrame | None = None,
) -> list[_Comparison]:
    """Return every arm beside its own baseline, as :func:`compare` takes the arguments."""
    table, labels, broken = _table(curves, asked, 3, sources)
    known = know_arms(labels, arms, asked.against, roles)
    return list(_comparisons(table, asked, known, chance or {}, sources, broken))


def judge(comparisons: Sequence[_Comparison], asked: Compare, seed: int) -> list[Decision | None]:
    """Decide on one measure; a family is all claims under one protocol. None where nothing is claimed."""
    judged: list[Decision | None] = [None] * len(comparisons)
    for protocol in dict.fromkeys(c.protocol for c in comparisons):
        mine = [i for i, c in enumerate(comparisons) if c.protocol == protocol and c.is_claim]
        decisions = decide(
            [comparisons[i].claim for i in mine], margin=asked.margin, alpha=asked.alpha, seed=seed
        )
        for i, decision in zip(mine, decisions, strict=True):
            judged[i] = decision
    return judged


def know_arms(
    labels: Sequence[str],
    arms: Iterable[str | Mapping[str, Any] | ArmRequest] | None,
    against: str,
    roles: Mapping[str, str] | None = None,
    phrases: Mapping[str, str] | None = None,
) -> dict[str, Known]:
    """Return what is known of every arm of a table of curves.

    Parameters
    ----------
    labels : sequence of str
        The arms of the table.
    arms : iterable of str or mapping, optional
        As in a recipe; arms that are not among them are read from their labels.
    against : str
        The arm that others are compared with.
    roles, phrases : mapping of str to str, optional
        Of arms whose label says nothing, or other ones than the catalog's.

    Raises
    ------
    BiotransferError
        When an arm's role is open.
    """
    requests = {request.label: request for request in resolve_arms(arms or ())}
    for label in labels:
        if label not in requests and (read := read_label(label)) is not None:
            requests[label] = read
    given = dict(roles or {})
    unknown = [label for label in labels if label not in requests and label not in given]
    check(
        not unknown,
        f"arm={', '.join(unknown)!r} is no name of the catalog, so its role is open. Expected one of "
        f"{', '.join(ROLES)}. Pass roles={dict.fromkeys(unknown, 'transfer')}.",
    )
    for label in labels:
        if label in given:
            check_option(f"roles[{label!r}]", given[label], ROLES)
    as_read = {
        label: request
        for label, request in requests.items()
        if label in labels and given.get(label, request.role) == request.role
    }
    contested = contests(list(as_read.values()), against)
    foreign = [label for label in labels if label not in as_read]
    controls = [label for label in foreign if given.get(label) == "control" and label != against]
    vouching = [label for label in foreign if given.get(label) == "positive_control"]
    out = {}
    for label in labels:
        request = requests.get(label)
        role = given.get(label) or (request.role if request else "")
        contest = contested.get(label) or _contest_around(label, role, contested, against)
        if role == "transfer" and contest.against == against:
            usual = [a for a in as_read if as_read[a].role == "control" and not as_read[a].frozen]
            contest = Contest(
                against,
                (*(contest.controls if label in contested else usual), *controls),
                contest.positive_control or (vouching[0] if len(vouching) == 1 else None),
            )
        phrase = request.phrase if request and label not in foreign else ""
        taught = request is None or label in foreign or request.starts_from is not None
        out[label] = Known(role, (phrases or {}).get(label, phrase), contest, taught)
    return out


def _contest_around(label: str, role: str, contested: Mapping[str, Contest], against: str) -> Contest:
    """Return the contest of an arm that claims nothing: the baseline of the arm it stands beside."""
    for contest in contested.values():
        if label in contest.controls or label == contest.positive_control:
            return Contest(contest.against, (), None)
    return Contest(against, (), None)


def _table(
    curves: Any, asked: Compare, last: int, sources: pd.DataFrame | None
) -> tuple[pd.DataFrame, list[str], dict[tuple[str, ...], dict[str, int]]]:
    """Return what is compared, the arms, and the trainings that diverged."""
    curves = join_tables(curves)
    table = measure_curves(curves, against=asked.against, metric=asked.metric, last=last, each_seed=True)
    return table, [str(arm) for arm in curves["arm"].unique()], count_diverged(curves, sources)


def compare(
    curves: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    against: str = Compare.against,
    metric: str = Compare.metric,
    measure: str = Compare.measure,
    margin: float = Compare.margin,
    alpha: float = Compare.alpha,
    arms: Iterable[str | Mapping[str, Any] | ArmRequest] | None = None,
    roles: Mapping[str, str] | None = None,
    phrases: Mapping[str, str] | None = None,
    last: int = 3,
    seed: int = 0,
    leaking_protocols: Collection[str] | None = None,
    chance: Mapping[str, float] | None = None,
    sources: pd.DataFrame | None = None,
) -> list[dict[str, Any]]:
    """Give the verdict on every transfer arm, and the difference of every other one.

    Parameters
    ----------
    curves : DataFrame or sequence of DataFrame
        What ``Curves.to_frame`` gives, of every split; its columns are ``results.CURVES``.
    against, metric, measure, margin, alpha
        See :class:`.Compare`. Decide before looking at results.
    arms : iterable of str or mapping, optional
        As in a recipe; arms that are not among them are read from their names in ``curves``.
    roles : mapping of str to str, optional
        Role of arms whose name says nothing: baseline, transfer, control, reference or positive_control.
    phrases : mapping of str to str, optional
        What such an arm is, for the sentence.
    last : int
        Evaluations in the asymptote.
    seed : int
        Draws the sign patterns of more than 20 people.
    leaking_protocols : collection of str, optional
        Protocols whose training windows may be near copies of test windows; by default what the catalog says.
    chance : mapping of str to float, optional
        By target, what the best constant prediction reaches in ``metric``.
    sources : DataFrame, optional
        What the source networks know about strangers, see ``results.SOURCES``.

    Returns
    -------
    list of dict
        The keys of ``results.VERDICTS``, plain Python values without NaN. ``verdict`` and ``p_holm`` are None
        of an arm that claims no transfer. ``assay`` names the positive control, ``assay_gain`` to ``assay_p``
        say what it gained over the same baseline. ``detectable_difference`` and ``subjects_needed`` of claims
        are simulated with 95 % intervals (:func:`.detectable_gain`, :func:`.people_needed`), for this claim's
        controls and family. Intervals are None where they cannot be estimated.

    Raises
    ------
    BiotransferError
        On an unknown arm, role, metric or measure, unpaired arms, or a single person.

    Notes
    -----
    Rule: see :func:`decide`. Family of Holm: the transfer arms x directions x networks x budgets of one
    protocol whose number of people can reach significance. Splits that test the same person are averaged
    inside the person first; people and seeds are both a sample: more seeds or windows are no more people.
    A claim that rests on a training whose loss exploded (:func:`.diverged_trainings`, or a source network
    that did) is not assayable, whatever its numbers.
    What an arm is compared with follows from how it is carried, see :func:`.contests`: one that stays frozen
    has frozen random weights for its baseline and frozen shams for controls.
    """
    asked = Compare(against, metric, measure, margin, alpha)
    table, labels, broken = _table(curves, asked, last, sources)
    known = know_arms(labels, arms, against, roles, phrases)
    if leaking_protocols is None:
        leaking_protocols = {name for name, entry in SPLITS.items() if entry.facts["leaks"]}
    comparisons = list(_comparisons(table, asked, known, chance or {}, sources, broken))
    several_networks = len(table[["network", "variant"]].drop_duplicates()) > 1
    several_protocols = table["protocol"].nunique() > 1
    rows = []
    for comparison, decision in zip(comparisons, judge(comparisons, asked, seed), strict=True):
        where = [network_label(comparison.network, comparison.variant)] if several_networks else []
        where += [comparison.protocol] if several_protocols else []
        where += [budget_label(comparison.budget)] if comparison.budget != ALL else []
        row = _row(comparison, decision, asked, seed)
        row["preregistration"] = None
        row["sentence"] = write_sentence(
            row,
            decision,
            measure=measure,
            alpha=alpha,
            where=where,
            leaks=comparison.protocol in leaking_protocols,
            phrase=comparison.known.phrase,
        )
        rows.append(row)
    return rows


def _interval(d: np.ndarray, metric: str) -> tuple[float | None, float | None]:
    low, high = mean_interval(d, limits=metric_limits(metric, difference=True))
    return (float(low), float(high)) if np.isfinite([low, high]).all() else (None, None)


def _row(comparison: _Comparison, decision: Decision | None, asked: Compare, seed: int) -> dict[str, Any]:
    """Return the keys of ``results.VERDICTS`` but the sentence."""
    d = comparison.differences
    spread, n_people = comparison.spread, len(d)
    low, high = _interval(d, asked.metric)
    found = needed = Estimate(None, None, None)
    if decision and not decision.exploratory:
        design = Design(n_people, d.shape[1], len(comparison.controls), decision.n_claims, alpha=asked.alpha)
        found = detectable_gain(design, Parts.of(d))
        needed = people_needed(asked.margin, design, Parts.of(d))
    row: dict[str, Any] = {
        "direction": str(comparison.direction),
        "source": comparison.direction.source,
        "target": comparison.direction.target,
        "network": comparison.network,
        "variant": comparison.variant,
        "protocol": comparison.protocol,
        "budget": comparison.budget,
        "arm": comparison.arm,
        "role": comparison.known.role,
        "against": comparison.against,
        "controls": comparison.controls if decision else [],
        "metric": asked.metric,
        "n_subjects": n_people,
        "n_seeds": d.shape[1],
        "difference": float(np.round(d.mean(1), 12).mean()),
        "ci_low": low,
        "ci_high": high,
        "p": decision.p if decision else difference_p(d, seed=seed),
        "p_claim": decision.p_claim if decision else None,
        "p_holm": decision.p_holm if decision else None,
        "margin": float(asked.margin),
        "verdict": decision.verdict if decision else None,
        "shared": decision.shared
        if decision and decision.verdict == "negative" and decision.rivals
        else None,
        "assay": None,
        "assay_gain": None,
        "assay_low": None,
        "assay_high": None,
        "assay_p": None,
        "obstacle": "; ".join(decision.obstacles) or None if decision else None,
        "detectable_difference": found.value,
        "detectable_low": found.low,
        "detectable_high": found.high,
        "spread": spread,
        "seed_share": crossed_test(d).share if d.shape[1] > 1 else None,
        "subjects_needed": needed.value,
        "subjects_low": needed.low,
        "subjects_high": needed.high,
        "p_people": decision.p_people if decision else sign_flip_p(np.round(d.mean(1), 12), seed=seed),
    }
    if decision and decision.assay and comparison.assay is not None:
        ends = _interval(comparison.assay, asked.metric)
        row |= {"assay": comparison.known.contest.positive_control, "assay_gain": decision.assay.gain,
                "assay_low": ends[0], "assay_high": ends[1], "assay_p": decision.assay.p}  # fmt: skip
    return row


def compare_measures(
    curves: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    against: str = Compare.against,
    metric: str = Compare.metric,
    measures: Sequence[str] = ("step0", "after_epoch_1", "asymptote", "area"),
    margin: float = Compare.margin,
    alpha: float = Compare.alpha,
    arms: Iterable[str | Mapping[str, Any] | ArmRequest] | None = None,
    roles: Mapping[str, str] | None = None,
    last: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare every arm on several measures of the curve, for the report's table.

    Parameters
    ----------
    curves : DataFrame
        See ``results.CURVES``.
    against, metric, margin, alpha, arms, roles, last, seed
        See :func:`compare`.
    measures : sequence of str
        Of ``metrics.MEASURES``.

    Returns
    -------
    DataFrame
        One row per direction, network, variant, protocol, budget, arm and measure: role, against, n_subjects,
        n_seeds, value and against_value (means over people), difference, ci_low, ci_high, p, p_holm,
        verdict. Holm runs over one protocol and one measure: only the measure chosen beforehand carries the
        study's verdict.

    Raises
    ------
    BiotransferError
        As :func:`compare`.
    """
    rows = []
    for measure in measures:
        asked = Compare(against, metric, measure, margin, alpha)
        table, labels, broken = _table(curves, asked, last, None)
        known = know_arms(labels, arms, against, roles)
        comparisons = list(_comparisons(table, asked, known, {}, None, broken))
        for comparison, decision in zip(comparisons, judge(comparisons, asked, seed), strict=True):
            whole = _row(comparison, decision, asked, seed)
            kept = ("direction", "network", "variant", "protocol", "budget", "arm", "role", "against",
                    "n_subjects", "n_seeds", "difference", "ci_low", "ci_high", "p", "p_holm",
                    "verdict")  # fmt: skip
            values = comparison.values
            rows.append(
                {
                    **{name: whole[name] for name in kept},
                    "measure": measure,
                    "value": float(values[comparison.arm].mean()),
                    "against_value": float(values[comparison.against].mean()),
                }
            )
    return pd.DataFrame(rows)
