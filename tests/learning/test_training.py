from dataclasses import replace

import numpy as np
import pytest
import torch

from biotransfer.errors import BiotransferError
from biotransfer.learning.layers import Layer
from biotransfer.learning.networks import NETWORKS, build_network, initial_tensors
from biotransfer.learning.training import Schedule, epoch_order
from biotransfer.learning.training import stacked as stacked_module
from biotransfer.learning.training.job import Job
from biotransfer.learning.training.running import choose_engine, run_job, train
from biotransfer.learning.weights import Weights
from biotransfer.results import CURVES
from biotransfer.signals.splits import make_splits
from biotransfer.transfer.carry import Arm, make_arms
from tests.builders import make_windows

NAMES = ["scratch", "transferred", "frozen_body", "permuted"]


def _arms(network, seeds=(0, 1)):
    source = Weights(initial_tensors(network, 77))
    return [arm for seed in seeds for arm in make_arms(NAMES, {"supervised": source}, network, seed)]


def _scaled(arm, factor):
    return Arm(arm.name, arm.seed, arm.tensors, dict.fromkeys(arm.tensors, factor), arm.ledger)


@pytest.fixture
def case():
    windows = make_windows(n_subjects=4, n_windows=9)
    split = make_splits(windows, "subject")[1]
    network = build_network({"name": "mlp", "hidden": [10, 6], "norm": True}, windows.shape, 3)
    return network, _arms(network), windows, split


@pytest.mark.parametrize("weight_decay", [0.0, 0.1])
def test_stacked_equals_loop_in_double_precision(case, weight_decay):
    network, arms, windows, split = case
    arms = [*arms, _scaled(arms[0], 0.3)]
    schedule = Schedule(epochs=4, batch_size=16, learning_rate=0.01, weight_decay=weight_decay)
    a, b = (
        train(network, arms, windows, split, schedule, engine=e, dtype="float64") for e in ("stacked", "loop")
    )
    for one, two in zip(a.tensors, b.tensors, strict=True):
        for name in network.tensor_shapes:
            np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-10)
    assert np.array_equal(a.predicted, b.predicted)
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-7)
    np.testing.assert_allclose(a.train_loss, b.train_loss, atol=1e-10)
    np.testing.assert_allclose(a.loss, b.loss, atol=1e-6)


def test_results_do_not_depend_on_how_arms_are_stacked(case, monkeypatch):
    network, arms, windows, split = case
    schedule = Schedule(epochs=3, batch_size=16)
    whole = train(network, arms, windows, split, schedule, dtype="float64")
    monkeypatch.setattr(stacked_module, "models_per_stack", lambda *_: 3)
    parts = train(network, arms, windows, split, schedule, dtype="float64")
    for one, two in zip(whole.tensors, parts.tensors, strict=True):
        for name in network.tensor_shapes:
            np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-10)


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_frozen_tensors_stay_byte_identical(case, engine):
    network, arms, windows, split = case
    schedule = Schedule(epochs=3, batch_size=16, weight_decay=0.1)
    curves = train(network, arms, windows, split, schedule, engine=engine)
    for arm, tensors in zip(arms, curves.tensors, strict=True):
        for name in network.tensor_shapes:
            same = arm.tensors[name].tobytes() == tensors[name].tobytes()
            assert same == (arm.lr_scale[name] == 0), (arm.name, name)


@pytest.mark.parametrize("name", ["cnn_image", "cnn_signal"])
def test_frozen_convolutions_stay_byte_identical(name):
    windows = make_windows(n_features=16, n_times=64 if name == "cnn_signal" else None, n_windows=3)
    network = build_network(name, windows.shape, 3)
    arms = _arms(network, seeds=(0,))
    curves = train(network, arms, windows, make_splits(windows)[0], Schedule(epochs=2, batch_size=16))
    for arm, tensors in zip(arms, curves.tensors, strict=True):
        for key in network.tensor_shapes:
            same = arm.tensors[key].tobytes() == tensors[key].tobytes()
            assert same == (arm.lr_scale[key] == 0)


