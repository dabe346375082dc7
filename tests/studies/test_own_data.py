"""A study of one's own data: named in a recipe by a path, or given in Python."""

import shutil

import pytest
import yaml

from biotransfer.signals.simulate import simulate_pair
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
