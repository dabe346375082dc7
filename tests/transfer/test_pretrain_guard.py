"""One guard stands around every training: seen from inside, for every method and every engine."""

from dataclasses import replace

import numpy as np
import pytest
import threadpoolctl
import torch

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network
from biotransfer.learning.networks.forward import run_network
from biotransfer.learning.training import Schedule, running
from biotransfer.learning.training.guard import flushes_denormals, reproducibly
from biotransfer.learning.training.running import train
from biotransfer.signals.splits import make_splits
from biotransfer.transfer.carry import make_arms
from biotransfer.transfer.pretrain import METHODS, training
from biotransfer.transfer.pretrain.training import hold_out_people, pretrain
from tests.builders import make_windows

SCHEDULE = Schedule(epochs=1, batch_size=16)


def _state():
    blas = {p["num_threads"] for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"}
    cudnn = torch.backends.cudnn
    return {
        "threads": torch.get_num_threads(),
        "blas": sorted(blas),
        "precision": torch.get_float32_matmul_precision(),
        "flushes": flushes_denormals(),
        "cudnn": (cudnn.enabled, cudnn.deterministic, cudnn.benchmark, cudnn.allow_tf32),
    }


GUARDED = {
    "threads": 1,
    "blas": [1],
    "precision": "highest",
    "flushes": True,
    "cudnn": (True, True, False, False),
}


@pytest.fixture
def careless():
    """Everything otherwise than the guard has it; given back afterwards."""
    with reproducibly(), threadpoolctl.threadpool_limits(2, user_api="blas"):
        torch.set_num_threads(3)
        torch.set_float32_matmul_precision("high")
        torch.set_flush_denormal(False)
        with torch.backends.cudnn.flags(enabled=True, deterministic=False, allow_tf32=True):
            state = _state()
            assert all(state[name] != value for name, value in GUARDED.items())
            yield state


def _watched(monkeypatch, owner, name):
    """Note the state whenever a function begins and ends."""
    real, seen = getattr(owner, name), []

    def watch(*given, **options):
        seen.append(_state())
        found = real(*given, **options)
        seen.append(_state())
        return found

    monkeypatch.setattr(owner, name, watch)
    return seen


def _pretrain(method, network="mlp", **options):
    facts = METHODS[method].facts
    times = 16 if facts["maps"] else None
    windows = make_windows(n_features=8, n_subjects=4, n_recordings=2, n_windows=4, n_times=times)
    target = make_windows(n_features=8, n_subjects=2, n_recordings=2, n_windows=4, n_classes=2)
    spec = {"name": network, "hidden": [6, 4], **options}
    if facts["maps"]:
        spec = {"name": "cnn_signal", "filters": [4, 4], "kernel": 3, "pool": 2}
    joint = facts["joint"]
    split = hold_out_people(windows)
    given = target if joint else None
    return windows, split, pretrain([windows], split, spec, [0], SCHEDULE, method=method, target=given)


@pytest.mark.parametrize("method", METHODS)
def test_every_pretraining_method_trains_and_predicts_inside(method, careless, monkeypatch):
    seen = []

    def resolve(spec):
        entry, parameters = METHODS.resolve(spec)

        def function(problem, **given):
            seen.append(_state())
            learned = entry.function(problem, **given)
            seen.append(_state())
            return learned

        return replace(entry, function=function), parameters

    monkeypatch.setattr(training, "METHODS", type("Watched", (), {"resolve": staticmethod(resolve)}))
    predicted = _watched(monkeypatch, training, "_predict")
    _pretrain(method)
    assert seen == [GUARDED] * 2
    assert predicted == [GUARDED] * 2
    assert _state() == careless


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_every_engine_trains_inside(engine, careless, monkeypatch):
    windows = make_windows(n_features=8, n_subjects=3, n_windows=4)
    network = build_network({"name": "mlp", "hidden": [6, 4]}, windows.shape, 3)
    seen = _watched(monkeypatch, running, f"train_{engine}")
    arms = make_arms(["scratch"], {}, network, 0)
    train(network, arms, windows, make_splits(windows, "subject")[0], SCHEDULE, engine=engine)
    assert seen == [GUARDED] * 2
    assert _state() == careless


def test_the_guard_gives_back_what_it_found_when_training_fails(careless):
    windows = make_windows(n_features=8, n_subjects=3, n_windows=4)
    network = build_network({"name": "mlp", "hidden": [6, 4]}, windows.shape, 3)
    schedule = Schedule(epochs=9, batch_size=4, learning_rate=1e30)
    split = make_splits(windows, "subject")[0]
    with pytest.raises(BiotransferError, match="diverged"):
        train(network, make_arms(["scratch"], {}, network, 0), windows, split, schedule)
    with pytest.raises(BiotransferError, match="diverged"):
        pretrain([windows], split, {"name": "mlp", "hidden": [6, 4]}, [0], schedule, method="masked")
    assert _state() == careless


def test_a_source_is_judged_without_dropout():
    """Its head drops units while it trains, none when it answers for people kept out."""
    head = {"name": "spinal", "width": 4, "dropout": 0.5}
    windows, split, (found,) = _pretrain("supervised", head=head)
    network = build_network({"name": "mlp", "hidden": [6, 4], "head": head}, windows.shape, 3)
    logits = run_network(network, found.weights.tensors, windows.X[split.test]).logits
    assert np.array_equal(found.y_pred, logits.argmax(1))
