"""A function of one's own stands among the methods, wherever the work is done."""

import importlib
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import biotransfer as bt
from biotransfer import registry
from biotransfer.cli import catalogs, main
from biotransfer.errors import BiotransferError
from biotransfer.registry import CATALOGS, register
from biotransfer.signals.features import FEATURES
from biotransfer.signals.preprocessing import STEPS, preprocess
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.recipe.sides import Section
from biotransfer.studies.running import run_study
from biotransfer.studies.running.data import Request, open_request
from biotransfer.studies.running.methods import method_sources
from tests.recordings import make_recording

MODULE = '''
"""Methods of somebody else."""

from dataclasses import replace

import numpy as np

import biotransfer as bt
from helping_values import FACTOR


def doubled(recording, *, times=2.0):
    """Multiply the signal.

    Parameters
    ----------
    times : float
        By how much.
    """
    raw = recording.raw.copy().load_data()
    raw.apply_function(lambda x: x * times * FACTOR, picks=recording.picks, channel_wise=False)
    return recording.with_raw(raw)


bt.register("preprocess", doubled, say=lambda times: f"multiplied by {times:g}")


@bt.register("features", lag=False)
def spread(windows, *, scale=1e6):
    """Describe every channel by its standard deviation and its range."""
    X = np.concatenate([windows.X.std(2), np.ptp(windows.X, axis=2)], axis=1) * scale
    names = [f"{what}_{name}" for what in ("std", "range") for name in windows.names]
    return windows.with_features(X, names, "features spread")


@bt.register("networks", takes="features")
def tiny(input_shape, n_outputs, *, hidden=4):
    """Build one hidden layer, small."""
    from biotransfer.learning.networks import build_network

    return replace(build_network({"name": "mlp", "hidden": [hidden]}, input_shape, n_outputs))


@bt.register(
    "arms", role="transfer", starts_from="supervised", phrase="Training slowly from {source}", name="eased"
)
def slowly(source, fresh, network, seed, *, rate=0.1):
    """Carry all weights over and train them slowly."""
    from biotransfer.transfer.carry.starting import carry

    arm = carry("eased", source, dict(fresh), network, seed)
    return replace(arm, lr_scale=dict.fromkeys(arm.lr_scale, rate))


@bt.register("sections")
def greeting(results):
    """Greet the reader."""
    from biotransfer.pages.report.sections import Section, paragraph

    return Section("greeting", "A section of my own", "greeting", [paragraph("It stands here.")])
'''
NAMES = {
    "preprocess": "doubled",
    "features": "spread",
    "networks": "tiny",
    "arms": "eased",
    "sections": "greeting",
}


@pytest.fixture(autouse=True)
def _forget() -> Iterator[None]:
    """Leave the catalogs as they were."""
    before = dict(registry._Known.registered)
    yield
    for kind, name in set(registry._Known.registered) - set(before):
        catalogs.catalog_of(kind)._entries.pop(name, None)
    registry._Known.registered.clear()
    registry._Known.registered.update(before)


@pytest.fixture
def own_module(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """Return what writes a module into a folder of the path and imports it; anew when called again."""
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(sys, "dont_write_bytecode", True)

    def write(text: str = MODULE, factor: float = 1.0) -> Any:
        (tmp_path / "helping_values.py").write_text(f"FACTOR = {factor}\n")
        (tmp_path / "methods_of_mine.py").write_text(text)
        for name in ("helping_values", "methods_of_mine"):
            sys.modules.pop(name, None)
        importlib.invalidate_caches()
        return importlib.import_module("methods_of_mine")

    yield write
    for name in ("helping_values", "methods_of_mine"):
        sys.modules.pop(name, None)


def _plain(x: Any, *, times: int = 2) -> Any:
    """Do nothing."""
    return x


def _other(x: Any) -> Any:
    """Do nothing else."""
    return x


SIDE = {"data": "simulated", "n_subjects": 3}
RECIPE = {
    "title": "methods of mine",
    "eeg": {
        "data": "simulated",
        "n_subjects": 3,
        "preprocess": ["detrend", {"name": "doubled", "times": 3.0}],
    },
    "emg": {"data": "simulated", "n_subjects": 3, "preprocess": "none"},
    "directions": ["eeg->emg"],
    "features": "spread",
    "align": {"name": "top_k", "k": 8},
    "network": "tiny",
    "arms": ["scratch", {"name": "eased", "rate": 0.5}, "permuted"],
    "train": {"epochs": 2},
    "seeds": 2,
}


def test_a_recipe_of_methods_of_ones_own_runs_in_workers_to_a_report(
    own_module, tmp_path, monkeypatch
) -> None:
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(tmp_path / "cache"))
    own_module()
    study = run_study(RECIPE, tmp_path / "out", workers=2)
    results = bt.load_results(tmp_path / "out")
    assert set(results.predictions["arm"]) == {"scratch", "eased", "permuted"}
    assert set(results.predictions["network"]) == {"tiny"}
    assert "multiplied by 3" in results.data["eeg"]["preprocessing_text"]
    page = bt.write_report(results, tmp_path / "report.html").read_text()
    assert "A section of my own" in page
    assert "Training slowly from" in page
    assert study is not None


