"""Numbered diagnostics of the study itself: what a reader should know before believing a verdict.

A check is a function of Results that returns a severity and a sentence; its entry says what it asks, how it
decides and how to mend what it finds. A check with the fact ``leads`` is said before the verdict.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ..catalog import Catalog, Entry
from ..results import Results
from . import findings
from .common import Finding
from .nuisance import FAMILY_TABLE, family_table, mains_carries_label, nuisance_carries_label

__all__ = ["CHECKS", "FAMILY_TABLE", "Finding", "family_table", "run_checks"]


def _entry(
    identifier: str,
    function: Callable[[Results], Finding],
    question: str,
    mend: str,
    source: str = "own",
    *,
    leads: bool = False,
) -> Entry:
    facts = {"id": identifier, "mend": mend, "leads": leads}
    return Entry(function.__name__, question, function, source, facts)


CHECKS = Catalog(
    "check",
    [
        _entry("C01", findings.leaking_split, "Can near copies of test windows be in training?",
               "Use split: {by: subject}.", "Kapoor & Narayanan 2023, doi:10.1016/j.patter.2023.100804"),
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
        _entry("C11", findings.label_is_recording, "Can a class be told from its recording?",
               "Evaluate by subject, or record every class several times."),
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
    ],
)  # fmt: skip


def run_checks(results: Results) -> list[dict[str, Any]]:
    """Return every check's finding, in order.

    Parameters
    ----------
    results : Results
        With verdicts; of several budgets of labels, the largest is judged.

    Returns
    -------
    list of dict
        id, name, question, severity ("ok", "note", "warning", "error"), message, how, mend, leads (whether
        it is said before the verdict).
    """
    found = []
    results = results.at_largest_budget()
    for entry in CHECKS.values():
        severity, message = entry.function(results)
        found.append(
            {
                "id": entry.facts["id"],
                "name": entry.name,
                "question": entry.summary,
                "severity": severity,
                "message": message,
                "how": (entry.function.__doc__ or "").strip(),
                "mend": "" if severity == "ok" else entry.facts["mend"],
                "leads": entry.facts["leads"] and severity in ("warning", "error"),
            }
        )
    return found
