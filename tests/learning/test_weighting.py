"""What windows count in the loss: the same in every engine, and what it says."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network
from biotransfer.learning.networks.modules import load_module
from biotransfer.learning.predictions import balanced_accuracy
from biotransfer.learning.training import Schedule
from biotransfer.learning.training import stacked as stacked_module
from biotransfer.learning.training.compiled import can_compile
from biotransfer.learning.training.models import Models
from biotransfer.learning.training.running import train
from biotransfer.learning.training.weighting import balanced, by_class, check_sample_weight, window_weights
from biotransfer.learning.weights import Weights
from biotransfer.signals.splits import Split
from biotransfer.transfer.carry import Arm, make_arms
from tests.builders import make_windows

NETWORKS = {
    "mlp": {"name": "mlp", "hidden": [10, 6], "norm": True},
    "mlp_plain": {"name": "mlp", "hidden": [10, 6]},
    "cnn_image": {"name": "cnn_image", "filters": [3, 4], "hidden": 5},
    "cnn_signal": {"name": "cnn_signal", "filters": [4, 8], "kernel": 5},
}
SCHEDULE = Schedule(epochs=3, batch_size=20, learning_rate=0.01, weight_decay=0.05)


def case(name, specs=("scratch", "l2_sp", "bss", "frozen_body")):
    """Windows of classes of other sizes, their split, a network and arms of every nature."""
    size = {"n_features": 3, "n_times": 40} if name == "cnn_signal" else {"n_features": 16}
    windows = make_windows(**size, n_subjects=3, n_windows=6)
    keep = np.flatnonzero((windows.y != 2) | (np.arange(len(windows)) % 3 == 0))
    windows = windows.take(keep)
    rows = np.random.default_rng(0).permutation(len(windows))
    split = Split("x", "x", np.sort(rows[: len(rows) // 2]), np.sort(rows[len(rows) // 2 :]), leaks=True)
    network = build_network(NETWORKS[name], windows.shape, 3)
    record = build_network(NETWORKS[name], windows.shape, 4)
    rng = np.random.default_rng(5)
    tensors = {k: rng.normal(0.1, 0.4, s).astype(np.float32) for k, s in record.tensor_shapes.items()}
    source = Weights(tensors, {"network": record.describe()})
    target = windows.take(split.train)
    return network, make_arms(specs, source, network, 3, target=target), windows, split


def agree(a, b):
    for one, two in zip(a.tensors, b.tensors, strict=True):
        for name in one:
            if not name.endswith(".bias"):  # before a norm it has no effect, and Adam divides its rounding
                np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-9, err_msg=name)
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-6)
    np.testing.assert_allclose(a.train_loss, b.train_loss, atol=1e-9)


@pytest.mark.parametrize("class_weight", ["none", "balanced"])
@pytest.mark.parametrize("given_weights", [False, True])
@pytest.mark.parametrize("name", NETWORKS)
def test_every_engine_weighs_alike(name, class_weight, given_weights, monkeypatch):
    network, arms, windows, split = case(name)
    schedule = replace(SCHEDULE, class_weight=class_weight)
    weights = np.random.default_rng(1).uniform(0, 3, len(windows)) if given_weights else None
    options = {"dtype": "float64", "sample_weight": weights}
    stacked = train(network, arms, windows, split, schedule, engine="stacked", **options)
    loop = train(network, arms, windows, split, schedule, engine="loop", **options)
    agree(stacked, loop)
    if can_compile(network):
        assert any("kernel" in path for path in stacked.path)
        monkeypatch.setattr(stacked_module, "_models", Models)
        agree(stacked, train(network, arms, windows, split, schedule, engine="stacked", **options))
    plain = train(network, arms, windows, split, SCHEDULE, engine="stacked", dtype="float64")
    moved = [
        np.abs(s["head.weight"] - p["head.weight"]).max()
        for s, p in zip(stacked.tensors, plain.tensors, strict=True)
    ]
    assert (min(moved) > 1e-6) == (given_weights or class_weight == "balanced")


@pytest.mark.parametrize("engine", ["stacked", "loop"])
@pytest.mark.parametrize("name", NETWORKS)
def test_equal_weights_of_any_size_change_nothing(name, engine):
    network, arms, windows, split = case(name)
    plain = train(network, arms, windows, split, SCHEDULE, engine=engine)
    for size in (1.0, 7.5):
        same = train(
            network, arms, windows, split, SCHEDULE, engine=engine, sample_weight=np.full(len(windows), size)
        )
        for a, b in zip(plain.tensors, same.tensors, strict=True):
            for key in a:
                np.testing.assert_allclose(a[key], b[key], rtol=0, atol=2e-5)


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_one_update_is_that_of_the_weighed_loss(engine):
    network, arms, windows, split = case("mlp_plain", ("scratch",))
    weights = np.random.default_rng(1).uniform(0, 3, len(windows))
    schedule = Schedule(epochs=1, batch_size=len(windows), learning_rate=1e-3)
    curves = train(
        network, arms, windows, split, schedule, engine=engine, dtype="float64", sample_weight=weights
    )
    module = load_module(network, arms[0].tensors, torch.float64).requires_grad_(True)
    rows = split.train
    counts = torch.from_numpy(weights[rows] / weights[rows].mean())
    logits = module(torch.from_numpy(windows.X[rows]).double())
    each = functional.cross_entropy(logits, torch.from_numpy(windows.y[rows]), reduction="none")
    optimizer = torch.optim.Adam(module.parameters(), lr=1e-3)
    (counts * each).mean().backward()
    optimizer.step()
    for name, value in module.named_parameters():
        np.testing.assert_allclose(curves.tensors[0][name], value.detach().numpy(), atol=1e-8)
    assert curves.train_loss[0, 1] == pytest.approx(float(each.detach().mean()), abs=1e-6)


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_a_window_that_counts_nothing_is_as_if_it_were_not_there(engine):
    network, arms, windows, split = case("mlp_plain", ("scratch", "l2_sp"))
    weights = np.ones(len(windows))
    weights[split.train[:7]] = 0
    changed = windows.X.copy()
    changed[split.train[:7]] = 1e3
    options = {"engine": engine, "dtype": "float64", "sample_weight": weights}
    a = train(network, arms, windows, split, SCHEDULE, **options)
    b = train(network, arms, replace(windows, X=changed), split, SCHEDULE, **options)
    for one, two in zip(a.tensors, b.tensors, strict=True):
        for name in one:
            np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-10)


@given(counts=st.lists(st.integers(1, 30), min_size=1, max_size=5), n_arms=st.integers(1, 3))
@settings(max_examples=50, deadline=None)
def test_balanced_weights_are_of_mean_one_and_every_class_sums_alike(counts, n_arms):
    y = np.repeat(np.arange(len(counts)), counts)
    weights = balanced(y)
    sums = np.bincount(y, weights)
    np.testing.assert_allclose(sums, sums[0])
    rows = np.tile(np.arange(len(y)), (n_arms, 1))
    assert window_weights(rows, y, "none", None) is None
    both = window_weights(rows, y, "balanced", np.full(len(y), 3.0))
    np.testing.assert_allclose(both, np.tile(weights, (n_arms, 1)))
    np.testing.assert_allclose(both.mean(axis=1), 1.0)


def test_a_rare_class_is_predicted_where_classes_count_the_same():
    rng = np.random.default_rng(0)
    windows = make_windows(n_features=10, n_subjects=4, n_windows=20)
    y = (rng.random(len(windows)) < 0.05).astype(np.int64)
    X = rng.normal(size=windows.X.shape).astype(np.float32)
    X[y == 1, :2] += 1.5
    windows = replace(windows, X=X, y=y, classes=("often", "rarely"))
    rows = np.arange(len(windows))
    split = Split("x", "x", rows[::2], rows[1::2], leaks=True)
    network = build_network({"name": "mlp", "hidden": [8]}, windows.shape, 2)
    found = {}
    for class_weight in ("none", "balanced"):
        schedule = Schedule(epochs=20, class_weight=class_weight, batch_size=16)
        curves = train(network, make_arms(["scratch"], {}, network, 0), windows, split, schedule)
        predicted = curves.predicted[0, -1]
        found[class_weight] = predicted.sum(), balanced_accuracy(windows.y[split.test], predicted)
    assert found["none"][0] == 0
    assert found["balanced"][0] > 0
    assert found["balanced"][1] > 0.6


@pytest.mark.parametrize(
    "wrong", [np.ones(3), -np.ones(9), np.zeros(9), np.full(9, np.nan), "x", [["a"]] * 9]
)
def test_weights_that_mean_nothing_are_refused(wrong):
    with pytest.raises(BiotransferError, match="sample_weight"):
        check_sample_weight(wrong, 9)


@pytest.mark.parametrize("wrong", ["balance", 3, {"c": 1}, {"a": -1}, {"a": np.nan}, {"a": "1"}, {"a": None}])
def test_class_weights_that_mean_nothing_are_refused(wrong):
    with pytest.raises(BiotransferError, match="class_weight"):
        by_class(wrong, np.array(["a", "b"]), np.array([0, 1, 0]))


def test_divergence_is_noticed_wherever_training_ends():
    network, arms, windows, split = case("mlp_plain", ("scratch",))
    nobody = replace(split, test=split.test[:0])
    for engine in ("stacked", "loop"):
        for where in (split, nobody):
            with pytest.raises(BiotransferError, match="diverged, its loss is not finite"):
                train(network, arms, windows, where, Schedule(epochs=5, learning_rate=1e30), engine=engine)
    still: list[Arm] = [replace(arms[0], lr_scale=dict.fromkeys(arms[0].tensors, 0.0))]
    spoiled = windows.X.copy()
    spoiled[split.train[0], 0] = np.inf
    with pytest.raises(BiotransferError, match="diverged"):
        train(network, still, replace(windows, X=spoiled), nobody, SCHEDULE)
