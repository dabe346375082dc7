"""The account adds up: every sample of every file is in a window, or counted with its reason."""

import itertools
import json
from pathlib import Path
from typing import Any

import mne
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from biotransfer import account, cut_windows, from_arrays, from_folder
from biotransfer.errors import BiotransferError
from biotransfer.signals.account import say_account
from biotransfer.signals.datasets.loaded import Loaded, SeenFile
from biotransfer.signals.datasets.saved import load_saved, save_recordings
from biotransfer.signals.preprocessing.stored import read_recordings, write_recordings
from biotransfer.signals.quality.facts import Facts, recording_facts
from biotransfer.signals.recording import EDGE
from biotransfer.signals.windows.fates import FATES
from tests.recordings import make_recording

LOST = [fate for fate in FATES if fate != "in_windows"]
MARKS = ("BAD", "bad_jump", EDGE, "boundary", "New Segment/", "BAD_ACQ_SKIP")


@st.composite
def files(draw: st.DrawFn) -> dict[str, Any]:
    """Draw one file on a grid of samples: labels that do not overlap, others anywhere, marks, points."""
    n_times = draw(st.integers(30, 150))
    borders = sorted(draw(st.sets(st.integers(0, n_times), min_size=2, max_size=8)))
    labels = [
        (a, b, draw(st.sampled_from(["a", "b", "other"])))
        for a, b in itertools.pairwise(borders)
        if draw(st.booleans())
    ]
    if draw(st.booleans()):
        labels.append((draw(st.integers(0, 20)), n_times, "elsewhere"))
    marks = []
    for _ in range(draw(st.integers(0, 3))):
        begin = draw(st.integers(0, n_times - 1))
        marks.append((begin, min(begin + draw(st.integers(0, 12)), n_times), draw(st.sampled_from(MARKS))))
    points = [(draw(st.integers(0, n_times - 1)),) * 2 + ("a",) for _ in range(draw(st.integers(0, 2)))]
    return {"n_times": n_times, "labels": labels, "marks": marks, "points": points}


CUTTINGS = st.fixed_dictionaries(
    {"length": st.integers(2, 25).map(lambda n: n / 100), "step": st.integers(1, 30).map(lambda n: n / 100)}
)


def _notes(one: dict[str, Any]) -> list[tuple[float, float, str]]:
    spans = one["labels"] + one["marks"] + one["points"]
    return [(a / 100, (b - a) / 100, text) for a, b, text in spans]


def expected_fates(one: dict[str, Any], length: float, step: float) -> dict[str, int]:
    """Count sample by sample, without what the package knows."""
    n, size, hop = one["n_times"], round(length * 100), round(step * 100)
    sized = [(a, a if t in ("boundary", "New Segment/") else b) for a, b, t in one["marks"]]
    marked = [any(a <= t < b for a, b in sized) for t in range(n)]
    edges = {a for a, _ in sized} | {b for _, b in sized}
    fate = ["unlabelled"] * n
    for a, b, text in one["labels"]:
        if text not in ("a", "b"):
            for t in range(a, b):
                fate[t] = "other_label"
    for a, b, text in one["labels"]:
        if text not in ("a", "b"):
            continue
        runs: list[list[int]] = [[]]
        for t in range(a, b):
            if t in edges and runs[-1]:
                runs.append([])
            if marked[t]:
                fate[t] = "bad"
            else:
                runs[-1].append(t)
        for run in filter(None, runs):
            for t in run:
                fate[t] = "short"
            starts = list(range(run[0], run[-1] + 2 - size, hop))
            for t in run if starts else []:
                fate[t] = "between" if t < starts[-1] + size else "rest"
            for start in starts:
                fate[start : start + size] = ["in_windows"] * size
    return {name: fate.count(name) for name in FATES}


@given(st.lists(files(), min_size=1, max_size=4), CUTTINGS)
@settings(max_examples=100, deadline=None)
def test_every_sample_has_the_fate_that_a_count_sample_by_sample_gives(
    several: list[dict[str, Any]], cutting: dict[str, float]
) -> None:
    recordings = [
        make_recording(
            np.zeros((1, one["n_times"])), 100.0, _notes(one), subject=f"s{i}", source_file=f"s{i}.fif"
        )
        for i, one in enumerate(several)
    ]
    table = account(recordings, rows="file", **cutting)
    assert table["samples"].tolist() == [one["n_times"] for one in several]
    assert (table[list(FATES)].sum(axis=1) == table["samples"]).all()
    for (_, row), one in zip(table.iterrows(), several, strict=True):
        assert {name: row[name] for name in FATES} == expected_fates(one, **cutting)
    people = account(recordings, **cutting)
    lost = people[[f"lost_{fate}" for fate in LOST]].sum(axis=1)
    np.testing.assert_allclose(people["seconds_in_windows"] + lost, people["seconds"])
    np.testing.assert_allclose(people["seconds"], [one["n_times"] / 100 for one in several])
    assert people["windows"].sum() == people[["windows_a", "windows_b"]].to_numpy().sum()


