"""A page within a notebook, or in the browser."""

from __future__ import annotations

import webbrowser
from html import escape
from pathlib import Path

from ...progress import in_jupyter


def page_html(path: Path, height: int) -> str:
    """Return an HTML page as an element that holds it: its scripts run, and see nothing of what is around.

    Parameters
    ----------
    path : Path
        A page with everything inside.
    height : int
        In pixels.
    """
    inside = escape(path.read_text(encoding="utf-8"))
    return (
        f'<iframe title="{escape(path.name)}" width="100%" height="{height}" style="border:0" '
        f'sandbox="allow-scripts allow-downloads allow-popups" srcdoc="{inside}"></iframe>'
    )


def show_page(path: Path, height: int) -> None:
    """Show a page below the cell that asks for it, or in a browser where there is no notebook."""
    if in_jupyter():
        from IPython.display import publish_display_data

        publish_display_data({"text/html": page_html(path, height), "text/plain": f"<{path}>"})
    else:
        webbrowser.open(path.resolve().as_uri())
