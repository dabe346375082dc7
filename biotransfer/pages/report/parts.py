"""Parts of the page that do not depend on each other, so that processes can share them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from markupsafe import Markup

from ...evidence.reading import (
    arm_label,
    baseline_arm,
    chance_level,
    compared_measure,
    compared_metric,
    data_label,
    direction_label,
    directions_of,
    measure_label,
    metric_label,
)
from ...results import Results, load_results
from .. import figures
from . import comparisons, facts
from . import text as write
from .embed import embedded
from .sections import SECTIONS, lead_pictures

Spread = Callable[[Callable[..., Any], object, Sequence[tuple[Any, ...]]], Iterable[Any]]
_BUNDLES = 8
"""At most so many processes read the study, which costs each as much as some parts do."""


class Material:
    """What parts are made from, each measured when first asked for.

    Parameters
    ----------
    results : Results
        A study.
    """

    def __init__(self, results: Results):
        self.whole, self.results = results, results.at_largest_budget()

    @property
    def parts(self) -> list[tuple[str, Any]]:
        """Kind and key of every part; what takes longest comes first."""
        return [
            *(("section", name) for name in SECTIONS),
            *(("direction", key) for key in directions_of(self.results)),
            ("leads", ""),
            ("published", ""),
            *(("data", key) for key in self.results.data),
        ]

    @cached_property
    def measures(self) -> Mapping[str, Any]:
        """Every trial's measures."""
        return comparisons.measures_by_metric(self.results)

    @cached_property
    def others(self) -> Any:
        """Measures beside the compared one."""
        return comparisons.other_measures(self.results)


class Saved:
    """The same of a study folder; a process that is sent it reads the folder once."""

    def __init__(self, folder: Path):
        self.folder = folder

    @cached_property
    def material(self) -> Material:
        """What the folder holds."""
        return Material(load_results(self.folder))


def make_parts(material: Material, folder: Path | None, spread: Spread | None) -> dict[tuple[str, Any], Any]:
    """Return what the template shows of every part, made here or by ``spread`` from a study folder."""
    if spread is None or folder is None:
        return {part: _part(material, *part) for part in material.parts}
    bundles = [(material.parts[i::_BUNDLES],) for i in range(_BUNDLES)]
    return {part: made for bundle in spread(_bundle, Saved(folder), bundles) for part, made in bundle}


def _bundle(saved: Saved, parts: Sequence[tuple[str, Any]]) -> list[tuple[tuple[str, Any], Any]]:
    return [(part, _part(saved.material, *part)) for part in parts]


def _part(material: Material, kind: str, key: Any) -> Any:
    """Return what the template shows of one part."""
    if kind == "direction":
        return _direction(material.results, material.measures, material.others, key)
    if kind == "data":
        return _data(material.results, key)
    if kind == "published":
        return comparisons.published_table(material.results, material.measures)
    if kind == "section":
        return SECTIONS[key].function(material.whole)
    return lead_pictures(material.results)


def _picture(
    draw: Callable[..., Any], results: Results, what: str, name: str, caption: str
) -> dict[str, Markup | str]:
    return embedded(draw(results, what), name, caption)


def _direction(results: Results, measures: Mapping[str, Any], others: Any, direction: str) -> dict[str, Any]:
    """Return everything about one direction."""
    label, key = direction_label(results.directions[direction]), results.directions[direction].slug
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
            f"Bands: 95 % interval over people, for {base} and transferred; the other arms' "
            f"intervals are in the table of arms.{level}",
        ),
        "ahead": _picture(
            figures.plot_curve_gains, results, direction, f"ahead-{key}",
            f"{label}: how far every arm is ahead of {base} after each pass, mean over people; above the "
            "line is better. Band: 95 % interval over people, for transferred; hollow marks: step 0.",
        ) if paired else None,
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
        "findings": facts.finding_table(side),
        "decisions": [str(decision) for decision in side.get("decisions") or []],
        "caveats": [write.linked(caveat) for caveat in side.get("caveats") or []],
        "counts": facts.count_table(side),
        "looks": _picture(
            figures.plot_looks, results, key, f"looks-{name}",
            f"{label} as loaded, before any filter: lowest and highest value of up to 8 channels over the "
            "whole of each recording, all on one scale; the strip below says the class.",
        ) if side.get("looks") else None,
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
