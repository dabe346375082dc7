import numpy as np
import pytest
import torch

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import NETWORKS, PARTS, build_network, initial_tensors
from biotransfer.learning.networks.forward import run_network
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.networks.tensors import load_tensors

SHAPES = {"features": (64,), "signals": (4, 128)}
ALL = [
    (name, SHAPES[entry.facts["takes"]]) for name, entry in NETWORKS.items() if not entry.facts["packages"]
]


@pytest.mark.parametrize(("name", "shape"), ALL)
def test_record_and_module_agree(name, shape):
    network = build_network(name, shape, 3)
    module = build_module(network)
    assert {k: tuple(p.shape) for k, p in module.named_parameters()} == network.tensor_shapes
    assert not list(module.named_buffers()), "a buffer would drift while its layer is frozen"
    assert module(torch.zeros(5, *shape)).shape == (5, 3)
    assert network.n_parameters == sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize(("name", "shape"), ALL)
def test_gradient_reaches_stem_body_and_head(name, shape):
    network = build_network(name, shape, 3)
    module = build_module(network)
    load_tensors(module, initial_tensors(network, 0))
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(16, *shape)).astype(np.float32))
    torch.nn.functional.cross_entropy(module(x), torch.arange(16) % 3).backward()
    reached = {network.tensor_parts[k] for k, p in module.named_parameters() if p.grad.abs().sum() > 0}
    assert reached == set(PARTS)


@pytest.mark.parametrize(("name", "shape"), ALL)
def test_one_window_at_a_time_equals_the_batch(name, shape):
    module = build_module(build_network(name, shape, 3), torch.float64)
    x = torch.from_numpy(np.random.default_rng(0).normal(size=(6, *shape)))
    single = torch.cat([module(x[i : i + 1]) for i in range(6)])
    assert torch.allclose(single, module(x), atol=1e-12)


@pytest.mark.parametrize(("name", "shape"), ALL)
def test_body_does_not_depend_on_classes_or_channels(name, shape):
    other = shape if len(shape) == 1 else (8, 100)
    first, second = build_network(name, shape, 3), build_network(name, other, 5)
    body = {k: s for k, s in first.tensor_shapes.items() if first.tensor_parts[k] == "body"}
    assert body == {k: s for k, s in second.tensor_shapes.items() if second.tensor_parts[k] == "body"}
    assert body


def test_fresh_tensors_depend_on_name_and_seed_alone():
    small, large = build_network("mlp", (10,), 3), build_network("mlp", (99,), 3)
    a, b, c = initial_tensors(small, 1), initial_tensors(large, 1), initial_tensors(small, 2)
    assert np.array_equal(a["head.weight"], b["head.weight"])
    assert not np.array_equal(a["head.weight"], c["head.weight"])


def test_fresh_tensors_have_the_spread_of_torch_layers():
    network = build_network({"name": "mlp", "hidden": [400, 300]}, (500,), 3)
    ours = initial_tensors(network, 0)
    theirs = {k: p.detach().numpy() for k, p in build_module(network).named_parameters()}
    for name in ("stem_0.weight", "body_1.weight", "body_1.bias"):
        assert ours[name].std() == pytest.approx(theirs[name].std(), rel=0.08)
        assert np.abs(ours[name]).max() == pytest.approx(np.abs(theirs[name]).max(), rel=0.08)


def test_operations_of_an_mlp_in_closed_form():
    assert build_network({"name": "mlp", "hidden": [64, 32]}, (128,), 3).operations(10) == 2 * 10 * (
        128 * 64 + 64 * 32 + 32 * 3
    )


@pytest.mark.parametrize(
    ("spec", "shape", "message"),
    [
        ("mlpp", (8,), "Did you mean 'mlp'"),
        ({"name": "mlp", "hiden": [3]}, (8,), "Did you mean 'hidden'"),
        ({"name": "mlp", "hidden": []}, (8,), r"hidden=\[\]"),
        ("mlp", (4, 100), "takes features"),
        ("cnn_image", (60,), "k: 49} or k: 64"),
        ("cnn_image", (4,), "cannot be halved"),
        ({"name": "cnn_image", "kernel": 4}, (64,), "not odd"),
        ("cnn_signal", (64,), "takes signals"),
        ("cnn_signal", (4, 10), "cannot be pooled"),
    ],
)
def test_networks_that_do_not_fit(spec, shape, message):
    with pytest.raises(BiotransferError, match=message):
        build_network(spec, shape, 3)


@pytest.mark.parametrize(("name", "shape"), ALL)
def test_running_a_network_is_its_module_in_evaluation_mode(name, shape):
    """However many windows at a time; heads drop nothing."""
    head = {"name": "spinal", "width": 4, "dropout": 0.5}
    network = build_network({"name": name, "head": head}, shape, 3)
    tensors = initial_tensors(network, 0)
    module = build_module(network, torch.float64).eval()
    load_tensors(module, tensors)
    X = np.random.default_rng(0).normal(size=(11, *shape)).astype(np.float32)
    first = next(layer.name for layer in network.layers if layer.name)
    for dtype, batch in (("float64", 11), ("float64", 3), ("float32", 4)):
        found = run_network(network, tensors, X, layers=[first, "head"], dtype=dtype, batch=batch)
        assert found.logits.dtype == found.features.dtype == found.outputs[first].dtype == dtype
        near = 1e-12 if dtype == "float64" else 1e-5
        logits = module(torch.from_numpy(X.astype(float))).detach().numpy()
        np.testing.assert_allclose(found.logits, logits, atol=near)
        np.testing.assert_allclose(found.outputs["head"], found.logits, atol=near)
        np.testing.assert_allclose(found.probabilities.sum(1), 1, rtol=1e-6)
        last = module.get_submodule("head")
        given = torch.from_numpy(found.inputs["head"].astype(float))
        np.testing.assert_allclose(last(given).detach().numpy(), logits, atol=near)
        assert found.features.shape == (11, module.get_submodule("head_1").in_features * 2)
    assert run_network(network, tensors, X[:0]).logits.shape == (0, 3)


def test_foreign_tensors_are_refused():
    module = build_module(build_network("mlp", (8,), 3))
    with pytest.raises(BiotransferError, match=r"head\.bias"):
        load_tensors(
            module, {k: p.detach().numpy() for k, p in module.named_parameters() if k != "head.bias"}
        )


def test_a_network_that_no_machine_holds_is_refused_before_it_is_drawn():
    with pytest.raises(BiotransferError, match="Use fewer or narrower layers"):
        build_network({"name": "mlp", "hidden": [4096] * 60}, (8,), 3)
