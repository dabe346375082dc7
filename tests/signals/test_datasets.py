"""Loaders against the real files, independent readers, and files that are not what they claim."""

import json
import re
import shutil
import struct
import subprocess
import sys
from collections import Counter

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.signal import welch

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import (
    DATASETS,
    arithmetic,
    cote_allard,
    csv_files,
    from_arrays,
    from_folder,
    from_raws,
    libemg,
    load_dataset,
    muse,
    read_muse_csv,
)
from biotransfer.signals.datasets.common import choose, identical_share
from biotransfer.signals.recording import EDGE
from biotransfer.signals.simulate import simulate_eeg
from biotransfer.signals.windows import cut_windows
from tests import ROOT

REAL = [name for name, entry in DATASETS.items() if entry.facts["sources"]]
HERE = [
    "muse-mental-state",
    "mental-arithmetic",
    "myodisco",
    "one-subject-myo",
    "cote-allard",
    "myo-readings",
]
FEW = {
    "myodisco": ["S11", "S2"],
    "mental-arithmetic": ["03", "01"],
    "muse-mental-state": ["d"],
    "cote-allard": ["Male10", "Female3"],
    "myo-readings": ["10101", "10000"],
}
COLUMNS = ("a", "b", "c")


def load(name, real_data, **params):
    return load_dataset(name, data_dir=real_data, download=False, **params)


def spans(recording, label):
    return [(a["onset"], a["duration"]) for a in recording.raw.annotations if a["description"] == label]


# ---------------------------------------------------------------------------------------------- CSV files


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.tuples(*[st.floats(allow_nan=False, allow_infinity=False)] * 3), min_size=1, max_size=20),
    st.sampled_from(["\n", "\r\n"]),
    st.booleans(),
)
def test_numbers_are_read_exactly_as_python_reads_them(rows, newline, header):
    lines = [",".join(map(repr, row)) for row in rows]
    text = newline.join([",".join(COLUMNS), *lines] if header else lines)
    values = csv_files.parse_numbers(text.encode(), "x.csv", COLUMNS, header=header)
    np.testing.assert_array_equal(values, np.array(rows))
    slow = csv_files._parse_slowly("\n".join(lines).encode(), "x.csv", COLUMNS, 1)
    np.testing.assert_array_equal(values, slow)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        ([], r"'x\.csv' is empty"),
        (["  "], r"'x\.csv' is empty"),
        (["1,2,3", "4,5", "6,7,8"], r"has 2 columns in line 3\. Expected 3: a, b, c"),
        (["1,2,3,9", "4,5", "6,7,8"], r"has 4 columns in line 2"),
        (["1,2,3", "", "4,5,6"], r"has 1 columns in line 3"),
        (["1,2,3", "4,five,6"], r"holds 'five' in line 3, column 'b'"),
        (["1,2,3", "4,,6"], r"holds '' in line 3, column 'b'"),
        (["1,2,3", "4,5,nan"], r"holds 'nan' in line 3, column 'c'"),
        (["1,2,inf"], r"holds 'inf' in line 2, column 'c'"),
        (["1,2,1e999"], r"holds '1e999' in line 2, column 'c'"),
        (["1-2,2,3"], r"holds '1-2' in line 2, column 'a'"),
        (["1_0,2,3"], r"holds '1_0' in line 2, column 'a'"),
        (['"1",2,3'], r"holds '\"1\"' in line 2, column 'a'"),
        (["\x00\x01\x02"], r"has 1 columns in line 2"),
    ],
)
def test_a_table_that_is_none_is_refused_with_its_place(lines, message):
    text = "\n".join(["a,b,c", *lines]) if lines and lines[0].strip() else "\n".join(lines)
    with pytest.raises(BiotransferError, match=message):
        csv_files.parse_numbers(text.encode(), "x.csv", COLUMNS, header=True)


def test_another_header_is_refused(tmp_path):
    with pytest.raises(BiotransferError, match=r"begins with 'time,b,c'\. Expected the header 'a,b,c'"):
        csv_files.parse_numbers(b"time,b,c\n1,2,3", "x.csv", COLUMNS, header=True)
    with pytest.raises(BiotransferError, match=r"cannot be read: No such file"):
        csv_files.read_numbers(tmp_path / "none.csv", COLUMNS, header=False)
    assert csv_files.parse_numbers(b"\xef\xbb\xbfa,b,c\n", "x.csv", COLUMNS, header=True).shape == (0, 3)


# ---------------------------------------------------------------------------------------------- catalog


def test_importing_the_catalog_loads_nothing_heavy():
    heavy = ("torch", "sklearn", "scipy.stats", "matplotlib", "pandas", "pooch", "requests")
    code = f"import sys, biotransfer.signals.datasets; print([m for m in {heavy} if m in sys.modules])"
    out = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert out.stdout.strip() == "[]"


@pytest.mark.parametrize("name", DATASETS)
def test_every_entry_says_what_a_study_has_to_know(name):
    entry = DATASETS[name]
    declared = ("modality", "subjects", "n_chans", "sfreq", "classes", "unit", "citation", "registered")
    assert all(entry.facts[fact] for fact in declared) == (name in REAL)


@pytest.mark.parametrize("name", REAL)
def test_a_card_tells_the_facts_of_the_entry(name):
    card = " ".join((ROOT / "data" / name / "README.md").read_text().split())
    facts = DATASETS[name].facts
    told = [facts["modality"], facts["license"], facts["origin"], facts["citation"], facts["unit"]]
    told += [f"{facts['size_mb']} MB"] if facts["size_mb"] else ["size | see the origin"]
    told += [f"{facts['sfreq']:g} Hz", f"({facts['n_chans']})", *facts["classes"]]
    told.append(f"{facts['subjects']} p")
    told += [f"mains | {facts['line_freq']:g} Hz"] if facts["line_freq"] else []
    assert [fact for fact in told if fact not in card] == []


