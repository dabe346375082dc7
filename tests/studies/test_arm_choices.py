"""A schedule for each arm, chosen inside its fold: equal trials, budgets, and no look at the test."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from biotransfer import register, registry
from biotransfer.errors import BiotransferError
from biotransfer.evidence.checks.common import final_values
from biotransfer.evidence.metrics import measure_curves
from biotransfer.pages.report import methods_text, write_report
from biotransfer.pages.report.sections.choices import choices
from biotransfer.results import load_results
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.recipe.tuning import best_candidate
from biotransfer.studies.running import prepare, rehearse, run_study
from biotransfer.studies.running.tasks import STAGES, arm_choices, lay_out, source, target
from biotransfer.transfer.carry import ARMS as CATALOG
from biotransfer.transfer.carry.controls import scratch

ARMS = ["scratch", "transferred", "permuted", "shuffled_source", "same_modality"]
RECIPE = {
    "title": "choices of arms",
    "eeg": {"data": "simulated", "n_subjects": 6},
    "emg": {"data": "simulated", "n_subjects": 4},
    "directions": ["emg->eeg"],
    "features": "statistical",
    "align": {"name": "pca", "k": 8},
    "network": {"name": "mlp", "hidden": [6]},
    "arms": ARMS,
    "same_modality": {"eeg": {"people": 2}},
    "budget": {"seconds": [4, 12], "labels_of": "training_people"},
    "compare": {"measure": "final"},
    "tune": {"per": "arm", "train.learning_rate": [0.001, 0.02], "train.epochs": [2, 5], "folds": 2},
    "train": {"epochs": 3, "batch_size": 16},
    "seeds": 2,
    "nuisance": False,
    "baselines": [],
}
WHERE = ["budget", "fold", "arm"]
EVERY = [*ARMS, "transferred_own_donors"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("arms") / "out")


def test_every_arm_has_the_same_trials_and_trains_by_its_own_best(study):
    results = load_results(study.folder)
    tried = results.extras["choices"]
    assert set(tried["arm"]) == set(EVERY) > set(ARMS)
    assert set(tried.groupby(WHERE)["values"].nunique()) == {4}
    assert set(tried.groupby(WHERE).size()) == {4}
    assert set(tried["seed"]) == {0}
    trained = results.extras["trainings"].set_index(["budget", "split", "arm", "seed"])["epochs"]
    curves = results.curves.groupby(["budget", "split", "arm", "seed"], observed=True)["epoch"].max()
    chosen = {key: best_candidate(mine) for key, mine in tried.groupby(WHERE)}
    assert len({json.dumps(values) for values in chosen.values()}) > 1
    for (budget, fold, arm), values in chosen.items():
        for seed in (0, 1):
            place = (budget, f"subject=S{fold + 1}", arm, seed)
            assert trained[place] == curves[place] == values["train.epochs"]


def test_sources_are_trained_once_by_the_schedule_of_the_recipe(study):
    sources = study.results.sources
    assert set(sources[sources["source"] == "supervised"].groupby("seed").size()) == {1}


def test_verdicts_compare_what_was_chosen(study):
    table = measure_curves(study.results.curves)
    mine = study.results.curves
    last = mine[(mine["split_part"] == "test") & (mine["metric"] == "balanced_accuracy")]
    last = (
        last.sort_values("epoch").groupby(["budget", "arm", "subject", "seed"], observed=True)["value"].last()
    )
    means = last.groupby(["budget", "arm", "subject"], observed=True).mean()
    for row in table.itertuples():
        assert row.final == pytest.approx(means[row.budget, row.arm, row.subject])


def test_the_report_and_the_methods_say_whose_choice_it_was(study):
    results = load_results(study.folder)
    section = choices(results)
    assert section is not None
    page = write_report(results, study.folder / "report.html").read_text(encoding="utf-8")
    assert "Every arm got its own values" in page
    text = methods_text(results)
    assert "for every arm by itself" in text
    assert "2 inner folds" in text
    assert "no tuning" not in text


def _choose(plan, task, seed=0):
    """Train the sources of one fold and try every candidate."""
    trained = {}
    for name in plan.sources:
        own = source.source_task(plan, name, task.direction, task.network, task.protocol, task.fold)
        (trial,) = [t for t in source.trials(plan, own) if t.columns["seed"] == seed]
        trained[trial.ref] = source.run(plan, own, [trial], {}, "cpu").weights[0]
    return arm_choices.run(plan, task, arm_choices.trials(plan, task), trained, "cpu").tables["choices"]


def test_neither_windows_nor_labels_of_the_test_person_touch_the_choice(study):
    """Test windows become noise and their labels are permuted: inner validation stays, to the bit."""
    plan = prepare(load_recipe(RECIPE))
    side, rng = plan.sides["eeg"].features, np.random.default_rng(0)
    task = next(task for task in arm_choices.lay_out(plan) if task.budget == "12" and task.fold == 1)
    test = plan.split(task.direction, task.network, task.protocol, task.fold, task.budget).test
    side.X[test] = rng.standard_normal((len(test), side.X.shape[1])) * 1e3
    side.y[test] = rng.permutation(side.y[test])
    tried = study.results.extras["choices"]
    before = tried[(tried["fold"] == 1) & (tried["budget"] == "12")]
    np.testing.assert_array_equal(_choose(plan, task)["value"], before["value"])


def test_labels_that_the_budget_withholds_do_not_touch_the_choice(study):
    plan = prepare(load_recipe(RECIPE))
    side, rng = plan.sides["eeg"].features, np.random.default_rng(0)
    task = next(task for task in arm_choices.lay_out(plan) if task.budget == "4" and task.fold == 0)
    split = plan.split(task.direction, task.network, task.protocol, task.fold, task.budget)
    side.y[split.unlabelled] = rng.permutation(side.y[split.unlabelled])
    tried = study.results.extras["choices"]
    before = tried[(tried["fold"] == 0) & (tried["budget"] == "4")]
    np.testing.assert_array_equal(_choose(plan, task)["value"], before["value"])


def test_inner_folds_hold_labelled_rows_of_training_people_by_person():
    plan = prepare(load_recipe(RECIPE))
    subjects = plan.sides["eeg"].features.metadata["subject"].to_numpy(dtype=str)
    for task in arm_choices.lay_out(plan):
        outer = plan.split(task.direction, task.network, task.protocol, task.fold, task.budget)
        folds = arm_choices.inner_folds(plan, task)
        assert sorted(np.concatenate([fold.test for fold in folds])) == sorted(outer.train)
        for fold in folds:
            seen = np.concatenate([fold.train, fold.unlabelled])
            assert not set(subjects[fold.test]) & set(subjects[seen])
            assert not set(subjects[outer.test]) & set(subjects[[*seen, *fold.test]])


def slow(source, fresh, network, seed):
    arm = scratch(source, fresh, network, seed)
    return replace(arm, name="slow", lr_scale=dict.fromkeys(fresh, 1e-4))


@pytest.fixture
def registered():
    facts = {"role": "transfer", "starts_from": None, "phrase": "Going slowly"}
    register("arms", slow, name="slow", summary="Slow.", **facts)
    yield
    registry._Known.registered.pop(("arms", "slow"))
    CATALOG._entries.pop("slow")


def test_arms_that_need_different_rates_get_them(tmp_path, registered):
    """An arm that learns ten thousand times slower: no common rate suits it and scratch."""
    rates = [0.01, 100.0]
    recipe = {
        **RECIPE,
        "arms": ["scratch", "slow"],
        "same_modality": {},
        "budget": "all",
        "tune": {"per": "arm", "train.learning_rate": rates, "folds": 2, "seeds": 2},
        "train": {"epochs": 12, "batch_size": 32},
    }
    results = run_study(recipe, tmp_path / "out").results
    tried = results.extras["choices"]
    assert set(tried["seed"]) == {0, 1}
    chosen = {
        key: best_candidate(mine)["train.learning_rate"] for key, mine in tried.groupby(["fold", "arm"])
    }
    assert {rate for (_, arm), rate in chosen.items() if arm == "scratch"} == {rates[0]}
    assert {rate for (_, arm), rate in chosen.items() if arm == "slow"} == {rates[1]}
    final = measure_curves(results.curves).groupby("arm")["final"].mean()
    assert final["slow"] == pytest.approx(final["scratch"], abs=0.02)


def test_a_budget_of_nothing_is_not_tuned():
    recipe = load_recipe({**RECIPE, "budget": {"seconds": [0, 12], "labels_of": "training_people"}})
    plan = prepare(recipe)
    assert {task.budget for task in arm_choices.lay_out(plan)} == {"12"}


def test_every_way_to_transfer_chooses_for_itself():
    recipe = load_recipe({**RECIPE, "methods": [{"label": "pca", "align": {"name": "pca", "k": 4}}]})
    planned = lay_out(prepare(recipe), STAGES[2:3])
    assert {entry.variant for entry in planned} == {"", "pca"}
    assert len({t.ref for entry in planned for t in entry.trials}) == 2 * 2 * 6 * len(EVERY) * 4


@pytest.mark.parametrize(
    ("tune", "change", "message"),
    [
        ({"align.k": [4, 8]}, {}, "align.k is more than a schedule"),
        ({}, {"budget": {"seconds": [4], "labels_of": "test_person"}}, "those of the person tested"),
        ({}, {"compare": {"measure": "asymptote"}}, "looks along the curve"),
        (
            {},
            {"budget": {"seconds": [4], "labels_of": "training_people", "epochs": 3}},
            "how long is trained",
        ),
        ({"seeds": 5}, {}, "tune.seeds=5"),
        ({}, {"align": "coral", "budget": "all"}, "coral makes it from the training rows"),
        ({}, {"search": {}}, "tune does not go with search"),
        ({"per": "fold", "seeds": 2}, {}, "goes with per: arm"),
        ({"train.patience": [0, 3]}, {}, "tune does not go with train.patience"),
    ],
)
def test_what_cannot_be_chosen_for_an_arm_is_said(tune, change, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**RECIPE, "tune": {**RECIPE["tune"], **tune}, **change})


def test_labels_of_one_person_are_refused_before_training():
    recipe = load_recipe({**RECIPE, "budget": {"seconds": [1, 12], "labels_of": "training_people"}})
    with pytest.raises(BiotransferError, match="all labels are those of"):
        rehearse(prepare(recipe))


def test_checks_see_the_end_of_every_arm(study):
    results = load_results(study.folder)
    final = final_values(results, "balanced_accuracy").set_index(["arm", "subject"])["value"]
    table = measure_curves(results.at_largest_budget().curves).set_index(["arm", "subject"])["final"]
    for place, value in table.items():
        assert final[place] == pytest.approx(value)


def test_curves_of_different_lengths_hold_their_last_values():
    rows = [
        ("emg->eeg", "mlp", "", "subject", "all", arm, "subject=a", "a", seed, epoch, epoch, "test",
         "balanced_accuracy", 0.1 * epoch)
        for arm, n in (("scratch", 2), ("transferred", 5)) for seed in (0, 1) for epoch in range(n + 1)
    ]  # fmt: skip
    from biotransfer.results import CURVES

    final = measure_curves(pd.DataFrame(rows, columns=CURVES)).set_index("arm")["final"]
    assert final.to_dict() == {"scratch": pytest.approx(0.2), "transferred": pytest.approx(0.5)}


def test_the_target_takes_what_the_table_says():
    plan = prepare(load_recipe(RECIPE))
    task = target.lay_out(plan)[0]
    assert plan.schedules(task) == {}
    table = pd.DataFrame(
        [
            ("emg->eeg", "mlp", "subject", task.budget, 0, i, json.dumps({"train.epochs": n}), arm, value)
            for arm, values in (("scratch", (0.4, 0.6)), ("transferred", (0.9, 0.1)))
            for i, (n, value) in enumerate(zip((2, 5), values, strict=True))
        ],
        columns=["direction", "network", "protocol", "budget", "fold", "candidate", "values", "arm", "value"],
    )
    found = replace(plan, finds={"": {"choices": table}}).schedules(task)
    assert {label: own.epochs for label, own in found.items()} == {"scratch": 5, "transferred": 2}
