"""The transfer matrix: which data help which."""

from __future__ import annotations

import pandas as pd

from ....evidence.reading import (
    arm_label,
    arms_of,
    baseline_arm,
    compared_metric,
    condition_label,
    conditions_of,
    directions_of,
    metric_label,
    rows_of,
)
from ....evidence.verdicts import VERDICTS
from ....results import Results
from ....signals.splits import budget_label
from ...figures.matrix import plot_matrix
from ..table import Row, Table
from ..table import table as make_table
from ..text import counted, gain, joined
from .section import Section, paragraph, picture, table

_KINDS = {
    "own people": "other people of the target's own set",
    "own modality": "another set of the target's modality",
    "emg": "EMG for EEG",
    "eeg": "EEG for EMG",
}


def make_matrix(results: Results) -> Section | None:
    """Show every source by every target; None with two directions or fewer, which need no map."""
    if len(directions_of(results)) <= 2 or not results.verdict_list:
        return None
    several = len(results.budgets) > 1
    results = results.at_largest_budget()
    compared = [arm for arm in arms_of(results) if arm != baseline_arm(results)]
    arm = "transferred" if "transferred" in compared else compared[0]
    others = [a for a in compared if a != arm]
    base = arm_label(baseline_arm(results))
    caption = (
        f"Gain of {arm_label(arm)} over {base}, with its 95 % interval over people. ▲ positive, ▼ negative, "
        "≈ equivalent, ○ not assayable, no mark: inconclusive or no claim. Framed: the source is other "
        "people of the target's own set. In one column the people tested, and the baseline, are the same."
        f"{' With ' + budget_label(results.budgets[0]) + ', the largest budget.' if several else ''}"
    )
    blocks = [
        paragraph(_summary(results, arm)),
        picture(plot_matrix, results, [arm], name="matrix", caption=caption),
        table(_kinds(results, compared)),
    ]
    if others:
        caption = "The same for every other arm: what a control gains is no transfer."
        blocks.append(picture(plot_matrix, results, others, name="matrix-others", caption=caption))
    return Section("matrix", "The transfer matrix", "Matrix", blocks)


def _summary(results: Results, arm: str) -> str:
    """Count the verdicts on one arm."""
    mine = results.verdicts[results.verdicts["arm"] == arm]
    counts = mine["verdict"].value_counts()
    said = joined(f"{counts[v]} {v}" for v in VERDICTS if v in counts)
    sources, targets = mine["source"].nunique(), mine["target"].nunique()
    several = len(conditions_of(results.verdicts))
    return (
        f"{counted(sources, 'source')} for {counted(targets, 'target')}"
        f"{f', in {several} ways' if several > 1 else ''}: of {counted(len(mine), 'verdict')} on "
        f"{arm_label(arm)}, {said}."
    )


def direction_kinds(results: Results) -> pd.Series:
    """Return what source and target of each direction have in common, as one of four kinds."""
    kinds = {}
    for text, direction in directions_of(results).items():
        modalities = [str(results.data[end]["modality"]) for end in (direction.source, direction.target)]
        if direction.source == direction.target:
            kinds[text] = "own people"
        else:
            kinds[text] = "own modality" if modalities[0] == modalities[1] else modalities[0]
    return pd.Series(kinds)


def _kinds(results: Results, arms: list[str]) -> Table:
    """Average the gains by what source and target have in common."""
    kinds, metric = direction_kinds(results), compared_metric(results)
    verdicts = results.verdicts
    conditions = conditions_of(results.verdicts)
    rows: list[Row] = []
    for condition in conditions:
        mine = rows_of(verdicts, **condition._asdict())
        if len(conditions) > 1:
            rows.append(condition_label(condition, conditions))
        for kind, text in _KINDS.items():
            part = mine[mine["direction"].map(kinds) == kind]
            if len(part):
                means = part.groupby("arm")["difference"].mean()
                rows.append(
                    [text, str(part["direction"].nunique()), *(gain(means.get(arm), metric) for arm in arms)]
                )
    return make_table(
        {"source": False, "directions": True, **{arm_label(arm): True for arm in arms}},
        rows,
        f"Mean difference from {arm_label(baseline_arm(results))} over directions, {metric_label(metric)}, "
        "by what the source has in common with the target.",
        "By kind of source",
    )
