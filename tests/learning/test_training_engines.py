"""Both engines do what every arm of the catalog asks for, and do the same."""

import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.nn import functional

from biotransfer.errors import BiotransferError
from biotransfer.learning.layers.convolution import convolve_patches
from biotransfer.learning.networks import build_network
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.networks.tensors import load_tensors
from biotransfer.learning.training import Schedule
from biotransfer.learning.training import stacked as stacked_module
from biotransfer.learning.training.arm import Teacher
from biotransfer.learning.training.compiled import can_compile
from biotransfer.learning.training.dense import DenseGradients, written_out
from biotransfer.learning.training.forward import run_stacked
from biotransfer.learning.training.job import Job, PseudoLabels
from biotransfer.learning.training.models import Models
from biotransfer.learning.training.running import run_job, train
from biotransfer.learning.training.stacked import models_per_stack, plan_stacks
from biotransfer.learning.training.teaching import pseudo_labels, pseudo_order
from biotransfer.learning.weights import Weights
from biotransfer.signals.splits import make_splits
from biotransfer.signals.windows.braindecode import load_braindecode
from biotransfer.transfer.carry import ARMS, Arm, Penalty, make_arms, why_not
from tests.builders import make_windows

NETWORKS = {
    "mlp": {"name": "mlp", "hidden": [10, 6], "norm": True},
    "mlp_plain": {"name": "mlp", "hidden": [10, 6]},
    "mlp_wide": {"name": "mlp", "hidden": [130, 70]},
    "cnn_image": {"name": "cnn_image", "filters": [3, 4], "hidden": 5},
    "cnn_signal": {"name": "cnn_signal", "filters": [4, 8], "kernel": 5},
    "channel_wise": {
        "name": "channel_wise",
        "filters": [4, 8],
        "kernel": 5,
        "pooling": "attention",
        "hidden": 5,
    },
}
SCHEDULE = Schedule(epochs=3, batch_size=20, learning_rate=0.01, weight_decay=0.05)


def _windows(name):
    if name in ("cnn_signal", "channel_wise"):
        return make_windows(n_features=3, n_times=40, n_subjects=3, n_windows=4)
    return make_windows(n_features=16, n_subjects=3, n_windows=4)


def _case(name, seeds=(0, 1), names=None):
    """Windows, a split that leaves some without labels, a network, and every arm that it can take."""
    windows = _windows(name)
    whole = make_splits(windows, "subject")[1]
    split = replace(whole, train=whole.train[::2], unlabelled=whole.train[1::2])
    network = build_network(NETWORKS[name], windows.shape, 3)
    record = build_network(NETWORKS[name], windows.shape, 4)
    sources = {
        kind: Weights(
            {
                k: np.random.default_rng(50 + i).normal(0.1, 0.4, s).astype(np.float32)
                for k, s in record.tensor_shapes.items()
            },
            {"network": record.describe()},
        )
        for i, kind in enumerate(sorted({e.facts["starts_from"] for e in ARMS.values()} - {None}))
    }
    specs = names or [n for n, e in ARMS.items() if why_not(e, network=network, source=record) is None]
    options = {"lora": {"rank": 2}, "bss": {"strength": 0.1, "k": 4}}
    specs = [{"name": name, **options.get(name, {})} for name in specs]
    target = windows.take(split.train)
    arms = [arm for seed in seeds for arm in make_arms(specs, sources, network, seed, target=target)]
    return network, arms, windows, split


def _assert_equal(network, a, b, atol=1e-10):
    """Compare two engines; a bias before a norm has no effect, and Adam divides its rounding by 1e-8."""
    normed = {f"{name.removesuffix('_norm.bias')}.bias" for name in network.tensor_shapes if "_norm." in name}
    for one, two in zip(a.tensors, b.tensors, strict=True):
        for name in network.tensor_shapes:
            own = 1e-8 if name in normed else atol
            np.testing.assert_allclose(one[name], two[name], rtol=0, atol=own, err_msg=name)
    np.testing.assert_allclose(a.train_loss, b.train_loss, atol=atol)
    assert np.array_equal(a.train_accuracy, b.train_accuracy, equal_nan=True)
    assert np.array_equal(a.predicted, b.predicted)
    np.testing.assert_allclose(a.loss, b.loss, atol=1e-6)
    np.testing.assert_allclose(a.probabilities, b.probabilities, atol=1e-6)


