"""Windows know where they come from, never cross a border, and come back from mne.Epochs as they went."""

import itertools
from dataclasses import replace
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pandas as pd
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy.signal import resample

from biotransfer.errors import BiotransferError
from biotransfer.signals.recording import EDGE, Recording
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from biotransfer.signals.windows import METADATA, Windows, concatenate, cut_windows, from_epochs, to_epochs
from tests.builders import make_windows
from tests.recordings import make_recording, snapshot


def _counting(n_times: int, sfreq: float = 100.0, notes: Any = None, **facts: Any) -> Recording:
    """Every sample of channel 0 is its own number in microvolt; channel 1 is its negative."""
    ramp = np.arange(n_times, dtype=float) * 1e-6
    return make_recording(np.stack([ramp, -ramp]), sfreq, notes, **facts)


def _samples(windows: Windows) -> np.ndarray:
    return np.round(windows.X[:, 0].astype(np.float64) * 1e6).astype(int)


def _oracle(
    n_times: int, labels: list[tuple[int, int, str]], cuts: list[tuple[int, int]], size: int, hop: int
) -> list[tuple[int, str]]:
    """Starts and labels of all windows, found sample by sample."""
    owner = np.full(n_times, -1)
    for number, (begin, end, _) in enumerate(labels):
        owner[begin:end] = number
    for begin, end in cuts:
        owner[begin:end] = -1
    breaks = {begin for begin, _ in cuts} | {end for _, end in cuts}
    found, i = [], 0
    while i < n_times:
        if owner[i] < 0:
            i += 1
            continue
        end = i + 1
        while end < n_times and owner[end] == owner[i] and end not in breaks:
            end += 1
        found += [(start, labels[owner[i]][2]) for start in range(i, end - size + 1, hop)]
        i = end
    return found


@st.composite
def _layouts(draw: st.DrawFn) -> dict[str, Any]:
    n_times = draw(st.integers(40, 240))
    borders = sorted(draw(st.sets(st.integers(0, n_times), min_size=2, max_size=10)))
    labels = [
        (a, b, draw(st.sampled_from(["a", "b"])))
        for a, b in itertools.pairwise(borders)
        if draw(st.booleans())
    ]
    cuts = []
    for _ in range(draw(st.integers(0, 4))):
        begin = draw(st.integers(0, n_times - 1))
        end = min(begin + draw(st.integers(0, 25)), n_times)
        cuts.append((begin, end, draw(st.sampled_from(["BAD_jump", "bad", EDGE, "edge"]))))
    return {
        "n_times": n_times,
        "labels": labels,
        "cuts": cuts,
        "size": draw(st.integers(2, 40)),
        "hop": draw(st.integers(1, 30)),
        "sfreq": draw(st.sampled_from([100.0, 200.0, 256.0, 128.0])),
        "first_samp": draw(st.sampled_from([0, 1, 77, 400])),
        "meas_date": draw(st.sampled_from([None, 0.0, 1e9])),
    }


def _layout(labels: list[tuple[int, int, str]], cuts: list[tuple[int, int, str]]) -> dict[str, Any]:
    return {
        "n_times": 240, "labels": labels, "cuts": cuts, "size": 10, "hop": 1, "sfreq": 100.0, "first_samp": 5,
        "meas_date": None,
    }  # fmt: skip


@example(_layout([(20, 200, "a")], [(0, 21, "BAD")]))
@example(_layout([(20, 200, "a")], [(199, 210, "BAD")]))
@example(_layout([(0, 240, "a")], [(30, 130, "BAD"), (40, 50, "BAD"), (129, 131, EDGE)]))
@example(_layout([(0, 100, "a"), (100, 240, "b")], [(100, 100, EDGE), (0, 0, EDGE), (239, 239, EDGE)]))
@given(_layouts())
@settings(max_examples=150, deadline=None)
def test_windows_are_exactly_those_a_sample_by_sample_search_finds(layout: dict[str, Any]) -> None:
    sfreq = layout["sfreq"]
    notes = [(a / sfreq, (b - a) / sfreq, text) for a, b, text in layout["labels"] + layout["cuts"]]
    notes += [(0.0, layout["n_times"] / sfreq, "unrelated")]
    cuts = [(a, b) for a, b, _ in layout["cuts"]]
    expected = _oracle(layout["n_times"], layout["labels"], cuts, layout["size"], layout["hop"])
    recording = _counting(
        layout["n_times"],
        sfreq,
        notes,
        first_samp=layout["first_samp"],
        meas_date=layout["meas_date"],
        classes=tuple(sorted({label for _, label in expected})) or ("a", "b"),
    )
    options = {"length": layout["size"] / sfreq, "step": layout["hop"] / sfreq}
    if not expected:
        with pytest.raises(BiotransferError, match="leaves no window"):
            cut_windows(recording, **options)
        return
    windows = cut_windows(recording, **options)
    found = [(row[0], windows.classes[y]) for row, y in zip(_samples(windows), windows.y, strict=True)]
    assert found == expected
    assert (np.diff(_samples(windows), axis=1) == 1).all()
    np.testing.assert_allclose(windows.metadata["start"], [i / sfreq for i, _ in expected])
    np.testing.assert_allclose(windows.metadata["stop"], [(i + layout["size"]) / sfreq for i, _ in expected])
    assert windows.metadata["uid"].is_unique


