"""Every kind of layer is one record, and all that the record says agrees."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from biotransfer.errors import BiotransferError
from biotransfer.learning.layers import KINDS, Layer
from biotransfer.learning.layers.joined import JOINED, join
from biotransfer.learning.layers.passing import Here, Pass
from biotransfer.learning.networks import Network, initial_tensors
from biotransfer.learning.networks.modules import build_module, load_module
from biotransfer.learning.networks.tensors import load_tensors, module_tensors
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.compiled import can_compile
from biotransfer.learning.training.forward import can_stack, run_stacked
from biotransfer.learning.training.job import Job
from biotransfer.learning.training.running import run_job
from biotransfer.transfer.carry import make_arms

OWN = [name for name, kind in KINDS.items() if kind.example is not None]


def _network(name, *, before=(), after=()):
    options, shape = KINDS[name].example
    layers = (*before, Layer(name, "body", "own", options), *after)
    return Network("example", layers, shape, 3)


def _learner(name):
    """A network that trains, with one layer of the kind: something below it, dense layers above it."""
    options, shape = KINDS[name].example
    if len(shape) == 1:
        below = Layer("linear", "stem", "stem", {"n_in": shape[0], "n_out": shape[0]})
    else:
        below = Layer("conv1d", "stem", "stem", {"n_in": shape[0], "n_out": shape[0], "kernel": 1})
    layers = [below, Layer(name, "body", "own", options)]
    found = layers[-1].output_shape(shape)
    if len(found) > 1:
        layers.append(Layer("mean_over_time", "body"))
    n_in = found[0]
    layers += [
        Layer("linear", "body", "above", {"n_in": n_in, "n_out": 5}),
        Layer("relu", "body"),
        Layer("linear", "head", "head", {"n_in": 5, "n_out": 3}),
    ]
    return Network("example", tuple(layers), shape, 3)


def _windows(shape, n=7, seed=0):
    return np.random.default_rng(seed).normal(size=(n, *shape))


def _drawn(network, draw):
    return {
        k: draw.normal(size=s) if "running_var" not in k else draw.uniform(0.5, 2, s)
        for k, s in network.tensor_shapes.items()
    }


class _Trains(Pass):
    def __init__(self, *models):
        self.models = models

    def training(self, name):
        return self.models


JOINED_EXAMPLES = {
    "conv_time+batch_norm+conv_time+batch_norm+conv_space": [
        ({"n_in": 1, "n_out": 3, "kernel": 16, "padding": 7, "bias": False, "further": 1}, {"n_out": 3},
         {"n_in": 3, "n_out": 5, "kernel": 32, "padding": 15, "bias": False, "further": 1}, {"n_out": 5},
         {"n_in": 5, "n_out": 10, "n_rows": 4, "most": 0.9}),
        ({"n_in": 1, "n_out": 4, "kernel": 5, "padding": 4, "bias": False}, {"n_out": 4},
         {"n_in": 4, "n_out": 2, "kernel": 41, "padding": 11, "bias": False}, {"n_out": 2},
         {"n_in": 2, "n_out": 2, "n_rows": 4, "most": None}),
    ],
    "conv_time+batch_norm+elu+conv_space": [
        ({"n_in": 1, "n_out": 3, "kernel": 9, "padding": 4, "bias": False}, {"n_out": 3}, {},
         {"n_in": 3, "n_out": 6, "n_rows": 4, "most": 0.9}),
        ({"n_in": 1, "n_out": 2, "kernel": 8, "padding": 4, "bias": False}, {"n_out": 2}, {},
         {"n_in": 2, "n_out": 2, "n_rows": 4, "most": None}),
    ],
    "conv_time+conv_across": [
        ({"n_in": 1, "n_out": 3, "kernel": 9, "padding": 0},
         {"n_in": 3, "n_out": 5, "n_rows": 4, "bias": True}),
        ({"n_in": 1, "n_out": 2, "kernel": 8, "padding": 4, "bias": False},
         {"n_in": 2, "n_out": 5, "n_rows": 4, "bias": False}),
    ],
    "batch_norm+elu": [({"n_out": 4}, {})],
    "batch_norm+elu+mean_pool": [
        ({"n_out": 4}, {}, {"size": 8, "stride": 8}),
        ({"n_out": 4}, {}, {"size": 4, "stride": 4, "padding": 1}),
        ({"n_out": 4}, {}, {"size": 7, "stride": 3}),
    ],
}  # fmt: skip


@pytest.mark.parametrize("trains", [(True, True, True), (True, False, True), (False,) * 3])
@pytest.mark.parametrize("joined", JOINED, ids=lambda joined: "+".join(joined.kinds))
def test_joined_layers_give_what_they_give_one_by_one(joined, trains):
    for n_times in (40, 151):
        for options in JOINED_EXAMPLES["+".join(joined.kinds)]:
            own = {"batch_norm": {"eps": 1e-3, "momentum": 0.2}}
            layers = [
                Layer(kind, "body", f"l{i}", {**own.get(kind, {}), **o})
                for i, (kind, o) in enumerate(zip(joined.kinds, options, strict=True))
            ]
            shape = (1, 4, n_times) if joined.kinds[0] == "conv_time" else (4, n_times)
            assert [group for how, group in join(layers) if how is joined] == [tuple(layers)]
            draw, names = np.random.default_rng(1), Network("example", tuple(layers), shape, 3)
            given = [_drawn(names, draw) for _ in range(3)]
            x = torch.from_numpy(_windows((3, *shape), n=9)).transpose(0, 1).contiguous()
            found = []
            for together in (True, False):
                tensors = {
                    k: torch.tensor(np.stack([m[k] for m in given]), requires_grad="running" not in k)
                    for k in names.tensor_shapes
                }
                places = [Here(_Trains(*trains), layer.name) for layer in layers]
                out = x
                if together:
                    out = joined.stacked(layers, [layer.take(tensors) for layer in layers], x, places)
                else:
                    for layer, here in zip(layers, places, strict=True):
                        out = layer.run_stacked(tensors, out, here)
                weights = torch.linspace(-1, 1, out.numel(), dtype=out.dtype).view(out.shape).sin()
                (out * weights).sum().backward()
                found.append([out.detach(), *(t.grad if t.requires_grad else t for t in tensors.values())])
            for one, other in zip(*found, strict=True):
                torch.testing.assert_close(one, other, rtol=1e-10, atol=1e-10)


def test_only_what_a_library_builds_goes_without_an_example_and_a_module():
    assert [name for name in KINDS if name not in OWN] == ["foreign"]
    assert KINDS["foreign"].module is None
    assert all(KINDS[name].module for name in OWN)
    foreign = Layer("foreign", "body", "block", {"shapes": {"other.weight": (2, 3)}})
    assert foreign.tensor_shapes() == {"other.weight": (2, 3)}
    with pytest.raises(BiotransferError, match="only their library builds"):
        build_module(Network("example", (foreign,), (3,), 2))


def test_an_unknown_kind_is_answered_with_the_nearest():
    with pytest.raises(BiotransferError, match=r"layer kind='liner' is unknown\. Did you mean 'linear'"):
        Layer("liner", "body")
    with pytest.raises(BiotransferError, match="Did you mean 'group_norm'"):
        replace(Layer("relu", "body"), kind="groupnorm")


@pytest.mark.parametrize("name", OWN)
def test_record_and_module_agree(name):
    network, (options, shape) = _network(name), KINDS[name].example
    module = build_module(network, torch.float64)
    assert {k: tuple(p.shape) for k, p in module_tensors(module).items()} == network.tensor_shapes
    behind = KINDS[name].output_shape(options, shape)
    with FlopCounterMode(display=False) as counter:
        found = module(torch.zeros(5, *shape, dtype=torch.float64))
    assert tuple(found.shape) == (5, *behind)
    assert network.operations(5) == counter.get_total_flops()


@pytest.mark.parametrize("name", OWN)
def test_fresh_tensors_are_constant_where_torchs_are(name):
    network = _network(name)
    fresh = initial_tensors(network, 0)
    for key, parameter in build_module(network).named_parameters():
        given = parameter.detach().numpy()
        assert (np.ptp(given) == 0) == (np.ptp(fresh[key]) == 0)
        if np.ptp(given) == 0:
            assert np.array_equal(given, fresh[key])


@pytest.mark.parametrize("name", [name for name in OWN if KINDS[name].stacked])
def test_many_models_at_once_are_each_alone(name):
    options, shape = KINDS[name].example
    folded = len(KINDS[name].output_shape(options, shape)) > 1
    network = _network(name, after=[Layer("flatten", "body")] * folded)
    assert can_stack(network)
    draw = np.random.default_rng(1)
    models = [_drawn(network, draw) for _ in range(3)]
    X = [_windows(shape, seed=i) for i in range(3)]
    tensors = {k: torch.from_numpy(np.stack([m[k] for m in models])) for k in network.tensor_shapes}
    together = run_stacked(network, tensors, torch.from_numpy(np.stack(X)))[1]
    for i, (own, x) in enumerate(zip(models, X, strict=True)):
        alone = load_module(network, own, torch.float64)(torch.from_numpy(x))
        assert torch.allclose(together[i], alone, atol=1e-12)


@pytest.mark.parametrize("name", [name for name in OWN if KINDS[name].step])
def test_the_kernel_trains_what_the_loop_trains(name):
    network = _learner(name)
    assert can_compile(network)
    arms = [make_arms(["scratch"], {}, network, seed)[0] for seed in (0, 1)]
    X, y, rows = _windows(network.input_shape, 24), np.arange(24) % 3, np.tile(np.arange(24), (2, 1))
    job = Job(network, arms, X, y, rows, rows, "split", Schedule(epochs=2, batch_size=8, learning_rate=0.01))
    loop, kernel = (run_job(job, engine=engine, dtype="float64") for engine in ("loop", "stacked"))
    np.testing.assert_allclose(kernel.loss, loop.loss, atol=1e-6)
    for one, other in zip(loop.tensors, kernel.tensors, strict=True):
        for key in network.tensor_shapes:
            np.testing.assert_allclose(one[key], other[key], rtol=0, atol=1e-10, err_msg=key)


@pytest.mark.parametrize("name", [name for name in OWN if KINDS[name].pool])
def test_pooling_gives_the_same_before_a_relu_as_behind_it(name):
    relu, x = Layer("relu", "body"), torch.from_numpy(_windows(KINDS[name].example[1]))
    before, behind = (
        build_module(network) for network in (_network(name, after=[relu]), _network(name, before=[relu]))
    )
    assert torch.equal(before(x), behind(x))
    assert KINDS[name].pool(KINDS[name].example[0]) == x.shape[-1] // before(x).shape[-1]


def test_loading_is_exact():
    """Torch would broadcast one row into four."""
    network = _network("linear")
    tensors = initial_tensors(network, 0)
    module = build_module(network)
    with pytest.raises(BiotransferError, match=r"'own\.weight' has shape \(1, 6\), .* \(4, 6\)"):
        load_tensors(module, {**tensors, "own.weight": tensors["own.weight"][:1]})
    with pytest.raises(BiotransferError, match=r"'own\.bias' has shape \(\), .* \(4,\)"):
        load_tensors(module, {**tensors, "own.bias": np.float32(1)})
    load_tensors(module, tensors)
    assert all(np.array_equal(p.detach(), tensors[k]) for k, p in module.named_parameters())
