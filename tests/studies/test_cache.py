"""Prepared data: the same numbers as without a cache, made once, made again when their origin changed."""

import gc
import os
import pickle
import shutil
import time
import warnings
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.settings import spec
from biotransfer.signals.datasets import load_dataset
from biotransfer.signals.features import FEATURES, extract_features
from biotransfer.signals.preprocessing import preprocess
from biotransfer.signals.simulate import simulate_eeg
from biotransfer.signals.windows import WindowsWriter, cut_windows, open_windows, write_windows
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import cache
from biotransfer.studies.running.data import Request, open_request
from biotransfer.studies.running.passes import keep_features

RECIPE = {
    "eeg": {"data": "muse-mental-state", "subjects": ["a", "b"]},
    "emg": {"data": "myodisco", "subjects": ["S1", "S4"]},
    "features": "statistical",
}


@pytest.fixture
def own(tmp_path, monkeypatch):
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache"


@pytest.fixture
def folder_of_files(tmp_path):
    folder = tmp_path / "mine"
    folder.mkdir()
    for recording in simulate_eeg(n_subjects=2, seed=0):
        recording.raw.save(
            folder / f"sub-{recording.subject}_ses-{recording.session}_run-{recording.run}_raw.fif",
            verbose="error",
        )
    return folder


def _section(folder):
    classes = list(simulate_eeg(n_subjects=1, seed=0)[0].classes)
    recipe = {
        "eeg": {"data": "folder", "path": str(folder), "classes": classes},
        "emg": {"data": "simulated"},
    }
    return load_recipe({**recipe, "network": "cnn_signal"}).eeg


SEVERAL = ["time_domain", {"name": "emg_family", "which": ["HJORTH", {"name": "AR", "order": 2}]}]


def features_of(name):
    return spec(lambda: FEATURES)("features", name)


def _made(own):
    return {path.parent: path.stat().st_mtime_ns for path in own.glob("*/*/X.npy")}


@pytest.mark.parametrize("modality", ["eeg", "emg"])
@pytest.mark.parametrize("sets", ["statistical", SEVERAL], ids=str)
def test_stored_numbers_are_those_of_the_functions(real_data, own, modality, sets):
    recipe = load_recipe({**RECIPE, "network": "mlp", "features": sets})
    section = recipe.sides[modality]
    recordings = [
        preprocess(r, section.preprocess)
        for r in load_dataset(section.data.name, data_dir=real_data, **section.data.parameters)
    ]
    signals = cut_windows(recordings, **section.windows.plain(), dtype="float64")
    features = extract_features(signals, recipe.features)
    for _ in range(2):
        side = open_request(Request(section, recipe.features, str(real_data)))
        np.testing.assert_array_equal(side.signals.X, signals.X.astype(np.float32))
        np.testing.assert_array_equal(side.features.X, features.X)
        for mine, theirs in ((side.signals, signals), (side.features, features)):
            pd.testing.assert_frame_equal(mine.metadata, theirs.metadata)
            np.testing.assert_array_equal(mine.y, theirs.y)
            assert (mine.classes, mine.names, mine.sfreq, mine.history, mine.columns) == (
                theirs.classes, theirs.names, theirs.sfreq, theirs.history, theirs.columns
            )  # fmt: skip


def test_each_stage_is_made_anew_by_what_it_depends_on_and_no_other(own, folder_of_files):
    section = _section(folder_of_files)
    open_request(Request(section, features_of("band_power")))
    first = _made(own)
    assert len(first) == 2
    open_request(Request(section, features_of("band_power")))
    assert _made(own) == first
    open_request(Request(section, features_of("time_domain")))
    assert {p.parent.name for p in _made(own).keys() - first.keys()} == {"features"}
    open_request(Request(replace(section, windows=replace(section.windows, length=2.0)), None))
    assert len(list(own.glob("recordings/*"))) == 1
    open_request(Request(replace(section, preprocess=()), None))
    assert len(list(own.glob("recordings/*"))) == 2
    assert {place: at for place, at in _made(own).items() if place in first} == first


def test_a_changed_file_is_seen_and_a_touched_one_is_not_taken_for_changed(own, folder_of_files):
    section = _section(folder_of_files)
    files = sorted(folder_of_files.iterdir())
    for file in files:
        os.utime(file, (time.time() - 100,) * 2)
    before = open_request(Request(section, None)).about["digest"]
    os.utime(files[0])
    assert open_request(Request(section, None)).about["digest"] == before
    assert len(list(own.glob("recordings/*"))) == 1
    shutil.copy(files[0], files[1])
    assert open_request(Request(section, None)).about["digest"] != before
    assert len(list(own.glob("recordings/*"))) == 2


def test_a_hash_is_not_read_again_while_size_and_time_stay(own, tmp_path):
    file = tmp_path / "x.bin"
    file.write_bytes(b"one")
    os.utime(file, (1e9, 1e9))
    first = cache.file_hashes([file], tmp_path)
    file.write_bytes(b"two")
    os.utime(file, (1e9, 1e9))
    assert cache.file_hashes([file], tmp_path) == first
    os.utime(file, (1e9 + 1, 1e9 + 1))
    assert cache.file_hashes([file], tmp_path) != first