@pytest.mark.parametrize("name", HERE)
def test_recordings_are_as_the_entry_declares(name, real_data):
    facts = DATASETS[name].facts
    recordings = load(name, real_data, subjects=FEW.get(name))
    for recording in recordings:
        assert recording.modality == facts["modality"]
        assert recording.sfreq == facts["sfreq"]
        assert len(recording.picks) == facts["n_chans"]
        assert recording.classes == facts["classes"]
        labels = {d for d in recording.raw.annotations.description if d != EDGE}
        assert labels <= set(facts["classes"])
        assert 1e-6 < recording.raw.get_data(picks=recording.picks).std() < 1e-3
    found = {d for r in recordings for d in r.raw.annotations.description} - {EDGE}
    assert found == set(facts["classes"])
    assert len({r.uid for r in recordings}) == len(recordings)


@pytest.mark.parametrize("name", HERE)
def test_every_file_is_used_or_says_why_not(name, real_data):
    recordings = load(name, real_data, subjects=FEW.get(name))
    files = {file.path: file for file in recordings.files}
    folder = real_data / name
    assert set(files) == {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()}
    used = {path for path, file in files.items() if file.used}
    named = {(a["extras"] or {}).get("source_file") for r in recordings for a in r.raw.annotations}
    assert used == (named - {None} or {r.source_file for r in recordings})
    assert {files[path].subject for path in used} == {r.subject for r in recordings}
    assert any(file.why == "its person, session or class was not asked for" for file in files.values()) == (
        name in FEW
    )


@pytest.mark.parametrize("name", HERE)
def test_choices_are_checked_and_keep_their_order(name, real_data):
    facts = DATASETS[name].facts
    last = list(facts["classes"])[::-1][:2]
    people = FEW.get(name)
    recordings = load(name, real_data, subjects=people, classes=last)
    assert all(r.classes == tuple(last) for r in recordings)
    assert {d for r in recordings for d in r.raw.annotations.description} - {EDGE} == set(last)
    assert people is None or list(dict.fromkeys(r.subject for r in recordings)) == people
    with pytest.raises(BiotransferError, match="is not there"):
        load(name, real_data, classes=["somersault"])
    with pytest.raises(BiotransferError, match="is not there"):
        load(name, real_data, subjects=["nobody"])
    with pytest.raises(BiotransferError, match="is not there"):
        load(name, real_data, sessions=["never"])
    with pytest.raises(BiotransferError, match=r"has no parameter 'subject'\. Did you mean 'subjects'"):
        load(name, real_data, subject=["a"])


def test_choosing():
    assert choose("subjects of 'x'", None, ["S10", "S2"]) == ["S2", "S10"]
    assert choose("subjects of 'x'", [2, "1"], ["1", "2"]) == ["2", "1"]
    with pytest.raises(BiotransferError, match=r"subjects='1' is no list of names. Write subjects: \[1\]"):
        choose("subjects of 'x'", "1", ["1"])
    with pytest.raises(BiotransferError, match="no list of names"):
        choose("subjects of 'x'", [], ["1"])
    with pytest.raises(BiotransferError, match="names one twice"):
        choose("subjects of 'x'", ["1", 1], ["1"])


# ---------------------------------------------------------------------------------------------- Muse


@pytest.fixture(scope="module")
def muse_recordings(real_data):
    return {r.source_file: r for r in load(muse.NAME, real_data)}


def test_muse_volts_and_time_stamps_are_those_of_the_file(muse_recordings, real_data):
    for name in ("subjecta-relaxed-1.csv", "subjectb-relaxed-2.csv"):
        table = np.genfromtxt(real_data / muse.NAME / name, delimiter=",", names=True)
        recording = muse_recordings[name]
        np.testing.assert_array_equal(recording.timestamps, table["timestamps"])
        microvolts = recording.raw.get_data() * 1e6
        expected = np.array([table[name] for name in ("TP9", "AF7", "AF8", "TP10")])
        np.testing.assert_allclose(microvolts, expected, rtol=3e-16, atol=0)
        assert (microvolts == expected).mean() > 0.9


def test_muse_people_runs_and_electrodes(muse_recordings):
    recordings = list(muse_recordings.values())
    assert len(recordings) == 24
    assert Counter(r.subject for r in recordings) == dict.fromkeys("abcd", 6)
    assert muse_recordings["subjectd-neutral-2.csv"].uid == "muse-mental-state/sub-d/ses-1/run-neutral-2"
    places = recordings[0].raw.get_montage().get_positions()["ch_pos"]
    assert list(places) == ["TP9", "AF7", "AF8", "TP10"]
    assert places["TP9"][0] < 0 < places["TP10"][0]
    assert places["AF7"][1] > 0 > places["TP9"][1]


def test_the_near_copy_is_left_out_and_named(muse_recordings, real_data):
    assert "name-concentrating-1.csv" not in muse_recordings
    notes = muse_recordings["subjecta-concentrating-1.csv"].notes
    assert any("'name-concentrating-1.csv' repeats 99.95%" in note for note in notes)
    files = [real_data / muse.NAME / f"{who}-concentrating-1.csv" for who in ("name", "subjecta")]
    assert files[0].read_bytes() != files[1].read_bytes()
    a, b = (read_muse_csv(file).raw.get_data() for file in files)
    assert (a != b).any(axis=0).sum() == 7
    assert identical_share(a, b) == 1 - 7 / a.shape[1]
    with pytest.raises(BiotransferError, match="'name' is not there"):
        load(muse.NAME, real_data, subjects=["name"])
    (alone,) = load(muse.NAME, real_data, subjects=["d"], classes=["neutral"])[:1]
    assert alone.source_file == "subjectd-neutral-1.csv"


