"""A study of one's own data: named in a recipe by a path, or given in Python."""

import shutil

import mne
import numpy as np
import pytest
import yaml

from biotransfer.errors import BiotransferError
from biotransfer.pages.report import methods_text, write_report
from biotransfer.signals.datasets import from_raws, load_dataset
from biotransfer.signals.datasets.saved import content_uid, save_recordings
from biotransfer.signals.datasets.saved_windows import save_windows
from biotransfer.signals.electrodes import electrode_positions
from biotransfer.signals.features import extract_features
from biotransfer.signals.preprocessing import preprocess
from biotransfer.signals.recording import annotation_spans
from biotransfer.signals.simulate import simulate_pair
from biotransfer.signals.windows import cut_windows
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare, run_study

REST = {
    "features": "band_power",
    "align": {"name": "top_k", "k": 4},
    "network": {"name": "mlp", "hidden": [4]},
    "arms": ["scratch", "transferred", "permuted"],
    "train": {"epochs": 1},
    "seeds": 1,
}


@pytest.fixture(scope="module")
def pair():
    eeg, emg = simulate_pair(n_subjects=3, seed=3)
    return {"eeg": eeg, "emg": emg}


@pytest.fixture
def home(tmp_path, pair):
    """A folder with a recipe and, beside it, a folder of FIF files of either modality."""
    recipe = dict(REST)
    for name, recordings in pair.items():
        (tmp_path / name).mkdir()
        for r in recordings:
            r.raw.save(tmp_path / name / f"sub-{r.subject}_ses-{r.session}_run-{r.run}_raw.fif", fmt="double")
        recipe[name] = {
            "data": "folder",
            "path": name,
            "classes": list(recordings[0].classes),
            "name": f"My {name}",
            "citation": "Doe 2026",
            "licence": "CC0",
            "line_freq": 60,
        }
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(recipe))
    return tmp_path


def test_a_relative_path_is_meant_from_the_recipe(home, monkeypatch, tmp_path_factory):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    recipe = load_recipe(home / "mine.yaml")
    plan = prepare(recipe)
    for name in ("eeg", "emg"):
        about = plan.sides[name].about
        assert about["dataset"] == about["title"] == f"My {name}"
        assert (about["citation"], about["license"], about["line_freq"]) == ("Doe 2026", "CC0", 60.0)
        assert about["source_files"] if "source_files" in about else about["files"] is not None


def test_where_data_lie_and_what_they_are_called_is_no_other_study(home, tmp_path_factory):
    before = run_study(home / "mine.yaml", home / "study")
    moved = tmp_path_factory.mktemp("moved") / "home"
    shutil.move(home, moved)
    text = (moved / "mine.yaml").read_text().replace("Doe 2026", "Doe and Roe 2027")
    (moved / "mine.yaml").write_text(text)
    assert load_recipe(moved / "mine.yaml").uid == before.recipe.uid
    after = run_study(moved / "mine.yaml", moved / "study")
    assert not sum(after.trials_run.values())
    assert after.results.data["eeg"]["citation"] == "Doe and Roe 2027"
    assert after.results.curves.equals(before.results.curves)


def _sides(pair):
    return {name: {"data": "simulated", "n_subjects": 3, "seed": 3} for name in pair}


def test_recordings_given_in_python_are_the_data_of_the_study(pair, tmp_path):
    named = run_study({**REST, **_sides(pair)}, tmp_path / "named")
    given = run_study(REST, tmp_path / "given", recordings=pair)
    for table in ("curves", "predictions", "ledger"):
        ours, theirs = getattr(given.results, table), getattr(named.results, table)
        assert ours.equals(theirs)
    copies = {name: [r.with_raw(r.raw.copy()) for r in recordings] for name, recordings in pair.items()}
    again = run_study(REST, tmp_path / "given", recordings=copies)
    assert again.unchanged
    assert again.recipe.uid == given.recipe.uid
    stored = run_study(tmp_path / "given" / "recipe.yaml", tmp_path / "given")
    assert stored.unchanged


@pytest.mark.parametrize("cut", ["signals", "features"])
def test_windows_given_in_python_give_the_numbers_that_their_recordings_give(pair, tmp_path, cut):
    named = run_study({**REST, **_sides(pair)}, tmp_path / "named")
    windows = {name: cut_windows(preprocess(recordings)) for name, recordings in pair.items()}
    recipe = dict(REST)
    if cut == "features":
        exact = {n: cut_windows(preprocess(rs), dtype="float64") for n, rs in pair.items()}
        windows = {n: extract_features(w, recipe["features"]) for n, w in exact.items()}
        del recipe["features"]
    study = run_study(recipe, tmp_path / "given", windows=windows)
    ours, theirs = study.results.curves, named.results.curves
    if cut == "features":
        assert ours.equals(theirs)
    else:
        assert list(ours["arm"]) == list(theirs["arm"])
        assert np.allclose(ours["value"], theirs["value"], atol=0.05)
    assert "nuisance" not in study.results.extras
    assert any("windows were given" in c["message"] for c in study.results.checks)
    assert "windows were given as they are" in methods_text(study.results)
    write_report(study.results, tmp_path / "report.html")
    assert run_study(recipe, tmp_path / "given", windows=windows).unchanged


