"""Results -> one HTML page with everything inside: nothing is loaded from elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib.resources import files
from typing import Any

import yaml
from markupsafe import Markup

from .. import figures
from ..figures.style import (
    arm_label,
    baseline_arm,
    chance_level,
    compared_measure,
    compared_metric,
    condition_label,
    conditions_of,
    data_label,
    direction_label,
    directions_of,
    measure_label,
    metric_label,
)
from ..results import Results
from ..splits import SPLITS
from ..verdicts import headline
from . import comparisons, facts
from . import text as write
from .embed import svg
from .methods import methods_paragraphs
from .sections import lead_pictures, make_sections

_SEVERITIES = ("error", "warning", "note", "ok")


def render(results: Results) -> str:
    """Return the report as one HTML document.

    Parameters
    ----------
    results : Results
        A study.

    Returns
    -------
    str
        HTML with styles and pictures inside.
    """
    import jinja2

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined
    )
    folder = files(__package__)
    template = environment.from_string(folder.joinpath("template.html").read_text(encoding="utf-8"))
    styles = Markup(folder.joinpath("style.css").read_text(encoding="utf-8"))
    return template.render(styles=styles, **context(results))


def context(results: Results) -> dict[str, Any]:
    """Return what the template shows."""
    recipe, provenance = results.recipe, results.provenance
    whole, results = results, results.at_largest_budget()
    invented = [data_label(key) for key, side in results.data.items() if side.get("simulated")]
    simulated = bool(invented) or bool(provenance.get("simulated"))
    title = str(recipe.get("title") or "A transfer study")
    measures, others = comparisons.measures_by_metric(results), comparisons.other_measures(results)
    paragraphs, references = methods_paragraphs(whole)
    return {
        "title": f"{title} (simulated data)" if simulated else title,
        "question": str(recipe.get("question") or ""),
        "source": write.linked(recipe.get("source") or ""),
        "simulated": simulated,
        "invented": write.joined(invented) if len(invented) < len(results.data) else "",
        "smoke": bool(recipe.get("smoke")),
        "note": str(provenance.get("note") or ""),
        "facts": _head_facts(results),
        "headline": _headline(whole.verdict_list),
        "sentences": [d["sentence"] for d in whole.verdict_list],
        "leads": [check for check in results.checks if check.get("leads")],
        "lead_pictures": lead_pictures(results),
        "cards": _cards(results),
        "findings": _findings(whole),
        "verdicts": comparisons.verdict_table(whole),
        "guide": facts.guide_table(results),
        "directions": [_direction(results, measures, others, d) for d in directions_of(results)],
        "published": comparisons.published_table(results, measures),
        "sources": facts.source_table(results),
        "sections": make_sections(whole),
        "data": [_data(results, key) for key in results.data],
        "methods": [(heading, write.linked(text)) for heading, text in paragraphs],
        "references": [write.linked(reference) for reference in references],
        "provenance": facts.provenance_facts(results),
        "files": facts.file_table(results),
        "recipe_yaml": yaml.safe_dump(recipe, sort_keys=False, allow_unicode=True, width=100),
        "version": str((provenance.get("versions") or {}).get("biotransfer", "")),
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


def _cards(results: Results) -> list[dict[str, Any]]:
    """Return the transferred arm's verdict in every condition."""
    base = baseline_arm(results)
    cards = []
    for d in results.verdict_list:
        if d["against"] != base or d["arm"] != "transferred":
            continue
        metric, protocol = d["metric"], d["protocol"]
        conditions = conditions_of(results.curves, d["direction"])
        cards.append(
            {
                "direction": direction_label(d["direction"]),
                "condition": condition_label((d["network"], protocol), conditions),
                "verdict": d["verdict"],
                "arm": arm_label(d["arm"]),
                "against": arm_label(d["against"]),
                "gain": write.gain(d["difference"], metric),
                "interval": write.interval(d["ci_low"], d["ci_high"], metric),
                "p_holm": write.p_value(d["p_holm"]),
                "people": write.counted(d["n_subjects"], "person"),
                "margin": write.gain(d["margin"], metric).lstrip("+"),
                "metric": metric_label(metric),
                "leaks": protocol in SPLITS and bool(SPLITS[protocol].facts["leaks"]),
            }
        )
    return sorted(cards, key=lambda card: card["leaks"])


