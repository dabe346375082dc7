"""Stand-ins for large data sets of MOABB, and for published checkpoints: of their make, no network."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest

from biotransfer.learning.networks import NETWORKS, build_network
from biotransfer.signals.datasets.moabb import need_moabb

EEG = ("FC3", "C3", "CP3", "Cz", "FC4", "C4", "CP4", "POz")
EMG = ("EMG1", "EMG2", "EMG3", "EMG4")
SETS: dict[str, dict[str, Any]] = {
    "Lee2019_MI": {"people": 54, "sfreq": 1000, "emg": EMG, "sessions": 2, "code": "Lee2019-MI"},
    "Cho2017": {"people": 52, "sfreq": 512, "emg": EMG, "stacked": True},
    "PhysionetMI": {"people": 109, "sfreq": 160, "emg": (), "code": "PhysionetMotorImagery"},
}


def patch_moabb(patch: pytest.MonkeyPatch, *, trials: int = 8, seconds: float = 3.0) -> None:
    """Put stand-ins where MOABB has ``Lee2019_MI``, ``Cho2017`` and ``PhysionetMI``.

    Left hands lower the rhythm over the right hemisphere (10 Hz), right hands over the left one, and raise
    the muscles of their side a little. Simulated: only names, shapes and labels are those of the data sets.
    """
    moabb = need_moabb()
    for name, facts in SETS.items():
        patch.setattr(moabb.datasets, name, _stand_in(moabb, name, facts, trials, seconds))


def patch_published(patch: pytest.MonkeyPatch, folder: Path) -> None:
    """Give, for a download from the hub, a checkpoint of the same make with random weights.

    CBraMod alone: 19 channels, 30 s at 200 Hz, as it was published.
    """
    from safetensors.torch import save_file

    from biotransfer.learning.networks.modules import build_module

    record = build_network("CBraMod", (19, 6000), 5, sfreq=200.0)
    state = {name: value.clone().contiguous() for name, value in build_module(record).state_dict().items()}

    def download(repo: str, file: str, **_: Any) -> Path:
        assert repo == NETWORKS["CBraMod"].facts["pretrained"]
        if not (folder / file).is_file():
            save_file(state, folder / file)
        return folder / file

    patch.setattr("biotransfer.learning.networks.checkpoints.download", download)


def _stand_in(moabb: Any, name: str, facts: dict[str, Any], trials: int, seconds: float) -> type:
    class StandIn(moabb.datasets.base.BaseDataset):
        def __init__(self, return_all_modalities: bool = False) -> None:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                super().__init__(
                    subjects=list(range(1, facts["people"] + 1)),
                    sessions_per_subject=facts.get("sessions", 1),
                    events={"left_hand": 1, "right_hand": 2},
                    code=facts.get("code", name),
                    interval=[0, seconds],
                    paradigm="imagery",
                    return_all_modalities=return_all_modalities,
                )

        def _get_single_subject_data(self, subject: int) -> dict[str, dict[str, mne.io.BaseRaw]]:
            rng = np.random.default_rng(subject)
            return {
                str(session): {"0": _recording(rng, facts, trials, seconds)}
                for session in range(facts.get("sessions", 1))
            }

        def data_path(self, subject: int, **_: Any) -> None:
            raise AssertionError("a stand-in has no files")

    StandIn.__name__ = name
    return StandIn


def _recording(rng: np.random.Generator, facts: dict[str, Any], trials: int, seconds: float) -> Any:
    sfreq, names = facts["sfreq"], (*EEG, *facts["emg"], "STI 014")
    labels = np.array([1, 2] * (trials // 2))
    if facts.get("stacked"):
        labels = np.sort(labels)
    n = int((trials * (seconds + 1) + 1) * sfreq)
    times, data = np.arange(n) / sfreq, 8e-6 * rng.standard_normal((len(names), n))
    data[-1] = 0.0
    rhythm = np.sin(2 * np.pi * 10 * times + rng.uniform(0, 6))
    level = np.full((2, n), 1.0)
    for i, label in enumerate(labels):
        start = int((0.5 + i * (seconds + 1)) * sfreq)
        part = slice(start, start + int(seconds * sfreq))
        level[2 - label, part] = 0.3
        data[-1, start] = label
        for k in (0, 1):
            if facts["emg"]:
                data[len(EEG) + 2 * (label - 1) + k, part] *= 1.3
    for k, name in enumerate(EEG):
        if name[-1] in "34":
            data[k] += 6e-6 * rhythm * level[int(name[-1] == "4")]
    types = ["eeg"] * len(EEG) + ["emg"] * len(facts["emg"]) + ["stim"]
    raw = mne.io.RawArray(data, mne.create_info(list(names), sfreq, types), verbose="error")
    raw.set_montage("standard_1005", on_missing="ignore", verbose="error")
    return raw
