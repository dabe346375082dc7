"""A folder is read whole: every file is used, or named with its reason; nothing doubles."""

import re
import shutil

import mne
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import data_files, from_folder, load_dataset
from biotransfer.signals.datasets.loaded import SeenFile
from biotransfer.signals.datasets.own.keys import Reading
from biotransfer.signals.recording import EDGE
from biotransfer.signals.windows import cut_windows
from tests.signals.own.files import counts, raw, repetitions, write_rows

NAMED = {"pattern": "{subject}/day{session}/R_{run}_C_{label}.csv", "modality": "emg", "unit": "uV",
         "sfreq": 200.0, "labels": {0: "rest", 1: "fist"}}  # fmt: skip
FIF = {"modality": "emg", "classes": ["rest", "fist"]}
RAWS = "{subject}.txt"


def why(loaded):
    return {seen.path: seen.why for seen in loaded.files if not seen.used}


def used(loaded):
    return [seen.path for seen in loaded.files if seen.used]


# ---------------------------------------------------------------------------------------------- names


def test_one_table_per_repetition_is_joined_with_borders(tmp_path):
    loaded = from_folder(repetitions(tmp_path, days=2), **NAMED)
    assert [r.uid.split("/", 1)[1] for r in loaded] == [
        f"sub-{who}/ses-{day}/run-1" for who in "ab" for day in (1, 2)
    ]
    assert loaded[0].classes == ("rest", "fist")
    expected = np.concatenate([counts(100 + run * 10 + label) for run in (0, 1) for label in (0, 1)])
    np.testing.assert_allclose(loaded[0].raw.get_data(), expected.T * 1e-6, rtol=1e-12)
    assert list(loaded[0].raw.annotations.description).count(EDGE) == 3
    windows = cut_windows(loaded, length=1.0, step=0.5)
    assert len(windows) == 2 * 2 * 4 * 4
    assert set(windows.metadata["source_file"]) == set(used(loaded))
    assert windows.metadata["run"].nunique() == 4


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    people=st.lists(st.sampled_from("abc"), min_size=1, unique=True),
    wanted=st.lists(st.sampled_from(["rest", "fist", "point"]), min_size=1, unique=True),
    stray=st.lists(st.sampled_from(["notes.md", "a/day1/R_0_C_9.csv", "a/R_0_C_0.csv"]), unique=True),
    twin=st.booleans(),
)
def test_every_file_is_used_or_named_with_its_reason(tmp_path_factory, people, wanted, stray, twin):
    folder = repetitions(tmp_path_factory.mktemp("own"), people="abc", classes=3)
    for name in stray:
        write_rows(folder / name, counts(len(name)))
    if twin:
        shutil.copyfile(folder / "b/day1/R_0_C_0.csv", folder / "c/day1/R_0_C_0.csv")
    keys = {**NAMED, "labels": {0: "rest", 1: "fist", 2: "point"}, "classes": wanted, "subjects": people}
    loaded = from_folder(folder, **keys)
    files = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()}
    assert [seen.path for seen in loaded.files] == sorted({s.path for s in loaded.files}, key=lambda p: [
        s.path for s in loaded.files].index(p))  # fmt: skip
    assert {seen.path for seen in loaded.files} == files
    numbers = {"rest": "0", "fist": "1", "point": "2"}
    expected = {
        f"{who}/day1/R_{run}_C_{numbers[label]}.csv" for who in people for run in (0, 1) for label in wanted
    }
    if twin and {"b", "c"} <= set(people):
        expected -= {"c/day1/R_0_C_0.csv"}
    assert set(used(loaded)) == expected
    windows = cut_windows(loaded, length=1.0, step=0.5)
    assert set(windows.metadata["source_file"]) == expected
    assert sum(r.raw.n_times for r in loaded) == 500 * len(expected)


