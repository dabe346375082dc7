"""What moved: completeness, parity with another implementation, and planted movements that are found."""

import warnings

import numpy as np
import pytest
import torch

from biotransfer.errors import BiotransferError
from biotransfer.evidence.changes.attribution import (
    attribute_features,
    attribute_signals,
    average_gradients,
)
from biotransfer.evidence.changes.layers import barrier_height, barrier_line, describe_layers
from biotransfer.evidence.changes.naming import feature_group
from biotransfer.evidence.metrics import balanced_accuracy
from biotransfer.evidence.transferability import linear_cka
from biotransfer.evidence.transferability.outputs import layer_outputs
from biotransfer.learning.networks import build_network, initial_tensors
from biotransfer.learning.networks.modules import build_module
from biotransfer.learning.networks.tensors import load_tensors
from biotransfer.signals.features import FEATURES, extract_features
from biotransfer.signals.simulate import simulate_pair
from biotransfer.signals.windows import cut_windows

RNG = np.random.default_rng(0)
MLP = build_network({"name": "mlp", "hidden": [16, 8]}, (10,), 3)
SIGNAL = build_network({"name": "cnn_signal", "filters": [4, 6], "kernel": 5, "pool": 2}, (3, 40), 3)
NETWORKS = {"mlp": MLP, "cnn_signal": SIGNAL}


def _logits(network, tensors, X):
    return list(layer_outputs(network, tensors, X).values())[-1]


def _case(name, n=20, seed=0):
    network = NETWORKS[name]
    rng = np.random.default_rng(seed)
    tensors = {k: 3 * v for k, v in initial_tensors(network, seed).items()}
    return network, tensors, rng.normal(size=(n, *network.input_shape)), rng.integers(0, 3, n)


def _integrated(network, tensors, X, y, *, baseline=0.0, **options):
    start = np.broadcast_to(baseline, network.input_shape)
    return (X - start) * average_gradients(network, tensors, X, y, baseline=start, **options)


@pytest.mark.parametrize("name", list(NETWORKS))
@pytest.mark.parametrize("level", [0.0, 0.3])
def test_attributions_add_up_to_the_change_of_the_logit(name, level):
    network, tensors, X, y = _case(name)
    baseline = level * np.ones(network.input_shape)
    dense = 3 if name == "cnn_signal" else 1
    each = _integrated(network, tensors, X, y, baseline=baseline, steps=400, dense=dense)
    rows = np.arange(len(y))
    change = _logits(network, tensors, X)[rows, y] - _logits(network, tensors, baseline[None])[0, y]
    np.testing.assert_allclose(each.reshape(len(X), -1).sum(axis=1), change, atol=0.01 * np.abs(change).max())


@pytest.mark.parametrize("name", list(NETWORKS))
def test_integrated_gradients_agree_with_captum(name):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        captum = pytest.importorskip("captum.attr")
    network, tensors, X, y = _case(name)
    module = build_module(network, torch.float64)
    load_tensors(module, tensors)
    theirs = captum.IntegratedGradients(module).attribute(
        torch.from_numpy(X), target=torch.from_numpy(y), n_steps=30, method="gausslegendre"
    )
    ours = _integrated(network, tensors, X, y, steps=30)
    np.testing.assert_allclose(ours, theirs.detach().numpy(), atol=1e-6)


def test_features_behind_a_projection_get_the_attributions_of_the_composed_network():
    """A projection before a linear first layer is a first layer of its own."""
    rng = np.random.default_rng(1)
    Z, matrix = rng.normal(size=(15, 25)), rng.normal(size=(25, 10))
    y = rng.integers(0, 3, 15)
    tensors = {k: v.astype(np.float64) for k, v in initial_tensors(MLP, 0).items()}
    wide = build_network({"name": "mlp", "hidden": [16, 8]}, (25,), 3)
    composed = {**tensors, "stem_0.weight": tensors["stem_0.weight"] @ matrix.T}
    names = [f"power_{i:03d}Hz_0" for i in range(25)]
    behind = attribute_features(MLP, tensors, Z, y, names=names, matrix=matrix)
    whole = attribute_features(wide, composed, Z, y, names=names)
    for column in ("attribution", "signed", "share"):
        np.testing.assert_allclose(behind[column], whole[column], atol=1e-10)
    assert behind["gap"].iloc[0] < 0.05
    assert attribute_features(MLP, tensors, Z, y, names=names, matrix=matrix, steps=2)["gap"].iloc[0] > 0.05
    assert behind["share"].sum() == pytest.approx(1.0)
    assert behind.loc[10, "group"] == "power 8-13 Hz"


