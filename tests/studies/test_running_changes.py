"""What moved as part of a study: the numbers of direct calls, weights kept for those that are looked at."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.evidence.changes.attribution import ATTRIBUTION_COLUMNS, attribute_features
from biotransfer.evidence.changes.layers import (
    BARRIER_COLUMNS,
    LAYER_COLUMNS,
    barrier_height,
    barrier_line,
    describe_layers,
)
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.learning.weights import load_weights
from biotransfer.pages.figures import plot_moved
from biotransfer.pages.figures.changes import group_shares
from biotransfer.pages.report.sections.changes import barrier_heights, make_changes
from biotransfer.results import TABLES, Direction
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare, run_study
from biotransfer.studies.running.store import TrialStore
from biotransfer.studies.running.tasks import TargetTask, lay_out
from biotransfer.studies.running.tasks.fold import make_fold, target_network
from biotransfer.transfer.carry import make_arms

MADE = {"data": "simulated", "n_subjects": 2, "classes": 2, "preprocess": "none"}
RECIPE = {
    "title": "moved",
    "eeg": MADE,
    "emg": MADE,
    "directions": "emg->eeg",
    "features": "statistical",
    "align": {"name": "pca", "k": 6},
    "network": {"name": "mlp", "hidden": [5, 4]},
    "arms": ["scratch", "frozen_body", "transferred", "permuted", "redrawn"],
    "train": {"epochs": 2},
    "seeds": 3,
    "moved": True,
}
LOOKED_AT = ["scratch", "transferred", "permuted"]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("moved") / "out")


@pytest.fixture(scope="module")
def direct(study):
    """The second fold and seed 1 anew: source weights from the folder, training by train()."""
    plan = prepare(load_recipe(RECIPE))
    direction = Direction("emg", "eeg")
    task = TargetTask(direction, "mlp", "subject", 1, plan.split(direction, "mlp", fold=1).name)
    fold = make_fold(plan, task)
    weights = load_weights(study.folder / "weights" / "emg-to-eeg_mlp_supervised_seed1")
    sources = dict.fromkeys(plan.sources, weights)
    network = target_network(fold)
    arms = make_arms(LOOKED_AT, sources, network, 1, stream=fold.split.uid)
    curves = train(network, arms, fold.windows, fold.split, Schedule(**plan.recipe["train"]))
    start = {arm.name: arm.tensors for arm in arms}
    return fold, start, dict(zip(LOOKED_AT, curves.tensors, strict=True))


def _mine(table, **where):
    for name, value in where.items():
        table = table[table[name] == value]
    return table.reset_index(drop=True)


def test_tables_have_the_columns_of_the_functions(study):
    for name, own in (
        ("layers", LAYER_COLUMNS),
        ("barriers", BARRIER_COLUMNS),
        ("attributions", ATTRIBUTION_COLUMNS),
    ):
        assert list(study.results.extras[name].columns) == TABLES[name]
        assert TABLES[name][-len(own) :] == own
    layers = study.results.extras["layers"]
    assert list(layers["arm"].unique()) == LOOKED_AT
    assert sorted(layers["seed"].unique()) == [0, 1]
    assert layers["split"].nunique() == 2


def test_layers_lines_and_attributions_are_those_of_direct_calls(study, direct):
    fold, start, final = direct
    network = target_network(fold)
    extras, where = study.results.extras, {"split": fold.split.name, "seed": 1}
    rows = fold.split.test
    rows = rows if len(rows) <= 300 else np.sort(np.random.default_rng(0).permutation(rows)[:300])
    X, y = fold.windows.X[rows], fold.windows.y[rows]
    for arm in LOOKED_AT:
        scratch = None if arm == "scratch" else final["scratch"]
        expected = describe_layers(
            network, start[arm], final[arm], X, y, source=start["transferred"], scratch=scratch, seed=1
        )
        found = _mine(extras["layers"], arm=arm, **where)[LAYER_COLUMNS]
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-4, atol=1e-5)
        mapping = fold.alignment.target
        Z = (fold.unaligned.X[rows][:, mapping.columns].astype(float) - mapping.center) / mapping.scale
        expected = attribute_features(
            network,
            final[arm],
            Z,
            y,
            names=fold.unaligned.names,
            matrix=mapping.matrix,
            steps=20,
            columns=fold.unaligned.columns,
        )
        found = _mine(extras["attributions"], arm=arm, **where)[ATTRIBUTION_COLUMNS]
        pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-3, atol=1e-5)
    expected = barrier_line(network, final["scratch"], final["permuted"], X, y)
    found = _mine(extras["barriers"], first="scratch", second="permuted", **where)[BARRIER_COLUMNS]
    pd.testing.assert_frame_equal(found, expected, check_dtype=False, rtol=1e-4, atol=1e-5)
    heights = barrier_heights(_mine(extras["barriers"], **where)).set_index(["first", "second"])["height"]
    assert heights["scratch", "permuted"] == pytest.approx(
        barrier_height(expected["position"], expected["loss"]), abs=1e-5
    )


def test_only_the_weights_that_are_looked_at_are_kept(study):
    plan, store = prepare(load_recipe(RECIPE)), TrialStore(study.folder / "trials")
    for entry in lay_out(plan, ("targets",)):
        for trial in entry.trials if isinstance(entry.task, TargetTask) else ():
            kept = trial.columns["arm"] in LOOKED_AT and trial.columns["seed"] < 2
            assert store.has(trial.ref, weights=True) == kept
    assert not list((study.folder / "weights").glob("*transferred*"))


def test_a_study_that_asks_later_trains_again_only_what_it_lacks(study, tmp_path):
    before = run_study({**RECIPE, "moved": False}, tmp_path / "out")
    assert "layers" not in before.results.extras
    plan = prepare(load_recipe(RECIPE))
    store = TrialStore(before.folder / "trials")
    missing = [
        trial.columns
        for entry in lay_out(plan, ("targets",))
        if isinstance(entry.task, TargetTask)
        for trial in entry.trials
        if not store.has(trial.ref, weights=trial.keeps_weights)
    ]
    assert {c["arm"] for c in missing} == set(LOOKED_AT)
    assert len(missing) == 2 * 2 * 3


def test_the_figure_and_the_section_show_every_arm(study):
    figure = plot_moved(study.results, "emg->eeg")
    lines = {str(line.get_gid()): line for ax in figure.axes for line in ax.lines if line.get_gid()}
    means = study.results.extras["layers"].groupby(["arm", "layer"], sort=False)["relative_distance"].mean()
    for arm in LOOKED_AT:
        np.testing.assert_allclose(lines[f"relative_distance:{arm}"].get_ydata(), means[arm])
    assert {"line:scratch:transferred", "line:scratch:permuted", "line:transferred:permuted"} <= set(lines)
    shares = group_shares(study.results.extras["attributions"])
    np.testing.assert_allclose(shares.sum(), 1.0)
    section = make_changes(study.results)
    assert section is not None
    assert make_changes(replace(study.results, extras={})) is None
    with pytest.raises(BiotransferError, match="Add moved: true"):
        plot_moved(replace(study.results, extras={}), "emg->eeg")
    with pytest.raises(BiotransferError, match="moved='yes'"):
        load_recipe({**RECIPE, "moved": "yes"})