def test_reasons_say_what_is_the_matter(tmp_path):
    folder = repetitions(tmp_path)
    write_rows(folder / "a/day1/R_5_C_7.csv", counts(1))
    write_rows(folder / "a/day1/R_6_C_0.csv", counts(2, n=1))
    shutil.copyfile(folder / "a/day1/R_0_C_0.csv", folder / "a/day1/R_7_C_0.csv")
    write_rows(folder / "readme.csv", counts(3))
    loaded = from_folder(folder, **{**NAMED, "classes": ["rest"], "subjects": ["a"]})
    reasons = why(loaded)
    assert "labels has no name for '7'" in reasons["a/day1/R_5_C_7.csv"]
    assert "a single sample" in reasons["a/day1/R_6_C_0.csv"]
    assert "its samples are those of a/day1/R_0_C_0.csv" in reasons["a/day1/R_7_C_0.csv"]
    assert "does not fit the pattern" in reasons["readme.csv"]
    assert "'fist' is not among classes" in reasons["a/day1/R_0_C_1.csv"]
    assert "subject b is not asked for" in reasons["b/day1/R_0_C_0.csv"]
    assert SeenFile("a/day1/R_0_C_0.csv", "a") in loaded.files


def test_a_number_in_a_name_stands_for_a_class_and_a_repetition(tmp_path):
    for number in range(6):
        (tmp_path / "p").mkdir(exist_ok=True)
        counts(number).astype("<i2").tofile(tmp_path / "p" / f"classe_{number}.dat")
    loaded = from_folder(
        tmp_path, pattern="{subject}/classe_{label}.dat", label_modulo=3, labels={0: "x", 1: "y", 2: "z"},
        modality="emg", dtype="int16", n_channels=4, unit="uV", sfreq=200.0,
    )  # fmt: skip
    (one,) = loaded
    assert [a["description"] for a in one.raw.annotations if a["description"] != EDGE] == [*"xyz"] * 2
    assert {a["extras"]["run"] for a in one.raw.annotations if a["extras"]} == {
        f"{c}-{i}" for c in "xyz" for i in (0, 1)
    }
    np.testing.assert_allclose(one.raw.get_data()[:, :500], counts(0).T * 1e-6, rtol=1e-12)


def test_files_that_are_not_joined_are_runs(tmp_path):
    loaded = from_folder(repetitions(tmp_path), **NAMED, join=False)
    assert [r.run for r in loaded if r.subject == "a"] == ["rest-0", "fist-0", "rest-1", "fist-1"]
    write_rows(tmp_path / "a" / "day1" / "x.csv", counts(9))
    with pytest.raises(BiotransferError, match="names more than one recording"):
        from_folder(tmp_path, **{**NAMED, "labels": None,
                                 "label_column": 1, "join": False,
                                 "pattern": r"(?P<subject>\w)/day(?P<run>1)/.*"})  # fmt: skip


def test_channels_of_joined_files_have_to_agree(tmp_path):
    folder = repetitions(tmp_path)
    write_rows(folder / "a/day1/R_9_C_1.csv", counts(5, n_chans=3))
    with pytest.raises(BiotransferError, match=r"R_9_C_1\.csv' has the channels EMG1, EMG2, EMG3"):
        from_folder(folder, **NAMED)


# ---------------------------------------------------------------------------------------------- columns


def session(folder, who, seed, blocks=((0, 300), (1, 500), (0, 200), (2, 500), (9, 100)), dead=()):
    """A tab-separated file with a time column in ms and a class for every sample, 0 between."""
    codes = np.concatenate([np.full(n, code) for code, n in blocks])
    times = np.arange(len(codes)) * 5.0
    for at in dead:
        times[at:] += 1000.0
    rows = np.column_stack([times, counts(seed, len(codes)), codes])
    return write_rows(folder / who / "1_raw.txt", rows, "\t", "time\tch1\tch2\tch3\tch4\tclass")


SESSIONS = {"pattern": "{subject}/{run}_raw.txt", "modality": "emg", "unit": "uV", "time_column": "time",
            "time_unit": "ms", "label_column": "class", "ignore": [0],
            "labels": {1: "fist", 2: "point"}}  # fmt: skip