@pytest.mark.parametrize("kind", ["recordings", "signals", "features"])
def test_what_is_damaged_is_made_again(own, folder_of_files, kind):
    section = _section(folder_of_files)
    features = features_of("band_power")
    expected = np.array(open_request(Request(section, features)).features.X)
    for file in next((own / kind).iterdir()).glob("*.npy"):
        file.write_bytes(b"")
    if kind == "recordings":
        shutil.rmtree(own / "features")
    np.testing.assert_array_equal(open_request(Request(section, features)).features.X, expected)
    shutil.rmtree(own)
    np.testing.assert_array_equal(open_request(Request(section, features)).features.X, expected)


def test_a_side_travels_as_its_place(own, folder_of_files):
    side = open_request(Request(_section(folder_of_files), features_of("band_power")))
    sent = pickle.dumps(side)
    assert len(sent) < 10_000 < side.signals.X.nbytes
    there = pickle.loads(sent)
    assert there.about == side.about
    np.testing.assert_array_equal(there.signals.X, side.signals.X)


def test_writing_to_prepared_data_changes_no_file(own, folder_of_files):
    side = open_request(Request(_section(folder_of_files), None))
    file = next(own.glob("signals/*/X.npy"))
    before = file.read_bytes()
    side.signals.X[...] = 0
    assert file.read_bytes() == before


def test_the_oldest_results_make_room(own, monkeypatch):
    def write(places):
        (places["signals"] / "X.npy").write_bytes(b"0" * 1000)

    monkeypatch.setenv("BIOTRANSFER_CACHE_GB", "2.5e-6")
    for i in range(4):
        place = cache.make_entries({"signals": f"k{i}"}, write)["signals"]
        os.utime(place / ".used", (1e9 + i,) * 2)
    assert {p.name for p in (own / "signals").iterdir()} == {"k2", "k3"}
    monkeypatch.setenv("BIOTRANSFER_CACHE_GB", "much")
    with pytest.raises(BiotransferError, match="BIOTRANSFER_CACHE_GB='much'"):
        cache.make_entries({"signals": "k9"}, write)


def test_a_cache_that_cannot_be_written_is_said(tmp_path, monkeypatch, folder_of_files):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("BIOTRANSFER_CACHE", str(tmp_path / "file"))
    with pytest.raises(BiotransferError, match="BIOTRANSFER_CACHE"):
        open_request(Request(_section(folder_of_files), None))


def test_windows_written_in_pieces_are_those_written_at_once(tmp_path):
    windows = cut_windows(simulate_eeg(n_subjects=3, seed=1))
    writer = WindowsWriter(tmp_path / "pieces")
    for begin in range(0, len(windows), 17):
        writer.append(windows.take(np.arange(begin, min(begin + 17, len(windows)))))
    again = writer.close()
    assert again.digest() == windows.digest()
    pd.testing.assert_frame_equal(open_windows(tmp_path / "pieces").metadata, windows.metadata)
    with pytest.raises(BiotransferError, match="no windows were written"):
        WindowsWriter(tmp_path / "empty").close()
    pieces = [windows.take(np.arange(5)), replace(windows.take(np.arange(5)), modality="emg")]
    with warnings.catch_warnings():
        warnings.simplefilter("error", ResourceWarning)
        with pytest.raises(BiotransferError):
            write_windows(tmp_path / "unlike", pieces)
        gc.collect()
    assert not (tmp_path / "unlike" / "windows.json").exists()


def test_files_behind_a_linked_folder_are_hashed_as_themselves(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "real" / "a.csv").write_text("1")
    (tmp_path / "link").symlink_to(tmp_path / "real")
    there = cache.file_hashes([tmp_path / "link" / "a.csv"], tmp_path / "link")
    assert there == cache.file_hashes([tmp_path / "real" / "a.csv"], tmp_path / "real")


def test_a_folder_below_that_is_a_link_is_read_as_what_it_leads_to(own, folder_of_files, tmp_path):
    linked = tmp_path / "linked" / folder_of_files.name
    linked.mkdir(parents=True)
    (linked / "below").symlink_to(folder_of_files)
    plain = open_request(Request(_section(folder_of_files), None))
    through = open_request(Request(_section(linked), None))
    assert np.array_equal(plain.signals.X, through.signals.X)
    assert all(name.startswith("below/") for name in through.about["source_files"])


def test_what_a_frozen_body_makes_is_kept_and_made_again_when_damaged(own):
    made = []

    def make():
        made.append(1)
        return np.arange(6.0).reshape(2, 3)

    facts = {"network": {"name": "CBraMod"}, "body": "a", "windows": "b"}
    for _ in range(2):
        assert np.array_equal(keep_features(facts, make), np.arange(6.0).reshape(2, 3))
    assert len(made) == 1
    keep_features({**facts, "body": "c"}, make)
    keep_features({**facts, "windows": "c"}, make)
    assert len(made) == 3
    (folder, *_) = sorted((own / "passes").iterdir())
    (folder / "features.npy").write_bytes((folder / "features.npy").read_bytes()[:-1] + b"!")
    for body, windows in (("a", "b"), ("c", "b"), ("a", "c")):
        found = keep_features({**facts, "body": body, "windows": windows}, make)
        assert np.array_equal(found, np.arange(6.0).reshape(2, 3))
    assert len(made) == 4