def test_step_0_is_before_any_update(case):
    network, arms, windows, split = case
    curves = train(network, arms, windows, split, Schedule(epochs=2, batch_size=16))
    assert list(curves.epochs) == [0, 1, 2]
    assert list(curves.steps) == [0, -(-len(split.train) // 16), 2 * -(-len(split.train) // 16)]
    x = windows.X[split.test]
    for arm, predicted in zip(arms, curves.predicted, strict=True):
        t = {k: v.astype(np.float64) for k, v in arm.tensors.items()}
        h = x.astype(np.float64)
        for layer in ("stem_0", "body_1"):
            h = h @ t[f"{layer}.weight"].T + t[f"{layer}.bias"]
            h = (h - h.mean(1, keepdims=True)) / np.sqrt(h.var(1, keepdims=True) + 1e-5)
            h = np.maximum(h * t[f"{layer}_norm.weight"] + t[f"{layer}_norm.bias"], 0)
        logits = h @ t["head.weight"].T + t["head.bias"]
        assert np.mean(predicted[0] == logits.argmax(1)) > 0.99


def test_an_update_is_adams_closed_form():
    """One full-batch step of Adam moves every weight by the learning rate against its gradient's sign."""
    windows = make_windows(n_subjects=2, n_windows=2)
    split = make_splits(windows)[0]
    network = build_network({"name": "mlp", "hidden": [4]}, windows.shape, 3)
    arm = make_arms(["scratch"], {}, network, 0)[0]
    schedule = Schedule(epochs=1, batch_size=10_000, learning_rate=0.01)
    after = train(network, [arm], windows, split, schedule, dtype="float64").tensors[0]
    moved = np.abs(after["head.weight"] - arm.tensors["head.weight"])
    np.testing.assert_allclose(moved, 0.01, rtol=1e-3)


def test_every_window_is_seen_once_per_epoch():
    for n in (1, 7, 64, 65):
        assert sorted(epoch_order(3, "uid", 0, n)) == list(range(n))
        assert sum(s.stop - s.start for s in Schedule(batch_size=64).batches(n)) == n


def test_order_depends_on_seed_split_and_epoch_only():
    base = epoch_order(0, "a", 0, 50)
    assert np.array_equal(base, epoch_order(0, "a", 0, 50))
    for other in (epoch_order(1, "a", 0, 50), epoch_order(0, "b", 0, 50), epoch_order(0, "a", 1, 50)):
        assert not np.array_equal(base, other)


def test_arms_see_the_same_batches(case):
    network, arms, windows, split = case
    rows = np.tile(split.train, (len(arms), 1))
    job = Job(network, arms, windows.X, windows.y, rows, rows, split.uid, Schedule())
    for a, arm in enumerate(arms):
        for b, other in enumerate(arms):
            assert np.array_equal(job.order(a, 2), job.order(b, 2)) == (arm.seed == other.seed)


def test_it_learns_what_is_there_and_nothing_where_nothing_is():
    schedule = Schedule(epochs=25, batch_size=16, learning_rate=0.01)
    reached = {}
    for signal in (2.0, 0.0):
        windows = make_windows(n_subjects=6, n_windows=8, signal=signal)
        split = make_splits(windows)[0]
        network = build_network({"name": "mlp", "hidden": [16]}, windows.shape, 3)
        curves = train(network, _arms(network, range(4)), windows, split, schedule)
        reached[signal] = (curves.predicted[:, -1] == windows.y[split.test]).mean()
    assert reached[2.0] > 0.9
    assert reached[0.0] < 0.5


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_training_leaves_torch_as_it_found_it(case, engine):
    network, arms, windows, split = case
    threads, state = torch.get_num_threads(), torch.random.get_rng_state()
    train(network, arms[:2], windows, split, Schedule(epochs=1), engine=engine)
    assert torch.get_num_threads() == threads
    assert torch.equal(torch.random.get_rng_state(), state)


def test_whatever_has_a_stacked_form_is_stacked():
    cnn = build_network("cnn_image", (16,), 3)
    shapes = {"mlp": (16,), "cnn_image": (16,), "cnn_signal": (4, 64), "channel_wise": (4, 64)}
    for network in (build_network(name, shape, 3) for name, shape in shapes.items()):
        assert NETWORKS[network.name].facts["engine"] == "stacked"
        assert choose_engine(network) == choose_engine(network, "stacked") == "stacked"
        assert choose_engine(network, "loop") == "loop"
    strange = replace(cnn, layers=(*cnn.layers, Layer("last", "head", "", {"size": 3})))
    assert choose_engine(strange) == "loop"
    with pytest.raises(BiotransferError, match="without a stacked form"):
        choose_engine(strange, "stacked")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"epochs": 0}, "epochs=0"),
        ({"batch_size": 0}, "batch_size=0"),
        ({"learning_rate": -1}, "learning_rate=-1"),
    ],
)
def test_bad_schedules(options, message):
    with pytest.raises(BiotransferError, match=message):
        Schedule(**options)


