"""Results -> one HTML page with everything inside: nothing is loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from ...evidence.checks import touches
from ...evidence.reading import (
    Condition,
    arm_label,
    arms_of,
    condition_label,
    conditions_of,
    data_label,
    direction_label,
    directions_of,
    metric_label,
    outcome_label,
)
from ...evidence.verdicts import FEWEST_SEEDS, headline, leading_claims
from ...results import Results
from ...signals.splits import ALL, SPLITS, budget_label
from ..figures import plot_contest
from . import comparisons, facts
from . import text as write
from .citing import bibtex
from .embed import embedded
from .filling import fill
from .glossary import GLOSSARY
from .methods import methods_paragraphs
from .parts import Material, Spread, make_parts
from .sections import SECTIONS


class _InFull(yaml.SafeDumper):
    """Write what stands twice twice, without anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_SEVERITIES = ("error", "warning", "note", "ok")


def render(results: Results, folder: Path | None = None, spread: Spread | None = None) -> str:
    """Return the report as one HTML document.

    Parameters
    ----------
    results : Results
        A study.
    folder, spread : path and callable, optional
        See :func:`.write_report`.

    Returns
    -------
    str
        HTML with styles and pictures inside.
    """
    return fill("template.html", context(results, folder, spread))


def context(results: Results, folder: Path | None = None, spread: Spread | None = None) -> dict[str, Any]:
    """Return what the template shows."""
    recipe, provenance = results.recipe, results.provenance
    material = Material(results)
    whole, results, made = results, material.results, make_parts(material, folder, spread)
    invented = [data_label(key) for key, side in results.data.items() if side.get("simulated")]
    simulated = bool(invented) or bool(provenance.get("simulated"))
    title = str(recipe.get("title") or "A transfer study")
    paragraphs, references = methods_paragraphs(whole)
    version = str((provenance.get("versions") or {}).get("biotransfer", ""))
    return {
        "title": f"{title} (simulated data)" if simulated else title,
        "question": str(recipe.get("question") or ""),
        "source": write.linked(recipe.get("source") or ""),
        "simulated": simulated,
        "invented": write.joined(invented) if len(invented) < len(results.data) else "",
        "smoke": bool(recipe.get("smoke")),
        "note": str(provenance.get("note") or ""),
        "facts": _head_facts(results),
        "headline": [write.spoken(sentence) for sentence in _headline(whole.verdict_list)],
        "bibtex": bibtex(version, str(provenance.get("started") or "")),
        "glossary": GLOSSARY,
        "sentences": [write.spoken(d["sentence"]) for d in whole.verdict_list],
        "leads": _unplaced(results),
        "lead_pictures": made["leads", ""],
        "cards": _cards(results),
        "findings": _findings(whole),
        "verdicts": comparisons.verdict_table(whole),
        "guide": facts.guide_table(results),
        "directions": [made["direction", key] for key in directions_of(results)],
        "published": made["published", ""],
        "sources": facts.source_table(results),
        "sections": [part for name in SECTIONS if (part := made["section", name]) is not None],
        "data": [made["data", key] for key in results.data],
        "methods": [(heading, write.linked(text)) for heading, text in paragraphs],
        "references": [write.linked(reference) for reference in references],
        "provenance": facts.provenance_facts(results),
        "files": facts.file_table(results),
        "recipe_yaml": yaml.dump(recipe, Dumper=_InFull, sort_keys=False, allow_unicode=True, width=100),
        "version": version,
    }


def _headline(verdicts: list[dict[str, Any]]) -> list[str]:
    """Return the headline, one stored sentence per paragraph."""
    if not verdicts:
        return []
    whole = headline(verdicts)
    found = {d["sentence"]: whole.find(d["sentence"]) for d in verdicts}
    sentences = sorted((s for s, place in found.items() if place >= 0), key=lambda s: found[s])
    return sentences if " ".join(sentences) == whole else [whole]


def _head_facts(results: Results) -> list[tuple[str, str]]:
    provenance = results.provenance
    people = [f"{write.whole(side['n_subjects'])} ({data_label(key)})" for key, side in results.data.items()]
    seeds = provenance.get("seeds")
    shown = [
        ("people", ", ".join(people)),
        ("trainings", write.whole(provenance.get("n_trainings"))),
        ("seeds", str(len(seeds)) if isinstance(seeds, list) else str(seeds or "")),
        ("time", write.duration(provenance.get("seconds"))),
        ("date", str(provenance.get("started") or "")[:10]),
    ]
    return [(name, value) for name, value in shown if value and value != write.NOTHING]


_SENTENCE = re.compile(r"(?<=[a-z)%]\.) (?=[A-Z])")


