"""How nouns show themselves: one line in a terminal, a small table in Jupyter; never an array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from html import escape
from importlib import import_module
from typing import Any

LONGEST = 120


def one_line(text: str, longest: int = LONGEST) -> str:
    """Return ``<text>`` on one line, its end left out when it is long.

    Examples
    --------
    >>> one_line("Windows: 12 eeg features"), one_line("a long list of names", longest=16)
    ('<Windows: 12 eeg features>', '<a long li ...>')
    """
    text = " ".join(text.split())
    return f"<{text}>" if len(text) + 2 <= longest else f"<{text[: longest - 6].rstrip()} ...>"


def html_table(facts: Mapping[str, object]) -> str:
    """Return a two-column HTML table.

    Examples
    --------
    >>> html_table({"people": 4})
    '<table><tr><th>people</th><td>4</td></tr></table>'
    """
    rows = "".join(f"<tr><th>{escape(k)}</th><td>{escape(str(v))}</td></tr>" for k, v in facts.items())
    return f"<table>{rows}</table>"


def html_rows(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return an HTML table with a head and one line per row.

    Examples
    --------
    >>> html_rows(["layer"], [["body"]])
    '<table><thead><tr><th>layer</th></tr></thead><tbody><tr><td>body</td></tr></tbody></table>'
    """
    names = "".join(f"<th>{escape(name)}</th>" for name in head)
    lines = "".join(
        "<tr>" + "".join(f"<td>{escape(str(cell))}</td>" for cell in row) + "</tr>" for row in rows
    )
    return f"<table><thead><tr>{names}</tr></thead><tbody>{lines}</tbody></table>"


def upstairs(name: str) -> Any:
    """Return what pages are made by: the nouns stand on every floor, pages on the highest.

    Parameters
    ----------
    name : str
        Module in ``pages`` and its attribute, such as "report:write_report"; loaded when it is asked for.
    """
    module, _, attribute = name.partition(":")
    return getattr(import_module(f"biotransfer.pages.{module}"), attribute)


def with_picture(noun: object, html: str) -> str:
    """Return ``html`` with the figure of a noun below it, where one is drawn of its kind.

    Examples
    --------
    >>> with_picture(3, "<p>three</p>")
    '<p>three</p>'
    """
    return html + str(upstairs("notebook.nouns:picture_html")(noun))
