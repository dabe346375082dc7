"""Every shipped recipe runs in its smoke form, on the data that it names."""

import pytest
import yaml

from biotransfer.studies.recipe import shipped_recipes
from biotransfer.studies.running import run_study


def _is_within(path):
    """Whether a recipe names nothing but data that come with the package."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    sides = [value for value in raw.values() if isinstance(value, dict) and "data" in value]
    return bool(sides) and all(side["data"] in ("simulated", "excerpt") for side in sides)


WITHIN = [name for name, path in shipped_recipes().items() if _is_within(path)]
FAST = ["simulated_pair"]


@pytest.mark.parametrize(
    "name",
    [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in shipped_recipes()],
)
def test_a_shipped_recipe_runs_to_its_verdicts(name, tmp_path, request):
    folder = None if name in WITHIN else request.getfixturevalue("real_data")
    results = run_study(name, tmp_path / "out", data_dir=folder, smoke=True).results
    arms = {arm if isinstance(arm, str) else arm.get("label", arm["name"]) for arm in results.recipe["arms"]}
    assert results.recipe["smoke"]
    assert set(results.curves["arm"]) == arms
    assert set(results.curves["direction"]) == set(results.recipe["directions"])
    judged = {verdict["arm"] for verdict in results.verdict_list}
    assert judged
    assert judged < arms
