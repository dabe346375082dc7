"""What our networks compute, against the same formulas written down in numpy; heads, and their surgery."""

import numpy as np
import pytest
import torch

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import (
    HEADS,
    NETWORKS,
    build_network,
    deepen,
    initial_tensors,
    network_of,
    replace_head,
    widen,
)
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.networks.tensors import load_tensors
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.learning.weights import Weights
from biotransfer.signals.splits import Split
from biotransfer.transfer.carry import make_arms
from tests.builders import head_inputs, make_windows

OWN = [name for name, entry in NETWORKS.items() if not entry.facts["packages"]]
SHAPES = {"features": (64,), "signals": (4, 128)}


def drawn(network, seed=0):
    """Weights in which nothing is zero or one, so that every term shows."""
    rng = np.random.default_rng(seed)
    return {
        k: v + rng.normal(0, 0.3, v.shape).astype(np.float32) for k, v in initial_tensors(network, 0).items()
    }


def torch_forward(network, tensors, X):
    module = build_module(network, torch.float64).eval()
    load_tensors(module, tensors)
    with torch.no_grad():
        return module(torch.from_numpy(X.astype(np.float64))).numpy()


def relu(x):
    return np.maximum(x, 0)


def dense(tensors, name, x):
    return x @ tensors[f"{name}.weight"].astype(float).T + tensors[f"{name}.bias"]


