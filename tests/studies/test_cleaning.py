"""Every step, from a recipe's section over real recordings to windows, and what is told of it."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from biotransfer.evidence.baselines import Nuisance
from biotransfer.signals.preprocessing import STEPS
from biotransfer.studies.recipe.sides import Section
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
