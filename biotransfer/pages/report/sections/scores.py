"""Transferability before training: what the scores said, and whether they foretold the gains."""

from __future__ import annotations

import numpy as np
import pandas as pd

from ....evidence.metrics import CONDITION
from ....evidence.reading import compared_metric, metric_label
from ....evidence.transferability import SCORES
from ....results import Results
from ...figures.scores import plot_scores, score_agreement, score_gains
from ..table import Row, Table
from ..table import table as make_table
from ..text import counted, gain, joined, p_value, share
from .section import Section, paragraph, picture, table

_ALPHA = 0.05


def make_scores(results: Results) -> Section | None:
    """Show every score against the realised gain, and how well it ranks sources."""
    if "scores" not in results.extras or not results.verdict_list:
        return None
    agreement = score_agreement(results)
    caption = (
        "A point is a direction: the score of its source network on training windows of the target before "
        "any training on them, and the gain that training gave. The thin line leads to what a random-weight "
        "network scores; scores are turned so that right speaks for transfer."
    )
    return Section(
        "scores",
        "Transferability before training",
        "Scores",
        [
            paragraph(verdict_on_scores(results, agreement)),
            picture(plot_scores, results, agreement, name="scores", caption=caption),
            table(_agreement(results, agreement)),
            table(_missing(results), folded="Scores that could not be computed")
            if (results.extras["scores"]["note"] != "").any()
            else paragraph("All scores could be computed for every source."),
        ],
    )


def verdict_on_scores(results: Results, agreement: pd.DataFrame) -> str:
    """Say in a sentence whether the scores rank sources as training did."""
    gains = score_gains(results)
    span = gains.drop_duplicates(["direction", *CONDITION, "arm"])["gain"]
    metric = compared_metric(results)
    spread = (
        f"The gains themselves run from {gain(span.min(), metric)} to {gain(span.max(), metric)} over "
        f"{counted(len(span), 'transfer')}."
    )
    ranked = agreement[agreement["tau"].notna()]
    if not len(ranked):
        return (
            f"No target has three sources or more with different scores, so nothing can be ranked. {spread}"
        )
    good = ranked[(ranked["p_holm"] < _ALPHA) & (ranked["tau"] > 0)]
    bad = ranked[(ranked["p_holm"] < _ALPHA) & (ranked["tau"] < 0)]
    over = f"Holm over {counted(len(ranked), 'score')}"
    parts = []
    if len(good):
        parts.append(
            f"{joined(_named(good))} rank{'s' * (len(good) == 1)} the sources of a target as training did"
        )
    if len(bad):
        ranks = "ranks" if len(bad) == 1 else "rank"
        parts.append(f"{joined(_named(bad))} {ranks} them the other way round")
    if parts:
        said = f"Of {counted(len(ranked), 'score')}, {joined(parts)} ({over}); the others show nothing."
    else:
        said = (
            "No score ranks the sources of a target as training did beyond chance (smallest p "
            f"{p_value(ranked['p_holm'].min())} after {over}): nothing here shows that the scores foretell "
            "what helps."
        )
    return f"{said} {spread}"


def _named(rows: pd.DataFrame) -> list[str]:
    return [f"{metric_label(row.score)} (τ = {row.tau:.2f})" for row in rows.itertuples()]


def _agreement(results: Results, agreement: pd.DataFrame) -> Table:
    scores = results.extras["scores"]
    rows: list[Row] = []
    for row in agreement.to_dict("records"):
        mine = scores[(scores["score"] == row["score"]) & scores["value"].notna()]
        unlike = float((mine["p"] <= _ALPHA).mean())
        known = not np.isnan(row["tau"])
        rows.append(
            [
                metric_label(row["score"]),
                SCORES[row["score"]].summary,
                f"{row['tau']:.2f}" if known else "–",
                f"{row['ci_low']:.2f} to {row['ci_high']:.2f}" if known else "–",
                p_value(row["p"]) if known else "–",
                p_value(row["p_holm"]) if known else "–",
                share(row["beats_random"]),
                share(unlike),
            ]
        )
    columns = {"score": False, "what it is": False, "τ": True, "95 % interval": True, "p": True,
               "p, Holm": True, "above random weights": True, "above permuted labels": True}  # fmt: skip
    return make_table(
        columns,
        rows,
        "τ: weighted Kendall correlation of score and gain over the sources of one target, averaged over "
        "targets; p: gains permuted inside targets. Above random weights: share of transfers whose source "
        f"scores higher than an untrained network. Above permuted labels: share of folds and seeds with p ≤ "
        f"{_ALPHA:g} against permuted labels of whole recordings (proxy A-distance: sides of people).",
        "Do scores foretell gains?",
    )


def _missing(results: Results) -> Table:
    table = results.extras["scores"]
    absent = table[table["note"] != ""].groupby(["direction", "score", "note"], sort=False).size()
    rows: list[Row] = [[d, metric_label(s), note, str(n)] for (d, s, note), n in absent.items()]
    columns = {"direction": False, "score": False, "why": False, "times": True}
    return make_table(columns, rows, "Where a score is not defined, nothing is put in its place.")