@pytest.mark.parametrize("meas_date", [None, 1e9])
def test_a_cropped_raw_gives_the_windows_of_the_samples_that_are_left(meas_date: float | None) -> None:
    whole = _counting(1000, notes=[(1.0, 3.0, "a"), (5.0, 4.0, "b")], meas_date=meas_date, first_samp=30)
    cropped = whole.with_raw(whole.raw.copy().crop(2.0, 9.0))
    windows = cut_windows(cropped, length=1.0, step=1.0)
    starts = _samples(windows)[:, 0]
    assert [(i, windows.classes[y]) for i, y in zip(starts, windows.y, strict=True)] == [
        (200, "a"), (300, "a"), (500, "b"), (600, "b"), (700, "b"), (800, "b")
    ]  # fmt: skip
    np.testing.assert_allclose(windows.metadata["start"], (starts - 200) / 100)


def test_joined_raws_share_no_window() -> None:
    parts = [_counting(350).raw, _counting(420).raw]
    raw = mne.concatenate_raws([p.copy() for p in parts], verbose="error")
    recording = replace(_counting(770), raw=raw, classes=("a",))
    rows = _samples(cut_windows(recording, length=0.5, step=0.13))
    assert (np.diff(rows, axis=1) == 1).all()


def test_loaders_and_simulators_mark_files_so_that_windows_stay_inside() -> None:
    emg = simulate_emg(n_subjects=2, n_repetitions=2, seconds=2.0)
    windows = cut_windows(emg, length=0.6, step=0.1)
    first = np.floor(windows.metadata["start"] / 2 + 1e-9)
    last = np.floor((windows.metadata["stop"] - 1e-6) / 2)
    np.testing.assert_array_equal(first, last)
    assert set(windows.metadata["run"]) == {"R1", "R2"}