def test_the_one_feature_that_matters_gets_everything():
    tensors = {k: np.zeros_like(v) for k, v in initial_tensors(MLP, 0).items()}
    tensors["stem_0.weight"][0, 4] = 1.0
    tensors["body_1.weight"][0, 0] = 1.0
    tensors["head.weight"][:, 0] = [2.0, 0.0, 0.0]
    X = np.abs(np.random.default_rng(0).normal(size=(12, 10)))
    table = attribute_features(MLP, tensors, X, np.zeros(12, int), names=[f"mean_{i}" for i in range(10)])
    assert table.loc[4, "share"] == pytest.approx(1.0)
    assert table.loc[4, "signed"] == pytest.approx(2 * X[:, 4].mean())
    assert table["channel"].tolist() == [str(i) for i in range(10)]


def test_signals_are_attributed_to_the_channel_and_band_that_the_network_reads():
    """A filter that passes one frequency of one channel."""
    network = build_network({"name": "cnn_signal", "filters": [4], "kernel": 41, "pool": 1}, (3, 200), 2)
    tensors = {k: 0 * v for k, v in initial_tensors(network, 0).items()}
    lags = np.arange(-20, 21) / 100
    tensors["stem_0.weight"][0, 1] = np.cos(2 * np.pi * 20 * lags) * np.hanning(41)
    tensors["stem_0_norm.weight"][:] = 1.0
    tensors["head.weight"][1, 0] = 1.0
    X = np.random.default_rng(0).normal(size=(30, 3, 200))
    y = np.ones(30, int)
    table = attribute_signals(network, tensors, X, y, sfreq=100.0, ch_names=["a", "b", "c"])
    best = table.sort_values("attribution", ascending=False).iloc[0]
    assert best["channel"] == "b"
    assert best["group"] == "signal 13-30 Hz"
    assert best["share"] > 0.9
    gradients = average_gradients(network, tensors, X, y, dense=3)
    total = (X * gradients).sum(axis=(1, 2)).mean()
    assert table["signed"].sum() == pytest.approx(total, abs=1e-10)


@pytest.mark.parametrize("n_times", [40, 41])
def test_frequencies_are_complete_for_even_and_odd_windows(n_times):
    network = build_network({"name": "cnn_signal", "filters": [4], "kernel": 5, "pool": 1}, (2, n_times), 3)
    tensors = initial_tensors(network, 0)
    X, y = np.random.default_rng(0).normal(size=(9, 2, n_times)), np.arange(9) % 3
    table = attribute_signals(network, tensors, X, y, sfreq=128.0, ch_names=["a", "b"])
    each = _integrated(network, tensors, X, y, dense=3)
    for channel, mine in table.groupby("channel"):
        expected = each[:, "ab".index(channel)].sum(axis=1).mean()
        assert mine["signed"].sum() == pytest.approx(expected, abs=1e-10)


def test_every_feature_of_every_set_has_a_group():
    eeg, _ = simulate_pair(n_subjects=1, seed=0)
    windows = cut_windows(eeg[:2])
    for name in FEATURES:
        features = extract_features(windows, name)
        groups = {feature_group(n, features.columns.get(n)) for n in features.names}
        assert 0 < len({g for g, _ in groups}) < 80, name
        assert all(group and not group[-1].isdigit() for group, _ in groups), name
        assert {c for _, channels in groups for c in channels.split("-")} - {""} == set(windows.names)
    assert feature_group("logcov_2_2") == ("covariance of channels", "2-2")
    assert feature_group("power_100Hz_7") == ("power 100+ Hz", "7")
    assert feature_group("delta_3") == ("delta", "3")


def test_layers_that_stayed_have_no_distance_and_full_alignment():
    network, initial, X, y = _case("mlp")
    final = {k: v.astype(np.float64) for k, v in initial.items()}
    rng = np.random.default_rng(5)
    final["head.weight"] = final["head.weight"] + rng.normal(size=final["head.weight"].shape)
    table = describe_layers(network, initial, final, X, y, source=initial, scratch=final).set_index("layer")
    assert table.loc[["stem_0", "body_1"], "distance"].tolist() == [0.0, 0.0]
    assert table.loc[["stem_0", "body_1"], "cka_initial"].tolist() == pytest.approx([1.0, 1.0])
    assert table.loc[["stem_0", "body_1"], "reset_initial"].tolist() == [0.0, 0.0]
    moved = np.linalg.norm(final["head.weight"] - initial["head.weight"])
    assert table.loc["head", "distance"] == pytest.approx(moved)
    norm = np.sqrt(np.sum(initial["head.weight"] ** 2) + np.sum(initial["head.bias"] ** 2))
    assert table.loc["head", "relative_distance"] == pytest.approx(moved / norm, rel=1e-6)
    assert table.loc["head", "cka_scratch"] == pytest.approx(1.0)
    assert np.isnan(table.loc["head", "cka_source"])
    back = balanced_accuracy(y, _logits(network, initial, X).argmax(axis=1))
    now = balanced_accuracy(y, _logits(network, final, X).argmax(axis=1))
    assert table.loc["head", "reset_initial"] == pytest.approx(back - now)
    assert table["parameters"].sum() == network.n_parameters


