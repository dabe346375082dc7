"""The excerpt within the package: what it is of the originals, what it weighs, why it may be there."""

import importlib.util

import numpy as np
import pytest

from biotransfer.signals.datasets import DATASETS, excerpt, load_dataset
from biotransfer.signals.recording import EDGE
from biotransfer.signals.windows import cut_windows
from tests import ROOT


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("make_excerpt", ROOT / "data/excerpt/make_excerpt.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def labelled(recording):
    return [a for a in recording.raw.annotations if a["description"] != EDGE]


def test_the_script_makes_the_packaged_file(script, real_data):
    arrays = {**script.cut_eeg(real_data), **script.cut_emg(real_data)}
    packaged = excerpt._arrays()
    assert set(arrays) == set(packaged)
    np.testing.assert_array_equal(arrays["emg"], packaged["emg"])
    steps, stored = (excerpt.unpack(a).astype(int) for a in (arrays, packaged))
    assert np.abs(steps - stored).max() <= 1  # another FFT or filter may round a value the other way
    assert (steps != stored).mean() < 1e-4


def test_it_is_small_and_tells_its_licences():
    assert excerpt.FILE.stat().st_size <= 3_000_000
    notice = excerpt.FILE.with_name("NOTICE.txt").read_text(encoding="utf-8")
    for text in ("Open Data Commons Attribution License v1.0", "doi:10.3390/data4010014", "MIT License",
                 "Permission is hereby granted", "Copyright (c) 2021"):  # fmt: skip
        assert text in notice
    card = " ".join((ROOT / "data/excerpt/README.md").read_text(encoding="utf-8").split())
    for source in DATASETS["excerpt"].facts["citation"].split(" EMG: "):
        assert source.removeprefix("EEG: ").rstrip(".") in card


def test_eeg_is_within_half_a_step_of_the_original(real_data):
    (rest, task) = load_dataset("excerpt", modality="eeg", subjects=["07"])
    originals = load_dataset("mental-arithmetic", data_dir=real_data, download=False, subjects=["07"])
    for mine, whole, begin in ((rest, originals[0], 60.0), (task, originals[1], 0.0)):
        other = (
            whole.raw.copy().pick(list(excerpt.EEG_CHANNELS)).crop(begin, begin + 60.0, include_tmax=False)
        )
        other.resample(125.0, verbose="error")
        inner = slice(125, -125)  # the two resamplers treat the ends differently
        difference = mine.raw.get_data()[:, inner] - other.get_data()[:, inner]
        assert np.abs(difference).std() < 0.2e-6
        assert mine.raw.get_data().std() > 5e-6


def test_emg_is_the_counts_of_the_original(real_data):
    (mine,) = load_dataset("excerpt", modality="emg", subjects=["21547"])
    (whole,) = load_dataset(
        "myo-readings", data_dir=real_data, download=False, subjects=["21547"], sessions=["1"]
    )
    signal, original = mine.raw.get_data(), whole.raw.get_data()
    for item in labelled(mine):
        begin = round(item["onset"] * 200)
        piece = signal[:, begin : begin + 800]
        ends = [
            round((a["onset"] + a["duration"]) * 200)
            for a in labelled(whole)
            if a["description"] == item["description"]
        ]
        assert any(np.allclose(piece, original[:, end - 800 : end], rtol=1e-12) for end in ends[:3])


@pytest.mark.parametrize(
    ("modality", "people", "classes"), [("eeg", 20, excerpt.EEG_CLASSES), ("emg", 16, excerpt.EMG_CLASSES)]
)
def test_everybody_has_every_class_alike(modality, people, classes):
    recordings = load_dataset("excerpt", modality=modality)
    assert [file.used for file in recordings.files] == [True]
    counts = cut_windows(recordings, length=1.0, step=1.0).counts()
    assert counts.shape == (people, len(classes))
    assert counts.to_numpy().min() == counts.to_numpy().max()
    last = load_dataset(
        "excerpt", modality=modality, classes=[classes[-1]], subjects=[recordings[-1].subject]
    )
    assert {a["description"] for r in last for a in labelled(r)} == {classes[-1]}
    assert last[0].classes == (classes[-1],)


def test_it_needs_no_folder_and_no_network(monkeypatch, tmp_path):
    monkeypatch.setenv("MNE_DATA", str(tmp_path))
    monkeypatch.delenv("BIOTRANSFER_DATA", raising=False)
    assert len(load_dataset("excerpt", modality="eeg", download=False)) == 40
    assert not list(tmp_path.iterdir())
