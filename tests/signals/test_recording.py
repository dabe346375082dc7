"""A Recording that later steps can trust: what is refused, and where annotations lie in samples."""

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotransfer.errors import BiotransferError
from biotransfer.signals.recording import (
    EDGE,
    Recording,
    annotation_spans,
    check_same_classes,
    natural_sorted,
    set_again,
)
from tests.recordings import make_recording, snapshot


def _signal(n_chans: int = 2, n_times: int = 500) -> np.ndarray:
    return np.random.default_rng(0).standard_normal((n_chans, n_times)) * 1e-5


def test_a_valid_recording_says_who_and_what_it_is() -> None:
    recording = make_recording(_signal(), subject="7", session="day1", run="R2", source_file="x.csv")
    assert recording.uid == "set/sub-7/ses-day1/run-R2"
    assert recording.sfreq == 100.0
    assert recording.ch_names == ["eeg0", "eeg1"]
    assert "5.0 s" in repr(recording)
    assert "<table>" in recording._repr_html_()


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_value_that_is_no_number_is_named_by_file_channel_and_time(value: float) -> None:
    data = _signal()
    data[1, 123] = value
    with pytest.raises(BiotransferError, match=r"'bad\.csv' has 1 NaN.*channel 'eeg1' at 1\.230 s"):
        make_recording(data, source_file="bad.csv")


def test_nan_in_another_modality_or_a_bad_channel_does_not_matter() -> None:
    data = _signal(3)
    data[0] = np.nan
    assert make_recording(data, types=["emg", "eeg", "eeg"]).ch_names == ["eeg1", "eeg2"]
    recording = make_recording(_signal(3))
    raw = recording.raw.copy()
    raw._data[1, 5] = np.nan
    raw.info["bads"] = ["eeg1"]
    assert recording.with_raw(raw).ch_names == ["eeg0", "eeg2"]


def test_microvolts_passed_as_volts_are_refused() -> None:
    with pytest.raises(BiotransferError, match=r"reaches .* V: the unit is wrong.*1e-06"):
        make_recording(_signal() * 1e6)


@pytest.mark.parametrize("types", ["emg", "misc"])
def test_a_raw_without_the_modality_is_refused(types: str) -> None:
    with pytest.raises(BiotransferError, match=rf"no good eeg channel: its types are \['{types}'\]"):
        make_recording(_signal(), types=types, modality="eeg")


def test_other_refusals() -> None:
    raw = make_recording(_signal()).raw
    with pytest.raises(BiotransferError, match="Did you mean 'eeg'"):
        Recording(raw, "eeeg", "set", "1", ("a",))
    with pytest.raises(BiotransferError, match="names no classes"):
        Recording(raw, "eeg", "set", "1", ())
    with pytest.raises(BiotransferError, match="raw=ndarray"):
        Recording(np.zeros((2, 3)), "eeg", "set", "1", ("a",))
    with pytest.raises(BiotransferError, match="timestamps has 3 entries for 500 samples"):
        Recording(raw, "eeg", "set", "1", ("a",), timestamps=np.arange(3.0))


def test_with_raw_drops_time_stamps_only_when_samples_change() -> None:
    recording = make_recording(_signal(), timestamps=np.arange(500) / 100)
    assert recording.with_raw(recording.raw.copy()).timestamps is recording.timestamps
    assert recording.with_raw(recording.raw.copy().crop(0, 1)).timestamps is None
    assert recording.with_raw(recording.raw.copy(), run="9").run == "9"


def test_reading_a_recording_changes_nothing() -> None:
    recording = make_recording(_signal(), annotations=[(1.0, 1.0, "a"), (2.0, 0.0, EDGE)], first_samp=50)
    before = snapshot(recording)
    repr(recording), recording._repr_html_(), recording.picks, annotation_spans(recording.raw)
    check_same_classes([recording, recording])
    recording.with_raw(recording.raw.copy(), subject="other")
    assert snapshot(recording) == before