def test_gaps_end_the_label_and_no_window_crosses_one(muse_recordings):
    recording = muse_recordings["subjectb-relaxed-2.csv"]
    assert recording.notes[0].startswith(
        "'subjectb-relaxed-2.csv' has 9 gap(s) in its time stamps: 8.7 s after 4.4 s, 700.0 s after 8.8 s"
    )
    steps = np.diff(recording.timestamps)
    after = np.flatnonzero(steps > 0.1) + 1
    assert len(after) == 9
    assert np.sort(steps)[-10] < 0.006
    assert steps.max() == pytest.approx(700.028, abs=1e-3)
    stretches, edges = spans(recording, "relaxed"), spans(recording, EDGE)
    assert np.allclose([onset for onset, _ in edges], after / 256.0)
    assert np.allclose([onset for onset, _ in stretches], np.r_[0, after] / 256.0)
    assert sum(duration for _, duration in stretches) == pytest.approx(len(recording.timestamps) / 256.0)
    windows = cut_windows(
        [from_raws({"b": recording.raw}, modality="eeg", classes=["relaxed"])[0]], length=1.0, step=0.25
    )
    for begin in (windows.metadata["start"] * 256).round().astype(int):
        assert np.diff(recording.timestamps[begin : begin + 256]).max() < 0.1
    assert len(windows) > 100


def test_short_files_and_rails_are_named(muse_recordings):
    short = {name: note for name, r in muse_recordings.items() for note in r.notes if "instead of" in note}
    assert set(short) == {
        f"subject{x}.csv"
        for x in ("a-concentrating-2", "b-concentrating-1", "b-concentrating-2", "b-relaxed-2", "c-neutral-2",
                  "d-concentrating-1", "d-concentrating-2")
    }  # fmt: skip
    assert "holds 3.5 s" in short["subjectd-concentrating-2.csv"]
    assert "holds 9.1 s" in short["subjectc-neutral-2.csv"]
    rails = {name for name, r in muse_recordings.items() for note in r.notes if "AF8 sits at" in note}
    assert len(rails) == 8
    assert any("in 0.74% of" in note for note in muse_recordings["subjectc-neutral-1.csv"].notes)


def muse_lines(n=600, rate=256.0):
    rng = np.random.default_rng(0)
    values = rng.normal(0, 20, (n, 5)).round(3)
    times = 1533059192.5 + np.arange(n) / rate
    lines = [f"{t:.3f}," + ",".join(map(str, row)) for t, row in zip(times, values, strict=True)]
    return ["timestamps,TP9,AF7,AF8,TP10,Right AUX", *lines]


def muse_file(tmp_path, lines, name="subjectx-relaxed-1.csv"):
    path = tmp_path / name
    path.write_text("\n".join(lines))
    return path


def test_a_muse_file_of_ones_own(tmp_path):
    recording = read_muse_csv(muse_file(tmp_path, muse_lines()))
    assert (recording.subject, recording.run, recording.raw.n_times) == ("x", "relaxed-1", 600)
    folder = load_dataset(muse.NAME, data_dir=_with_registered(tmp_path), download=False)
    assert [r.subject for r in folder] == ["a", "x"]


def _with_registered(folder):
    muse_file(folder, muse_lines(700), "subjecta-neutral-1.csv")
    lines = muse_lines(700)
    lines[5:] = [f"{line.split(',')[0]},1.0,2.0,{i}.0,4.0,5.0" for i, line in enumerate(lines[5:])]
    return muse_file(folder, lines, "subjecta-neutral-1.csv").parent


def test_bad_muse_files_are_refused(tmp_path):
    good = muse_lines()
    swapped = [good[0], *good[1:100], good[200], *good[100:200]]
    broken = {
        "does not say subject and state": muse_file(tmp_path, good, "mind.csv"),
        "time runs backwards at line 102": muse_file(tmp_path, swapped),
        r"time stamps run at 128\.0 Hz": muse_file(tmp_path, muse_lines(rate=128.0), "a-relaxed-1.csv"),
        "has 0 rows": muse_file(tmp_path, good[:1], "b-relaxed-1.csv"),
        "Expected the header": muse_file(tmp_path, ["t,TP9,AF7,AF8,TP10"], "c-relaxed-1.csv"),
        "line 3, column 'AF8'": muse_file(tmp_path, [*good[:2], "1,2,3,x,5,6"], "d-relaxed-1.csv"),
        "column 'TP9'": muse_file(tmp_path, [*good[:2], "1,nan,3,4,5,6"], "e-relaxed-1.csv"),
        "has 5 columns in line 3": muse_file(tmp_path, [*good[:2], "1,2,3,4,5"], "f-relaxed-1.csv"),
        "is empty": muse_file(tmp_path, [""], "g-relaxed-1.csv"),
        "cannot be read": tmp_path / "h-relaxed-1.csv",
    }
    for message, path in broken.items():
        with pytest.raises(BiotransferError, match=message) as caught:
            read_muse_csv(path)
        assert str(path) in str(caught.value)


# ---------------------------------------------------------------------------------------------- Myo armband


def test_myodisco_joins_its_files_in_order(real_data):
    (recording,) = load("myodisco", real_data, subjects=["S3"], sessions=["position2"])
    labels = [a for a in recording.raw.annotations if a["description"] != EDGE]
    files = [a["extras"]["source_file"] for a in labels]
    assert len(files) == len(set(files)) == 50
    assert files[:11:10] == ["S3/positions/2/R_0_C_0_EMG.csv", "S3/positions/2/R_1_C_0_EMG.csv"]
    signal = recording.raw.get_data()
    assert signal.shape[0] == 8
    position = 0
    for item in labels:
        file = item["extras"]["source_file"]
        counts = np.loadtxt(real_data / "myodisco" / file, delimiter=",")
        assert round(item["onset"] * 200) == position
        assert round(item["duration"] * 200) == len(counts)
        np.testing.assert_allclose(signal[:, position : position + len(counts)], counts.T * 1e-6, rtol=1e-15)
        number = int(re.search(r"C_(\d+)", file)[1])
        assert item["description"] == libemg.MYODISCO_CLASSES[number]
        assert item["extras"]["run"] == f"{item['description']}-R{re.search(r'R_([0-9]+)', file)[1]}"
        position += len(counts)
    edges = [round(onset * 200) for onset, _ in spans(recording, EDGE)]
    assert edges == [round(a["onset"] * 200) for a in labels[1:]]