@pytest.mark.parametrize("name", ["mlp", "cnn_image", "cnn_signal", "channel_wise"])
def test_stacked_equals_loop_for_every_arm_at_once(name):
    network, arms, windows, split = _case(name)
    assert {arm.name for arm in arms} >= {"l2_sp", "bss", "delta", "lwf", "co_tuning", "self_training"}
    a, b = (
        train(network, arms, windows, split, SCHEDULE, engine=e, dtype="float64") for e in ("stacked", "loop")
    )
    _assert_equal(
        network, a, b, 2e-9 if name in ("cnn_signal", "channel_wise") else 1e-10
    )  # kernels of features double rounding
    plain = {arm.seed: i for i, arm in enumerate(arms) if arm.name == "transferred"}
    for i, arm in enumerate(arms):
        if arm.thaw or arm.anchor or arm.low_rank or arm.penalty:
            other = plain[arm.seed]
            assert np.abs(a.train_loss[i, 1:] - a.train_loss[other, 1:]).max() > 1e-8, arm.name


def test_frozen_parts_stay_byte_identical_in_every_arm():
    for engine in ("stacked", "loop"):
        network, arms, windows, split = _case("mlp", seeds=(0,))
        curves = train(network, arms, windows, split, SCHEDULE, engine=engine)
        for arm, tensors in zip(arms, curves.tensors, strict=True):
            for name in network.tensor_shapes:
                same = arm.tensors[name].tobytes() == tensors[name].tobytes()
                assert same == (arm.lr_scale[name] == 0), (engine, arm.name, name)


@pytest.mark.parametrize("hidden", [[7], [9, 5], [8, 6, 4]])
def test_gradients_written_out_are_autograds(hidden):
    network = build_network({"name": "mlp", "hidden": hidden}, (11,), 3)
    assert written_out(network)
    rng = torch.Generator().manual_seed(1)
    tensors = {
        name: torch.randn(4, *shape, generator=rng, dtype=torch.float64, requires_grad=True)
        for name, shape in network.tensor_shapes.items()
    }
    X = torch.randn(30, 11, generator=rng, dtype=torch.float64)
    y = torch.randint(3, (30,), generator=rng)
    ours = DenseGradients(network, {k: t.detach() for k, t in tensors.items()}, 4)
    everything = [f"{name}/0" for name in tensors]
    for n, training in ((6, everything), (5, everything), (6, everything[-2:])):
        rows = torch.stack([torch.randperm(30, generator=rng)[:n] for _ in range(4)])
        loss, hits = ours(X, rows, y[rows], training)
        _, logits = run_stacked(network, tensors, X[rows])
        each = functional.cross_entropy(logits.flatten(0, 1), y[rows].flatten(), reduction="none")
        theirs = each.view(4, n).mean(1)
        torch.testing.assert_close(loss, theirs.detach(), rtol=0, atol=1e-12)
        assert torch.equal(hits, (logits.argmax(-1) == y[rows]).sum(1))
        for name, gradient in zip(
            tensors, torch.autograd.grad(theirs.sum(), list(tensors.values())), strict=True
        ):
            if f"{name}/0" in training:
                torch.testing.assert_close(ours.gradients[f"{name}/0"], gradient, rtol=0, atol=1e-12)


def test_only_plain_dense_networks_have_their_gradients_written_out():
    assert not written_out(build_network(NETWORKS["mlp"], (16,), 3))
    assert not written_out(build_network(NETWORKS["cnn_image"], (16,), 3))


