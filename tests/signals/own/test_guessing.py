"""A folder in any of the usual layouts is guessed well enough to be read as it is."""

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import from_folder, load_dataset
from biotransfer.signals.datasets.own.guessing import guess_folder, look_at
from biotransfer.signals.recording import annotation_spans
from tests.signals.own.layouts import LAYOUTS, PEOPLE, RATE


@pytest.mark.parametrize("name", LAYOUTS)
def test_every_layout_is_read_as_it_is_guessed(tmp_path, name):
    layout = LAYOUTS[name]
    layout.write(tmp_path)
    guess = look_at(tmp_path)
    assert ("sfreq" in guess.missing) != layout.rate_said
    assert set(guess.why) <= set(guess.keys)
    keys = guess.keys if layout.rate_said else {**guess.keys, "sfreq": float(RATE)}
    loaded = from_folder(**keys)
    assert {r.modality for r in loaded} == {layout.modality}
    assert {r.sfreq for r in loaded} == {float(RATE)}
    assert sorted({r.subject.lstrip("0MaleP") for r in loaded}) == list(PEOPLE)
    classes = set()
    for who in {r.subject for r in loaded}:
        own = [r for r in loaded if r.subject == who]
        spans = [s for r in own for s in annotation_spans(r.raw) if s.description in r.classes]
        classes |= {s.description for s in spans}
        assert sum(s.last - s.first for s in spans) in {
            layout.seconds * RATE, 2 * layout.seconds * RATE
        }  # fmt: skip
    assert len(classes) == len(loaded[0].classes) == layout.n_classes
    assert {seen.path for seen in loaded.files if not seen.used} == set()
    spread = np.std(loaded[0].raw.get_data(picks=loaded[0].picks))
    assert 1e-6 < spread < 1e-3


def test_real_folders_are_guessed(real_data):
    guesses = {
        name: guess_folder(real_data / name)
        for name in (
            "muse-mental-state",
            "mental-arithmetic",
            "cote-allard",
            "myo-readings",
            "one-subject-myo",
        )
    }
    assert {name: keys["pattern"] for name, keys in guesses.items()} == {
        "muse-mental-state": "subject{subject}-{label}-{run}.csv",
        "mental-arithmetic": "Subject{subject}_{label}.edf",
        "cote-allard": "PreTrainingDataset/{subject}/training0/classe_{label}.dat",
        "myo-readings": "_readings_right_hand/{subject}-{session}/{label}.txt",
        "one-subject-myo": "trial_{session}/R_{run}_C_{label}.csv",
    }
    assert [keys["modality"] for keys in guesses.values()] == ["eeg", "eeg", "emg", "emg", "emg"]
    assert guesses["cote-allard"]["label_modulo"] == 7
    assert guesses["myo-readings"]["label_column"] == 9
    theirs = load_dataset("one-subject-myo", data_dir=real_data)
    mine = from_folder(**guesses["one-subject-myo"])
    assert set(guesses["one-subject-myo"]["labels"].values()) == set(theirs[0].classes)
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_allclose(one.raw.get_data(), other.raw.get_data(), rtol=1e-14)


def test_what_cannot_be_guessed(tmp_path):
    with pytest.raises(BiotransferError, match="is no folder"):
        guess_folder(tmp_path / "none")
    (tmp_path / "README.md").write_text("nothing")
    with pytest.raises(BiotransferError, match=r"holds no file that could be a recording, but README\.md"):
        guess_folder(tmp_path)
