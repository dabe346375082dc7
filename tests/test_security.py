"""Every promise of SECURITY.md names tests, and these are there."""

import ast
import re

from tests import ROOT

PAGE = (ROOT / "SECURITY.md").read_text(encoding="utf-8")
NAMED = re.compile(r"`(tests/[\w/]+\.py)::(\w+)`")


def test_every_promise_names_its_tests():
    promises = re.split(r"\n(?=- )", PAGE.partition("## ")[2])[1:]
    assert len(promises) > 15
    assert not [promise for promise in promises if not NAMED.search(promise.partition("\n## ")[0])]


def test_every_named_test_is_there():
    for file, name in NAMED.findall(PAGE):
        tree = ast.parse((ROOT / file).read_text(encoding="utf-8"))
        assert name in {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}, (file, name)


def test_the_sections_say_to_whom():
    said = " ".join(re.findall(r"^## (.*)$", PAGE, re.M)).lower()
    for whom in (
        "own recipe",
        "stranger's recipe",
        "stranger's weights",
        "stranger's study folder",
        "cluster",
    ):
        assert whom in said
