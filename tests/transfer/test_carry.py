import numpy as np
import pytest
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import NETWORKS, build_network, initial_tensors
from biotransfer.learning.networks.forward import run_network
from biotransfer.learning.weights import Weights
from biotransfer.transfer.carry import (
    ARMS,
    carried_share,
    known_arms,
    make_arms,
    resolve_arm,
    resolve_arms,
    why_not,
)
from biotransfer.transfer.carry.discriminability import side_information
from biotransfer.transfer.carry.regularized import feature_attention
from biotransfer.transfer.carry.starting import OTHER_SOURCES, SHAMS, carried_layers
from biotransfer.transfer.carry.validity import NEEDS
from tests.builders import make_windows

OURS = [name for name, entry in NETWORKS.items() if not entry.facts["packages"]]
SOURCE_SHAPES = {n: (64,) if NETWORKS[n].facts["takes"] == "features" else (4, 128) for n in OURS}
KINDS = {e.facts["starts_from"] for e in ARMS.values()} - {None} | set(OTHER_SOURCES.values())
WITH_START = [e.name for e in ARMS.values() if "start" in e.defaults and "teacher" not in e.defaults]


def _windows(network, n_chans=4):
    if NETWORKS[network].facts["takes"] == "signals":
        return make_windows(n_features=n_chans, n_times=128, n_subjects=2, n_windows=3)
    return make_windows(n_features=64, n_subjects=2, n_windows=3)


def _sources(network, shape):
    record = build_network(network, shape, 4)
    return {
        kind: Weights(
            {
                k: np.random.default_rng(50 + i).normal(0.1, 0.5, s).astype(np.float32)
                for k, s in record.tensor_shapes.items()
            },
            {"network": record.describe()},
        )
        for i, kind in enumerate(sorted(KINDS))
    }


def _valid(network, source_shape=None):
    """Names of the arms that this network can take."""
    windows = _windows(network)
    record = build_network(network, windows.shape, 3)
    source = build_network(network, source_shape or SOURCE_SHAPES[network], 4)
    return [e.name for e in ARMS.values() if why_not(e, network=record, source=source) is None]


def _case(network, seed=0, specs=None):
    windows = _windows(network)
    target = build_network(network, windows.shape, 3)
    sources = _sources(network, SOURCE_SHAPES[network])
    arms = make_arms(specs or _valid(network), sources, target, seed, target=windows)
    return target, sources, {a.name: a for a in arms}


@pytest.fixture(params=OURS)
def case(request):
    return _case(request.param)


def test_every_entry_says_what_it_is(case):
    for entry in ARMS.values():
        assert set(entry.facts["needs"]) <= set(NEEDS)
        assert entry.facts["lever"] in ("carry", "regularize", "extra data", "adapt")
        assert entry.facts["phrase"].format(source="EMG", target="EEG")
        if entry.source == "own":
            assert entry.name in ("scratch", "permuted", "noise_source", "simulated_source", "same_modality",
                                  "labelled_person")  # fmt: skip


def test_head_and_whatever_is_fresh_are_the_same_in_all_arms(case):
    network, _, arms = case
    for arm in arms.values():
        for row in arm.ledger:
            if row.action == "fresh" or row.part == "head":
                assert row.action == "fresh"
                assert np.array_equal(arm.tensors[row.tensor], arms["scratch"].tensors[row.tensor])


@pytest.mark.parametrize("name", OURS)
def test_neither_sources_nor_windows_are_mutated(name):
    windows = _windows(name)
    network = build_network(name, windows.shape, 3)
    sources = _sources(name, SOURCE_SHAPES[name])
    for weights in sources.values():
        for value in weights.tensors.values():
            value.setflags(write=False)
    before = {kind: w.digest() for kind, w in sources.items()}, windows.digest()
    specs = [
        *_valid(name),
        *(
            {"name": n, "start": s, "label": f"{n}_{s}"}
            for n in WITH_START
            for s in SHAMS
            if n in _valid(name)
        ),
    ]
    make_arms(specs, sources, network, 3, target=windows)
    assert before == ({kind: w.digest() for kind, w in sources.items()}, windows.digest())


