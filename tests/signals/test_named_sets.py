"""Data sets that only their origins have: small files in the original layout, served, fetched and loaded."""

import io
import json
import zipfile

import numpy as np
import pytest
from scipy.io import savemat

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import DATASETS, checksums, eegbci, fetch, load_dataset
from biotransfer.signals.datasets.archives import find_members
from biotransfer.signals.datasets.grabmyo import CHANNELS, CLASSES
from biotransfer.signals.datasets.loaded import Seen
from biotransfer.signals.recording import EDGE
from tests.signals.test_download import Server, sums_of

ELECTRODES = [f"{row}{place}" for row, places in {
    "FC": "531z246", "C": "531z246", "CP": "531z246", "Fp": "1z2", "AF": "73z48", "F": "7531z2468",
    "FT": "78", "T": ["7", "8", "9", "10"], "TP": "78", "P": "7531z2468", "PO": "73z48", "O": "1z2", "I": "z",
}.items() for place in places]  # fmt: skip
RNG = np.random.default_rng(5)


def zipped(members):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for path, data in members.items():
            archive.writestr(path, data)
    return buffer.getvalue()


def edf(path, rate=160, seconds=12, codes=("T0", "T1", "T2")):
    import edfio

    signals = [
        edfio.EdfSignal(
            RNG.normal(0, 20, rate * seconds),
            sampling_frequency=rate,
            label=f"{name.capitalize():.<4}",
            physical_dimension="uV",
            physical_range=(-500, 500),
        )
        for name in ELECTRODES
    ]
    marks = [edfio.EdfAnnotation(4 * i, 4, code) for i, code in enumerate(codes)]
    edfio.Edf(signals, annotations=marks).write(path)
    return path.read_bytes()


def eegbci_files(tmp_path):
    files = {f"S001/S001R{run:02d}.edf": edf(tmp_path / "a.edf") for run in (1, 3, 4, 6)}
    return files | {"S088/S088R03.edf": edf(tmp_path / "b.edf", rate=128)}


def uci_rows():
    """2 s: unmarked, rest, a gap of 0.5 s, fist; two rows in three milliseconds."""
    times = [t for t in range(1, 2001) if t % 3 and not 1000 < t < 1500]
    codes = [0 if t < 500 else 1 if t <= 1000 else 2 for t in times]
    values = RNG.integers(-90, 90, (len(times), 8)) * 1e-5
    return times, codes, values


UCI = uci_rows()


def uci_files(tmp_path):
    lines = ["time\t" + "\t".join(f"channel{i}" for i in range(1, 9)) + "\tclass"]
    for time, code, row in zip(*(UCI[0], UCI[1], UCI[2]), strict=True):
        lines.append("\t".join([str(time), *(f"{v:.5g}" for v in row), str(code)]))
    text = "\r\n".join(lines).encode()
    place = "EMG_data_for_gestures-master"
    members = {f"{place}/01/1_raw_data_13-12_22.03.16.txt": text, f"{place}/README.txt": b"read me"}
    members |= {f"{place}/02/2_raw_data_13-12_22.03.16.txt": text}
    return {"EMG_data_for_gestures-master.zip": zipped(members)}


