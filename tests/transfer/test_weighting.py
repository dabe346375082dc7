"""Source windows that count: ADAPT's own numbers, optima, and pairs of which it is known who helps."""

import json
from dataclasses import replace

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.learning.training import Schedule
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import run_study
from biotransfer.transfer.pretrain.held_out import hold_out_people
from biotransfer.transfer.pretrain.training import pretrain
from biotransfer.transfer.select import SELECT, SelectProblem, select_source
from biotransfer.transfer.select.weighting import (
    classifier_weights,
    discrepancy_weights,
    finished,
    gaussian_kernel,
    kliep_weights,
    kmm_weights,
    neighbor_weights,
    network_weights,
    rulsif_weights,
)
from tests import ROOT
from tests.builders import make_windows
from tests.transfer.test_levers import SMALL

WEIGHING = [name for name, entry in SELECT.items() if entry.facts["weights"]]
ADAPT = json.loads((ROOT / "tests/data/adapt_0_4_5.json").read_text(encoding="utf-8"))
SOURCE, TARGET = (np.array(ADAPT[name]) for name in ("Xs", "Xt"))


@pytest.mark.parametrize(
    ("name", "found", "within"),
    [
        ("kmm", lambda: kmm_weights(SOURCE, TARGET, 0.5, 5.0), 1e-4),
        ("kliep", lambda: kliep_weights(SOURCE, TARGET, TARGET, 0.5), 0.02),
        ("ulsif", lambda: rulsif_weights(SOURCE, TARGET, TARGET, 0.5, 0.1, 0.0), 1e-10),
        ("rulsif", lambda: rulsif_weights(SOURCE, TARGET, TARGET, 0.5, 0.1, 0.2), 1e-10),
        ("nearest", lambda: neighbor_weights(SOURCE, TARGET, 3), 0),
        ("ldm_twice", lambda: discrepancy_weights(SOURCE, 2 * TARGET), 2e-3),
        ("iwc", lambda: classifier_weights(SOURCE, TARGET, 1.0), 0.005),
    ],
)
def test_weights_are_those_of_adapt(name, found, within):
    """ADAPT 0.4.5 on 40 and 30 windows; its KLIEP stops at a tolerance, its KMM is an interior point's."""
    np.testing.assert_allclose(found(), ADAPT[name], rtol=0, atol=within)


def test_no_other_weights_are_likelier_than_kliep_s_and_none_match_better_than_kmm_s():
    def likelihood(weights_of_target):
        return np.log(weights_of_target).mean()

    A = gaussian_kernel(TARGET, TARGET, 0.5)
    alpha = np.linalg.lstsq(gaussian_kernel(SOURCE, TARGET, 0.5), ADAPT["kliep"], rcond=None)[0]
    ours = np.linalg.lstsq(
        gaussian_kernel(SOURCE, TARGET, 0.5), kliep_weights(SOURCE, TARGET, TARGET, 0.5), rcond=None
    )[0]
    assert likelihood(A @ ours) >= likelihood(A @ alpha) - 1e-4
    K, kappa = gaussian_kernel(SOURCE, SOURCE, 0.5), 40 * gaussian_kernel(SOURCE, TARGET, 0.5).mean(axis=1)
    found, theirs = kmm_weights(SOURCE, TARGET, 0.5, 5.0), np.array(ADAPT["kmm"])
    objective = [0.5 * b @ K @ b - kappa @ b for b in (found, theirs)]
    assert objective[0] <= objective[1] + 1e-6
    assert found.min() >= 0
    assert found.max() <= 5.0


def test_a_network_of_the_window_comes_near_kmm_s_objective_and_not_below():
    K, k = gaussian_kernel(SOURCE, SOURCE, 0.5), gaussian_kernel(SOURCE, TARGET, 0.5).mean(axis=1)

    def objective(w):
        w = w / w.mean()
        return w @ K @ w / 40**2 - 2 * w @ k / 40

    equal, best = objective(np.ones(40)), objective(kmm_weights(SOURCE, TARGET, 0.5, 1000.0, eps=0.0))
    found = objective(network_weights(SOURCE, TARGET, 0.5, 20, 600))
    assert best - 1e-6 <= found < best + 0.5 * (equal - best)