def test_ledger_is_complete_and_true(case):
    network, sources, arms = case
    for name, arm in arms.items():
        assert [r.tensor for r in arm.ledger] == list(network.tensor_shapes)
        assert sum(r.parameters for r in arm.ledger) == network.n_parameters
        starts_from = ARMS[name].facts["starts_from"]
        for row in arm.ledger:
            assert row.reason
            assert row.trained == (arm.lr_scale[row.tensor] > 0 and arm.thaw.get(row.tensor, 0) < 1)
            value = arm.tensors[row.tensor]
            assert value.shape == network.tensor_shapes[row.tensor]
            assert value.dtype == np.float32
            if starts_from and row.action != "fresh":
                theirs = sources[starts_from].tensors[row.tensor]
                same = np.array_equal(value, theirs)
                same_values = np.array_equal(np.sort(value.ravel()), np.sort(theirs.ravel()))
                expected = {"copied": (True, True), "permuted": (False, True), "redrawn": (False, False)}
                if row.action == "adapted":
                    assert name == "discriminability_based"
                else:
                    assert (same, same_values) == expected[row.action]


def test_arms_carry_what_the_transfer_carries(case):
    _, _, arms = case

    def carried(arm):
        return {r.tensor for r in arm.ledger if r.action != "fresh"}

    for name, arm in arms.items():
        begins = name in ("scratch", "self_training", "knowledge_distillation")
        if begins or ARMS[name].facts["lever"] == "adapt":
            assert not carried(arm)
        elif name == "partial_carry":
            assert carried(arm) < carried(arms["transferred"])
        else:
            assert carried(arm) == carried(arms["transferred"]), name


def test_only_frozen_body_and_lora_freeze_and_only_what_they_carried(case):
    _, _, arms = case
    for name, arm in arms.items():
        frozen = {r.tensor for r in arm.ledger if not r.trained}
        carried = {r.tensor for r in arm.ledger if r.action == "copied"}
        expected = {"frozen_body": carried, "lora": carried - set(arm.low_rank)}
        assert frozen == expected.get(name, set())


@pytest.mark.parametrize("name", OURS)
def test_a_sham_takes_the_sources_place_and_knows_nothing_of_it(name):
    names = [n for n in WITH_START if n in _valid(name)]
    specs = ["scratch", "permuted", "redrawn"]
    specs += [{"name": n, "start": s, "label": f"{n}_{s}"} for n in names for s in SHAMS]
    network, sources, arms = _case(name, specs=specs)
    _, _, real = _case(name, specs=names)
    for n in names:
        for start in SHAMS:
            arm = arms[f"{n}_{start}"]
            assert set(arm.thaw) == set(real[n].thaw)
            assert arm.lr_scale == real[n].lr_scale
            assert set(arm.low_rank) == set(real[n].low_rank)
            assert (arm.penalty is None) == (real[n].penalty is None)
            given = [sources["supervised"].tensors[k] for k in sources["supervised"].tensors]
            held = [*arm.tensors.values(), *(arm.penalty.tensors.values() if arm.penalty else ())]
            assert not any(
                np.array_equal(g, h) for g in given for h in held if g.shape == h.shape and g.size > 1
            )
            if n != "discriminability_based":
                for row in arm.ledger:
                    if row.action != "fresh" or start == "scratch":
                        assert np.array_equal(arm.tensors[row.tensor], arms[start].tensors[row.tensor])


def test_seeds_change_every_random_draw_and_nothing_else():
    network, _, first = _case("mlp", 0)
    _, _, again = _case("mlp", 0)
    _, _, other = _case("mlp", 1)
    for name in first:
        for key in network.tensor_shapes:
            assert np.array_equal(first[name].tensors[key], again[name].tensors[key])
    for name, changes in {"permuted": True, "redrawn": True, "transferred": False, "l2_sp": False}.items():
        a, b = (case[name].tensors["body_1.weight"] for case in (first, other))
        assert np.array_equal(a, b) != changes
    (a, _, _), (b, _, _), (c, _, _) = (
        case["lora"].low_rank["body_1.weight"] for case in (first, again, other)
    )
    assert np.array_equal(a, b)
    assert not np.array_equal(a, c)


def test_a_stem_that_does_not_fit_is_fresh_and_trains_from_the_beginning_in_every_arm():
    """Eight channels to four: the stem, its bias and its norm."""
    windows = _windows("cnn_signal")
    network = build_network("cnn_signal", windows.shape, 3)
    sources = _sources("cnn_signal", (8, 128))
    names = _valid("cnn_signal", (8, 128))
    assert set(ARMS) - set(names) == {"lora", "delta", "lwf", "co_tuning", "stoch_norm"}
    for arm in make_arms(names, sources, network, 0, target=windows):
        stem = [r for r in arm.ledger if r.part == "stem"]
        assert {r.action for r in stem} == {"fresh"}
        assert all(r.trained and arm.lr_scale[r.tensor] == 1 and r.tensor not in arm.thaw for r in stem)
        if arm.name == "transferred":
            assert "16x8x15" in stem[0].reason
            assert "16x4x15" in stem[0].reason
            assert 0 < carried_share(arm.ledger) < 1


