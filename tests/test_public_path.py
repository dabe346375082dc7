"""From recordings to verdict by public names alone: the functions that the README lists, in its order."""

import ast
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import nbformat
import pandas as pd
import pytest

import biotransfer as bt
from biotransfer.results import CURVES, VERDICTS
from tests import ROOT

SEEDS = [0, 1]
EPOCHS = 3
ALIGN = {"name": "top_k", "k": 32}
NETWORK = {"name": "mlp", "hidden": [16]}
ARMS = ["scratch", "transferred", "permuted", "shuffled_source", "noise_source"]
SIMULATED = {
    "emg": {"data": "simulated", "n_subjects": 4},
    "eeg": {"data": "simulated", "n_subjects": 4, "seed": 1},
}
REAL = {
    "emg": {"data": "myodisco", "subjects": ["S1", "S2", "S3"], "sessions": ["day1"],
            "classes": ["hand_close", "hand_open"]},
    "eeg": {"data": "muse-mental-state", "classes": ["relaxed", "concentrating"]},
}  # fmt: skip
WINDOWS = {"length": 1.0, "step": 1.0}


def _listed() -> list[str]:
    """Names of the functions in the README's sentence, in its order."""
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    sentence = re.search(r"Every step is a public function[^:]*:(.*?)\.\s", readme, re.S)
    assert sentence is not None
    return re.findall(r"`(\w+)`", sentence[1])


class Walk:
    """The path, one method a step, each named after the public function that it takes."""

    def __init__(self, sides: dict[str, dict[str, Any]], folder: Path):
        self.sides, self.folder = sides, folder

    def load_dataset(self) -> None:
        keys = {
            name: {k: v for k, v in side.items() if k != "data"}
            | ({"modality": name} if side["data"] == "simulated" else {})
            for name, side in self.sides.items()
        }
        self.recordings = {
            name: bt.load_dataset(side["data"], **keys[name]) for name, side in self.sides.items()
        }

    def from_raws(self) -> None:
        for name, recordings in self.recordings.items():
            own = bt.from_raws(
                [r.raw for r in recordings],
                modality=name,
                classes=recordings[0].classes,
                subjects=[r.subject for r in recordings],
                sessions=[r.session for r in recordings],
                runs=[r.run for r in recordings],
                dataset=recordings[0].dataset,
            )
            assert [r.uid for r in own] == [r.uid for r in recordings]
            self.recordings[name] = own

    def from_folder(self) -> None:
        for name, recordings in self.recordings.items():
            folder = self.folder / recordings[0].dataset
            folder.mkdir()
            for r in recordings:
                file = folder / f"sub-{r.subject}_ses-{r.session}_run-{r.run}_raw.fif"
                r.raw.save(file, fmt="double", verbose="error")
            own = {r.uid: r for r in bt.from_folder(folder, modality=name, classes=recordings[0].classes)}
            assert sorted(own) == sorted(r.uid for r in recordings)
            self.recordings[name] = [own[r.uid] for r in recordings]

    def preprocess(self) -> None:
        self.recordings = {name: bt.preprocess(many) for name, many in self.recordings.items()}

    def cut_windows(self) -> None:
        """As a study does: features come of float64, what is kept of the signals is float32."""
        precise = {"dtype": "float64", **WINDOWS}
        self.signals = {name: bt.cut_windows(many, **precise) for name, many in self.recordings.items()}
        self.kept = bt.cut_windows(self.recordings["emg"], **WINDOWS)

    def extract_features(self) -> None:
        self.windows = dict(zip(self.signals, bt.extract_features(self.signals.values()), strict=True))

    def make_splits(self) -> None:
        self.splits = bt.make_splits(self.windows["eeg"], by="subject")

    def hold_out_people(self) -> None:
        self.held = bt.hold_out_people(self.windows["emg"])

    def make_source(self) -> None:
        features, noise = self.windows["emg"], {"features": "statistical"}
        self.drawn = {
            "supervised": [bt.make_source(features)],
            "shuffled_labels": [bt.make_source(features, "shuffled_labels", seed) for seed in SEEDS],
            "noise": [bt.make_source(self.kept, "noise", seed, **noise) for seed in SEEDS],
        }

    def fit_alignment(self) -> None:
        eeg = self.windows["eeg"]
        first = eeg.take(self.splits[0].train)
        self.aligned = {
            kind: [
                bt.fit_alignment(one.take(self.held.train), first, ALIGN).source.apply(one) for one in drawn
            ]
            for kind, drawn in self.drawn.items()
        }
        source = self.windows["emg"].take(self.held.train)
        self.targets = [
            bt.fit_alignment(source, eeg.take(split.train), ALIGN).target.apply(eeg) for split in self.splits
        ]

    def pretrain(self) -> None:
        schedule = bt.Schedule(epochs=EPOCHS)
        self.pretrained = {
            kind: bt.pretrain(windows, self.held, NETWORK, SEEDS, schedule)
            for kind, windows in self.aligned.items()
        }

    def build_network(self) -> None:
        first = self.targets[0]
        self.network = bt.build_network(NETWORK, first.shape, len(first.classes))

    def make_arms(self) -> None:
        self.arms = [
            [
                arm
                for i, seed in enumerate(SEEDS)
                for arm in bt.make_arms(
                    ARMS,
                    {kind: trained[i].weights for kind, trained in self.pretrained.items()},
                    self.network,
                    seed,
                    stream=split.uid,
                )
            ]
            for split in self.splits
        ]

    def train(self) -> None:
        schedule = bt.Schedule(epochs=EPOCHS)
        self.tables = [
            bt.train(self.network, arms, windows, split, schedule).to_frame("emg->eeg")
            for arms, windows, split in zip(self.arms, self.targets, self.splits, strict=True)
        ]

    def compare(self) -> None:
        self.verdicts = bt.compare(self.tables)


