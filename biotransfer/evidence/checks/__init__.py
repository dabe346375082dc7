"""Numbered diagnostics of the study itself: what a reader should know before believing a verdict.

A finding is a function of Results that returns a severity and a sentence. A guard is a function of the
study's frame that returns faults, before anything is trained: an error there stops the study unless the
recipe accepts it with a reason. The entry says what is asked, how it is decided and how to mend what is
found. What has the fact ``leads``, and every accepted error, is said before the verdicts that it touches.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ...catalog import Entry
from ...errors import check
from ...results import Results
from .catalog import CHECKS
from .common import Finding, touches
from .findings import fitted_on_test_rows, mappings_without_meaning
from .fitted import refuse_test_rows, rows_fitted
from .frame import Fault, Frame
from .nuisance import FAMILY_TABLE, family_table

__all__ = [
    "CHECKS",
    "FAMILY_TABLE",
    "Fault",
    "Finding",
    "Frame",
    "family_table",
    "guard_names",
    "mappings_without_meaning",
    "refuse_errors",
    "refuse_test_rows",
    "rows_fitted",
    "run_checks",
    "run_guards",
    "say_accepted",
    "touches",
]

_RANK = ("ok", "note", "warning", "error")


def guard_names() -> list[str]:
    """Return the checks that can stop a study, which a recipe may accept."""
    return [e.name for e in CHECKS.values() if e.facts["before"] or e.function is fitted_on_test_rows]


def run_guards(frame: Frame) -> list[dict[str, Any]]:
    """Return what every guard finds before anything is trained.

    Parameters
    ----------
    frame : Frame
        Recipe, sides and splits, such as ``studies.running.prepare`` returns.

    Returns
    -------
    list of dict
        As :func:`run_checks`, with ``touches``: the target, protocol and source that each error is about
        (empty text stands for all).
    """
    found = []
    for entry in (e for e in CHECKS.values() if e.facts["before"]):
        faults = entry.function(frame)
        severity = max((f.severity for f in faults), key=_RANK.index, default="ok")
        message = ". ".join(f.message for f in faults) + "." if faults else entry.facts["clean"]
        reason = frame.recipe.accept.get(entry.name, "") if severity == "error" else ""
        about = [{"target": f.target, "protocol": f.protocol, "source": f.source} for f in faults
                   if f.severity == "error"]  # fmt: skip
        found.append({**_describe(entry, severity, message, reason), "touches": about})
    return found


def refuse_errors(found: Sequence[Mapping[str, Any]]) -> None:
    """Stop a study whose guards found an error that its recipe does not accept.

    Raises
    ------
    BiotransferError
        With the check, what it found, how to mend it, and what to write to run the study all the same.
    """
    for item in found:
        check(
            item["severity"] != "error" or item["accepted"],
            f"check {item['id']} {item['name']}: {item['message']} {item['mend']} To run it all the "
            f"same write "
            f'accept: {{{item["name"]}: "why"}}; the report will say so.',
        )


def say_accepted(
    verdicts: Sequence[Mapping[str, Any]], found: Sequence[Mapping[str, Any]]
) -> list[dict[str, Any]]:
    """Return verdicts whose sentences name the accepted errors that they were made under."""
    out = []
    for row in verdicts:
        said = ""
        for item in found:
            if item["accepted"] and touches(item, row):
                said += f" Made under an accepted error ({item['id']} {item['name']}: {item['accepted']})."
        out.append({**row, "sentence": f"{row['sentence']}{said}"})
    return out


def run_checks(results: Results, guarded: Sequence[Mapping[str, Any]] | None = None) -> list[dict[str, Any]]:
    """Return every check's finding, in order.

    Parameters
    ----------
    results : Results
        With verdicts; of several budgets of labels, the largest is judged.
    guarded : sequence of dict, optional
        What :func:`run_guards` found before; without it guards are left out.

    Returns
    -------
    list of dict
        id, name, question, severity ("ok", "note", "warning", "error"), message, how, mend, accepted (the
        recipe's reason for an error that would have stopped the study, else ""), leads (whether it is said
        before the verdict), and touches (which verdicts) where it is.
    """
    found = {item["name"]: dict(item) for item in guarded or ()}
    results = results.at_largest_budget()
    for entry in (e for e in CHECKS.values() if not e.facts["before"]):
        severity, message = entry.function(results)
        reason = results.recipe.get("accept", {}).get(entry.name, "") if severity == "error" else ""
        found[entry.name] = _describe(entry, severity, message, reason)
        if found[entry.name]["leads"] and entry.facts["leads"]:
            found[entry.name]["touches"] = entry.facts["leads"](results)
    return [found[name] for name in CHECKS if name in found]


def _describe(entry: Entry, severity: str, message: str, accepted: str) -> dict[str, Any]:
    return {
        "id": entry.facts["id"],
        "name": entry.name,
        "question": entry.summary,
        "severity": severity,
        "message": message,
        "how": (entry.function.__doc__ or "").strip(),
        "mend": "" if severity == "ok" else entry.facts["mend"],
        "accepted": accepted,
        "leads": bool(accepted) or (bool(entry.facts["leads"]) and severity in ("warning", "error")),
    }