def test_a_head_of_equal_shape_is_not_carried_either():
    network = build_network("mlp", (8,), 3)
    source = Weights(initial_tensors(network, 9))
    arm = make_arms(["transferred"], {"supervised": source}, network, 0)[0]
    assert not np.array_equal(arm.tensors["head.weight"], source.tensors["head.weight"])


def test_layers_thaw_from_the_head_down_and_the_last_at_until():
    network, _, arms = _case(
        "cnn_image",
        specs=[{"name": "gradual_unfreezing", "until": 0.6}, {"name": "probe_then_finetune", "probe": 0.3}],
    )
    thaw = arms["gradual_unfreezing"].thaw
    layers = ["body_2", "body_1", "stem_0"]
    assert [round(thaw[f"{layer}.weight"], 3) for layer in layers] == [0.2, 0.4, 0.6]
    assert all(thaw[f"{layer}.weight"] == thaw[f"{layer}.bias"] for layer in layers)
    assert not any(k.startswith("head") for k in thaw)
    assert set(arms["probe_then_finetune"].thaw.values()) == {0.3}
    assert set(arms["probe_then_finetune"].thaw) == set(thaw)


def test_rates_fall_by_a_factor_per_layer():
    _, _, arms = _case("cnn_image", specs=[{"name": "layerwise_decay", "decay": 0.5}])
    rates = arms["layerwise_decay"].lr_scale
    assert [rates[f"{layer}.weight"] for layer in ("head", "body_2", "body_1", "stem_0")] == [
        1,
        0.5,
        0.25,
        0.125,
    ]


def test_l2_sp_anchors_the_carried_to_the_source_and_the_rest_to_zero():
    network, sources, arms = _case("mlp", specs=[{"name": "l2_sp", "alpha": 0.3, "beta": 0.2}])
    anchor = arms["l2_sp"].anchor
    assert set(anchor) == set(network.tensor_shapes)
    for name, (reference, strength) in anchor.items():
        if name.startswith("head"):
            assert strength == 0.2
            assert not reference.any()
        else:
            assert strength == 0.3
            assert np.array_equal(reference, sources["supervised"].tensors[name])


@pytest.mark.parametrize("layers", [1, 2])
def test_partial_carry_takes_the_first_layers(layers):
    network, sources, arms = _case(
        "cnn_image", specs=[{"name": "partial_carry", "layers": layers, "freeze": True}]
    )
    carried = {r.tensor for r in arms["partial_carry"].ledger if r.action == "copied"}
    first = carried_layers(sources["supervised"], network)[:layers]
    assert carried == {f"{layer}.{part}" for layer in first for part in ("weight", "bias")}
    assert carried == {r.tensor for r in arms["partial_carry"].ledger if not r.trained}


def test_side_information_is_mutual_information():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 200)
    side = np.stack(
        [y == 1, rng.random(200) < 0.5, np.ones(200, bool), (y == 2) ^ (rng.random(200) < 0.2)], 1
    )
    found = side_information(side, y)
    np.testing.assert_allclose(found, [mutual_info_score(y, s) for s in side.T], atol=1e-12)
    assert found[0] == pytest.approx(entropy([np.mean(y == 1), np.mean(y != 1)]))


def test_units_that_tell_classes_apart_are_kept_others_shrunk_or_redrawn():
    """One unit for each case of Pratt's rule, with information known by construction."""
    windows = make_windows(n_classes=2, n_features=3, n_subjects=2)
    signs = np.where(windows.y == 1, 1.0, -1.0)
    noise = np.where(np.arange(len(signs)) % 2, 1.0, -1.0)
    half = np.where(np.arange(len(signs)) % 4 < 2, signs, noise)
    windows.X[:] = np.stack([signs, noise, half], 1)
    network = build_network({"name": "mlp", "hidden": [4]}, (3,), 2)
    weight = np.array([[2.0, 0, 0], [0, 3.0, 0], [0, 0, 1.0], [0.5, 0, 0]], np.float32)
    bias = np.array([0.0, 0.5, 0.0, 9.0], np.float32)
    source = Weights(initial_tensors(network, 5) | {"stem_0.weight": weight, "stem_0.bias": bias})
    spec = {"name": "discriminability_based", "strength": 0.8, "cutoff": 0.1, "shrink": 0.06}
    scratch, arm = make_arms(["scratch", spec], {"supervised": source}, network, 0, target=windows)
    found = arm.tensors["stem_0.weight"]
    share = mutual_info_score(windows.y, half) / mutual_info_score(windows.y, signs)
    np.testing.assert_allclose(found[0], [0.8 * 2, 0, 0], rtol=1e-6)
    np.testing.assert_allclose(found[1], [0, 0.06, 0], rtol=1e-6)
    np.testing.assert_allclose(found[2], [0, 0, 0.8 * share], rtol=1e-5)
    assert np.array_equal(found[3], scratch.tensors["stem_0.weight"][3])
    np.testing.assert_allclose(arm.tensors["stem_0.bias"][:3], [0, 0.5 * 0.06 / 3, 0], atol=1e-7)
    assert "2 units kept, 1 shrunk, 1 drawn afresh" in arm.ledger[0].reason