def test_myodisco_names_agree_with_every_metadata_that_fits_its_files(real_data):
    for path in sorted((real_data / "myodisco").glob("S*/**/metadata.json")):
        content = json.loads(path.read_text())
        names = {v["class_idx"]: v["class_name"] for v in content.values() if isinstance(v, dict)}
        if "S4/day1" not in path.as_posix():
            assert tuple(names[i] for i in range(10)) == libemg.MYODISCO_CLASSES


def test_the_renumbered_session_is_labelled_by_what_was_done(real_data):
    (recording,) = load("myodisco", real_data, subjects=["S4"])
    assert any("lists 11 classes (single_tap too) for 10" in note for note in recording.notes)
    data = recording.raw.get_data()
    loudest = {
        label: np.median(
            [data[:, round(t * 200) : round((t + d) * 200)].std() for t, d in spans(recording, label)]
        )
        for label in libemg.MYODISCO_CLASSES
    }
    assert min(loudest, key=loudest.get) == "z_rest"
    assert loudest["z_rest"] < 0.5 * min(loudest["snap"], loudest["thumbs_up"])


def test_a_session_without_metadata_and_a_file_present_twice(real_data):
    (recording,) = load("myodisco", real_data, subjects=["S1"], sessions=["day2"], classes=["flexion"])
    assert any("'S1/day2' has no metadata.json" in note for note in recording.notes)
    first, second = load(
        "myodisco", real_data, subjects=["S7"], sessions=["day1", "day2"], classes=["hand_open"]
    )
    expected = "'S7/day2/R_9_C_5_EMG.csv' is identical to 'S7/day1/R_9_C_5_EMG.csv' and is left out."
    assert expected in second.notes
    assert len(spans(first, "hand_open")) == 20
    assert len(spans(second, "hand_open")) == 19


@pytest.mark.slow
def test_all_of_myodisco(real_data):
    recordings = load("myodisco", real_data, sessions=list(libemg.SESSIONS))
    assert len(recordings) == 14 * 6
    labelled = [r.raw.annotations.description != EDGE for r in recordings]
    assert sum(rows.sum() for rows in labelled) == 8400 - 1
    short = [re.search(r": (\d+) of \d+ files have fewer than 400", n) for r in recordings for n in r.notes]
    assert sum(int(match[1]) for match in short if match) == 319
    assert (
        min(r.raw.annotations.duration[rows].min() for r, rows in zip(recordings, labelled, strict=True))
        == 1.76
    )


def myo_file(folder, name, rows=420, seed=0, text=None):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    counts = np.random.default_rng(seed).integers(-60, 60, (rows, 8))
    path.write_text(text or "".join(",".join(map(str, row)) + "\r\n" for row in counts))
    return path


def myodisco_folder(tmp_path, **files):
    folder = tmp_path / "myodisco"
    for i in range(4):
        myo_file(folder, f"S1/day1/R_{i // 2}_C_{i % 2}_EMG.csv", seed=i)
    for name, text in files.items():
        myo_file(folder, f"S1/day1/{name}_EMG.csv", text=text)
    return folder


def test_a_single_line_is_left_out_and_named(tmp_path):
    folder = myodisco_folder(tmp_path, R_0_C_1="1,2,3,4,5,6,7,8\r\n")
    (recording,) = load_dataset("myodisco", data_dir=folder, download=False)
    assert "'S1/day1/R_0_C_1_EMG.csv' holds a single line and is left out." in recording.notes
    assert len(spans(recording, "extension")) == 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7\n", r"R_0_C_1_EMG\.csv' has 7 columns in line 2"),
        ("1,2,3,4,5,6,7,8\n1,2,3,4,5,6,7,x\n", "holds 'x' in line 2, column 'EMG8'"),
        ("1,2,3,4,5,6,7,8\n1,NaN,3,4,5,6,7,8\n", "holds 'NaN' in line 2, column 'EMG2'"),
        ("1,2,3,4,5,6,7,8\n1,2,300,4,5,6,7,8\n", "holds 300 in line 2, column 'EMG3'.*from -128 to 127"),
        ("1,2,3,4,5,6,7,8\n1,2,3.5,4,5,6,7,8\n", r"holds 3\.5 in line 2, column 'EMG3'"),
        ("\n", "is empty"),
    ],
)
def test_bad_myo_files_are_refused(tmp_path, text, message):
    folder = myodisco_folder(tmp_path, R_0_C_1=text)
    with pytest.raises(BiotransferError, match=message):
        load_dataset("myodisco", data_dir=folder, download=False)


def test_metadata_that_fits_its_files_names_the_classes(tmp_path):
    folder = myodisco_folder(tmp_path)
    rows = {
        f"x/R_0_C_{i}_EMG.csv": {"class_idx": i, "class_name": n} for i, n in enumerate(["snap", "point"])
    }
    path = folder / "S1/day1/metadata.json"
    path.write_text(json.dumps({"gifs": False, **rows}))
    (recording,) = load_dataset("myodisco", data_dir=folder, download=False)
    assert set(recording.raw.annotations.description) == {"snap", "point", EDGE}
    path.write_text("{not json")
    with pytest.raises(BiotransferError, match=r"metadata\.json' is no metadata of LibEMG"):
        load_dataset("myodisco", data_dir=folder, download=False)
    path.unlink()
    myo_file(folder, "S1/day1/R_0_C_12_EMG.csv")
    with pytest.raises(BiotransferError, match=r"files of class \[12\] that nothing names"):
        load_dataset("myodisco", data_dir=folder, download=False)


