"""On a CUDA device: the same trainings as on the CPU. Needs one; elsewhere these are skipped."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.learning.training.stacked import models_per_stack
from biotransfer.studies.running import run_study
from tests.learning.test_training_engines import SCHEDULE, _assert_equal, _case

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device")


@pytest.mark.parametrize("engine", ["stacked", "loop"])
@pytest.mark.parametrize("name", ["mlp", "mlp_plain", "cnn_image", "cnn_signal"])
def test_every_arm_trains_as_on_the_cpu(name, engine):
    """Among them arms that thaw, whose recorded updates are recorded anew."""
    network, arms, windows, split = _case(name)
    cpu = train(network, arms, windows, split, SCHEDULE, engine="stacked", dtype="float64")
    gpu = train(network, arms, windows, split, SCHEDULE, engine=engine, dtype="float64", device="cuda")
    _assert_equal(network, cpu, gpu)


@pytest.mark.parametrize("name", ["mlp_plain", "cnn_signal"])
def test_single_precision_is_not_cut_to_tf32(name):
    network, arms, windows, split = _case(name, names=["scratch", "transferred"])
    schedule = Schedule(epochs=1, batch_size=64, learning_rate=1e-6)
    exact, found = (
        train(network, arms, windows, split, schedule, engine="stacked", dtype=dtype, device=device)
        for dtype, device in (("float64", "cpu"), ("float32", "cuda"))
    )
    np.testing.assert_allclose(found.loss, exact.loss, rtol=2e-5, atol=2e-6)


def test_two_trainings_give_the_same_bits():
    for name in ("mlp_plain", "cnn_image", "cnn_signal"):
        network, arms, windows, split = _case(name)
        one, two = (train(network, arms, windows, split, SCHEDULE, device="cuda") for _ in range(2))
        assert np.array_equal(one.loss, two.loss)


def test_mixed_precision_learns_the_same_to_its_digits():
    network, arms, windows, split = _case("cnn_signal", names=["scratch", "transferred"])
    full, mixed = (
        train(network, arms, windows, split, replace(SCHEDULE, precision=p), engine="stacked", device="cuda")
        for p in ("full", "mixed")
    )
    assert not np.array_equal(full.loss, mixed.loss)
    assert np.abs(full.train_loss[:, 1:] - mixed.train_loss[:, 1:]).max() < 0.05


def test_early_stopping_watches_the_device():
    network, arms, windows, split = _case("mlp_plain", names=["scratch", "transferred"])
    split = replace(split, train=split.train[4:], validation=split.train[:4], unlabelled=split.unlabelled[:0])
    schedule = replace(SCHEDULE, epochs=12, patience=2)
    cpu, gpu = (
        train(network, arms, windows, split, schedule, dtype="float64", device=d) for d in ("cpu", "cuda")
    )
    assert cpu.trained_epochs.min() < 12
    assert np.array_equal(cpu.best_epoch, gpu.best_epoch)
    _assert_equal(network, cpu, gpu)


def test_a_stack_fits_into_the_memory_that_is_free():
    network, *_ = _case("mlp_plain")
    free = torch.cuda.mem_get_info()[0]
    assert models_per_stack(network, 64, "cuda") * 4 * 4 * network.n_parameters < free


def test_a_study_on_the_gpu_says_what_one_on_the_cpu_says(tmp_path):
    recipe = {
        "eeg": {"data": "simulated", "n_subjects": 3, "preprocess": "none"},
        "emg": {"data": "simulated", "n_subjects": 3, "preprocess": "none"},
        "directions": ["emg->eeg"], "features": "band_power", "align": {"name": "pca", "k": 6},
        "network": {"name": "mlp", "hidden": [4]}, "arms": ["scratch", "transferred", "permuted"],
        "nuisance": False, "baselines": [], "train": {"epochs": 3}, "seeds": 2,
    }  # fmt: skip
    cpu, gpu = (
        run_study(recipe, tmp_path / device, device=device).results.curves for device in ("cpu", "cuda")
    )
    assert cpu.drop(columns="value").equals(gpu.drop(columns="value"))
    assert np.abs(cpu["value"] - gpu["value"]).mean() < 0.01