def conv_time(tensors, name, x):
    """Correlate the last axis; x (n, n_in, ..., T), weight (n_out, n_in, [1,] k)."""
    weight = tensors[f"{name}.weight"].astype(float)
    weight = weight.reshape(len(weight), weight.shape[1], -1)
    k = weight.shape[2]
    padded = np.pad(x, [(0, 0)] * (x.ndim - 1) + [(k // 2, k // 2)])
    patches = np.lib.stride_tricks.sliding_window_view(padded, k, axis=-1)
    out = np.einsum("ni...k,oik->no...", patches, weight)
    return out + tensors[f"{name}.bias"].reshape(-1, *[1] * (out.ndim - 2))


def conv_image(tensors, name, x):
    weight = tensors[f"{name}.weight"].astype(float)
    k = weight.shape[-1]
    padded = np.pad(x, [(0, 0), (0, 0), (k // 2, k // 2), (k // 2, k // 2)])
    patches = np.lib.stride_tricks.sliding_window_view(padded, (k, k), axis=(2, 3))
    out = np.einsum("niyxab,oiab->noyx", patches, weight)
    return out + tensors[f"{name}.bias"][:, None, None]


def group_norm(tensors, name, x, groups):
    n, c = x.shape[:2]
    parts = x.reshape(n, groups, -1)
    parts = (parts - parts.mean(-1, keepdims=True)) / np.sqrt(parts.var(-1, keepdims=True) + 1e-5)
    shape = (-1, *[1] * (x.ndim - 2))
    return parts.reshape(x.shape) * tensors[f"{name}.weight"].reshape(shape) + tensors[
        f"{name}.bias"
    ].reshape(shape)


def pool_last(x, size):
    n = x.shape[-1] // size
    return x[..., : n * size].reshape(*x.shape[:-1], n, size).max(-1)


def by_hand(network, tensors, X):
    """The features of each of our networks, from its description and not from its record."""
    p = network.parameters
    if network.name == "mlp":
        x = X
        for i in range(len(p["hidden"])):
            x = relu(dense(tensors, "stem_0" if i == 0 else f"body_{i}", x))
        return x
    if network.name == "cnn_image":
        side = int(np.sqrt(X.shape[1]))
        x = X.reshape(-1, 1, side, side)
        for i in range(len(p["filters"])):
            x = relu(conv_image(tensors, "stem_0" if i == 0 else f"body_{i}", x))
            x = pool_last(pool_last(x, 2).swapaxes(2, 3), 2).swapaxes(2, 3)
        return relu(dense(tensors, f"body_{len(p['filters'])}", x.reshape(len(x), -1)))
    x = X if network.name == "cnn_signal" else X[:, None]
    for i in range(len(p["filters"])):
        name = "stem_0" if i == 0 else f"body_{i}"
        x = relu(group_norm(tensors, f"{name}_norm", conv_time(tensors, name, x), 4))
        x = pool_last(x, p["pool"]) if i < len(p["filters"]) - 1 else x
    x = x.mean(-1)
    if network.name == "cnn_signal":
        return x
    if p["pooling"] == "attention":
        score = (
            np.tanh(dense(tensors, "body_attention", x.swapaxes(1, 2))) @ tensors["body_attention.score"][0]
        )
        weight = np.exp(score - score.max(1, keepdims=True))
        weight /= weight.sum(1, keepdims=True)
        x = np.einsum("nfc,nc->nf", x, weight)
    else:
        x = x.mean(-1)
    return relu(dense(tensors, f"body_{len(p['filters'])}", x))


SPECS = [*OWN, {"name": "channel_wise", "pooling": "attention"}]


@pytest.mark.parametrize("spec", SPECS, ids=str)
def test_every_network_computes_its_formula(spec):
    name = spec if isinstance(spec, str) else spec["name"]
    shape = SHAPES[NETWORKS[name].facts["takes"]]
    network = build_network(spec, shape, 3)
    tensors, X = drawn(network), np.random.default_rng(1).normal(size=(5, *shape))
    features = by_hand(network, tensors, X)
    assert np.allclose(torch_forward(network, tensors, X), dense(tensors, "head", features), atol=1e-10)
    assert np.allclose(head_inputs(network, tensors, X), features, atol=1e-10)


@pytest.mark.parametrize("name", OWN)
@pytest.mark.parametrize("norm", [False, True])
def test_a_spinal_head_computes_its_formula(name, norm):
    shape = SHAPES[NETWORKS[name].facts["takes"]]
    head = {"name": "spinal", "width": 5, "norm": norm}
    network = build_network({"name": name, "head": head}, shape, 3)
    tensors, X = drawn(network), np.random.default_rng(1).normal(size=(5, *shape))
    features = by_hand(network, tensors, X)
    a, b = np.split(features, 2, axis=1)

    def step(i, x):
        x = dense(tensors, f"head_{i}", x)
        if norm:
            x = (x - x.mean(1, keepdims=True)) / np.sqrt(x.var(1, keepdims=True) + 1e-5)
            x = x * tensors[f"head_{i}.norm.weight"] + tensors[f"head_{i}.norm.bias"]
        return relu(x)

    x1 = step(1, a)
    x2 = step(2, np.concatenate([b, x1], axis=1))
    x3 = step(3, np.concatenate([a, x2], axis=1))
    x4 = step(4, np.concatenate([b, x3], axis=1))
    logits = dense(tensors, "head", np.concatenate([x1, x2, x3, x4], axis=1))
    assert np.allclose(torch_forward(network, tensors, X), logits, atol=1e-10)
    assert np.allclose(head_inputs(network, tensors, X), features, atol=1e-10)


def test_dropout_acts_on_what_enters_each_layer_of_the_row_and_only_in_training():
    network = build_network(
        {"name": "mlp", "hidden": [8], "head": {"name": "spinal", "dropout": 0.5}}, (4,), 2
    )
    module = build_module(network)
    assert [m.p for m in module.modules() if isinstance(m, torch.nn.Dropout)] == [0.5] * 4
    x = torch.randn(3, 4, generator=torch.Generator().manual_seed(0))
    module.eval()
    assert torch.equal(module(x), module(x))


def test_an_mlp_head_is_dense_layers():
    network = build_network({"name": "cnn_signal", "head": {"name": "mlp", "hidden": [7, 6]}}, (4, 128), 3)
    tensors, X = drawn(network), np.random.default_rng(1).normal(size=(5, 4, 128))
    x = relu(dense(tensors, "head_1", relu(dense(tensors, "head_0", by_hand(network, tensors, X)))))
    assert np.allclose(torch_forward(network, tensors, X), dense(tensors, "head", x), atol=1e-10)


@pytest.mark.parametrize("head", HEADS)
@pytest.mark.parametrize("name", OWN)
def test_any_head_stands_on_any_network_and_trains_and_carries(name, head):
    signals = NETWORKS[name].facts["takes"] == "signals"
    sizes = {"n_features": 4, "n_times": 64} if signals else {"n_features": 64}
    windows = make_windows(n_subjects=2, n_windows=4, n_recordings=1, **sizes)
    network = build_network({"name": name, "head": head}, windows.shape, 3)
    module = build_module(network)
    assert {k: tuple(p.shape) for k, p in module.named_parameters()} == network.tensor_shapes
    assert {k for k, part in network.tensor_parts.items() if part == "head"} == {
        k for k in network.tensor_shapes if k.startswith("head")
    }
    source = Weights(initial_tensors(network, 5, stream="source"), {"network": network.describe()})
    assert network_of(source) == network
    arms = make_arms(["scratch", "transferred", "frozen_body"], {"supervised": source}, network, 0)
    split = Split("all", "subject", np.arange(12), np.arange(12, 24))
    curves = train(network, arms, windows, split, Schedule(epochs=2, batch_size=6))
    frozen = curves.tensors[2]
    for row in arms[2].ledger:
        moved = not np.array_equal(frozen[row.tensor], arms[2].tensors[row.tensor])
        assert moved == row.trained == (row.part == "head")


def test_operations_of_a_spinal_head_in_closed_form():
    network = build_network(
        {"name": "mlp", "hidden": [32], "head": {"name": "spinal", "width": 16}}, (10,), 3
    )
    assert network.operations(1) == 2 * (10 * 32 + 16 * 16 + 3 * (32 * 16) + 64 * 3)


# Channels

POOLED = ["mean", "attention"]


@pytest.mark.parametrize("pooling", POOLED)
def test_the_order_of_channels_does_not_matter_and_their_number_may_differ(pooling):
    network = build_network({"name": "channel_wise", "pooling": pooling}, (8, 128), 3)
    tensors, X = drawn(network), np.random.default_rng(0).normal(size=(6, 8, 128))
    order = np.random.default_rng(1).permutation(8)
    assert np.allclose(torch_forward(network, tensors, X), torch_forward(network, tensors, X[:, order]))
    twice = build_network({"name": "channel_wise", "pooling": pooling}, (16, 128), 3)
    repeated = np.concatenate([X, X], axis=1)
    assert np.allclose(torch_forward(network, tensors, X), torch_forward(twice, tensors, repeated), atol=1e-6)
    assert not np.allclose(torch_forward(network, tensors, X), torch_forward(network, tensors, X[::-1]))


@pytest.mark.parametrize("pooling", POOLED)
def test_everything_but_the_head_carries_between_montages(pooling):
    spec = {"name": "channel_wise", "pooling": pooling}
    emg, eeg = build_network(spec, (8, 200), 4), build_network(spec, (4, 256), 3)
    source = Weights(initial_tensors(emg, 1, stream="source"), {"network": emg.describe()})
    (arm,) = make_arms(["transferred"], {"supervised": source}, eeg, 0)
    assert {row.part for row in arm.ledger if row.action == "copied"} == {"stem", "body"}
    assert all((row.action == "copied") == (row.part != "head") for row in arm.ledger)


def test_attention_looks_where_the_score_points():
    spec = {"name": "channel_wise", "pooling": "attention", "filters": [4], "kernel": 1, "hidden": 4}
    network = build_network(spec, (3, 50), 2)
    tensors = drawn(network)
    tensors["body_attention.score"] = np.full((1, 4), 1e3, np.float32)
    X = np.random.default_rng(0).normal(size=(4, 3, 50)) * np.array([1.0, 2.0, 3.0])[:, None]
    features = head_inputs(network, tensors, X)
    module = build_module(network, torch.float64)
    load_tensors(module, tensors)
    seen = {}
    module.body_attention.register_forward_pre_hook(lambda _, given: seen.update(x=given[0].detach().numpy()))
    module(torch.from_numpy(X))
    score = np.tanh(dense(tensors, "body_attention", seen["x"].swapaxes(1, 2))).sum(-1)
    picked = seen["x"][np.arange(4), :, score.argmax(1)]
    assert np.allclose(features, relu(dense(tensors, "body_1", picked)))


# Surgery


def trained(spec, shape, n_outputs=3):
    network = build_network(spec, shape, n_outputs)
    classes = [f"c{i}" for i in range(n_outputs)]
    return Weights(drawn(network), {"network": network.describe(), "classes": classes})


def answers(weights, X):
    return torch_forward(network_of(weights), weights.tensors, X)


@pytest.mark.parametrize("name", OWN)
def test_a_deeper_head_answers_as_before(name):
    shape = SHAPES[NETWORKS[name].facts["takes"]]
    weights, X = trained(name, shape), np.random.default_rng(1).normal(size=(6, *shape))
    deeper = deepen(deepen(weights))
    assert (
        deeper.card["network"]["parameters"]["head"]["hidden"]
        == [weights.tensors["head.weight"].shape[1]] * 2
    )
    assert np.allclose(answers(deeper, X), answers(weights, X), atol=1e-10)
    assert deeper.card["changes"] == ["head deepened", "head deepened"]


@pytest.mark.parametrize("name", OWN)
def test_a_wider_head_answers_as_before(name):
    shape = SHAPES[NETWORKS[name].facts["takes"]]
    weights, X = trained(name, shape), np.random.default_rng(1).normal(size=(6, *shape))
    if name == "cnn_signal":
        with pytest.raises(BiotransferError, match="Deepen it first"):
            widen(weights, 100)
        weights = deepen(weights)
    wider = widen(weights, 100, noise=0.0)
    assert wider.tensors["head.weight"].shape == (3, 100)
    assert np.allclose(answers(wider, X), answers(weights, X), atol=1e-5)
    noisy = widen(weights, 100)
    n = weights.tensors["head.weight"].shape[1]
    (entering,) = [r["tensor"] for r in noisy.card["ledger"] if r["action"] == "adapted"][:1]
    assert np.array_equal(noisy.tensors[entering][:n], weights.tensors[entering])
    assert not np.array_equal(noisy.tensors[entering][n:], wider.tensors[entering][n:])
    close = np.abs(answers(noisy, X) - answers(weights, X)).max()
    assert 0 < close < 0.2 * np.abs(answers(weights, X)).max()


@pytest.mark.parametrize("name", OWN)
def test_a_replaced_head_is_fresh_and_nothing_else_is(name):
    shape = SHAPES[NETWORKS[name].facts["takes"]]
    weights = trained(name, shape)
    before = {k: v.copy() for k, v in weights.tensors.items()}
    new = replace_head(weights, "spinal", classes=["rest", "task"], seed=4)
    assert new.card["classes"] == ["rest", "task"]
    assert network_of(new).n_outputs == 2
    assert [r["tensor"] for r in new.card["ledger"]] == list(new.tensors)
    for row in new.card["ledger"]:
        assert (row["action"] == "fresh") == (row["part"] == "head")
        assert row["action"] == "fresh" or np.array_equal(new.tensors[row["tensor"]], before[row["tensor"]])
    assert all(np.array_equal(weights.tensors[k], v) for k, v in before.items())
    again = replace_head(weights, "spinal", classes=["rest", "task"], seed=4)
    assert again.digest() == new.digest() != replace_head(weights, "spinal", seed=5).digest()


def test_what_surgery_refuses():
    weights = trained({"name": "mlp", "head": "spinal"}, (8,))
    for operate in (deepen, lambda w: widen(w, 99)):
        with pytest.raises(BiotransferError, match="Replace it first"):
            operate(weights)
    with pytest.raises(BiotransferError, match="has 32 units"):
        widen(trained("mlp", (8,)), 32)
    with pytest.raises(BiotransferError, match="no plain dense layer"):
        widen(trained({"name": "mlp", "norm": True}, (8,)), 64)
    with pytest.raises(BiotransferError, match="name no network"):
        deepen(Weights({"a": np.zeros(3, np.float32)}))
    with pytest.raises(BiotransferError, match=r"head\.weight"):
        network_of(
            Weights(weights.tensors, {**weights.card, "network": trained("mlp", (8,)).card["network"]})
        )


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ({"name": "mlp", "head": "spinl"}, (8,), "Did you mean 'spinal'"),
        ({"name": "mlp", "head": {"name": "spinal", "widht": 3}}, (8,), "Did you mean 'width'"),
        ({"name": "mlp", "hidden": [33], "head": "spinal"}, (8,), "cannot be halved"),
        ({"name": "mlp", "head": {"name": "spinal", "dropout": 1.0}}, (8,), r"dropout=1\.0"),
        ({"name": "mlp", "head": {"name": "mlp", "hidden": [0]}}, (8,), r"hidden=\[0\]"),
        ("channel_wise", (64,), "takes signals"),
        ("channel_wise", (4, 10), "cannot be pooled"),
        ({"name": "channel_wise", "pooling": "max"}, (4, 128), "pooling='max'"),
    ],
)
def test_heads_and_networks_that_do_not_fit(spec, shape, message):
    with pytest.raises(BiotransferError, match=message):
        build_network(spec, shape, 3)
