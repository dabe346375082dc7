"""The documentation builds without a warning or a network, its links lead somewhere, its search finds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from biotransfer.registry import CATALOGS
from tests import ROOT

sys.path.insert(0, str(ROOT / "docs"))
pytest.importorskip("myst_nb")
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built pages; the build ends with a traceback of the socket that it opens."""
    folder = tmp_path_factory.mktemp("site")
    command = [
        "-m",
        "sphinx",
        "-W",
        "--keep-going",
        "-q",
        "-d",
        str(folder / "trees"),
        "docs",
        str(folder / "html"),
    ]
    silent = "import sys; sys.addaudithook(lambda e, a: sys.exit(e) if e == 'socket.getaddrinfo' else None)"
    run = f"{silent}; sys.argv[1:] = {command[2:]!r}; import runpy; "
    run += "runpy.run_module('sphinx', run_name='__main__')"
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-c", run], cwd=ROOT, capture_output=True, text=True, env=environment
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return folder / "html"


def test_every_link_leads_somewhere_and_nothing_is_loaded_from_elsewhere(site: Path) -> None:
    import links

    wrong, elsewhere = links.looked_up(site)
    assert not wrong
    assert any("mne.tools" in link for link in elsewhere)
    assert any("scikit-learn.org" in link for link in elsewhere)


def test_a_broken_link_is_found(tmp_path: Path) -> None:
    import links

    (tmp_path / "a.html").write_text('<p id="here"><a href="#here"/><a href="b.html"/><a href="#no"/>'
                                     '<script src="https://example.org/x.js"/></p>')  # fmt: skip
    wrong, elsewhere = links.looked_up(tmp_path)
    assert wrong == [
        "a.html -> b.html",
        "a.html -> #no (no such place)",
        "a.html loads https://example.org/x.js",
    ]
    assert elsewhere == {"https://example.org/x.js"}


def test_every_entry_every_name_and_every_notebook_has_its_place(site: Path) -> None:
    import biotransfer as bt
    from biotransfer.cli.catalogs import catalog_of

    for kind in CATALOGS:
        text = (site / "generated" / "catalogs" / f"{kind}.html").read_text(encoding="utf-8")
        for name in catalog_of(kind).own:
            assert f'id="{name.lower().replace("_", "-")}"' in text, (kind, name)
    for name in bt.__all__:
        assert name.startswith("_") or (site / "generated" / "api" / f"biotransfer.{name}.html").is_file(), (
            name
        )
    for path in (ROOT / "notebooks").glob("*.ipynb"):
        assert (site / "generated" / "notebooks" / f"{path.stem}.html").is_file()


def test_search_finds_offline(site: Path) -> None:
    playwright = pytest.importorskip("playwright.sync_api")
    browser = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
    if browser is None:
        pytest.skip("no chromium on this machine: apt install chromium")
    asked: list[str] = []
    with playwright.sync_playwright() as started:
        opened = started.chromium.launch(executable_path=browser, args=["--no-sandbox"])
        page = opened.new_page()
        page.on("request", lambda r: None if r.url.startswith(("file:", "data:")) else asked.append(r.url))
        page.goto(f"{(site / 'search.html').as_uri()}?q=permuted")
        page.wait_for_selector("#search-results li a:has-text('Concepts')", timeout=20_000)
        found = page.locator("#search-results li a").all_inner_texts()
        opened.close()
    assert any("Concepts" in title for title in found)
    assert not asked