def test_a_norm_belongs_to_the_layer_before_it():
    network, initial, X, y = _case("cnn_signal")
    final = {k: v.copy() for k, v in initial.items()}
    final["body_1_norm.bias"] += np.linspace(0, 2, 6, dtype=np.float32)
    table = describe_layers(network, initial, final, X, y).set_index("layer")
    assert list(table.index) == ["stem_0", "body_1", "head"]
    assert table.loc["body_1", "distance"] == pytest.approx(np.linalg.norm(np.linspace(0, 2, 6)), rel=1e-6)
    assert table.loc["stem_0", "distance"] == 0.0
    assert table["parameters"].sum() == network.n_parameters
    expected = linear_cka(
        layer_outputs(network, final, X)["body_1"], layer_outputs(network, initial, X)["body_1"]
    )
    assert table.loc["body_1", "cka_initial"] == pytest.approx(expected)
    assert table["cka_source"].isna().all()


def test_the_layer_that_holds_the_answer_is_the_one_that_hurts_when_reset():
    """Final weights that classify perfectly through a planted stem."""
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    X = rng.normal(size=(60, 10)) * 0.1
    X[np.arange(60), y] += 2.0
    initial = initial_tensors(MLP, 1)
    final = {k: np.zeros_like(v) for k, v in initial.items()}
    for i in range(3):
        final["stem_0.weight"][i, i] = final["body_1.weight"][i, i] = final["head.weight"][i, i] = 1.0
    table = describe_layers(MLP, initial, final, X, y).set_index("layer")
    assert (table[["reset_initial", "reset_fresh"]] < -0.15).all().all()


def test_points_on_the_line_are_the_networks_of_mixed_weights():
    network, first, X, y = _case("mlp", n=40)
    _, second, _, _ = _case("mlp", seed=7)
    line = barrier_line(network, first, second, X, y)
    assert line["position"].tolist() == pytest.approx(np.linspace(0, 1, 11))
    module = build_module(network, torch.float64)
    load_tensors(module, {k: 0.7 * first[k].astype(float) + 0.3 * second[k].astype(float) for k in first})
    with torch.no_grad():
        expected = float(torch.nn.functional.cross_entropy(module(torch.from_numpy(X)), torch.from_numpy(y)))
    assert line["loss"][3] == pytest.approx(expected, abs=1e-12)
    with pytest.raises(BiotransferError, match="n_points=2"):
        barrier_line(network, first, second, X, y, n_points=2)


def test_one_function_with_its_units_in_another_order_lies_behind_a_barrier():
    rng = np.random.default_rng(0)
    y = np.arange(60) % 3
    X = rng.normal(size=(60, 10)) * 0.1
    X[np.arange(60), y] += 1.0
    first = {k: np.zeros_like(v) for k, v in initial_tensors(MLP, 1).items()}
    for i in range(3):
        first["stem_0.weight"][i, i] = first["body_1.weight"][i, i] = first["head.weight"][i, i] = 2.0
    order = np.roll(np.arange(8), 3)
    second = {**first, "body_1.weight": first["body_1.weight"][order],
              "head.weight": first["head.weight"][:, order]}  # fmt: skip
    line = barrier_line(MLP, first, second, X, y)
    assert line["loss"].iloc[0] == pytest.approx(line["loss"].iloc[-1], abs=1e-12)
    halved = _logits(MLP, first, X) / 2  # half of body and head from either side: a quarter, twice
    middle = float(torch.nn.functional.cross_entropy(torch.from_numpy(halved), torch.from_numpy(y)))
    height = middle - line["loss"].iloc[0]
    assert height > 0.01
    assert barrier_height(line["position"], line["loss"]) == pytest.approx(height, abs=1e-12)
    same = barrier_line(MLP, first, first, X, y)
    assert barrier_height(same["position"], same["loss"]) == pytest.approx(0.0, abs=1e-12)


def test_a_network_without_hidden_nonlinearity_has_no_barrier():
    """Cross-entropy of a linear model is convex: nothing on the line rises above it."""
    network = build_network({"name": "mlp", "hidden": [10]}, (10,), 3)
    base = initial_tensors(network, 0)
    base["stem_0.weight"], base["stem_0.bias"] = np.eye(10, dtype=np.float32), np.full(10, 50, np.float32)
    other = {**base, "head.weight": -base["head.weight"]}
    X, y = np.random.default_rng(0).normal(size=(50, 10)), np.arange(50) % 3
    line = barrier_line(network, base, other, X, y)
    assert barrier_height(line["position"], line["loss"]) == pytest.approx(0.0, abs=1e-12)
