import numpy as np
import pytest

from biotransfer.arms import ARMS, make_arms
from biotransfer.arms.arm import carried_share
from biotransfer.errors import BiotransferError
from biotransfer.networks import NETWORKS, build_network, initial_tensors
from biotransfer.weights import Weights

SHAPES = {"features": ((64,), (64,)), "signals": ((8, 128), (4, 128))}
KINDS = {e.facts["starts_from"] for e in ARMS.values()} - {None}


def _case(network, seed=0):
    source_shape, target_shape = SHAPES[NETWORKS[network].facts["takes"]]
    source = build_network(network, source_shape, 4)
    sources = {
        kind: Weights(
            {
                k: np.random.default_rng(50 + i).normal(0.1, 0.5, s).astype(np.float32)
                for k, s in source.tensor_shapes.items()
            }
        )
        for i, kind in enumerate(sorted(KINDS))
    }
    target = build_network(network, target_shape, 3)
    return target, sources, {a.name: a for a in make_arms(list(ARMS), sources, target, seed)}


@pytest.fixture(params=[name for name, entry in NETWORKS.items() if "library" not in entry.facts])
def case(request):
    return _case(request.param)


def test_head_and_whatever_is_fresh_are_the_same_in_all_arms(case):
    network, _, arms = case
    for arm in arms.values():
        for row in arm.ledger:
            if row.action == "fresh" or row.part == "head":
                assert row.action == "fresh"
                assert np.array_equal(arm.tensors[row.tensor], arms["scratch"].tensors[row.tensor])


def test_sources_are_not_mutated(case):
    network, sources, _ = case
    before = {kind: w.digest() for kind, w in sources.items()}
    make_arms(list(ARMS), sources, network, 3)
    assert before == {kind: w.digest() for kind, w in sources.items()}


def test_ledger_is_complete_and_true(case):
    network, sources, arms = case
    for name, arm in arms.items():
        assert [r.tensor for r in arm.ledger] == list(network.tensor_shapes)
        assert sum(r.parameters for r in arm.ledger) == network.n_parameters
        starts_from = ARMS[name].facts["starts_from"]
        for row in arm.ledger:
            assert row.reason
            assert row.trained == (arm.lr_scale[row.tensor] > 0)
            value = arm.tensors[row.tensor]
            assert value.shape == network.tensor_shapes[row.tensor]
            assert value.dtype == np.float32
            if starts_from and row.action != "fresh":
                theirs = sources[starts_from].tensors[row.tensor]
                same = np.array_equal(value, theirs)
                same_values = np.array_equal(np.sort(value.ravel()), np.sort(theirs.ravel()))
                expected = {"copied": (True, True), "permuted": (False, True), "redrawn": (False, False)}
                assert (same, same_values) == expected[row.action]


def test_controls_carry_the_same_tensors_as_the_transfer(case):
    _, _, arms = case

    def carried(arm):
        return {r.tensor for r in arm.ledger if r.action != "fresh"}

    for name, entry in ARMS.items():
        if entry.facts["role"] in ("control", "transfer", "reference"):
            assert carried(arms[name]) == carried(arms["transferred"]), name
    assert not carried(arms["scratch"])


def test_only_frozen_body_freezes_and_only_what_it_carried(case):
    _, _, arms = case
    for name, arm in arms.items():
        frozen = {r.tensor for r in arm.ledger if not r.trained}
        carried = {r.tensor for r in arm.ledger if r.action == "copied"}
        assert frozen == (carried if name == "frozen_body" else set())


def test_seeds_change_every_random_draw_and_nothing_else():
    network, sources, first = _case("mlp", 0)
    _, _, again = _case("mlp", 0)
    _, _, other = _case("mlp", 1)
    for name in ARMS:
        for key in network.tensor_shapes:
            assert np.array_equal(first[name].tensors[key], again[name].tensors[key])
    assert not np.array_equal(
        first["permuted"].tensors["body_1.weight"], other["permuted"].tensors["body_1.weight"]
    )
    assert np.array_equal(
        first["transferred"].tensors["body_1.weight"], other["transferred"].tensors["body_1.weight"]
    )


def test_a_stem_that_does_not_fit_is_fresh_and_the_ledger_says_why():
    _, _, arms = _case("cnn_signal")
    stem = next(r for r in arms["transferred"].ledger if r.tensor == "stem_0.weight")
    assert stem.action == "fresh"
    assert "16x8x15" in stem.reason
    assert "16x4x15" in stem.reason
    assert 0 < carried_share(arms["transferred"].ledger) < 1


def test_a_head_of_equal_shape_is_not_carried_either():
    network = build_network("mlp", (8,), 3)
    source = Weights(initial_tensors(network, 9))
    arm = make_arms(["transferred"], {"supervised": source}, network, 0)[0]
    assert not np.array_equal(arm.tensors["head.weight"], source.tensors["head.weight"])


def test_a_missing_source_is_named():
    with pytest.raises(BiotransferError, match="'noise' source"):
        make_arms(["noise_source"], {}, build_network("mlp", (8,), 3), 0)


def test_unknown_arm():
    with pytest.raises(BiotransferError, match="Did you mean 'transferred'"):
        make_arms(["transfered"], {}, build_network("mlp", (8,), 3), 0)


def test_a_layer_carries_whole_or_not_at_all():
    """A stem of other channels: its bias and norm are fresh too, and train."""
    _, _, arms = _case("cnn_signal")
    stem = [r for r in arms["frozen_body"].ledger if r.part == "stem"]
    assert {r.action for r in stem} == {"fresh"}
    assert all(r.trained for r in stem)