@pytest.mark.parametrize("name", ["mlp", "mlp_plain", "cnn_signal"])
def test_what_torch_stacks_is_what_the_kernel_trains(name, monkeypatch):
    """A GPU's way, on the CPU: by gradients written out where a network has no norms, else by autograd."""
    network, arms, windows, split = _case(name, seeds=(0,), names=["scratch", "frozen_body", "l2_sp"])
    kernel = train(network, arms, windows, split, SCHEDULE, dtype="float64")
    monkeypatch.setattr(stacked_module, "_models", Models)
    torch_alone = train(network, arms, windows, split, SCHEDULE, dtype="float64")
    _assert_equal(network, kernel, torch_alone)


@pytest.mark.parametrize(
    ("spec", "shape"),
    [
        ({"name": "cnn_signal", "filters": [5], "kernel": 41}, (3, 16)),
        ({"name": "cnn_signal", "filters": [8], "kernel": 9}, (2, 33)),
        ({"name": "cnn_signal", "filters": [4, 4, 8], "kernel": 3}, (1, 130)),
        ({"name": "mlp", "hidden": [130, 130]}, (6,)),
        ({"name": "mlp", "hidden": [3], "head": {"name": "mlp", "hidden": [5]}}, (6,)),
    ],
)
def test_the_kernel_knows_odd_shapes(spec, shape):
    """Kernels longer than the signal, ends that no tile takes, one channel, batches of unequal size."""
    windows = make_windows(
        **({"n_features": shape[0]} if len(shape) == 1 else {"n_features": shape[0], "n_times": shape[1]}),
        n_subjects=3, n_windows=5,
    )  # fmt: skip
    network = build_network(spec, windows.shape, 3)
    split = make_splits(windows, by="subject")[0]
    arms = [make_arms(["scratch"], {}, network, seed)[0] for seed in (0, 1)]
    schedule = replace(SCHEDULE, batch_size=7)
    a, b = (
        train(network, arms, windows, split, schedule, engine=e, dtype="float64") for e in ("stacked", "loop")
    )
    assert can_compile(network)
    _assert_equal(network, a, b)


def test_a_batch_larger_than_all_windows_takes_no_more_memory_than_these():
    network, arms, windows, split = _case("cnn_signal", seeds=(0,), names=["scratch"])
    huge, whole = (
        train(network, arms, windows, split, replace(SCHEDULE, batch_size=n))
        for n in (10**12, len(split.train))
    )
    assert np.array_equal(huge.loss, whole.loss)


def test_the_first_training_of_a_process_keeps_to_one_thread():
    script = """
import numpy as np, threadpoolctl, torch
from biotransfer.transfer.carry import make_arms
from biotransfer.learning.networks import build_network
from biotransfer.learning.training import Schedule, running
from biotransfer.learning.training.job import Job
real = running.train_stacked
def watched(*given):
    curves = real(*given)
    blas = [p["num_threads"] for p in threadpoolctl.threadpool_info() if p["user_api"] == "blas"]
    print([*blas, torch.get_num_threads()])
    return curves
running.train_stacked = watched
torch.set_num_threads(4)
network = build_network({"name": "mlp", "hidden": [2000]}, (6,), 2)
arms = make_arms(["scratch"], {}, network, 0)
rows = np.arange(20)[None]
X, y = np.random.default_rng(0).standard_normal((20, 6), dtype=np.float32), np.arange(20) % 2
running.run_job(Job(network, arms, X, y, rows, rows, "s", Schedule(epochs=1)))
"""
    said = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True).stdout
    threads = json.loads(said)
    assert threads
    assert set(threads) == {1}


