"""Labels and borders as other tools write them: nothing is lost by rounding, every cause has its sentence."""

from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from biotransfer import cut_windows, from_raws, inspect_recordings, preprocess
from biotransfer.errors import BiotransferError
from biotransfer.signals.preprocessing.stored import read_recordings, write_recordings
from biotransfer.signals.recording import EDGE, Recording, annotation_spans, label_names
from biotransfer.signals.windows import concatenate


def make_raw(
    marks: list[tuple[float, float, str]],
    n_times: int = 4000,
    sfreq: float = 200.0,
    names: tuple[str, ...] = ("C3", "C4"),
    kind: str = "eeg",
    first_samp: int = 0,
) -> Any:
    data = np.random.default_rng(0).normal(0, 1e-5, (len(names), n_times))
    raw = mne.io.RawArray(data, mne.create_info(list(names), sfreq, kind), first_samp, verbose="error")
    columns = zip(*marks, strict=True) if marks else ([], [], [])
    return raw.set_annotations(mne.Annotations(*columns), emit_warning=False)


def as_recordings(raw: Any, classes: tuple[str, ...] = ("a", "b"), **options: Any) -> list[Recording]:
    return from_raws({"s": raw}, modality="eeg", classes=classes, **options)


# ------------------------------------------------------------------------------------------------ rounding


def _stored(recording: Recording, folder: Path) -> Recording:
    write_recordings([recording], folder)
    return next(read_recordings(folder))


