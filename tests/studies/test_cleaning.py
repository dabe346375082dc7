"""Every step, from a recipe's section over real recordings to windows, and what is told of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biotransfer.evidence.baselines import Nuisance, measure_nuisance
from biotransfer.signals.preprocessing import STEPS, preprocess
from biotransfer.signals.simulate import simulate_eeg
from biotransfer.signals.windows import cut_windows
from biotransfer.signals.windows.cutting import Cutting
from biotransfer.studies.recipe.sides import Section
from biotransfer.studies.running import run_study
from biotransfer.studies.running.data import Request, open_request

EEG = {"data": "mental-arithmetic", "subjects": ["00", "01", "02"], "windows": {"length": 2.0, "step": 2.0}}
EMG = {"data": "myodisco", "subjects": ["S1", "S2"], "classes": ["flexion", "extension"]}
SECTIONS: dict[str, list[tuple[str, dict[str, Any], list[Any]]]] = {
    "eeg": [
        (
            "placed",
            EEG,
            [
                {"name": "rename_channels", "case": "10-20"}, {"name": "drop_channels", "channels": ["O1"]},
                "set_montage", {"name": "bad_channels", "then": "interpolate"}, "notch", "bandpass",
                "rest_reference", "pick_channels", {"name": "resample", "sfreq": 128},
            ],
        ),
        ("decomposed", {**EEG, "subjects": ["00"]}, ["set_montage", "ica"]),
        ("referenced", EEG, ["detrend", {"name": "reference", "channels": ["Cz"]}, "average_reference"]),
        ("pairs", EEG, [{"name": "bipolar", "pairs": [["F3", "P3"], ["F4", "P4"]]}]),
    ],
    "emg": [
        ("smooth", EMG, ["notch", {"name": "bandpass", "low": 20.0, "high": None}, "envelope", "normalize"]),
        ("rms", EMG, ["bad_channels", "average_reference", "rectify", "rms_envelope", "normalize"]),
    ],
}  # fmt: skip
CASES = [(modality, *case) for modality, cases in SECTIONS.items() for case in cases]


def test_every_step_is_in_one_of_them() -> None:
    named = {s if isinstance(s, str) else s["name"] for _, _, _, steps in CASES for s in steps}
    assert named == set(STEPS)


@pytest.mark.parametrize(("modality", "name", "data", "steps"), CASES, ids=[case[1] for case in CASES])
def test_a_side_of_real_recordings_comes_through(
    real_data: Path, modality: str, name: str, data: dict[str, Any], steps: list[Any]
) -> None:
    section = Section.of(modality, modality, {**data, "preprocess": steps})
    side = open_request(Request(section, None, str(real_data), nuisance=Nuisance()))
    assert len(side.signals.subjects) == len(data["subjects"])
    assert np.isfinite(side.signals.X).all()
    assert side.nuisance is not None
    assert len(side.nuisance) == len(side.signals)
    found = side.about["preprocessing_found"]
    assert [step["name"] for step in found] == [step["name"] for step in section.preprocess]
    for step in found:
        if STEPS[step["name"]].facts["settle"] is not None:
            assert step != next(s for s in section.preprocess if s["name"] == step["name"])
    assert side.about["preprocessing_text"].startswith("Signals were ")


def test_a_source_that_is_made_up_takes_the_steps_that_ask_for_no_electrodes(tmp_path: Path) -> None:
    """Its channels are as many, and neither named nor placed as those of the people it stands for."""
    made = {"data": "simulated", "n_subjects": 3, "classes": ["relaxed", "neutral"]}
    lost = simulate_eeg(n_subjects=1, n_chans=6)[0].ch_names[0]
    steps = [
        {"name": "drop_channels", "channels": [lost]}, "bad_channels", "pick_channels", "set_montage",
        "detrend", "bandpass", "normalize",
    ]  # fmt: skip
    recipe = {
        "title": "cleaned",
        "eeg": {**made, "options": {"n_chans": 6}, "preprocess": steps},
        "emg": {"data": "simulated", "n_subjects": 3, "classes": ["fist", "flexion"], "preprocess": "none"},
        "directions": ["eeg->emg"],
        "features": "band_power",
        "align": {"name": "top_k", "k": 8},
        "network": {"name": "mlp", "hidden": [4]},
        "arms": ["scratch", "transferred", "simulated_source"],
        "train": {"epochs": 2},
        "seeds": 2,
    }
    study = run_study(recipe, tmp_path / "out")
    about = study.results.data["eeg"]
    assert lost not in about["ch_names"]
    assert set(study.results.predictions["arm"]) == {"scratch", "transferred", "simulated_source"}
    assert "left out of all recordings" in about["preprocessing_text"]


def test_what_should_not_carry_the_label_is_measured_in_the_channels_that_all_people_have() -> None:
    people = []
    for i, recording in enumerate(simulate_eeg(n_subjects=2, n_chans=6)):
        raw = recording.raw.copy().load_data()
        raw.info["bads"] = [raw.ch_names[-1]] if i == 0 else []
        people.append(recording.with_raw(raw.reorder_channels(raw.ch_names[::-1] if i else raw.ch_names)))
    windows = cut_windows(preprocess(people, ["pick_channels"]))
    measured, facts = measure_nuisance(people, windows, windows=Cutting(), families=["mains", "drift"])
    assert len(measured) == len(windows)
    assert tuple(facts["ch_names"]) == windows.names