def test_without_torchs_products_the_kernel_uses_scipys():
    """As where torch exports none; in a process of its own, since what is compiled keeps its products."""
    script = """
import sys
import numpy as np
from biotransfer import edges
if sys.argv[1] == "scipy":
    edges._torch_product = lambda name: None
from biotransfer.transfer.carry import make_arms
from biotransfer.learning.networks import build_network
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.job import Job
from biotransfer.learning.training.running import run_job
network = build_network({"name": "mlp", "hidden": [130, 70]}, (70,), 3)
rows, rng = np.arange(90)[None], np.random.default_rng(0)
job = Job(network, make_arms(["scratch"], {}, network, 0), rng.standard_normal((90, 70)), np.arange(90) % 3,
          rows, rows, "s", Schedule(epochs=2, batch_size=32))
curves = run_job(job, dtype="float64")
print(curves.loss.sum(), curves.path[0].split()[-1])
"""
    said = [
        subprocess.run([sys.executable, "-c", script, which], check=True, capture_output=True, text=True)
        .stdout.split()
        for which in ("torch", "scipy")
    ]  # fmt: skip
    if said[0][1] == "scipy":
        pytest.skip("this build of torch exports no products")
    assert [path for _, path in said] == ["torch", "scipy"]
    assert float(said[0][0]) == pytest.approx(float(said[1][0]), rel=1e-12)


def test_the_kernels_exponential_and_inverse_are_exact_to_single_precision():
    from numba import njit

    from biotransfer.learning.training.kernel.elementary import exp, inverse

    @njit
    def exponentials(x):
        return np.array([exp(value) for value in x])

    @njit
    def inverses(x):
        return np.array([inverse(value) for value in x])

    wide = np.geomspace(1e-12, 1e30, 100_001).astype(np.float32)
    np.testing.assert_allclose(inverses(wide), 1 / wide.astype(np.float64), rtol=2.5e-7)
    huge = inverses(np.array([np.inf, np.nan], np.float32))
    assert 0 <= huge[0] < 1e-36, "a second moment that overflowed leaves its weight where it is"
    assert np.isnan(huge[1])
    x = np.concatenate([np.linspace(-87, 0, 100_001), [-200, -np.inf, np.nan]]).astype(np.float32)
    expected = np.exp(np.maximum(x, -87).astype(np.float64))
    found = exponentials(x)
    np.testing.assert_allclose(found, expected, rtol=1e-6)
    np.testing.assert_allclose(found[x > -10], expected[x > -10], rtol=2.5e-7)


def test_a_lost_value_is_not_pooled_away():
    windows = make_windows(n_features=2, n_times=32, n_subjects=3, n_windows=4)
    windows.X[:, :, 5] = np.nan
    network = build_network({"name": "cnn_signal", "filters": [4], "kernel": 1}, windows.shape, 3)
    arms = make_arms(["scratch"], {}, network, 0)
    for engine in ("stacked", "loop"):
        with pytest.raises(BiotransferError, match="diverged"):
            train(network, arms, windows, make_splits(windows, by="subject")[0], SCHEDULE, engine=engine)


def test_a_network_that_the_kernel_does_not_know_is_left_to_torch():
    assert not can_compile(build_network(NETWORKS["cnn_image"], (16,), 3))
    network = build_network(NETWORKS["mlp_plain"], (16,), 3)
    first = replace(network, layers=(network.layers[1], *network.layers))
    assert not can_compile(first)
    assert not can_compile(
        replace(network, layers=(replace(network.layers[0], kind="spinal"), *network.layers[1:]))
    )


@pytest.mark.parametrize("name", ["mlp", "mlp_plain", "mlp_wide", "cnn_signal"])
def test_the_kernels_models_are_bit_for_bit_the_same_in_every_stack(name):
    """It trains one model at a time: no neighbour can change a rounding."""
    network, arms, windows, split = _case(name, names=["scratch", "frozen_body", "l2_sp"])
    assert can_compile(network)
    together = train(network, arms, windows, split, SCHEDULE)
    for a, arm in enumerate(arms):
        alone = train(network, [arm], windows, split, SCHEDULE)
        for name in network.tensor_shapes:
            assert together.tensors[a][name].tobytes() == alone.tensors[0][name].tobytes(), (arm.name, name)
        assert together.train_loss[a].tobytes() == alone.train_loss[0].tobytes()
        assert together.loss[a].tobytes() == alone.loss[0].tobytes()