def test_missing_parts_of_myodisco_are_named(tmp_path):
    folder = myodisco_folder(tmp_path)
    with pytest.raises(BiotransferError, match=r"S1/day2' is not there. Type: biotransfer fetch myodisco"):
        load_dataset("myodisco", data_dir=folder, download=False, sessions=["day2"])
    with pytest.raises(BiotransferError, match="holds none of snap"):
        load_dataset("myodisco", data_dir=folder, download=False, classes=["snap"])


def test_one_subject_myo_does_not_swap_its_classes(real_data, tmp_path):
    recordings = load("one-subject-myo", real_data)
    assert [r.run for r in recordings] == [f"trial_{i}" for i in range(1, 7)]
    for recording in recordings:
        content = json.loads((real_data / "one-subject-myo" / recording.run / "metadata.json").read_text())
        names = {k.split("/")[-1]: v["class_name"] for k, v in content.items() if isinstance(v, dict)}
        labels = [a for a in recording.raw.annotations if a["description"] != EDGE]
        assert len(labels) == 10
        for item in labels:
            assert item["description"] == names[item["extras"]["source_file"].split("/")[-1]]
            assert item["extras"]["run"] == recording.run
        (third,) = [a for a in labels if a["extras"]["source_file"].endswith("R_1_C_3.csv")]
        assert third["description"] == "Wrist_Extension"
    swapped = tmp_path / "one-subject-myo"
    shutil.copytree(
        real_data / "one-subject-myo" / "trial_1", swapped / "trial_1", copy_function=shutil.copyfile
    )
    swapped.chmod(0o755)
    (swapped / "trial_1").chmod(0o755)
    path = swapped / "trial_1" / "metadata.json"
    other = {"Wrist_Extension": "Wrist_Flexion", "Wrist_Flexion": "Wrist_Extension"}
    path.write_text(re.sub("|".join(other), lambda match: other[match[0]], path.read_text()))
    (recording,) = load_dataset("one-subject-myo", data_dir=swapped, download=False)
    assert any("unlike the rest of the data set" in note for note in recording.notes)
    files = {a["extras"]["source_file"]: a["description"] for a in recording.raw.annotations if a["extras"]}
    assert files["trial_1/R_0_C_3.csv"] == "Wrist_Flexion"


# ---------------------------------------------------------------------------------------------- arithmetic


def read_edf(path):
    """Decode an EDF file by its specification: labels and physical values, shape (n_signals, n_samples)."""
    raw = path.read_bytes()
    n_records, n = int(raw[236:244]), int(raw[252:256])

    def fields(offset, width):
        begin = 256 + offset * n
        return [raw[begin + i * width : begin + (i + 1) * width].decode().strip() for i in range(n)]

    labels, sizes = fields(0, 16), [int(x) for x in fields(216, 8)]
    p_min, p_max, d_min, d_max = ([float(x) for x in fields(o, 8)] for o in (104, 112, 120, 128))
    records = np.frombuffer(raw[256 * (n + 1) :], "<i2").reshape(n_records, sum(sizes))
    out, position = {}, 0
    for i, label in enumerate(labels):
        digital = records[:, position : position + sizes[i]].ravel()
        gain = (p_max[i] - p_min[i]) / (d_max[i] - d_min[i])
        out[label] = (digital - d_min[i]) * gain + p_min[i]
        position += sizes[i]
    return out


def test_mental_arithmetic_is_the_edf_file_in_volts(real_data):
    rest, task = load("mental-arithmetic", real_data, subjects=["02"])
    for recording, number in ((rest, 1), (task, 2)):
        raw = recording.raw
        assert raw.ch_names == [*arithmetic.CHANNELS, "A2-A1", "ECG"]
        assert raw.get_channel_types() == ["eeg"] * 19 + ["misc", "ecg"]
        assert recording.ch_names == list(arithmetic.CHANNELS)
        assert np.isfinite([ch["loc"][:3] for ch in raw.info["chs"][:19]]).all()
        signals = read_edf(real_data / "mental-arithmetic" / f"Subject02_{number}.edf")
        for name in ("Fp1", "T3", "Pz"):
            expected = signals[f"EEG {name}"][: raw.n_times] * 1e-6
            np.testing.assert_allclose(raw.get_data(picks=[name])[0], expected, atol=1e-12)
    assert (rest.run, task.run) == ("rest", "arithmetic")
    assert spans(rest, "rest") == [(0.0, rest.raw.n_times / 500)]
    assert cut_windows([rest, task]).counts().to_numpy().tolist() == [[359, 119]]


def test_the_padding_at_the_end_is_cut_off(real_data):
    (recording,) = load("mental-arithmetic", real_data, subjects=["00"], classes=["arithmetic"])
    whole = mne.io.read_raw_edf(
        real_data / "mental-arithmetic" / "Subject00_2.edf", preload=True, verbose="error"
    )
    cut = whole.get_data()[:19, recording.raw.n_times :]
    assert cut.shape[1] / 500 == pytest.approx(1.988, abs=0.005)
    assert max(len(np.unique(channel)) for channel in cut) <= 2
    assert recording.notes == ("'Subject00_2.edf' ends with 1.99 s in which no electrode moves: cut off.",)
    kept = recording.raw.get_data(picks="eeg")
    assert (np.diff(kept[:, -50:]) != 0).any(axis=0).all()


def test_padding_is_only_sought_at_the_end():
    data = np.random.default_rng(0).normal(size=(2, 4000))
    data[:, 1000:1500] = 1.0
    assert arithmetic._padding_start(data) == 4000
    data[0, 3000:] = 5.0
    assert arithmetic._padding_start(data) == 4000
    data[:, 3000:3400] = 5.0
    data[:, 3400:] = 0.0
    assert arithmetic._padding_start(data) == 3000
    assert arithmetic._padding_start(np.zeros((2, 4000))) == 0


