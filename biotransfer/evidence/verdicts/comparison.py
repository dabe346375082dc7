"""Curves in, verdicts out."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from ...errors import check, check_option
from ...results import Direction
from ...signals.splits import ALL, SPLITS, budget_label
from ...transfer.carry import ARMS, resolve_arm
from ..metrics import STUDY_KEYS, Compare, join_tables, measure_curves
from ..reading import network_label, place_label
from ..stats import bootstrap_interval, crossed_test, detectable_difference, subjects_needed
from .rule import Decision, decide
from .wording import write_sentence

_HOPELESS = 200.0
ROLES = ("baseline", "transfer", "control", "positive_control", "reference")


@dataclass(frozen=True, eq=False)
class _Comparison:
    """One arm of one direction, condition and budget beside the arm it is compared with."""

    direction: Direction
    network: str
    variant: str
    protocol: str
    budget: str
    arm: str
    role: str
    n_seeds: int
    values: np.ndarray
    base: np.ndarray
    controls: dict[str, np.ndarray]

    @property
    def differences(self) -> np.ndarray:
        """Arm minus baseline, shape (n_people, n_seeds)."""
        return np.round(self.values - self.base, 12)

    @property
    def by_person(self) -> np.ndarray:
        return np.round(self.differences.mean(1), 12)

    def interval(self, seed: int) -> tuple[float, float]:
        """Bootstrap over people or, where it is wider, the interval of the test over people and seeds."""
        low, high = bootstrap_interval(self.by_person, seed=seed)
        if self.n_seeds > 1 and (test := crossed_test(self.differences)).seeds > 0:
            from scipy.special import stdtrit

            reach, mean = float(stdtrit(test.df, 0.975)) * test.error, float(self.differences.mean())
            low, high = min(low, mean - reach), max(high, mean + reach)
        return low, high

    @property
    def spread(self) -> float:
        """Standard deviation between people that gives the mean its standard error, the seeds' luck in it."""
        alone = float(self.by_person.std(ddof=1))
        if self.n_seeds == 1 or (test := crossed_test(self.differences)).seeds == 0:
            return alone
        return max(alone, test.error * float(np.sqrt(len(self.differences))))


def _comparisons(
    table: pd.DataFrame, measure: str, against: str, roles: Mapping[str, str]
) -> Iterator[_Comparison]:
    """Yield every arm but ``against``, in the order of the table."""
    for keys, group in table.groupby(STUDY_KEYS, sort=False):
        direction, network, variant, protocol, budget = map(str, keys)
        where = place_label(direction, network, variant, protocol)
        seeds = group.drop_duplicates("arm").set_index("arm")["n_seeds"]
        values = {}
        for arm in seeds.index:
            wide = group[group["arm"] == arm].pivot(index="subject", columns="seed", values=measure)
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
            values[str(arm)] = wide.to_numpy(float)
        for arm, mine in values.items():
            if arm == against:
                continue
            rivals = {
                other: values[other]
                for other in values
                if roles[arm] == "transfer" and roles[other] == "control" and other != against
            }
            yield _Comparison(
                Direction.read(direction), network, variant, protocol, budget, arm, roles[arm],
                int(seeds[arm]), mine, values[against], rivals,
            )  # fmt: skip


def _judge(
    table: pd.DataFrame, asked: Compare, roles: Mapping[str, str], seed: int
) -> list[tuple[_Comparison, Decision]]:
    """Decide on one measure; a family is everything compared under one protocol."""
    comparisons = list(_comparisons(table, asked.measure, asked.against, roles))
    judged: dict[int, Decision] = {}
    for protocol in dict.fromkeys(c.protocol for c in comparisons):
        mine = [i for i, c in enumerate(comparisons) if c.protocol == protocol]
        family = [comparisons[i] for i in mine]
        decisions = decide(
            [c.differences for c in family],
            [[c.values - other for other in c.controls.values()] for c in family],
            margin=asked.margin,
            alpha=asked.alpha,
            seed=seed,
        )
        judged.update(zip(mine, decisions, strict=True))
    return [(comparison, judged[i]) for i, comparison in enumerate(comparisons)]


