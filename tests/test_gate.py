"""One gate: every public entrance takes an odd value, or refuses it in words; nothing else comes out."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

import biotransfer as bt
from biotransfer import BiotransferError, Schedule
from biotransfer.learning.networks import build_network
from biotransfer.learning.weights import Weights
from biotransfer.sklearn import TransferClassifier
from biotransfer.transfer.carry import make_arms
from tests.builders import make_windows

WINDOWS = make_windows(n_features=6, n_subjects=3, n_windows=2)
RECORDINGS = bt.simulate_pair(n_subjects=2, seed=0)[0][:2]
SPEC = {"name": "mlp", "hidden": [4]}
NETWORK = build_network(SPEC, WINDOWS.shape, 3)
ARMS = make_arms(["scratch"], {}, NETWORK, 0)
SPLIT = bt.make_splits(WINDOWS)[0]
SHORT = Schedule(epochs=1)
LABELS = np.array(["a", "b", "c"])[WINDOWS.y]
WEIGHTS = bt.pretrain(WINDOWS, SPLIT, SPEC, [0], SHORT)[0].weights


def classify(X: Any = WINDOWS.X, y: Any = LABELS, sample_weight: Any = None, **parameters: Any) -> Any:
    given = {"network": SPEC, "epochs": 1, **parameters}
    return TransferClassifier(**given).fit(X, y, sample_weight=sample_weight)


CALLS: dict[str, tuple[Callable[..., Any], dict[str, Any]]] = {
    "TransferClassifier": (
        classify,
        {"source_weights": WEIGHTS, "network": SPEC, "arm": "transferred", "sfreq": None, "names": None,
         "scale": "standard", "epochs": 1, "learning_rate": 1e-3, "batch_size": 8, "weight_decay": 0.0,
         "class_weight": None, "seed": 0, "engine": "auto", "device": "cpu", "sample_weight": None},
    ),
    "pretrain": (
        bt.pretrain,
        {"windows": WINDOWS, "split": SPLIT, "network": SPEC, "seeds": [0], "schedule": SHORT,
         "method": "supervised", "engine": "auto", "device": "cpu", "dtype": "float32"},
    ),
    "make_arms": (
        make_arms,
        {"specs": ["transferred"], "sources": WEIGHTS, "network": NETWORK, "seed": 0, "target": WINDOWS},
    ),
    "train": (
        bt.train,
        {"network": NETWORK, "arms": ARMS, "windows": WINDOWS, "split": SPLIT, "schedule": SHORT,
         "engine": "auto", "device": "cpu", "dtype": "float32", "sample_weight": None},
    ),
    "Schedule": (
        Schedule,
        {"epochs": 1, "learning_rate": 1e-3, "batch_size": 8, "weight_decay": 0.0, "patience": 0,
         "precision": "full", "augment": "none", "class_weight": "none"},
    ),
    "preprocess": (bt.preprocess, {"recordings": RECORDINGS[0], "steps": None}),
    "cut_windows": (bt.cut_windows, {"recordings": RECORDINGS, "length": 1.0, "step": 1.0}),
    "extract_features": (
        bt.extract_features, {"windows": bt.cut_windows(RECORDINGS, step=1.0), "spec": "band_power"},
    ),
    "hold_out_people": (bt.hold_out_people, {"windows": WINDOWS}),
    "fit_alignment": (
        bt.fit_alignment, {"source": WINDOWS, "target": WINDOWS, "spec": "none", "scale": "standard"},
    ),
    "inspect_recordings": (bt.inspect_recordings, {"recordings": RECORDINGS}),
    "to_epochs": (bt.to_epochs, {"windows": bt.cut_windows(RECORDINGS, step=1.0)}),
}  # fmt: skip
ODD: list[Any] = [
    None, True, 0, -1, 7.5, np.nan, np.inf, 1j, "", "odd", b"x", [], [1], ["a"], (None,), {}, {"a": 1}, {1},
    object(), np.array(3.0), np.arange(4), np.zeros((2, 2)), pd.Series(["a"]), pd.DataFrame({"a": [1]}), int,
    len, range(2), WINDOWS, RECORDINGS[0], RECORDINGS, NETWORK, SPLIT, WEIGHTS, SHORT,
]  # fmt: skip


@pytest.mark.parametrize(
    ("entrance", "parameter"),
    [(entrance, parameter) for entrance, (_, given) in CALLS.items() for parameter in given],
)
def test_an_odd_value_is_taken_or_refused_in_words(entrance: str, parameter: str) -> None:
    function, usual = CALLS[entrance]
    function(**usual)
    wrong = []
    for odd in ODD:
        try:
            function(**{**usual, parameter: odd})
        except BiotransferError:
            continue
        except Exception as error:
            said = str(error).splitlines()[0] if str(error) else ""
            wrong.append(f"{entrance}({parameter}={str(odd)[:40]}): {type(error).__name__}: {said[:100]}")
    assert not wrong, "\n".join(wrong)


SIGNALS = bt.cut_windows(RECORDINGS, step=1.0)


def spoiled(windows: bt.Windows, value: float) -> bt.Windows:
    X = np.array(windows.X)
    X[3, 1] = value
    return replace(windows, X=X)


@pytest.mark.parametrize(
    ("windows", "says"),
    [
        (spoiled(SIGNALS, np.nan), "NaN or infinite values, the first in"),
        (spoiled(SIGNALS, np.inf), "NaN or infinite values, the first in"),
        (replace(SIGNALS, X=np.asarray(SIGNALS.X) * 1e6), "the unit is wrong"),
        (replace(SIGNALS, X=np.asarray(SIGNALS.X) * 1e3), "the unit is wrong"),
        (replace(SIGNALS, X=np.asarray(SIGNALS.X) * 1e-6), "the unit is wrong"),
        (SIGNALS.take(np.arange(0)), "Expected Windows"),
        (RECORDINGS, "Expected Windows"),
    ],
)
def test_windows_given_to_a_study_pass_the_gate_of_recordings(
    windows: Any, says: str, tmp_path: Path
) -> None:
    recipe = {"title": "t", "eeg": {"data": "given"}, "emg": {"data": "simulated", "n_subjects": 2},
              "directions": ["emg->eeg"], "features": "band_power"}  # fmt: skip
    with pytest.raises(BiotransferError, match=says):
        bt.run_study(recipe, tmp_path / "out", windows={"eeg": windows})


TARGET = make_windows(n_features=6, n_times=40, n_subjects=3, n_windows=2)
CNN = {"name": "cnn_signal", "filters": [4], "kernel": 5}
GIVEN = bt.pretrain(TARGET, bt.make_splits(TARGET)[0], CNN, [0], SHORT)[0].weights
FAULTS: dict[str, tuple[Callable[[], Weights], str]] = {
    "nothing fits": (
        lambda: (
            bt.pretrain(TARGET, bt.make_splits(TARGET)[0], {**CNN, "filters": [5]}, [0], SHORT)[0].weights
        ),
        "nothing of them fits",
    ),
    "another rate": (
        lambda: Weights(GIVEN.tensors, {**GIVEN.card, "sfreq": 999.0}),
        "sfreq=999 Hz on their card",
    ),
    "half of the names elsewhere": (
        lambda: Weights(GIVEN.tensors, {**GIVEN.card, "names": [*TARGET.names[1:], "x"]}),
        "would be paired with others",
    ),
}


def by_arms(weights: Weights, folder: Path) -> Any:
    network = build_network(CNN, TARGET.shape, 3)
    spec = {"name": "transferred", "weights": str(bt.save_weights(weights, folder / "w"))}
    return make_arms([spec], {}, network, 0, target=TARGET)


def by_classifier(weights: Weights, folder: Path) -> Any:
    model = TransferClassifier(weights, CNN, sfreq=TARGET.sfreq, names=list(TARGET.names), epochs=1)
    return model.fit(TARGET.X, TARGET.y)


@pytest.mark.parametrize("entrance", [by_arms, by_classifier])
@pytest.mark.parametrize("fault", FAULTS)
def test_weights_pass_the_same_gate_at_every_entrance(fault: str, entrance: Any, tmp_path: Path) -> None:
    make, says = FAULTS[fault]
    entrance(GIVEN, tmp_path)
    with pytest.raises(BiotransferError, match=says):
        entrance(make(), tmp_path)
