"""Matplotlib figures as inline SVG: text stays text, names do not collide, nothing is loaded from outside."""

from __future__ import annotations

import io
import json
import re
import warnings
from typing import TYPE_CHECKING

from markupsafe import Markup, escape

from .drawn import drawn_data

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_FITS, _LEAST_WIDTH = 5.2, "34rem"
"""Up to so many inches a figure shrinks with the screen; a wider one stays legible and scrolls."""
_NUMBER = re.compile(r"(-?\d+\.\d\d)\d+")
_SPOKEN = re.compile(r"(person|curve|step0|gain|control|positive_control|interval):(.+)")


def embedded(figure: Figure, name: str, caption: str) -> dict[str, Markup | str]:
    """Return what the page shows of a figure: the drawing, its name and caption, and the data drawn.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to draw.
    name : str
        Unique on the page, lower case: the name of the files that readers save.
    caption : str
        What is to be seen.
    """
    data = json.dumps(drawn_data(figure)).replace("<", "\\u003c")
    return {"svg": svg(figure, name, caption), "name": name, "caption": caption, "data": Markup(data)}


def svg(figure: Figure, name: str, description: str) -> Markup:
    """Return a figure as an SVG element.

    Parameters
    ----------
    figure : matplotlib.figure.Figure
        What to draw.
    name : str
        Prefix of the element names inside, unique in the page.
    description : str
        What the picture shows, for those who cannot see it.

    Returns
    -------
    Markup
        One ``<svg role="img">`` element with a title.
    """
    import matplotlib as mpl

    stream = io.StringIO()
    with (
        mpl.rc_context({"svg.fonttype": "none", "svg.hashsalt": name, "svg.id": None}),
        warnings.catch_warnings(),
    ):
        # The page's own fonts write the text: what matplotlib's font lacks does not matter.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font", category=UserWarning)
        figure.savefig(stream, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    text = stream.getvalue()
    text = text[text.index("<svg") :]
    text = re.sub(r"<metadata>.*?</metadata>\s*", "", text, flags=re.DOTALL)
    text = re.sub(r"<!--.*?-->\s*", "", text, flags=re.DOTALL)
    text = _NUMBER.sub(r"\1", text)
    text = _own_names(text, name)
    box = re.search(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', text)
    assert box is not None
    inches = float(box.group(1)) / 72
    least = f"min-width:{_LEAST_WIDTH}" if inches > _FITS else "min-width:0"
    head = (
        f'<svg role="img" aria-labelledby="{name}-title" {box.group()} style="width:{inches:.2f}in;{least}">'
    )
    text = re.sub(r"^<svg.*?>", head, text, count=1, flags=re.DOTALL)
    title = f'<title id="{name}-title">{escape(description)}</title>'
    return Markup(text.replace(head, head + title, 1))


def _own_names(text: str, name: str) -> str:
    """Prefix the names that are referred to, keep those of people and arms as data, drop the others."""
    used = set(re.findall(r"url\(#([^)]+)\)", text)) | set(re.findall(r'href="#([^"]+)"', text))

    def rename(match: re.Match[str]) -> str:
        if match.group(1) in used:
            return f' id="{name}-{match.group(1)}"'
        return f' data-is="{match.group(1)}"' if _SPOKEN.fullmatch(match.group(1)) else ""

    text = re.sub(r'\sid="([^"]+)"', rename, text)
    text = re.sub(r"url\(#([^)]+)\)", rf"url(#{name}-\1)", text)
    return re.sub(r'(?:xlink:)?href="#([^"]+)"', rf'href="#{name}-\1"', text)