def test_all_people_that_are_there_load(real_data, tmp_path):
    folder = tmp_path / "mental-arithmetic"
    folder.mkdir()
    for name, copy in (("Subject05_2.edf", "Subject30_2.edf"), ("Subject01_2.edf", "Subject01_2.edf")):
        shutil.copyfile(real_data / "mental-arithmetic" / name, folder / copy)
    (folder / "Subject01_2.edf.bak").touch()
    loaded = load_dataset("mental-arithmetic", data_dir=folder, download=False)
    assert [(r.subject, r.run) for r in loaded] == [("01", "arithmetic"), ("30", "arithmetic")]
    assert [f.path for f in loaded.files if not f.used] == ["Subject01_2.edf.bak"]


def test_bad_edf_files_are_refused(real_data, tmp_path):
    folder = tmp_path / "mental-arithmetic"
    folder.mkdir()
    content = (real_data / "mental-arithmetic" / "Subject01_2.edf").read_bytes()
    path = folder / "Subject01_2.edf"
    damaged = content[:236] + b"many    " + content[244:]
    other = content.replace(b"EEG Cz ", b"EEG Qz ", 1)
    for bad, message in (
        (b"", "is empty"),
        (b"timestamps,TP9\n" * 100, "does not begin like an EDF file"),
        (content[:100], "does not begin like an EDF file"),
        (content[: len(content) // 2], r"is broken off: 657478 bytes of the 1314956"),
        (damaged, "damaged EDF header"),
        (other, "lacks the channel EEG Cz"),
    ):
        path.write_bytes(bad)
        with pytest.raises(BiotransferError, match=message) as caught:
            load_dataset("mental-arithmetic", data_dir=folder, download=False)
        assert str(path) in str(caught.value)


# ---------------------------------------------------------------------------------------------- Cote-Allard


def test_cote_allard_is_the_frames_of_its_files(real_data):
    (recording,) = load("cote-allard", real_data, subjects=["Male10"])
    labels = [a for a in recording.raw.annotations if a["description"] != EDGE]
    assert [a["extras"]["source_file"].rpartition("_")[2] for a in labels] == [f"{i}.dat" for i in range(28)]
    signal = recording.raw.get_data()
    for number, item in enumerate(labels):
        content = (real_data / "cote-allard" / item["extras"]["source_file"]).read_bytes()
        values = struct.unpack(f"<{len(content) // 2}h", content)
        begin, n = round(item["onset"] * 200), len(values) // 8
        for channel in (0, 7):
            np.testing.assert_allclose(
                signal[channel, begin : begin + n], 1e-6 * np.array(values[channel::8]), rtol=1e-12
            )
        assert item["description"] == cote_allard.CLASSES[number % 7]
        assert item["extras"]["run"] == f"{cote_allard.CLASSES[number % 7]}-R{number // 7}"
    data = {a["description"]: [] for a in labels}
    for a in labels:
        data[a["description"]].append(signal[:, round(a["onset"] * 200) :][:, :800].std())
    assert max(data["neutral"]) < min(min(rms) for gesture, rms in data.items() if gesture != "neutral")


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "has 0 bytes"),
        (b"\x01\x00" * 12, "has 24 bytes. Expected one or more frames of 16 bytes"),
        (b"\x01\x00" * 15 + b"\x80\x00", "holds 128 in frame 2, column 'EMG8'"),
    ],
)
def test_bad_frames_are_refused(tmp_path, content, message):
    path = tmp_path / "cote-allard/PreTrainingDataset/Male0/training0/classe_3.dat"
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    with pytest.raises(BiotransferError, match=message):
        load_dataset("cote-allard", data_dir=tmp_path, download=False)


def test_one_person_of_cote_allard_lacks_samples_and_her_notch(real_data):
    def at_50(recording):
        data = recording.raw.get_data()[:, :800]  # neutral, the first file
        frequency, power = welch(data, 200, nperseg=200, axis=1)
        near = (np.abs(frequency - 50) > 2) & (np.abs(frequency - 50) < 8)
        return np.median(power[:, frequency == 50].mean(axis=1) / power[:, near].mean(axis=1))

    recordings = load("cote-allard", real_data)
    seconds = {r.subject: r.raw.n_times / 200 for r in recordings}
    assert seconds.pop("Female2") == pytest.approx(117.6, abs=0.1)
    assert min(seconds.values()) > 138
    depth = {r.subject: at_50(r) for r in recordings}
    assert depth.pop("Female2") > 0.4
    assert max(depth.values()) < 0.4


# ---------------------------------------------------------------------------------------------- myo-readings


def readings_file(folder, number, lines, who="10000-1"):
    path = folder / "myo-readings/_readings_right_hand" / who / f"{number}.txt"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes("\r\n".join(lines).encode())
    return path


def readings_lines(codes, seed=0):
    counts = np.random.default_rng(seed).integers(-60, 60, (len(codes), 8))
    return [",".join(map(str, [*row, code])) for row, code in zip(counts, codes, strict=True)]


def of_readings(folder, **params):
    return load_dataset("myo-readings", data_dir=folder, download=False, **params)


CODES = [0] * 1000 + [3] * 1000 + [0] * 1000 + [3] * 1000


