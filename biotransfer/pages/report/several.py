"""Two studies side by side, and the studies of a folder, each as one HTML page that opens offline."""

from __future__ import annotations

import os
from pathlib import Path
from urllib.parse import quote

from markupsafe import Markup

from ... import __version__
from ...evidence.side_by_side import Difference, SideBySide
from ...studies.running.listing import Listed, StudyList
from ..figures import plot_side_by_side
from . import text as write
from .embed import embedded
from .filling import fill
from .table import Cell, Row, Table, badge, table

_WORDS = {"recipe": "In the recipe", "data": "In the data", "code": "In code, libraries and machine"}


def render_comparison(found: SideBySide) -> str:
    """Return the page of two studies side by side.

    Parameters
    ----------
    found : SideBySide
        Of :func:`.compare_studies`.
    """
    return fill(
        "compared.html",
        {
            "title": "Two studies side by side",
            "version": __version__,
            "facts": [("first", found.names[0]), ("second", found.names[1])],
            "titles": found.titles,
            "answer": found.answer,
            "picture": _picture(found),
            "differences": write.joined(
                f"{len(found.of(where))} in the {where}" for where in _WORDS if found.of(where)
            ),
            "claims": _claims(found),
            "tables": [
                (where, heading, _differences(found.of(where), heading)) for where, heading in _WORDS.items()
            ],
        },
    )


def _picture(found: SideBySide) -> dict[str, Markup | str] | None:
    if not found.pairs:
        return None
    caption = (
        "Gain of every claim with its 95 % interval over people: filled in the first study, hollow in the "
        "second; the band is the margin inside which a difference counts as none."
    )
    return embedded(plot_side_by_side(found), "claims", caption)


def _claims(found: SideBySide) -> Table:
    rows: list[Row] = []
    for pair in found.pairs:
        cells: list[Cell] = [pair.label]
        for row in (pair.first, pair.second):
            if row is None:
                cells += [write.NOTHING, write.NOTHING, write.NOTHING]
            else:
                ends = write.interval(row["ci_low"], row["ci_high"], row["metric"])
                cells += [write.gain(row["difference"], row["metric"]), ends, badge(row)]
        rows.append([*cells, pair.shift_label if pair.first and pair.second else write.NOTHING])
    columns = {
        "claim": False, "gain, first": True, "95 % interval, first": True, "first": False,
        "gain, second": True, "95 % interval, second": True, "second": False, "second minus first": False,
    }  # fmt: skip
    return table(
        columns,
        rows,
        "Claims of either study. The last column is over the people whom both tested: mean, 95 % interval, "
        "sign-flip p. Two verdicts that differ are no evidence that the gains do; that column is.",
    )


def _differences(found: list[Difference], heading: str) -> Table | None:
    if not found:
        return None
    rows: list[Row] = [[one.what, one.first, one.second] for one in found]
    return table({"what": False, "first": False, "second": False}, rows, f"{heading}: what differs.")


def render_index(found: StudyList, page: Path) -> str:
    """Return the page that lists the studies of a folder.

    Parameters
    ----------
    found : StudyList
        Of :func:`.list_studies`.
    page : Path
        Where it will be written: links are relative to its folder.
    """
    return fill(
        "index.html",
        {
            "title": f"Studies in {found.folder.resolve().name}",
            "version": __version__,
            "facts": [
                ("studies", str(len(found.studies))),
                ("finished", str(sum(one.state == "finished" for one in found.studies))),
            ],
            "studies": _studies(found, page),
            "answers": [
                (one.title, _place(one, found), write.spoken(one.answer), _link(one, page))
                for one in found.studies
                if one.answer
            ],
        },
    )


def _place(one: Listed, found: StudyList) -> str:
    """Return where a study lies, seen from the folder that is listed."""
    return one.folder.resolve().relative_to(found.folder.resolve()).as_posix()


def _link(one: Listed, page: Path) -> str:
    report = one.folder / "report.html"
    if not report.is_file():
        return ""
    return quote(os.path.relpath(report.resolve(), page.resolve().parent).replace(os.sep, "/"))


def _studies(found: StudyList, page: Path) -> Table:
    rows: list[Row] = []
    for one in found.studies:
        link = _link(one, page)
        title: Cell = Markup('<a href="{}">{}</a>').format(link, one.title) if link else one.title
        verdicts = Markup(", ").join(
            Markup('<span class="whole">{} {}</span>').format(n, badge({"verdict": name}))
            for name, n in one.verdicts.items()
        )
        rows.append([title, one.date, one.people, one.state, verdicts or write.NOTHING, _place(one, found)])
    columns = dict.fromkeys(("study", "date", "people", "state", "verdicts", "folder"), False)
    return table(columns, rows, "Every study folder here, the newest first. A title opens its report.")
