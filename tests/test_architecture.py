"""The house holds: imports go down only, without circles; heavy packages are known to few."""

import ast
import subprocess
import sys
from functools import cache
from pathlib import Path
from typing import NamedTuple

import pytest

from tests import ROOT

PACKAGE = ROOT / "biotransfer"
FLOORS = (
    "errors", "showing", "progress", "tables", "files", "limits", "shapes", "parameters", "registry",
    "catalog", "settings", "edges", "signals", "learning", "transfer", "results", "evidence", "studies",
    "pages", "cli", "sklearn",
)  # fmt: skip
ROOMS = {
    "signals": (
        "plain", "amplitude",
        "recording", "electrodes", "spectra", "mains", "simulate", "windows", "datasets", "exchange",
        "preprocessing", "quality", "account", "features", "splits",
    ),
    "learning": ("weights", "hub", "predictions", "layers", "networks", "training"),
    "transfer": ("toolkits", "align", "carry", "pretrain", "select"),
    "evidence": (
        "metrics", "stats", "transferability", "changes", "baselines", "reading", "divergence", "verdicts",
        "outliers", "checks", "truth", "pooling", "side_by_side",
    ),
    "studies": ("topologies", "recipe", "running"),
    "pages": ("figures", "report", "notebook", "tracking"),
}  # fmt: skip
HEAVY = {
    "mne": ("signals",),
    "torch": ("edges", "learning", "transfer/pretrain", "transfer/select/weighting", "evidence/changes"),
    "numba": ("edges", "learning/training"),
    "braindecode": (),
    "matplotlib": ("pages",),
    "pyriemann": ("transfer/align",),
    "ot": ("transfer/align", "evidence/transferability"),
    "optuna": ("studies/topologies",),
    "statsmodels": ("evidence/stats",),
}  # fmt: skip
KEPT_OUT = frozenset(
    [
        "braindecode",
        "distributed",
        "jinja2",
        "llvmlite",
        "matplotlib",
        "mne",
        "numba",
        "optuna",
        "ot",
        "pandas",
        "peft",
        "pooch",
        "pyriemann",
        "requests",
        "safetensors",
        "scipy",
        "skada",
        "sklearn",
        "statsmodels",
        "torch",
    ]
)
"""What is not loaded before it is needed."""


class Import(NamedTuple):
    """One imported module, and whether the import stands at the top of its file."""

    name: str
    top: bool
    line: int