def test_a_class_for_every_sample_and_a_time_in_milliseconds(tmp_path):
    for i, who in enumerate("ab"):
        session(tmp_path, who, i, dead=(400,) if who == "b" else ())
    loaded = from_folder(tmp_path, **SESSIONS)
    assert [r.sfreq for r in loaded] == [200.0, 200.0]
    assert loaded[0].ch_names == ["ch1", "ch2", "ch3", "ch4"]
    marks = [(a["description"], round(a["onset"] * 200), round(a["duration"] * 200))
             for a in loaded[0].raw.annotations]  # fmt: skip
    assert marks == [("fist", 300, 500), ("point", 1000, 500)]
    assert any("codes that labels does not name: 9 (100 times)" in note for note in loaded[0].notes)
    assert any("1 gap(s) in its time stamps: 1 s before sample 400" in note for note in loaded[1].notes)
    assert [round(a["onset"] * 200) for a in loaded[1].raw.annotations if a["description"] == EDGE] == [400]
    np.testing.assert_allclose(loaded[1].timestamps[[399, 400]], [1.995, 3.0])
    windows = cut_windows(loaded, length=1.0, step=0.5)
    assert len(windows) == 4 * 4 - 1


def test_malformed_lines_are_named_and_no_window_crosses_one(tmp_path):
    path = session(tmp_path, "a", 0)
    lines = path.read_text().splitlines()
    lines[601] = lines[601] + "\t" + lines[601]
    path.write_text("\n".join(lines))
    (one,) = from_folder(tmp_path, **{**SESSIONS, "time_column": None, "channels": "ch*", "sfreq": 200.0})
    assert any("line 602 (12 columns for 6) is malformed" in note for note in one.notes)
    assert one.raw.n_times == 1599
    assert [round(a["onset"] * 200) for a in one.raw.annotations if a["description"] == EDGE] == [600]


def test_a_name_that_the_samples_contradict_is_told(tmp_path):
    for i, who in enumerate("ab"):
        path = session(tmp_path, who, i, blocks=((0, 200), (1 + i, 300)))
        path.rename(path.with_name("C1.txt"))
    loaded = from_folder(tmp_path, **{**SESSIONS, "pattern": "{subject}/C{label}.txt"})
    assert [bool(re.search("named for fist, but", " ".join(r.notes))) for r in loaded] == [False, True]
    assert set(loaded[1].raw.annotations.description) == {"point"}


def test_a_column_of_markers_needs_their_length(tmp_path):
    rows = np.column_stack([np.arange(2000) / 256.0, counts(0, 2000), np.zeros(2000)])
    rows[[256, 1024], -1] = [1, 2]
    write_rows(tmp_path / "a.csv", rows, header="timestamps,TP9,AF7,AF8,TP10,Marker0", fmt="%.6f")
    keys = {"pattern": "{subject}.csv", "modality": "eeg", "unit": "uV", "time_column": "timestamps",
            "label_column": "Marker0", "ignore": [0], "labels": {1: "left", 2: "right"}}  # fmt: skip
    (one,) = from_folder(tmp_path, **keys, tmin=0.5, tmax=2.5)
    marks = [(a["description"], round(a["onset"] * 256), round(a["duration"] * 256))
             for a in one.raw.annotations]  # fmt: skip
    assert marks == [("left", 384, 512), ("right", 1152, 512)]
    (one,) = from_folder(tmp_path, **keys, tmax="next")
    assert [round(a["duration"] * 256) for a in one.raw.annotations] == [768, 976]
    assert one.sfreq == 256.0


# ---------------------------------------------------------------------------------------------- tables


