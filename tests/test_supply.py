"""What comes with the package: few requirements, known licences, the same archive twice, no network."""

import ast
import os
import re
import subprocess
import sys
import tomllib
from importlib.metadata import packages_distributions, requires
from importlib.metadata import version as distribution_version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

import biotransfer
from tests import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
EXTRAS = {
    k: v for k, v in PROJECT["optional-dependencies"].items() if k not in ("test", "dev", "docs", "fuzz")
}
OTHERWISE = {
    "pyarrow": "pandas reads and writes parquet by it",
    "ipykernel": "runs the notebook",
    "nbclient": "runs the notebook",
    "nbformat": "runs the notebook",
    "pymatreader": "mne reads EEGLAB sets by it",
    "alembic": "mlflow keeps its runs in a file by it",
    "sqlalchemy": "mlflow keeps its runs in a file by it",
    "braindecode": "imported by name, through edges",
}
WITH = {"dask": "distributed", "ipython": "ipykernel", "markupsafe": "jinja2", "requests": "pooch"}
"""Imported, and always there: another requirement cannot be without it."""
sys.path.insert(0, str(ROOT / "supply"))


def _imported():
    """Every package that a module of biotransfer imports, anywhere in it."""
    names = set()
    for path in (ROOT / "biotransfer").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                names |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and not node.level:
                names.add(str(node.module).partition(".")[0])
    known = packages_distributions()
    return {canonicalize_name(d) for name in names for d in known.get(name, ())}


def test_every_requirement_is_used_and_all_that_is_used_is_required():
    every = [text for texts in (PROJECT["dependencies"], *EXTRAS.values()) for text in texts]
    required = {canonicalize_name(Requirement(text).name) for text in every}
    imported = _imported() - {"biotransfer"}
    assert required - imported - set(OTHERWISE) == set()
    assert imported - required == set(WITH)
    for name, other in WITH.items():
        assert other in required
        assert name in {canonicalize_name(Requirement(text).name) for text in requires(other) or ()}


def test_every_requirement_has_a_lowest_version():
    for texts in (PROJECT["dependencies"], *PROJECT["optional-dependencies"].values()):
        for text in texts:
            needed = Requirement(text)
            assert needed.name == "biotransfer" or needed.name.startswith("types-") or ">=" in text, text


def test_users_do_not_get_what_only_tests_use():
    import licences

    names = [r for needed in licences.direct().values() for r in needed]
    dragged = {"transformers", "tokenizers", "accelerate", "peft", "skada", "baycomp", "captum"}
    assert not dragged & set(licences.closure(names))


def test_the_page_of_licences_is_what_packages_say():
    import licences

    page = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8")
    assert page == licences.page(), "type: python supply/licences.py --write"
    assert "not named" not in page


def test_no_licence_of_what_biotransfer_itself_needs_asks_users_to_share_their_code():
    import licences

    strict = re.compile(r"(?<![A-Z])A?GPL|non-?commercial|proprietary", re.IGNORECASE)
    core = licences.closure(licences.direct()[licences.CORE])
    named = {name: licences.licence_of(package) for name, package in core.items()}
    assert {n: said for n, said in named.items() if strict.search(said) and not n.startswith("nvidia")} == {}