@given(st.lists(files(), min_size=1, max_size=3), CUTTINGS)
@settings(max_examples=25, deadline=None)
def test_a_folder_adds_up(
    tmp_path_factory: pytest.TempPathFactory, several: list[dict[str, Any]], cutting: dict[str, float]
) -> None:
    """From files on disk to windows: the account holds every sample of every file, and of the windows."""
    folder = tmp_path_factory.mktemp("folder")
    several[0]["labels"] = [(0, 25, "a"), (25, 30, "b")]
    for i, one in enumerate(several):
        info = mne.create_info(2, 100.0, "emg")
        raw = mne.io.RawArray(np.full((2, one["n_times"]), 1e-5), info, verbose="error")
        notes = _notes(one) if i == 0 or {"a", "b"} & {t for *_, t in one["labels"]} else []
        if notes:
            raw.set_annotations(mne.Annotations(*zip(*notes, strict=True)), emit_warning=False)
        raw.save(folder / f"sub-p{i}_raw.fif", fmt="double", verbose="error")
    recordings = from_folder(folder, modality="emg", classes=["a", "b"])
    table = account(recordings, rows="file", **cutting)
    assert set(table["recording"]) == {recording.uid for recording in recordings}
    on_disk = {f.name: mne.io.read_raw_fif(f, verbose="error").n_times for f in sorted(folder.glob("*.fif"))}
    by_file = table.groupby("file")["samples"].sum()
    assert {Path(str(name)).name: n for name, n in by_file.items()} == on_disk
    assert table[list(FATES)].to_numpy().sum() == sum(on_disk.values())
    try:
        windows = cut_windows(recordings, **cutting)
    except BiotransferError:
        return
    covered = 0
    for _, part in windows.metadata.groupby("recording"):
        rows = part[["start", "stop"]].mul(100).round().astype(int).itertuples(index=False)
        covered += len(set().union(*(range(first, last) for first, last in rows)))
    assert table["in_windows"].sum() == covered
    assert table["windows"].sum() == len(windows)


@given(
    st.lists(files(), min_size=2, max_size=5),
    CUTTINGS,
    st.sampled_from(["fif", "csv"]),
    st.lists(st.sampled_from(["notes.txt", "sub-z_raw.txt", "deep/Copy of x.csv"]), unique=True),
)
@settings(max_examples=15, deadline=None)
def test_a_folder_of_files_that_are_joined_adds_up(
    tmp_path_factory: pytest.TempPathFactory,
    several: list[dict[str, Any]],
    cutting: dict[str, float],
    kind: str,
    strays: list[str],
) -> None:
    """Every file on disk stands in the account: with all of its samples, or with the reason why not."""
    folder = tmp_path_factory.mktemp("joined")
    for one in several[:2]:
        one["labels"] = [(0, 12, "a"), (12, 30, "b")]
    on_disk = {}
    for i, one in enumerate(several):
        n, name = one["n_times"], f"p{i % 2}_{i}.{kind}"
        data = np.random.default_rng(i).normal(0, 1e-5, (2, n))
        if kind == "csv":
            label = np.zeros(n, int)
            for first, last, text in one["labels"]:
                label[first:last] = {"a": 1, "b": 2}.get(text, 3)
            table = np.column_stack([*(data * 1e6), label])
            np.savetxt(folder / name, table, delimiter=",", header="x,y,label", comments="")
        else:
            raw = mne.io.RawArray(data, mne.create_info(["x", "y"], 100.0, "emg"), verbose="error")
            if notes := _notes(one):
                raw.set_annotations(mne.Annotations(*zip(*notes, strict=True)), emit_warning=False)
            raw.save(folder / name, fmt="double", verbose="error")
        on_disk[name] = n
    for stray in strays:
        (folder / stray).parent.mkdir(exist_ok=True)
        (folder / stray).write_text("x", "utf-8")
    keys = {"pattern": "{subject}_{run}." + kind, "modality": "emg", "classes": ["a", "b"], "join": True}
    if kind == "csv":
        codes = {1: "a", 2: "b", 3: "other"}
        keys |= {"sfreq": 100.0, "unit": "uV", "labels": codes, "label_column": "label", "ignore": [0]}
    table = account(from_folder(folder, **keys), rows="file", **cutting)
    assert set(table["file"]) == {*on_disk, *strays}
    assert table["file"].is_unique
    assert (table[list(FATES)].sum(axis=1) == table["samples"]).all()
    for row in table.to_dict("records"):
        if row["used"]:
            assert row["samples"] == on_disk[row["file"]]
        else:
            assert row["why"]
            assert row["samples"] == 0