def test_a_table_for_all_files_and_one_for_each(tmp_path):
    for i, who in enumerate("ab"):
        write_rows(tmp_path / f"{who}.csv", counts(i, 2000))
        (tmp_path / f"{who}_events.tsv").write_text(
            "onset\tduration\ttrial_type\n1.0\t2.0\trest\n4\t2\tfist\n7\t2\tn/a\n"
        )
    keys = {"pattern": "{subject:[ab]}.csv", "modality": "emg", "unit": "uV", "sfreq": 200.0}
    loaded = from_folder(tmp_path, **keys, label_table="{folder}/{stem}_events.tsv", classes=["rest", "fist"])
    marks = [(a["description"], a["onset"], a["duration"]) for a in loaded[1].raw.annotations]
    assert marks[:2] == [("rest", 1.0, 2.0), ("fist", 4.0, 2.0)]
    assert why(loaded) == {}
    (tmp_path / "all.csv").write_text("filename;condition\na.csv;rest\nb;fist\nc.csv;rest\n")
    loaded = from_folder(tmp_path, **keys, label_table="all.csv")
    assert [list(r.raw.annotations.description) for r in loaded] == [["rest"], ["fist"]]
    assert "not there" in why(loaded)["c.csv"]
    with pytest.raises(BiotransferError, match="no column 'who'"):
        from_folder(tmp_path, **keys, label_table="all.csv", label_table_columns={"file": "who"})
    (tmp_path / "all.csv").write_text("file,onset,label\na,1.0,rest\nb,1.0,fist\n")
    with pytest.raises(BiotransferError, match="tmax is missing"):
        from_folder(tmp_path, **keys, label_table="all.csv")
    assert len(from_folder(tmp_path, **keys, label_table="all.csv", tmax=2.0)) == 2
    _, files = data_files("folder", path=str(tmp_path), **keys, label_table="all.csv")
    assert sorted(p.name for p in files) == ["a.csv", "all.csv", "b.csv"]


# ---------------------------------------------------------------------------------------------- doubles


@pytest.mark.parametrize(
    ("name", "naming"),
    [("sub-1_raw.fif", "neuromag"), ("sub-1-raw.fif", "neuromag"), ("sub-1_emg.fif", "bids")],
)
def test_a_split_file_is_one_recording_of_one_person(tmp_path, name, naming):
    made = raw(n=256 * 600, labels=("rest", "fist") * 10)
    made.save(tmp_path / name, fmt="double", split_size="2MB", buffer_size_sec=1, split_naming=naming,
              verbose="error")  # fmt: skip
    parts = sorted(path.name for path in tmp_path.iterdir())
    assert len(parts) > 1
    loaded = from_folder(tmp_path, **FIF)
    assert [(r.subject, r.raw.n_times) for r in loaded] == [("1", 256 * 600)]
    assert sorted(used(loaded)) == parts
    _, files = data_files("folder", path=str(tmp_path), **FIF)
    assert sorted(path.name for path in files) == parts
    if naming == "bids":
        (tmp_path / parts[0]).unlink()
        with pytest.raises(BiotransferError, match="part 2 of a file whose first part is not there"):
            from_folder(tmp_path, **FIF)


def test_processed_copies_beside_what_they_are_made_from_do_not_double(tmp_path):
    for i, who in enumerate("ab"):
        raw(i).save(tmp_path / f"sub-{who}_raw.fif", verbose="error")
        deep = tmp_path / "derivatives"
        deep.mkdir(exist_ok=True)
        raw(i + 10).save(deep / f"sub-{who}_proc-clean_raw.fif", verbose="error")
        raw(i + 20).save(tmp_path / f"sub-{who}_desc-filt_raw.fif", verbose="error")
    (tmp_path / "sub-a-ica.fif").write_bytes(b"")
    loaded = from_folder(tmp_path, **FIF)
    assert [r.source_file for r in loaded] == ["sub-a_raw.fif", "sub-b_raw.fif"]
    reasons = why(loaded)
    assert reasons["derivatives/sub-a_proc-clean_raw.fif"] == "it is a processed copy of sub-a_raw.fif"
    assert "what MNE calls ica" in reasons["sub-a-ica.fif"]
    copies = from_folder(tmp_path, **FIF, pattern="sub-{subject}_desc-filt_raw.fif")
    assert [r.source_file for r in copies] == ["sub-a_desc-filt_raw.fif", "sub-b_desc-filt_raw.fif"]
    (tmp_path / "sub-a_raw.fif").unlink()
    with pytest.raises(BiotransferError, match="are processed copies of one recording"):
        from_folder(tmp_path, **FIF)


