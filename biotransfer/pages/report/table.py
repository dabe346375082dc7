"""A table of the report: cells are text already, in the order they are shown."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from markupsafe import Markup

from ...evidence.reading import outcome_label

Cell = str | Markup
Row = str | list[Cell]


@dataclass(frozen=True)
class Table:
    """A table of the report.

    Parameters
    ----------
    title : str
        Its name; "" when the heading above says it.
    caption : str
        What it shows.
    head : sequence of str
        Column names.
    rows : sequence of list, or str
        Cells, of which the first is the row's name; a plain text heads the rows below it.
    numeric : frozenset of int
        Columns set flush right with tabular numbers.
    """

    title: str
    caption: str
    head: Sequence[str]
    rows: Sequence[Row]
    numeric: frozenset[int] = frozenset()


def table(columns: Mapping[str, bool], rows: Sequence[Row], caption: str, title: str = "") -> Table:
    """Return a Table; ``columns`` maps names to whether they are numeric."""
    numeric = frozenset(i for i, number in enumerate(columns.values()) if number)
    return Table(title, caption, list(columns), rows, numeric)


def badge(row: Mapping[str, Any]) -> Markup:
    """Return what a comparison came to as a colored word.

    Examples
    --------
    >>> str(badge({"verdict": "positive"}))
    '<span class="badge positive">positive</span>'
    """
    return Markup('<span class="badge {}">{}</span>').format(row["verdict"] or "none", outcome_label(row))