def _findings(results: Results) -> dict[str, list[dict[str, Any]]]:
    """Return findings by severity, the worst first."""
    return {
        severity: [c for c in results.checks if c["severity"] == severity]
        for severity in _SEVERITIES
        if any(c["severity"] == severity for c in results.checks)
    }


def _picture(
    draw: Callable[..., Any], results: Results, what: str, name: str, caption: str
) -> dict[str, Markup | str]:
    return {"svg": svg(draw(results, what), name, caption), "caption": caption}


def _direction(results: Results, measures: Mapping[str, Any], others: Any, direction: str) -> dict[str, Any]:
    """Return everything about one direction."""
    label, key = direction_label(direction), direction.replace("->", "-to-").replace(" ", "-")
    metric, measure = metric_label(compared_metric(results)), measure_label(compared_measure(results))
    base = arm_label(baseline_arm(results))
    arms = set(results.curves.loc[results.curves["direction"] == direction, "arm"])
    chance = chance_level(results, direction, compared_metric(results))
    level = f" Dotted: chance, {write.level(chance, compared_metric(results))}." if chance is not None else ""
    paired = {"transferred", baseline_arm(results)} <= arms and baseline_arm(results) != "transferred"
    judged = any(d["direction"] == direction for d in results.verdict_list)
    carried = not results.ledger.empty and direction in set(results.ledger["direction"])
    tested = not results.predictions.empty and direction in set(results.predictions["direction"])
    return {
        "key": key,
        "label": label,
        "arms": comparisons.arm_tables(results, measures, direction),
        "moments": None if others is None else comparisons.moment_table(results, others, direction),
        "speed": comparisons.speed_table(results, measures[compared_metric(results)], direction),
        "curves": _picture(
            figures.plot_learning_curves, results, direction, f"curves-{key}",
            f"{label}: {metric} on test windows, mean over people. Hollow marks: step 0, before any update. "
            f"Bands: 95 % bootstrap interval over people, for {base} and transferred; the other arms' "
            f"intervals are in the table of arms.{level}",
        ),
        "subjects": _picture(
            figures.plot_subjects, results, direction, f"people-{key}",
            f"{label}: every person with {base} and with transferred weights ({metric}, {measure}; seeds "
            f"averaged). Blue lines rise, gray lines do not; black: the mean.{level}",
        ) if paired else None,
        "gains": _picture(
            figures.plot_gains, results, direction, f"gains-{key}",
            f"{label}: differences with 95 % intervals over people; the shaded strip is the margin inside "
            "which a difference counts as none.",
        ) if judged else None,
        "confusion": _picture(
            figures.plot_confusion, results, direction, f"confusion-{key}",
            f"{label}: how often each class (row) is taken for each (column), in % of the row, after the "
            "last update; every person counts once, seeds pooled.",
        ) if tested else None,
        "ledger": _picture(
            figures.plot_ledger, results, direction, f"ledger-{key}",
            f"{label}: where each arm's parameters come from before training.",
        ) if carried else None,
        "ledger_table": facts.ledger_table(results, direction) if carried else None,
        "tensors": facts.tensor_table(results, direction) if carried else None,
    }  # fmt: skip


def _data(results: Results, key: str) -> dict[str, Any]:
    """Return everything about one data set."""
    side, label = results.data[key], data_label(key)
    name = key.replace(" ", "-").replace("_", "-")
    return {
        "key": name,
        "label": label,
        "facts": facts.data_facts(side),
        "text": str(side.get("preprocessing_text") or ""),
        "steps": facts.step_rows(side),
        "history": [str(step) for step in side.get("history") or []],
        "notes": [str(note) for note in side.get("notes") or []],
        "caveats": [write.linked(caveat) for caveat in side.get("caveats") or []],
        "counts": facts.count_table(side),
        "signals": _picture(
            figures.plot_signals, results, key, f"signals-{name}",
            f"{label} after preprocessing: the first seconds of one stretch of every class; all channels on "
            "one scale, each around its median.",
        ) if side.get("excerpts") else None,
        "spectra": _picture(
            figures.plot_spectra, results, key, f"spectra-{name}",
            f"{label}: power spectral density of the windows of every class.",
        ) if side.get("psd") else None,
    }  # fmt: skip
