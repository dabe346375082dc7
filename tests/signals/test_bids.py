"""BIDS: what is written passes the official validator and comes back equal; what others wrote is read."""

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

import biotransfer as bt
from biotransfer.errors import BiotransferError
from biotransfer.signals.datasets import DATASETS, data_files, from_bids, load_dataset
from biotransfer.signals.datasets.bids.names import BIDS_TYPES
from biotransfer.signals.exchange import to_bids
from biotransfer.signals.preprocessing import preprocess
from biotransfer.signals.recording import Recording, annotation_spans
from biotransfer.signals.simulate import simulate_eeg, simulate_emg

mne_bids = pytest.importorskip("mne_bids")
VALIDATOR = Path(sys.executable).parent / "bids-validator-deno"
ERROR = 2.0**-24


def validator_errors(root: Path) -> list[dict[str, Any]]:
    """Return what the official validator calls an error."""
    command = [str(VALIDATOR), str(root), "--format", "json"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    issues = json.loads(done.stdout)["issues"]["issues"]
    return [issue for issue in issues if issue["severity"] == "error"]


def assert_equal(one: Recording, other: Recording) -> None:
    """Hold two recordings against each other: everything but the file they come from."""
    for fact in ("modality", "dataset", "subject", "session", "run", "classes", "sfreq", "ch_names"):
        assert getattr(one, fact) == getattr(other, fact), fact
    a, b = one.raw, other.raw
    assert a.ch_names == b.ch_names
    assert a.get_channel_types() == b.get_channel_types()
    assert a.info["bads"] == b.info["bads"]
    assert a.info["line_freq"] == b.info["line_freq"]
    assert a.info["meas_date"] == b.info["meas_date"]
    assert sorted(annotation_spans(a)) == sorted(annotation_spans(b))
    data, back = a.get_data(), b.get_data()
    assert data.shape == back.shape
    by_value = np.abs(data) if "eeg" in a.get_channel_types() else np.ptp(data, axis=1, keepdims=True)
    assert (np.abs(back - data) <= 1.01 * ERROR * by_value + 1e-11).all()
    for here, there in zip(a.info["chs"], b.info["chs"], strict=True):
        if mne.channel_type(a.info, a.ch_names.index(here["ch_name"])) == "eeg":
            np.testing.assert_array_equal(here["loc"][:3], there["loc"][:3])


TEXT = st.text(
    st.characters(blacklist_categories=("Cs", "Cc", "Zl", "Zp"), blacklist_characters="\x85"),
    min_size=1,
    max_size=8,
).filter(lambda t: t == t.strip() and t != "n/a" and not t.upper().startswith(("BAD", "EDGE")))
NAMES = st.text(
    st.characters(whitelist_categories=("L", "N", "Pd", "Pc", "Zs")), min_size=1, max_size=6
).filter(lambda t: t == t.strip() and t != "n/a")


@st.composite
def recordings(draw: Any) -> list[Recording]:
    """Recordings of one data set: any rate, channels, sessions, labels and bads."""
    modality = draw(st.sampled_from(["eeg", "emg"]))
    others = draw(st.lists(st.sampled_from(sorted(set(BIDS_TYPES) - {"eeg"})), max_size=3))
    types = [modality] * draw(st.integers(1, 3)) + others
    classes = tuple(draw(st.lists(TEXT, min_size=1, max_size=3, unique=True)))
    dataset, sfreq = draw(NAMES), draw(st.sampled_from([100.0, 128.0, 250.0, 1259.2593, 2148.148]))
    keys = draw(st.lists(st.tuples(NAMES, NAMES, NAMES), min_size=1, max_size=3, unique=True))
    made = []
    for i, (subject, session, run) in enumerate(keys):
        rng = np.random.default_rng(draw(st.integers(0, 99)))
        n = draw(st.integers(int(sfreq) // 2, int(3 * sfreq)))
        data = (
            np.round(rng.normal(size=(len(types), n)) * 50)
            if i % 2
            else rng.normal(size=(len(types), n)) * 50
        )
        info = mne.create_info(
            [f"{kind.upper()} of this arm {j} µ" for j, kind in enumerate(types)], sfreq, types
        )
        info["line_freq"] = draw(st.sampled_from([None, 50.0, 60.0]))
        raw = mne.io.RawArray(data * 1e-6, info, first_samp=draw(st.integers(0, 500)), verbose="error")
        info = raw.info
        info["bads"] = info["ch_names"][1:] if draw(st.booleans()) else []
        if draw(st.booleans()):
            raw.set_meas_date(1.6e9 + i)
        half, third = n // 2 / sfreq, n // 3 / sfreq
        marks = mne.Annotations(
            [0.0, half, half],
            [third, 0.0, third / 2],
            [classes[0], "EDGE boundary", classes[-1]],
            extras=[{"run": "7", "source_file": "a b.csv"}, None, {"run": "08"}],
        )
        raw.set_annotations(marks, emit_warning=False)
        made.append(Recording(raw, modality, dataset, subject, classes, session, run))
    return made


@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)
@given(made=recordings())
def test_what_is_written_comes_back_equal(made: list[Recording], tmp_path_factory: Any) -> None:
    root = tmp_path_factory.mktemp("bids")
    paths = to_bids(made, root, task="holds")
    back = from_bids(root, modality=made[0].modality)
    by_file = {root / recording.source_file: recording for recording in back}
    assert len(back) == len(made)
    for recording, path in zip(made, paths, strict=True):
        assert_equal(recording, by_file[path])


def with_both() -> list[Recording]:
    """EEG with places, one bad channel, and EMG of the same amplifier."""
    made = []
    for recording in simulate_eeg(n_subjects=2, n_runs=1, seed=3):
        raw = recording.raw.copy()
        muscle = mne.io.RawArray(
            raw.get_data()[:1] * 3, mne.create_info(["arm"], raw.info["sfreq"], "emg"), verbose="error"
        )
        raw.add_channels([muscle], force_update_info=True)
        raw.info["bads"] = raw.ch_names[1:2]
        made.append(recording.with_raw(raw))
    return made


WRITTEN = {
    "eeg": lambda: simulate_eeg(n_subjects=2, seed=0),
    "emg": lambda: simulate_emg(n_subjects=2, seed=0),
    "both": with_both,
}


@pytest.mark.parametrize("derivative", [None, "filtered"])
@pytest.mark.parametrize("kind", WRITTEN)
def test_the_validator_passes_and_what_comes_back_is_equal(
    kind: str, derivative: str | None, tmp_path: Path
) -> None:
    made = WRITTEN[kind]()
    if derivative:
        made = [preprocess(recording, made[0].modality) for recording in made]
    to_bids(
        made, tmp_path / "set", task="states", derivative=derivative, description="Presets of biotransfer."
    )
    assert validator_errors(tmp_path / "set") == []
    back = from_bids(tmp_path / "set", modality=made[0].modality)
    for one, other in zip(made, back, strict=True):
        assert_equal(one, other)
    said = json.loads((tmp_path / "set/dataset_description.json").read_text(encoding="utf-8"))
    assert said["GeneratedBy"][0]["Name"] == "biotransfer"
    assert said["DatasetType"] == ("derivative" if derivative else "raw")


def test_odd_names_pass_the_validator(tmp_path: Path) -> None:
    raw = WRITTEN["emg"]()[0].raw
    names = [("p 1", "day-1", "trial-1"), ("p1", "day1", "1"), ("P1", "ü", "02"), ("山", "山", "山")]
    made = [Recording(raw, "emg", "odd set", s, ("gesture_1", "gesture_2"), d, r) for s, d, r in names]
    to_bids(made, tmp_path, task="odd", authors=["A. B.", "C. D."], licence="CC0")
    assert validator_errors(tmp_path) == []
    back = from_bids(tmp_path, modality="emg")
    assert sorted((r.subject, r.session, r.run) for r in back) == sorted(names)
    assert {f.subject for f in back.files} == {"", *(s for s, _, _ in names)}
    assert (back.name, back.citation, back.licence) == ("odd set", "A. B., C. D. odd set", "CC0")


def test_annotations_of_some_channels_stay_theirs(tmp_path: Path) -> None:
    recording = WRITTEN["eeg"]()[0]
    raw = recording.raw.copy()
    raw.annotations.append(1.0, 0.5, "BAD blink", ch_names=[("AF7", "AF8")])
    to_bids(recording.with_raw(raw), tmp_path, task="states")
    assert validator_errors(tmp_path) == []
    back = from_bids(tmp_path, modality="eeg")[0]
    assert_equal(recording.with_raw(raw), back)
    by_name = dict(zip(back.raw.annotations.description, back.raw.annotations.ch_names, strict=True))
    assert by_name == {"state_1": (), "state_2": (), "state_3": (), "BAD blink": ("AF7", "AF8")}


REAL = {
    "mental-arithmetic": ("eeg", {"subjects": ["03"]}),
    "muse-mental-state": ("eeg", {"subjects": ["a"]}),
    "one-subject-myo": ("emg", {}),
}


@pytest.mark.parametrize("name", REAL)
def test_real_recordings_come_back_equal(name: str, real_data: Path, tmp_path: Path) -> None:
    modality, which = REAL[name]
    made = load_dataset(name, data_dir=real_data, download=False, **which)[:3]
    to_bids(made, tmp_path, task="states")
    assert validator_errors(tmp_path) == []
    back = from_bids(tmp_path, modality=modality)
    for one in made:
        assert_equal(one, next(r for r in back if r.uid == one.uid))
    if modality == "emg":  # whole microvolts are exact
        np.testing.assert_array_equal(back[0].raw.get_data(), made[0].raw.get_data())


def test_two_modalities_are_added_to_one_data_set(tmp_path: Path) -> None:
    eeg, emg = WRITTEN["eeg"](), WRITTEN["emg"]()
    to_bids(eeg, tmp_path, task="states", name="pair")
    to_bids(emg, tmp_path, task="states", name="pair")
    assert validator_errors(tmp_path) == []
    for modality, made in (("eeg", eeg), ("emg", emg)):
        back = from_bids(tmp_path, modality=modality)
        assert [r.subject for r in back] == [r.subject for r in made]
        assert {f.why for f in back.files if not f.used} == {
            f"is {'emg' if modality == 'eeg' else 'eeg'}, not {modality}"
        } or (modality == "emg")
    with pytest.raises(BiotransferError, match="is there already"):
        to_bids(emg, tmp_path, task="states", name="pair")
    to_bids(emg, tmp_path, task="states", name="pair", overwrite=True)
    with pytest.raises(BiotransferError, match="is a raw data set, these recordings are derivative"):
        to_bids(emg, tmp_path, task="states", name="pair", derivative="filtered")


# --- what others wrote


def foreign(
    root: Path, *, durations: float = 2.0, task: str = "go", subject: str = "01", **entities: Any
) -> mne.io.BaseRaw:
    """A recording that mne-bids wrote, an implementation of its own."""
    rng = np.random.default_rng(0)
    raw = mne.io.RawArray(
        rng.normal(size=(4, 2500)) * 1e-5,
        mne.create_info(["Fz", "Cz", "Pz", "EOG"], 250.0, ["eeg"] * 3 + ["eog"]),
        verbose="error",
    )
    raw.info["line_freq"], raw.info["bads"] = 50, ["Pz"]
    raw.set_montage("biosemi64")
    raw.set_annotations(mne.Annotations([1.0, 4.0, 7.0], [durations] * 3, ["go left", "go right", "go left"]))
    where = mne_bids.BIDSPath(subject=subject, task=task, datatype="eeg", root=root, **entities)
    mne_bids.write_raw_bids(
        raw, where, allow_preload=True, format="BrainVision", verbose=False, overwrite=True
    )
    return raw


def events_of(root: Path) -> Path:
    return next(root.rglob("*_events.tsv"))


def test_what_mne_bids_wrote_is_read(tmp_path: Path) -> None:
    raw = foreign(tmp_path)
    back = from_bids(tmp_path, modality="eeg", classes=["go left", "go right"])[0]
    assert back.raw.get_channel_types() == ["eeg"] * 3 + ["eog"]
    assert (back.ch_names, back.raw.info["bads"], back.raw.info["line_freq"]) == (["Fz", "Cz"], ["Pz"], 50)
    assert (back.subject, back.session, back.run) == ("01", "1", "1")
    np.testing.assert_allclose(back.raw.get_data(), raw.get_data(), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(back.raw.info["chs"][0]["loc"][:3], raw.info["chs"][0]["loc"][:3])
    assert [s[:3] for s in annotation_spans(back.raw)] == [
        (250, 750, "go left"),
        (1000, 1500, "go right"),
        (1750, 2250, "go left"),
    ]


@pytest.mark.parametrize(
    ("kind", "form"), [("eeg", "EDF"), ("eeg", "BDF"), ("eeg", "BrainVision"), ("emg", "EDF"), ("emg", "BDF")]
)
def test_what_fills_the_last_block_is_no_signal(kind: str, form: str, tmp_path: Path) -> None:
    data = np.random.default_rng(0).normal(size=(2, 2469)) * 1e-5
    raw = mne.io.RawArray(data, mne.create_info(["one", "two"], 250.0, kind), verbose="error")
    raw.set_annotations(mne.Annotations([1.0, 9.5], [2.0, 0.376], ["go", "stop"]))
    where = mne_bids.BIDSPath(subject="01", task="go", datatype=kind, root=tmp_path)
    placed = {"emg_placement": "Other"} if kind == "emg" else {}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mne_bids.write_raw_bids(raw, where, allow_preload=True, format=form, verbose=False, **placed)
    back = from_bids(tmp_path, modality=kind, classes=["go", "stop"])[0]
    assert back.raw.n_times == 2469
    assert [s[:3] for s in annotation_spans(back.raw)] == [s[:3] for s in annotation_spans(raw)]
    assert back.raw.info["meas_date"] is None
    np.testing.assert_allclose(back.raw.get_data(), data, atol=np.ptp(data) / 2**15)


def test_labels_stay_as_written_whatever_their_values(tmp_path: Path) -> None:
    foreign(tmp_path)
    path = events_of(tmp_path)
    rows = [line.split("\t") for line in path.read_text(encoding="utf-8").splitlines()]
    place = rows[0].index("value")
    for i, row in enumerate(rows[1:]):
        row[place] = str(10 + i)  # mne-bids would call these go left/10 and go left/12
    path.write_text("\n".join("\t".join(row) for row in rows), encoding="utf-8")
    back = from_bids(tmp_path, modality="eeg", classes=["go left", "go right"])[0]
    assert set(back.raw.annotations.description) == {"go left", "go right"}
    by_value = from_bids(tmp_path, modality="eeg", labels="value", classes=["10", "11"])[0]
    assert set(by_value.raw.annotations.description) == {"10", "11", "12"}


def test_a_column_of_others_does_not_rename_a_run(tmp_path: Path) -> None:
    for task in ("go", "rest"):
        foreign(tmp_path, task=task)
    for path in tmp_path.rglob("*_events.tsv"):
        head, *rows = path.read_text(encoding="utf-8").splitlines()
        path.write_text("\n".join([f"{head}\trun", *(f"{row}\t7" for row in rows)]), encoding="utf-8")
    back = from_bids(tmp_path, modality="eeg", classes=["go left", "go right"])
    windows = bt.cut_windows(back)
    assert set(windows.metadata["run"]) == {r.run for r in back} == {"go-1", "rest-1"}
    assert {s.extras["run_of_events"] for r in back for s in annotation_spans(r.raw)} == {"7"}


def test_points_become_stretches(tmp_path: Path) -> None:
    foreign(tmp_path, durations=0.0)
    asked: dict[str, Any] = {"modality": "eeg", "classes": ["go left", "go right"]}
    with pytest.raises(BiotransferError, match=r"go left, go right .*no duration"):
        bt.cut_windows(from_bids(tmp_path, **asked))
    back = from_bids(tmp_path, tmin=0.5, tmax=1.5, **asked)[0]
    assert [s[:2] for s in annotation_spans(back.raw)] == [(375, 625), (1125, 1375), (1875, 2125)]


def test_a_part_of_the_name_can_be_the_label(tmp_path: Path) -> None:
    for task in ("rest", "count"):
        foreign(tmp_path, task=task)
    back = from_bids(tmp_path, modality="eeg", labels="task")
    assert back[0].classes == ("count", "rest")
    assert [r.run for r in back] == ["count-1", "rest-1"]
    assert [[s[:3] for s in annotation_spans(r.raw)] for r in back] == [
        [(0, 2500, "count")],
        [(0, 2500, "rest")],
    ]
    assert len(bt.cut_windows(back)) > 20


def test_every_file_is_accounted_for(tmp_path: Path) -> None:
    foreign(tmp_path)
    foreign(tmp_path, subject="02")
    foreign(tmp_path, task="rest")
    foreign(tmp_path / "derivatives/clean")
    for name in (
        "sourcedata/a.edf",
        "code/run.py",
        "sub-01/anat/sub-01_T1w.nii.gz",
        "sub-03/meg/sub-03_task-go_meg.fif",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"")
    back = from_bids(tmp_path, modality="eeg", classes=["go left", "go right"], subjects=["01"], tasks=["go"])
    on_disk = {p.relative_to(tmp_path).as_posix() for p in tmp_path.rglob("*") if p.is_file()}
    assert [f.path for f in back.files] == sorted({f.path for f in back.files})
    assert {f.path for f in back.files} == on_disk
    assert [r.source_file for r in back] == ["sub-01/eeg/sub-01_task-go_eeg.vhdr"]
    why = {f.path: f.why for f in back.files}
    assert "derivatives" in why["derivatives/clean/sub-01/eeg/sub-01_task-go_eeg.eeg"]
    assert "sourcedata" in why["sourcedata/a.edf"]
    assert why["sub-01/anat/sub-01_T1w.nii.gz"] == "is anat, not eeg or emg"
    assert why["sub-01/eeg/sub-01_task-rest_eeg.vmrk"] == "is task rest, which is not asked for"
    assert why["sub-02/eeg/sub-02_task-go_channels.tsv"] == "is subject 02, which is not asked for"
    assert why["sub-01/eeg/sub-01_task-go_eeg.eeg"] == ""
    _, files = data_files("bids", path=str(tmp_path), modality="eeg", subjects=["01"], tasks=["go"]) or (
        None,
        [],
    )
    assert {p.relative_to(tmp_path).as_posix() for p in files} == {f.path for f in back.files if f.used}


def test_a_file_that_cannot_be_used_says_why(tmp_path: Path) -> None:
    foreign(tmp_path)
    foreign(tmp_path, subject="02")
    foreign(tmp_path, subject="03")
    (tmp_path / "sub-02/eeg/sub-02_task-go_eeg.eeg").write_bytes(b"")
    path = tmp_path / "sub-03/eeg/sub-03_task-go_events.tsv"
    path.write_text(path.read_text(encoding="utf-8").replace("go ", "stop "), encoding="utf-8")
    back = from_bids(tmp_path, modality="eeg", classes=["go left", "go right"])
    why = {f.path: f.why for f in back.files}
    assert [r.subject for r in back] == ["01"]
    assert "cannot be read" in why["sub-02/eeg/sub-02_task-go_eeg.vhdr"]
    assert why["sub-03/eeg/sub-03_task-go_eeg.vhdr"] == "has none of the classes, only stop left, stop right"


def test_parts_of_a_split_file_are_one_recording(tmp_path: Path) -> None:
    foreign(tmp_path)
    folder = tmp_path / "sub-01/eeg"
    n = 250 * 400
    info = mne.create_info(["Fz", "Cz", "Pz", "EOG"], 250.0, ["eeg"] * 3 + ["eog"])
    raw = mne.io.RawArray(np.random.default_rng(0).normal(size=(4, n)) * 1e-5, info, verbose="error")
    for path in folder.glob("*_eeg.[ve]*"):
        if path.suffix != ".json":
            path.unlink()
    raw.save(
        folder / "sub-01_task-go_eeg.fif",
        fmt="double",
        split_size="2MB",
        buffer_size_sec=1,
        split_naming="bids",
        verbose="error",
    )
    parts = sorted(p.name for p in folder.glob("*.fif"))
    assert len(parts) > 1
    for part in parts:
        for what in ("channels.tsv", "events.tsv", "eeg.json"):
            (folder / part.replace("eeg.fif", what)).write_text(
                (folder / f"sub-01_task-go_{what}").read_text(encoding="utf-8"), encoding="utf-8"
            )
    back = from_bids(tmp_path, modality="eeg", classes=["go left", "go right"])
    assert [r.raw.n_times for r in back] == [n]
    assert {f.path.rsplit("/", 1)[-1] for f in back.files if f.used} >= set(parts)


def test_versions_of_a_recording_are_not_doubled(tmp_path: Path) -> None:
    made = WRITTEN["eeg"]()
    for name in ("raw", "clean"):
        to_bids(made, tmp_path, task="states", derivative=name)
    with pytest.raises(BiotransferError, match="versions clean, raw, so the same signal more than once"):
        from_bids(tmp_path, modality="eeg")
    back = from_bids(tmp_path, modality="eeg", desc="clean")
    assert len(back) == len(made)
    assert {f.why for f in back.files} == {"", "is version raw, not clean"}


REFUSED = {
    "no folder": ({"root": "nowhere"}, "is no folder"),
    "no recording": ({"root": "sub-01"}, "holds no recording like"),
    "unknown person": ({"subjects": ["1"]}, "'1' is not there"),
    "unknown task": ({"tasks": ["goo"]}, "Did you mean 'go'"),
    "no class": ({"classes": ["go lefd"]}, "Did you mean 'go left'"),
    "classes missing": ({"classes": None}, r"classes is missing.*go left \(2\), go right \(1\)"),
    "no column": ({"labels": "kind"}, "has no column kind, only onset"),
    "no channel": ({"modality": "emg"}, "has no good emg channel, only eeg, eog"),
    "no version": ({"desc": "clean"}, "Expected one of its versions: none"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_does_not_fit_is_refused(case: str, tmp_path: Path) -> None:
    foreign(tmp_path)
    change, said = REFUSED[case]
    asked = {"modality": "eeg", "classes": ["go left", "go right"], **change}
    with pytest.raises(BiotransferError, match=said):
        from_bids(tmp_path / asked.pop("root", ""), **asked)


def _rename(raw: Any) -> None:
    raw.set_channel_types({raw.ch_names[0]: "bio"}, on_unit_change="ignore")


UNWRITABLE = {
    "a tab": (lambda raw: raw.annotations.rename({"state_1": "a\tb"}), "holds a tab"),
    "a blank": (lambda raw: raw.annotations.rename({"state_1": "a "}), "begins or ends with a blank"),
    "a type": (_rename, "is of type 'bio'"),
}


@pytest.mark.parametrize("case", UNWRITABLE)
def test_what_bids_cannot_hold_is_refused(case: str, tmp_path: Path) -> None:
    recording = WRITTEN["eeg"]()[0]
    raw = recording.raw.copy()
    change, said = UNWRITABLE[case]
    change(raw)
    with pytest.raises(BiotransferError, match=said):
        to_bids(recording.with_raw(raw), tmp_path, task="states")


@pytest.mark.parametrize("key", ["task", "derivative"])
def test_labels_of_files_are_letters_and_digits(key: str, tmp_path: Path) -> None:
    with pytest.raises(BiotransferError, match=f"{key}='my task' is no label of BIDS"):
        to_bids(WRITTEN["emg"](), tmp_path, **{"task": "x", key: "my task"})


def test_a_recipe_can_name_it(tmp_path: Path) -> None:
    made = WRITTEN["emg"]()
    to_bids(made, tmp_path, task="gestures")
    assert DATASETS["bids"].facts["paths"] == ("path",)
    back = load_dataset("bids", path=str(tmp_path), modality="emg", classes=["gesture_2", "gesture_1"])
    assert [r.classes for r in back] == [("gesture_2", "gesture_1")] * 2
