"""Every shipped recipe runs in its smoke form, on the data that it names."""

import pytest
import yaml

from biotransfer.studies.recipe import load_recipe, shipped_recipes
from biotransfer.studies.running import run_study
from tests.stand_ins import patch_moabb, patch_published


def _data(path):
    """Data sets that a recipe names."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    sides = [*raw.values(), *(raw.get("sets") or {}).values()]
    return {side["data"] for side in sides if isinstance(side, dict) and "data" in side}


WITHIN = [name for name, path in shipped_recipes().items() if _data(path) <= {"simulated", "excerpt"}]
FROM_MOABB = [name for name, path in shipped_recipes().items() if "moabb" in _data(path)]
FAST = ["simulated_pair"]
PART = {
    "definitive_signals": ["budget.seconds=[5]"],  # three people have no more
    "definitive": ["directions=[cote->arithmetic, muse->readings]"],
    "definitive_all": ["directions=[cote->arithmetic]"],
    "foundation": [
        "directions=[eeg->emg]",
        "network={name: CBraMod, options: {n_layer: 1}}",
        "emg.windows={length: 1.0, step: 6.0}",
        "eeg.windows={length: 1.0, step: 6.0}",
        "train.epochs=1",
    ],
    "new_person": ["directions=[emg->emg]"],
    "toolkits": [
        "directions=[emg->eeg]",
        "methods=[{label: rulsif, select: rulsif, arms: [scratch, transferred]}, "
        "{label: fa, align: feature_augmentation, arms: [scratch, transferred]}]",
    ],
    **{name: ["budget.seconds=[10]", "directions=[cho_emg->cho_eeg]"] for name in FROM_MOABB},
}
"""Of large recipes, what is enough to see whether they run."""


@pytest.mark.parametrize(
    "name",
    [name if name in FAST else pytest.param(name, marks=pytest.mark.slow) for name in shipped_recipes()],
)
def test_a_shipped_recipe_runs_to_its_verdicts(name, tmp_path, request, monkeypatch):
    folder = None if name in (*WITHIN, *FROM_MOABB) else request.getfixturevalue("real_data")
    recipe = load_recipe(name, PART.get(name, ()), smoke=True)
    if name in FROM_MOABB:
        patch_moabb(monkeypatch)
    if "published" in shipped_recipes()[name].read_text(encoding="utf-8"):
        patch_published(monkeypatch, tmp_path)
    results = run_study(recipe, tmp_path / "out", data_dir=folder).results
    arms = {arm if isinstance(arm, str) else arm.get("label", arm["name"]) for arm in results.recipe["arms"]}
    assert results.recipe["smoke"]
    ran = set(results.curves["arm"])
    assert {arm for arm in arms - ran if not arm.endswith("_own_donors")} == set()
    assert ran <= arms
    within = all(len(set(direction.split("->"))) == 1 for direction in results.recipe["directions"])
    assert within or any(arm.endswith("_own_donors") for arm in ran)
    assert set(results.curves["direction"]) == set(results.recipe["directions"])
    judged = {verdict["arm"] for verdict in results.verdict_list}
    assert judged
    assert judged < arms