def _walked(sides: dict[str, dict[str, Any]], folder: Path) -> Walk:
    walk = Walk(sides, folder)
    for name in _listed():
        assert name in bt.__all__
        step: Callable[[], None] = getattr(walk, name)
        step()
    return walk


def _study(sides: dict[str, dict[str, Any]], folder: Path) -> bt.Study:
    recipe = {
        "title": "The same by recipe",
        "question": "Does a study say what its steps say?",
        **{name: {**side, "preprocess": name, "windows": WINDOWS} for name, side in sides.items()},
        "directions": ["emg->eeg"],
        "features": "statistical",
        "align": ALIGN,
        "network": NETWORK,
        "arms": ARMS,
        "split": {"by": "subject"},
        "train": {"epochs": EPOCHS},
        "seeds": len(SEEDS),
    }
    return bt.run_study(recipe, folder)


def _same(walk: Walk, study: bt.Study) -> None:
    keys = [name for name in CURVES if name != "value"]
    tables = pd.concat(walk.tables)
    mine = tables.sort_values(keys, ignore_index=True)
    theirs = study.results.curves.astype(tables.dtypes.to_dict()).sort_values(keys, ignore_index=True)
    pd.testing.assert_frame_equal(mine, theirs, check_exact=True)
    assert walk.verdicts == study.results.verdict_list


def test_the_readme_lists_every_step_and_no_other() -> None:
    steps = [name for name in vars(Walk) if not name.startswith("_")]
    assert _listed() == steps


def test_simulated_recordings_reach_the_verdict_of_the_study(tmp_path: Path) -> None:
    walk = _walked(SIMULATED, tmp_path)
    assert [list(row) for row in walk.verdicts] == [VERDICTS] * (len(ARMS) - 1)
    assert [row["arm"] for row in walk.verdicts] == ARMS[1:]
    _same(walk, _study(SIMULATED, tmp_path / "study"))


def test_real_recordings_reach_the_verdict_of_the_study(
    tmp_path: Path, real_data: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BIOTRANSFER_DATA", str(real_data))
    walk = _walked(REAL, tmp_path)
    assert {row["n_subjects"] for row in walk.verdicts} == {4}
    _same(walk, _study(REAL, tmp_path / "study"))


def test_the_first_notebook_takes_the_same_steps() -> None:
    notebook = nbformat.read(ROOT / "notebooks" / "01_does_it_transfer.ipynb", as_version=4)
    code = "\n".join(cell.source for cell in notebook.cells if cell.cell_type == "code")
    used = {node.attr for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Attribute)}
    assert set(_listed()) - {"from_raws", "from_folder"} <= used
    imported = {alias.name for node in ast.walk(ast.parse(code)) if isinstance(node, ast.Import)
                for alias in node.names}  # fmt: skip
    modules = {node.module for node in ast.walk(ast.parse(code)) if isinstance(node, ast.ImportFrom)}
    assert "biotransfer" in imported
    assert not any(str(module).startswith("biotransfer") for module in modules)


NAMES_OF_0_1_0 = (
    "Arm BiotransferError Network Recipe Recording Results Schedule Split Study TransferClassifier "
    "Weights Windows build_network compare concatenate cut_windows deepen extract_features fetch "
    "fit_alignment from_arrays from_epochs from_raws hold_out_people inspect_recordings load_checkpoint "
    "load_dataset load_recipe load_results load_weights make_arms make_splits measure_curves methods_text "
    "preprocess pretrain pull_weights push_weights replace_head run_study save_weights simulate_eeg "
    "simulate_emg simulate_pair to_epochs train widen write_report"
)


def test_every_public_name_of_0_1_0_is_there() -> None:
    assert set(NAMES_OF_0_1_0.split()) <= set(bt.__all__)
    for name in bt.__all__:
        assert getattr(bt, name) is not None


def test_a_module_is_found_by_its_own_name_whatever_room_it_stands_in() -> None:
    assert bt.figures.plot_learning_curves is bt.plot_learning_curves
    assert bt.networks.build_network is bt.build_network
    assert bt.arms.make_arms is bt.make_arms
    assert bt.study.run_study is bt.run_study
    with pytest.raises(AttributeError, match="no attribute 'nonsense'"):
        bt.nonsense  # noqa: B018


@pytest.mark.parametrize("step", ["preprocess", "cut_windows", "extract_features", "pretrain"])
@pytest.mark.parametrize("given", ["raw", "none", "text", "nothing", "mixed"])
def test_one_or_many_of_something_else_is_refused_with_what_to_type(step: str, given: str) -> None:
    recording = bt.simulate_eeg(n_subjects=1, seed=0)[0]
    right = bt.cut_windows(recording) if step in ("extract_features", "pretrain") else recording
    wrong = {"raw": recording.raw, "none": None, "text": "eeg", "nothing": [], "mixed": [right, 3]}[given]
    with pytest.raises(bt.BiotransferError, match=r"(from_raws|cut_windows)\("):
        getattr(bt, step)(wrong)
