"""Adaptation to a new person: what every method sees, and pairs of which it is known whether it can help."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network
from biotransfer.learning.training import PENALTIES, Schedule
from biotransfer.learning.training.adaptation.critics import rising, warming
from biotransfer.learning.training.losses import joint_mmd_distance, mmd_distance
from biotransfer.learning.training.running import train
from biotransfer.signals.splits import make_splits
from biotransfer.transfer.carry import ARMS, contests, make_arms, resolve_arms, with_assay
from tests.builders import make_windows

METHODS = [name for name, entry in ARMS.items() if entry.facts["lever"] == "adapt"]
ADAPTING = [name for name in METHODS if name != "labelled_person"]
SCHEDULE = Schedule(epochs=4, batch_size=16, learning_rate=0.01)
NETWORK = {"name": "mlp", "hidden": [12, 6]}
EAGER = {
    "fixmatch": {"confidence": 0.4}, "flexmatch": {"confidence": 0.4}, "uda": {"confidence": 0.0},
    "self_ensemble": {"confidence": 0.3}, "dst": {"confidence": 0.4}, "pi_model": {"warm": 0.1},
    "mean_teacher": {"warm": 0.1},
}  # fmt: skip


@pytest.fixture(scope="module")
def case():
    windows = make_windows(n_subjects=4, n_features=10, n_recordings=2, n_windows=6)
    return windows, make_splits(windows, "new_person")[1], build_network(NETWORK, windows.shape, 3)


def _specs(names=METHODS, **more):
    return [
        "scratch",
        *({"name": name, **EAGER.get(name, {}), **more, "label": f"my_{name}"} for name in names),
    ]


def _weights(case, specs, **changes):
    """Every tensor of every arm after training, by label."""
    windows, split, network = case
    windows = replace(windows, **changes)
    curves = train(network, make_arms(specs, {}, network, 3), windows, split, SCHEDULE)
    labels = [spec if isinstance(spec, str) else spec["label"] for spec in specs]
    return {
        k: np.concatenate([v.ravel() for v in t.values()])
        for k, t in zip(labels, curves.tensors, strict=True)
    }


def test_every_penalty_that_looks_at_a_person_is_an_arm():
    assert set(ADAPTING) == {name for name, entry in PENALTIES.items() if entry.facts["person"]}
    for name in ADAPTING:
        own = {p.name: (p.default, p.doc) for p in PENALTIES[name].parameters}
        arm = {p.name: (p.default, p.doc) for p in ARMS[name].parameters}
        assert arm.pop("windows")[0] == "test_person"
        assert arm == own


def test_every_method_sees_the_persons_first_windows_without_labels_and_nothing_of_the_rest(case):
    windows, split, _ = case
    usual = _weights(case, _specs())
    again = _weights(case, _specs())
    blind_y, rest = windows.y.copy(), windows.X.copy()
    blind_y[split.unlabelled] = 0
    rest[split.test] = 1e4
    hidden = _weights(case, _specs(), y=blind_y)
    tested = _weights(case, _specs(), X=rest)
    person = windows.X.copy()
    person[split.unlabelled] += 1.0
    moved = _weights(case, _specs(), X=person)
    for name in usual:
        assert np.array_equal(usual[name], again[name]), name
        assert np.array_equal(usual[name], tested[name]), name
        assert np.array_equal(usual[name], hidden[name]) == (name != "my_labelled_person"), name
        assert np.array_equal(usual[name], moved[name]) == (name == "scratch"), name
        assert np.array_equal(usual[name], usual["scratch"]) == (name == "scratch"), name


def test_on_the_training_peoples_windows_nobody_new_is_seen(case):
    windows, split, _ = case
    person = windows.X.copy()
    person[split.unlabelled] += 1.0
    specs = _specs(ADAPTING, windows="training_people")
    usual, moved = _weights(case, specs), _weights(case, specs, X=person)
    assert all(np.array_equal(usual[name], moved[name]) for name in usual)


def test_adaptation_is_judged_by_its_own_control_and_proven_by_labels():
    arms = with_assay(resolve_arms(["scratch", "permuted", "dann", "mcc"]))
    assert [arm.label for arm in arms[4:]] == [
        "labelled_person",
        "dann_training_people",
        "mcc_training_people",
    ]
    found = contests(arms, "scratch")
    assert set(found) == {"dann", "mcc"}
    assert found["dann"].controls == ("dann_training_people",)
    assert found["dann"].positive_control == "labelled_person"
    assert [arm.label for arm in with_assay(arms)] == [arm.label for arm in arms]
    assert arms[5].role == "control"


def test_without_windows_of_the_person_an_arm_is_refused(case):
    windows, split, network = case
    none = replace(split, unlabelled=split.unlabelled[:0])
    with pytest.raises(BiotransferError, match=r"split: \{by: new_person\}"):
        train(network, make_arms(["mcc"], {}, network, 0), windows, none, SCHEDULE)


def test_ramps_in_closed_form():
    assert rising(0.0) == 0
    assert rising(0.5) == pytest.approx(2 / (1 + np.exp(-5)) - 1)
    assert warming(0.0, 0.4) == pytest.approx(np.exp(-5))
    assert warming(0.4, 0.4) == 1


def test_the_joint_discrepancy_of_one_layer_is_the_plain_one_and_of_equals_is_zero():
    first, second = torch.randn(2, 2, 9, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    torch.testing.assert_close(joint_mmd_distance([(first, second)]), mmd_distance(first, second))
    assert joint_mmd_distance([(first, first), (second, second)]).abs().max() < 1e-12


def _people(moved):
    """People of one structure; the last one's features are moved by a vector of some length, or not.

    Where nobody is moved classes lie closer together, so that there is something left to gain.
    """
    signal = 1.4 if moved else 0.6
    windows = make_windows(n_subjects=5, n_features=10, n_recordings=3, n_windows=10, signal=signal, seed=4)
    X = windows.X.copy()
    last = (windows.metadata["subject"] == "s4").to_numpy()
    X[last] += np.random.default_rng(8).normal(size=10) * moved
    return replace(windows, X=X.astype(np.float32))


@pytest.fixture(scope="module")
def simulated():
    """Accuracy on the new person by arm, where the person differs and where not, averaged over seeds."""
    found = {}
    for moved in (True, False):
        windows = _people(1.3 * moved)
        split = make_splits(windows, "new_person")[4]
        network = build_network(NETWORK, windows.shape, 3)
        schedule = Schedule(epochs=15, batch_size=32, learning_rate=0.01)
        specs = _specs()
        arms = [arm for seed in range(4) for arm in make_arms(specs, {}, network, seed)]
        curves = train(network, arms, windows, split, schedule)
        hit = (curves.predicted[:, -1] == windows.y[split.test]).mean(axis=1).reshape(4, -1).mean(axis=0)
        found[moved] = dict(zip((arm.name for arm in arms), hit.tolist(), strict=False))
    return found


@pytest.mark.slow
@pytest.mark.parametrize("name", ["deep_coral", "dan", "jan", "dann", "cdan", "bsp", "mcd", "mcc"])
def test_a_moved_person_is_met(simulated, name):
    """What is known: the person's classes lie as everybody's, moved by one vector."""
    moved = simulated[True]
    assert moved["my_labelled_person"] > moved["scratch"] + 0.05, moved
    assert moved[f"my_{name}"] > moved["scratch"] + 0.02, moved


@pytest.mark.slow
@pytest.mark.parametrize("name", ADAPTING)
def test_a_person_like_everybody_is_bettered_by_no_method(simulated, name):
    alike = simulated[False]
    assert alike["scratch"] < 0.9, alike
    assert alike[f"my_{name}"] < alike["scratch"] + 0.02, alike


@pytest.mark.slow
@pytest.mark.parametrize("name", ["afn", "mdd", "self_tuning", "mean_teacher"])
def test_of_some_methods_no_case_is_shown_in_which_they_help(simulated, name):
    """Nor at a tenth of the rate, of a quiet person, of a near one with few labels: docs/toolkits.md."""
    moved = simulated[True]
    assert moved[f"my_{name}"] < moved["scratch"] + 0.02, moved


@pytest.mark.slow
def test_slow_steps_against_a_critic_meet_a_moved_person():
    """ADDA and the Wasserstein critic oscillate at the rate of the others."""
    gains = {}
    for moved in (True, False):
        windows = _people(1.3 * moved)
        split = make_splits(windows, "new_person")[4]
        network = build_network(NETWORK, windows.shape, 3)
        arms = [arm for seed in range(4) for arm in make_arms(_specs(["adda", "wdgrl"]), {}, network, seed)]
        schedule = Schedule(epochs=100, batch_size=32, learning_rate=0.001)
        curves = train(network, arms, windows, split, schedule)
        hit = (curves.predicted[:, -1] == windows.y[split.test]).mean(axis=1).reshape(4, -1).mean(axis=0)
        gains[moved] = hit[1:] - hit[0]
    assert gains[True][0] > 0.1, gains
    assert gains[True][1] > 0.02, gains
    assert (gains[False] < 0.02).all(), gains


@pytest.mark.slow
def test_pseudo_labels_of_a_moved_person_mislead(simulated):
    """What trusts the answers that it gives a person who is far away makes them worse."""
    moved = simulated[True]
    for name in ("fixmatch", "flexmatch", "uda", "self_ensemble", "dst"):
        assert moved[f"my_{name}"] < moved["scratch"], moved


@pytest.mark.slow
def test_consistency_helps_where_labels_are_few_and_the_person_is_near():
    windows = _people(0.7)
    split = make_splits(windows, "new_person")[4]
    few = replace(split, train=split.train[::8])
    network = build_network(NETWORK, windows.shape, 3)
    specs = _specs(["pi_model"])
    arms = [arm for seed in range(6) for arm in make_arms(specs, {}, network, seed)]
    curves = train(network, arms, windows, few, Schedule(epochs=60, batch_size=32, learning_rate=0.01))
    scratch, helped = (
        (curves.predicted[:, -1] == windows.y[few.test]).mean(axis=1).reshape(6, -1).mean(axis=0)
    )
    assert helped > scratch + 0.02
