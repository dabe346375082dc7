"""Libraries' models whose every layer has a record train many at once, and as the loop trains each alone."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch

from biotransfer.learning.networks import build_network, initial_tensors
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.networks.reading import layers_of
from biotransfer.learning.networks.tensors import load_tensors, module_tensors
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.compiled_maps import CompiledMaps, can_map
from biotransfer.learning.training.job import Job
from biotransfer.learning.training.running import choose_engine, run_job
from biotransfer.learning.weights import Weights, is_statistic
from biotransfer.transfer.carry import make_arms

READ = ("EEGNet", "ShallowFBCSPNet", "Deep4Net")
BY_TORCH = ("EEGTCNet", "EEGConformer", "EEGNeX")
"""Networks that the kernel trains, and those that torch does."""
SIZES = {"eeg": (4, 250, 3, 250.0), "emg": (8, 200, 4, 200.0)}
SCHEDULE = Schedule(epochs=2, batch_size=8, learning_rate=0.01, weight_decay=0.01)
WITHOUT_EFFECT = {
    "bnorm_temporal.bias",
    "block_2.1.bias",
    "conv_time_spat.conv_time.bias",
    "patch_embedding.shallownet.0.bias",
    "patch_embedding.shallownet.1.bias",
    *(f"transformer.{i}.0.fn.1.keys.bias" for i in range(6)),
}
"""Biases before norms by batches, and of keys: their gradients are rounding, which Adam divides by 1e-8."""
SEVERAL = ("conv_time_space", "residual")
"""Kinds of several layers, which may belong to several parts."""
NAMES = ["scratch", "transferred", "frozen_body", "gradual_unfreezing", "l2_sp", "permuted"]


@cache
def _network(name, modality, **options):
    n_chans, n_times, n_outputs, sfreq = SIZES[modality]
    return build_network({"name": name, "options": dict(options)}, (n_chans, n_times), n_outputs, sfreq=sfreq)


def _job(network, names=NAMES, seeds=(0, 1), n_train=20, **changes):
    rng = np.random.default_rng(3)
    n, n_outputs = n_train + 9, network.n_outputs
    X = rng.normal(0.3, 1, (n, *network.input_shape)).astype(np.float32)
    y = np.arange(n) % n_outputs
    X[:, 0] *= 1 + y[:, None] / 2
    source = Weights(
        {k: v + 0.01 * (not is_statistic(k)) for k, v in initial_tensors(network, 77).items()},
        {"network": network.describe()},
    )
    arms = [arm for seed in seeds for arm in make_arms(names, {"supervised": source}, network, seed)]
    arms = [
        replace(arm, lr_scale=arm.lr_scale | dict.fromkeys(WITHOUT_EFFECT & set(arm.tensors), 0.0))
        for arm in arms
    ]
    train, rest = (np.tile(rows, (len(arms), 1)) for rows in (np.arange(n_train), np.arange(n_train, n)))
    return Job(network, arms, X, y, train, rest, "split", replace(SCHEDULE, **changes), n_validation=4)


def _assert_equal(job, one, other):
    for a, arm in enumerate(job.arms):
        for name in job.network.tensor_shapes:
            np.testing.assert_allclose(
                one.tensors[a][name], other.tensors[a][name], rtol=0, err_msg=f"{arm.name} {name}",
                atol=1e-10,
            )  # fmt: skip
    np.testing.assert_allclose(one.train_loss, other.train_loss, rtol=0, atol=1e-10)
    np.testing.assert_allclose(one.loss, other.loss, rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(one.probabilities, other.probabilities, rtol=0, atol=1e-6)
    assert np.array_equal(one.predicted, other.predicted)
    assert np.array_equal(one.best_epoch, other.best_epoch)


@pytest.mark.parametrize("modality", SIZES)
@pytest.mark.parametrize("name", READ + BY_TORCH)
def test_models_of_a_library_train_together_as_each_does_alone(name, modality):
    job = _job(_network(name, modality))
    assert choose_engine(job.network) == "stacked"
    stacked, loop = (run_job(job, engine=engine, dtype="float64") for engine in ("auto", "loop"))
    usual, probe = ("kernel", "kernel") if name in READ else ("stacked modules", "kept features")
    for arm, path in zip(job.arms, stacked.path, strict=True):
        assert path.startswith(probe if arm.name == "frozen_body" else usual)
    _assert_equal(job, stacked, loop)
    frozen = [a for a, arm in enumerate(job.arms) if arm.name == "frozen_body"]
    still = [k for k, rate in job.arms[frozen[0]].lr_scale.items() if rate == 0]
    assert {is_statistic(k) for k in still} == {True, False}
    for a in frozen:
        for key in still:
            assert np.array_equal(stacked.tensors[a][key], job.arms[a].tensors[key])
    moved = [k for k in job.network.tensor_shapes if is_statistic(k)]
    assert not any(np.array_equal(stacked.tensors[0][k], job.arms[0].tensors[k]) for k in moved)


@pytest.mark.parametrize("name", BY_TORCH)
def test_torch_stops_early_weighs_and_takes_a_last_window_alone(name):
    options = {"names": ["transferred", "frozen_body"], "n_train": 17, "epochs": 3}
    job = _job(_network(name, "emg"), **options, patience=1, class_weight="balanced")
    stacked, loop = (run_job(job, engine=engine, dtype="float64") for engine in ("auto", "loop"))
    _assert_equal(job, stacked, loop)


def test_early_stopping_weights_and_moments_found_anew(monkeypatch):
    job = _job(_network("EEGNet", "eeg"), ["transferred"], epochs=4, patience=1, class_weight="balanced")
    stacked, loop = (run_job(job, engine=engine, dtype="float64") for engine in ("auto", "loop"))
    _assert_equal(job, stacked, loop)
    monkeypatch.setattr("biotransfer.learning.training.compiled_maps._MOMENTS", 0)
    again = run_job(job, dtype="float64")
    _assert_equal(job, stacked, again)


def test_what_an_arm_adds_sends_it_to_the_loop_and_no_other():
    job = _job(_network("ShallowFBCSPNet", "eeg"), ["scratch", {"name": "bss", "k": 1}, "stoch_norm"], (0,))
    stacked, loop = (run_job(job, engine=engine, dtype="float64") for engine in ("auto", "loop"))
    assert [path.split(",")[0] for path in stacked.path] == ["kernel", "loop", "loop"]
    _assert_equal(job, stacked, loop)


def test_a_model_with_a_layer_without_record_keeps_the_loop():
    for name, options in (
        ("ATCNet", {}),
        ("EEGNet", {"pool_mode": "max"}),
        ("Deep4Net", {"first_pool_mode": "mean"}),
    ):
        network = _network(name, "eeg", **options)
        assert can_map(network) == (name == "EEGNet")
        assert choose_engine(network) == ("stacked" if name == "EEGNet" else "loop")
    assert choose_engine(_network("EEGNet", "eeg"), device="cuda") == "loop"


def test_layers_that_are_read_have_the_models_tensors():
    for name in READ + BY_TORCH:
        network = _network(name, "emg")
        layers = layers_of(network)
        assert layers is not None
        assert {k for layer in layers for k in layer.tensor_shapes()} == set(network.tensor_shapes)
        sure = [layer for layer in layers if layer.kind not in SEVERAL]
        assert all(layer.part == network.tensor_parts[k] for layer in sure for k in layer.tensor_shapes())


def test_logits_are_those_of_the_module():
    job = _job(_network("Deep4Net", "emg"), ["scratch"])
    models = CompiledMaps(job, torch.from_numpy(job.X.astype(np.float64)), torch.from_numpy(job.y))
    said = models.logits(torch.from_numpy(job.eval_rows))
    module = build_module(job.network, torch.float64).eval()
    for a, arm in enumerate(job.arms):
        load_tensors(module, arm.tensors)
        with torch.no_grad():
            theirs = module(torch.from_numpy(job.X[job.eval_rows[a]]).double())
        torch.testing.assert_close(said[a], theirs, rtol=0, atol=1e-10)
    assert set(models.merged) == set(module_tensors(module))


@pytest.mark.parametrize("name", ["EEGNet", *BY_TORCH])
def test_in_single_precision_the_curves_agree_statistically(name):
    """Over 12 seeds the engines' final losses differ by no more than a tenth of their spread over seeds."""
    job = _job(_network(name, "emg"), ["scratch"], range(12), learning_rate=1e-3)
    ours, theirs = (
        run_job(job, engine=engine).loss[:, -1].mean(axis=1, dtype=np.float64) for engine in ("auto", "loop")
    )
    assert np.abs(ours - theirs).max() < 0.1 * theirs.std()