def test_attention_goes_to_the_feature_that_the_classes_hang_on():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 3, 300)
    features = rng.normal(size=(300, 5))
    features[:, 2] += 3.0 * y
    weights = feature_attention(features, y)
    assert weights.sum() == pytest.approx(1)
    assert weights.argmax() == 2
    assert weights[2] > 2 * np.delete(weights, 2).max()
    np.testing.assert_allclose(feature_attention(features[y < 2], y[y < 2]).sum(), 1.0)


def test_category_relationship_is_the_mean_of_the_sources_answers():
    network, sources, arms = _case("mlp", specs=["co_tuning"])
    windows, source = _windows("mlp"), sources["supervised"]
    record = build_network("mlp", (64,), 4)
    hidden = windows.X
    for layer in ("stem_0", "body_1"):
        hidden = np.maximum(hidden @ source.tensors[f"{layer}.weight"].T + source.tensors[f"{layer}.bias"], 0)
    logits = hidden @ source.tensors["head.weight"].T + source.tensors["head.bias"]
    p = np.exp(logits - logits.max(1, keepdims=True))
    p /= p.sum(1, keepdims=True)
    expected = np.stack([p[windows.y == c].mean(axis=0) for c in range(3)])
    np.testing.assert_allclose(arms["co_tuning"].penalty.tensors["relationship"], expected, atol=1e-5)
    np.testing.assert_allclose(run_network(record, source.tensors, windows.X).features, hidden, rtol=1e-4)


@pytest.mark.parametrize(
    ("spec", "network", "message"),
    [
        ({"name": "partial_carry", "layers": 3}, "mlp", r"layers=3, but 2 layers .* \(stem_0, body_1\)"),
        ({"name": "lora", "rank": 40}, "mlp", "rank=40, but the smallest side .* is 32"),
        ("lora", "cnn_signal", "'lora' needs a dense layer below the head"),
        ({"name": "probe_then_finetune", "probe": 1.0}, "mlp", "probe=1.0"),
        ({"name": "gradual_unfreezing", "until": 0.0}, "mlp", "until=0.0"),
        ({"name": "layerwise_decay", "decay": 1.5}, "mlp", "decay=1.5"),
        ({"name": "l2_sp", "alpha": -1.0}, "mlp", "alpha=-1.0"),
        ({"name": "bss", "k": 0}, "mlp", "k=0"),
        ({"name": "lwf", "temperature": 0.0}, "mlp", "temperature=0.0"),
        ({"name": "delta", "strength": -2.0}, "mlp", "strength=-2.0"),
        ({"name": "discriminability_based", "cutoff": 2.0}, "mlp", "cutoff=2.0"),
        ({"name": "self_training", "teacher": "sourc"}, "mlp", "Use one of: scratch, transferred"),
        ({"name": "transferred", "start": "permutted"}, "mlp", "Did you mean 'permuted'"),
    ],
)
def test_what_cannot_be_is_refused_with_the_reason(spec, network, message):
    windows = _windows(network)
    record = build_network(network, windows.shape, 3)
    with pytest.raises(BiotransferError, match=message):
        make_arms([spec], _sources(network, SOURCE_SHAPES[network]), record, 0, target=windows)


@pytest.mark.parametrize("name", ["delta", "lwf", "co_tuning"])
def test_a_source_that_cannot_see_the_targets_windows_is_refused(name):
    windows = _windows("cnn_signal")
    network = build_network("cnn_signal", windows.shape, 3)
    with pytest.raises(BiotransferError, match=r"shape \(8, 128\), the target's \(4, 128\)"):
        make_arms([name], _sources("cnn_signal", (8, 128)), network, 0, target=windows)