@given(st.lists(st.integers(5, 80), min_size=1, max_size=6), CUTTINGS)
@settings(max_examples=40, deadline=None)
def test_files_that_one_recording_joins_are_told_apart(
    tmp_path_factory: pytest.TempPathFactory, lengths: list[int], cutting: dict[str, float]
) -> None:
    """By labels that name them, by the edges before them; also after storing."""
    notes, edges, begin = [], [], 0
    for i, n in enumerate(lengths):
        labelled = i % 3 != 2
        if labelled:
            notes.append((begin / 100, n / 100, "ab"[i % 2], {"source_file": f"{i}.csv"}))
        if begin:
            edges.append((begin / 100, 0.0, EDGE, None if labelled else {"source_file": f"{i}.csv"}))
        begin += n
    recording = make_recording(np.zeros((1, begin)), 100.0, [])
    onset, duration, text, extras = zip(*notes, *edges, strict=True)
    recording.raw.set_annotations(
        mne.Annotations(onset, duration, text, extras=list(extras)), emit_warning=False
    )
    folder = tmp_path_factory.mktemp("stored")
    write_recordings([recording], folder)
    for same in (recording, *read_recordings(folder)):
        table = account(same, rows="file", **cutting)
        assert dict(zip(table["file"], table["samples"], strict=True)) == {
            f"{i}.csv": n for i, n in enumerate(lengths)
        }


def test_arrays_are_trials_that_add_up() -> None:
    X = [np.zeros((2, n)) for n in (250, 99, 310)]
    recordings = from_arrays(X, ["a", "b", "a"], sfreq=100.0, unit="uV", modality="emg", subjects=list("xyx"))
    table = account(recordings, length=1.0, step=0.5).set_index("subject")
    assert table.loc["x", "windows_a"] == 4 + 5
    assert table.loc["x", "trials"] == 2
    assert table.loc["y", "lost_short"] == pytest.approx(0.99)
    assert table.loc["x", "lost_rest"] == pytest.approx(0.1)


def test_windows_that_were_taken_out_are_counted() -> None:
    recording = make_recording(np.zeros((1, 500)), classes=("a",))
    windows = cut_windows(recording, length=1.0, step=0.5)
    kept = windows.take(np.arange(len(windows)) != 0)
    row = account(recording, kept, rows="file", length=1.0, step=0.5).iloc[0]
    assert (row["windows"], row["in_windows"], row["taken_out"]) == (8, 450, 50)
    with pytest.raises(BiotransferError, match=r"8 of 8 are none of these recordings"):
        account(make_recording(np.zeros((1, 500)), subject="z"), kept, length=1.0, step=0.5)
    with pytest.raises(BiotransferError, match=r"windows last 1 s, .* length=0.3"):
        account(recording, windows.take([1]), length=0.3, step=0.25)


def test_the_end_that_time_stamps_leave_is_counted() -> None:
    times = np.arange(400) / 100
    times[250:] += 3.0
    recording = make_recording(np.zeros((1, 400)), classes=("a",), timestamps=times)
    row = account(recording, rows="file", length=1.0, step=0.5, by="timestamps", n_times=100).iloc[0]
    assert row["samples"] == row["in_windows"] + row["time_stamps"] == 400
    assert row["time_stamps"] > 0


def test_files_that_are_not_used_stand_with_their_reason() -> None:
    seen = [
        SeenFile("s1.fif", "s1"),
        SeenFile("Copy of s1.fif", "s1", "its samples are those of s1.fif"),
        SeenFile("notes.txt", "", "its name does not fit the pattern"),
        SeenFile("s2.fif", "s2", "it is empty"),
    ]
    recordings = Loaded([make_recording(np.zeros((1, 500)), source_file="s1.fif")], seen)
    table = account(recordings, rows="file")
    assert table["file"].tolist() == [file.path for file in seen]
    assert table["used"].tolist() == [True, False, False, False]
    assert table["why"].tolist() == [file.why for file in seen]
    people = account(recordings).set_index("subject")
    assert people["files"].to_dict() == {"": 1, "s1": 2, "s2": 1}
    assert people["files_not_used"].to_dict() == {"": 1, "s1": 1, "s2": 1}
    assert people.loc["s2", "why_not_used"] == "it is empty"
    assert people.loc["s2", "recordings"] == 0


