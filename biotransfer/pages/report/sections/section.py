"""What a section of the report is made of."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from .. import text as write
from ..embed import embedded
from ..table import Table


@dataclass(frozen=True)
class Block:
    """One piece of a section.

    Parameters
    ----------
    kind : {"text", "table", "picture"}
        How the template shows it.
    content : object
        Text as markup, a Table, or the picture's svg and caption.
    folded : str
        Summary under which it is folded away; "" shows it.
    """

    kind: str
    content: Any
    folded: str = ""


@dataclass(frozen=True)
class Section:
    """One section of the report.

    Parameters
    ----------
    key : str
        Anchor, unique on the page.
    title, link : str
        Heading, and the word in the navigation.
    blocks : sequence of Block
        From top to bottom.
    """

    key: str
    title: str
    link: str
    blocks: Sequence[Block]


def paragraph(text: str, folded: str = "") -> Block:
    """Return a paragraph; addresses in it become links."""
    return Block("text", write.linked(text), folded)


def table(content: Table, folded: str = "") -> Block:
    """Return a table."""
    return Block("table", content, folded)


def picture(draw: Callable[..., Any], *arguments: Any, name: str, caption: str, folded: str = "") -> Block:
    """Draw a figure and return it with its caption.

    Parameters
    ----------
    draw : callable
        Returns a matplotlib figure.
    *arguments
        What it is called with.
    name : str
        Unique on the page, lower case.
    caption : str
        What is to be seen.
    folded : str
        See :class:`Block`.
    """
    return Block("picture", embedded(draw(*arguments), name, caption), folded)