def test_no_other_shares_have_moments_nearer_to_the_targets_than_ldm_s():
    def apart(w, target):
        shares = w / w.sum()
        return np.linalg.norm(target.T @ target / 30 - SOURCE.T @ (shares[:, None] * SOURCE), 2)

    found, equal = discrepancy_weights(SOURCE, 2 * TARGET), np.ones(40)
    assert apart(found, 2 * TARGET) <= apart(np.array(ADAPT["ldm_twice"]), 2 * TARGET) + 1e-4
    assert apart(found, 2 * TARGET) < 0.7 * apart(equal, 2 * TARGET)
    assert apart(discrepancy_weights(SOURCE, TARGET), TARGET) < 1e-4 < apart(equal, TARGET)


def test_weights_are_of_mean_one_or_refused():
    assert finished("x", np.array([1.0, 3.0])).tolist() == [0.5, 1.5]
    with pytest.raises(BiotransferError, match="sides that overlap"):
        finished("x", np.zeros(3))


def _problem(seed=0):
    return SelectProblem(make_windows(n_features=6, seed=seed), make_windows(n_features=6, seed=seed + 1))


@pytest.mark.parametrize("name", WEIGHING)
def test_every_window_that_trains_has_a_weight_and_labels_are_not_read(name):
    problem = _problem()
    chosen = select_source(problem, name)
    weights = chosen.weights_of(problem.source)
    assert set(chosen.people) == set(problem.people)
    assert weights.mean() == pytest.approx(1)
    assert weights.min() >= 0
    shuffled = replace(problem.source, y=np.random.default_rng(0).permutation(problem.source.y))
    other = select_source(SelectProblem(shuffled, replace(problem.target, y=problem.target.y * 0)), name)
    assert np.array_equal(other.weights_of(problem.source), weights)


def _pair(overlapping):
    """Half of the source's people are like the target's, or all of them; the others' labels say nothing."""
    source = make_windows(n_subjects=10, n_features=6, signal=1.5, n_recordings=2, n_windows=10, seed=3)
    target = make_windows(n_subjects=4, n_features=6, signal=1.5, n_recordings=2, n_windows=10, seed=9)
    person = source.metadata["subject"].str[1:].astype(int).to_numpy()
    strange = person >= 3
    y, X = source.y.copy(), source.X.copy()
    if not overlapping:
        X[strange] += np.array([4.0, -4.0, 0, 0, 0, 0], np.float32)
        y[strange] = (y[strange] + 1) % 3
    return replace(source, X=X, y=y), target


@pytest.mark.slow
@pytest.mark.parametrize("name", WEIGHING)
def test_weights_help_where_some_of_the_source_misleads_and_not_where_none_does(name):
    spec = {"name": "mlp", "hidden": [3]}
    schedule = Schedule(epochs=8, batch_size=32, learning_rate=0.01)
    gains = []
    for overlapping in (False, True):
        source, target = _pair(overlapping)
        split = hold_out_people(source, 0.1)
        chosen = select_source(SelectProblem(source.take(split.train), target), name)
        hits = []
        for weights in (None, chosen.weights_of(source)):
            found = pretrain([source], split, spec, range(4), schedule, sample_weight=weights)
            hits.append(np.mean([_accuracy(item, spec, target) for item in found]))
        gains.append(hits[1] - hits[0])
    assert gains[0] > 0.05, gains
    assert abs(gains[1]) < 0.05, gains


def _accuracy(item, spec, target):
    from biotransfer.learning.networks import build_network
    from biotransfer.learning.networks.forward import run_network

    record = build_network(spec, target.shape, 3)
    said = run_network(record, item.weights.tensors, target.X).probabilities.argmax(axis=1)
    return np.mean(said == target.y)


def test_a_study_trains_its_source_by_the_weights_and_addresses_them(tmp_path):
    recipe = {**SMALL, "directions": "emg->eeg", "arms": ["scratch", "transferred", "shuffled_source"],
              "split": {"by": "subject", "folds": 2}}  # fmt: skip
    plain = run_study(recipe, tmp_path / "plain")
    weighed = run_study({**recipe, "select": "rulsif"}, tmp_path / "weighed")
    table = weighed.results.extras["selection"]
    assert set(table["what"]) >= {"window", "windows", "person", "transfer"}
    assert table[table["what"] == "window"].groupby("split")["score"].mean().round(6).eq(1).all()
    curves = [
        study.results.curves.query("metric == 'log_loss'").groupby("arm")["value"].mean()
        for study in (plain, weighed)
    ]
    assert curves[0]["scratch"] == curves[1]["scratch"]
    for arm in ("transferred", "shuffled_source"):
        assert curves[0][arm] != curves[1][arm]
    with pytest.raises(BiotransferError, match="pretrain reptile does not weigh windows"):
        load_recipe({**recipe, "select": "kmm", "pretrain": "reptile"})