def _known_roles(curves: pd.DataFrame, roles: Mapping[str, str] | None) -> Mapping[str, str]:
    """Return every arm's role: the one given, else the catalog's."""
    arms = [str(arm) for arm in curves["arm"].unique()]
    known = {arm: resolve_arm(arm).role for arm in arms if arm in ARMS} | dict(roles or {})
    unknown = [arm for arm in arms if arm not in known]
    check(
        not unknown,
        f"arm={', '.join(unknown)!r} is no name of the catalog, so its role is open. Expected one of "
        f"{', '.join(ROLES)}. Pass roles={dict.fromkeys(unknown, 'transfer')}.",
    )
    for arm in arms:
        check_option(f"roles[{arm!r}]", known[arm], ROLES)
    return known


def compare(
    curves: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    against: str = Compare.against,
    metric: str = Compare.metric,
    measure: str = Compare.measure,
    margin: float = Compare.margin,
    alpha: float = Compare.alpha,
    roles: Mapping[str, str] | None = None,
    last: int = 3,
    seed: int = 0,
    leaking_protocols: Collection[str] | None = None,
    phrases: Mapping[str, str] | None = None,
) -> list[dict[str, Any]]:
    """Give the verdict on every arm, direction, network, way to transfer, protocol and budget.

    Parameters
    ----------
    curves : DataFrame or sequence of DataFrame
        What ``Curves.to_frame`` gives, of every split; its columns are ``results.CURVES``.
    against, metric, measure, margin, alpha
        See :class:`.Compare`. Decide before looking at results.
    roles : mapping of str to str, optional
        Role of every arm: baseline, transfer, control or reference; by default what the catalog says of an
        arm of that name. Only a transfer arm has to beat the control arms of its direction, network, protocol
        and budget.
    last : int
        Evaluations in the asymptote.
    seed : int
        Draws the bootstrap.
    leaking_protocols : collection of str, optional
        Protocols whose training windows may be near copies of test windows; by default what the catalog says.
    phrases : mapping of str to str, optional
        What each arm is, for the sentence; by default what the catalog says of an arm of that name.

    Returns
    -------
    list of dict
        The keys of ``results.VERDICTS``, plain Python values without NaN. ``detectable_difference`` is what
        the first step of Holm (alpha / size of the family) would have found with a power of 80 %, None when
        this many people cannot reach significance at all; ``subjects_needed`` is how many people that step
        needs to find the margin (None above some hundred thousand). Both rest on ``spread``, the standard
        deviation of the differences between people (with the seeds' shared luck in it, where there is some).
        ``p_people`` is the p of people alone.

    Raises
    ------
    BiotransferError
        On an unknown arm, role, metric or measure, unpaired arms, or a single person.

    Notes
    -----
    Rule: see :func:`decide`. Family of Holm: all arms x directions x networks x budgets of one protocol whose
    number of people can reach significance. Seeds, and
    splits that test the same person, are averaged inside the person first: more seeds or more windows are no
    more people. The interval is the bootstrap's over people or, where people share the luck of the seeds,
    the wider of that and the one of :func:`.crossed_test`.
    """
    asked = Compare(against, metric, measure, margin, alpha)
    curves = join_tables(curves)
    roles = _known_roles(curves, roles)
    if leaking_protocols is None:
        leaking_protocols = {name for name, entry in SPLITS.items() if entry.facts["leaks"]}
    spoken = {name: entry.facts["phrase"] for name, entry in ARMS.items()} | dict(phrases or {})
    table = measure_curves(curves, against=against, metric=metric, last=last, each_seed=True)
    several_networks = len(table[["network", "variant"]].drop_duplicates()) > 1
    several_protocols = table["protocol"].nunique() > 1
    rows = []
    for comparison, decision in _judge(table, asked, roles, seed):
        spread, n_people = comparison.spread, len(comparison.values)
        low, high = comparison.interval(seed)
        row: dict[str, Any] = {
            "direction": str(comparison.direction),
            "source": comparison.direction.source,
            "target": comparison.direction.target,
            "network": comparison.network,
            "variant": comparison.variant,
            "protocol": comparison.protocol,
            "budget": comparison.budget,
            "arm": comparison.arm,
            "against": against,
            "metric": metric,
            "n_subjects": n_people,
            "n_seeds": comparison.n_seeds,
            "difference": decision.difference,
            "ci_low": low,
            "ci_high": high,
            "p": decision.p,
            "p_holm": decision.p_holm,
            "margin": float(margin),
            "verdict": decision.verdict,
            "detectable_difference": detectable_difference(spread, n_people, alpha=alpha / decision.n_tests),
            "spread": spread,
            "subjects_needed": None
            if spread > _HOPELESS * margin
            else subjects_needed(spread, margin, alpha=alpha / decision.n_tests),
            "p_people": decision.p_people,
        }
        where = [network_label(comparison.network, comparison.variant)] if several_networks else []
        where += [comparison.protocol] if several_protocols else []
        where += [budget_label(comparison.budget)] if comparison.budget != ALL else []
        leaks = comparison.protocol in leaking_protocols
        row["sentence"] = write_sentence(
            row,
            decision,
            role=comparison.role,
            controls=list(comparison.controls),
            measure=measure,
            alpha=alpha,
            where=where,
            leaks=leaks,
            phrase=spoken.get(comparison.arm, ""),
        )
        rows.append(row)
    return rows