def test_labels_of_a_clock_settle_first(tmp_path):
    readings_file(tmp_path, 3, readings_lines(CODES))
    for settle in (0.0, 1.0, 2.5):
        (recording,) = of_readings(tmp_path, classes=["radial_deviation"], settle=settle)
        assert spans(recording, "radial_deviation") == [
            (5.0 + settle, 5.0 - settle),
            (15.0 + settle, 5.0 - settle),
        ]
        runs = [a["extras"]["run"] for a in recording.raw.annotations]
        assert runs == ["radial_deviation-F3-R0", "radial_deviation-F3-R1"]
    (recording,) = of_readings(tmp_path)
    assert spans(recording, "hibernation") == [(0.0, 5.0), (11.0, 4.0)]
    with pytest.raises(BiotransferError, match=r"settle=5\. Expected seconds from 0 to less than 5"):
        of_readings(tmp_path, settle=5)


@pytest.mark.parametrize(
    "bad",
    [
        "1,2,3",
        "1,2,3,4,5,6,7,8,03,1,2",
        "1,2,3,4,5,6,7,200,3",
        "a,2,3,4,5,6,7,8,3",
        "1,2,3,4,5,6,7,8,9",
        "1.5,2,3,4,5,6,7,8,3",
    ],
)
def test_a_malformed_line_is_named_and_leaves_a_boundary(tmp_path, bad):
    lines = readings_lines(CODES)
    readings_file(tmp_path, 3, [*lines[:1500], bad, bad, *lines[1500:]])
    (recording,) = of_readings(tmp_path)
    assert "is malformed in line 1501, 1502 (" in recording.notes[0]
    assert [onset for onset, _ in spans(recording, EDGE)] == [7.5]
    assert spans(recording, "radial_deviation") == [(6.0, 1.5), (7.5, 2.5), (16.0, 4.0)]
    whole = np.array([line.split(",")[:8] for line in lines], float).T * 1e-6
    np.testing.assert_allclose(recording.raw.get_data(), whole, rtol=1e-12)


def test_lines_written_twice_are_left_out_once(tmp_path):
    lines = readings_lines(CODES)
    readings_file(tmp_path, 3, [line for i, line in enumerate(lines) for line in [line] * (1 + (i % 4 == 0))])
    (recording,) = of_readings(tmp_path)
    assert recording.raw.n_times == len(lines)
    assert "repeats the line before in 20.0% of its lines" in recording.notes[0]
    readings_file(tmp_path, 3, [lines[0], *lines])
    assert of_readings(tmp_path)[0].raw.n_times == len(lines) + 1


def test_a_file_whose_class_is_not_that_of_its_name_is_left_out(tmp_path):
    readings_file(tmp_path, 3, readings_lines(CODES))
    readings_file(tmp_path, 1, readings_lines([0] * 1000 + [2] * 750))
    loaded = of_readings(tmp_path)
    (left_out,) = [file for file in loaded.files if not file.used]
    assert left_out.path.endswith("10000-1/1.txt")
    assert left_out.why == "it carries class 2 in 750 lines, its name says 1"
    assert any("1.txt': it carries class 2" in note for note in loaded[0].notes)


def test_what_is_wrong_with_myo_readings_is_noticed(real_data):
    loaded = load("myo-readings", real_data, subjects=["19999", "64917", "69069"])
    notes = " ".join(note for recording in loaded for note in recording.notes)
    assert "19999-2/2.txt' is malformed in line 12322 (" in notes
    assert "64917-1/2.txt' is malformed in line 1032, 1033 (" in notes
    assert "64917-2/1.txt' is malformed in line 1998 (" in notes
    (left_out,) = [f for f in loaded.files if f.subject == "69069" and not f.used]
    assert left_out.path.endswith("69069-1/3.txt")
    assert left_out.why == "it carries class 2 in 7500 lines, its name says 3"
    assert notes.count("repeats the line before in 20.") == 9


# ---------------------------------------------------------------------------------------------- simulated


def test_the_simulated_set_is_what_the_simulators_give():
    options = {"seconds_per_class": 4.0, "n_runs": 2}
    eeg = load_dataset("simulated", modality="eeg", n_subjects=2, classes=["a", "b"], seed=3, options=options)
    direct = simulate_eeg(n_subjects=2, classes=["a", "b"], seed=3, **options)
    assert [r.uid for r in eeg] == [r.uid for r in direct]
    for ours, theirs in zip(eeg, direct, strict=True):
        np.testing.assert_array_equal(ours.raw.get_data(), theirs.raw.get_data())
    emg = load_dataset("simulated", modality="emg", n_subjects=1, options={"n_repetitions": 1})
    assert len(emg[0].classes) == 4
    with pytest.raises(BiotransferError, match="needs modality"):
        load_dataset("simulated")
    with pytest.raises(BiotransferError, match=r"'n_run' is unknown\. Did you mean 'n_runs'"):
        load_dataset("simulated", modality="eeg", options={"n_run": 2})
    with pytest.raises(BiotransferError, match=r"options=.* is a list\. Expected: a mapping"):
        load_dataset("simulated", modality="emg", options=["seconds"])


# ---------------------------------------------------------------------------------------------- one's own


def own_raw(n=2000, kinds=("emg", "emg"), label="fist", seed=0):
    data = np.random.default_rng(seed).normal(0, 2e-5, (len(kinds), n))
    raw = mne.io.RawArray(data, mne.create_info(len(kinds), 200.0, list(kinds)), verbose="error")
    return raw.set_annotations(mne.Annotations([0.0], [n / 200.0], [label]))


