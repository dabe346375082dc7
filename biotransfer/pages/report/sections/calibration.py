"""The section on budgets: what labels are worth, with transfer and without."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ....evidence.metrics import labelled_seconds
from ....evidence.reading import (
    arm_label,
    baseline_arm,
    compared,
    compared_measure,
    compared_metric,
    condition_label,
    conditions_of,
    direction_label,
    directions_of,
    is_share,
    measure_label,
    metric_label,
    rows_of,
)
from ....evidence.stats import mean_interval
from ....results import Results
from ....signals.splits import budget_label, budget_seconds
from ... import figures
from .. import text as write
from ..table import Row, Table
from ..table import table as make_table
from .section import Block, Section, paragraph, picture, table

if TYPE_CHECKING:
    import pandas as pd


def calibration(results: Results) -> Section | None:
    """Show curves over labelled seconds, gains by budget and seconds saved, of a study of several budgets."""
    if len(results.budgets) < 2:
        return None
    metric, base = compared_metric(results), arm_label(baseline_arm(results))
    blocks: list[Block] = [paragraph(_lead(results))]
    saved = labelled_seconds(
        results.curves, against=baseline_arm(results), metric=metric, measure=compared_measure(results)
    )
    for direction in directions_of(results):
        label, key = direction_label(results.directions[direction]), results.directions[direction].slug
        blocks += [
            picture(
                figures.plot_calibration, results, direction, name=f"calibration-{key}",
                caption=f"{label}: {metric_label(metric)} ({measure_label(compared_measure(results))}) on "
                f"the same test windows with every budget, mean over people. Bands: 95 % interval "
                f"over people, for {base} and transferred. Dotted: chance.",
            ),
            table(_gain_table(results, direction)),
            table(_saved_table(results, saved, direction)),
        ]  # fmt: skip
    return Section("calibration", "Labels of the target: what transfer saves", "Labels", blocks)


def _lead(results: Results) -> str:
    """Say whose labels are counted and how."""
    budget = results.recipe["budget"]
    seconds = "Seconds are distinct signal per class: windows that overlap count once. "
    if budget["labels_of"] == "training_people":
        return (
            f"{seconds}Labels are those of the training people, taken in turn; a larger budget holds the "
            "smaller ones. Every other training window is without label. All arms get the same labels, and "
            "are tested on all windows of the test people."
        )
    others = (
        "The other people are labelled training data with every budget"
        if budget["others"] == "labelled"
        else "The labels of all other people are withheld"
    )
    return (
        f"{seconds}Labels are the test person's own, from the first half of this person's recordings of "
        f"every class, and the test is on the other half. {others}. All arms get the same labels, a larger "
        "budget holds the smaller ones, and without any label nothing is updated: every arm stands where it "
        "starts."
    )


def _gain_table(results: Results, direction: str) -> Table:
    """Return what every arm gains over the baseline with every budget."""
    metric, alpha = compared_metric(results), compared(results).alpha
    verdicts = results.verdicts
    mine = verdicts[verdicts["direction"] == direction]
    rows: list[Row] = []
    conditions = conditions_of(results.curves, direction)
    for condition in conditions:
        part = rows_of(mine, **condition._asdict())
        rows += [condition_label(condition, conditions)] if len(conditions) > 1 else []
        for arm in part["arm"].unique():
            cells = part[part["arm"] == arm].set_index("budget").to_dict("index")
            gains = (_gain(cells.get(name), metric, alpha) for name in results.budgets)
            rows.append([arm_label(str(arm)), *gains])
    unit = "points" if is_share(metric) else metric_label(metric)
    columns = {
        "arm": False,
        **{budget_label(name).removesuffix(" per class"): True for name in results.budgets},
    }
    label = direction_label(results.directions[direction])
    caption = (
        f"{label}: gain over {arm_label(baseline_arm(results))} by budget, {unit}, with "
        "its 95 % interval over people. * marks a difference that is significant after Holm's correction "
        "over all transfer arms, directions and budgets. An arm that stays frozen is compared with frozen "
        "random weights."
    )
    return make_table(columns, rows, caption)


def _gain(verdict: dict[str, Any] | None, metric: str, alpha: float) -> str:
    if verdict is None:
        return write.NOTHING
    star = " *" if verdict["p_holm"] < alpha else ""
    inside = write.interval(verdict["ci_low"], verdict["ci_high"], metric)
    return f"{write.gain(verdict['difference'], metric)} ({inside}){star}"


def _saved_table(results: Results, saved: pd.DataFrame, direction: str) -> Table:
    """Return the labelled seconds that every arm saves, over people."""
    base = baseline_arm(results)
    seconds = [budget_seconds(name) for name in results.budgets]
    span = max(seconds) - min(seconds)
    rows: list[Row] = []
    conditions = conditions_of(results.curves, direction)
    for condition in conditions:
        part = rows_of(saved, direction=direction, **condition._asdict())
        rows += [condition_label(condition, conditions)] if len(conditions) > 1 else []
        for arm in part["arm"].unique():
            judged = part[(part["arm"] == arm) & part["level"].notna()]
            bound = "≤ " if judged["censored"].any() else ""
            low, high = (
                mean_interval(judged["saved"], limits=(-span, span)) if len(judged) else (np.nan, np.nan)
            )
            rows.append(
                [
                    arm_label(str(arm)),
                    f"{int((~judged['censored']).sum())} of {len(judged)}",
                    _seconds(judged["needed"].mean(), "≥ " if bound else "", ""),
                    write.NOTHING if arm == base else _seconds(judged["saved"].mean(), bound, "+"),
                    write.NOTHING
                    if arm == base or not np.isfinite([low, high]).all()
                    else f"{_seconds(low, bound, '+')} to {_seconds(high, '', '+')}",
                ]
            )
    n_people = saved.loc[saved["direction"] == direction, "subject"].nunique()
    columns = {
        "arm": False, "people who reach the level": True, "labelled seconds needed": True,
        "saved, s per class": True, "its 95 % interval": True,
    }  # fmt: skip
    base = arm_label(base)
    label = direction_label(results.directions[direction])
    caption = (
        f"{label}: labelled seconds per class until a person's level is reached, read "
        f"off between budgets by a line. The level is 95 % of the way that {base} makes for this person from "
        f"the smallest to the largest budget; whom {base} learned nothing from is left out "
        f"({write.counted(n_people, 'person')} in all). Whoever does not reach it with the largest budget "
        "enters with that budget: ≥ and ≤ mark bounds."
    )
    return make_table(columns, rows, caption)


def _seconds(value: float, bound: str, sign: str) -> str:
    if write.missing(value):
        return write.NOTHING
    text = f"{round(value, 1) + 0.0:{sign}.1f}".replace("-", "\N{MINUS SIGN}")
    return f"{bound}{text}"