# ---------------------------------------------------------------------------------------------- refused


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": None}, "unit is missing"),
        ({"unit": "uv"}, "unit='uv' (did you mean 'uV'?). Expected one of"),
        ({"sfreq": None}, "sfreq is missing"),
        ({"sfreq": -1}, "sfreq=-1"),
        ({"labels": [1]}, "labels=[1]. Expected a mapping of a code to"),
        ({"labels": {5: "rest"}}, "no file holds rest"),
        ({"classes": "rest"}, "no list of labels"),
        ({"channels": ["EMG9"]}, "is no column of"),
        ({"channels": "0-2"}, "counted from 1"),
        ({"channels": 0}, "columns are counted from 1"),
        ({"channel_names": ["x"]}, "channel_names has 1 names for 4 channels"),
        ({"channel_types": {"*": "emgg"}}, "Did you mean 'emg'"),
        ({"pattern": "{subject}.csv"}, "holds no file like {subject}.csv; it holds a/day1/R_0_C_0.csv"),
        ({"subjects": ["z"]}, "'z' is not there"),
        ({"delimiter": "ab"}, "no single character"),
        ({"tmin": 1.0}, "without tmax"),
        ({"tmin": 2.0, "tmax": 1.0}, "is not after tmin"),
        ({"format": "txt"}, "Did you mean 'text'"),
        ({"patern": "x"}, "unknown key 'patern'. Did you mean 'pattern'"),
        ({"modality": "ecg"}, "modality='ecg' is unknown"),
        ({"montage": "standard_9999", "modality": "eeg"}, "montage='standard_9999' is unknown"),
        ({"time_column": 1}, "time runs backwards at row"),
        ({"dtype": "int17", "n_channels": 4}, "is no type of numbers"),
        ({"dtype": "int16"}, "n_channels is missing"),
        ({"dtype": "int16", "n_channels": 7}, "no multiple of 7 channels"),
    ],
)  # fmt: skip
def test_what_is_refused_says_what_to_type(tmp_path, change, message):
    with pytest.raises(BiotransferError, match=re.escape(message)):
        from_folder(repetitions(tmp_path), **{**NAMED, **change})


def test_every_key_of_a_recipe_is_an_argument_and_documented():
    entry = load_entry()
    assert [p.name for p in entry.parameters] == list(Reading.declared())
    assert all(len(p.doc) > 20 for p in entry.parameters)
    assert {p.name for p in entry.parameters if p.required} == {"path", "modality"}


def load_entry():
    from biotransfer.signals.datasets import DATASETS

    return DATASETS["folder"]


# ---------------------------------------------------------------------------------------------- real files


def same(mine, theirs):
    """The signals, people and labels are equal; runs may be called otherwise."""
    assert len(mine) == len(theirs) > 0
    for one, other in zip(mine, theirs, strict=True):
        assert (one.subject, one.session, one.classes) == (other.subject, other.session, other.classes)
        assert one.ch_names == other.ch_names
        np.testing.assert_allclose(
            one.raw.get_data(picks=one.picks), other.raw.get_data(picks=other.picks), rtol=1e-14, atol=0
        )
    a, b = (cut_windows(rs, length=1.0, step=0.5) for rs in (mine, theirs))
    np.testing.assert_array_equal(a.y, b.y)
    np.testing.assert_array_equal(a.X, b.X)


def test_myodisco_by_a_pattern_alone(real_data):
    names = dict(enumerate(load_dataset("myodisco", data_dir=real_data, subjects=["S1"])[0].classes))
    keys = {"modality": "emg", "unit": "uV", "sfreq": 200.0, "labels": names, "subjects": ["S2", "S11"]}
    mine = from_folder(
        real_data / "myodisco",
        pattern="{subject}/{session}/R_{run}_C_{label}_EMG.csv",
        sessions=["day1"],
        **keys,
    )
    same(mine, load_dataset("myodisco", data_dir=real_data, subjects=["S2", "S11"]))


def test_muse_by_a_pattern_alone(real_data):
    mine = from_folder(
        real_data / "muse-mental-state", pattern="subject{subject}-{label}-{run}.csv", modality="eeg",
        unit="uV", time_column="timestamps", channels=["TP9", "AF7", "AF8", "TP10"],
        classes=["relaxed", "neutral", "concentrating"], join=False,
    )  # fmt: skip
    theirs = load_dataset("muse-mental-state", data_dir=real_data)
    same(mine, theirs)
    for one, other in zip(mine, theirs, strict=True):
        np.testing.assert_array_equal(one.timestamps, other.timestamps)
        assert one.uid == other.uid
    assert list(why(mine)) == ["name-concentrating-1.csv"]


