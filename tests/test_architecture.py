"""The structure holds: imports go one way, heavy packages are known to few, importing costs nothing."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

PACKAGE = Path(__file__).resolve().parents[1] / "biotransfer"
# fmt: off
ORDER = [
    "errors", "files", "catalog", "recording", "simulate", "datasets", "preprocessing",
    "quality", "windows", "features", "splits", "weights", "hub", "networks", "align",
    "arms", "training", "pretraining", "results", "metrics", "selection", "stats",
    "transferability", "movement", "search", "baselines", "verdicts",
    "checks", "truth", "recipe", "study", "figures", "report", "cli", "sklearn",
]
# fmt: on
HEAVY = {
    "mne": {"recording", "simulate", "datasets", "preprocessing", "quality", "windows", "report", "cli"},
    "torch": {"networks", "training", "pretraining", "search", "transferability", "movement"},
    "braindecode": {"windows", "networks", "training"},
    "matplotlib": {"figures", "report"},
    "pyriemann": {"align"},
    "ot": {"align", "transferability"},
}


def _files() -> list[Path]:
    return sorted(p for p in PACKAGE.rglob("*.py"))


def _module(path: Path) -> str:
    """First name below the package; "" for the package itself."""
    parts = path.relative_to(PACKAGE).with_suffix("").parts
    return "" if parts[0] in ("__init__", "__main__") else parts[0]


def _imports(path: Path) -> list[tuple[str, bool]]:
    """Full names of imported modules, and whether the import stands at the top."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = ["biotransfer", *path.relative_to(PACKAGE).parts[:-1]]
    top = set(map(id, tree.body))
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found += [(alias.name, id(node) in top) for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            name = ".".join([*base, *(node.module.split(".") if node.module else [])])
            if name == "biotransfer":
                found += [(f"{name}.{alias.name}", id(node) in top) for alias in node.names]
            else:
                found.append((name, id(node) in top))
    return found


def test_every_module_has_its_place() -> None:
    names = {_module(p) for p in _files()} - {""}
    assert names <= set(ORDER)


@pytest.mark.parametrize(
    "path", [p for p in _files() if _module(p)], ids=lambda p: str(p.relative_to(PACKAGE))
)
def test_imports_go_one_way(path: Path) -> None:
    module = _module(path)
    for name, _ in _imports(path):
        parts = name.split(".")
        if parts[0] != "biotransfer" or len(parts) < 2 or parts[1] == "__version__":
            continue
        assert ORDER.index(parts[1]) <= ORDER.index(module), f"{module} imports {name}, which comes after it"


@pytest.mark.parametrize("path", _files(), ids=lambda p: str(p.relative_to(PACKAGE)))
def test_heavy_packages_are_known_to_few(path: Path) -> None:
    for name, _ in _imports(path):
        heavy = name.split(".")[0]
        if heavy in HEAVY:
            assert _module(path) in HEAVY[heavy], f"{path.name} imports {heavy}"


def test_only_the_command_line_prints() -> None:
    for path in _files():
        if _module(path) == "cli":
            continue
        calls = [n for n in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(n, ast.Call)]
        names = [n.func.id for n in calls if isinstance(n.func, ast.Name)]
        assert "print" not in names, path


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
    statement = "from biotransfer.recipe import load_recipe; load_recipe('quickstart')"
    assert not _loaded_by(statement) & {"torch", "sklearn", "matplotlib", "braindecode"}


def test_preparing_a_study_loads_no_torch() -> None:
    """Workers load it when they train; a study in which nothing changed never does."""
    statement = "import biotransfer.study.run"
    assert not _loaded_by(statement) & {"torch", "sklearn", "matplotlib", "braindecode"}
