"""Decisions about findings: written, edited, read and done again."""

from dataclasses import replace

import mne
import numpy as np
import pandas as pd
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import from_raws
from biotransfer.signals.datasets.common import Piece, join_pieces
from biotransfer.signals.datasets.loaded import Loaded, SeenFile
from biotransfer.signals.electrodes import electrode_positions
from biotransfer.signals.quality import apply_decisions, findings_table, inspect_recordings, read_decisions
from biotransfer.signals.windows import cut_windows

NAMES = ["Fz", "Cz", "Pz", "Oz", "C3", "C4"]


@pytest.fixture
def recordings():
    raws = {}
    for i, who in enumerate("ABC"):
        data = np.random.default_rng(i).normal(0, 1e-5, (6, 5000))
        if who == "A":
            data[1] = 0.0
        raw = mne.io.RawArray(data, mne.create_info(NAMES, 250.0, "eeg"), verbose="error")
        raw.set_montage(electrode_positions())
        raw.set_annotations(mne.Annotations([0.0, 10.0], [10.0, 10.0], ["rest", "task"]))
        raws[who] = raw
    made = from_raws(raws, modality="eeg", classes=["rest", "task"])
    made = [replace(r, source_file=f"{r.subject}.fif") for r in made]
    return Loaded(made, [SeenFile(r.source_file, r.subject) for r in made])


def decide(recordings, tmp_path, **row):
    """Write the findings of recordings, with one row more, and read them again."""
    table = findings_table(inspect_recordings(recordings))
    assert (table["action"] == "keep").all()
    more = pd.DataFrame([{"recording": "", "channel": "", "file": "", "argument": "", "kind": "flat", **row}])
    pd.concat([table, more]).to_csv(tmp_path / "findings.csv", index=False)
    return read_decisions(tmp_path / "findings.csv")


def test_what_is_not_edited_changes_nothing(recordings, tmp_path):
    findings_table(inspect_recordings(recordings)).to_csv(tmp_path / "findings.csv", index=False)
    decisions = read_decisions(tmp_path / "findings.csv")
    assert decisions == []
    same, said = apply_decisions(recordings, decisions)
    assert list(same) == list(recordings)
    assert (same.files, said) == (recordings.files, [])


def test_a_recording_is_dropped_and_its_file_says_why(recordings, tmp_path):
    uid = recordings[1].uid
    kept, said = apply_decisions(recordings, decide(recordings, tmp_path, action="drop", recording=uid))
    assert [r.subject for r in kept] == ["A", "C"]
    assert [f.path for f in kept.files if not f.used] == ["B.fif"]
    assert "by decision" in kept.files[1].why
    assert said == [f"{uid}: by decision it is left out (flat)."]


def test_a_channel_is_left_out_of_all(recordings, tmp_path):
    row = {"action": "drop", "recording": recordings[0].uid, "channel": "Cz"}
    kept, said = apply_decisions(recordings, decide(recordings, tmp_path, **row))
    assert all(r.ch_names == [n for n in NAMES if n != "Cz"] for r in kept)
    assert said == ["By decision Cz is left out of all recordings (flat)."]
    assert all("Cz" in r.ch_names for r in recordings)


def test_a_channel_is_interpolated_as_mne_does(recordings, tmp_path):
    row = {"action": "interpolate", "recording": recordings[0].uid, "channel": "Cz"}
    kept, _ = apply_decisions(recordings, decide(recordings, tmp_path, **row))
    raw = recordings[0].raw.copy()
    raw.info["bads"] = ["Cz"]
    raw.interpolate_bads(verbose="error")
    np.testing.assert_array_equal(kept[0].raw.get_data(), raw.get_data())
    assert recordings[0].raw.get_data()[1].any() == np.False_
    assert kept[1] is recordings[1]
    assert not [f for f in inspect_recordings(kept) if f.kind == "flat"]


@pytest.mark.parametrize(
    ("argument", "first", "last"), [("2-8", 500, 2000), ("4-", 1000, 5000), ("-12.5", 0, 3125)]
)
def test_only_some_seconds_are_kept(recordings, tmp_path, argument, first, last):
    timed = replace(recordings[0], timestamps=np.arange(5000) / 250)
    row = {"action": "crop", "recording": timed.uid, "argument": argument}
    kept, _ = apply_decisions([timed], decide(recordings, tmp_path, **row))
    np.testing.assert_array_equal(kept[0].raw.get_data(), timed.raw.get_data()[:, first:last])
    np.testing.assert_array_equal(kept[0].timestamps, timed.timestamps[first:last])


def test_one_file_of_a_joined_recording_is_left_out(tmp_path):
    rng = np.random.default_rng(0)
    pieces = [Piece(rng.normal(0, 1e-5, (2, 500)), "fist" if i % 2 else "rest", f"{i}", f"{i}.csv")
              for i in range(6)]  # fmt: skip
    raw = join_pieces(pieces, ["EMG1", "EMG2"], 250.0, "emg")
    (recording,) = from_raws({"A": raw}, modality="emg", classes=["rest", "fist"])
    row = {"action": "drop", "recording": recording.uid, "file": "3.csv"}
    kept, _ = apply_decisions([recording], decide([recording], tmp_path, **row))
    used = {str(name) for name in cut_windows(kept[0], length=1.0, step=1.0).metadata["source_file"]}
    assert used == {f"{i}.csv" for i in range(6) if i != 3}


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ({"action": "delete"}, "Use one of|Did you mean"),
        ({"action": "drop"}, "nothing would be left"),
        ({"action": "interpolate"}, "names no channel"),
        ({"action": "crop", "argument": "5"}, "10-50"),
        ({"action": "crop", "argument": "9-3", "recording": "x"}, "10-50"),
        ({"action": "crop", "argument": "-", "recording": "x"}, "10-50"),
    ],
)
def test_what_cannot_be_done_is_refused_by_its_line(recordings, tmp_path, row, says):
    with pytest.raises(BiotransferError, match=says) as error:
        decide(recordings, tmp_path, **row)
    assert "line 3" in str(error.value)


def test_what_does_not_fit_the_recordings_is_refused_or_said(recordings, tmp_path):
    uid = recordings[0].uid
    for row, says in (
        ({"action": "drop", "channel": "T9"}, "no recording has the channel 'T9'"),
        ({"action": "interpolate", "channel": "T9", "recording": uid}, "has no channel 'T9'"),
        ({"action": "crop", "argument": "30-", "recording": uid}, "lies outside"),
    ):
        with pytest.raises(BiotransferError, match=says):
            apply_decisions(recordings, decide(recordings, tmp_path, **row))
    bare = from_raws({"A": recordings[0].raw.copy().set_montage(None)}, modality="eeg", classes=["rest"])
    with pytest.raises(BiotransferError, match="no electrode positions"):
        apply_decisions(bare, decide(recordings, tmp_path, action="interpolate", channel="Cz", recording=uid))
    _, said = apply_decisions(recordings, decide(recordings, tmp_path, action="drop", recording="own/sub-Z"))
    assert said == ["1 decision names recordings that are not loaded."]
    with pytest.raises(BiotransferError, match="is no file"):
        read_decisions(tmp_path / "none.csv")
    (tmp_path / "other.csv").write_text("a,b\n1,2\n")
    with pytest.raises(BiotransferError, match="lacks the column recording, action"):
        read_decisions(tmp_path / "other.csv")