def _leading(results: Results, row: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the leading checks about one verdict; those of older versions are about all."""
    leading = (check for check in results.checks if check.get("leads"))
    return [check for check in leading if "touches" not in check or touches(check, row)]


def _first_sentence(check: Mapping[str, Any], results: Results) -> str:
    return write.spoken(_SENTENCE.split(check["message"])[0], arms_of(results))


def _unplaced(results: Results) -> list[dict[str, Any]]:
    """Return the leading checks that no card shows."""
    shown = [check["id"] for row in leading_claims(results.verdict_list) for check in _leading(results, row)]
    return [check for check in results.checks if check.get("leads") and check["id"] not in shown]


def _cards(results: Results) -> list[dict[str, Any]]:
    """Return the verdict that leads in every direction and condition."""
    cards = []
    for place, d in enumerate(leading_claims(results.verdict_list)):
        metric, protocol = d["metric"], d["protocol"]
        caption = (
            f"{direction_label(results.directions[d['direction']])}: {arm_label(d['arm'])} over "
            f"{arm_label(d['against'])} and over every control, with 95 % intervals over people; hollow: "
            "what the positive control gains; band: the margin."
        )
        conditions = conditions_of(results.curves, d["direction"])
        where = condition_label(Condition(d["network"], d["variant"], protocol), conditions)
        network, _, rule = where.rpartition(" · ")
        tested = f"tested on {rule}"
        cards.append(
            {
                "direction": direction_label(results.directions[d["direction"]]),
                "condition": f"{network} · {tested}" if network else tested,
                "verdict": d["verdict"] or "none",
                "word": outcome_label(d),
                "assay": _vouched(d),
                "could": _could(d),
                "further": _further(d),
                "picture": embedded(plot_contest(results, d), f"verdict-{place + 1}", caption),
                "arm": arm_label(d["arm"])
                + ("" if d["budget"] == ALL else f", {budget_label(d['budget'])},"),
                "against": arm_label(d["against"]),
                "gain": write.gain(d["difference"], metric),
                "interval": write.interval(d["ci_low"], d["ci_high"], metric),
                "p_holm": write.p_value(d["p_holm"]),
                "people": write.counted(d["n_subjects"], "person"),
                "margin": write.gain(d["margin"], metric).lstrip("+"),
                "metric": metric_label(metric),
                "leads": [{**one, "said": _first_sentence(one, results)} for one in _leading(results, d)],
                "leaks": protocol in SPLITS and bool(SPLITS[protocol].facts["leaks"]),
            }
        )
    return sorted(cards, key=lambda card: card["leaks"])


def _vouched(row: Mapping[str, Any]) -> str:
    """Say what the positive control of a verdict showed."""
    if not row["assay"]:
        return "No positive control: nothing shows that this design can see transfer."
    metric = row["metric"]
    inside = write.interval(row["assay_low"], row["assay_high"], metric)
    shown = row["verdict"] not in (None, "not_assayable") and row["assay_gain"] >= row["margin"]
    own = row["assay"].endswith("own_donors")
    control = "other people of the same set (the positive control)" if own else "the positive control"
    return (
        f"{'Yes' if shown else 'Not shown'}: {control} gained "
        f"{write.gain(row['assay_gain'], metric)} ({inside}); "
        f"{write.gain(row['margin'], metric).lstrip('+')} must be seen."
    )


def _could(row: Mapping[str, Any]) -> str:
    """Say what gain the design of a verdict finds."""
    found = write.gain(row["detectable_difference"], row["metric"])
    if row["n_seeds"] < FEWEST_SEEDS:
        return f"Nothing: a claim takes {FEWEST_SEEDS} seeds, {row['n_seeds']} explore."
    if found == write.NOTHING:
        return f"Nothing: {write.counted(row['n_subjects'], 'person')} are too few for any p below alpha."
    gain = f"a true gain of {found} or more, in four of five studies like this."
    if row["verdict"] == "not_assayable":
        return f"Nothing, as far as is shown. Could it see transfer at all: {gain}"
    return gain.capitalize()


def _further(row: Mapping[str, Any]) -> str:
    """Say what would make a verdict possible, where the positive control gained too little for one."""
    if row["verdict"] != "not_assayable" or not row["assay"] or row["assay_gain"] >= row["margin"]:
        return ""
    return (
        "A design in which the positive control gains: fewer labelled seconds (budget), a gentler arm "
        "(gradual_unfreezing, frozen_body), inputs of one meaning (align: matched)."
    )


def _findings(results: Results) -> dict[str, list[dict[str, Any]]]:
    """Return findings by severity, the worst first."""
    arms = arms_of(results)
    return {
        severity: [
            {**c, "message": write.spoken(c["message"], arms), "how": write.spoken(c["how"], arms)}
            for c in results.checks
            if c["severity"] == severity
        ]
        for severity in _SEVERITIES
        if any(c["severity"] == severity for c in results.checks)
    }
