"""Values chosen on inner folds: by the same trials for every arm, and without the test."""

import json

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.pages.report import methods_text
from biotransfer.pages.report.sections.choices import choices
from biotransfer.results import Direction, load_results
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.recipe.tuning import Tune, best_candidate
from biotransfer.studies.running import prepare, run_study
from biotransfer.studies.running.tasks.choices import lay_out, trials
from biotransfer.studies.running.tasks.choices import run as run_choices

RECIPE = {
    "title": "choices",
    "eeg": {"data": "simulated", "n_subjects": 4},
    "emg": {"data": "simulated", "n_subjects": 4},
    "directions": ["emg->eeg"],
    "features": "statistical",
    "align": {"name": "top_k", "k": 16},
    "network": {"name": "mlp", "hidden": [6]},
    "arms": ["scratch", "transferred", "permuted"],
    "tune": {"align.k": [4, 24], "train.epochs": [1, 4], "folds": 2},
    "train": {"epochs": 2, "batch_size": 32},
    "seeds": 1,
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("choices") / "out")


def test_every_fold_trains_with_what_was_best_inside_it(study):
    results = load_results(study.folder)
    tried = results.extras["choices"]
    assert len(tried) == 4 * 4 * 2
    assert tried.groupby("arm").size().to_dict() == {"scratch": 16, "transferred": 16}
    assert set(tried["people"]) == {3}
    epochs = results.curves.groupby("split")["epoch"].max()
    sizes = results.extras["trainings"].groupby("split")["epochs"].max()
    for fold, mine in tried.groupby("fold"):
        levels = mine.groupby("values")["value"].mean()
        chosen = best_candidate(mine)
        assert levels[json.dumps(chosen)] == levels.max()
        assert epochs[f"subject=S{fold + 1}"] == chosen["train.epochs"] == sizes[f"subject=S{fold + 1}"]
    stems = results.ledger[
        (results.ledger["part"] == "stem") & results.ledger["tensor"].str.endswith("weight")
    ]
    picked = {best_candidate(mine)["align.k"] for _, mine in tried.groupby("fold")}
    assert set(stems["parameters"]) == {6 * k for k in picked}
    section = choices(results)
    assert section is not None
    rows = [row for row in section.blocks[1].content.rows if not isinstance(row, str)]
    assert sum(int(row[-1].split()[0]) for row in rows) == 4
    assert "chosen on 2 inner folds" in methods_text(results)


def test_the_test_person_does_not_touch_the_choice(study):
    """Test windows of a fold are replaced by noise: its inner validation stays what it was, to the bit."""
    recipe = load_recipe(RECIPE)
    plan = prepare(recipe)
    side = plan.sides["eeg"].features
    split = plan.split(Direction("emg", "eeg"), "mlp", "subject", 0)
    side.X[split.test] = np.random.default_rng(0).standard_normal((len(split.test), side.X.shape[1])) * 1e3
    task = lay_out(plan)[0]
    mine = [trial for trial in trials(plan, task) if trial.columns["fold"] == 0][:2]
    again = run_choices(plan, task, mine, {}, "cpu").tables["choices"]
    tried = study.results.extras["choices"]
    before = tried[(tried["fold"] == 0) & (tried["candidate"] < 2)]
    np.testing.assert_array_equal(again["value"], before["value"])


def test_of_equals_the_first_is_chosen_and_arms_count_alike():
    import pandas as pd

    rows = [(0, '{"a": 1}', "x", 0.5), (0, '{"a": 1}', "y", 0.7), (1, '{"a": 2}', "x", 0.7),
            (1, '{"a": 2}', "y", 0.5), (2, '{"a": 3}', "x", 0.9), (2, '{"a": 3}', "y", 0.2)]  # fmt: skip
    table = pd.DataFrame(rows, columns=["candidate", "values", "arm", "value"])
    assert best_candidate(table) == {"a": 1}
    assert len(Tune({"align.k": [1, 2], "train.epochs": [1, 2, 3]}).candidates) == 6


@pytest.mark.parametrize(
    ("tune", "change", "message"),
    [
        ({}, {}, "names nothing to choose"),
        ({"align.k": [4]}, {}, "two values or more"),
        ({"aling.k": [4, 8]}, {}, "Did you mean 'align'"),
        ({"align.n": [4, 8]}, {}, "no parameter 'n'"),
        ({"train.epochs": [0, 8]}, {}, "whole number of 1 or more"),
        ({"align.k": [4, 8], "fold": 3}, {}, "Did you mean 'folds'"),
        ({"align.k": list(range(2, 60))}, {}, "58 combinations"),
        ({"align.k": [4, 8]}, {"align": "pca", "budget": [5]}, "tune does not go with budget"),
        ({"align.k": [4, 8]}, {"search": {}}, "tune does not go with search"),
    ],
)
def test_what_cannot_be_chosen_is_said(tune, change, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**RECIPE, "tune": tune, **change})


def test_a_resolved_choice_resolves_to_itself():
    once = load_recipe(RECIPE)
    assert load_recipe(once.to_dict()).uid == once.uid
    assert once["tune"]["values"] == {"align.k": [4, 24], "train.epochs": [1, 4]}


def test_each_of_two_networks_chooses_for_itself(tmp_path):
    recipe = {
        **RECIPE,
        "network": [{"name": "mlp", "hidden": [4]}, {"name": "cnn_image", "filters": [2], "hidden": 4}],
        "tune": {"align.k": [16, 25], "folds": 2},
        "arms": ["scratch", "transferred"],
    }
    tried = run_study(recipe, tmp_path / "out").results.extras["choices"]
    assert tried.groupby("network").size().to_dict() == {"cnn_image": 16, "mlp": 16}
