"""Results belong to the code that made them: what a change of code or library makes run again."""

import ast
import json
import os
import shutil
import subprocess
import sys
from functools import cache
from importlib.metadata import packages_distributions

import pytest

from biotransfer.errors import BiotransferError
from biotransfer.studies.running import code
from biotransfer.studies.running.data import MADE_BY
from biotransfer.studies.running.tasks import KINDS
from biotransfer.studies.running.tasks.task import AskedTrial, make_trials
from tests import ROOT
from tests.test_architecture import FILES, _imports, _own_imports, _typing_only

TASKS, PLAN = "studies.running.tasks.", "studies.running.plan"
PLUMBING = (
    "catalog", "errors", "files", "results", "settings", "showing", "studies.recipe", "studies.running",
    "transfer.toolkits",
)  # fmt: skip
"""What asks, lays out, stores and shows: it computes nothing, and what it hands to a kind is in the facts."""
HELD = ("signals.plain", "signals.amplitude", "signals.recording", "signals.datasets", "signals.windows")
"""What makes windows: the address holds their content instead."""
NO_NUMBERS = {
    "filelock",
    "huggingface_hub",
    "joblib",
    "pandas",
    "pooch",
    "pyarrow",
    "safetensors",
    "threadpoolctl",
}
"""Libraries that keep tables, read, send or guard."""
RECIPE = {
    "title": "addresses",
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 3},
    "directions": ["emg->eeg"],
    "features": "statistical",
    "align": {"name": "top_k", "k": 8},
    "network": {"name": "mlp", "hidden": [4]},
    "arms": ["scratch", "transferred", "permuted"],
    "train": {"epochs": 1},
    "engine": "loop",
    "seeds": 1,
    "baselines": [{"name": "lda"}],
    "permutations": 0,
    "scores": ["h_score"],
}
RUN = """
import json, sys
from biotransfer.studies.running import run_study
study = run_study(json.loads(sys.argv[1]), sys.argv[2])
print(json.dumps(study.trials_run))
"""


@pytest.fixture(scope="module")
def copy(tmp_path_factory):
    """A copy of the package, a study run by it, and how to run it again."""
    folder = tmp_path_factory.mktemp("copy")
    skipped = shutil.ignore_patterns("__pycache__")
    shutil.copytree(ROOT / "biotransfer", folder / "biotransfer", ignore=skipped)

    def run():
        env = {**os.environ, "PYTHONPATH": str(folder), "BIOTRANSFER_CACHE": str(folder / "cache")}
        command = [sys.executable, "-c", RUN, json.dumps(RECIPE), str(folder / "out")]
        done = subprocess.run(command, capture_output=True, text=True, env=env, cwd=folder, check=False)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    return folder, run


def _edit(path, old, new):
    text = path.read_text(encoding="utf-8")
    assert text.count(old) == 1, f"{path} has {text.count(old)} times {old!r}"
    path.write_text(text.replace(old, new), encoding="utf-8")


def _batches(folder):
    """Return the number of trials in every batch that is stored."""
    found = folder.glob("out/trials/*/*/index.json")
    return {path.parent: len(json.loads(path.read_text())["trials"]) for path in found}


def test_a_line_of_the_training_code_trains_again_and_nothing_else(copy):
    folder, run = copy
    room, study = folder / "biotransfer", folder / "out"
    first = run()
    assert set(first) == {"source", "target", "shallow", "nuisance", "scores"}
    assert json.loads((study / "provenance.json").read_text())["trials_run"] == first
    assert run() == {}

    _edit(room / "evidence/verdicts/rule.py", "from __future__", "# another wording\nfrom __future__")
    assert run() == {}
    prepared, curves = sorted((folder / "cache").glob("*/*")), (study / "curves.parquet").read_bytes()
    batches = _batches(folder)

    _edit(room / "learning/training/loop.py", "rate = schedule.learning_rate *",
          "rate = schedule.learning_rate / 2 *")  # fmt: skip
    trained = ("source", "target", "scores")
    assert run() == {kind: first[kind] for kind in trained}
    assert (study / "curves.parquet").read_bytes() != curves
    assert sorted((folder / "cache").glob("*/*")) == prepared
    new = _batches(folder)
    assert batches.items() < new.items()
    assert sum(new.values()) - sum(batches.values()) == sum(first[kind] for kind in trained)

    _edit(room / "evidence/baselines/shallow.py", "from __future__", "# another\nfrom __future__")
    assert set(run()) == {"shallow", "nuisance"}