def test_registering_loads_nothing_and_counts_when_the_catalog_is_made() -> None:
    code = """
import sys, biotransfer as bt
def louder(recording, *, times=2): "Multiply."
bt.register("preprocess", louder, say=str)
assert not {"numpy", "mne", "torch", "pandas"} & set(sys.modules)
from biotransfer.signals.preprocessing import STEPS
print(STEPS["louder"].defaults, "louder" in list(STEPS))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "{'times': 2} True"


@pytest.mark.parametrize("kind", CATALOGS)
def test_every_catalog_takes_what_declares_its_facts(kind: str) -> None:
    catalog = catalogs.catalog_of(kind)
    entry = next(iter(catalog.values()))
    register(kind, _plain, name="mine", summary="Mine.", **entry.facts)
    assert catalog["mine"].parameters[0].name == "times"
    assert dict(catalog["mine"].facts) == dict(entry.facts)
    assert catalog.resolve({"name": "mine", "times": 3})[1] == {"times": 3}
    with pytest.raises(BiotransferError, match="Did you mean 'mine'"):
        catalog.find("minne")
    with pytest.raises(BiotransferError, match=r"stands in the catalog of .* already"):
        register(kind, _plain, name=entry.name, **entry.facts)
    with pytest.raises(BiotransferError, match=r"'mine' was registered among .*_plain"):
        register(kind, _other, name="mine", **entry.facts)
    register(kind, _plain, name="mine", summary="Mine again.", **entry.facts)
    assert catalog["mine"].summary == "Mine again."


@pytest.mark.parametrize(
    ("kind", "function", "given", "message"),
    [
        ("feature", _plain, {}, "kind='feature' is unknown. Did you mean 'features'"),
        ("features", "mine", {}, "is no function"),
        ("features", _plain, {"name": "my set"}, "name='my set' cannot stand in a recipe"),
        ("features", lambda x: x, {}, "name='<lambda>' cannot stand in a recipe"),
        ("features", lambda x: x, {"name": "mine"}, "summary='' of 'mine' says nothing"),
        ("features", _plain, {"lagg": True}, "fact 'lagg' is unknown. Did you mean 'lag'"),
        ("preprocess", _plain, {}, "fact 'say' is missing"),
        ("arms", _plain, {"role": "good"}, "fact role='good' is unknown"),
    ],
)
def test_what_cannot_be_registered_is_not(kind: str, function: Any, given: dict, message: str) -> None:
    before = dict(registry._Known.registered)
    with pytest.raises(BiotransferError, match=message):
        register(kind, function, **given)
    assert registry._Known.registered == before


def test_it_is_listed_shown_and_described(capsys: pytest.CaptureFixture[str]) -> None:
    register("preprocess", _plain, name="mine", summary="Mine.", say=lambda times: f"changed {times} times")
    assert main(["list", "preprocess"]) == 0
    assert "mine" in capsys.readouterr().out
    assert main(["show", "mine"]) == 0
    assert "times = 2" in capsys.readouterr().out
    assert bt.preprocessing.describe_steps(["mine"]) == "Signals were changed 2 times."
    asked = {**RECIPE, "emg": {**SIDE, "preprocess": ["mine"]}, "eeg": SIDE, "features": "statistical"}
    recipe = load_recipe({**asked, "network": "mlp", "arms": ["scratch"]})
    assert recipe.sides["emg"].preprocess == [{"name": "mine", "times": 2}]


def test_the_command_line_takes_a_module_of_the_working_folder(tmp_path, monkeypatch, capsys) -> None:
    (tmp_path / "methods_beside.py").write_text(
        "import biotransfer as bt\n"
        "def calm(windows):\n    'Do nothing.'\n    return windows\n"
        "bt.register('features', calm)\n"
    )
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    assert main(["show", "calm", "--methods", "methods_beside"]) == 0
    assert "Do nothing." in capsys.readouterr().out
    assert main(["list", "--methods", "methods_nowhere"]) == 2
    assert "methods='methods_nowhere' cannot be imported" in capsys.readouterr().err
    sys.modules.pop("methods_beside")


# installed packages


def _installed(monkeypatch: pytest.MonkeyPatch, load: Callable[[], Any]) -> list[str]:
    asked: list[str] = []

    def points(*, group: str) -> list[Any]:
        asked.append(group)
        return [
            SimpleNamespace(
                name="theirs", value="their.module", dist=SimpleNamespace(name="theirs"), load=load
            )
        ]

    monkeypatch.setattr("importlib.metadata.entry_points", points)
    monkeypatch.setattr(registry._Known, "asked", False)
    return asked


def test_an_installed_package_is_asked_when_a_name_is_unknown_or_a_catalog_is_listed(monkeypatch) -> None:
    def theirs() -> None:
        register("features", _plain, name="theirs", summary="Theirs.")

    asked = _installed(monkeypatch, lambda: theirs)
    assert FEATURES.find("statistical").name == "statistical"
    assert asked == []
    assert FEATURES.find("theirs").summary == "Theirs."
    assert asked == ["biotransfer"]
    assert "theirs" in list(FEATURES)
    assert asked == ["biotransfer"]


def test_a_package_that_cannot_be_loaded_is_named(monkeypatch) -> None:
    def broken() -> Any:
        raise ImportError("no module named nothing")

    _installed(monkeypatch, broken)
    with pytest.raises(BiotransferError, match=r"of theirs: theirs = their\.module cannot be loaded"):
        list(STEPS)


def test_no_module_of_the_package_asks_when_it_is_imported() -> None:
    """A package that imports one of them while it is loaded would find it half made."""
    code = """
