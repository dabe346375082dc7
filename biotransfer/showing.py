"""How nouns show themselves: one line in a terminal, a small table in Jupyter; never an array."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

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