def test_files_of_any_length_join_silently_at_any_rate() -> None:
    from biotransfer.signals.datasets import from_arrays

    rng = np.random.default_rng(0)
    lengths = [int(n) for n in rng.integers(130, 400, 40)]
    X = [np.arange(n)[None] + 1000.0 * i for i, n in enumerate(lengths)]
    for sfreq in (256.0, 250.1, 200.0):
        labels = ["a", "b"] * 20
        recordings = from_arrays(X, labels, sfreq=sfreq, unit="nV", modality="emg")
        windows = cut_windows(recordings, length=100 / sfreq, step=10 / sfreq, dtype="float64")
        values = np.round(windows.X[:, 0] * 1e9).astype(int)
        assert (np.diff(values, axis=1) == 1).all()
        assert len(windows) == sum((n - 100) // 10 + 1 for n in lengths)
        assert [labels[v // 1000] for v in values[:, 0]] == [windows.classes[y] for y in windows.y]


def test_metadata_says_which_samples_of_whom() -> None:
    one = _counting(300, subject="S2", session="day1", run="r7", source_file="folder/x.csv", dataset="mine")
    two = _counting(300, notes=[(0.0, 3.0, "b")], subject="S10")
    windows = cut_windows([one, two], length=1.0, step=0.5)
    assert tuple(windows.metadata.columns) == METADATA
    row = windows.metadata.iloc[1]
    assert dict(row) == {
        "uid": "mine/sub-S2/ses-day1/run-r7@0.5000", "dataset": "mine", "subject": "S2", "session": "day1",
        "run": "r7", "recording": "mine/sub-S2/ses-day1/run-r7", "start": 0.5, "stop": 1.5,
        "source_file": "folder/x.csv",
    }  # fmt: skip
    assert windows.subjects == ["S2", "S10"]
    assert windows.counts().to_dict() == {"a": {"S2": 5, "S10": 0}, "b": {"S2": 0, "S10": 5}}
    assert windows.X.dtype == np.float32
    assert windows.sfreq == 100.0
    assert windows.names == ("eeg0", "eeg1")
    assert windows.history == ("windows 1 s every 0.5 s by samples",)


def test_extras_of_a_label_override_run_and_file() -> None:
    recording = _counting(400)
    raw = recording.raw.copy()
    extras = [{"run": "R1", "source_file": "one.csv"}, {"run": "R2"}]
    raw.set_annotations(mne.Annotations([0.0, 2.0], [2.0, 2.0], ["a", "b"], extras=extras))
    windows = cut_windows(recording.with_raw(raw, source_file="all"), length=1.0, step=1.0)
    assert windows.metadata["run"].tolist() == ["R1", "R1", "R2", "R2"]
    assert windows.metadata["source_file"].tolist() == ["one.csv", "one.csv", "all", "all"]
    assert windows.metadata["recording"].iloc[3] == "set/sub-s1/ses-1/run-R2"


def test_only_good_channels_of_the_modality_are_cut() -> None:
    data = np.random.default_rng(0).standard_normal((4, 300)) * 1e-5
    recording = make_recording(data, types=["eeg", "emg", "eeg", "emg"], modality="emg", classes=("a",))
    recording.raw.info["bads"] = ["emg1"]
    windows = cut_windows(recording, length=1.0, step=1.0, dtype="float64")
    assert windows.names == ("emg3",)
    np.testing.assert_array_equal(windows.X[:, 0].ravel(), data[3])


@pytest.mark.parametrize(("length", "n_times"), [(0.5, 64), (0.4, 75), (1.0, 150), (0.333, 20)])
def test_resampled_windows_have_the_rate_they_say(length: float, n_times: int) -> None:
    times = np.arange(1000) / 200
    recording = make_recording(np.sin(2 * np.pi * 5 * times)[None] * 1e-5, 200.0, classes=("a",))
    windows = cut_windows(recording, length=length, step=length, n_times=n_times, dtype="float64")
    size = round(length * 200)
    assert windows.sfreq == pytest.approx(n_times * 200 / size, abs=1e-6)
    assert windows.shape == (1, n_times)
    expected = resample(recording.raw.get_data()[:, :size], n_times, axis=1)
    np.testing.assert_allclose(windows.X[0], expected, atol=1e-18)
    assert windows.history[-1].endswith(f"resampled to {n_times} samples")


def _time_slices(times: np.ndarray, period: float, step: float) -> list[tuple[int, int]]:
    """The published script's loop over get_time_slice, literally."""
    found, start = [], 0.0
    while True:
        begin = times[0] + start
        first = np.max(np.where(times <= begin))
        last = np.max(np.where(times <= begin + period))
        duration = times[last] - times[first]
        if last <= first or duration < 0.9 * period:
            return found
        found.append((int(first), int(last)))
        start += step


@given(
    seed=st.integers(0, 2**32 - 1),
    n_times=st.integers(200, 900),
    gap=st.tuples(st.integers(0, 199), st.sampled_from([0.0, 0.05, 0.2, 0.6, 3.0])),
    step=st.sampled_from([0.5, 0.25]),
)
@settings(max_examples=60, deadline=None)
def test_by_timestamps_is_the_loop_of_the_script(
    seed: int, n_times: int, gap: tuple[int, float], step: float
) -> None:
    intervals = np.random.default_rng(seed).choice([0.0, 0.003, 0.004, 0.004, 0.005], n_times)
    intervals[gap[0]] += gap[1]
    times = 1533222000.0 + np.round(np.cumsum(intervals), 3)
    data = np.random.default_rng(0).standard_normal((2, len(times))) * 1e-5
    recording = make_recording(data, 256.0, classes=("a",), timestamps=times)
    expected = _time_slices(times, 1.0, step)
    options = {"length": 1.0, "step": step, "by": "timestamps", "n_times": 150, "dtype": "float64"}
    if not expected:
        with pytest.raises(BiotransferError, match="leaves no window"):
            cut_windows(recording, **options)
        return
    windows = cut_windows(recording, **options)
    assert len(windows) == len(expected)
    for X, (first, last) in zip(windows.X, expected, strict=True):
        np.testing.assert_allclose(X, resample(data[:, first:last], 150, axis=1), atol=1e-17)
    np.testing.assert_array_equal(windows.metadata["start"], [times[a] - times[0] for a, _ in expected])
    np.testing.assert_array_equal(windows.metadata["stop"], [times[b] - times[0] for _, b in expected])
    assert windows.sfreq == 150.0
    assert windows.metadata["uid"].is_unique


def test_by_timestamps_on_a_real_recording_with_a_gap(real_data: Path) -> None:
    from biotransfer.signals.datasets import read_muse_csv

    for name in ("subjectb-relaxed-2.csv", "subjectc-neutral-2.csv"):
        recording = replace(
            read_muse_csv(real_data / "muse-mental-state" / name), classes=(name.split("-")[1],)
        )
        assert recording.timestamps is not None
        windows = cut_windows(recording, by="timestamps", n_times=150)
        assert len(windows) == len(_time_slices(recording.timestamps, 1.0, 0.5))


@pytest.mark.parametrize(
    ("recording", "options", "message"),
    [
        (_counting(300), {"length": 4.0}, r"the longest stretch of a lasts 3\.00 s.*shorter"),
        (_counting(300), {"length": 1.0}, "no window of b in 1 rec.* no annotation is 'b'"),
        (_counting(300), {"length": 0.0}, "length=0.0"),
        (_counting(300), {"step": -1.0}, "step=-1.0"),
        (_counting(300), {"length": 0.01}, "are 1 and 50 samples at 100 Hz"),
        (_counting(300), {"step": 0.004}, "are 100 and 0 samples"),
        (_counting(300), {"by": "sample"}, "Did you mean 'samples'"),
        (_counting(300), {"dtype": "float16"}, "dtype='float16'"),
        (_counting(300), {"n_times": 1}, "n_times=1"),
        (_counting(300), {"n_times": 75.0}, "n_times=75.0"),
        (_counting(300), {"min_length": 0.5}, "goes with by='timestamps'"),
        (_counting(300), {"by": "timestamps"}, "Give n_times=150"),
        (_counting(300), {"by": "timestamps", "n_times": 150}, "has no time stamps"),
        (
            _counting(300, timestamps=np.arange(300) / 100),
            {"by": "timestamps", "n_times": 150, "min_length": 0.0},
            "min_length=0.0",
        ),
        (
            _counting(300, notes=[(0.0, 1.5, "a"), (1.5, 1.5, "b")], timestamps=np.arange(300) / 100),
            {"by": "timestamps", "n_times": 150},
            "needs one label per recording; .* has 2",
        ),
        (
            _counting(300, notes=[(0.0, 2.0, "a"), (1.0, 2.0, "b")]),
            {},
            r"labels 'a' and 'b' of .* overlap from 1\.000 to 2\.000 s",
        ),
        (
            [_counting(300), _counting(300)],
            {},
            "5 windows stand twice, first 'set/sub-s1/ses-1/run-1@0.0000'",
        ),
        ([], {}, "recordings=\\[\\] is empty"),
    ],
)
def test_requests_that_cannot_be_met(recording: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        cut_windows(recording, **options)


def test_a_gap_shorter_than_a_window_still_splits() -> None:
    recording = _counting(400, notes=[(0.0, 4.0, "a"), (2.0, 0.01, "BAD_ACQ_SKIP")], classes=("a",))
    rows = _samples(cut_windows(recording, length=1.0, step=0.01))
    assert not (rows == 200).any()
    assert rows[:, 0].tolist() == [*range(101), *range(201, 301)]


@pytest.mark.parametrize(
    ("change", "what"),
    [
        (
            {"sfreq": 128.0},
            "sfreq=128.0 .* but 256.0 .* Write preprocess: .preset: eeg, sfreq: 128.",
        ),
        ({"names": ("a", "b", "c")}, "names="),
        ({"classes": ("x", "y", "z")}, "classes="),
        ({"modality": "emg"}, "modality='emg'"),
    ],
)
def test_parts_that_differ_do_not_join(change: dict[str, Any], what: str) -> None:
    windows = make_windows(n_features=3, n_times=16)
    windows = replace(windows, sfreq=256.0)
    other = replace(windows, **change)
    with pytest.raises(BiotransferError, match=what):
        concatenate([windows, other])
    with pytest.raises(BiotransferError, match=what):
        concatenate([windows, other.take(np.empty(0, int))])


def test_windows_of_another_length_do_not_join_and_nothing_joins_to_nothing() -> None:
    windows = make_windows(n_features=3, n_times=16)
    with pytest.raises(BiotransferError, match="shape="):
        concatenate([windows, replace(windows, X=windows.X[:, :, :8])])
    with pytest.raises(BiotransferError, match="is empty"):
        concatenate([])


def test_joining_and_taking_are_inverse() -> None:
    windows = make_windows(n_subjects=3)
    parts = [windows.take((windows.metadata["subject"] == s).to_numpy()) for s in windows.subjects]
    assert sum(map(len, parts)) == len(windows)
    assert concatenate(parts).digest() == windows.digest()
    rows = np.random.default_rng(0).permutation(len(windows))
    back = windows.take(rows).take(np.argsort(rows))
    assert back.digest() == windows.digest()
    pd.testing.assert_frame_equal(back.metadata, windows.metadata.reset_index(drop=True))


def test_take_by_mask_and_by_index_agree_and_copy() -> None:
    windows = make_windows()
    mask = windows.y == 1
    by_mask, by_index = windows.take(mask), windows.take(np.flatnonzero(mask))
    assert by_mask.digest() == by_index.digest()
    assert by_mask.metadata.index.tolist() == list(range(mask.sum()))
    by_mask.X[:] = 0
    assert windows.X[mask].any()
    assert len(windows.take(np.zeros(len(windows), bool))) == 0
    assert len(windows.take(np.array([], dtype=float))) == 0


def test_the_digest_sees_every_change() -> None:
    windows = make_windows(n_features=4, n_times=8)
    X = windows.X.copy()
    X[3, 1, 2] = np.nextafter(X[3, 1, 2], np.float32(9))
    y = windows.y.copy()
    y[0] = (y[0] + 1) % 3
    metadata = windows.metadata.copy()
    metadata.loc[5, "uid"] = "other"
    changed = [
        replace(windows, X=X),
        replace(windows, y=y),
        replace(windows, metadata=metadata),
        replace(windows, classes=("p", "q", "r")),
        replace(windows, names=("p", "q", "r", "s")),
        replace(windows, sfreq=999.0),
        windows.take(np.arange(len(windows) - 1)),
        windows.take(np.arange(len(windows))[::-1]),
    ]
    digests = {w.digest() for w in changed} | {windows.digest()}
    assert len(digests) == len(changed) + 1
    assert replace(windows, X=windows.X.copy(order="F"), history=("other",)).digest() == windows.digest()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": np.zeros(3)}, "X has 1 axes"),
        ({"y": np.zeros(2, int)}, "y 2, metadata"),
        ({"names": ("a",)}, "names has 1 entries for 12 columns"),
        ({"y": np.full(96, 3)}, "y runs from 0 to 3 for 3 classes"),
        ({"y": np.full(96, -1)}, "y runs from -1"),
    ],
)
def test_windows_that_do_not_fit_together_are_refused(change: dict[str, Any], message: str) -> None:
    windows = make_windows(n_subjects=4, n_classes=3, n_recordings=1, n_windows=8)
    with pytest.raises(BiotransferError, match=message):
        replace(windows, **change)
    with pytest.raises(BiotransferError, match="metadata lacks uid, stop"):
        replace(windows, metadata=windows.metadata.drop(columns=["uid", "stop"]))


def test_features_keep_labels_and_origin() -> None:
    windows = make_windows(n_features=3, n_times=8)
    features = windows.with_features(windows.X.mean(axis=2), ["p", "q", "r"], "mean")
    assert not features.is_signal
    assert features.sfreq is None
    assert features.history == (*windows.history, "mean")
    assert features.metadata is windows.metadata
    assert "features" in repr(features)
    assert "signals" in repr(windows)
    assert "<table" in features._repr_html_()


@pytest.mark.parametrize("simulate", [simulate_eeg, simulate_emg])
def test_epochs_there_and_back(simulate: Any) -> None:
    windows = cut_windows(simulate(n_subjects=2))
    epochs = to_epochs(windows)
    assert isinstance(epochs, mne.BaseEpochs)
    assert epochs.get_channel_types() == [windows.modality] * len(windows.names)
    assert [windows.classes[i] for i in windows.y] == epochs.metadata["label"].tolist()
    back = from_epochs(epochs, subject="ignored", modality=windows.modality)
    assert back.digest() == windows.digest()
    pd.testing.assert_frame_equal(back.metadata, windows.metadata)


def test_epochs_of_a_class_that_is_missing_and_features_that_are_no_signals() -> None:
    windows = cut_windows(simulate_eeg(n_subjects=1))
    epochs = to_epochs(windows.take(windows.y != 1))
    assert set(epochs.event_id) == {"state_1", "state_3"}
    back = from_epochs(epochs, subject="x", modality="eeg")
    assert [back.classes[i] for i in back.y] == epochs.metadata["label"].tolist()
    with pytest.raises(BiotransferError, match="to_epochs needs signals"):
        to_epochs(make_windows())


def test_epochs_of_others_become_windows() -> None:
    rng = np.random.default_rng(0)
    info = mne.create_info(["C3", "C4", "EMG1", "bad"], 250.0, ["eeg", "eeg", "emg", "eeg"])
    info["bads"] = ["bad"]
    events = np.column_stack([np.arange(6) * 500 + 250, np.zeros(6, int), [1, 2, 1, 2, 1, 2]])
    data = rng.standard_normal((6, 4, 250)) * 1e-5
    epochs = mne.EpochsArray(data, info, events, event_id={"rest": 2, "move": 1}, verbose="error")
    windows = from_epochs(epochs, subject="7", modality="eeg", dataset="theirs")
    assert windows.names == ("C3", "C4")
    assert [windows.classes[i] for i in windows.y] == ["move", "rest"] * 3
    np.testing.assert_array_equal(windows.X, data[:, :2].astype(np.float32))
    np.testing.assert_allclose(windows.metadata["start"], np.arange(6) * 2.0 + 1.0)
    np.testing.assert_allclose(windows.metadata["stop"] - windows.metadata["start"], 1.0)
    assert windows.metadata["recording"].nunique() == 1
    epochs.metadata = pd.DataFrame({"subject": [1, 1, 2, 2, 3, 3], "run": [1, 2] * 3})
    windows = from_epochs(epochs, subject="ignored", modality="emg")
    assert windows.metadata["subject"].tolist() == ["1", "1", "2", "2", "3", "3"]
    assert windows.metadata["recording"].iloc[3] == "epochs/sub-2/ses-1/run-2"


def test_epochs_that_cannot_become_windows() -> None:
    info = mne.create_info(["C3"], 250.0, "eeg")
    data = np.zeros((2, 1, 50))
    with pytest.raises(BiotransferError, match="no good channel of it, only eeg"):
        from_epochs(mne.EpochsArray(data, info, verbose="error"), subject="1", modality="emg")
    with pytest.raises(BiotransferError, match="modality='meg'"):
        from_epochs(mne.EpochsArray(data, info, verbose="error"), subject="1", modality="meg")
    data[1, 0, 3] = np.nan
    with pytest.raises(BiotransferError, match="NaN"):
        from_epochs(mne.EpochsArray(data, info, verbose="error"), subject="1", modality="eeg")


def test_nothing_here_changes_its_input() -> None:
    recording = _counting(600, notes=[(0.5, 2.0, "a"), (1.0, 0.0, EDGE), (3.0, 2.0, "b")], first_samp=10,
                          timestamps=np.arange(600) / 100)  # fmt: skip
    before = snapshot(recording)
    windows = cut_windows(recording, length=0.5, step=0.25)
    cut_windows(recording, length=0.5, step=0.25, n_times=30)
    assert snapshot(recording) == before

    kept = windows.X.tobytes(), windows.y.tobytes(), windows.metadata.to_csv(), windows.history
    windows.take(np.arange(3)).X[:] = 7
    joined = concatenate([windows, windows.take(np.arange(4))])
    joined.X[:], joined.y[:] = 7, 0
    joined.metadata["subject"] = "spoiled"
    single = concatenate([windows])
    single.X[:] = 7
    epochs = to_epochs(windows)
    epochs._data[:] = 7
    epochs.metadata["subject"] = "spoiled"
    windows.digest(), windows.counts(), windows._repr_html_(), windows.subjects
    windows.with_features(windows.X.mean(axis=2), windows.names, "mean")
    assert (windows.X.tobytes(), windows.y.tobytes(), windows.metadata.to_csv(), windows.history) == kept

    epochs = to_epochs(windows)
    data, table = epochs.get_data().tobytes(), epochs.metadata.to_csv()
    from_epochs(epochs, subject="1", modality="eeg").X[:] = 7
    assert (epochs.get_data().tobytes(), epochs.metadata.to_csv()) == (data, table)
    assert windows.X.flags["OWNDATA"]
    windows.X[:] = 0
    assert snapshot(recording) == before
