"""Commands on finished studies: their verdicts, pages, comparison and proof."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ..errors import BiotransferError
from ..errors import check as require
from ..files import make_folder
from .telling import Teller

if TYPE_CHECKING:
    from ..results import Results


def verdicts(arguments: argparse.Namespace, teller: Teller) -> int:
    """Print the verdicts of a study folder."""
    from ..results import load_results

    results = load_results(arguments.folder)
    teller.plain(results.verdict_list)
    print_verdicts(results, teller)
    return 0


def print_verdicts(results: Results, teller: Teller) -> None:
    """Print what a study found: what leads, the answer, a line per comparison, findings by weight."""
    from ..evidence.reading import (
        arm_label,
        compared,
        direction_label,
        metric_label,
        network_label,
        outcome_label,
        p_label,
        protocol_label,
    )
    from ..evidence.verdicts import headline
    from ..signals.splits import ALL, budget_label
    from ..studies.running.glance import worst_first

    for finding in results.checks:
        if finding.get("leads"):
            teller.say(f"\n{finding['id']} {finding['severity']}: {finding['message']}")
    teller.say("", headline(results.verdict_list), "")
    head = ("direction", "network", "tested on", "arm", "gain", "95 % CI", "p (Holm)", "verdict")
    rows = []
    for row in results.verdict_list:
        where = protocol_label(row["protocol"])
        ends = [row["ci_low"], row["ci_high"]]
        rows.append(
            (
                direction_label(results.directions[row["direction"]]),
                network_label(row["network"], row["variant"]),
                where if row["budget"] == ALL else f"{where}, {budget_label(row['budget'])}",
                arm_label(row["arm"]),
                f"{100 * row['difference']:+.1f}",
                "?" if None in ends else f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f}",
                p_label(row["p_holm"]),
                outcome_label(row),
            )
        )
    teller.say(*aligned(head, rows, right=(4, 5, 6)))
    asked = compared(results)
    several = len({row["against"] for row in results.verdict_list}) > 1
    own = ", frozen arms over frozen random weights" if several else ""
    teller.say(
        f"gain: points of {metric_label(asked.metric)} over {arm_label(asked.against)}{own}; the unit is the "
        "person"
    )
    told = [dict(f) for f in results.checks if f["severity"] in ("warning", "error") and not f.get("leads")]
    for finding in worst_first(told):
        teller.say(f"{finding['id']} {finding['severity']}: {finding['message']}")


def aligned(head: Sequence[str], rows: Sequence[Sequence[str]], right: Sequence[int] = ()) -> list[str]:
    """Return a table as lines of text; columns are as wide as what they hold.

    Examples
    --------
    >>> aligned(("arm", "gain"), [("frozen", "+1.0")], right=(1,))
    ['arm     gain', '------------', 'frozen  +1.0']
    """
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    lines = [
        "  ".join(
            cell.rjust(width) if i in right else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in (head, *rows)
    ]
    return [lines[0], "-" * max(map(len, lines)), *lines[1:]]


def compare(arguments: argparse.Namespace, teller: Teller) -> int:
    """Say what differs between two finished studies, claim by claim."""
    from ..evidence.side_by_side import compare_studies

    found = compare_studies(arguments.first, arguments.second)
    if arguments.out is not None:
        from ..pages.report import write_comparison

        page = write_comparison(found, arguments.out)
        teller.say(f"Page: {page}")
    teller.plain(found.plain())
    teller.answer(*found.lines())
    return 0


def index(arguments: argparse.Namespace, teller: Teller) -> int:
    """Write a page that lists the studies of a folder."""
    from ..pages.report import write_index
    from ..studies.running.listing import list_studies

    found = list_studies(arguments.folder)
    page = write_index(found, arguments.out or arguments.folder)
    teller.plain(found.plain())
    teller.say(*found.lines())
    teller.answer(f"Page: {page}")
    return 0


def export(arguments: argparse.Namespace, teller: Teller) -> int:
    """Hand a finished study to another tool."""
    from ..pages.tracking import export_study
    from ..results import load_results

    for line in export_study(load_results(arguments.folder), arguments.out, to=arguments.to):
        teller.answer(line)
    return 0


def verify(arguments: argparse.Namespace, teller: Teller) -> int:
    """Prove a study folder whole, and its verdicts those of its curves."""
    from ..studies.running.verifying import verify_study

    found = verify_study(arguments.folder)
    for line in (*found.damaged, *found.differing, *found.unlisted):
        teller.say(line)
    teller.answer(found)
    return 0 if found.whole else 1


def report(arguments: argparse.Namespace, teller: Teller) -> int:
    """Write the report of a study folder again."""
    from ..pages.report import write_methods, write_report
    from ..results import load_results

    folder = Path(arguments.folder)
    results = load_results(folder)
    out = Path(arguments.out or folder)
    require(
        arguments.out is not None or os.access(folder, os.W_OK),
        f"{str(folder)!r} cannot be written. Type: biotransfer report {folder} --out FOLDER",
    )
    make_folder(out)
    try:
        write_methods(results, out / "methods.md")
        page = write_report(results, out / "report.html")
    except (BiotransferError, OSError, MemoryError):
        raise
    except Exception as error:
        raise BiotransferError(
            f"{str(folder)!r} cannot be shown ({type(error).__name__}: {str(error)[:200]}): its tables and "
            f"facts do not fit each other. Type: biotransfer verify {folder}, or run its recipe again."
        ) from error
    teller.answer(f"Report: {page}")
    return 0


def pool(arguments: argparse.Namespace, teller: Teller) -> int:
    """Join finished studies and write their page."""
    from ..evidence.pooling import pool_studies
    from ..evidence.reading import arm_label, direction_label, network_label, p_label, protocol_label
    from ..pages.report import write_pooled
    from ..results import Direction
    from ..signals.splits import ALL, budget_label

    pooled = pool_studies(arguments.folders)
    page = write_pooled(pooled, arguments.out)
    for claim in pooled.claim_list:
        teller.say(f"{claim['sentence']}\n")
    head = (
        "direction",
        "network",
        "tested on",
        "arm",
        "sets",
        "people",
        "gain",
        "95 % CI",
        "p (Holm)",
        "verdict",
    )
    rows = []
    for claim in pooled.claim_list:
        ends = [claim["ci_low"], claim["ci_high"]]
        where = protocol_label(claim["protocol"])
        rows.append(
            (
                direction_label(Direction(claim["source"], claim["target"])),
                network_label(claim["network"], claim["variant"]),
                where if claim["budget"] == ALL else f"{where}, {budget_label(claim['budget'])}",
                arm_label(claim["arm"]),
                str(claim["n_data_sets"]),
                str(claim["n_people"]),
                f"{100 * claim['difference']:+.1f}",
                "?" if None in ends else f"{100 * ends[0]:+.1f} to {100 * ends[1]:+.1f}",
                p_label(claim["p_holm"]),
                claim["verdict"].replace("_", " "),
            )
        )
    teller.say(*aligned(head, rows, right=(4, 5, 6, 7, 8)))
    teller.say("gain: the mean over data sets; everyone counts once")
    for note in pooled.notes:
        teller.say(note)
    if pooled.left_out:
        teller.say(f"{len(pooled.left_out)} not pooled, such as {pooled.left_out[0]}")
    teller.answer(f"\nPage: {page}")
    return 0
