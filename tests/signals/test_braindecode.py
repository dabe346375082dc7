"""braindecode: data sets there and back, with the real package."""

import warnings
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest

import biotransfer as bt
from biotransfer.errors import BiotransferError
from biotransfer.signals.exchange import from_braindecode, to_braindecode
from biotransfer.signals.recording import annotation_spans
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from biotransfer.signals.windows import METADATA, cut_windows
from biotransfer.signals.windows.braindecode import load_braindecode
from tests.builders import make_windows

SIMULATE = {
    "eeg": lambda: simulate_eeg(n_subjects=2, n_runs=2, seed=1),
    "emg": lambda: simulate_emg(n_subjects=2, seed=1),
}


@pytest.fixture(scope="module")
def theirs() -> Any:
    return load_braindecode("braindecode.datasets")


@pytest.fixture(scope="module")
def windowers() -> Any:
    return load_braindecode("braindecode.preprocessing")


@pytest.fixture(autouse=True)
def no_word(capsys: pytest.CaptureFixture[str]) -> Any:
    """Nothing is printed, and warnings are errors anyway."""
    yield
    assert capsys.readouterr().out == ""


@pytest.mark.parametrize("modality", SIMULATE)
def test_recordings_there_and_back(modality: str, theirs: Any) -> None:
    made = SIMULATE[modality]()
    dataset = to_braindecode(made)
    assert isinstance(dataset, theirs.BaseConcatDataset)
    assert [type(d) for d in dataset.datasets] == [theirs.RawDataset] * len(made)
    assert [d.description["subject"] for d in dataset.datasets] == [r.subject for r in made]
    back = from_braindecode(dataset, modality=modality)
    for one, other in zip(made, back, strict=True):
        assert (one.uid, one.classes, one.ch_names) == (other.uid, other.classes, other.ch_names)
        assert annotation_spans(one.raw) == annotation_spans(other.raw)
        np.testing.assert_array_equal(one.raw.get_data(picks=one.picks), other.raw.get_data())


@pytest.mark.parametrize("modality", SIMULATE)
def test_windows_there_and_back(modality: str, theirs: Any) -> None:
    windows = cut_windows(SIMULATE[modality](), length=1.0, step=0.25)
    dataset = to_braindecode(windows)
    assert [type(d) for d in dataset.datasets] == [theirs.WindowsDataset] * windows.metadata[
        "recording"
    ].nunique()
    X, y, places = dataset[3]
    np.testing.assert_array_equal(X, windows.X[3])
    assert (y, places[2] - places[1]) == (windows.y[3], windows.shape[1])
    told = dataset.get_metadata()
    assert told["subject"].tolist() == windows.metadata["subject"].tolist()
    assert told["label"].tolist() == [windows.classes[i] for i in windows.y]
    back = from_braindecode(dataset, modality=modality)
    assert isinstance(back, bt.Windows)
    assert back.digest() == windows.digest()
    pd.testing.assert_frame_equal(back.metadata, windows.metadata)


def test_a_class_without_windows_and_another_order_stay() -> None:
    windows = cut_windows(SIMULATE["eeg"]())
    some = windows.take(windows.y != 1)
    assert from_braindecode(to_braindecode(some)).digest() == some.digest()


@pytest.mark.parametrize("epochs", [False, True])
def test_windows_that_braindecode_cut(epochs: bool, windowers: Any) -> None:
    made = SIMULATE["eeg"]()
    mapping = {name: 10 + i for i, name in enumerate(made[0].classes)}
    dataset = windowers.create_windows_from_events(
        to_braindecode(made), window_size_samples=256, window_stride_samples=256, on_last_window="drop",
        mapping=mapping, use_mne_epochs=epochs, preload=epochs or None,
    )  # fmt: skip
    back = from_braindecode(dataset)
    ours = cut_windows(made, length=1.0, step=1.0)
    assert back.classes == ours.classes
    assert back.digest() == ours.digest()
    pd.testing.assert_frame_equal(
        back.metadata[["start", "stop", "recording"]], ours.metadata[["start", "stop", "recording"]]
    )
    assert {s.apart for s in bt.make_splits(back, "subject")} == {
        s.apart for s in bt.make_splits(ours, "subject")
    }


