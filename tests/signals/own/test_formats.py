"""Every format gives the same signal and labels back, with no code."""

import re

import edfio
import h5py
import mne
import numpy as np
import pandas as pd
import pybv
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import savemat

from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import data_files, from_folder, from_table
from biotransfer.signals.recording import EDGE
from biotransfer.signals.windows import cut_windows
from tests.signals.own.files import counts, raw

N = 1200
CODES = np.repeat([0, 1, 0, 2, 0, 1], 200)
REPETITIONS = np.repeat([0, 1, 0, 1, 0, 2], 200)
EMG = {"modality": "emg", "unit": "uV", "pattern": "S{subject}.*"}
NINAPRO = {**EMG, "signal": "emg", "label_column": "stimulus", "run_column": "repetition", "ignore": [0],
           "labels": {1: "fist", 2: "point"}}  # fmt: skip


def marks(recording, sfreq=200.0):
    return [
        (a["description"], round(a["onset"] * sfreq), round(a["duration"] * sfreq))
        for a in recording.raw.annotations
        if a["description"] != EDGE
    ]


EXPECTED = [("fist", 200, 200), ("point", 600, 200), ("fist", 1000, 200)]


# ---------------------------------------------------------------------------------------------- arrays


def _v5(path, variables):
    savemat(path.with_suffix(".mat"), {k: v if np.ndim(v) != 1 else v[:, None] for k, v in variables.items()})


def _v73(path, variables):
    with h5py.File(path.with_suffix(".mat"), "w", userblock_size=512) as file:
        for name, value in variables.items():
            array = np.atleast_2d(value)
            file[name] = np.ascontiguousarray((array if np.ndim(value) != 1 else array.T).T)
    with path.with_suffix(".mat").open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM")


def _npz(path, variables):
    np.savez(path.with_suffix(".npz"), **variables)


WRITERS = {"mat 5": _v5, "mat 7.3": _v73, "npz": _npz}


@pytest.mark.parametrize("write", WRITERS.values(), ids=WRITERS)
@pytest.mark.parametrize("rows_are_time", [True, False])
def test_signal_stimulus_and_repetition_by_name(tmp_path, write, rows_are_time):
    for i in (1, 2):
        rows = counts(i, N)
        variables = {"emg": rows if rows_are_time else rows.T, "acc": counts(9, N, 3), "stimulus": CODES,
                     "repetition": REPETITIONS, "fs": 200.0}  # fmt: skip
        write(tmp_path / f"S{i}", variables)
    loaded = from_folder(tmp_path, **NINAPRO, sfreq="fs")
    assert [(r.subject, r.sfreq, marks(r)) for r in loaded] == [(w, 200.0, EXPECTED) for w in "12"]
    np.testing.assert_allclose(loaded[1].raw.get_data(), counts(2, N).T * 1e-6, rtol=1e-12)
    assert [a["extras"]["run"] for a in loaded[0].raw.annotations] == ["1", "1", "2"]
    assert len(from_folder(tmp_path, **NINAPRO, sfreq=200, channels="2-3")[0].picks) == 2
    for change, message in [
        ({"signal": None}, "2 arrays that could be the signal: .*emg"),
        ({"signal": "egm"}, "signal='egm' is no variable of .* Did you mean 'emg'"),
        ({"label_column": "fs"}, "has 1 entries"),
        ({"sfreq": "emg"}, "is no positive number"),
        ({"unit": None}, "unit is missing"),
    ]:
        with pytest.raises(BiotransferError, match=message):
            from_folder(tmp_path, **{**NINAPRO, "sfreq": 200.0, **change})


def test_fields_of_structures_and_files_that_are_none(tmp_path):
    savemat(tmp_path / "S1.mat", {"data": {"emg": counts(1, N), "label": CODES}})
    keys = {**EMG, "signal": "data.emg", "label_column": "data.label", "ignore": [0], "sfreq": 200.0}
    (one,) = from_folder(tmp_path, **keys)
    assert one.classes == ("1", "2")
    for content in (b"", b"no matlab file at all" * 20, b"MATLAB 7.3 and nothing else"):
        (tmp_path / "S1.mat").write_bytes(content)
        with pytest.raises(BiotransferError, match=r"S1\.mat' cannot be read"):
            from_folder(tmp_path, **keys)
    np.save(tmp_path / "S1.npy", np.array([{"a": 1}], dtype=object))
    (tmp_path / "S1.mat").unlink()
    with pytest.raises(BiotransferError, match=r"S1\.npy' cannot be read"):
        from_folder(tmp_path, **keys)


