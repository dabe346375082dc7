"""Verdicts in plain English, with their numbers and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...results import Direction
from ...signals.splits import budget_seconds
from ..reading import end_labels, measure_phrase, metric_label
from ..stats import smallest_p
from .rule import Decision

LEAKS = "The evaluation leaks"


def headline(verdicts: Sequence[Mapping[str, Any]]) -> str:
    """Return what the top of a report says: for each direction, the verdict on transfer.

    Parameters
    ----------
    verdicts : sequence of mapping
        What :func:`compare` gave, or verdicts.json.

    Returns
    -------
    str
        The sentences of the arm "transferred" (of the first arm where there is none), one per direction and
        network, with the most labels of the study's budgets. Verdicts of a leaking protocol appear only in a
        direction that has no other; a direction with an honest one comes before those.
    """
    honest, leaking = [], []
    for direction in dict.fromkeys(row["direction"] for row in verdicts):
        rows = [row for row in verdicts if row["direction"] == direction]
        most = max(budget_seconds(row["budget"]) for row in rows)
        rows = [row for row in rows if budget_seconds(row["budget"]) == most]
        arm = "transferred" if any(row["arm"] == "transferred" for row in rows) else rows[0]["arm"]
        sentences = [row["sentence"] for row in rows if row["arm"] == arm]
        sound = [sentence for sentence in sentences if not sentence.startswith(LEAKS)]
        if sound:
            honest += sound
        else:
            leaking += sentences
    return " ".join(honest + leaking)


def _points(difference: float, sign: str = "+") -> str:
    """Write a share in points: 0.0123 is "+1.2"."""
    return f"{round(100 * difference, 1) + 0.0:{sign}.1f}"


def _p(p: float) -> str:
    """Write p after its name: "= 0.21", "< 0.001"."""
    return "< 0.001" if p < 0.001 else f"= {p:.3g}"


def _listed(words: Sequence[str]) -> str:
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def write_sentence(
    row: Mapping[str, Any],
    decision: Decision,
    *,
    role: str,
    controls: Sequence[str],
    measure: str,
    alpha: float,
    where: Sequence[str] = (),
    leaks: bool = False,
    phrase: str = "",
) -> str:
    """Say one verdict in a sentence.

    Parameters
    ----------
    row : mapping
        The other keys of ``results.VERDICTS``.
    decision : Decision
        What the verdict rests on.
    role : str
        Role of the arm.
    controls : sequence of str
        The control arms it had to beat, as numbered in ``decision.not_beaten``.
    measure : str
        What of the curve was compared.
    alpha : float
        Error rate.
    where : sequence of str
        Network or protocol, when the study has several, and a budget that is not "all".
    leaks : bool
        Whether training windows may be near copies of test windows: the sentence then begins with it.
    phrase : str
        What the arm is, with {source} and {target} left open: the sentence's subject.
    """
    source, target = end_labels(Direction(row["source"], row["target"]))
    phrase = phrase or f"The arm {row['arm']} from {{source}}"
    warning = (
        f"{LEAKS} ({row['protocol']}), so this number is no evidence about new people: " if leaks else ""
    )
    low, high, n_seeds = _points(row["ci_low"], ""), _points(row["ci_high"], ""), row["n_seeds"]
    baseline = "random weights" if row["against"] == "scratch" else row["against"]
    return (
        f"{warning}{phrase.format(source=source, target=target)} changed {target} "
        f"{metric_label(row['metric'])}{measure_phrase(measure)}"
        f"{' (' + ', '.join(where) + ')' if where else ''} by {_points(row['difference'])} points "
        f"(95 % CI {low} to {high}, {row['n_subjects']} people, "
        f"{n_seeds} seed{'s' * (n_seeds != 1)}, Holm p {_p(row['p_holm'])}) against {baseline}"
        f"{_reason(row, decision, role, controls, alpha)}."
    )


def _reason(
    row: Mapping[str, Any], decision: Decision, role: str, controls: Sequence[str], alpha: float
) -> str:
    """Name the verdict and what it rests on."""
    within = f"within {100 * row['margin']:.3g} points"
    small = f", though {within}" if decision.p_equivalence < alpha else ""
    if decision.verdict == "negative":
        return f": negative{small}"
    if decision.verdict == "positive" and controls:
        return f" and lies above {_listed(controls)}: positive{small}"
    if decision.verdict == "positive":
        alone = ", with no control arm to rule out other reasons" if role == "transfer" else ""
        return f": positive{small}{alone}"
    verdict = f"equivalent {within}" if decision.verdict == "equivalent" else "inconclusive"
    if decision.not_beaten:
        shared = [f"{controls[i]} ({_points(gain)} points, p {_p(p)})" for i, gain, p in decision.not_beaten]
        return f" but is not clearly above the control{'s' * (len(shared) > 1)} {_listed(shared)}: {verdict}"
    if decision.verdict == "equivalent":
        return f": {verdict}"
    n = row["n_subjects"]
    lowest = f"{n} people cannot go below p = {smallest_p(n):.3g}"
    if smallest_p(n) >= alpha:
        return f": {verdict}; {lowest}"
    if decision.smallest >= alpha:
        family = f"{decision.smallest:.2g} after Holm over {decision.n_tests} comparisons"
        return f": {verdict}; {lowest}, or {family}"
    if decision.p_people < alpha <= decision.p:
        return (
            f": {verdict}; people agree (p {_p(decision.p_people)}) but the seeds disagree: "
            f"with their shared luck p {_p(decision.p)}, so {row['n_seeds']} seeds are too few"
        )
    return f": {verdict}; this design could have found {_points(row['detectable_difference'], '')} points"