def test_mental_arithmetic_by_a_pattern_alone(real_data):
    mine = from_folder(
        real_data / "mental-arithmetic", pattern="Subject{subject}_{label}.edf", modality="eeg",
        labels={1: "rest", 2: "arithmetic"}, channel_types={"A2-A1": "misc"}, subjects=["00", "01"],
    )  # fmt: skip
    theirs = load_dataset("mental-arithmetic", data_dir=real_data, subjects=["00", "01"])
    assert [r.uid for r in mine] == [r.uid for r in theirs]
    for one, other in zip(mine, theirs, strict=True):
        n = other.raw.n_times
        assert one.ch_names == other.ch_names
        np.testing.assert_array_equal(one.raw.get_data(picks=one.picks)[:, :n], other.raw.get_data("eeg"))


COTE_ALLARD = {
    "pattern": "PreTrainingDataset/{subject}/training0/classe_{label}.dat", "label_modulo": 7,
    "modality": "emg",
    "labels": dict(enumerate(["neutral", "radial", "flexion", "ulnar", "extension", "close", "open"])),
    "dtype": "int16", "n_channels": 8, "unit": "uV", "sfreq": 200.0,
}  # fmt: skip


def test_cote_allard_by_a_pattern_alone(real_data):
    loaded = from_folder(real_data / "cote-allard", **COTE_ALLARD)
    assert len(loaded) == 22
    assert len(used(loaded)) == 22 * 28
    for one in loaded:
        labels = [a["description"] for a in one.raw.annotations if a["description"] != EDGE]
        assert sorted(labels) == sorted([*COTE_ALLARD["labels"].values()] * 4)
        assert np.abs(one.raw.get_data()).max() <= 128e-6
    path = real_data / "cote-allard/PreTrainingDataset/Male3/training0/classe_8.dat"
    (marks,) = [
        a for a in next(r for r in loaded if r.subject == "Male3").raw.annotations
        if a["extras"] and a["extras"]["source_file"].endswith("classe_8.dat")
    ]  # fmt: skip
    assert (marks["description"], marks["extras"]["run"]) == ("radial", "radial-1")
    assert round(marks["duration"] * 200) * 16 == path.stat().st_size


def test_defects_of_myo_readings_are_found(real_data):
    gestures = ["hibernation", "flexion", "extension", "radial", "ulnar", "pronation", "supination", "fist"]
    loaded = from_folder(
        real_data / "myo-readings", pattern="_readings_right_hand/{subject}-{session}/{label}.txt",
        modality="emg", label_column=9, labels=dict(enumerate(gestures)), unit="uV", sfreq=200.0,
        subjects=["19999", "64917", "69069"],
        classes=["hibernation", "flexion", "extension", "radial", "fist"],
    )  # fmt: skip
    notes = [note for recording in loaded for note in recording.notes]
    lines = {(m[1], m[2]) for note in notes if (m := re.search(r"/([\d-]+/\d)\.txt': lines? ([\d]+)", note))}
    assert lines == {("19999-2/2", "12322"), ("64917-1/2", "1032"), ("64917-2/1", "1998")}
    assert any("1033 (7 columns for 9)" in note for note in notes)
    (wrong,) = [note for note in notes if "is named for" in note]
    assert "69069-1/3.txt' is named for radial" in wrong
    assert "extension (7500 samples)" in wrong
    assert len(loaded) == len(used(loaded)) == 3 * 2 * 5


def test_a_raw_is_read_as_it_is(tmp_path):
    made = raw(3)
    made.save(tmp_path / "sub-7_ses-x_task-grip_run-2_raw.fif", verbose="error")
    (one,) = from_folder(tmp_path, **FIF)
    assert one.uid.split("/", 1)[1] == "sub-7/ses-x/run-2"
    stored = mne.io.read_raw_fif(tmp_path / one.source_file, verbose="error")
    np.testing.assert_array_equal(one.raw.get_data(), stored.get_data())
    (tmp_path / "sub-8_raw.fif").write_bytes(b"no fif")
    with pytest.raises(BiotransferError, match=r"sub-8_raw\.fif' cannot be read as FIF"):
        from_folder(tmp_path, **FIF)