def mat(n_chans, codes, scale, **without):
    rows = len(codes)
    values = {
        "emg": (RNG.integers(-100, 100, (rows, n_chans)) * scale),
        "restimulus": np.array(codes, np.int8)[:, None],
        "rerepetition": np.array([0 if c == 0 else 1 + i // (rows // 2) for i, c in enumerate(codes)])[
            :, None
        ],
        "stimulus": np.zeros((rows, 1)),
    }
    buffer = io.BytesIO()
    savemat(buffer, {k: v for k, v in values.items() if k not in without})
    return buffer.getvalue()


def ninapro_files(archive, member, n_chans, scale, codes):
    def build(tmp_path):
        return {
            archive: zipped({member: mat(n_chans, np.repeat(codes, 100), scale), "note.txt": b"hello"}),
        }

    return build


def epn_files(tmp_path):
    def sample(name, **more):
        emg = {f"ch{i}": RNG.integers(-100, 100, 400).tolist() for i in range(1, 9)}
        return {"gestureName": name, "emg": emg, "startPointforGestureExecution": 100, **more}

    person = {
        "generalInfo": {"samplingFrequencyInHertz": 200},
        "trainingSamples": {
            "idx_1": sample("noGesture"),
            "idx_2": sample("fist", groundTruthIndex=[101, 300]),
            "idx_10": sample("fist", groundTruthIndex=[1, 400]),
            "idx_3": sample("pinch"),
        },
        "testingSamples": {"idx_1": {"emg": {}}},
    }
    place = "EMG-EPN612 Dataset"
    return {
        "EMG-EPN612 Dataset.zip": zipped(
            {
                f"{place}/{part}JSON/user1/user1.json": json.dumps(person).encode()
                for part in ("training", "testing")
            }
        )
    }


def wfdb(name, unit="mV", gain="100(5)"):
    names = [f"F{i}" for i in range(1, 17)] + ["U1", "U2"] + [f"W{i}" for i in range(1, 7)] + ["U3", "U4"]
    names += [f"W{i}" for i in range(7, 13)]
    names += ["U5", "U6"][: 32 - len(names)]
    steps = RNG.integers(-90, 90, (256, len(names))).astype("<i2")
    lines = [f"{name} {len(names)} 2048 256"]
    lines += [f"{name}.dat 16 {gain}/{unit} 16 0 {steps[0, i]} 0 0 {one}" for i, one in enumerate(names)]
    return {f"{name}.hea": ("\n".join(lines) + "\n").encode(), f"{name}.dat": steps.tobytes()}, names, steps


def grabmyo_files(tmp_path):
    files = {}
    for gesture, trial in ((1, 1), (1, 2), (17, 1)):
        made, _, _ = wfdb(f"session1_participant7_gesture{gesture}_trial{trial}")
        files |= {f"Session1/session1_participant7/{path}": data for path, data in made.items()}
    return files


def three_dc_files(tmp_path):
    def text():
        return "".join(
            ",".join(map(str, row)) + ",\r\n" for row in RNG.integers(-900, 900, (300, 10))
        ).encode()

    return {
        "HEAD.zip": zipped(
            {
                f"3DCDataset-HEAD/Participant3/{part}/EMG/3dc_EMG_gesture_{cycle}_{number}.txt": text()
                for part in ("train", "test")
                for cycle in (0, 1)
                for number in (0, 10)
            }
            | {"3DCDataset-HEAD/README.md": b"# 3DC"}
        )
    }


SETS = {
    "eegbci": (eegbci_files, {"subjects": ["001", "088"]}, 4, {"eyes_open", "rest", "left_fist", "right_fist",
               "imagined_left_fist", "imagined_right_fist", "imagined_both_fists", "imagined_both_feet"}),
    "uci-gestures": (uci_files, {}, 2, {"rest", "fist"}),
    "ninapro-db1": (ninapro_files("s4.zip", "S4_A1_E2.mat", 10, 0.01, [0, 3, 0, 17]), {}, 1,
                    {"rest", "E2-03", "E2-17"}),
    "ninapro-db2": (ninapro_files("DB2_s40.zip", "DB2_s40/S40_E3_A1.mat", 12, 1e-6, [0, 41, 0, 49]), {}, 1,
                    {"rest", "E3-41", "E3-49"}),
    "ninapro-db5": (ninapro_files("s10.zip", "s10/S10_E1_A1.mat", 16, 1.0, [0, 12, 0, 12]), {}, 1,
                    {"rest", "E1-12"}),
    "epn612": (epn_files, {}, 2, {"noGesture", "fist", "pinch"}),
    "grabmyo": (grabmyo_files, {}, 1, {CLASSES[0], CLASSES[16]}),
    "3dc": (three_dc_files, {}, 2, {"neutral", "pinch_grip"}),
}  # fmt: skip


@pytest.fixture
def origin(monkeypatch, tmp_path):
    """A server on this machine; of each registry, what it serves."""
    monkeypatch.setenv("MNE_DATA", str(tmp_path / "mne"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("BIOTRANSFER_DATA", raising=False)
    running = Server()

    def serve(name, files):
        served = {f"{name}/{path.replace(' ', '%20')}": data for path, data in files.items()}
        running.files = served | {f"{name}/SHA256SUMS.txt": sums_of(files)}
        known = {path: item for path, item in checksums.read_registry(name).items() if path in files}
        assert set(known) == set(files), "not in the layout of the registry"
        monkeypatch.setattr(checksums, "read_registry", lambda _: known)
        return running.url

    yield serve
    running.http.shutdown()
    running.http.server_close()


@pytest.mark.parametrize("name", SETS)
def test_a_set_is_fetched_from_its_layout_and_loaded(name, origin, tmp_path):
    build, params, n_recordings, labels = SETS[name]
    facts = DATASETS[name].facts
    files = build(tmp_path)
    folder = fetch(name, mirror=origin(name, files), retries=0)
    assert {p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()} == {
        *files, checksums.RECORD,
    }  # fmt: skip
    loaded = load_dataset(name, download=False, **params)
    assert len(loaded) == n_recordings
    found = {d for r in loaded for d in r.raw.annotations.description} - {EDGE}
    assert found == labels
    assert found <= set(facts["classes"])
    for recording in loaded:
        assert recording.modality == facts["modality"]
        assert recording.sfreq == facts["sfreq"]
        assert len(recording.picks) == facts["n_chans"]
        assert recording.classes == facts["classes"]
        assert 1e-7 < recording.raw.get_data(picks=recording.picks).std() < 1e-2
    assert len({r.uid for r in loaded}) == len(loaded)
    sources = {
        (a["extras"] or {}).get("source_file") or r.source_file for r in loaded for a in r.raw.annotations
    }
    used = {file.path for file in loaded.files if file.used}
    assert {s for s in sources if s in {f.path for f in loaded.files}} <= used
    assert used
    for file in loaded.files:
        assert file.used or file.why
    some = sorted(labels)[:1]
    few = load_dataset(name, download=False, classes=some, **params)
    assert {d for r in few for d in r.raw.annotations.description} - {EDGE} == set(some)
    with pytest.raises(BiotransferError, match="is not there"):
        load_dataset(name, download=False, subjects=["nobody"])


@pytest.mark.parametrize("name", [n for n in SETS if DATASETS[n].facts["unpacked"]])
def test_what_was_unpacked_by_hand_is_the_same(name, origin, tmp_path):
    build, params, _, _ = SETS[name]
    files = build(tmp_path)
    folder = fetch(name, mirror=origin(name, files), retries=0)
    packed = load_dataset(name, download=False, **params)
    unpacked = tmp_path / "mine" / name
    for path in files:
        with zipfile.ZipFile(folder / path) as archive:
            archive.extractall(unpacked)
    loaded = load_dataset(name, data_dir=tmp_path / "mine", download=False, **params)
    assert [r.uid for r in loaded] == [r.uid for r in packed]
    for ours, theirs in zip(loaded, packed, strict=True):
        np.testing.assert_array_equal(ours.raw.get_data(), theirs.raw.get_data())


def test_a_file_in_the_folder_and_in_its_archive_counts_once(tmp_path):
    import re

    (tmp_path / "a.zip").write_bytes(zipped({"top/S1/x.txt": b"1", "top/S2/x.txt": b"2"}))
    (tmp_path / "S1").mkdir()
    (tmp_path / "S1/x.txt").write_bytes(b"mine")
    seen = Seen()
    members = find_members(tmp_path, re.compile(r"(?:.*/)?S\d/x\.txt"), seen, "no")
    assert [(m.path, m.read()) for m in members] == [("S1/x.txt", b"mine"), ("a.zip/top/S2/x.txt", b"2")]
    assert [(f.path, f.why) for f in seen.files()] == [
        ("a.zip/top/S1/x.txt", "the folder holds it beside its archive")
    ]
    (tmp_path / "b.zip").write_bytes(b"PK")
    with pytest.raises(BiotransferError, match=r"b\.zip' is no complete zip archive"):
        find_members(tmp_path, re.compile(".*txt"), Seen(), "no")


def test_a_member_that_grows_beyond_its_limit_is_refused_and_others_are_read(tmp_path):
    folder = tmp_path / "ninapro-db5"
    folder.mkdir()
    good = io.BytesIO()
    n = {name: np.ones((8, 1), np.uint8) for name in ("restimulus", "rerepetition")}
    savemat(good, {"emg": np.ones((8, 16)), **n})
    large = io.BytesIO()
    savemat(large, {"emg": np.zeros((300_000_000, 1), np.uint8), **n}, do_compression=True)
    assert large.tell() < 1_000_000
    files = {"s1/S1_E1_A1.mat": large.getvalue(), "s1/S1_E2_A1.mat": good.getvalue()}
    (folder / "s1.zip").write_bytes(zipped(files))
    with pytest.raises(BiotransferError, match=r"s1\.zip', of \d+ bytes, (gives|takes) more than \d+ MB"):
        load_dataset("ninapro-db5", data_dir=tmp_path, download=False)
    (folder / "s1.zip").write_bytes(zipped({**files, "s1/S1_E1_A1.mat": good.getvalue()}))
    assert len(load_dataset("ninapro-db5", data_dir=tmp_path, download=False)) == 2


# ---------------------------------------------------------------------------------------------- EEGBCI


def test_events_are_named_by_what_they_mean_in_their_run(origin, tmp_path):
    fetch("eegbci", mirror=origin("eegbci", eegbci_files(tmp_path)), retries=0)
    loaded = load_dataset("eegbci", download=False)
    by_run = {r.run: [str(d) for d in r.raw.annotations.description] for r in loaded}
    assert by_run == {
        "1": ["eyes_open"],
        "3": ["rest", "left_fist", "right_fist"],
        "4": ["rest", "imagined_left_fist", "imagined_right_fist"],
        "6": ["rest", "imagined_both_fists", "imagined_both_feet"],
    }
    assert loaded[0].raw.ch_names == ELECTRODES
    assert np.isfinite([ch["loc"][:3] for ch in loaded[0].raw.info["chs"]]).all()
    (left_out,) = [f for f in loaded.files if f.subject == "088"]
    assert left_out.why == "it runs at 128 Hz, the data set at 160 Hz"
    assert [r.run for r in load_dataset("eegbci", download=False, classes=["both_feet", "left_fist"])] == [
        "3"
    ]
    assert set(eegbci.CODES) == set(range(1, 15))


# ---------------------------------------------------------------------------------------------- UCI


def test_rows_are_held_on_a_grid_of_milliseconds(origin, tmp_path):
    fetch("uci-gestures", mirror=origin("uci-gestures", uci_files(tmp_path)), retries=0)
    (recording,) = load_dataset("uci-gestures", download=False, subjects=["01"])
    times, codes, values = UCI
    signal = recording.raw.get_data()
    assert signal.shape == (8, 1000 + 500)  # 1 to 1000 ms, a gap, 1501 to 2000 ms
    for at, row in ((0, 0), (1, 1), (2, 1), (3, 2)):  # 1 ms, 2 ms, held, 4 ms
        np.testing.assert_allclose(signal[:, at], values[row], atol=1e-12)
    assert "has 1 gap(s) in its times (501 ms)" in recording.notes[0]
    marks = [
        (round(a["onset"], 3), round(a["duration"], 3), a["description"]) for a in recording.raw.annotations
    ]
    assert (1.0, 0.0, EDGE) in marks
    assert [m for m in marks if m[2] == "fist"] == [(1.0, 0.5, "fist")]
    assert {m[2] for m in marks} == {"rest", "fist", EDGE}


# ---------------------------------------------------------------------------------------------- Ninapro


def test_movements_and_repetitions_are_those_of_the_file(origin, tmp_path):
    build = SETS["ninapro-db5"][0]
    fetch("ninapro-db5", mirror=origin("ninapro-db5", build(tmp_path)), retries=0)
    (recording,) = load_dataset("ninapro-db5", download=False)
    runs = [a["extras"]["run"] for a in recording.raw.annotations]
    assert runs == ["rest-R1", "E1-12-R1", "rest-R2", "E1-12-R2"]
    assert recording.run == "E1"
    counts = recording.raw.get_data() * 1e6
    np.testing.assert_allclose(counts, np.round(counts), atol=1e-6)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"no matlab", "cannot be read as a MATLAB file"),
        (mat(16, [0, 1] * 50, 1.0, restimulus=None), "lacks restimulus"),
        (mat(12, [0, 1] * 50, 1.0), r"has emg of shape \(100, 12\).*Expected 16 columns"),
        (mat(16, [0, 13] * 50, 1.0), r"holds movement 13 in exercise 1\. Expected rest \(0\) or 1 to 12"),
    ],
)
def test_bad_matlab_files_are_refused(tmp_path, content, message):
    folder = tmp_path / "ninapro-db5"
    folder.mkdir()
    (folder / "S1_E1_A1.mat").write_bytes(content)
    with pytest.raises(BiotransferError, match=message):
        load_dataset("ninapro-db5", data_dir=tmp_path, download=False)


