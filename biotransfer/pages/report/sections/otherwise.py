"""The section of other ways to ask: a mixed model, Bayes, time to threshold, calibration."""

from __future__ import annotations

import pandas as pd

from ....evidence.metrics import STUDY_KEYS
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
    measure_label,
    metric_label,
    rows_of,
)
from ....evidence.stats import why_no_mixed_model
from ....evidence.verdicts import ask_otherwise, calibration_errors
from ....results import Results
from .. import text as write
from ..table import Row, Table
from ..table import table as make_table
from .section import Block, Section, paragraph, table


def otherwise(results: Results) -> Section | None:
    """Show what a mixed model, Bayes and survival say of every comparison, and log loss and calibration."""
    if not results.verdict_list:
        return None
    results = results.at_largest_budget()
    asked = ask_otherwise(
        results.curves,
        against=baseline_arm(results),
        metric=compared_metric(results),
        measure=compared_measure(results),
        margin=compared(results).margin,
    )
    blocks: list[Block] = [
        paragraph(
            "Nothing here decides the verdict, which rests on the exact test over people and, where people "
            "share the luck of the seeds, the test over both. Where these disagree with it, trust it less."
        )
    ]
    absent = why_no_mixed_model()
    blocks += [paragraph(f"{absent}, and write this report again.")] if absent else []
    for direction in directions_of(results):
        blocks.append(table(_asked_table(results, asked, direction)))
        if not results.predictions.empty:
            blocks.append(table(_sureness_table(results, direction)))
    return Section("otherwise", "Other ways to ask", "Otherwise", blocks)


def _asked_table(results: Results, asked: pd.DataFrame, direction: str) -> Table:
    metric, conditions = compared_metric(results), conditions_of(results.curves, direction)
    rows: list[Row] = []
    for condition in conditions:
        rows += [condition_label(condition, conditions)] if len(conditions) > 1 else []
        here = rows_of(asked, direction=direction, **condition._asdict())
        rows += [
            [
                arm_label(d["arm"]), write.gain(d["mixed_difference"], metric), write.p_value(d["mixed_p"]),
                *(write.share(d[name]) for name in ("worse", "same", "better")),
                f"{d['arrived']} of {d['n_subjects']}", write.whole(d["median_updates"]),
                write.whole(d["base_median_updates"]), write.p_value(d["p_survival"]),
            ]
            for d in here.to_dict("records")
        ]  # fmt: skip
    base, margin = arm_label(baseline_arm(results)), 100 * compared(results).margin
    columns = {
        "arm": False, "mixed model": True, "its p": True, "P(worse)": True, "P(same)": True,
        "P(better)": True, "people at threshold": True, "median updates": True,
        f"those of {base}": True, "p (survival)": True,
    }  # fmt: skip
    label = direction_label(results.directions[direction])
    caption = (
        f"{label}, {metric_label(metric)}, {measure_label(compared_measure(results))}, "
        f"against {base}. Mixed model: people at random, seeds inside them (from six people and two seeds). "
        f"P: posterior probability of a mean difference below, within and above {margin:.3g} points. "
        "Survival: Kaplan-Meier medians of the updates to the threshold, where people who never reach it are "
        "right-censored, and the paired test of log-rank scores. Not corrected for the number of comparisons."
    )
    return make_table(columns, rows, caption)


def _sureness_table(results: Results, direction: str) -> Table:
    """Log loss and calibration error of every arm after its last update."""
    curves = results.curves
    loss = curves[(curves["split_part"] == "test") & (curves["metric"] == "log_loss")]
    ends = loss.groupby([*STUDY_KEYS, "split", "arm"], observed=True)["epoch"].transform("max")
    last = loss[loss["epoch"] == ends]
    people = last.groupby([*STUDY_KEYS, "arm", "subject"], sort=False, observed=True)["value"].mean()
    losses = people.groupby([*STUDY_KEYS, "arm"], sort=False, observed=True).mean().rename("log_loss")
    both = calibration_errors(results.predictions).merge(losses.reset_index(), on=[*STUDY_KEYS, "arm"])
    conditions = conditions_of(results.curves, direction)
    rows: list[Row] = []
    for condition in conditions:
        rows += [condition_label(condition, conditions)] if len(conditions) > 1 else []
        here = rows_of(both, direction=direction, **condition._asdict())
        rows += [
            [
                arm_label(d["arm"]), write.level(d["log_loss"], "log_loss"),
                write.level(d["expected_calibration_error"], "expected_calibration_error"),
            ]
            for d in here.to_dict("records")
        ]  # fmt: skip
    columns = {
        "arm": False, metric_label("log_loss"): True, metric_label("expected_calibration_error"): True,
    }  # fmt: skip
    label = direction_label(results.directions[direction])
    caption = (
        f"{label}: how sure the networks are after the last update, and how rightly; "
        "means over people. Calibration error: the mean gap between confidence and accuracy (seeds pooled)."
    )
    return make_table(columns, rows, caption)