def test_training_leaves_the_treatment_of_tiny_numbers_as_it_was():
    network, arms, windows, split = _case("mlp_plain", seeds=(0,), names=["scratch"])
    tiny = torch.tensor([1e-310], dtype=torch.float64)
    train(network, arms, windows, split, SCHEDULE)
    assert float(tiny * 0.5) > 0
    torch.set_flush_denormal(True)
    try:
        train(network, arms, windows, split, SCHEDULE)
        assert float(tiny * 0.5) == 0
    finally:
        torch.set_flush_denormal(False)


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_training_is_fixed_by_the_seed(engine):
    network, arms, windows, split = _case("mlp", seeds=(3,))
    a, b = (train(network, arms, windows, split, SCHEDULE, engine=engine) for _ in range(2))
    for one, two in zip(a.tensors, b.tensors, strict=True):
        assert all(one[name].tobytes() == two[name].tobytes() for name in network.tensor_shapes)
    assert np.array_equal(a.loss, b.loss)


@pytest.mark.parametrize("size", [1, 3])
def test_results_depend_neither_on_the_order_of_arms_nor_on_the_size_of_stacks(size, monkeypatch):
    network, arms, windows, split = _case("mlp")
    whole = train(network, arms, windows, split, SCHEDULE, engine="stacked", dtype="float64")
    monkeypatch.setattr(stacked_module, "models_per_stack", lambda *_: size)
    order = np.random.default_rng(0).permutation(len(arms))
    parts = train(
        network, [arms[i] for i in order], windows, split, SCHEDULE, engine="stacked", dtype="float64"
    )
    for i, a in enumerate(order):
        for name in network.tensor_shapes:
            np.testing.assert_allclose(parts.tensors[i][name], whole.tensors[a][name], rtol=0, atol=1e-10)
        assert np.array_equal(parts.predicted[i], whole.predicted[a])


def test_stacks_are_planned_by_memory_and_of_one_nature():
    network, arms, windows, split = _case("mlp", names=["scratch", "frozen_body", "l2_sp", "bss", "lora"])
    rows = np.tile(split.train, (len(arms), 1))
    job = Job(network, arms, windows.X, windows.y, rows, rows, split.uid, SCHEDULE)
    stacks = plan_stacks(job)
    assert sorted(np.concatenate(stacks)) == list(range(len(arms)))
    together = [{arms[a].name for a in stack} for stack in stacks]
    assert sorted(map(len, together)) == [1, 1, 3]
    sizes = [
        models_per_stack(build_network({"name": "mlp", "hidden": [width]}, (16,), 3), 64)
        for width in (8, 64, 512, 4096)
    ]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > 100
    assert sizes[-1] >= 4


def _plain_case():
    network, arms, windows, split = _case("mlp", seeds=(0,), names=["transferred"])
    return network, arms[0], windows, split


