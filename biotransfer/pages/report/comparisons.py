"""Tables of what was compared: verdicts, arms, the course of learning, published numbers."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from markupsafe import Markup

from ...evidence.metrics import CONDITION, MEASURES
from ...evidence.reading import (
    Condition,
    arm_label,
    baseline_arm,
    compared,
    compared_measure,
    compared_metric,
    condition_label,
    conditions_of,
    direction_label,
    is_share,
    judged_arms,
    measure_label,
    metric_label,
    metric_limits,
    network_label,
    people_measures,
    protocol_label,
    rows_of,
)
from ...evidence.stats import mean_interval
from ...evidence.verdicts import compare_measures
from ...results import Direction, Results
from ...signals.splits import ALL, budget_label
from . import text as write
from .table import Cell, Row, Table, badge, table

if TYPE_CHECKING:
    import pandas as pd

_MOMENTS = ("step0", "after_epoch_1", "asymptote", "area")
_EPOCH_0 = "epoch_0"


def _unit(metric: str) -> str:
    return "points" if is_share(metric) else metric_label(metric)


def measures_by_metric(results: Results) -> dict[str, pd.DataFrame]:
    """Return :func:`.measure_curves` for every metric the tables show."""
    wanted = [compared_metric(results), "accuracy", "balanced_accuracy"]
    wanted += [str(item["metric"]) for item in results.recipe.get("published") or []]
    present = set(results.curves["metric"].unique())
    return {metric: people_measures(results, metric) for metric in dict.fromkeys(wanted) if metric in present}


def verdict_table(results: Results) -> Table | None:
    """Return every comparison, as the study stored it."""
    if not results.verdict_list:
        return None
    metric = str(results.verdict_list[0]["metric"])
    columns = {
        "arm": False, "against": False, f"difference, {_unit(metric)}": True, "95 % interval": True,
        "p": True, "p (Holm)": True, "people": True, "seeds": True, "detectable": True, "verdict": False,
    }  # fmt: skip
    rows: list[Row] = []
    group = None
    for d in results.verdict_list:
        here = f"{direction_label(results.directions[d['direction']])}, "
        here += f"{network_label(d['network'], d['variant'])}, {protocol_label(d['protocol'])}"
        here += "" if d["budget"] == ALL else f", {budget_label(d['budget'])}"
        rows += [here] if here != group else []
        group = here
        rows.append(
            [
                arm_label(d["arm"]), arm_label(d["against"]), write.gain(d["difference"], metric),
                write.interval(d["ci_low"], d["ci_high"], metric), write.p_value(d["p"]),
                write.p_value(d["p_holm"]), write.whole(d["n_subjects"]), write.whole(d["n_seeds"]),
                _detectable(d, metric), badge(d),
            ]
        )  # fmt: skip
    caption = (
        f"Every comparison in {metric_label(metric)} ({measure_label(compared_measure(results))}). "
        "“Detectable” is the true gain that this design calls positive in four of five studies, controls and "
        f"correction included, with the 95 % interval of its simulation; {write.NOTHING} where nothing is "
        "claimed or so few people cannot reach significance at all."
    )
    return table(columns, rows, caption)


def _detectable(verdict: Mapping[str, Any], metric: str) -> str:
    value = write.gain(verdict["detectable_difference"], metric)
    ends = write.interval(verdict.get("detectable_low"), verdict.get("detectable_high"), metric)
    return value if ends == write.NOTHING else f"{value} ({ends})"


def _find_verdict(results: Results, **wanted: str) -> dict[str, Any]:
    for verdict in results.verdict_list:
        if all(verdict[k] == v for k, v in wanted.items()):
            return verdict
    return {}


def _over(verdict: Mapping[str, Any], base: str, metric: str) -> Cell:
    """Write a gain, and over what where that is not the study's baseline."""
    gain = write.gain(verdict.get("difference"), metric)
    other = verdict.get("against", base)
    return gain if other == base else Markup("{} <small>over {}</small>").format(gain, arm_label(other))


def _interval(values: np.ndarray, metric: str) -> str:
    return write.level_range(*mean_interval(values, limits=metric_limits(metric)), metric)