@pytest.mark.parametrize("channels_first", [True, False])
def test_trials_of_an_array_stay_apart(tmp_path, channels_first):
    trials = np.stack([counts(i, 300).T for i in range(6)])
    X = trials if channels_first else trials.swapaxes(1, 2)
    np.savez(tmp_path / "S1.npz", X=X, y=np.array([0, 0, 1, 1, 0, 1]))
    order = "channels" if channels_first else "samples"
    (one,) = from_folder(tmp_path, **EMG, label_column="y", labels={0: "rest", 1: "fist"}, sfreq=200.0,
                         order=order)  # fmt: skip
    assert marks(one) == [(name, 300 * i, 300) for i, name in enumerate(["rest"] * 2 + ["fist"] * 2 +
                                                                         ["rest", "fist"])]  # fmt: skip
    np.testing.assert_allclose(one.raw.get_data()[:, 600:900], trials[2] * 1e-6)
    assert len(cut_windows(one, length=1.0, step=0.5)) == 6 * 2


@settings(deadline=None, max_examples=40)
@given(
    dtype=st.sampled_from(["int16", ">i2", "float32", ">f8", "uint8", "<i4"]),
    interleaved=st.booleans(),
    n_chans=st.integers(1, 5),
    skip=st.integers(0, 9),
)
def test_binary_numbers_are_read_as_numpy_wrote_them(tmp_path_factory, dtype, interleaved, n_chans, skip):
    folder = tmp_path_factory.mktemp("binary")
    rows = np.abs(counts(3, 400, n_chans)).astype(np.dtype(dtype).newbyteorder(">" if ">" in dtype else "<"))
    body = np.ascontiguousarray(rows if interleaved else rows.T).tobytes()
    (folder / "S1_rest.raw").write_bytes(b"x" * skip + body)
    (one,) = from_folder(
        folder, pattern="S{subject}_{label}.raw", modality="emg", unit="uV", sfreq=200.0, dtype=dtype,
        n_channels=n_chans, order="samples" if interleaved else "channels", skip_bytes=skip,
    )  # fmt: skip
    np.testing.assert_allclose(one.raw.get_data(), rows.T.astype(float) * 1e-6, rtol=1e-12)
    assert one.classes == ("rest",)


# ---------------------------------------------------------------------------------------------- OpenBCI, XDF


def openbci(path, names=True):
    rows = counts(4, N, 4)
    top = ["%OpenBCI Raw EXG Data", "%Number of channels = 4", "%Sample Rate = 250 Hz", "%Board = x"]
    header = ["Sample Index, EXG Channel 0, EXG Channel 1, EXG Channel 2, EXG Channel 3, Marker, Timestamp"]
    lines = [f"{i % 256}, {', '.join(f'{v:.4f}' for v in row)}, {CODES[i]}, 16:44:0{i % 9}.123"
             for i, row in enumerate(rows)]  # fmt: skip
    path.write_text("\n".join([*top, *(header if names else []), *lines]) + "\n")
    return rows


@pytest.mark.parametrize("names", [True, False])
def test_text_of_openbci(tmp_path, names):
    rows = openbci(tmp_path / "S1.txt", names)
    (one,) = from_folder(tmp_path, pattern="S{subject}.txt", modality="eeg", label_column=6, ignore=[0])
    assert one.sfreq == 250.0
    np.testing.assert_allclose(one.raw.get_data(), rows.T * 1e-6, rtol=1e-12)
    assert marks(one, 250.0) == [(str(code), at, 200) for code, at in ((1, 200), (2, 600), (1, 1000))]


class Xdf:
    """Writes XDF by its specification: a header, samples and a footer for every stream."""

    def __init__(self, path):
        self.file = path.open("wb")
        self.file.write(b"XDF:")
        self.chunk(1, b'<?xml version="1.0"?><info><version>1.0</version></info>')

    def chunk(self, tag, content):
        size = len(content) + 2
        self.file.write(b"\x04" + size.to_bytes(4, "little") + tag.to_bytes(2, "little") + content)

    def stream(self, number, name, kind, stamps, values, rate, channels=()):
        text = values.dtype.kind == "U"
        described = "".join(
            f"<channel><label>{c}</label><unit>{unit}</unit></channel>" for c, unit in channels
        )
        info = (
            f'<?xml version="1.0"?><info><name>{name}</name><type>{kind}</type>'
            f"<channel_count>{values.shape[1]}</channel_count><nominal_srate>{rate}</nominal_srate>"
            f"<channel_format>{'string' if text else 'float32'}</channel_format>"
            f"<desc><channels>{described}</channels></desc></info>"
        )
        place = number.to_bytes(4, "little")
        self.chunk(2, place + info.encode())
        body = b"\x04" + len(stamps).to_bytes(4, "little")
        for stamp, row in zip(stamps, values, strict=True):
            body += b"\x08" + np.float64(stamp).tobytes()
            for value in row:
                said = str(value).encode()
                body += b"\x01" + bytes([len(said)]) + said if text else np.float32(value).tobytes()
        self.chunk(3, place + body)
        self.chunk(6, place + b'<?xml version="1.0"?><info></info>')

    def close(self):
        self.file.close()