@pytest.mark.parametrize("engine", ["stacked", "loop"])
@pytest.mark.parametrize("share", [0.25, 0.5, 1.0])
def test_a_tensor_thaws_when_its_time_comes_and_adam_begins_there(engine, share):
    """Train up to the thaw with the tensor frozen, then go on: AdamW written out by hand."""
    network, arm, windows, split = _plain_case()
    late = "stem_0.weight"
    thawing = replace(arm, thaw={late: share})
    schedule = replace(SCHEDULE, epochs=4, batch_size=len(split.train))
    curves = train(network, [thawing], windows, split, schedule, engine=engine, dtype="float64")
    module = build_module(network, torch.float64)
    load_tensors(module, arm.tensors)
    x, y = torch.from_numpy(windows.X[split.train]).double(), torch.from_numpy(windows.y[split.train])
    state = {}
    for update in range(4):
        module.zero_grad()
        functional.cross_entropy(module(x), y).backward()
        for name, p in module.named_parameters():
            if name == late and update < share * 4:
                continue
            step, mean, square = state.get(name, (0, 0.0, 0.0))
            step, mean = step + 1, 0.9 * mean + 0.1 * p.grad
            square = 0.999 * square + 0.001 * p.grad**2
            state[name] = step, mean, square
            with torch.no_grad():
                p -= 0.01 * 0.05 * p
                p -= 0.01 * mean / (1 - 0.9**step) / ((square / (1 - 0.999**step)).sqrt() + 1e-8)
    for name, p in module.named_parameters():
        np.testing.assert_allclose(curves.tensors[0][name], p.detach().numpy(), rtol=0, atol=1e-12)
    same = curves.tensors[0][late].astype(np.float32).tobytes() == arm.tensors[late].tobytes()
    assert same == (share == 1)


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_an_anchor_pulls_with_strength_times_distance(engine):
    """Where the loss is flat, only the pull is left: Adam's first step goes against the sign of w - w0."""
    network, arm, windows, split = _plain_case()
    blind = {k: np.zeros_like(v) if k == "head.weight" else v for k, v in arm.tensors.items()}
    reference = arm.tensors["stem_0.weight"] + np.float32(0.5) * np.sign(arm.tensors["stem_0.weight"])
    held = replace(arm, tensors=blind, anchor={"stem_0.weight": (reference, 0.3)})
    schedule = Schedule(epochs=1, batch_size=len(split.train), learning_rate=0.01)
    after = train(network, [held], windows, split, schedule, engine=engine, dtype="float64").tensors[0]
    moved = after["stem_0.weight"] - arm.tensors["stem_0.weight"].astype(np.float64)
    pull = 0.3 * (arm.tensors["stem_0.weight"].astype(np.float64) - reference)
    np.testing.assert_allclose(moved, -0.01 * pull / (np.abs(pull) + 1e-8), rtol=0, atol=1e-12)


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_bss_follows_its_closed_form_gradient(engine):
    """The derivative of the smallest squared singular value is 2 s u v': one update against autograd."""
    network, arm, windows, split = _plain_case()
    shrunk = replace(arm, penalty=Penalty("bss", {"strength": 0.5, "k": 1}))
    schedule = Schedule(epochs=1, batch_size=len(split.train), learning_rate=0.01)
    after = train(network, [shrunk], windows, split, schedule, engine=engine, dtype="float64").tensors[0]
    module = build_module(network, torch.float64)
    load_tensors(module, arm.tensors)
    x, y = torch.from_numpy(windows.X[split.train]).double(), torch.from_numpy(windows.y[split.train])
    features = module[:-1](x)
    features.retain_grad()
    functional.cross_entropy(module[-1](features), y).backward(retain_graph=True)
    u, s, vh = torch.linalg.svd(features.detach(), full_matrices=False)
    module.zero_grad()
    loss = functional.cross_entropy(module[-1](features), y)
    (features * (0.5 * 2 * s[-1] * torch.outer(u[:, -1], vh[-1]))).sum().add(loss).backward()
    for name, p in module.named_parameters():
        step = 0.01 * p.grad / (p.grad.abs() + 1e-8)
        np.testing.assert_allclose(after[name], (p - step).detach().numpy(), rtol=0, atol=1e-9)


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_low_rank_updates_are_pefts(engine):
    """The same A and B in peft's layers, the same optimiser: the merged weights agree after three updates."""
    peft = load_braindecode("peft")
    network, arms, windows, split = _case("mlp", seeds=(0,), names=["lora"])
    arm, rank, rate = arms[0], 2, 0.01
    schedule = Schedule(epochs=3, batch_size=len(split.train), learning_rate=rate)
    after = train(network, [arm], windows, split, schedule, engine=engine, dtype="float64").tensors[0]
    module = build_module(network, torch.float64)
    load_tensors(module, arm.tensors)
    names = [name.removesuffix(".weight") for name in arm.low_rank]
    config = peft.LoraConfig(
        r=rank, lora_alpha=8.0, target_modules=names, modules_to_save=["head"], bias="none"
    )
    model = peft.get_peft_model(module, config, autocast_adapter_dtype=False).double()
    with torch.no_grad():
        for name, (a, b, _) in arm.low_rank.items():
            layer = model.get_submodule(f"base_model.model.{name.removesuffix('.weight')}")
            layer.lora_A["default"].weight.copy_(torch.from_numpy(a))
            layer.lora_B["default"].weight.copy_(torch.from_numpy(b))
    optimizer = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], rate, weight_decay=0.0)
    x, y = torch.from_numpy(windows.X[split.train]).double(), torch.from_numpy(windows.y[split.train])
    for _ in range(3):
        optimizer.zero_grad()
        functional.cross_entropy(model(x), y).backward()
        optimizer.step()
    merged = dict(model.merge_and_unload().named_parameters())
    for name in network.tensor_shapes:
        np.testing.assert_allclose(after[name], merged[name].detach().numpy(), rtol=0, atol=1e-12)
    assert any(np.abs(after[name] - arm.tensors[name]).max() > 1e-3 for name in arm.low_rank)