def compare_measures(
    curves: pd.DataFrame | Sequence[pd.DataFrame],
    *,
    against: str = Compare.against,
    metric: str = Compare.metric,
    measures: Sequence[str] = ("step0", "after_epoch_1", "asymptote", "area"),
    margin: float = Compare.margin,
    alpha: float = Compare.alpha,
    roles: Mapping[str, str] | None = None,
    last: int = 3,
    seed: int = 0,
) -> pd.DataFrame:
    """Compare every arm on several measures of the curve, for the report's table.

    Parameters
    ----------
    curves : DataFrame
        See ``results.CURVES``.
    against, metric, margin, alpha, roles, last, seed
        See :func:`compare`.
    measures : sequence of str
        Of ``metrics.MEASURES``.

    Returns
    -------
    DataFrame
        One row per direction, network, variant, protocol, budget, arm and measure: role, n_subjects, n_seeds,
        value and against_value (means over people), difference, ci_low, ci_high, p, p_holm, verdict. Holm
        runs over one protocol and one measure: only the measure chosen beforehand carries the study's
        verdict.

    Raises
    ------
    BiotransferError
        As :func:`compare`.
    """
    each = [Compare(against, metric, measure, margin, alpha) for measure in measures]
    curves = join_tables(curves)
    roles = _known_roles(curves, roles)
    table = measure_curves(curves, against=against, metric=metric, last=last, each_seed=True)
    rows = []
    for asked in each:
        for comparison, decision in _judge(table, asked, roles, seed):
            low, high = comparison.interval(seed)
            rows.append(
                {
                    "direction": str(comparison.direction),
                    "network": comparison.network,
                    "variant": comparison.variant,
                    "protocol": comparison.protocol,
                    "budget": comparison.budget,
                    "arm": comparison.arm,
                    "role": comparison.role,
                    "measure": asked.measure,
                    "n_subjects": len(comparison.base),
                    "n_seeds": comparison.n_seeds,
                    "value": float(comparison.values.mean()),
                    "against_value": float(comparison.base.mean()),
                    "difference": decision.difference,
                    "ci_low": low,
                    "ci_high": high,
                    "p": decision.p,
                    "p_holm": decision.p_holm,
                    "verdict": decision.verdict,
                }
            )
    return pd.DataFrame(rows)
