"""A data set of MOABB in a recipe, with no code."""

from pathlib import Path

import pytest
import yaml

from biotransfer.cli import main
from biotransfer.pages.report import methods_text
from biotransfer.signals.datasets.moabb import need_moabb
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.recipe.sides import Section
from biotransfer.studies.running import run_study

FAKE = {
    "n_subjects": 3,
    "n_sessions": 1,
    "n_runs": 2,
    "n_events": 12,
    "duration": 60,
    "sfreq": 100,
    "seed": 1,
}
RECIPE = {
    "eeg": {"data": "moabb", "dataset": "FakeDataset", "options": FAKE},
    "emg": {"data": "simulated", "n_subjects": 3, "classes": 3},
    "features": "band_power",
    "align": {"name": "top_k", "k": 3},
    "network": {"name": "mlp", "hidden": [4]},
    "arms": ["scratch", "transferred", "permuted"],
    "train": {"epochs": 1},
    "seeds": 1,
}


@pytest.mark.slow
def test_a_recipe_leads_to_results(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    need_moabb()
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump(RECIPE), encoding="utf-8")
    assert main(["check", str(path)]) == 0
    assert "FakeDataset" in capsys.readouterr().out
    results = run_study(load_recipe(path), out=tmp_path / "out").results
    assert "FakeDataset" in methods_text(results)


def test_two_of_its_data_sets_are_two_sources_of_people() -> None:
    one, other = (
        Section.of("eeg", "eeg", {"data": "moabb", "dataset": name}) for name in ("Zhou2016", "Weibo2014")
    )
    assert one.origin != other.origin
    assert (one.title, other.title) == ("Zhou2016", "Weibo2014")
