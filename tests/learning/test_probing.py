"""Frozen bodies: what they make of the windows is computed once, and nothing else changes."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from biotransfer.learning.networks import NETWORKS, initial_tensors, load_checkpoint
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.networks.tail import Cut, cut_behind
from biotransfer.learning.networks.tensors import set_training
from biotransfer.learning.training import Schedule, probing
from biotransfer.learning.training.arm import Arm
from biotransfer.learning.training.job import Job
from biotransfer.learning.training.loop import train_loop
from biotransfer.learning.training.running import run_job
from biotransfer.transfer.carry import make_arms
from tests.learning.test_checkpoints import PRETRAINED, network, published, save

N = 24


def probe(record, seed=0):
    """An arm of which the head alone trains."""
    rates = {k: float(part == "head") for k, part in record.tensor_parts.items()}
    return Arm("probe", seed, initial_tensors(record, seed), rates, ())


def job_of(record, arms, schedule):
    draw = np.random.default_rng(0)
    X = draw.standard_normal((N, *record.input_shape)).astype(np.float32)
    rows = np.tile(np.arange(N), (len(arms), 1))
    y = np.arange(N) % record.n_outputs
    return Job(record, arms, X, y, rows[:, :16], rows[:, 16:], "probe", schedule)


@pytest.fixture
def passes(monkeypatch):
    """Bodies that were run over all windows."""
    found, run = [], probing.features_at

    def counted(record, *given, **named):
        found.append(record.name)
        return run(record, *given, **named)

    monkeypatch.setattr(probing, "features_at", counted)
    return found


@pytest.mark.parametrize("name", PRETRAINED)
def test_the_head_of_a_published_network_trains_on_kept_features_as_in_the_loop(name, passes):
    record = network(name)
    arms = [probe(record, seed) for seed in (0, 1)]
    arms.append(replace(arms[0], name="all", lr_scale=dict.fromkeys(record.tensor_shapes, 1.0)))
    job = job_of(record, arms, Schedule(epochs=2, batch_size=8, learning_rate=1e-2))
    found, expected = run_job(job, dtype="float64"), run_job(job, engine="loop", dtype="float64")
    assert [name.startswith("kept features") for name in found.path] == [True, True, False]
    assert passes == [name, name]
    for one, two in zip(found.tensors, expected.tensors, strict=True):
        assert list(one) == list(record.tensor_shapes)
        assert all(np.allclose(one[k], two[k], rtol=1e-9, atol=1e-10) for k in two)
    for part in ("loss", "probabilities", "train_loss", "train_accuracy", "predicted"):
        one, two = getattr(found, part), getattr(expected, part)
        assert np.allclose(one, two, rtol=0, atol=1e-6, equal_nan=True), part
    assert not np.allclose(found.loss[0, 0], found.loss[0, -1])


def test_thirty_trainings_of_a_frozen_body_cost_one_pass(passes, tmp_path):
    record = network("Labram")
    file = save(published("Labram")[1], tmp_path / "model.safetensors")
    weights = {"supervised": load_checkpoint(record, file)}
    sham = {"name": "frozen_body", "start": "permuted", "label": "sham"}
    probes = [arm for seed in range(30) for arm in make_arms(["frozen_body"], weights, record, seed)]
    shams = [arm for seed in range(2) for arm in make_arms([sham], weights, record, seed)]
    job = job_of(record, [*probes, *shams], Schedule(epochs=1, batch_size=8))
    calls = []
    cut_behind(record, [k for k, rate in probes[0].lr_scale.items() if rate > 0])
    hook = torch.nn.modules.module.register_module_forward_pre_hook(
        lambda module, _: calls.append(module) if type(module).__name__ == "Labram" else None
    )
    try:
        curves = run_job(job)
    finally:
        hook.remove()
    assert len(passes) == len(calls) == 3
    assert set(curves.path) == {curves.path[0]}
    assert curves.path[0].startswith("kept features, ")
    assert len({tensors["final_layer.weight"].tobytes() for tensors in curves.tensors}) == 32


@pytest.mark.parametrize(
    ("name", "trained", "why"),
    [
        ("CBraMod", "patch_embedding.positional_encoding.0.weight", "no block"),
        ("EEGNet", "final_layer.conv_classifier.weight", "random"),
        ("SignalJEPA_PostLocal", "final_layer.spat_conv.weight", ""),
    ],
)
def test_what_a_network_is_cut_at(name, trained, why):
    record = network(name)
    names = {trained, *(k for k, part in record.tensor_parts.items() if part == "head")}
    found = cut_behind(record, names)
    assert isinstance(found, str) == bool(why)
    assert isinstance(found, Cut) or why in found


def test_what_adds_to_training_is_left_to_the_loop(passes):
    record = network("CBraMod")
    arm = probe(record)
    head = next(k for k, rate in arm.lr_scale.items() if rate > 0)
    anchored = replace(arm, anchor={head: (arm.tensors[head], 0.1)})
    schedule = Schedule(epochs=1, batch_size=8)
    assert not probing.find_probes(job_of(record, [anchored], schedule))
    job = replace(job_of(record, [arm], replace(schedule, augment="time_reverse")), sfreq=200.0)
    assert not probing.find_probes(job)
    assert not passes


@pytest.mark.parametrize("name", [n for n in ("EEGConformer", "ATCNet", "CBraMod") if n in NETWORKS])
def test_a_block_of_which_nothing_trains_is_in_evaluation_mode(name):
    record = network(name, n_times=400)
    module, head = build_module(record), {k for k, part in record.tensor_parts.items() if part == "head"}
    set_training(module, set(record.tensor_shapes) - head)
    for path, part in module.named_modules():
        own = [k for k in record.tensor_shapes if path and k.startswith(f"{path}.")]
        assert part.training or not own or not head.intersection(own)
        assert not (own and part.training) or head.intersection(own), path
    set_training(module, set())
    assert all(part.training for part in module.modules())


def test_a_frozen_body_gives_the_same_in_every_update():
    record = network("CBraMod")
    arm = probe(record)
    job = job_of(record, [arm], Schedule(epochs=1, batch_size=16, learning_rate=1e-9, weight_decay=0.0))
    curves = train_loop(replace(job, eval_rows=job.train_rows))
    assert curves.train_loss[0, 1] == pytest.approx(float(curves.loss[0, 0].mean()), rel=1e-5)