def test_raws_become_recordings_unchanged():
    raws = {"P2": own_raw(), "P1": own_raw(seed=1, kinds=("emg", "eeg"))}
    recordings = from_raws(raws, modality="emg", classes=["rest", "fist"], dataset="lab")
    assert [r.uid for r in recordings] == ["lab/sub-P2/ses-1/run-1", "lab/sub-P1/ses-1/run-1"]
    assert all(r.raw is raw for r, raw in zip(recordings, raws.values(), strict=True))
    assert [len(r.picks) for r in recordings] == [2, 1]
    again = from_raws(list(raws.values()), modality="emg", classes=["fist"], subjects=["P", "P"])
    assert [r.run for r in again] == ["1", "2"]
    unlabelled = from_raws({"P": own_raw().set_annotations(None)}, modality="emg", classes=["fist"])
    assert len(unlabelled[0].raw.annotations) == 0


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"raws": []}, r"raws=\[\] is empty"),
        ({"subjects": None}, "subjects is missing"),
        ({"subjects": ["P"]}, "subjects has 1 entries for 2 signals"),
        ({"classes": ["fists"]}, "none is an annotation of .*Did you mean 'fist'"),
        ({"classes": "fist"}, "classes='fist' is no list"),
        ({"classes": ["fist", "fist"]}, "names one twice"),
        ({"runs": ["1", "1"]}, "names more than one recording"),
        ({"modality": "ecg"}, "modality='ecg' is unknown"),
        ({"modality": "eeg"}, "has no good eeg channel"),
        ({"raws": [np.zeros((2, 9)), own_raw()]}, "raws is a list of ndarray. Expected BaseRaw"),
    ],
)
def test_raws_that_cannot_be_used(change, message):
    options = {"raws": [own_raw(), own_raw(seed=1)], "subjects": ["P", "P"], "modality": "emg",
               "classes": ["fist"]} | change  # fmt: skip
    with pytest.raises(BiotransferError, match=message):
        from_raws(options.pop("raws"), **options)


def test_a_raw_in_the_wrong_unit_is_refused():
    raw = own_raw()
    raw.apply_function(lambda x: x * 1e6, picks="all")
    with pytest.raises(BiotransferError, match="the unit is wrong"):
        from_raws({"P": raw}, modality="emg", classes=["fist"])


def test_arrays_become_volts_with_borders_between_trials():
    X = np.random.default_rng(0).normal(0, 30, (6, 3, 400))
    labels = ["rest", "fist", "rest", "fist", "rest", "fist"]
    one, two = from_arrays(
        X, labels, sfreq=200.0, unit="uV", modality="emg", subjects=["A", "A", "A", "A", "B", "B"]
    )
    assert (one.subject, two.subject, one.classes) == ("A", "B", ("fist", "rest"))
    np.testing.assert_allclose(one.raw.get_data(), np.concatenate(X[:4], axis=1) * 1e-6, rtol=1e-15)
    assert len(spans(one, EDGE)) == 3
    windows = cut_windows([one, two], length=1.0, step=0.5)
    assert len(windows) == 6 * 3
    assert windows.metadata["run"].nunique() == 6
    volts = from_arrays(list(X * 1e-6), labels, sfreq=200.0, unit="V", modality="emg", classes=["rest"])
    assert volts[0].raw.n_times == 1200
    with pytest.raises(TypeError, match="unit"):
        from_arrays(X, labels, sfreq=200.0, modality="emg")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"X": []}, r"X=\[\] is empty"),
        ({"X": [np.zeros((3, 9)), np.zeros((2, 9))]}, r"X\[1\] has the shape \(2, 9\)"),
        ({"X": np.zeros((2, 9))}, r"X\[0\] has the shape \(9,\)"),
        ({"unit": "microvolt"}, "unit='microvolt' is unknown"),
        ({"unit": "mV"}, "the unit is wrong"),
        ({"sfreq": 0}, r"sfreq=0\. Expected a number of Hz above 0"),
        ({"ch_names": ["a"]}, "ch_names has 1 names for 3 channels"),
        ({"labels": ["rest"]}, "labels has 1 entries for 2 signals"),
        ({"classes": ["rest", "fits"]}, "no trial is labelled 'fits'.*Did you mean 'fist'"),
        ({"X": np.full((2, 3, 400), np.nan)}, r"2400 NaN or infinite values, the first in channel 'EMG1'"),
    ],
)
def test_arrays_that_cannot_be_used(change, message):
    options = {"X": np.full((2, 3, 400), 5000.0), "labels": ["rest", "fist"], "sfreq": 200.0, "unit": "uV",
               "modality": "emg"} | change  # fmt: skip
    with pytest.raises(BiotransferError, match=message):
        from_arrays(options.pop("X"), options.pop("labels"), **options)


def test_a_folder_of_ones_own_files(tmp_path):
    (tmp_path / "sub-10").mkdir()
    own_raw(seed=1).save(tmp_path / "sub-10" / "sub-10_ses-a_task-grip_run-2_raw.fif", verbose="error")
    own_raw(seed=2).save(tmp_path / "sub-2_raw.fif", verbose="error")
    recordings = load_dataset("folder", path=str(tmp_path), modality="emg", classes=["fist"])
    assert [r.uid.split("/", 1)[1] for r in recordings] == ["sub-2/ses-1/run-1", "sub-10/ses-a/run-2"]
    assert recordings[0].dataset == tmp_path.name
    np.testing.assert_allclose(recordings[0].raw.get_data(), own_raw(seed=2).get_data(), rtol=1e-6)
    assert len(from_folder(tmp_path, modality="emg", classes=["fist"], subjects=["2"])) == 1
    with pytest.raises(BiotransferError, match=r"is not there.*Use some of: 2, 10"):
        from_folder(tmp_path, modality="emg", classes=["fist"], subjects=["3"])
    (tmp_path / "sub-3_raw.fif").write_bytes(b"no fif")
    with pytest.raises(BiotransferError, match=r"sub-3_raw\.fif' cannot be read as FIF"):
        from_folder(tmp_path, modality="emg", classes=["fist"])
    (tmp_path / "empty").mkdir()
    with pytest.raises(BiotransferError, match="holds no file like sub-XX"):
        from_folder(tmp_path / "empty", modality="emg", classes=["fist"])
    with pytest.raises(BiotransferError, match="is no folder"):
        from_folder(tmp_path / "none", modality="emg", classes=["fist"])
    with pytest.raises(BiotransferError, match="needs path, modality"):
        load_dataset("folder")
