"""What CONTRIBUTING and the other pages name is there, once, and every catalog says how to add to it."""

import re
from importlib import import_module
from pathlib import Path
from pkgutil import resolve_name

import pytest

from biotransfer.catalog import REQUIRED, Catalog
from biotransfer.cli import main
from tests import ROOT

PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PAGES = sorted(
    path
    for pattern in ("*.md", "docs/*.md", "data/*.md", "data/*/*.md", "pipelines/*.md", "benchmarks/*.md")
    for path in ROOT.glob(pattern)
)
ITEMS = dict(re.findall(r"^- \*\*An? [\w ]+\*\* \(`(\w+)`\): (.*?)(?=^- |^$)", PAGE, re.M | re.S))
NAMED = re.compile(r"(?:[\w.-]+/)+(?:[\w.-]+\.(?:py|md|yaml|ipynb|txt))?|[\w-]+\.(?:py|md)")


def _paths(page: Path) -> set[str]:
    """What stands in backticks and is a path of the repository, of the package or beside the page."""
    spans = re.findall(r"`([^`]+)`", re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.S))
    words = [word for span in spans for word in span.split()]
    return {word.replace("NAME", "*") for word in words if NAMED.fullmatch(word)}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_path_is_there(page: Path) -> None:
    places = (ROOT, ROOT / "biotransfer", page.parent)
    beside = {"shared/data"}
    missing = [path for path in _paths(page) - beside if not any(list(p.glob(path)) for p in places)]
    assert not missing
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)\)", page.read_text(encoding="utf-8"))
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_name_of_the_package_is_there(page: Path) -> None:
    for name in re.findall(r"`(biotransfer(?:\.\w+)+)", page.read_text(encoding="utf-8")):
        assert resolve_name(name) is not None


def test_no_row_of_the_house_stands_twice() -> None:
    rows = [line for line in PAGE.splitlines() if line.startswith("| ")][1:]
    whats = [row.split("|")[1].strip() for row in rows]
    wheres = [row.split("|")[2].strip() for row in rows]
    assert len(rows) > 30
    assert len(set(whats)) == len(whats)
    assert len(set(wheres)) == len(wheres)


def test_every_room_of_the_house_has_a_row() -> None:
    rooms = [path for path in (ROOT / "biotransfer").iterdir() if (path / "__init__.py").is_file()]
    table = PAGE[PAGE.index("| you want") : PAGE.index("## How to add")]
    for room in rooms:
        assert f"`{room.name}/`" in table
        for place in room.iterdir():
            if room.name != "cli" and ((place / "__init__.py").is_file() or place.suffix == ".py"):
                name = place.relative_to(room.parent).as_posix() + ("/" if place.is_dir() else "")
                assert place.stem == "__init__" or f"`{name}" in table, name


def test_every_catalog_says_how_to_add_to_it(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["list", "nothing"]) == 2
    kinds = re.findall(r"\w+", capsys.readouterr().err.partition("Use one of: ")[2])
    assert len(kinds) > 10
    assert set(ITEMS) == set(kinds) - {"levers", "recipes", "keys", "toolkits"}


@pytest.mark.parametrize("kind", ITEMS)
def test_what_is_said_of_a_catalog_is_so(kind: str) -> None:
    found = re.search(r"`([A-Z]+)`\s+of\s+`([a-z/_]+?)(?:/|\.py)`", ITEMS[kind])
    assert found, "Say in which catalog of which room an entry stands."
    catalog = getattr(import_module("biotransfer." + found[2].replace("/", ".")), found[1])
    assert isinstance(catalog, Catalog)
    said = set(re.findall(r"`(\w+)`", ITEMS[kind].partition("Facts: ")[2]))
    assert said <= set(catalog.facts)
    assert {name for name, fact in catalog.facts.items() if fact.default is REQUIRED} <= said


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_make_target_is_there(page: Path) -> None:
    targets = re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)
    text = page.read_text(encoding="utf-8")
    assert set(re.findall(r"^make ([a-z]+)|`make ([a-z]+)", text, re.M)) <= {
        pair for target in targets for pair in ((target, ""), ("", target))
    }
