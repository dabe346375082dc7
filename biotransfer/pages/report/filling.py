"""The templates of this folder, filled: one HTML document with its styles and its script inside."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

from markupsafe import Markup


def fill(name: str, values: Mapping[str, Any]) -> str:
    """Return one template as HTML.

    Parameters
    ----------
    name : str
        File of this folder.
    values : mapping
        What it shows; a value that it asks for and does not get is an error.
    """
    import jinja2

    own = files(__package__)

    def read(file: str) -> str:
        return own.joinpath(file).read_text(encoding="utf-8")

    environment = jinja2.Environment(
        autoescape=True, trim_blocks=True, lstrip_blocks=True, undefined=jinja2.StrictUndefined,
        loader=jinja2.FunctionLoader(read),
    )  # fmt: skip
    inside = {"styles": Markup(read("style.css")), "script": Markup(read("script.js"))}
    return environment.get_template(name).render(**inside, **values)