# ---------------------------------------------------------------------------------------------- EPN-612


def test_a_gesture_is_labelled_where_it_was_made(origin, tmp_path):
    fetch("epn612", mirror=origin("epn612", epn_files(tmp_path)), retries=0)
    loaded = load_dataset("epn612", download=False)
    assert [r.subject for r in loaded] == ["testing-user1", "training-user1"]
    marks = [(a["onset"], a["duration"], a["extras"]["run"]) for a in loaded[0].raw.annotations
             if a["description"] != EDGE]  # fmt: skip
    assert marks == [
        (0.0, 2.0, "noGesture-R1"),
        (2.5, 1.0, "fist-R2"),
        (4.0, 2.0, "pinch-R3"),
        (6.0, 2.0, "fist-R10"),
    ]


# ---------------------------------------------------------------------------------------------- GRABMyo


def test_steps_become_volts_by_the_header(tmp_path):
    from biotransfer.signals.datasets.grabmyo import read_wfdb

    for unit, gain, volts in (
        ("mV", "100(5)", lambda s: (s - 5) / 100 * 1e-3),
        ("uV", "2", lambda s: s / 2e6),
    ):
        made, names, steps = wfdb("one", unit, gain)
        for path, data in made.items():
            (tmp_path / path).write_bytes(data)
        signal = read_wfdb(tmp_path / "one.hea")
        assert signal.shape == (28, 256)
        for row, channel in enumerate(CHANNELS):
            expected = volts(steps[:, names.index(channel)].astype(float))
            np.testing.assert_allclose(signal[row], expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda m: m | {"one.hea": b"one 32\n"}, "is no WFDB header"),
        (lambda m: m | {"one.hea": m["one.hea"].replace(b" 2048 ", b" 1000 ")}, "announces 1000 Hz"),
        (lambda m: m | {"one.hea": m["one.hea"].replace(b"dat 16", b"dat 212")}, "in format 212"),
        (lambda m: m | {"one.hea": m["one.hea"].replace(b"/mV", b"/mmHg")}, "in 'mmHg'"),
        (lambda m: m | {"one.dat": m["one.dat"][:100]}, "is broken off: 100 bytes of the"),
        (lambda m: {"one.hea": m["one.hea"]}, "is not there, which 'one.hea' names"),
    ],
)
def test_bad_wfdb_files_are_refused(tmp_path, change, message):
    from biotransfer.signals.datasets.grabmyo import read_wfdb

    for path, data in change(wfdb("one")[0]).items():
        (tmp_path / path).write_bytes(data)
    with pytest.raises(BiotransferError, match=message):
        read_wfdb(tmp_path / "one.hea")