def test_every_place_names_one_version():
    version = PROJECT["version"]
    assert biotransfer.__version__ == version
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert cited["version"] == version
    assert "placeholder" in cited["identifiers"][0]["description"]
    assert f'version = "{version}"' in (ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8")
    for page in ("docs/cite.md", "CHANGELOG.md", "docs/comparison.md"):
        assert version in (ROOT / page).read_text(encoding="utf-8"), page
    assert re.search(r"^## (\S+)", (ROOT / "CHANGELOG.md").read_text(encoding="utf-8"), re.M)[1] == version


CONDA = {"torch": "pytorch", "matplotlib": "matplotlib-base", "mne": "mne-base"}


def test_the_conda_recipe_asks_for_what_the_package_asks_for():
    text = (ROOT / "conda" / "meta.yaml").read_text(encoding="utf-8")
    plain = re.sub(r"\{%.*?%\}", "", re.sub(r"\{\{.*?\}\}", "x", text))
    recipe = yaml.safe_load(plain)
    lines = [line.split() for line in recipe["requirements"]["run"]]
    asked = {canonicalize_name(name): low for name, low in lines}
    wanted = {r.name: str(r.specifier) for r in map(Requirement, PROJECT["dependencies"])}
    wanted = {CONDA.get(name, name): low for name, low in wanted.items()}
    assert asked == {**wanted, "python": PROJECT["requires-python"]}
    assert recipe["build"]["entry_points"] == [f"{k} = {v}" for k, v in PROJECT["scripts"].items()]


def test_workflows_run_what_ci_runs_on_three_systems():
    flow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text(encoding="utf-8"))
    job = flow["jobs"]["check"]
    systems = {name.partition("-")[0] for name in job["strategy"]["matrix"]["os"]}
    assert systems == {"ubuntu", "macos", "windows"}
    assert job["steps"][-1]["run"] == ".ci/run"
    classified = {c.rpartition(" ")[2] for c in PROJECT["classifiers"] if "Python :: 3." in c}
    assert set(job["strategy"]["matrix"]["python"]) <= classified


def test_what_users_can_add_can_all_be_added_at_once():
    texts = [text for texts in (PROJECT["dependencies"], *EXTRAS.values()) for text in texts]
    for needed in map(Requirement, texts):
        assert needed.specifier.contains(distribution_version(needed.name), prereleases=True), needed


OFFLINE = """
import importlib, pkgutil, socket, sys
def refuse(event, given):
    if event in ("socket.connect", "socket.getaddrinfo", "socket.gethostbyname", "socket.sendto"):
        raise SystemExit(f"network: {event} {given[1:]}")
sys.addaudithook(refuse)
import biotransfer
for module in pkgutil.walk_packages(biotransfer.__path__, "biotransfer."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
try:
    socket.create_connection(("203.0.113.1", 9))
except SystemExit:
    print("silent")
"""


@pytest.mark.slow
def test_no_module_reaches_the_network_when_it_is_imported():
    done = subprocess.run([sys.executable, "-c", OFFLINE], cwd=ROOT, capture_output=True, text=True)
    assert done.stdout.strip() == "silent", done.stderr[-2000:]


def test_tests_cannot_reach_the_network():
    import socket

    for address in ("203.0.113.1", "example.org"):
        with pytest.raises(ConnectionRefusedError, match="network"):
            socket.create_connection((address, 9), timeout=1)


def test_every_file_of_the_package_is_packed(monkeypatch):
    given = {}
    monkeypatch.setattr("setuptools.setup", lambda **said: given.update(said))
    exec(compile((ROOT / "setup.py").read_text(), "setup.py", "exec"), {"__name__": "setup"})
    package = ROOT / "biotransfer"
    packed = {path for pattern in given["package_data"]["biotransfer"] for path in package.glob(pattern)}
    files = {path for path in package.rglob("*") if path.is_file() and path.suffix != ".py"}
    there = {path for path in files if "__pycache__" not in path.parts}
    assert there <= packed, there - packed


@pytest.mark.slow
def test_a_source_archive_is_packed_the_same_twice(tmp_path, monkeypatch):
    """Whoever packs it, whenever; `make twice` compares whole builds."""
    setups = {}
    monkeypatch.setattr("setuptools.setup", lambda **given: setups.update(given))
    exec(compile((ROOT / "setup.py").read_text(), "setup.py", "exec"), {"__name__": "setup"})
    from setuptools import Distribution

    packed = []
    for i, when in enumerate((1_000_000_000, 1_500_000_000)):
        source = tmp_path / str(i) / "package-1"
        source.mkdir(parents=True)
        for name in ("b", "a"):
            (source / name).write_text(name)
            os.utime(source / name, (when, when))
        monkeypatch.setenv("SOURCE_DATE_EPOCH", "1700000000")
        command = setups["cmdclass"]["sdist"](Distribution())
        path = command.make_archive(str(tmp_path / f"{i}"), "gztar", str(source.parent), "package-1")
        packed.append(Path(path).read_bytes())
    assert packed[0] == packed[1]