def raw_of(seconds: float = 8.0, seed: int = 0, names: str = "Fz Cz Pz") -> Any:
    info = mne.create_info(names.split(), 128.0, "eeg")
    data = np.random.default_rng(seed).normal(size=(len(info["ch_names"]), int(seconds * 128))) * 2e-5
    return mne.io.RawArray(data, info, first_samp=100, verbose="error")


def test_a_target_labels_all_of_a_recording(theirs: Any, windowers: Any) -> None:
    said = [{"subject": i // 2, "age": 30 + i, "state": ("calm", "tense")[i % 2]} for i in range(4)]
    dataset = theirs.BaseConcatDataset(
        [theirs.RawDataset(raw_of(seed=i), d, target_name="state") for i, d in enumerate(said)]
    )
    back = from_braindecode(dataset, name="moods")
    assert [(r.dataset, r.subject, r.session, r.run) for r in back] == [
        ("moods", "0", "1", "1"), ("moods", "0", "1", "2"), ("moods", "1", "1", "1"), ("moods", "1", "1", "2")
    ]  # fmt: skip
    assert back[0].classes == ("calm", "tense")
    assert [[s[:3] for s in annotation_spans(r.raw)] for r in back] == [[(0, 1024, d["state"])] for d in said]
    assert not len(dataset.datasets[0].raw.annotations)
    fixed = windowers.create_fixed_length_windows(
        dataset, window_size_samples=128, window_stride_samples=128, on_last_window="drop", n_jobs=1
    )
    windows = from_braindecode(fixed, name="moods")
    assert windows.classes == ("calm", "tense")
    assert windows.digest() == cut_windows(back, length=1.0, step=1.0).digest()


def test_numbers_are_named_in_their_order(theirs: Any) -> None:
    load = load_braindecode("braindecode.datasets").create_from_X_y
    X = np.random.default_rng(0).normal(size=(6, 3, 256)) * 1e-5
    with warnings.catch_warnings(), mne.utils.use_log_level("ERROR"):
        warnings.simplefilter("ignore")
        dataset = load(X, [5, 2] * 3, drop_last_window=True, sfreq=128.0, ch_names=["Fz", "Cz", "Pz"],
                       window_size_samples=128, window_stride_samples=128)  # fmt: skip
    for i, part in enumerate(dataset.datasets):
        part.set_description({"subject": i // 2, "run": i}, overwrite=True)
        part.raw.set_channel_types(dict.fromkeys(part.raw.ch_names, "eeg"), on_unit_change="ignore")
    assert from_braindecode(dataset).classes == ("2", "5")
    named = from_braindecode(dataset, classes=["low", "high"])
    assert [named.classes[i] for i in named.y[:4]] == ["high", "high", "low", "low"]
    np.testing.assert_array_equal(named.X[0], X[0, :, :128].astype(np.float32))
    with pytest.raises(BiotransferError, match=r"has 1 names for the targets \[2, 5\]"):
        from_braindecode(dataset, classes=["low"])


def _raws(theirs: Any, **options: Any) -> Any:
    said = options.pop("said", {"subject": "1"})
    return theirs.BaseConcatDataset([theirs.RawDataset(raw_of(), said, **options)])


def _two_kinds(theirs: Any) -> Any:
    windows = to_braindecode(cut_windows(SIMULATE["eeg"]()))
    return theirs.BaseConcatDataset([*windows.datasets, theirs.RawDataset(raw_of(), {"subject": "1"})])


def _twice(theirs: Any) -> Any:
    windows = to_braindecode(cut_windows(SIMULATE["eeg"]()))
    return theirs.BaseConcatDataset([windows.datasets[0], windows.datasets[0]])


REFUSED = {
    "something else": (lambda theirs: 3, "dataset holds an int"),
    "two kinds": (_two_kinds, "dataset holds RawDataset and WindowsDataset"),
    "nobody": (lambda theirs: _raws(theirs, said={"age": 3}), "has age, no subject"),
    "no description": (lambda theirs: _raws(theirs, said=None), "has nothing, no subject"),
    "a transform": (lambda theirs: _raws(theirs, transform=np.negative), "has a transform"),
    "no label": (_raws, "dataset has no label"),
    "the same twice": (_twice, "windows stand twice"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case: str, theirs: Any) -> None:
    make, said = REFUSED[case]
    with pytest.raises(BiotransferError, match=said):
        from_braindecode(make(theirs))


def test_what_is_no_signal_is_refused() -> None:
    with pytest.raises(BiotransferError, match="needs signals, these are features"):
        to_braindecode(make_windows())
    with pytest.raises(BiotransferError, match="data is an int"):
        to_braindecode(3)  # type: ignore[arg-type]
    with pytest.raises(BiotransferError, match="no good channel of it"):
        from_braindecode(to_braindecode(cut_windows(SIMULATE["eeg"]())), modality="emg")


# --- tables and epochs


def test_a_table_of_features_has_a_row_per_window() -> None:
    windows = make_windows(n_features=3)
    table = windows.to_frame()
    assert list(table) == [*METADATA, "label", "f0", "f1", "f2"]
    np.testing.assert_array_equal(table[["f0", "f1", "f2"]].to_numpy(), windows.X)
    pd.testing.assert_frame_equal(table[list(METADATA)], windows.metadata)
    assert (table["label"].cat.codes == windows.y).all()


def test_a_table_of_signals_has_a_row_per_sample_as_mne_has_it() -> None:
    windows = cut_windows(SIMULATE["eeg"]()).take(np.arange(5, 25))
    table = windows.to_frame()
    with mne.utils.use_log_level("ERROR"):
        theirs = bt.to_epochs(windows).to_data_frame(scalings={"eeg": 1.0})
    np.testing.assert_allclose(table["time"], theirs["time"])
    np.testing.assert_array_equal(table["window"], theirs["epoch"])
    np.testing.assert_array_equal(table["label"].astype(str), theirs["condition"])
    np.testing.assert_array_equal(table[list(windows.names)], theirs[list(windows.names)].astype(np.float32))
    assert table["subject"].tolist() == np.repeat(windows.metadata["subject"], windows.shape[1]).tolist()


def test_a_column_cannot_be_two_things() -> None:
    from dataclasses import replace

    windows = replace(make_windows(n_features=2), names=("run", "label"))
    with pytest.raises(BiotransferError, match="names hold run, label"):
        windows.to_frame()


def test_epochs_have_the_places_that_names_have() -> None:
    recording = simulate_eeg(n_subjects=1, n_runs=1, seed=0)[0]
    windows = cut_windows(recording)
    of_names = bt.to_epochs(windows)
    places = of_names.get_montage().get_positions()["ch_pos"]
    assert list(places) == recording.ch_names
    moved = {
        name: place + 0.001 for name, place in recording.raw.get_montage().get_positions()["ch_pos"].items()
    }
    measured = mne.channels.make_dig_montage(moved, coord_frame="head")
    carried = bt.to_epochs(windows, montage=measured)
    for channel in carried.info["chs"]:
        np.testing.assert_allclose(channel["loc"][:3], moved[channel["ch_name"]], atol=1e-6)
    with pytest.raises(BiotransferError, match="montage='nowhere' does not fit eeg channels TP9"):
        bt.to_epochs(windows, montage="nowhere")


def test_only_names_of_the_system_have_a_place() -> None:
    from dataclasses import replace

    windows = cut_windows(SIMULATE["eeg"]())
    mixed = bt.to_epochs(replace(windows, names=("FZ", "t3", "EEG 1", "A7")))
    has = [bool(np.isfinite(c["loc"][:3]).all() and c["loc"][:3].any()) for c in mixed.info["chs"]]
    assert has == [True, True, False, False]
    assert bt.to_epochs(replace(windows, names=("1", "2", "3", "4"))).get_montage() is None
    assert bt.to_epochs(cut_windows(SIMULATE["emg"]())).get_montage() is None