def test_windows_of_another_shape_are_refused(case):
    network, arms, windows, split = case
    other = make_windows(n_features=5)
    with pytest.raises(BiotransferError, match=r"shape \(5,\)"):
        train(network, arms, other, split)


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU")
def test_a_missing_gpu_is_said(case):
    network, arms, windows, split = case
    rows = np.tile(split.train, (len(arms), 1))
    job = Job(network, arms, windows.X, windows.y, rows, rows, split.uid, Schedule())
    with pytest.raises(BiotransferError, match="--device cpu"):
        run_job(job, device="cuda")


def test_curves_give_the_table_of_a_study():
    windows = make_windows(n_subjects=4)
    network = build_network({"name": "mlp", "hidden": [8]}, windows.shape, 3)
    split = make_splits(windows, by="subject", validation=1)[0]
    arms = [arm for seed in (3, 5) for arm in make_arms(["scratch"], {}, network, seed)]
    curves = train(network, arms, windows, split, Schedule(epochs=2))
    table = curves.to_frame("emg->eeg", budget="5")
    assert list(table) == CURVES
    assert table.drop(columns="value").duplicated().sum() == 0
    for column, expected in {
        "direction": {"emg->eeg"}, "network": {"mlp"}, "protocol": {"subject"}, "budget": {"5"},
        "arm": {"scratch"}, "split": {split.name}, "seed": {3, 5}, "epoch": {0, 1, 2},
        "split_part": {"train", "validation", "test"},
        "metric": {"accuracy", "balanced_accuracy", "log_loss"},
    }.items():  # fmt: skip
        assert set(table[column]) == expected, column
    last = table[(table["split_part"] == "test") & (table["metric"] == "accuracy") & (table["epoch"] == 2)]
    right = curves.predicted[:, -1, len(split.validation) :] == windows.y[split.test]
    assert last["seed"].tolist() == [3, 5]
    np.testing.assert_array_equal(last["value"], right.mean(axis=1))
    named = curves.to_frame("emg->eeg", network="small", protocol="mine")
    assert (set(named["network"]), set(named["protocol"])) == ({"small"}, {"mine"})


def test_curves_without_people_say_where_to_get_them():
    windows = make_windows()
    network = build_network({"name": "mlp", "hidden": [8]}, windows.shape, 3)
    rows = np.arange(8)[None]
    job = Job(
        network, make_arms(["scratch"], {}, network, 0), windows.X, windows.y, rows, rows, "x", Schedule(1)
    )
    with pytest.raises(BiotransferError, match=r"Make them with train\("):
        run_job(job).to_frame("emg->eeg")