@pytest.mark.parametrize("unit", ["microvolts", "mV"])
def test_streams_of_signal_and_markers(tmp_path, unit):
    rows, stamps = counts(5, N) / (1000.0 if unit == "mV" else 1.0), 100.0 + np.arange(N) / 200.0
    file = Xdf(tmp_path / "S1.xdf")
    file.stream(1, "Amp", "EEG", stamps, rows, 200, [(f"C{i}", unit) for i in range(4)])
    file.stream(2, "Acc", "ACC", stamps, rows, 200)
    words = np.array([["start"], ["left"], ["right"], ["stop"]])
    file.stream(3, "Keys", "Markers", [100.5, 101.0, 103.0, 105.0], words, 0)
    file.close()
    keys = {"pattern": "S{subject}.xdf", "modality": "eeg", "classes": ["left", "right"]}
    (one,) = from_folder(tmp_path, **keys, signal="EEG", tmax="next")
    assert one.ch_names == ["C0", "C1", "C2", "C3"]
    np.testing.assert_allclose(one.raw.get_data(), rows.T * (1e-3 if unit == "mV" else 1e-6), rtol=1e-6)
    assert [m for m in marks(one) if m[0] in one.classes] == [("left", 200, 400), ("right", 600, 400)]
    (one,) = from_folder(tmp_path, **keys, signal="Amp", tmin=0.5, tmax=1.5, marker_stream="Keys")
    assert [m for m in marks(one) if m[0] in one.classes] == [("left", 300, 200), ("right", 700, 200)]
    with pytest.raises(BiotransferError, match=r"fits 2 streams .* Amp \(EEG\), Acc \(ACC\)"):
        from_folder(tmp_path, **keys, tmax=1.0)
    with pytest.raises(BiotransferError, match="tmax is missing"):
        from_folder(tmp_path, **keys, signal="EEG")
    with pytest.raises(BiotransferError, match="unit is missing"):
        from_folder(tmp_path, **keys, signal="Acc", tmax=1.0)
    (tmp_path / "S2.xdf").write_bytes(b"no xdf")
    with pytest.raises(BiotransferError, match=r"S2\.xdf' cannot be read as XDF"):
        from_folder(tmp_path, **keys, signal="EEG", tmax=1.0)


# ---------------------------------------------------------------------------------------------- MNE


def as_edf(path, made, kind=edfio.Edf):
    signal = edfio.EdfSignal if kind is edfio.Edf else edfio.BdfSignal
    signals = [
        signal(values * 1e6, 200.0, label=f"EMG {name}", physical_dimension="uV", physical_range=(-500, 500))
        for name, values in zip(made.ch_names, made.get_data(), strict=True)
    ]
    notes = [
        edfio.EdfAnnotation(a["onset"], a["duration"] or None, a["description"]) for a in made.annotations
    ]
    kind(signals, annotations=notes).write(path.with_suffix(".edf" if kind is edfio.Edf else ".bdf"))


def as_bdf(path, made):
    as_edf(path, made, edfio.Bdf)


def as_brainvision(path, made):
    events = [
        {"onset": round(a["onset"] * 200), "duration": round(a["duration"] * 200) or 1,
         "description": a["description"], "type": "Comment"} for a in made.annotations
    ]  # fmt: skip
    pybv.write_brainvision(
        data=made.get_data(), sfreq=200.0, ch_names=made.ch_names, fname_base=path.name,
        folder_out=path.parent, events=events, unit="µV",
    )  # fmt: skip


def as_fif(path, made):
    made.save(path.with_name(f"{path.name}_raw.fif"), fmt="double", overwrite=True, verbose="error")


def as_set(path, made):
    mne.export.export_raw(path.with_suffix(".set"), made, overwrite=True, verbose="error")


MNE_WRITERS = {"EDF+": as_edf, "BDF+": as_bdf, "BrainVision": as_brainvision, "FIF": as_fif, "EEGLAB": as_set}


