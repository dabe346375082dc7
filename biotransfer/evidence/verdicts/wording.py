"""Verdicts in plain English, with their numbers and reasons."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...results import Direction
from ...signals.splits import budget_seconds
from ..reading import end_labels, measure_phrase, metric_label, p_label
from ..stats import smallest_p
from .rule import FEWEST_SEEDS, Decision

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
        One sentence per direction, network and way to transfer: of the claims that are not "not assayable",
        that of the arm "transferred" (of the first arm where it is none of them) with the most labels; where
        there is no such claim, the same of all claims. Verdicts of a leaking protocol appear only in a
        direction that has no other; a direction with an honest one comes before those.
    """
    honest, leaking = [], []
    leading = leading_claims(verdicts)
    for direction in dict.fromkeys(row["direction"] for row in leading):
        sentences = [row["sentence"] for row in leading if row["direction"] == direction]
        sound = [sentence for sentence in sentences if not sentence.startswith(LEAKS)]
        if sound:
            honest += sound
        else:
            leaking += sentences
    return " ".join(honest + leaking)


def leading_claims(verdicts: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return one row per direction, network, way to transfer and rule: see :func:`headline`.

    Parameters
    ----------
    verdicts : sequence of mapping
        What :func:`compare` gave, or verdicts.json.
    """
    places: dict[tuple[Any, ...], list[Mapping[str, Any]]] = {}
    for row in verdicts:
        key = tuple(row[name] for name in ("direction", "network", "variant", "protocol"))
        places.setdefault(key, []).append(row)
    return [_leading(rows) for rows in places.values()]


def _leading(rows: Sequence[Mapping[str, Any]]) -> Mapping[str, Any]:
    claims = [row for row in rows if row["verdict"] is not None] or list(rows)
    rows = [row for row in claims if row["verdict"] not in (None, "not_assayable")] or claims
    arms = [row["arm"] for row in rows]
    arm = "transferred" if "transferred" in arms else arms[0]
    return max((row for row in rows if row["arm"] == arm), key=lambda row: budget_seconds(row["budget"]))


def points(difference: float, sign: str = "+") -> str:
    """Write a share in points: 0.0123 is "+1.2"."""
    return f"{round(100 * difference, 1) + 0.0:{sign}.1f}"


def p_text(p: float) -> str:
    """Write p after its name: "= 0.21", "< 0.001"."""
    said = p_label(p)
    return said if said.startswith("<") else f"= {said}"


def listed(words: Sequence[str]) -> str:
    """Write names in a sentence."""
    return words[0] if len(words) == 1 else f"{', '.join(words[:-1])} and {words[-1]}"


def write_sentence(
    row: Mapping[str, Any],
    decision: Decision | None,
    *,
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
    decision : Decision, optional
        What the verdict rests on; None of an arm that claims no transfer.
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
    n_seeds = row["n_seeds"]
    baseline = "random weights" if row["against"] == "scratch" else row["against"]
    p = f"p {p_text(row['p'])}" if row["p_holm"] is None else f"Holm p {p_text(row['p_holm'])}"
    return (
        f"{warning}{phrase.format(source=source, target=target)} changed {target} "
        f"{metric_label(row['metric'])}{measure_phrase(measure)}"
        f"{' (' + ', '.join(where) + ')' if where else ''} by {points(row['difference'])} points "
        f"({_range(row['ci_low'], row['ci_high'])}, {row['n_subjects']} people, "
        f"{n_seeds} seed{'s' * (n_seeds != 1)}, {p}) against {baseline}"
        f"{_reason(row, decision, alpha) if decision else ''}."
    )


def _range(low: float | None, high: float | None) -> str:
    if low is None or high is None:
        return "95 % CI not estimable"
    return f"95 % CI {points(low, '')} to {points(high, '')}"


def _reason(row: Mapping[str, Any], decision: Decision, alpha: float) -> str:
    """Name the verdict and what it rests on."""
    names = row["controls"]
    if decision.verdict == "positive":
        small = ", detectable but small" if decision.difference < row["margin"] else ""
        if names:
            return f" and lies above {listed(names)}: positive{small}"
        return f": positive{small}, with no control arm to rule out other reasons"
    if decision.verdict == "not_assayable":
        return f": not assayable; {_why_not(row, decision)}"
    if decision.exploratory:
        return (
            f": inconclusive; {row['n_seeds']} seed{'s' * (row['n_seeds'] != 1)} explore, a claim takes "
            f"{FEWEST_SEEDS}"
        )
    vouched = f"; {row['assay']} gained {points(row['assay_gain'])} points"
    if decision.verdict == "negative":
        return f": negative{_losses(decision, names)}{vouched}"
    within = f"within {100 * row['margin']:.3g} points"
    if decision.rivals and decision.difference > 0:
        shared = [
            f"{names[r.position]} ({points(r.advantage)} points, p {p_text(r.p)})" for r in decision.rivals
        ]
        said = f" but is not clearly above the control{'s' * (len(shared) > 1)} {listed(shared)}"
        return f"{said}: {'equivalent ' + within if decision.verdict == 'equivalent' else decision.verdict}"
    if decision.verdict == "equivalent":
        return f": equivalent {within}{vouched}"
    return f": inconclusive; {_why_unclear(row, decision, alpha)}"


def _losses(decision: Decision, names: Sequence[str]) -> str:
    """Say how much of a loss controls have, too."""
    if not decision.rivals:
        return f", below {listed(names)}, too" if names else ""
    shared = listed([names[r.position] for r in decision.rivals])
    share = f" ({100 * (decision.shared or 0.0):.0f} % of the loss)"
    return f", shared by control{'s' * (len(decision.rivals) > 1)} {shared}{share}"


def _why_not(row: Mapping[str, Any], decision: Decision) -> str:
    if decision.obstacles:
        return " and ".join(decision.obstacles)
    if decision.assay is None:
        return "no positive control ran, so that nothing shows that this design can see transfer"
    return (
        f"its positive control {row['assay']} gained {points(decision.assay.gain)} points "
        f"({_range(row['assay_low'], row['assay_high'])}, one-sided p {p_text(decision.assay.p)}), where "
        f"{100 * row['margin']:.3g} must be seen"
    )


def _why_unclear(row: Mapping[str, Any], decision: Decision, alpha: float) -> str:
    n = row["n_subjects"]
    lowest = f"{n} people cannot go below p = {smallest_p(n):.3g}"
    if smallest_p(n) >= alpha:
        return lowest
    if decision.smallest >= alpha:
        return f"{lowest}, or {decision.smallest:.2g} after Holm over {decision.n_claims} claims"
    if decision.p_people < alpha <= decision.p:
        return (
            f"people agree (p {p_text(decision.p_people)}) but the seeds disagree: with their shared luck p "
            f"{p_text(decision.p)}, so {row['n_seeds']} seeds are too few"
        )
    return f"this design could have found {points(row['detectable_difference'], '')} points"