def arm_tables(results: Results, measures: Mapping[str, pd.DataFrame], direction: str) -> list[Table]:
    """Return one table of arms per network and split rule: levels over people, and the stored gains.

    Parameters
    ----------
    results : Results
        A study.
    measures : mapping of str to DataFrame
        See :func:`measures_by_metric`.
    direction : str
        Such as "emg->eeg".
    """
    metric, measure = compared_metric(results), compared_measure(results)
    base = baseline_arm(results)
    beside = "accuracy" if metric != "accuracy" else "balanced_accuracy"
    conditions = conditions_of(results.curves, direction)
    columns = {
        "arm": False, "step 0": True, "after epoch 1": True, metric_label(metric): True,
        "95 % interval": True, **({metric_label(beside): True} if beside in measures else {}),
        f"gain, {_unit(metric)}": True, "its 95 % interval": True, "p": True, "p (Holm)": True,
        "verdict": False,
    }  # fmt: skip
    out = []
    for condition in conditions:
        key = {"direction": direction, **condition._asdict()}
        part = rows_of(measures[metric], **key)
        rows: list[Row] = []
        for arm in part["arm"].unique():
            mine = part[part["arm"] == arm]
            verdict = _find_verdict(results, **key, arm=arm)
            other = (
                [write.level(rows_of(measures[beside], **key, arm=arm)[measure].mean(), beside)]
                if beside in measures
                else []
            )
            rows.append(
                [
                    arm_label(arm),
                    write.level(mine["step0"].mean(), metric),
                    write.level(mine["after_epoch_1"].mean(), metric),
                    write.level(mine[measure].mean(), metric),
                    _interval(mine[measure].to_numpy(), metric),
                    *other,
                    _over(verdict, base, metric),
                    write.interval(verdict.get("ci_low"), verdict.get("ci_high"), metric),
                    write.p_value(verdict.get("p")),
                    write.p_value(verdict.get("p_holm")),
                    badge(verdict) if verdict else "baseline" if arm == base else write.NOTHING,
                ]
            )
        rows += _shallow_rows(results, key, part, beside in measures)
        caption = (
            f"Means over {write.counted(part['subject'].nunique(), 'person')}; "
            f"{metric_label(metric)}: {measure_label(measure)}; gains: over {arm_label(base)}, "
            "or what is named, person by person. Verdicts are on transfer arms."
        )
        out.append(table(columns, rows, caption, condition_label(condition, conditions)))
    return out


def _shallow_rows(
    results: Results, key: Mapping[str, str], arms: pd.DataFrame, with_beside: bool
) -> list[Row]:
    """Return shallow classifiers on the same inputs, below the arms they are compared with."""
    table = results.extras.get("baselines")
    if table is None:
        return []
    metric, measure, base = compared_metric(results), compared_measure(results), baseline_arm(results)
    beside = "accuracy" if metric != "accuracy" else "balanced_accuracy"
    part = rows_of(table, **key)
    part = part[part["permutation"] == 0]
    usual = arms[arms["arm"] == base].set_index("subject")[measure]
    rows: list[Row] = ["Shallow classifiers on the same inputs"] if len(part) else []
    for name, mine in part.groupby("baseline", sort=False):
        people = mine.groupby("subject")[[metric, beside]].mean()
        gains = (people[metric] - usual).dropna().to_numpy()
        limits = metric_limits(metric, difference=True)
        low, high = mean_interval(gains, limits=limits) if len(gains) else (None, None)
        rows.append(
            [
                arm_label(str(name)), write.NOTHING, write.NOTHING,
                write.level(people[metric].mean(), metric), _interval(people[metric].to_numpy(), metric),
                *([write.level(people[beside].mean(), beside)] if with_beside else []),
                write.gain(gains.mean() if len(gains) else None, metric), write.interval(low, high, metric),
                write.NOTHING, write.NOTHING, "shallow",
            ]
        )  # fmt: skip
    return rows


def other_measures(results: Results) -> pd.DataFrame | None:
    """Return the comparisons at the points of the curve that the study did not choose beforehand.

    Returns
    -------
    DataFrame or None
        See :func:`.compare_measures`; None where the study holds no verdicts.
    """
    if not results.verdict_list:
        return None
    asked = compared(results)
    return compare_measures(
        results.curves,
        against=asked.against,
        metric=asked.metric,
        measures=[m for m in _MOMENTS if m != asked.measure],
        margin=asked.margin,
        alpha=asked.alpha,
        **judged_arms(results),
    )