@given(
    first_samp=st.integers(0, 300),
    dated=st.booleans(),
    crop=st.integers(0, 250),
    onset=st.integers(0, 499),
    length=st.integers(0, 300),
)
@settings(max_examples=60, deadline=None)
def test_spans_hold_the_samples_that_were_annotated(
    first_samp: int, dated: bool, crop: int, onset: int, length: int
) -> None:
    """Every sample carries its own number, so what a span covers can be read off the signal."""
    data = np.arange(500.0)[None] * 1e-6
    length = min(length, 500 - onset)
    notes = [(onset / 100, length / 100, "a")]
    recording = make_recording(data, 100.0, notes, first_samp=first_samp, meas_date=1e9 if dated else None)
    raw = recording.raw.copy().crop(crop / 100)
    wanted = set(range(onset, onset + length)) & set(range(crop, 500))
    spans = annotation_spans(raw)
    covered = {round(v * 1e6) for s in spans for v in raw.get_data()[0, s.first : s.last]}
    assert covered == wanted
    assert all(0 <= s.first <= s.last <= raw.n_times for s in spans)


def test_edges_of_joined_raws_lie_on_the_border() -> None:
    parts = [make_recording(_signal(1, n)).raw.copy() for n in (250, 131, 90)]
    joined = mne.concatenate_raws(parts, verbose="error")
    edges = sorted({s.first for s in annotation_spans(joined) if s.is_boundary})
    assert edges == [250, 381]


def test_extras_reach_the_span() -> None:
    raw = make_recording(_signal()).raw
    raw.set_annotations(mne.Annotations([0.0, 1.0], [1.0, 1.0], ["a", "b"], extras=[{"run": "R1"}, None]))
    assert [dict(s.extras) for s in annotation_spans(raw)] == [{"run": "R1"}, {}]


@pytest.mark.parametrize(
    ("text", "boundary"),
    [
        ("BAD", True),
        ("bad_blink", True),
        ("EDGE boundary", True),
        ("edge", True),
        ("a", False),
        ("not BAD", False),
    ],
)
def test_what_counts_as_a_boundary(text: str, boundary: bool) -> None:
    assert (
        annotation_spans(make_recording(_signal(), annotations=[(0, 1, text)]).raw)[0].is_boundary == boundary
    )


@pytest.mark.parametrize("meas_date", [None, 1e9])
@pytest.mark.parametrize("first_samp", [0, 37])
def test_annotations_that_are_set_again_stay_where_they_are(first_samp: int, meas_date: float | None) -> None:
    marks = [(0.0, 0.3, "a"), (0.4, 0.0, "EDGE boundary"), (0.5, 0.2, "b")]
    raw = make_recording(_signal(), annotations=marks, first_samp=first_samp, meas_date=meas_date).raw
    before = annotation_spans(raw)
    assert annotation_spans(set_again(raw, raw.annotations.copy())) == before


def test_recordings_of_other_classes_are_named() -> None:
    one, other = make_recording(_signal()), make_recording(_signal(), classes=("b", "a"), subject="2")
    assert check_same_classes([one, one]) == ("a", "b")
    with pytest.raises(BiotransferError, match=r"\['b', 'a'\] for 'set/sub-2/ses-1/run-1' but \['a', 'b'\]"):
        check_same_classes([one, other])
    with pytest.raises(BiotransferError, match="is empty"):
        check_same_classes([])


@given(st.lists(st.text(alphabet="aB019 ²_-", max_size=6), max_size=12))
def test_natural_order_is_an_order_of_the_same_names(names: list[str]) -> None:
    ordered = natural_sorted(names)
    assert sorted(ordered) == sorted(names)
    assert natural_sorted(reversed(ordered)) == ordered


def test_numbers_are_sorted_as_numbers() -> None:
    assert natural_sorted(["S10", "S9", "S1", "10", "9", "a", ""]) == ["", "9", "10", "S1", "S9", "S10", "a"]