def _files() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def _name(path: Path) -> str:
    """Dotted name below the package; "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


FILES = {_name(path): path for path in _files()}


def _typing_only(tree: ast.Module) -> set[int]:
    """Nodes that only a type checker reads."""
    return {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }


@cache
def _imports(path: Path, typing: bool = False) -> list[Import]:
    """What a file imports, late imports included; of the package, the modules that are meant.

    What only a type checker reads is left out unless ``typing``.
    """
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["biotransfer", *path.relative_to(PACKAGE).parts[:-1]]
    top, skipped = set(map(id, tree.body)), set() if typing else _typing_only(tree)
    found: list[Import] = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.Import):
            found += [Import(alias.name, id(node) in top, node.lineno) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *(node.module.split(".") if node.module else [])])
            for alias in node.names:
                inner = f"{name}.{alias.name}".removeprefix("biotransfer.")
                whole = f"biotransfer.{inner}" if inner in FILES else name
                found.append(Import(whole, id(node) in top, node.lineno))
    return found


def _own_imports(path: Path, typing: bool = False) -> list[Import]:
    """What a file imports of this package."""
    return [i for i in _imports(path, typing) if i.name == "biotransfer" or i.name.startswith("biotransfer.")]


def _place(name: str) -> tuple[str, str]:
    """Floor and place on it, of a dotted name below the package."""
    floor, _, rest = name.partition(".")
    return floor, rest.split(".")[0]


def test_every_file_has_its_room() -> None:
    for name in FILES:
        floor, place = _place(name)
        if floor in ("", "__main__"):
            continue
        assert floor in FLOORS, f"{name} stands on no floor"
        assert not place or floor not in ROOMS or place in ROOMS[floor], f"{name} has no place in {floor}"


@pytest.mark.parametrize("name", sorted(set(FILES) - {"", "__main__"}))
def test_imports_go_down_only(name: str) -> None:
    floor, place = _place(name)
    for found in _own_imports(FILES[name]):
        below = found.name.removeprefix("biotransfer").removeprefix(".")
        if not below:
            continue  # the version
        other, inner = _place(below)
        where = f"{name}:{found.line} imports {below}"
        assert FLOORS.index(other) <= FLOORS.index(floor), f"{where}, which is on a higher floor"
        if other == floor and floor in ROOMS and place and inner:
            assert ROOMS[floor].index(inner) <= ROOMS[floor].index(place), f"{where}, which comes after it"


@pytest.mark.parametrize("name", sorted(set(FILES) - {""}))
def test_no_module_imports_the_package_that_it_is_part_of(name: str) -> None:
    """What others of a package need stands in a module of its own, not in ``__init__``."""
    packages = {name.rsplit(".", i)[0] for i in range(1, name.count(".") + 1)}
    inside = [
        f"line {i.line}: {i.name}"
        for i in _own_imports(FILES[name])
        if i.name.removeprefix("biotransfer.") in packages
    ]
    assert not inside, f"{name} imports its own package: {inside}"


def test_no_circles() -> None:
    """Not between files, late imports and those for the type checker included."""
    graph = {
        name: {i.name.removeprefix("biotransfer").removeprefix(".") for i in _own_imports(path, typing=True)}
        & set(FILES) - {name}
        for name, path in FILES.items()
    }
    index: dict[str, int] = {}
    low: dict[str, int] = {}
    stack: list[str] = []
    circles: list[list[str]] = []

    def visit(node: str) -> None:
        index[node] = low[node] = len(index)
        stack.append(node)
        for other in sorted(graph[node]):
            if other not in index:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], index[other])
        if low[node] == index[node]:
            members = stack[stack.index(node) :]
            del stack[stack.index(node) :]
            if len(members) > 1:
                circles.append(members)

    for node in sorted(graph):
        if node not in index:
            visit(node)
    assert not circles


@cache
def _reaches(name: str) -> frozenset[str]:
    """Packages of others that importing a module loads, through the modules that it imports at its top."""
    seen, todo, found = {name}, [name], set()
    while todo:
        here = todo.pop()
        packages = [here.rsplit(".", i)[0] for i in range(1, here.count(".") + 1)]
        for i in _imports(FILES[here]):
            if i.top and i.name.split(".")[0] != "biotransfer":
                found.add(i.name.split(".")[0])
        tops = [i.name.removeprefix("biotransfer.") for i in _own_imports(FILES[here]) if i.top]
        new = {other for other in [*packages, *tops] if other in FILES} - seen
        seen |= new
        todo += new
    return frozenset(found & KEPT_OUT)


@pytest.mark.parametrize("name", sorted(n for n in FILES if n and not n.startswith("cli")))
def test_imports_inside_functions_keep_something_heavy_out(name: str) -> None:
    """The command line apart, which loads what a command needs."""
    idle = [
        f"line {i.line}: {i.name}"
        for i in _own_imports(FILES[name])
        if not i.top
        and (inner := i.name.removeprefix("biotransfer.")) in FILES
        and not _reaches(inner) - _reaches(name)
    ]
    assert not idle, f"{name}: {idle} can stand at the top"


@pytest.mark.parametrize("name", sorted(FILES))
def test_heavy_packages_are_known_to_few(name: str) -> None:
    for found in _imports(FILES[name]):
        heavy = found.name.split(".")[0]
        if heavy in HEAVY:
            here = name.replace(".", "/") + "/"
            assert any(here.startswith(f"{room}/") for room in HEAVY[heavy]), f"{name} imports {heavy}"


@pytest.mark.parametrize(("heavy", "room"), [(h, room) for h, rooms in HEAVY.items() for room in rooms])
def test_a_room_that_may_know_a_heavy_package_does(heavy: str, room: str) -> None:
    known = {
        name
        for name, path in FILES.items()
        if any(i.name.split(".")[0] == heavy for i in _imports(path, typing=True))
    }
    assert any(f"{name.replace('.', '/')}/".startswith(f"{room}/") for name in known)


def test_only_the_command_line_prints() -> None:
    for name, path in FILES.items():
        if name.startswith("cli"):
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        names = [n.func.id for n in calls if isinstance(n.func, ast.Name)]
        assert "print" not in names, name


def _loaded_by(statement: str) -> set[str]:
    code = f"import sys; {statement}; print(' '.join(m.split('.')[0] for m in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_importing_the_package_loads_nothing_heavy() -> None:
    assert not _loaded_by("import biotransfer") & {
        "numpy",
        "mne",
        "torch",
        "pandas",
        "scipy",
        "sklearn",
        "matplotlib",
    }


def test_help_loads_nothing_heavy() -> None:
    statement = "from biotransfer.cli import build_parser; build_parser()"
    assert not _loaded_by(statement) & {"numpy", "mne", "torch", "pandas", "scipy", "sklearn", "matplotlib"}


def test_validating_a_recipe_loads_no_torch() -> None:
    statement = "from biotransfer.studies.recipe import load_recipe; load_recipe('quickstart')"
    assert not _loaded_by(statement) & {"torch", "sklearn", "matplotlib", "braindecode"}


def test_preparing_a_study_loads_no_torch() -> None:
    """Workers load it when they train; a study in which nothing changed never does."""
    statement = "import biotransfer.studies.running.run"
    assert not _loaded_by(statement) & {"torch", "sklearn", "matplotlib", "braindecode"}