def test_a_missing_source_is_named_with_all_that_the_arms_want():
    asked = ["scratch", "transferred", "permuted", "noise_source"]
    weights = _sources("mlp", (64,))["supervised"]
    with pytest.raises(BiotransferError) as error:
        make_arms(asked, {"emg": weights}, build_network("mlp", (64,), 3), 0)
    for part in ("sources=['emg']", "'supervised' for transferred, permuted", "'noise' for noise_source"):
        assert part in str(error.value)
    with pytest.raises(BiotransferError, match=r"Pass sources=\{'noise': weights\}"):
        make_arms(asked, weights, build_network("mlp", (64,), 3), 0)


def test_weights_alone_are_what_was_trained_on_the_source():
    network, weights = build_network("mlp", (64,), 3), _sources("mlp", (64,))["supervised"]
    names = ["scratch", "transferred", "permuted"]
    for one, other in zip(
        make_arms(names, weights, network, 0),
        make_arms(names, {"supervised": weights}, network, 0),
        strict=True,
    ):
        assert (one.name, one.ledger) == (other.name, other.ledger)
        assert all(np.array_equal(one.tensors[k], other.tensors[k]) for k in network.tensor_shapes)


def test_help_tells_every_name_of_a_source():
    assert all(f'"{name}"' in str(make_arms.__doc__) for name in KINDS)


def test_missing_target_windows_are_named():
    network = build_network("mlp", (64,), 3)
    with pytest.raises(BiotransferError, match="looks at the target's training windows"):
        make_arms(["discriminability_based"], _sources("mlp", (64,)), network, 0)


def test_unknown_arm():
    with pytest.raises(BiotransferError, match="Did you mean 'transferred'"):
        make_arms(["transfered"], {}, build_network("mlp", (8,), 3), 0)


def test_methods_of_one_label_space_are_refused_across_tasks():
    with pytest.raises(BiotransferError, match="a gesture is no mental state; it is valid only inside one"):
        resolve_arm("jdot")
    for name in ("dann", "cdan", "mcc"):
        reason = why_not(ARMS[name], person=False)
        assert "never a modality to another, whose classes differ. Use split: {by: new_person}" in reason
        assert why_not(ARMS[name], person=True) is None


def test_needs_unlabelled_windows():
    assert "budget" in why_not(ARMS["self_training"], unlabelled=False)
    assert why_not(ARMS["self_training"], unlabelled=True) is None


def test_one_method_may_appear_twice_under_labels():
    specs = ["scratch", "l2_sp", {"name": "l2_sp", "alpha": 1.0, "label": "strong"}]
    plain, usual, strong = resolve_arms(specs)
    assert (usual.label, strong.label) == ("l2_sp", "strong")
    assert "label" not in usual.spec
    assert resolve_arms([r.spec for r in (plain, usual, strong)]) == [plain, usual, strong]
    assert strong.phrase == "Pretraining on {source} with L2-SP (strong)"
    _, _, arms = _case("mlp", specs=specs)
    assert arms["strong"].anchor["stem_0.weight"][1] == 1.0
    with pytest.raises(BiotransferError, match="'l2_sp' is named twice"):
        resolve_arms(["l2_sp", {"name": "l2_sp", "alpha": 1.0}])
    with pytest.raises(BiotransferError, match="another arm's name"):
        resolve_arm({"name": "l2_sp", "label": "scratch"})
    with pytest.raises(BiotransferError, match="is no text"):
        resolve_arm({"name": "l2_sp", "label": 3})


def test_a_sham_start_makes_any_method_a_control():
    for name in WITH_START:
        assert resolve_arm(name).role == "transfer"
        for start in SHAMS:
            request = resolve_arm({"name": name, "start": start, "label": "sham"})
            assert request.role == "control"
            assert name in request.phrase
            assert name in request.summary
    assert resolve_arm("self_training").role == "reference"
    assert resolve_arm("self_training").starts_from is None
    taught = {"name": "self_training", "teacher": "transferred"}
    assert resolve_arm({**taught, "label": "taught"}).role == "transfer"


def test_a_name_of_the_catalog_keeps_its_role():
    """On the public path an arm's role is that of its name."""
    for spec in ({"name": "l2_sp", "start": "permuted"}, {"name": "self_training", "teacher": "transferred"}):
        with pytest.raises(BiotransferError, match=f"label: {spec['name']}_"):
            resolve_arm(spec)


def test_arms_of_another_version_are_left_out():
    assert list(known_arms(["scratch", {"name": "gone"}, {"name": "bss", "gone": 1}])) == ["scratch"]


def test_a_sham_of_given_weights_is_named_after_them():
    spec = {"name": "transferred", "weights": "theirs/net.safetensors", "start": "permuted", "label": "sham"}
    assert "net.safetensors weights in a random order" in resolve_arm(spec).phrase