def test_a_teacher_labels_by_confidence_soft_or_hard():
    said = np.array([[0.9, 0.1], [0.6, 0.4], [0.2, 0.8]], np.float32)
    rows = np.array([7, 8, 9])
    arm = _plain_case()[1]
    soft = pseudo_labels(Teacher(arm, soft=True, confidence=0.7, ratio=2), rows, said)
    assert list(soft.rows) == [7, 9]
    assert np.array_equal(soft.probabilities, said[[0, 2]])
    assert soft.ratio == 2
    hard = pseudo_labels(Teacher(arm, soft=False, confidence=0.0, ratio=1), rows, said)
    assert np.array_equal(hard.probabilities, [[1, 0], [1, 0], [0, 1]])


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_a_student_learns_from_both_and_from_its_own_teacher(engine):
    """One full-batch update by hand: the teacher's answers are soft labels, every window weighs the same."""
    network, arms, windows, split = _case("mlp", seeds=(0,), names=["self_training"])
    schedule = Schedule(epochs=1, batch_size=len(split.train), learning_rate=0.01)
    after = train(network, arms, windows, split, schedule, engine=engine, dtype="float64").tensors[0]
    assert arms[0].teacher is not None
    job = Job(network, [arms[0].teacher.arm], windows.X, windows.y, split.train[None],
              split.unlabelled[None], split.uid, schedule)  # fmt: skip
    taught = run_job(job, engine="loop", dtype="float64").probabilities[0]
    student = Job(network, arms, windows.X, windows.y, split.train[None], split.unlabelled[None], split.uid,
                  schedule, pseudo=[PseudoLabels(split.unlabelled, taught, 1)])  # fmt: skip
    picked = pseudo_order(student, 0, 0)
    module = build_module(network, torch.float64)
    load_tensors(module, arms[0].tensors)
    x, y = torch.from_numpy(windows.X[split.train]).double(), torch.from_numpy(windows.y[split.train])
    further = torch.from_numpy(windows.X[split.unlabelled[picked]]).double()
    labelled = functional.cross_entropy(module(x), y, reduction="sum")
    pseudo = functional.cross_entropy(
        module(further), torch.from_numpy(taught[picked]).double(), reduction="sum"
    )
    ((labelled + pseudo) / (len(x) + len(further))).backward()
    for name, p in module.named_parameters():
        step = 0.01 * p.grad / (p.grad.abs() + 1e-8)
        np.testing.assert_allclose(after[name], (p - step).detach().numpy(), rtol=0, atol=1e-9)


def test_pseudo_labelled_windows_come_in_whole_passes():
    network, arms, windows, split = _case("mlp", seeds=(0,), names=["self_training"])
    said = PseudoLabels(split.unlabelled[:7], np.full((7, 3), 1 / 3, np.float32), 2)
    job = Job(network, arms, windows.X, windows.y, split.train[None], split.test[None], split.uid, SCHEDULE,
              pseudo=[said])  # fmt: skip
    seen = np.concatenate([pseudo_order(job, 0, epoch) for epoch in range(3)])
    assert len(seen) == 3 * 2 * len(split.train)
    for begin in range(0, len(seen) - 6, 7):
        assert sorted(seen[begin : begin + 7]) == list(range(7))