@example(500.0, 0.5, 3.0, [1 + k / 500 for k in range(8)], None)
@example(256.0, 0.3, 3.0, [0.1, 0.77, 0.301], None)
@example(600.614990234375, 1.0, 3.0, [0.123, 0.9], None)
@example(100.0, 0.5, 3.0, [0.0, 0.75], 250.0)
@given(
    sfreq=st.sampled_from([100.0, 128.0, 200.0, 256.0, 500.0, 512.0, 600.614990234375, 1000.0]),
    duration=st.one_of(st.floats(0.1, 2.0), st.sampled_from([0.5, 1.0, 1.5])),
    distance=st.just(3.0),
    offsets=st.lists(st.floats(0.0, 0.99), min_size=2, max_size=6),
    to=st.sampled_from([None, 100.0, 250.0]),
)
@settings(max_examples=60, deadline=None)
def test_a_trial_of_one_window_is_one_window_wherever_it_begins(
    tmp_path_factory: pytest.TempPathFactory,
    sfreq: float,
    duration: float,
    distance: float,
    offsets: list[float],
    to: float | None,
) -> None:
    """Onset and size are rounded: also after resampling, storing, and when a trial ends with the signal."""
    marks = [(distance * i + offset, duration, "ab"[i % 2]) for i, offset in enumerate(offsets)]
    end = (marks[-1][0] + duration) * sfreq
    whole = abs(duration * sfreq - round(duration * sfreq)) < 1e-6
    n_times = int(np.floor(end + 0.5) if to is None and whole else np.ceil(end))
    (recording,) = as_recordings(make_raw(marks, n_times, sfreq))
    if to is not None:
        recording = preprocess(recording, "none", sfreq=to)
    for same in (recording, _stored(recording, tmp_path_factory.mktemp("stored"))):
        windows = cut_windows(same, length=duration, step=duration)
        assert windows.counts().to_numpy().tolist() == [[(len(marks) + 1) // 2, len(marks) // 2]]


@given(
    begin=st.floats(0.5, 3.0), duration=st.floats(0.001, 2.0), sfreq=st.sampled_from([100.0, 256.0, 333.0])
)
@settings(max_examples=60, deadline=None)
def test_what_is_marked_bad_is_covered_as_a_whole(begin: float, duration: float, sfreq: float) -> None:
    raw = make_raw([(begin, duration, "BAD")], int(6 * sfreq), sfreq)
    (span,) = annotation_spans(raw)
    assert span.first <= begin * sfreq + 0.5 + 1e-6
    assert span.last >= (begin + duration) * sfreq - 0.5 - 1e-6
    assert span.last - span.first >= round(duration * sfreq)


# ------------------------------------------------------------------------------------------------ borders

BORDERS = (EDGE, "boundary", "Boundary", "New Segment/", "New Segment/LostSamples", "BAD_ACQ_SKIP")


@pytest.mark.parametrize("text", BORDERS)
@pytest.mark.parametrize("duration", [0.0, 0.5])
def test_windows_and_filters_honour_the_borders_of_every_tool(text: str, duration: float) -> None:
    """A border of others has no size: its duration tells how much was cut out, or is that of a marker."""
    raw = make_raw([(0.0, 20.0, "a"), (5.0, duration, text)])
    raw._data[:, 1000:] += 300e-6
    (recording,) = as_recordings(raw, ("a",))
    begin = 1000 + (round(duration * 200) if text in (EDGE, "BAD_ACQ_SKIP") else 0)
    for step in ({"bandpass": {"low": 1.0, "high": 40.0}}, {"notch": {"freqs": [50.0]}}):
        done = preprocess(recording, "none", **step).raw.get_data()
        for first, last in ((0, 1000), (begin, 4000)):
            part = recording.with_raw(raw.copy().crop(first / 200, last / 200, include_tmax=False))
            part.raw.set_annotations(None)
            alone = preprocess(part, "none", **step).raw.get_data()
            np.testing.assert_allclose(done[:, first:last], alone, atol=1e-12)
    starts = np.round(cut_windows(recording, length=1.0, step=0.005).metadata["start"] * 200).astype(int)
    assert set(starts) == {*range(801), *range(begin, 3801)}
    assert label_names(raw) == ["a"]


def _eeglab(folder: Path) -> Any:
    import scipy.io

    data = np.random.default_rng(0).normal(size=(2, 4000)) * 10
    data[:, 500:] += 300
    rows = [(1, "a", 2000), (500.5, "boundary", 1234), (2001, "b", 2000)]
    kinds = np.dtype([("latency", object), ("type", object), ("duration", object)])
    channels = np.array([("C3",), ("C4",)], dtype=[("labels", object)])
    eeg = {
        "data": data.astype("float32"), "srate": 200.0, "nbchan": 2, "pnts": 4000, "trials": 1, "xmin": 0.0,
        "xmax": 3999 / 200, "event": np.array(rows, dtype=kinds), "chanlocs": channels, "setname": "x",
        "filename": "x.set", "epoch": [], "times": [], "ref": "common", "icaact": [], "icawinv": [],
        "icasphere": [], "icaweights": [],
    }  # fmt: skip
    scipy.io.savemat(folder / "x.set", {"EEG": eeg})
    with pytest.warns(RuntimeWarning, match="boundary"):
        return mne.io.read_raw_eeglab(folder / "x.set", preload=True)


def _brainvision(folder: Path) -> Any:
    pybv = pytest.importorskip("pybv")
    data = np.random.default_rng(0).normal(size=(2, 4000)) * 1e-5
    data[:, 500:] += 300e-6
    events = [
        {"onset": 0, "duration": 2000, "description": "a", "type": "Comment"},
        {"onset": 500, "duration": 1, "description": "cut", "type": "Comment"},
        {"onset": 2000, "duration": 2000, "description": "b", "type": "Comment"},
    ]
    pybv.write_brainvision(
        data=data, sfreq=200.0, ch_names=["C3", "C4"], fname_base="x", folder_out=folder, events=events
    )
    path = folder / "x.vmrk"
    path.write_text(path.read_text("utf-8").replace("=Comment,cut,", "=New Segment,,"), "utf-8")
    raw = mne.io.read_raw_brainvision(folder / "x.vhdr", preload=True, verbose="error")
    names = [str(name) for name in raw.annotations.description]
    return raw.annotations.rename({n: n.removeprefix("Comment/") for n in names if "Comment/" in n}) and raw


@pytest.mark.parametrize("read", [_eeglab, _brainvision])
def test_no_window_of_a_file_crosses_where_data_were_cut_out(read: Any, tmp_path: Path) -> None:
    recordings = [preprocess(r) for r in as_recordings(read(tmp_path))]
    windows = cut_windows(recordings, step=0.5)
    assert len(windows) == 37
    assert np.ptp(windows.X, axis=2).max() < 60e-6


# ------------------------------------------------------------------------------------------------ text


@pytest.mark.parametrize("label", ["休息", "отдых", "größe", "a&b", "✋ fist"])
def test_a_label_is_the_same_after_a_fif_file(label: str, tmp_path: Path) -> None:
    raw = make_raw([(0.0, 10.0, "a"), (10.0, 10.0, label)])
    raw.save(tmp_path / "t_raw.fif", verbose="error")
    again = mne.io.read_raw_fif(tmp_path / "t_raw.fif", verbose="error")
    before, after = (cut_windows(as_recordings(r, ("a", label))) for r in (raw, again))
    assert before.counts().to_numpy().tolist() == after.counts().to_numpy().tolist() == [[19, 19]]


@pytest.mark.parametrize("name", ["badminton", "BAD", "edge", "Edges", "boundary", "New Segment/"])
def test_a_class_that_forbids_windows_is_refused_at_once_with_its_reason(name: str) -> None:
    raw = make_raw([(0.0, 10.0, name), (10.0, 10.0, "b")])
    reason = r"(begins with (BAD|EDGE)|border of a segment).*rename"
    with pytest.raises(BiotransferError, match=reason):
        as_recordings(raw, (name, "b"))
    with pytest.raises(BiotransferError, match=reason):
        Recording(raw, "eeg", "set", "s", (name, "b"))


SHORTER = "shorter"
CAUSES: dict[str, tuple[list[tuple[float, float, str]], str]] = {
    "nothing": ([], r"no annotation is 'a' or 'b'\. .*set_annotations"),
    "spelling": ([(0, 10, "a"), (10, 10, "B")], r"no annotation is 'b'.*Did you mean 'B'.*\{'B': 'b'\}"),
    "blanks": ([(0, 10, "a"), (10, 10, " b ")], r"no annotation is 'b'.*\{' b ': 'b'\}"),
    "another": ([(0, 10, "a"), (10, 10, "something")], r"no annotation is 'b'; other .* 'something'"),
    "points": ([(i, 0, "ab"[i % 2]) for i in range(8)], r"8 annotations a, b have no duration.*tmin=0"),
    "a point": ([(0, 10, "a"), (12, 0, "b")], r"1 annotations b have no duration.*set_durations\(\{'b': 1\}"),
    "bad": ([(0, 10, "a"), (10, 5, "b"), (9, 8, "BAD")], r"5\.00 s of b are marked BAD"),
    "short": ([(0, 10, "a"), (10, 0.8, "b")], r"the longest stretch of b lasts 0\.80 s, shorter"),
}


@pytest.mark.parametrize("cause", CAUSES)
def test_a_class_without_window_is_told_its_own_cause(cause: str) -> None:
    marks, message = CAUSES[cause]
    recordings = as_recordings(make_raw(marks))
    with pytest.raises(BiotransferError, match=message) as caught:
        cut_windows(recordings, length=1.0)
    assert ("Choose a shorter length" in str(caught.value)) == (cause == "short")


def test_two_causes_stand_in_two_sentences() -> None:
    recordings = from_raws(
        {"s": make_raw([(0, 10, "a"), (12, 0, "b"), (15, 0.5, "c")])}, modality="eeg", classes=["a", "b", "c"]
    )
    with pytest.raises(BiotransferError, match=r"no window of b, c .* annotations b have no.* stretch of c"):
        cut_windows(recordings)


# ------------------------------------------------------------------------------------------------ events


def test_inspecting_says_that_events_are_points() -> None:
    raw = make_raw([(i, 0, "ab"[i % 2]) for i in range(8)])
    messages = [f.message for f in inspect_recordings(as_recordings(raw)) if f.kind == "unlabelled"]
    assert len(messages) == 1
    assert "a, b have no duration: they mark points" in messages[0]


@given(
    onsets=st.lists(st.integers(2, 9), min_size=2, max_size=6, unique=True),
    tmin=st.floats(-1.0, 0.5),
    size=st.integers(20, 400),
    first_samp=st.sampled_from([0, 321]),
)
@settings(max_examples=40, deadline=None)
def test_around_every_event_lies_the_window_that_epochs_would_take(
    onsets: list[int], tmin: float, size: int, first_samp: int
) -> None:
    """The windows are the samples of mne.Epochs, and the Raw that was given keeps its events."""
    onsets = [2 * onset for onset in sorted(onsets)]
    raw = make_raw([(onset, 0, "ab"[i % 2]) for i, onset in enumerate(onsets)], 6000, first_samp=first_samp)
    tmin, duration = round(tmin * 200) / 200, size / 200
    recordings = as_recordings(raw, tmin=tmin, tmax=tmin + duration)
    windows = cut_windows(recordings, length=duration, step=duration, dtype="float64")
    events, codes = mne.events_from_annotations(raw, {"a": 0, "b": 1}, verbose="error")
    epochs = mne.Epochs(
        raw, events, codes, tmin, tmin + (size - 1) / 200, baseline=None, preload=True, verbose="error"
    )
    np.testing.assert_array_equal(windows.X, epochs.get_data())
    np.testing.assert_array_equal(windows.y, epochs.events[:, 2])
    assert not raw.annotations.duration.any()


@pytest.mark.parametrize(
    ("around", "message"),
    [
        ({"tmin": 0.0}, r"tmin=0.0, tmax=None"),
        ({"tmin": 1.0, "tmax": 0.0}, "the first smaller"),
        ({"tmin": "0", "tmax": 1.0}, "no stretch around an event"),
        ({"tmin": 0.0, "tmax": 9.0}, r"two events are 5\.000 s apart.*Pass tmax=5"),
    ],
)
def test_stretches_around_events_that_cannot_be(around: dict[str, Any], message: str) -> None:
    with pytest.raises(BiotransferError, match=message):
        as_recordings(make_raw([(2, 0, "a"), (7, 0, "b")]), **around)


# -------------------------------------------------------------------------------- projectors and channels


def test_projectors_are_applied_as_epochs_does_and_said() -> None:
    raw = make_raw([(0, 10, "a"), (10, 10, "b")], names=("C3", "C4", "Cz", "Pz"))
    raw._data += 1e-4 * np.sin(np.arange(4000) / 5)
    raw.set_eeg_reference("average", projection=True, verbose="error")
    (recording,) = as_recordings(raw)
    epochs = mne.make_fixed_length_epochs(raw, 1.0, preload=True, verbose="error")
    windows = cut_windows(recording, length=1.0, step=1.0, dtype="float64")
    np.testing.assert_allclose(windows.X, epochs.get_data(), atol=1e-15)
    assert any("projector" in note for note in recording.notes)
    assert not raw.info["projs"][0]["active"]
    with pytest.raises(BiotransferError, match=r"not applied: Average EEG reference.*apply_proj"):
        Recording(raw, "eeg", "set", "s", ("a", "b"))
    applied = as_recordings(raw.copy().apply_proj(verbose="error"))
    assert not applied[0].notes


@pytest.mark.parametrize(
    ("names", "bads", "message"),
    [
        (("C4", "C3"), [], r"another order\..*raw\.reorder_channels\(\['C3', 'C4'\]\)"),
        (("C3", "C4"), ["C4"], r"C4 bad in 'own/sub-2.*interpolate_bads\(\).*raw\.pick\(\['C3'\]\)"),
        (("C3", "Cz"), [], r"other channels\..*raw\.pick\(\['C3'\]\)"),
        (("F3", "F4"), [], r"no name in common\..*rename_channels"),
    ],
)
def test_channels_that_differ_are_told_what_to_type(
    names: tuple[str, ...], bads: list[str], message: str
) -> None:
    marks = [(0.0, 10.0, "a"), (10.0, 10.0, "b")]
    raws = [make_raw(marks), make_raw(marks, names=names)]
    raws[1].info["bads"] = bads
    recordings = from_raws(raws, subjects=["1", "2"], modality="eeg", classes=["a", "b"])
    with pytest.raises(BiotransferError, match=message):
        cut_windows(recordings)
    parts = [cut_windows(recording) for recording in recordings]
    with pytest.raises(BiotransferError, match="need the same channels or features in the same order"):
        concatenate(parts)


@pytest.mark.parametrize(
    ("name", "meant"), [("EMG1", "emg"), ("ECG", "ecg"), ("HEOG-L", "eog"), ("Status", "stim")]
)
def test_a_channel_whose_name_says_another_type_is_noticed(name: str, meant: str) -> None:
    """EDF knows no types: every channel comes back as EEG."""
    raw = make_raw([(0, 10, "a"), (10, 10, "b")], names=("Fp1", "Fp2", name))
    (note,) = as_recordings(raw)[0].notes
    assert f"raw.set_channel_types({{{name!r}: {meant!r}}})" in note
    raw.set_channel_types({name: meant}, verbose="error")
    assert not as_recordings(raw)[0].notes


def test_the_error_for_a_missing_modality_names_the_channels_that_may_be_meant() -> None:
    with pytest.raises(BiotransferError, match=r"set_channel_types\(\{'EMG1': 'emg'\}\)"):
        from_raws({"s": make_raw([], names=("Fp1", "EMG1"))}, modality="emg", classes=["a"])
