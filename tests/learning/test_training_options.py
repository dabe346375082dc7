"""What a recipe can ask of training: early stopping, augmentation, precision; and which engine ran."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network, initial_tensors
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.networks.tensors import load_tensors
from biotransfer.learning.training import AUGMENTATIONS, Schedule
from biotransfer.learning.training import stacked as stacked_module
from biotransfer.learning.training.augmentations import make_augment
from biotransfer.learning.training.job import Job
from biotransfer.learning.training.norms import make_stochastic
from biotransfer.learning.training.running import train
from biotransfer.learning.training.schedule import update_seed
from biotransfer.learning.weights import Weights
from biotransfer.signals.splits import make_splits
from biotransfer.studies.recipe import load_recipe
from biotransfer.transfer.carry import make_arms
from tests.builders import make_windows

ENGINES = ("stacked", "loop")


def _arms(network, seeds=(0, 1), names=("scratch", "transferred")):
    source = Weights(initial_tensors(network, 77), {"network": network.describe()})
    return [a for seed in seeds for a in make_arms(list(names), {"supervised": source}, network, seed)]


@pytest.fixture(scope="module")
def noisy():
    """A small set that is soon learned by heart, with a person to watch."""
    windows = make_windows(n_subjects=4, n_windows=3, signal=0.4)
    split = make_splits(windows, "subject", validation=1)[0]
    network = build_network({"name": "mlp", "hidden": [12]}, windows.shape, 3)
    return network, _arms(network, range(3)), windows, split


@pytest.mark.parametrize("engine", ENGINES)
def test_early_stopping_keeps_the_epoch_with_the_lowest_validation_loss(noisy, engine):
    """Against the same training to the end, stopped by hand."""
    network, arms, windows, split = noisy
    schedule = Schedule(epochs=25, batch_size=16, learning_rate=0.03)
    whole = train(network, arms, windows, split, schedule, engine=engine, dtype="float64")
    kept = train(network, arms, windows, split, replace(schedule, patience=3), engine=engine, dtype="float64")
    for a, arm in enumerate(arms):
        watched = whole.loss[a, :, : len(split.validation)].mean(axis=1, dtype=np.float64)
        best = 1
        for epoch in range(1, 26):
            best = epoch if watched[epoch] < watched[best] else best
            if epoch - best >= 3:
                break
        assert (kept.best_epoch[a], kept.trained_epochs[a]) == (best, epoch)
        assert np.array_equal(kept.predicted[a, : best + 1], whole.predicted[a, : best + 1])
        assert (kept.predicted[a, best:] == kept.predicted[a, best]).all()
        shorter = replace(schedule, epochs=best)
        until = train(network, [arm], windows, split, shorter, engine=engine, dtype="float64")
        for name in network.tensor_shapes:
            np.testing.assert_allclose(kept.tensors[a][name], until.tensors[0][name], rtol=0, atol=1e-10)
        np.testing.assert_allclose(kept.probabilities[a], until.probabilities[0], atol=1e-6)
    assert len(set(kept.trained_epochs)) > 1
    assert kept.trained_epochs.max() < 25


def test_early_stopping_without_anybody_to_watch_is_refused(noisy):
    network, arms, windows, _ = noisy
    with pytest.raises(BiotransferError, match="validation"):
        train(network, arms, windows, make_splits(windows)[0], Schedule(patience=2))
    with pytest.raises(BiotransferError, match="validation: 1"):
        load_recipe("simulated_pair", ["train.patience=3"])
    recipe = load_recipe("simulated_pair", ["train.patience=3", "split={by: subject, validation: 1}"])
    assert Schedule(**recipe["train"]).patience == 3


@pytest.fixture(scope="module")
def signals():
    windows = make_windows(n_features=3, n_times=64, n_subjects=2, n_windows=3)
    spec = {"name": "cnn_signal", "filters": [4, 8], "kernel": 5}
    return build_network(spec, windows.shape, 3), windows, make_splits(windows)[0]


@pytest.mark.parametrize("name", AUGMENTATIONS)
def test_augmentations_are_drawn_by_the_seed_and_change_the_windows(name, signals):
    _, windows, _ = signals
    x = torch.from_numpy(windows.X[:8])
    before = x.clone()
    often = {"channels_shuffle": {"p_shuffle": 0.9}, "channels_dropout": {"p_drop": 0.5}}
    spec = {"name": name, "probability": 1.0, **often.get(name, {})}
    augment = make_augment(spec, windows.sfreq)
    a, b, c = augment(x, 1), augment(x, 1), augment(x, 2)
    assert a.shape == x.shape
    assert a.dtype == x.dtype
    assert torch.isfinite(a).all()
    assert torch.equal(a, b)
    assert torch.equal(x, before)
    assert not torch.equal(a, x)
    assert torch.equal(a, c) == (name in ("time_reverse", "sign_flip"))


def test_both_engines_augment_alike_and_only_what_is_trained_on(signals):
    network, windows, split = signals
    arms = _arms(network)
    plain = Schedule(epochs=2, batch_size=16)
    schedule = replace(plain, augment={"name": "gaussian_noise", "std": 0.5})
    a, b = (train(network, arms, windows, split, schedule, engine=e, dtype="float64") for e in ENGINES)
    none = train(network, arms, windows, split, plain, dtype="float64")
    for one, two, other in zip(a.tensors, b.tensors, none.tensors, strict=True):
        for name in network.tensor_shapes:
            np.testing.assert_allclose(one[name], two[name], rtol=0, atol=1e-10)
        assert np.abs(one["head.weight"] - other["head.weight"]).max() > 1e-5
    assert np.array_equal(a.loss[:, 0], none.loss[:, 0])


def test_an_augmented_update_is_that_of_the_augmented_batch(signals):
    network, windows, split = signals
    arm = _arms(network, (0,), ["scratch"])[0]
    spec = {"name": "ft_surrogate", "probability": 1.0}
    schedule = Schedule(epochs=1, batch_size=len(split.train), learning_rate=0.01, augment=spec)
    after = train(network, [arm], windows, split, schedule, dtype="float64").tensors[0]
    rows = split.train[None]
    job = Job(network, [arm], windows.X, windows.y, rows, rows, split.uid, schedule)
    x = torch.from_numpy(windows.X[job.order(0, 0)]).double()
    module = build_module(network, torch.float64)
    load_tensors(module, arm.tensors)
    x = make_augment(spec, windows.sfreq)(x, update_seed(0, split.uid, 0))
    functional.cross_entropy(module(x), torch.from_numpy(windows.y[job.order(0, 0)])).backward()
    for name, p in module.named_parameters():
        step = 0.01 * p.grad / (p.grad.abs() + 1e-8)
        np.testing.assert_allclose(after[name], (p - step).detach().numpy(), rtol=0, atol=1e-8)


def test_features_are_not_augmented(noisy):
    network, arms, windows, split = noisy
    with pytest.raises(BiotransferError, match="a feature is no signal"):
        train(network, arms, windows, split, Schedule(augment="sign_flip"))
    with pytest.raises(BiotransferError, match="a feature is no signal"):
        load_recipe("simulated_pair", ["train.augment=sign_flip"])
    with pytest.raises(BiotransferError, match="gaussian_noise"):
        Schedule(augment="gausian_noise")


def test_mixed_precision_is_for_gpus(noisy):
    network, arms, windows, split = noisy
    with pytest.raises(BiotransferError, match="only loses digits"):
        train(network, arms, windows, split, Schedule(precision="mixed"))
    with pytest.raises(BiotransferError, match="precision"):
        load_recipe("simulated_pair", ["train.precision=half"])


@pytest.mark.parametrize("engine", ENGINES)
def test_mixed_precision_trains_nearly_alike(noisy, engine):
    """Its arithmetic, on the CPU: forward passes in bfloat16, weights and updates in float32."""
    network, arms, windows, split = noisy
    arms = arms[:2]
    rows = np.tile(split.train, (len(arms), 1))
    schedule = Schedule(epochs=2, batch_size=16, learning_rate=0.01)
    function = {"stacked": stacked_module.train_stacked}.get(engine)
    if function is None:
        from biotransfer.learning.training.loop import train_loop as function
    full, mixed = (
        function(Job(network, arms, windows.X, windows.y, rows, rows, split.uid, s))
        for s in (schedule, replace(schedule, precision="mixed"))
    )
    assert mixed.tensors[0]["head.weight"].dtype == np.float32
    difference = np.abs(full.train_loss - mixed.train_loss)[:, 1:]
    assert 0 < difference.max() < 0.02


def test_a_stochastic_norm_mixes_batch_and_running_statistics_by_channel():
    norm = torch.nn.BatchNorm1d(6, momentum=0.25)
    module = torch.nn.Sequential(norm).double()
    with torch.no_grad():
        norm.running_mean.copy_(torch.arange(6))
        norm.running_var.fill_(4.0)
    x = torch.randn(20, 6, generator=torch.Generator().manual_seed(0)).double()
    make_stochastic(module, 0.5)
    torch.manual_seed(5)
    state = torch.random.get_rng_state()
    y = module(x)
    assert torch.equal(state, torch.random.get_rng_state())
    batch = (x - x.mean(0)) / (x.var(0, unbiased=False) + norm.eps).sqrt()
    mean = 0.75 * torch.arange(6) + 0.25 * x.mean(0)
    moving = (x - mean) / (0.75 * 4.0 + 0.25 * x.var(0) + norm.eps).sqrt()
    as_batch = (y - batch).abs().amax(0) < 1e-12
    as_moving = (y - moving).abs().amax(0) < 1e-12
    assert (as_batch ^ as_moving).all()
    assert 0 < as_moving.sum() < 6
    torch.testing.assert_close(norm.running_mean, mean)
    module.eval()
    torch.testing.assert_close(module(x), (x - mean) / (norm.running_var + norm.eps).sqrt())
    with pytest.raises(BiotransferError, match="running statistics"):
        make_stochastic(torch.nn.Sequential(torch.nn.Linear(2, 2)), 0.5)


def test_the_arm_of_stochastic_norms_trains_and_is_no_other_arm():
    windows = make_windows(n_features=4, n_times=128, n_subjects=2, n_windows=3)
    split = make_splits(windows)[0]
    network = build_network("EEGNet", windows.shape, 3, sfreq=100.0)
    arms = _arms(network, (0,), ["transferred", "stoch_norm"])
    schedule = Schedule(epochs=2, batch_size=16)
    curves = [train(network, arms, windows, split, schedule) for _ in range(2)]
    assert np.array_equal(curves[0].loss, curves[1].loss)
    np.testing.assert_allclose(curves[0].loss[0, 0], curves[0].loss[1, 0], rtol=1e-5)  # of two engines
    assert np.abs(curves[0].loss[0, -1] - curves[0].loss[1, -1]).max() > 1e-3
    with pytest.raises(BiotransferError, match="running statistics"):
        _arms(build_network("mlp", (8,), 3), (0,), ["stoch_norm"])


def test_curves_say_which_engine_ran(noisy, signals):
    network, arms, windows, split = noisy
    assert train(network, arms[:1], windows, split, Schedule(epochs=1)).engine == "stacked"
    cnn, windows, split = signals
    one = _arms(cnn, (0,))[:1]
    assert train(cnn, one, windows, split, Schedule(epochs=1)).engine == "stacked"
    assert train(cnn, one, windows, split, Schedule(epochs=1), engine="loop").engine == "loop"


def test_curves_say_by_what_every_arm_was_trained(signals):
    cnn, windows, split = signals
    arms = _arms(cnn, (0,), ["bss", "scratch"])
    found = train(cnn, arms, windows, split, Schedule(epochs=1)).path
    assert found[0] == "stacked modules"
    assert found[1].startswith("kernel, products of ")
    looped = train(cnn, arms, windows, split, Schedule(epochs=1), engine="loop").path
    assert list(looped) == ["loop", "loop"]
