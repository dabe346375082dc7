"""What each transfer is judged by: carried as it is, from something else."""

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network
from biotransfer.learning.weights import Weights
from biotransfer.transfer.carry import ARMS, contests, make_arms, resolve_arm, resolve_arms, with_assay
from biotransfer.transfer.carry.starting import OTHER_SOURCES, SHAMS
from tests.builders import make_windows

TRANSFERS = [
    {"name": name, "teacher": "transferred", "label": "taught"} if "teacher" in entry.defaults else name
    for name, entry in ARMS.items()
    if entry.facts["role"] == "transfer"
    and "batch_norm" not in entry.facts["needs"]
    and entry.facts["lever"] != "adapt"  # see test_adaptation.py
]
FROZEN = {"frozen_body", "lora", "still"}
SPECS = [
    *(name for name, entry in ARMS.items() if entry.facts["role"] in ("baseline", "control", "reference")),
    *TRANSFERS,
    {"name": "partial_carry", "freeze": True, "label": "still"},
    {"name": "transferred", "pretrain": "reptile", "label": "reptile"},
    {"name": "noise_source", "pretrain": "reptile", "label": "reptile_noise"},
]


def _weights(seed):
    record = build_network("mlp", (12,), 4)
    rng = np.random.default_rng(seed)
    drawn = {k: rng.normal(size=s).astype(np.float32) for k, s in record.tensor_shapes.items()}
    return Weights(drawn, {"network": record.describe()})


@pytest.mark.parametrize("start", OTHER_SOURCES)
def test_another_source_is_carried_as_the_source_would_be(start):
    kind, windows, network = OTHER_SOURCES[start], make_windows(n_features=12), build_network("mlp", (12,), 3)
    source = _weights(1)
    for spec in map(resolve_arm, TRANSFERS):
        other = resolve_arm({**spec.spec, "start": start, "label": "other"})
        (one,) = make_arms([spec], {"supervised": source}, network, 0, target=windows)
        (two,) = make_arms([other], {kind: source}, network, 0, target=windows)
        assert (one.lr_scale, one.thaw, one.ledger) == (two.lr_scale, two.thaw, two.ledger)
        assert all(np.array_equal(one.tensors[k], two.tensors[k]) for k in network.tensor_shapes)


@pytest.mark.parametrize("spec", TRANSFERS, ids=str)
def test_a_start_gives_source_role_phrase_and_summary(spec):
    usual = resolve_arm(spec)
    for start in (*OTHER_SOURCES, *SHAMS):
        request = resolve_arm({**usual.spec, "start": start, "label": "other"})
        roles = {"own_donors": "positive_control", "same_modality": "reference"}
        assert request.role == roles.get(start, "control")
        assert request.source == OTHER_SOURCES.get(start, "supervised")
        assert "other" in request.phrase
        assert request.phrase.format(source="EMG", target="EEG") != usual.phrase.format(
            source="EMG", target="EEG"
        )
        assert request.summary != usual.summary
        assert resolve_arm(request.spec) == request


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ({"name": "transferred", "start": "own_donor", "label": "x"}, "Did you mean 'own_donors'"),
        ({"name": "l2_sp", "start": "own_donors"}, "label: l2_sp_positive_control"),
        ({"name": "self_training", "start": "own_donors", "label": "x"}, "changes nothing"),
        (
            {"name": "transferred", "weights": "a.safetensors", "start": "noise_source", "label": "x"},
            "Leave one",
        ),
    ],
)
def test_a_wrong_start_is_refused_when_it_is_read(spec, message):
    with pytest.raises(BiotransferError, match=message):
        resolve_arm(spec)


def test_what_stays_still_is_known_from_the_catalog_and_the_parameters():
    assert {arm.label for arm in resolve_arms(SPECS) if arm.frozen} == FROZEN


def test_every_transfer_gets_what_proves_it_once():
    arms = with_assay(resolve_arms(SPECS))
    assert with_assay(arms) == arms
    assert with_assay(resolve_arms([arm.spec for arm in arms])) == arms
    for label, contest in contests(arms, "scratch").items():
        mine = next(arm for arm in arms if arm.label == label)
        shown = next(arm for arm in arms if arm.label == contest.positive_control)
        changed = {**shown.parameters, "start": "source"}
        assert (shown.entry, changed, shown.pretrain) == (mine.entry, mine.parameters, mine.pretrain)
        assert shown.role == "positive_control"
        by = {arm.label: arm for arm in arms}
        assert contest.against not in contest.controls
        assert all(by[control].role == "control" for control in contest.controls)
        if label in FROZEN:
            assert contest.against == f"{label}_scratch"
            assert contest.controls[0] == f"{label}_permuted"
            plain = {arm.entry.name for arm in arms if arm.entry.facts["role"] == "control"}
            without = plain & {"shuffled_source", "noise_source", "phase_source", "simulated_source"}
            assert {by[control].start for control in contest.controls} == {"permuted", *without}
        else:
            assert contest.against == "scratch"
            assert not any(by[control].frozen for control in contest.controls)
            assert {"permuted", "redrawn", "shuffled_source", "noise_source"} <= set(contest.controls)
        assert ("reptile_noise" in contest.controls) == (label == "reptile")


def test_what_is_written_by_hand_is_not_added_again():
    by_hand = {"name": "frozen_body", "start": "own_donors", "label": "neighbours"}
    arms = with_assay(resolve_arms(["scratch", "frozen_body", by_hand]))
    assert [a.label for a in arms][3:] == ["frozen_body_scratch", "frozen_body_permuted"]
    assert contests(arms, "scratch")["frozen_body"].positive_control == "neighbours"
    other = {"name": "l2_sp", "alpha": 0.5, "start": "own_donors", "label": "l2_sp_own_donors"}
    with pytest.raises(BiotransferError, match="another arm bears the name"):
        with_assay(resolve_arms(["scratch", "l2_sp", other]))


def test_without_donors_a_transfer_has_no_positive_control():
    arms = with_assay(resolve_arms(["scratch", "transferred", "frozen_body"]), donors=False)
    assert [c.positive_control for c in contests(arms, "scratch").values()] == [None, None]
    assert [a.label for a in arms][3:] == ["frozen_body_scratch", "frozen_body_permuted"]


def test_shams_of_given_weights_have_those_weights_and_donors_have_none():
    given = {"name": "frozen_body", "weights": "net.safetensors", "label": "theirs"}
    arms = {arm.label: arm for arm in with_assay(resolve_arms(["scratch", "frozen_body", given]))}
    assert arms["theirs_permuted"].weights == "net.safetensors"
    assert arms["frozen_body_own_donors"].weights is None
    both = contests(list(arms.values()), "scratch")
    assert both["theirs"].controls == ("theirs_permuted",)
    assert both["frozen_body"].controls == ("frozen_body_permuted",)
    assert both["theirs"].positive_control == both["frozen_body"].positive_control


def test_a_plain_sham_of_the_same_way_controls_it_and_no_other():
    sham = {"name": "l2_sp", "start": "scratch", "label": "l2_alone"}
    found = contests(resolve_arms(["scratch", "transferred", "l2_sp", sham, "permuted"]), "scratch")
    assert found["l2_sp"].controls == ("permuted", "l2_alone")
    assert found["transferred"].controls == ("permuted",)