def test_a_label_of_an_unlabelled_window_is_never_read():
    network, arms, windows, split = _case("mlp", seeds=(0,), names=["self_training"])
    y = windows.y.copy()
    y[split.unlabelled] = (y[split.unlabelled] + 1) % 3
    a, b = (train(network, arms, w, split, SCHEDULE) for w in (windows, replace(windows, y=y)))
    assert all(np.array_equal(a.tensors[0][k], b.tensors[0][k]) for k in network.tensor_shapes)


@pytest.mark.parametrize("engine", ["stacked", "loop"])
def test_a_teacher_that_is_sure_of_nothing_leaves_plain_training(engine):
    network, arms, windows, split = _case("mlp", seeds=(0,), names=["scratch", "self_training"])
    doubtful = replace(arms[1], teacher=replace(arms[1].teacher, confidence=1.0))
    curves = train(network, [arms[0], doubtful], windows, split, SCHEDULE, engine=engine, dtype="float64")
    for name in network.tensor_shapes:
        np.testing.assert_allclose(curves.tensors[0][name], curves.tensors[1][name], rtol=0, atol=1e-10)


def test_a_teacher_without_windows_to_label_is_refused():
    network, arms, windows, split = _case("mlp", seeds=(0,), names=["self_training"])
    with pytest.raises(BiotransferError, match="without labels"):
        train(network, arms, windows, replace(split, unlabelled=split.unlabelled[:0]), SCHEDULE)


def test_in_single_precision_the_curves_agree_statistically():
    """Over 24 seeds the engines' final losses differ by no more than a tenth of their spread over seeds."""
    network, arms, windows, split = _case("mlp", seeds=range(24), names=["transferred", "l2_sp"])
    a, b = (train(network, arms, windows, split, SCHEDULE, engine=e) for e in ("stacked", "loop"))
    ours, theirs = (c.loss[:, -1].mean(axis=1, dtype=np.float64) for c in (a, b))
    assert np.abs(ours - theirs).max() < 0.1 * theirs.std()
    assert np.abs(a.train_loss - b.train_loss)[:, 1:].max() < 1e-3
    assert np.mean(a.predicted == b.predicted) > 0.999


def test_an_arm_is_a_value_that_training_does_not_change():
    network, arms, windows, split = _case("mlp", seeds=(0,))
    before = [{k: v.tobytes() for k, v in arm.tensors.items()} for arm in arms]
    thin = [[p.tobytes() for pair in arm.low_rank.values() for p in pair[:2]] for arm in arms]
    for engine in ("stacked", "loop"):
        train(network, arms, windows, split, SCHEDULE, engine=engine)
    assert before == [{k: v.tobytes() for k, v in arm.tensors.items()} for arm in arms]
    assert thin == [[p.tobytes() for pair in arm.low_rank.values() for p in pair[:2]] for arm in arms]
    assert all(isinstance(arm, Arm) for arm in arms)


@pytest.mark.parametrize("kernel", [(3, 3), (1, 15), (5, 1)])
def test_products_with_patches_are_grouped_convolutions(kernel):
    rng = torch.Generator().manual_seed(0)
    given = [
        torch.randn(*shape, generator=rng, dtype=torch.float64, requires_grad=True)
        for shape in ((6, 3 * 4, 7, 20), (3, 5, 4, *kernel), (3, 5))
    ]
    x, weight, bias = given
    theirs = functional.conv2d(
        x, weight.flatten(0, 1), bias.flatten(), padding=[side // 2 for side in kernel], groups=3
    )
    ours = convolve_patches(x, weight, bias)
    torch.testing.assert_close(ours, theirs, rtol=0, atol=1e-12)
    pull = torch.randn(theirs.shape, generator=rng, dtype=torch.float64)
    gradients = [torch.autograd.grad(out, given, pull) for out in (ours, theirs)]
    for a, b in zip(*gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)