def _kind(name):
    return next(kind for kind in KINDS if kind.name == name)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_another_version_of_a_library_that_computes_is_another_address(kind, monkeypatch):
    def address():
        return make_trials(kind, {}, [AskedTrial({}, None)])[0].ref

    before, real = address(), code.library_version
    for name in kind.libraries:
        monkeypatch.setattr(code, "library_version", lambda asked, n=name: "0" if asked == n else real(asked))
        assert address().task != before.task, name
    monkeypatch.setattr(code, "library_version", lambda name: "0" if name == "matplotlib" else real(name))
    assert address() == before


def test_a_room_that_does_not_exist_is_refused():
    with pytest.raises(BiotransferError, match="room='study/data'"):
        code.source_uid("study/data")


def test_every_declared_package_that_is_installed_has_its_version_in_the_provenance():
    found = {name.lower() for name in code.package_versions()}
    assert {"biotransfer", "pot", "pyriemann", "optuna", "statsmodels", "llvmlite", "torch"} <= found
    assert not {"pytest", "ruff", "nbclient"} & found
    for kind in KINDS:
        assert {name.lower() for name in kind.libraries} <= found


@cache
def _definitions(module):
    """Return what stands at the top of a module by name, and what it imports there."""
    tree = ast.parse(FILES[module].read_text(encoding="utf-8"))
    skipped, own, imported = _typing_only(tree), {}, {}
    for node in tree.body:
        if id(node) in skipped:
            continue
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            own[node.name] = node
            if node.name == "Plan":
                own |= {f"Plan.{m.name}": m for m in node.body if isinstance(m, ast.FunctionDef)}
        elif isinstance(node, ast.Assign | ast.AnnAssign) and not _is_kind(node.value):
            for target in getattr(node, "targets", None) or [node.target]:
                own[target.id] = node
        elif isinstance(node, ast.Import | ast.ImportFrom):
            imported |= _bound(node, module)
    return own, imported


def _bound(node, module):
    """Return what the imports below a node bind: (module of the package or other, name in it or None)."""
    found = {}
    package = module.split(".") if FILES[module].name == "__init__.py" else module.split(".")[:-1]
    for inner in ast.walk(node):
        if isinstance(inner, ast.Import):
            found |= {a.asname or a.name.split(".")[0]: (a.name, None) for a in inner.names}
        elif isinstance(inner, ast.ImportFrom):
            base = package[: len(package) - inner.level + 1] if inner.level else []
            name = ".".join([*base, *(inner.module or "").split(".")]).strip(".")
            for alias in inner.names:
                whole = f"{name}.{alias.name}".strip(".")
                target = (whole, None) if whole in FILES else (name, alias.name)
                found[alias.asname or alias.name] = target
    return found


def _is_kind(value):
    """Whether a kind is declared: to name it is to make an address, not to run it."""
    return isinstance(value, ast.Call) and isinstance(value.func, ast.Name) and value.func.id == "Kind"


def _annotations(node):
    """Return the nodes that only a type checker reads."""
    parts = [getattr(inner, name, None) for inner in ast.walk(node) for name in ("annotation", "returns")]
    return {id(inner) for part in parts if part for inner in ast.walk(part)}


