"""From BIDS data sets of EEG and EMG in their layout to a report, with no code but a recipe."""

from pathlib import Path

import pytest
import yaml

from biotransfer.cli import main
from biotransfer.pages.report import methods_text, write_report
from biotransfer.signals.exchange import to_bids
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
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a recipe and, beside it, a BIDS data set of either modality."""
    folder = tmp_path_factory.mktemp("bids_study")
    sides = dict(zip(("eeg", "emg"), simulate_pair(n_subjects=3, seed=3), strict=True))
    for name, recordings in sides.items():
        to_bids(
            recordings,
            folder / name,
            task="states",
            name=f"The {name} of Doe",
            authors=["Doe, J.", "Roe, R."],
            licence="CC0",
        )
    recipe = REST | {name: {"data": "bids", "path": name} for name in sides}
    (folder / "mine.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    return folder


@pytest.mark.slow
def test_a_recipe_leads_to_a_report(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(home / "mine.yaml")]) == 0
    results = run_study(load_recipe(home / "mine.yaml"), out=home / "out").results
    text = methods_text(results)
    assert "Doe, J., Roe, R. The emg of Doe" in text
    page = write_report(results, home / "report.html").read_text(encoding="utf-8")
    assert "CC0" in page
    assert "The eeg of Doe" in page
    capsys.readouterr()


def test_what_the_recipe_says_wins(home: Path) -> None:
    recipe = yaml.safe_load((home / "mine.yaml").read_text(encoding="utf-8"))
    recipe["eeg"] |= {"citation": "Me 2026"}
    (home / "other.yaml").write_text(yaml.safe_dump(recipe), encoding="utf-8")
    about = prepare(load_recipe(home / "other.yaml")).sides["eeg"].about
    assert (about["citation"], about["license"], about["title"]) == ("Me 2026", "CC0", "The eeg of Doe")