@given(scale=st.floats(1e-6, 1e-3), n=st.integers(10, 60_000), seed=st.integers(0, 9))
@settings(max_examples=20, deadline=None)
def test_the_amplitude_is_that_of_all_samples(scale: float, n: int, seed: int) -> None:
    """A spread of 20 000 samples tells the amplitude of normal noise to 10 %; offsets do not matter."""
    data = np.random.default_rng(seed).normal(0, scale, (3, n)) + np.array([[0.0], [1e-3], [-2e-3]])
    facts = recording_facts(make_recording(data))
    whole = np.median([np.median(np.abs(x - np.median(x))) for x in data]) * 1e6
    assert facts.amplitudes["eeg"] == pytest.approx(whole, rel=1e-12 if n < 20_000 else 0.1)


def test_facts_survive_json_and_name_what_stands_still() -> None:
    data = np.random.default_rng(0).normal(0, 1e-5, (4, 500))
    data[1] = 3e-5
    recording = make_recording(
        data, annotations=[(0, 1, "a"), (1, 0, "a"), (2, 1, "other"), (3, 1, "BAD")],
        types=["eeg", "eeg", "eeg", "emg"],
    )  # fmt: skip
    recording.raw.info["bads"] = ["eeg2"]
    facts = recording_facts(recording)
    assert (facts.ch_names, facts.bads, facts.still) == (("eeg0", "eeg1"), ("eeg2",), ("eeg1",))
    assert facts.labels == {"a": (2, 1.0), "other": (1, 1.0)}
    assert set(facts.amplitudes) == {"eeg", "emg"}
    assert Facts.read(json.loads(json.dumps(facts.plain()))) == facts


def test_nothing_is_accounted_for_nothing() -> None:
    with pytest.raises(BiotransferError, match="recordings=\\[\\] is empty"):
        account([])
    with pytest.raises(BiotransferError, match="rows='people' is unknown"):
        account(make_recording(np.zeros((1, 50))), rows="people")


def test_files_left_out_for_one_reason_are_said_once() -> None:
    seen = [SeenFile(f"c{i}.fif", "s1", f"it is a processed copy of s{i}.fif") for i in range(7)]
    seen += [SeenFile("notes.txt", "", "its name does not fit"), SeenFile("s1.fif", "s1")]
    recordings = Loaded([make_recording(np.zeros((1, 500)), source_file="s1.fif")], seen)
    people, files = (account(recordings, rows=rows) for rows in ("person", "file"))
    first = say_account(people, files)[0]
    assert first == (
        "files: 9 found, 8 not used: 7 such as c0.fif (it is a processed copy of s0.fif), notes.txt "
        "(its name does not fit)"
    )


def test_runs_of_trials_in_several_files_of_one_person_are_told_apart(tmp_path: Path) -> None:
    """Each file counts its trials from one; the run in its name tells them apart."""
    for run in (1, 2):
        X = np.random.default_rng(run).normal(0, 1e-5, (4, 2, 300))
        (one,) = from_arrays(X, ["a", "b"] * 2, sfreq=100.0, unit="V", modality="emg", subjects="x")
        one.raw.save(tmp_path / f"sub-x_run-{run}_raw.fif", fmt="double", verbose="error")
    windows = cut_windows(from_folder(tmp_path, modality="emg", classes=["a", "b"]), length=1.0, step=0.5)
    assert len(windows) == 2 * 4 * 5
    assert windows.metadata["recording"].nunique() == 8


def test_what_a_loader_left_out_is_still_known_after_saving(tmp_path: Path) -> None:
    seen = [SeenFile("s1.fif", "s1"), SeenFile("notes.txt", "", "its name does not fit")]
    recordings = Loaded([make_recording(np.zeros((1, 500)), source_file="s1.fif")], seen)
    before = account(recordings, rows="file")
    after = account(load_saved(None, path=str(save_recordings(recordings, tmp_path / "saved"))), rows="file")
    assert after.to_dict("records")[0] == before.to_dict("records")[0]
    assert after["file"].tolist() == ["s1.fif", "notes.txt"]
    assert after["why"].tolist() == before["why"].tolist()
