"""Every noun shows itself on one short line and in a small table, and never an array."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import biotransfer as bt
from biotransfer.catalog import Catalog
from biotransfer.evidence.verdicts import Claim, decide
from biotransfer.showing import LONGEST, html_table, one_line
from biotransfer.signals.datasets import DATASETS
from biotransfer.signals.quality import Finding
from biotransfer.studies.running import Study
from biotransfer.studies.running.rerunning import Rerun
from biotransfer.transfer.align import ALIGN
from biotransfer.transfer.carry import ARMS
from biotransfer.transfer.pretrain.training import Pretrained
from biotransfer.transfer.select import Selection
from tests.builders import make_windows
from tests.factories import make_results
from tests.recordings import make_recording

LONG = "a name that somebody gave to a thing because it says so very well what it is " * 4
SCHEDULE = bt.Schedule(epochs=2, augment={"name": "sign_flip", "probability": 0.25})


def _windows() -> bt.Windows:
    return make_windows(n_subjects=40, n_features=600, n_classes=9)


def _weights() -> bt.Weights:
    return _pretrained().weights


def _pretrained() -> Pretrained:
    return bt.pretrain(make_windows(n_features=600), seeds=[0], schedule=bt.Schedule(epochs=1))[0]


def _network() -> bt.Network:
    return bt.build_network("mlp", (600,), 3)


def _arm() -> bt.Arm:
    return bt.make_arms(["co_tuning"], _weights(), _network(), 0, target=make_windows(n_features=600))[0]


def _alignment(method: str) -> Callable[[], Any]:
    return lambda: bt.fit_alignment(make_windows(n_features=600), make_windows(n_features=600), method)


def _curves() -> Any:
    windows = make_windows()
    network = bt.build_network("mlp", windows.shape, 3)
    arms = [arm for seed in range(5) for arm in bt.make_arms(["scratch"], {}, network, seed)]
    return bt.train(network, arms, windows, bt.make_splits(windows)[0], bt.Schedule(epochs=1), engine="loop")


def _recipe() -> bt.Recipe:
    return bt.load_recipe("quickstart", [f"title={LONG}"])


NOUNS: dict[str, Callable[[], Any]] = {
    "Recording": lambda: make_recording(np.zeros((64, 500)), classes=tuple(f"class {i}" for i in range(40))),
    "Finding": lambda: Finding("gap", "warning", "set/sub-a", "", LONG, 3.0),
    "Windows": _windows,
    "Split": lambda: bt.make_splits(_windows(), folds=2)[0],
    "Network": _network,
    "Weights": _weights,
    "Pretrained": _pretrained,
    "Arm": _arm,
    "Schedule": lambda: SCHEDULE,
    "Curves": _curves,
    **{f"Alignment {name}": _alignment(name) for name in ("none", "top_k", "pca", "tca")},
    "Selection": lambda: Selection(tuple(map(str, range(300))), ("rest",), True, make_windows().metadata),
    "Decision": lambda: decide([Claim(np.linspace(0.01, 0.09, 12), [np.zeros(12)])])[0],
    "Results": lambda: make_results(title=LONG),
    "Recipe": _recipe,
    "Loaded": lambda: bt.load_dataset("simulated", modality="emg", n_subjects=2),
    "Rerun": lambda: Rerun(Path(LONG), 0.0, {"cpu": (LONG, LONG)}, 9, 10**6, ()),
    "Study": lambda: Study(Path("studies") / LONG, _recipe(), make_results()),
    "Catalog": lambda: ARMS,
    "Entry": lambda: DATASETS["simulated"],
}


@pytest.mark.parametrize("name", NOUNS)
def test_a_noun_shows_itself_briefly(name: str) -> None:
    noun = NOUNS[name]()
    line, table = repr(noun), noun._repr_html_()
    assert (line[0], line[-1]) == ("<", ">")
    assert "\n" not in line
    assert len(line) <= LONGEST
    assert table.startswith("<table>")
    table = re.sub(r'src="data:image/png;base64,[^"]+"', "", table)
    assert len(table) < 20_000
    for text in (line, table):
        assert not any(trace in text for trace in ("array(", "dtype", "object at 0x"))


@pytest.mark.parametrize("name", ["none", "pca", "tca"])
def test_the_maps_of_an_alignment_show_no_array(name: str) -> None:
    alignment = _alignment(name)()
    assert all(len(repr(side)) <= LONGEST for side in (alignment.source, alignment.target))


def test_every_public_noun_is_among_them() -> None:
    public = {name for name in bt.__all__ if isinstance(getattr(bt, name), type)}
    shown = {type(make()).__name__ for make in NOUNS.values()}
    assert public - shown <= {"BiotransferError", "TransferClassifier"}


def test_a_long_line_ends_in_dots() -> None:
    assert one_line("short\n  one") == "<short one>"
    assert len(one_line(LONG)) == LONGEST or one_line(LONG).endswith(" ...>")


def test_html_is_escaped() -> None:
    assert html_table({"a": "<script>"}) == "<table><tr><th>a</th><td>&lt;script&gt;</td></tr></table>"


def test_a_catalog_lists_its_entries() -> None:
    assert isinstance(ALIGN, Catalog)
    assert all(f"<th>{name}</th>" in ALIGN._repr_html_() for name in ALIGN)