import pkgutil, importlib, biotransfer
from biotransfer import registry
for module in pkgutil.walk_packages(biotransfer.__path__, "biotransfer."):
    if not module.name.endswith("__main__"):
        importlib.import_module(module.name)
        assert not registry._Known.asked, module.name
"""
    subprocess.run([sys.executable, "-c", code], check=True)


# what is stored


def _side(own: Path) -> Any:
    section = Section.of("emg", "emg", {"data": "simulated", "n_subjects": 1, "preprocess": ["doubled"]})
    return open_request(Request(section, None))


def test_what_is_stored_was_made_by_the_source_that_is_there_now(own_module, tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(tmp_path / "cache"))
    own_module()
    one = _side(tmp_path)
    own_module(MODULE.replace("x * times", "x / times"))
    other = _side(tmp_path)
    assert abs(one.signals.X).max() == pytest.approx(4 * abs(other.signals.X).max(), rel=1e-5)
    own_module(factor=2.0)  # in the module beside it
    assert abs(_side(tmp_path).signals.X).max() == pytest.approx(2 * abs(one.signals.X).max(), rel=1e-5)
    own_module()
    assert _side(tmp_path).place.keys == one.place.keys


def test_only_what_is_named_counts(own_module) -> None:
    own_module()
    assert method_sources({"preprocess": [{"name": "detrend"}], "features": "statistical"}) == {}
    found = method_sources({"preprocess": [{"name": "doubled"}]}, ["spread"])
    assert set(found) == {"preprocess/doubled", "features/spread"}


def test_a_function_of_a_notebook_works_by_hand_and_is_refused_by_a_study(tmp_path) -> None:
    def cell(recording: Any) -> Any:
        """Return what it is given."""
        return recording

    cell.__module__ = "__main__"
    register("preprocess", cell, say=lambda: "left alone")
    recording = make_recording([[1e-6] * 100])
    assert preprocess(recording, ["cell"]) is recording
    section = Section.of("emg", "emg", {"data": "simulated", "n_subjects": 1, "preprocess": ["cell"]})
    with pytest.raises(BiotransferError, match=r"'cell' is defined in a notebook.*import my_methods"):
        open_request(Request(section, None))


def test_a_worker_that_lacks_the_module_says_so() -> None:
    with pytest.raises(BiotransferError, match=r"'no_such_methods'.*cannot be imported in a worker"):
        registry.register_again([("no_such_methods", "")])
