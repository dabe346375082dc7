"""Every shipped recipe runs in its smoke form: on the data that it names, to a report."""

import pytest

from biotransfer.pages.report import write_report
from biotransfer.studies.recipe import load_recipe, shipped_recipes
from biotransfer.studies.running import run_study

SECONDS = {"quickstart"}
"""The others take longer."""


@pytest.mark.parametrize(
    "name",
    [name if name in SECONDS else pytest.param(name, marks=pytest.mark.slow) for name in shipped_recipes()],
)
def test_a_shipped_recipe_runs_to_its_report(name, tmp_path, request):
    recipe = load_recipe(name, smoke=True)
    sides = [side for side in recipe.to_dict().values() if isinstance(side, dict) and "data" in side]
    simulated = bool(sides) and all(side["data"] == "simulated" for side in sides)
    folder = None if simulated else request.getfixturevalue("real_data")
    study = run_study(recipe, tmp_path / "out", data_dir=folder)
    results = study.results
    assert set(results.curves["arm"]) == {
        arm if isinstance(arm, str) else arm.get("label", arm["name"]) for arm in recipe["arms"]
    }
    assert set(results.curves["direction"]) == set(recipe["directions"])
    assert len(results.verdicts)
    page = write_report(results, tmp_path / "report.html").read_text(encoding="utf-8")
    assert recipe["title"].split()[0] in page
