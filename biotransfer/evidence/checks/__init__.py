"""Numbered diagnostics of the study itself: what a reader should know before believing a verdict.

A finding is a function of Results that returns a severity and a sentence. A guard is a function of the
study's frame that returns faults, before anything is trained: an error there stops the study unless the
recipe accepts it with a reason. The entry says what is asked, how it is decided and how to mend what is
found. What has the fact ``leads``, and every accepted error, is said before the verdict.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ...catalog import Catalog, Entry
from ...errors import check
from ...results import Results
from . import findings, guards
from .common import Finding
from .fitted import fitted_on_test_rows, refuse_test_rows, rows_fitted
from .guards import Fault, Frame
from .nuisance import FAMILY_TABLE, family_table, mains_carries_label, nuisance_carries_label

__all__ = [
    "CHECKS",
    "FAMILY_TABLE",
    "Fault",
    "Finding",
    "Frame",
    "family_table",
    "guard_names",
    "refuse_errors",
    "refuse_test_rows",
    "rows_fitted",
    "run_checks",
    "run_guards",
    "say_accepted",
]

_RANK = ("ok", "note", "warning", "error")


def _entry(
    identifier: str,
    function: Callable[[Results], Finding],
    question: str,
    mend: str,
    source: str = "own",
    *,
    leads: bool = False,
) -> Entry:
    facts = {"id": identifier, "mend": mend, "leads": leads, "before": False}
    return Entry(function.__name__, question, function, source, facts)


def _guard(
    identifier: str,
    function: Callable[[Frame], list[Fault]],
    question: str,
    mend: str,
    clean: str,
    source: str = "own",
) -> Entry:
    facts = {"id": identifier, "mend": mend, "leads": False, "before": True, "clean": clean}
    return Entry(function.__name__, question, function, source, facts)


CHECKS = Catalog(
    "check",
    [
        _guard("C01", guards.leaking_split, "Can near copies of test windows be in training?",
               "Use split: {by: subject}.", "No split lets near copies of test windows into training.",
               "Kapoor & Narayanan 2023, doi:10.1016/j.patter.2023.100804"),
        _entry("C02", findings.too_few_people, "Could any difference have been significant?",
               "Record or load more people; six are the least for 0.05."),
        _entry("C03", findings.control_as_good, "Does a control explain the gain?",
               "Read the gain over the best control, not over scratch.",
               "Maennel et al. 2020, arXiv:2006.10455"),
        _entry("C04", findings.missing_controls, "Was every control run?", "Add them to arms."),
        _entry("C05", findings.source_at_chance,
               "Did the source network learn anything that holds for other people?",
               "Choose another source, more people or longer training."),
        _entry("C06", findings.target_at_chance, "Can the target be learned at all?",
               "Choose other features, a longer training or another network."),
        _entry("C07", findings.little_carried, "Was enough of the network carried over to matter?",
               "Choose a network whose body holds most parameters, or align the inputs to one shape."),
        _entry("C08", findings.frozen_with_fresh_stem, "Is frozen_body a linear probe?",
               "Use an align step that gives both modalities the same number of inputs."),
        _entry("C09", findings.still_rising, "Had the baseline finished learning?", "Raise train.epochs."),
        _entry("C10", findings.data_defects, "Is something wrong with the recordings?",
               "See: biotransfer inspect NAME."),
        _guard("C11", guards.label_is_recording, "Can a class be told from its recording?",
               "Use split: {by: subject}, or record every class several times.",
               "The name of its recording does not tell the class of a test window."),
        _entry("C12", findings.luck_of_seeds, "Could the seeds alone have made the difference?",
               "Raise seeds."),
        _entry("C13", findings.simulated_data, "Are the signals real?", "Name a real data set."),
        _entry("C14", mains_carries_label, "Does mains hum tell the classes apart?",
               "Record all classes in one session, in random order, on batteries; until then no result of "
               "this set can be read as one about the signal. A notch filter alone does not mend it.",
               "Ojala & Garriga 2010, JMLR 11:1833 (the null)", leads=True),
        _entry("C15", nuisance_carries_label, "Do other features that should not carry the label carry it?",
               "Look at the recordings (biotransfer inspect NAME), clean or leave out what differs by class, "
               "and read no gain as one about the signal until an arm is clearly above these features. Level "
               "and slow deflections also follow what the brain does: they are a warning, not a proof.",
               "Ojala & Garriga 2010, JMLR 11:1833 (the null)"),
        _guard("C16", guards.shared_samples, "Does the same signal stand in training and test?",
               "Leave out one of the copies, or split by subject where one person has both.",
               "No recording repeats another across a split.",
               "Kapoor & Narayanan 2023, doi:10.1016/j.patter.2023.100804"),
        _guard("C17", guards.same_people, "Is a person who is tested in a source of the same modality?",
               "Give the source other subjects, or keep people of the target aside ({people: 1}).",
               "No person is in a target and in a source of its modality."),
        _guard("C18", guards.unequal_tuning, "Was one arm tuned on the target where another was not?",
               "Keep one setting per method, chosen before; or give the baseline as many.",
               "Every way to transfer is tried with as many settings as the baseline."),
        _entry("C19", fitted_on_test_rows, "Were scaler, selector or alignment fitted on test rows?",
               "Fit them on split.fit_rows.", "Kaufman et al. 2012, doi:10.1145/2382577.2382579"),
    ],
)  # fmt: skip


def guard_names() -> list[str]:
    """Return the checks that can stop a study, which a recipe may accept."""
    return [e.name for e in CHECKS.values() if e.facts["before"] or e.function is fitted_on_test_rows]


def run_guards(frame: Frame) -> list[dict[str, Any]]:
    """Return what every guard finds before anything is trained.

    Parameters
    ----------
    frame : Frame
        Recipe, sides and splits, such as ``study.prepare`` returns.

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
        reason = frame.recipe["accept"].get(entry.name, "") if severity == "error" else ""
        touches = [{"target": f.target, "protocol": f.protocol, "source": f.source} for f in faults
                   if f.severity == "error"]  # fmt: skip
        found.append({**_describe(entry, severity, message, reason), "touches": touches})
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
            ours = {"target": row["target"], "protocol": row["protocol"], "source": row["source"]}
            hit = any(all(not t[k] or t[k] == ours[k] or t[k].startswith("same_modality ") for k in ours)
                      for t in item["touches"])  # fmt: skip
            if item["accepted"] and hit:
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
        before the verdict).
    """
    found = {item["name"]: dict(item) for item in guarded or ()}
    results = results.at_largest_budget()
    for entry in (e for e in CHECKS.values() if not e.facts["before"]):
        severity, message = entry.function(results)
        reason = results.recipe.get("accept", {}).get(entry.name, "") if severity == "error" else ""
        found[entry.name] = _describe(entry, severity, message, reason)
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
        "leads": bool(accepted) or (entry.facts["leads"] and severity in ("warning", "error")),
    }