@pytest.mark.parametrize("write", MNE_WRITERS.values(), ids=MNE_WRITERS)
def test_what_mne_reads_keeps_its_annotations(tmp_path, write):
    for i in (1, 2):
        write(tmp_path / f"S{i}", raw(i))
    keys = {
        "pattern": r"S(?P<subject>\d)(_raw)?\.(edf|bdf|vhdr|fif|set)", "modality": "emg",
        "channel_types": {"*": "emg"},
        "labels": {"rest": "calm", "fist": "fist", "Comment/rest": "calm", "Comment/fist": "fist"},
    }  # fmt: skip
    loaded = from_folder(tmp_path, **keys)
    assert [(r.subject, r.classes, r.sfreq) for r in loaded] == [(w, ("calm", "fist"), 200.0) for w in "12"]
    for i, one in enumerate(loaded, start=1):
        np.testing.assert_allclose(one.raw.get_data(), raw(i).get_data(), atol=2e-8)
        assert [m for m in marks(one) if m[0] in one.classes] == [("calm", 0, 1000), ("fist", 1000, 1000)]
    assert all(seen.used for seen in loaded.files)
    _, hashed = data_files("folder", path=str(tmp_path), **keys)
    assert sorted(hashed) == sorted(tmp_path.iterdir())
    short = from_folder(tmp_path, **keys, tmin=1.0, tmax=3.0)
    assert [m for m in marks(short[0]) if m[0] in one.classes] == [("calm", 200, 400), ("fist", 1200, 400)]
    (joined,) = from_folder(tmp_path, **{**keys, "pattern": keys["pattern"].replace("<subject>", "<run>")},
                            join=True)  # fmt: skip
    assert joined.raw.n_times == 4000
    assert len(cut_windows(joined, length=1.0, step=0.5)) == len(cut_windows(loaded, length=1.0, step=0.5))


def test_the_class_of_a_file_in_its_name_whatever_it_holds(tmp_path):
    for who in "ab":
        for label in ("rest", "task"):
            as_edf(tmp_path / f"{who}_{label}", raw(ord(who), labels=("note",)))
    loaded = from_folder(tmp_path, pattern="{subject}_{label}.edf", modality="emg", classes=["rest", "task"])
    assert [r.run for r in loaded] == ["rest", "task"] * 2
    assert [marks(r) for r in loaded] == [[(r.run, 0, 2000)] for r in loaded]
    assert loaded[0].raw.get_channel_types() == ["emg"] * 4
    classes = re.escape("classes is missing: the files of")
    with pytest.raises(BiotransferError, match=f"{classes}.* carry note"):
        from_folder(tmp_path, pattern="{subject}_{run}.edf", modality="emg")


def test_a_channel_of_codes_labels_every_sample(tmp_path):
    made = raw(1, n=N, labels=())
    info = mne.create_info(["STI"], 200.0, "stim")
    made.add_channels(
        [mne.io.RawArray(CODES[None].astype(float), info, verbose="error")], force_update_info=True
    )
    made.save(tmp_path / "S1_raw.fif", verbose="error")
    (one,) = from_folder(
        tmp_path, pattern="S{subject}_raw.fif", modality="emg", label_column="STI", ignore=[0],
        labels={1: "fist", 2: "point"},
    )  # fmt: skip
    assert marks(one) == EXPECTED


# ---------------------------------------------------------------------------------------------- long tables


def test_a_long_table_of_samples(tmp_path):
    frame = pd.DataFrame(counts(1, N), columns=["b1", "b2", "b3", "b4"])
    frame["subject"], frame["trial"] = np.repeat(["p2", "p1"], N // 2), REPETITIONS
    frame["label"] = pd.Series(CODES).map({0: None, 1: "fist", 2: "point"})
    keys = {"sfreq": 200.0, "unit": "uV", "modality": "emg", "run": "trial"}
    two, one = from_table(frame, **keys)
    assert (two.subject, one.subject, one.classes) == ("p2", "p1", ("fist", "point"))
    assert marks(two) == [("fist", 200, 200)]
    assert marks(one) == [("point", 0, 200), ("fist", 400, 200)]
    np.testing.assert_allclose(one.raw.get_data(), counts(1, N)[N // 2 :].T * 1e-6, rtol=1e-12)
    frame.to_csv(tmp_path / "t.csv", index=False)
    again = from_table(tmp_path / "t.csv", **keys)
    assert [marks(r) for r in again] == [marks(two), marks(one)]
    with pytest.raises(BiotransferError, match="subject='who' is no column of 'table'"):
        from_table(frame, **keys, subject="who")
    with pytest.raises(BiotransferError, match="hold something else than numbers"):
        from_table(frame, **keys, channels=["b1", "label"])
    with pytest.raises(BiotransferError, match="is no file"):
        from_table(tmp_path / "none.csv", **keys)


def test_a_file_that_was_cut_off_is_named_with_what_mne_says_of_it(tmp_path):
    for subject in "ab":
        whole = raw(n=4000).set_channel_types(dict.fromkeys("0123", "eeg"), verbose="error")
        whole.set_annotations(None).export(tmp_path / f"{subject}_rest.edf", verbose="error")
    content = (tmp_path / "b_rest.edf").read_bytes()
    (tmp_path / "b_rest.edf").write_bytes(content[: len(content) // 2])
    one, other = from_folder(tmp_path, pattern="{subject}_{label}.edf", modality="eeg")
    assert not one.notes
    assert re.search("b_rest.edf: MNE says: .*does not match the file size", " ".join(other.notes))