def test_saved_recordings_come_back_exactly_and_are_named_in_a_recipe(pair, tmp_path):
    recordings = [r.with_raw(r.raw.copy(), notes=("a note",)) for r in pair["eeg"]]
    folder = save_recordings(recordings, tmp_path / "saved")
    back = load_dataset("saved", path=str(folder), modality="eeg")
    assert back.files == ()
    assert content_uid(back) == content_uid(recordings)
    for one, other in zip(recordings, back, strict=True):
        assert np.array_equal(one.raw.get_data(), other.raw.get_data())
        assert (one.uid, one.notes, one.ch_names) == (other.uid, other.notes, other.ch_names)
        assert one.raw.annotations.extras == other.raw.annotations.extras
    recipe = {**REST, "eeg": {"data": "saved", "path": str(folder)}, "emg": _sides(pair)["emg"]}
    plan = prepare(load_recipe(recipe))
    assert len(plan.sides["eeg"].signals) == len(cut_windows(preprocess(recordings)))


def test_all_that_a_raw_holds_is_saved(tmp_path):
    names, kinds = ["C3", "Cz", "Pz", "EMG1", "ECG"], ["eeg", "eeg", "eeg", "emg", "ecg"]
    info = mne.create_info(names, 185.6333333, kinds)
    raw = mne.io.RawArray(np.random.default_rng(0).normal(size=(5, 900)) * 1e-5, info, first_samp=77)
    raw.set_montage(electrode_positions(), on_missing="ignore")
    raw.info["bads"] = ["Pz"]
    raw.set_annotations(mne.Annotations([1.25, 2.5], [1.0, 0.5], ["a", "b"], ch_names=[[], ["Cz"]]))
    (one,) = from_raws({"s": raw}, modality="eeg", classes=["a", "b"])
    (other,) = load_dataset("saved", path=str(save_recordings(one, tmp_path / "saved")), modality="eeg")
    assert other.raw.get_channel_types() == kinds
    assert (other.raw.info["bads"], other.sfreq) == (["Pz"], one.sfreq)
    places = [r.raw.get_montage().get_positions()["ch_pos"] for r in (one, other)]
    assert all(np.array_equal(places[0][name], places[1][name], equal_nan=True) for name in names[:3])
    assert annotation_spans(other.raw) == annotation_spans(one.raw)
    assert [list(n) for n in other.raw.annotations.ch_names] == [[], ["Cz"]]


def test_a_saved_recording_that_was_changed_or_lost_is_refused(pair, tmp_path):
    folder = save_recordings(pair["emg"], tmp_path / "saved")
    for name in ("0.npy", "recordings.json"):
        whole = (folder / name).read_bytes()
        for damage in (whole[:-10], b"", whole[:1] + b"x" + whole[2:]):
            (folder / name).write_bytes(damage)
            with pytest.raises(BiotransferError, match="save_recordings"):
                load_dataset("saved", path=str(folder), modality="emg")
        (folder / name).unlink()
        with pytest.raises(BiotransferError, match="save_recordings"):
            load_dataset("saved", path=str(folder), modality="emg")
        (folder / name).write_bytes(whole)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"recordings": []}, "by side"),
        ({"recordings": {"eeg": [1]}}, "from_raws"),
        ({"recordings": {"eeg": []}}, "empty"),
        ({"recordings": {"meg": None}}, "from_raws"),
        ({"windows": {"eeg": "x"}}, "Expected Windows"),
    ],
)
def test_what_is_no_data_is_refused_before_anything_else(given, said, tmp_path):
    with pytest.raises(BiotransferError, match=said):
        run_study(REST, tmp_path / "out", **given)
    assert not (tmp_path / "out").exists()


def test_a_side_is_given_once_and_has_its_own_modality(pair, tmp_path):
    windows = {"eeg": cut_windows(pair["eeg"])}
    with pytest.raises(BiotransferError, match="both given"):
        run_study(REST, tmp_path / "out", recordings=pair, windows=windows)
    with pytest.raises(BiotransferError, match="modality"):
        run_study(REST, tmp_path / "out", recordings={"eeg": pair["emg"], "emg": pair["emg"]})
    with pytest.raises(BiotransferError, match="meg"):
        run_study(REST, tmp_path / "out", recordings={**pair, "meg": pair["eeg"]})
    folder = save_windows(windows["eeg"], tmp_path / "windows")
    recipe = {**REST, "eeg": {"data": "windows", "path": str(folder), "preprocess": "eeg"}}
    with pytest.raises(BiotransferError, match="cut already"):
        load_recipe({**recipe, "emg": _sides(pair)["emg"]})


def test_what_is_wrong_with_own_recordings_reaches_the_report(pair, tmp_path):
    eeg = list(pair["eeg"])
    raw = eeg[0].raw.copy()
    raw.apply_function(lambda x: 0 * x, picks=[raw.ch_names[1]], verbose="error")
    eeg[0] = eeg[0].with_raw(raw)
    study = run_study(REST, tmp_path / "out", recordings={"eeg": eeg, "emg": pair["emg"]})
    found = study.results.data["eeg"]["findings"]
    assert [f["kind"] for f in found if f["severity"] == "error"] == ["flat"]
    (c10,) = [c for c in study.results.checks if c["id"] == "C10"]
    assert c10["severity"] == "warning"
    assert f"{raw.ch_names[1]} stands still" in c10["message"]
    page = write_report(study.results, tmp_path / "report.html").read_text(encoding="utf-8")
    assert f"{raw.ch_names[1]} stands still in 100.0% of its samples" in page
    assert "A picture of each recording" in page


def test_hum_is_looked_for_at_the_stated_frequency(home):
    text = (home / "mine.yaml").read_text()
    for stated in (50, 60):
        (home / "mine.yaml").write_text(text.replace("line_freq: 60", f"line_freq: {stated}"))
        sides = prepare(load_recipe(home / "mine.yaml")).sides
        assert {side.about["nuisance"]["line"] for side in sides.values()} == {stated}
