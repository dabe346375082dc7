"""What the label can be read from besides the signal."""

from __future__ import annotations

import pandas as pd

from ....evidence.checks import family_table
from ....evidence.reading import data_label, protocol_label
from ....results import Results
from ... import figures
from .. import text as write
from ..table import Row, Table
from ..table import table as make_table
from .section import Block, Section, paragraph, picture, table

_METRIC = "balanced_accuracy"


def nuisance_section(results: Results) -> Section | None:
    """Return the nuisance baselines of every target: figure, table and mains hum by class."""
    families = family_table(results)
    if families.empty:
        return None
    classifier = results.recipe["nuisance"]["classifier"]["name"]
    blocks: list[Block] = [
        paragraph(
            f"The same folds, people and windows, classified (by {classifier}) from features that should not "
            "carry the label, measured before any preprocessing and again after a notch filter at the mains "
            "frequency and its harmonics. An arm that is not clearly above them has shown nothing about the "
            "signal. p: a test over the recordings of these people (labels of whole recordings permuted "
            "inside people), corrected by Holm's method."
        )
    ]
    for target in dict.fromkeys(families["target"]):
        label, name = data_label(target), target.replace(" ", "-")
        if target not in _led(results):
            blocks.append(level_picture(results, target, f"nuisance-{name}"))
        blocks.append(table(_family_table(families[families["target"] == target], label)))
        facts = results.data[target]["nuisance"]
        blocks.append(
            picture(
                figures.plot_mains, results, target, name=f"mains-{name}",
                caption=f"{label}: share of the power above 1 Hz that lies at {facts['line']:g} Hz, median "
                "over windows; filled before any filter, hollow after the notch. In the median recording the "
                f"strongest channel holds {facts['ratio']:.3g} times its neighbors' power there.",
                folded="" if target in _led(results) else f"{label}: mains hum by person and class",
            )
        )  # fmt: skip
    return Section("nuisance", "What the label can be read from besides the signal", "Nuisance", blocks)


def level_picture(results: Results, target: str, name: str) -> Block:
    """Return the figure of arms and families of one target."""
    caption = (
        f"{data_label(target)}: balanced accuracy of every arm, and of features that should not carry the "
        "label (squares: filled before any filter, hollow after a notch at the mains frequency), mean over "
        "people with 95 % intervals. Dotted: chance. Gray families are the signal itself, or no part of it."
    )
    return picture(figures.plot_nuisance, results, target, name=name, caption=caption)


def _led(results: Results) -> list[str]:
    """Return the targets whose figure stands before the verdict."""
    if not any(check.get("leads") for check in results.checks):
        return []
    families = family_table(results)
    return list(dict.fromkeys(families.loc[families["found"] & (families["stage"] == "raw"), "target"]))


def lead_pictures(results: Results) -> list[Block]:
    """Return the figures that go with what is said before the verdict."""
    return [level_picture(results, t, f"lead-{t.replace(' ', '-')}") for t in _led(results)]


def _family_table(part: pd.DataFrame, label: str) -> Table:
    several, rows, group = part["protocol"].nunique() > 1, list[Row](), ""
    for _, row in part.iterrows():
        if several and row["protocol"] != group:
            group = row["protocol"]
            rows.append(protocol_label(group))
        rows.append(
            [
                row["family"], {"raw": "before", "notch": "after"}[row["stage"]],
                write.level(row["value"], _METRIC), write.level_range(row["low"], row["high"], _METRIC),
                write.level(row["chance"], _METRIC), write.p_value(row["p"]), write.p_value(row["p_holm"]),
                write.gain(-row["behind"], _METRIC),
                "yes" if row["found"] else "no" if row["counts"] else "not judged",
            ]
        )  # fmt: skip
    columns = {
        "family": False, "notch": False, "balanced accuracy": True, "95 % interval": True, "chance": True,
        "p": True, "p (Holm)": True, "over the best arm": True, "carries the label": False,
    }  # fmt: skip
    return make_table(columns, rows, f"{label}: what each family of nuisance features reaches.")
