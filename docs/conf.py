"""How Sphinx makes the pages: `make docs`. Nothing here reaches the network unless BIOTRANSFER_DOCS_ONLINE is set."""

from __future__ import annotations

import os
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent)]

import generate  # noqa: E402

from biotransfer import __version__  # noqa: E402

project = "biotransfer"
author = "The biotransfer developers"
copyright = author
version = release = __version__

extensions = [
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.intersphinx",
    "numpydoc",
    "myst_nb",
]
exclude_patterns = ["_build", "**/.ipynb_checkpoints"]
source_suffix = {".rst": "restructuredtext", ".md": "myst-nb", ".ipynb": "myst-nb"}
root_doc = "index"
default_role = "literal"
show_warning_types = True

nb_ipywidgets_js: dict[str, dict[str, str]] = {}
nb_execution_mode = "off"  # notebooks are stored as tests/test_notebooks.py runs them
myst_heading_anchors = 3
myst_links_external_new_tab = True
myst_enable_extensions = ["attrs_inline", "deflist"]

autosummary_generate = True
autodoc_typehints = "none"
autodoc_member_order = "bysource"
numpydoc_show_class_members = False
numpydoc_xref_param_type = True
numpydoc_xref_aliases = generate.ALIASES
numpydoc_xref_ignore = "all"

ONLINE = bool(os.environ.get("BIOTRANSFER_DOCS_ONLINE"))
intersphinx_mapping = generate.inventories(HERE / "generated", online=ONLINE)
intersphinx_disabled_reftypes = ["std:doc"]
linkcheck_anchors = False

html_theme = "pydata_sphinx_theme"
html_title = f"biotransfer {release}"
html_static_path: list[str] = []
html_show_sourcelink = False
html_theme_options = {
    "show_toc_level": 2,
    "navigation_with_keys": False,
    "footer_start": ["copyright"],
    "footer_end": [],
    "secondary_sidebar_items": ["page-toc"],
}
html_sidebars = {"index": []}


def _lead(app, name, source):
    """Links of a page to files of the repository that are no pages lead to the repository."""
    if not name.startswith("generated/"):
        source[0] = generate.led(source[0], HERE, HERE)


def setup(app):
    """Write the generated pages before anything is read."""
    generate.write_pages(HERE / "generated")
    app.connect("source-read", _lead)
