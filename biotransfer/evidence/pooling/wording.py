"""A pooled verdict in plain English."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ...results import Direction
from ...signals.splits import ALL, budget_label
from ..metrics import Compare
from ..reading import end_labels, measure_phrase, metric_label, network_label
from ..verdicts.wording import listed, p_text, points
from .claims import Claim, Judgement


def claim_sentence(row: Mapping[str, Any], claim: Claim, judged: Judgement, asked: Compare) -> str:
    """Say one pooled verdict in a sentence or three.

    Parameters
    ----------
    row : mapping
        The other keys of ``POOLED``.
    claim, judged : Claim and Judgement
        What it rests on.
    asked : Compare
        What the studies compare.
    """
    source, target = end_labels(Direction(row["source"], row["target"]))
    where = [network_label(row["network"], row["variant"]), row["inputs"]]
    where += [budget_label(row["budget"])] if row["budget"] != ALL else []
    interval = "95 % CI not estimable"
    if row["ci_low"] is not None:
        interval = f"95 % CI {points(row['ci_low'], '')} to {points(row['ci_high'], '')}"
    baseline = "random weights" if row["against"] == "scratch" else row["against"].replace("_", " ")
    return (
        f"{claim.phrase.format(source=source, target=target)} changed {target} {metric_label(row['metric'])}"
        f"{measure_phrase(asked.measure)} ({', '.join(where)}) by {points(row['difference'])} points over "
        f"{row['n_data_sets']} data sets ({interval}, {row['n_people']} people, Holm p "
        f"{p_text(row['p_holm'])}) against {baseline}{_reason(row, claim, judged, asked)}. {_between(row)}"
    )


def _reason(row: Mapping[str, Any], claim: Claim, judged: Judgement, asked: Compare) -> str:
    rivals, names = claim.rivals(asked.alpha), list(claim.controls)
    if judged.verdict == "positive":
        small = ", detectable but small" if row["difference"] < row["margin"] else ""
        above = f" and lies above {listed(names)}" if names else ""
        alone = "" if names else ", with no control in all data sets to rule out other reasons"
        return f"{above}: positive{small}{alone}"
    if judged.verdict == "not_assayable":
        return f": not assayable; {judged.reason}"
    within = f"within {100 * row['margin']:.3g} points"
    if judged.verdict == "negative":
        shared = f", below {listed(names)}, too" if names else ""
        if rivals:
            shared = f", shared by {listed(rivals)} ({100 * (claim.shared or 0.0):.0f} % of the loss)"
        return f": negative{shared}"
    verdict = f"equivalent {within}" if judged.verdict == "equivalent" else "inconclusive"
    if row["difference"] > 0 and row["p"] < asked.alpha and rivals:
        return f" but is not clearly above {listed(rivals)}: {verdict}"
    return f": {verdict}{f'; {judged.reason}' if judged.reason else ''}"


def _between(row: Mapping[str, Any]) -> str:
    """Say how far data sets differ, or that this cannot be known."""
    if row["tau"] is None:
        return (
            "With two data sets neither how far data sets differ (tau, I2) nor what a further one would show "
            f"can be estimated; in these two alone the mean is {points(row['here'])} points (95 % CI "
            f"{points(row['here_low'], '')} to {points(row['here_high'], '')})."
        )
    ahead = "cannot be told"
    if row["next_high"] - row["next_low"] <= 2:
        ahead = f"lies between {points(row['next_low'])} and {points(row['next_high'])} points in 95 %"
    return (
        f"Between data sets it varies by tau = {points(row['tau'], '')} points (I2 {100 * row['i2']:.0f} %, "
        f"Q p {p_text(row['q_p'])}); that of a further data set {ahead}."
    )