def _used_by(kind):
    """Return the modules that a kind's ``run`` uses.

    It is followed name by name through tasks, where one kind lays out for another, and through what the plan
    does when it is called.
    """
    todo, seen, outside = [(kind.run.__module__.removeprefix("biotransfer."), "run")], set(), set()
    while todo:
        module, name = todo.pop()
        own, imported = _definitions(module)
        if (module, name) in seen or name not in own:
            continue
        seen.add((module, name))
        node = own[name]
        known, skipped = imported | _bound(node, module), _annotations(node)
        for inner in ast.walk(node):
            if id(inner) in skipped:
                continue
            if isinstance(inner, ast.Call) and isinstance(inner.func, ast.Attribute):
                todo.append((PLAN, f"Plan.{inner.func.attr}"))
            if isinstance(inner, ast.Attribute) and isinstance(inner.value, ast.Name):
                target, at = known.get(inner.value.id, ("", ""))
                if at is None and target.startswith(TASKS):
                    todo.append((target, inner.attr))
            elif isinstance(inner, ast.Name) and inner.id in known:
                target, at = known[inner.id]
                if not target.startswith(TASKS):
                    outside.add(target)
                elif at:
                    todo.append((target, at))
            elif isinstance(inner, ast.Name) and inner.id in own:
                todo.append((module, inner.id))
    return outside, {module for module, _ in seen} - {PLAN, f"{TASKS}task"}


def _within(name, rooms):
    return any(name == room or name.startswith(f"{room}.") for room in rooms)


def _reach(names):
    """Return the modules of this package that compute and that these import, late imports included."""
    todo, seen = list(names), set()
    while todo:
        name = todo.pop()
        if name not in seen and name in FILES and name and not _within(name, PLUMBING):
            seen.add(name)
            if name == "signals.windows.epochs":
                continue  # an entrance, as others are: no kind makes windows of epochs
            todo += [i.name.removeprefix("biotransfer").removeprefix(".") for i in _own_imports(FILES[name])]
    return {name for name in seen if not _within(name, HELD)}


def _libraries(names):
    """Return the distributions that modules import and that compute."""
    of = packages_distributions()
    found = {i.name.split(".")[0] for name in names for i in _imports(FILES[name])}
    found -= {*sys.stdlib_module_names, *NO_NUMBERS, "biotransfer"}
    late = any("signals.windows.braindecode" in i.name for name in names for i in _own_imports(FILES[name]))
    found |= {"braindecode"} if late else set()
    return {of[name][0].lower() for name in found if name in of}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_names_all_code_and_libraries_that_its_numbers_depend_on(kind):
    outside, tasks = _used_by(kind)
    reached = _reach(outside) | tasks
    assert len(reached) > 3
    rooms = [room.replace("/", ".") for room in kind.code]
    assert not {name for name in reached if not _within(name, rooms)}
    assert _libraries(reached) <= {name.lower() for name in kind.libraries}


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.name)
def test_a_kind_names_nothing_that_it_does_not_reach(kind):
    outside, tasks = _used_by(kind)
    reached = _reach(outside) | tasks | {"signals.windows.container"}
    for room in kind.code:
        assert any(_within(name, [room.replace("/", ".")]) for name in reached), room
    assert {name.lower() for name in kind.libraries} - _libraries(reached) <= {"pandas"}


def test_training_code_is_no_part_of_baselines_nor_verdicts_of_anything():
    for name in ("nuisance", "shallow"):
        assert not any(_within("learning.training", [r.replace("/", ".")]) for r in _kind(name).code)
    for kind in KINDS:
        assert not any(r == "evidence" or r.startswith(("evidence/verdicts", "pages")) for r in kind.code)


def test_prepared_data_name_the_code_that_makes_them():
    rooms = [room.replace("/", ".") for named in MADE_BY.values() for room in named]
    todo, seen = ["studies.running.data", "studies.running.describe"], set()
    while todo:
        name = todo.pop()
        if name in seen or name not in FILES or name.startswith(("learning", "studies.recipe")):
            continue  # of networks only what they take is asked
        seen.add(name)
        todo += [i.name.removeprefix("biotransfer").removeprefix(".") for i in _own_imports(FILES[name])]
    reached = {name for name in seen if name.startswith(("signals.", "evidence."))}
    assert {name for name in reached - {"evidence.baselines"} if not _within(name, rooms)} <= {
        f"evidence.baselines.{name}" for name in ("permutation", "settings", "shallow", "unlabelled")
    }