def moment_table(results: Results, others: pd.DataFrame, direction: str) -> Table:
    """Return what every arm gains at those other points of the curve.

    Parameters
    ----------
    results : Results
        A study.
    others : DataFrame
        See :func:`other_measures`.
    direction : str
        Such as "emg->eeg".
    """
    metric, base = compared_metric(results), arm_label(baseline_arm(results))
    conditions = conditions_of(results.curves, direction)
    rows: list[Row] = []
    part = rows_of(others, direction=direction)
    for (*condition, measure), group in part.groupby([*CONDITION, "measure"], sort=False, observed=True):
        where = condition_label(Condition(*map(str, condition)), conditions)
        rows.append(f"{measure_label(str(measure)).capitalize()}, {where}")
        rows += [
            [
                arm_label(str(d["arm"])),
                write.level(d["value"], metric),
                write.gain(d["difference"], metric),
                write.interval(d["ci_low"], d["ci_high"], metric),
                write.p_value(d["p"]),
                write.p_value(d["p_holm"]),
            ]
            for d in group.to_dict("records")
        ]
    columns = {
        "arm": False, metric_label(metric): True, f"gain, {_unit(metric)}": True,
        "its 95 % interval": True, "p": True, "p (Holm)": True,
    }  # fmt: skip
    caption = (
        f"Gains over {base} at other points of the curve. A fresh head stands near chance before any update "
        "whatever the body knows: the first gain that can be read is the one after epoch 1. Only the measure "
        f"chosen beforehand ({measure_label(compared_measure(results))}) carries the verdict."
    )
    return table(columns, rows, caption)


def speed_table(results: Results, measures: pd.DataFrame, direction: str) -> Table:
    """Return how fast every arm learns.

    Parameters
    ----------
    results : Results
        A study.
    measures : DataFrame
        Of the metric the study compares, see :func:`measures_by_metric`.
    direction : str
        Such as "emg->eeg".
    """
    conditions = conditions_of(results.curves, direction)
    rows: list[Row] = []
    for condition in conditions:
        part = rows_of(measures, direction=direction, **condition._asdict())
        rows += [condition_label(condition, conditions)] if len(conditions) > 1 else []
        for arm in part["arm"].unique():
            mine = part[part["arm"] == arm]
            reached, savings = mine["time_to_threshold"].dropna(), mine["savings"].dropna()
            rows.append(
                [
                    arm_label(arm),
                    write.gain(float(mine["transfer_ratio"].mean()), "ratio"),
                    write.whole(reached.median()) if len(reached) else write.NOTHING,
                    f"{len(reached)} of {len(mine)}",
                    write.gain(float(savings.mean()), "ratio") if len(savings) else write.NOTHING,
                ]
            )
    columns = {
        "arm": False, "transfer ratio": True, "updates to threshold": True, "people who reach it": True,
        "savings τ": True,
    }  # fmt: skip
    caption = (
        f"Speed, against {arm_label(baseline_arm(results))}. Transfer ratio: what the area under the curve "
        "gains, as a share of the baseline's. The threshold is 95 % of the way that the baseline's mean "
        "curve makes; updates are the median of those who reach it; savings are the share of updates saved."
    )
    return table(columns, rows, caption)


def published_table(results: Results, measures: Mapping[str, pd.DataFrame]) -> Table | None:
    """Return a paper's own numbers beside ours, at the points of the curve that could be meant.

    Parameters
    ----------
    results : Results
        A study.
    measures : mapping of str to DataFrame
        See :func:`measures_by_metric`.
    """
    published = results.recipe.get("published") or []
    if not published:
        return None
    protocols = [str(p) for p in results.curves["protocol"].unique()]
    rows: list[Row] = []
    for item in published:
        metric, at = str(item["metric"]), str(item.get("at", "final"))
        ours = [_ours(measures.get(metric), item, metric, at, protocol) for protocol in protocols]
        label = direction_label(Direction.read(item["direction"]))
        rows.append(
            [
                label, network_label(item["network"], item.get("variant", "")), arm_label(item["arm"]),
                metric_label(metric), at.replace("_", "\u00a0"), write.level(float(item["value"]), metric),
                *ours, write.linked(item.get("note") or ""),
            ]
        )  # fmt: skip
    columns = {
        "direction": False, "network": False, "arm": False, "metric": False, "at": False,
        "published": True, **{f"ours, {protocol_label(p)}": True for p in protocols}, "note": False,
    }  # fmt: skip
    caption = "The paper's own numbers beside ours (means over people)."
    if any(item.get("at") == _EPOCH_0 for item in published):
        caption += " For its epoch 0 both readings are shown: before any update → after epoch 1."
    return table(columns, rows, caption)


def _ours(measures: pd.DataFrame | None, item: Mapping[str, Any], metric: str, at: str, protocol: str) -> str:
    if measures is None:
        return write.NOTHING
    key = {k: str(item[k]) for k in ("direction", "network", "arm")}
    mine = rows_of(measures, **key, variant=str(item.get("variant", "")), protocol=protocol)
    if mine.empty:
        return write.NOTHING
    if at == _EPOCH_0:
        return write.level_range(mine["step0"].mean(), mine["after_epoch_1"].mean(), metric, " → ")
    return write.level(mine[at].mean(), metric) if at in MEASURES else write.NOTHING
