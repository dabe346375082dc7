"""Verdicts on curves whose truth is known."""

import json

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binom

from biotransfer.errors import BiotransferError
from biotransfer.evidence.reading import network_label
from biotransfer.evidence.stats import (
    difference_p,
    holm,
    sign_flip_p,
)
from biotransfer.evidence.verdicts import (
    FEWEST_STRANGERS,
    Claim,
    compare,
    compare_measures,
    decide,
    headline,
    judge_assay,
    judge_sources,
)
from biotransfer.results import CURVES, VERDICTS
from biotransfer.transfer.carry import ARMS as ARM_CATALOG
from biotransfer.transfer.carry import resolve_arms

ROLES = {
    "scratch": "baseline",
    "transferred": "transfer",
    "gradual_unfreezing": "transfer",
    "permuted": "control",
    "redrawn": "control",
    "shuffled_source": "control",
    "noise_source": "control",
    "transferred_own_donors": "positive_control",
    "gradual_unfreezing_own_donors": "positive_control",
    "same_modality": "reference",
}
ARMS = list(ROLES)
TRANSFERS = [name for name, entry in ARM_CATALOG.items() if entry.facts["role"] == "transfer"]
CLAIMS = [arm for arm in ARMS if ROLES[arm] == "transfer"]
CONTROLS = [arm for arm in ARMS if ROLES[arm] == "control"]
SEEN = dict.fromkeys([arm for arm in ARMS if ROLES[arm] == "positive_control"], 0.06)
"""Gains of positive controls by which a design shows that it can see transfer."""
EPOCHS = np.arange(5)


def make_curves(
    levels,
    *,
    direction="emg->eeg",
    network="mlp",
    variant="",
    protocol="subject",
    budget="all",
    seeds=3,
    splits=1,
    start=0.33,
    seed_noise=0.0,
    luck=0.0,
    seed=0,
):
    """Curves that rise from ``start`` to each person's level: {arm: (n_subjects,)}.

    ``seed_noise`` is what no two people share, ``luck`` how much of it all people of a seed share.
    """
    arms, people = list(levels), len(next(iter(levels.values())))
    level = np.array([levels[arm] for arm in arms])[:, None, :, None, None]
    noise = np.random.default_rng(seed).normal(0, 1, (len(arms), splits, people, seeds, 1))
    noise -= noise.mean((1, 3), keepdims=True)
    noise -= noise.mean(2, keepdims=True)
    noise += luck * np.random.default_rng(seed + 1).normal(0, 1, (len(arms), 1, 1, seeds, 1))
    rise = 1 - 0.5 ** (4.0 * EPOCHS)
    values = start + (level + seed_noise * noise - start) * rise
    index = pd.MultiIndex.from_product(
        [arms, [f"fold={i}" for i in range(splits)], [f"S{i}" for i in range(people)], range(seeds), EPOCHS],
        names=["arm", "split", "subject", "seed", "epoch"],
    )
    table = index.to_frame(index=False).assign(
        direction=direction,
        network=network,
        variant=variant,
        protocol=protocol,
        budget=budget,
        step=lambda t: 10 * t["epoch"],
        split_part="test",
        metric="balanced_accuracy",
        value=values.ravel(),
    )
    return table[CURVES]


def make_levels(gains, n_subjects=12, spread=0.0, seed=0):
    """Levels per person: a person's own skill, plus a gain, plus chance per arm."""
    rng = np.random.default_rng(seed)
    skill = rng.uniform(0.5, 0.8, n_subjects)
    return {arm: skill + gains.get(arm, 0.0) + rng.normal(0, spread, n_subjects) for arm in ARMS}


def only(rows, arm, **where):
    (row,) = [r for r in rows if r["arm"] == arm and all(r[k] == v for k, v in where.items())]
    return row


def draw_decisions(gains, n_draws, *, n_subjects=12, spread=0.03, margin=0.02, seed=0, seen=True):
    """Decisions of whole families, each drawn afresh: the arms share people and the scratch arm's noise."""
    rng = np.random.default_rng(seed)
    gains = {**(SEEN if seen else {}), **gains}
    truth = np.array([gains.get(arm, 0.0) for arm in ARMS])
    for _ in range(n_draws):
        drawn = truth[:, None] + rng.normal(0, spread, (len(ARMS), n_subjects))
        values = dict(zip(ARMS, drawn, strict=True))
        claims = [
            Claim(
                values[arm] - values["scratch"],
                [values[arm] - values[control] for control in CONTROLS],
                values[f"{arm}_own_donors"] - values["scratch"],
            )
            for arm in CLAIMS
        ]
        yield dict(zip(CLAIMS, decide(claims, margin=margin), strict=True))


def plausible(count, n, rate):
    """Whether ``count`` of ``n`` or more is credible at ``rate``, to one in a thousand."""
    return binom.sf(count - 1, n, rate) > 0.001


def test_without_any_effect_a_family_is_rarely_positive_or_negative():
    families = list(draw_decisions({}, 500, spread=0.05))
    false_claims = sum(any(d.verdict in ("positive", "negative") for d in f.values()) for f in families)
    assert plausible(false_claims, 500, 0.05)
    uncorrected = sum(any(d.p < 0.05 for d in f.values()) for f in families)
    assert not plausible(uncorrected, 500, 0.05)


@pytest.mark.parametrize("shared", [False, True])
def test_many_transfer_arms_buy_no_false_positive(shared):
    """Twenty arms, without any gain, and with a gain that one control shares."""
    rng, gain = np.random.default_rng(3), 0.04 if shared else 0.0
    wrong = 0
    for _ in range(300):
        scratch, control = rng.normal(0, 0.03, (2, 14))
        arms = gain + 0.7 * rng.normal(0, 0.03, 14) + rng.normal(0, 0.02, (20, 14))
        claims = [Claim(arm - scratch, [arm - (control + gain)]) for arm in arms]
        wrong += any(d.verdict == "positive" for d in decide(claims))
    assert plausible(wrong, 300, 0.05)


def test_controls_cost_no_correction():
    rng = np.random.default_rng(0)
    gain = rng.normal(0.06, 0.01, 12)
    far = [gain - rng.normal(0, 0.01, 12) for _ in range(9)]
    alone, among = decide([Claim(gain)])[0], decide([Claim(gain, far)])[0]
    assert among.n_claims == alone.n_claims == 1
    assert among.p_holm == among.p_claim == max(difference_p(d) for d in [gain, *far])


def test_a_planted_gain_of_five_points_is_found():
    families = list(draw_decisions({"transferred": 0.05}, 300, spread=0.015))
    assert sum(f["transferred"].verdict == "positive" for f in families) >= 0.8 * 300
    others = sum(f["gradual_unfreezing"].verdict == "positive" for f in families)
    assert plausible(others, 300, 0.05)


def test_a_planted_loss_of_five_points_is_found_and_its_share_told():
    families = list(draw_decisions({"transferred": -0.05}, 200, spread=0.015))
    found = [f["transferred"] for f in families if f["transferred"].verdict == "negative"]
    assert len(found) >= 0.8 * 200
    assert sum(bool(d.rivals) for d in found) < 0.2 * 200
    both = list(draw_decisions({"transferred": -0.05, "permuted": -0.05}, 200, spread=0.015))
    shared = [f["transferred"] for f in both if f["transferred"].verdict == "negative"]
    place = CONTROLS.index("permuted")
    assert sum(place in [r.position for r in d.rivals] for d in shared) > 0.9 * len(shared)
    assert np.median([d.shared for d in shared]) > 0.8 > 0.5 > np.median([d.shared for d in found])


@pytest.mark.parametrize("control", CONTROLS)
def test_a_gain_that_one_control_shares_is_rarely_positive(control):
    families = list(draw_decisions({"transferred": 0.05, control: 0.05}, 300, spread=0.015))
    assert plausible(sum(f["transferred"].verdict == "positive" for f in families), 300, 0.05)
    blocked = [f["transferred"] for f in families if f["transferred"].rivals]
    assert len(blocked) > 200
    assert all(CONTROLS.index(control) in {r.position for r in d.rivals} for d in blocked)


def test_only_positive_is_said_without_a_positive_control_that_gains():
    for gain, spread in ((0.0, 0.005), (-0.05, 0.015), (0.0, 0.05)):
        families = list(draw_decisions({"transferred": gain}, 40, spread=spread, seen=False))
        said = [d.verdict for f in families for d in f.values()]
        assert plausible(sum(v != "not_assayable" for v in said), len(said), 0.05)
    gained = list(draw_decisions({"transferred": 0.05}, 40, spread=0.015, seen=False))
    assert sum(f["transferred"].verdict == "positive" for f in gained) > 30
    assert {d.verdict for d in decide([np.linspace(-0.01, 0.01, 12)])} == {"not_assayable"}


@pytest.mark.parametrize("obstacle", ["the source is at chance", "the target is at chance"])
def test_an_obstacle_makes_all_but_a_gain_not_assayable(obstacle):
    flat, seen = np.linspace(-0.004, 0.004, 16), np.linspace(0.09, 0.1, 16)
    assert decide([Claim(flat, assay=seen)], margin=0.08)[0].verdict == "equivalent"
    assert decide([Claim(flat, assay=seen, obstacles=[obstacle])], margin=0.08)[0].verdict == "not_assayable"
    assert decide([Claim(seen, obstacles=[obstacle])])[0].verdict == "positive"


def _with_losses(curves, broken):
    """Curves with losses of training and test; those of ``broken`` (arm, subject, seed) explode."""
    each = curves[curves["epoch"].isin([0, EPOCHS[-1]])].assign(metric="log_loss", value=1.1)
    hit = pd.MultiIndex.from_frame(each[["arm", "subject", "seed"]]).isin(broken)
    last = each["epoch"] > 0
    each.loc[hit & last, "value"] = 1e5
    return pd.concat([curves, each, each[last].assign(split_part="train", subject="*")], ignore_index=True)


@pytest.mark.parametrize("arm", ["transferred", "scratch", "permuted", "transferred_own_donors"])
def test_no_verdict_is_built_on_one_training_that_exploded(arm):
    levels = make_levels({**SEEN, "transferred": 0.1, "gradual_unfreezing": 0.1}, spread=0.002)
    curves = make_curves(levels)
    sound = compare(_with_losses(curves, []), roles=ROLES)
    assert {only(sound, name)["verdict"] for name in CLAIMS} == {"positive"}
    rows = compare(_with_losses(curves, [(arm, "S1", 2)]), roles=ROLES)
    row = only(rows, "transferred")
    assert row["verdict"] == "not_assayable"
    assert f"1 of {arm}" in row["obstacle"]
    assert "diverged" in row["sentence"]
    shared = arm in ("scratch", "permuted")
    assert only(rows, "gradual_unfreezing")["verdict"] == ("not_assayable" if shared else "positive")
    measured = compare_measures(_with_losses(curves, [(arm, "S1", 2)]), roles=ROLES)
    assert set(measured.loc[measured["arm"] == "transferred", "verdict"]) == {"not_assayable"}


def test_no_verdict_is_built_on_source_networks_that_exploded():
    curves = make_curves(make_levels({**SEEN, "transferred": 0.1}, spread=0.002))
    sources = pd.DataFrame([{"direction": "emg->eeg", "network": "mlp", "variant": "", "source": "supervised",
                             "method": "supervised", "subjects": "a, b, c, d", "balanced_accuracy": 0.8,
                             "chance": 0.25}])  # fmt: skip
    for diverged, verdict in ((False, "positive"), (True, "not_assayable")):
        told = compare(curves, roles=ROLES, sources=sources.assign(diverged=diverged))
        assert only(told, "transferred")["verdict"] == verdict


def test_a_positive_control_has_to_gain_the_margin_and_clearly():
    small, loose = np.linspace(0.01, 0.02, 12), np.array([0.3, -0.2] * 6)
    assert judge_assay(np.linspace(0.02, 0.03, 12), margin=0.02).seen
    assert not judge_assay(small, margin=0.02).seen
    assert judge_assay(small, margin=0.02).p < 0.05
    assert not judge_assay(loose, margin=0.02).seen
    assert judge_assay(loose, margin=0.02).gain > 0.02
    assert not judge_assay([0.3, 0.3, 0.3, 0.3], margin=0.02).seen


@pytest.mark.parametrize("n_seeds", [1, 2, 3])
def test_fewer_than_three_seeds_explore(n_seeds):
    rng = np.random.default_rng(0)
    seen = rng.normal(0.1, 0.005, (16, n_seeds))
    for gain in (0.1, -0.1, 0.0):
        d = gain + rng.normal(0, 0.005, (16, n_seeds))
        (decision,) = decide([Claim(d, assay=seen)], margin=0.08)
        assert decision.exploratory == (n_seeds < 3)
        assert (decision.verdict == "inconclusive") == (n_seeds < 3)


def test_nothing_within_a_wide_margin_is_equivalent_and_at_the_margin_rarely():
    same = list(draw_decisions(dict.fromkeys(SEEN, 0.1), 50, n_subjects=16, margin=0.08, spread=0.01))
    assert sum(f["transferred"].verdict == "equivalent" for f in same) >= 40
    edge = list(draw_decisions(dict.fromkeys(CLAIMS, -0.08), 400, n_subjects=16, margin=0.08, spread=0.03))
    claims = sum(any(d.p_equivalence < 0.05 for d in f.values()) for f in edge)
    assert plausible(claims, 400, 0.05)


@pytest.mark.parametrize("gain", [-0.3, 0.0, 0.3])
def test_four_people_never_prove_anything(gain):
    for family in draw_decisions({"transferred": gain}, 30, n_subjects=4, spread=0.001):
        assert {d.verdict for d in family.values()} == {"not_assayable"}
    alone = decide([np.full(4, gain)])[0]
    assert alone.verdict == "not_assayable"
    assert alone.p >= 0.125


def test_the_family_is_corrected_as_a_whole():
    differences = [np.random.default_rng(i).normal(0.01 * i, 0.02, 10 + i) for i in range(4)]
    decisions = decide(differences)
    np.testing.assert_allclose([d.p for d in decisions], [difference_p(d) for d in differences])
    np.testing.assert_allclose([d.p_holm for d in decisions], holm([difference_p(d) for d in differences]))
    assert [d.n_claims for d in decisions] == [4] * 4
    assert [d.smallest for d in decisions] == [4 * 2 / 2 ** len(d) for d in differences]


def test_rounding_errors_are_no_evidence():
    noise = np.full(12, 1e-16)
    assert decide([noise])[0].p == 1.0
    gain = np.linspace(0.04, 0.06, 12)
    blocked = decide([Claim(gain, [noise])])[0]
    assert blocked.verdict == "not_assayable"
    assert [(r.position, r.advantage, r.p) for r in blocked.rivals] == [(0, 0.0, 1.0)]


def test_a_control_that_did_clearly_better_blocks_a_gain():
    gain = np.linspace(0.04, 0.06, 12)
    better = decide([Claim(gain, [np.linspace(-0.03, -0.02, 12)])])[0]
    assert (better.p_claim, better.verdict) == (1.0, "not_assayable")
    assert better.rivals[0].advantage < 0


def test_a_small_certain_gain_shared_by_a_control_is_equivalent():
    gain, seen = np.linspace(0.004, 0.006, 16), np.linspace(0.09, 0.1, 16)
    assert decide([gain])[0].verdict == "positive"
    shared = decide([Claim(gain, [np.zeros(16)], seen)], margin=0.08)[0]
    assert shared.verdict == "equivalent"
    assert shared.rivals


def test_compare_fills_the_contract_with_the_statistics_of_people():
    levels = make_levels({"transferred": 0.05, "redrawn": 0.01, **SEEN}, spread=0.01)
    curves = make_curves(levels, seeds=3, seed_noise=0.02)
    rows = compare(curves, last=1)
    assert [list(row) for row in rows] == [VERDICTS] * len(ARMS[1:])
    assert [row["arm"] for row in rows] == ARMS[1:]
    row = only(rows, "transferred")
    rise = 1 - 0.5**16
    d = (levels["transferred"] - levels["scratch"]) * rise
    assert row["difference"] == pytest.approx(d.mean())
    assert row["ci_low"] < row["difference"] < row["ci_high"]
    own = (levels["transferred_own_donors"] - levels["scratch"]) * rise
    assert (row["assay"], row["assay_gain"]) == ("transferred_own_donors", pytest.approx(own.mean()))
    assert row["assay_low"] < row["assay_gain"] < row["assay_high"]
    assert row["p_people"] == sign_flip_p(np.round(d, 12))
    assert (row["n_subjects"], row["n_seeds"], row["margin"]) == (12, 3, 0.02)
    assert (row["source"], row["target"], row["against"]) == ("emg", "eeg", "scratch")
    assert (row["role"], row["controls"], row["verdict"]) == ("transfer", CONTROLS, "positive")
    assert json.loads(json.dumps(rows, allow_nan=False)) == rows


def test_arms_that_claim_nothing_get_numbers_and_no_verdict():
    rows = compare(make_curves(make_levels({"redrawn": 0.06, **SEEN}, spread=0.01)))
    for row in rows:
        claims = ROLES[row["arm"]] == "transfer"
        assert (row["role"], row["verdict"] is not None) == (ROLES[row["arm"]], claims)
        assert (row["p_holm"] is None, row["p_claim"] is None) == (not claims, not claims)
        assert 0 < row["p"] <= 1


def test_an_interval_that_cannot_be_estimated_is_none():
    levels = make_levels({"transferred": 0.05}, n_subjects=2, spread=0.2)
    row = only(compare(make_curves(levels, seed_noise=0.2, luck=1.0)), "transferred")
    assert (row["ci_low"], row["ci_high"]) == (None, None)
    assert "95 % CI not estimable" in row["sentence"]


def test_the_family_is_the_claims_of_one_protocol_over_arms_directions_and_networks():
    curves = pd.concat(
        [
            make_curves(make_levels({}, spread=0.02, seed=0)),
            make_curves(make_levels({}, spread=0.02, seed=1), direction="eeg->emg"),
            make_curves(make_levels({}, spread=0.02, seed=2), network="cnn_image"),
            make_curves(make_levels({}, spread=0.02, seed=3), protocol="block"),
        ]
    )
    rows = compare(curves)
    assert len(rows) == 4 * len(ARMS[1:])
    for protocol, size in (("subject", 3), ("block", 1)):
        mine = [row for row in rows if row["protocol"] == protocol and row["role"] == "transfer"]
        assert len(mine) == size * len(CLAIMS)
        np.testing.assert_allclose([r["p_holm"] for r in mine], holm([r["p_claim"] for r in mine]))


def test_frozen_arms_contend_with_frozen_arms_alone():
    gains = {"frozen_body": -0.02, "frozen_body_scratch": -0.10, "frozen_body_permuted": -0.11,
             "frozen_body_own_donors": 0.0, "permuted": 0.05}  # fmt: skip
    rng = np.random.default_rng(0)
    skill = rng.uniform(0.6, 0.8, 12)
    arms = ["scratch", "permuted", *(arm for arm in gains if arm.startswith("frozen"))]
    levels = {arm: skill + gains.get(arm, 0.0) + rng.normal(0, 0.01, 12) for arm in arms}
    rows = compare(make_curves(levels))
    row = only(rows, "frozen_body")
    assert (row["against"], row["controls"]) == ("frozen_body_scratch", ["frozen_body_permuted"])
    assert (row["assay"], row["verdict"]) == ("frozen_body_own_donors", "positive")
    assert row["difference"] == pytest.approx(0.08, abs=0.01)
    assert only(rows, "frozen_body_permuted")["against"] == "frozen_body_scratch"
    assert only(rows, "frozen_body_own_donors")["against"] == "frozen_body_scratch"
    assert only(rows, "frozen_body_scratch")["against"] == "scratch"


def test_a_source_or_target_at_chance_is_named():
    flat = dict.fromkeys(ARMS, 0.0)
    levels = {arm: value * 0 + 0.5 + 0.01 * (value - 0.65) for arm, value in make_levels(flat).items()}
    curves = make_curves(levels, start=0.5)
    row = only(compare(curves, chance={"eeg": 0.5}), "transferred")
    assert row["verdict"] == "not_assayable"
    assert "the target is at chance for new people" in row["sentence"]
    sources = pd.DataFrame([{"direction": "emg->eeg", "network": "mlp", "variant": "", "protocol": "",
                             "source": "supervised", "method": "supervised", "balanced_accuracy": 0.27,
                             "subjects": "a, b, c, d", "chance": 0.25}])  # fmt: skip
    learned = make_curves(make_levels(dict.fromkeys(SEEN, 0.1), n_subjects=16, spread=0.004))
    asked = {"chance": {"eeg": 0.33}, "margin": 0.08}
    weak = only(compare(learned, sources=sources, **asked), "transferred")
    assert (weak["verdict"], weak["obstacle"]) == (
        "not_assayable", "the source is at chance for new people (27 % over 4 of them, chance 25 %)",
    )  # fmt: skip
    strong = sources.assign(balanced_accuracy=0.6)
    told = only(compare(learned, sources=strong, **asked), "transferred")
    assert (told["verdict"], told["obstacle"]) == ("equivalent", None)


@pytest.mark.parametrize(
    "name", [name for name, entry in ARM_CATALOG.items() if entry.facts["role"] == "transfer"]
)
def test_a_source_at_chance_keeps_none_from_being_seen_but_what_starts_from_it(name):
    """An arm that adapts to a new person, or has a teacher of its own, knows of no source."""
    (request,) = resolve_arms([name])
    rng = np.random.default_rng(0)
    levels = {arm: 0.6 + rng.normal(0, 0.01, 12) for arm in ("scratch", "frozen_body_scratch", name)}
    sources = pd.DataFrame([{"direction": "emg->eeg", "network": "mlp", "variant": "", "protocol": "",
                             "source": "supervised", "method": "supervised", "balanced_accuracy": 0.27,
                             "subjects": "a, b, c, d", "chance": 0.25}])  # fmt: skip
    row = only(compare(make_curves(levels), sources=sources), name)
    assert ("the source is at chance" in (row["obstacle"] or "")) == (request.starts_from is not None)


@pytest.mark.parametrize(
    ("subjects", "strangers"),
    [
        (["S10"] * 3, 1),
        (["a, b", "a, b", "a, b"], 2),
        (["a, other recordings"] * 3, 0),
        (["a, b", "b, c", "c, d"], 4),
        (["a, b, c, d, e"] * 3, 5),
    ],
)
def test_no_source_is_judged_by_few_people(subjects, strangers):
    sources = pd.DataFrame({"direction": "emg->eeg", "network": "mlp", "variant": "", "protocol": "",
                            "source": "supervised", "method": "supervised", "seed": range(3),
                            "subjects": subjects, "balanced_accuracy": 0.2, "chance": 0.25})  # fmt: skip
    (found,) = judge_sources(sources).itertuples()
    assert found.strangers == strangers
    assert found.judged == found.weak == (strangers >= FEWEST_STRANGERS)
    learned = make_curves(make_levels(dict.fromkeys(SEEN, 0.1), n_subjects=16, spread=0.004))
    row = only(compare(learned, sources=sources, chance={"eeg": 0.33}, margin=0.08), "transferred")
    assert (row["obstacle"] is not None) == found.judged
    assert not judge_sources(sources.assign(balanced_accuracy=0.5))["weak"].any()


def test_more_seeds_splits_or_windows_are_no_more_people():
    levels = make_levels({"transferred": 0.01}, n_subjects=8, spread=0.02)
    once = compare(make_curves(levels, seeds=3))
    for curves in (make_curves(levels, seeds=10), make_curves(levels, seeds=3, splits=5)):
        for a, b in zip(once, compare(curves), strict=True):
            assert a["n_subjects"] == b["n_subjects"] == 8
            for key in ("difference", "ci_low", "ci_high", "p", "p_holm", "detectable_difference"):
                assert a[key] == pytest.approx(b[key], abs=1e-9)
            assert a["verdict"] == b["verdict"]


def test_luck_that_all_people_of_a_seed_share_is_no_evidence():
    """Without any effect, people alone claim far too often; people and seeds together do not."""
    rng = np.random.default_rng(4)
    alone, both = 0, 0
    for _ in range(400):
        table = rng.normal(0, 0.04, (12, 1)) + rng.normal(0, 0.03, (1, 5)) + rng.normal(0, 0.03, (12, 5))
        (decision,) = decide([table])
        alone += decision.p_people < 0.05
        both += decision.verdict in ("positive", "negative")
        assert decision.p >= decision.p_people
    assert not plausible(alone, 400, 0.05)
    assert plausible(both, 400, 0.05)


def test_a_study_whose_seeds_disagree_says_so():
    levels = make_levels({"transferred": 0.05, **SEEN}, spread=0.01)
    calm = only(compare(make_curves(levels)), "transferred")
    arms = ("scratch", "transferred", "transferred_own_donors")
    few = {arm: levels[arm] for arm in arms}
    torn = make_curves(few, seed_noise=0.05, luck=1.0)
    steady = make_curves({arm: levels[arm] for arm in ("scratch", "transferred_own_donors")})
    torn = pd.concat([steady, torn[torn["arm"] == "transferred"]])
    torn = only(compare(torn), "transferred")
    assert (calm["verdict"], torn["verdict"]) == ("positive", "inconclusive")
    assert torn["p_people"] < 0.05 < torn["p"]
    assert torn["ci_low"] < 0 < calm["ci_low"]
    assert torn["detectable_difference"] > 3 * calm["detectable_difference"]
    assert calm["subjects_low"] <= calm["subjects_needed"] <= calm["subjects_high"]
    assert torn["subjects_needed"] is None
    assert "the seeds disagree" in torn["sentence"]


def test_controls_count_only_in_their_own_direction_network_and_protocol():
    clear = make_levels({"transferred": 0.06}, spread=0.01)
    shared = make_levels(dict.fromkeys(ARMS[1:], 0.06), spread=0.01, seed=1)
    curves = pd.concat(
        [
            make_curves(clear),
            make_curves(shared, direction="eeg->emg"),
            make_curves(shared, network="cnn_image"),
            make_curves(shared, variant="coral"),
            make_curves(shared, protocol="shuffled_windows"),
        ]
    )
    rows = compare(curves)
    first = {"direction": "emg->eeg", "network": "mlp", "variant": "", "protocol": "subject"}
    assert only(rows, "transferred", **first)["verdict"] == "positive"
    for other in (
        {**first, "direction": "eeg->emg"},
        {**first, "network": "cnn_image"},
        {**first, "variant": "coral"},
        {**first, "protocol": "shuffled_windows"},
    ):
        row = only(rows, "transferred", **other)
        assert row["verdict"] == "inconclusive"
        assert "not clearly above the controls" in row["sentence"]
        assert network_label(row["network"], row["variant"]) in row["sentence"]


def test_only_roles_decide_who_has_to_beat_whom():
    levels = make_levels(dict.fromkeys(ARMS[1:], 0.06), spread=0.01)
    verdicts = {row["arm"]: row["verdict"] for row in compare(make_curves(levels)) if row["verdict"]}
    assert verdicts == dict.fromkeys(CLAIMS, "inconclusive")
    without = {arm: "reference" if role == "control" else role for arm, role in ROLES.items()}
    free = only(compare(make_curves(levels), roles=without), "transferred")
    assert free["verdict"] == "positive"
    assert free["sentence"].endswith("with no control arm to rule out other reasons.")


def test_arms_without_a_name_of_the_catalog_are_judged_by_the_roles_given():
    new = {"transferred": "mine", "transferred_own_donors": "vouching", "permuted": "sham"}
    curves = make_curves(make_levels({"transferred": 0.06, **SEEN}, spread=0.01))
    curves = curves[curves["arm"].isin(["scratch", *new])]
    curves = curves.assign(arm=curves["arm"].replace(new))
    roles = {"mine": "transfer", "vouching": "positive_control", "sham": "control"}
    row = only(compare(curves, roles=roles), "mine")
    assert (row["controls"], row["assay"], row["verdict"]) == (["sham"], "vouching", "positive")


def test_any_arm_can_be_what_others_are_compared_with():
    levels = make_levels({"transferred": 0.05}, spread=0.01)
    forward = only(compare(make_curves(levels)), "transferred")
    back = only(compare(make_curves(levels), against="transferred"), "scratch")
    assert back["difference"] == pytest.approx(-forward["difference"])
    assert back["p"] == forward["p"]
    assert "against transferred" in back["sentence"]


def test_measure_chooses_what_of_the_curve_counts():
    levels = make_levels({"transferred": 0.08}, spread=0.01)
    curves = make_curves(levels)
    assert only(compare(curves, measure="step0"), "transferred")["difference"] == 0
    early = only(compare(curves, measure="after_epoch_1"), "transferred")
    late = only(compare(curves, measure="final"), "transferred")
    assert 0 < early["difference"] < late["difference"]
    assert "after the first epoch" in early["sentence"]


def test_compare_measures_agrees_with_compare():
    curves = make_curves(make_levels({"transferred": 0.05, "permuted": 0.02}, spread=0.01))
    table = compare_measures(curves)
    assert len(table) == 4 * len(ARMS[1:])
    for measure, part in table.groupby("measure"):
        rows = compare(curves, measure=measure)
        for key in ("arm", "difference", "ci_low", "ci_high", "p", "p_holm", "verdict"):
            expected = pd.Series([row[key] for row in rows])
            pd.testing.assert_series_equal(
                part[key].reset_index(drop=True), expected, check_names=False, check_dtype=False
            )
    np.testing.assert_allclose(table["value"] - table["against_value"], table["difference"], atol=1e-12)


def sentence(gains, arm="transferred", n_subjects=12, spread=0.01, arms=None, **kwargs):
    levels = make_levels({**SEEN, **gains}, n_subjects, spread)
    levels = {name: levels[name] for name in arms or ARMS}
    return only(compare(make_curves(levels, seeds=10), **kwargs), arm)


def _range(row, low="ci_low", high="ci_high"):
    return f"95 % CI {100 * row[low]:.1f} to {100 * row[high]:.1f}"


def test_sentence_of_an_inconclusive_row_says_what_could_have_been_found():
    row = sentence({"transferred": 0.012, "transferred_own_donors": 0.1}, spread=0.05)
    assert row["verdict"] == "inconclusive"
    assert row["sentence"] == (
        f"Pretraining on EMG changed EEG balanced accuracy by {100 * row['difference']:+.1f} points "
        f"({_range(row)}, 12 people, 10 seeds, Holm p = {row['p_holm']:.3g}) against random weights: "
        f"inconclusive; this design could have found {100 * row['detectable_difference']:.1f} points."
    )


def test_sentence_of_what_is_not_assayable_says_why():
    row = sentence({"transferred_own_donors": 0.01}, spread=0.004)
    assert row["verdict"] == "not_assayable"
    assert row["sentence"].endswith(
        f": not assayable; its positive control transferred_own_donors gained {100 * row['assay_gain']:+.1f} "
        f"points ({_range(row, 'assay_low', 'assay_high')}, one-sided p < 0.001), where 2 must be seen."
    )
    alone = sentence({}, arms=["scratch", "transferred", "permuted"])
    assert alone["sentence"].endswith(
        ": not assayable; no positive control ran, so that nothing shows that this design can see transfer."
    )
    assert alone["assay"] is None


def test_sentences_name_their_reason():
    seen = {"transferred_own_donors": 0.3}
    family = sentence({"transferred": 0.3, **seen}, n_subjects=6)
    assert family["sentence"].endswith(
        "inconclusive; 6 people cannot go below p = 0.0312, or 0.062 after Holm over 2 claims."
    )
    assert family["detectable_difference"] is None
    shared = sentence({"transferred": 0.06, "redrawn": 0.06})
    assert "but is not clearly above the control redrawn (" in shared["sentence"]
    assert shared["sentence"].endswith("): inconclusive.")
    won = sentence({"transferred": 0.06})
    assert won["sentence"].endswith(
        "against random weights and lies above permuted, redrawn, shuffled_source and noise_source: positive."
    )
    small = sentence({"transferred": 0.015}, spread=0.002)
    assert small["sentence"].endswith(": positive, detectable but small.")
    lost = sentence({"transferred": -0.06})
    assert (
        ": negative, below permuted, redrawn, shuffled_source and noise_source, too; transferred_own"
        in (lost["sentence"])
    )
    both = sentence({"transferred": -0.06, "permuted": -0.06})
    assert ": negative, shared by control permuted (" in both["sentence"]
    assert both["shared"] > 0.8
    same = sentence({"transferred_own_donors": 0.2}, spread=0.004, n_subjects=18, margin=0.08)
    assert same["verdict"] == "equivalent"
    assert ": equivalent within 8 points; transferred_own_donors gained +" in same["sentence"]
    few = only(compare(make_curves(make_levels({**SEEN}), seeds=2)), "transferred")
    assert few["sentence"].endswith(": inconclusive; 2 seeds explore, a claim takes 3.")
    control = sentence({"permuted": 0.005}, "permuted", spread=0.001)
    assert control["sentence"].startswith("Starting from EMG weights in a random order changed EEG")
    assert control["sentence"].endswith("against random weights.")


def test_a_leaking_evaluation_says_so_first():
    curves = make_curves(make_levels({"transferred": 0.06}, spread=0.01), protocol="shuffled_windows")
    for row in compare(curves):
        assert row["sentence"].startswith(
            "The evaluation leaks (shuffled_windows), so this number is no evidence about new people: "
        )
    assert not any("leaks" in row["sentence"] for row in compare(curves, leaking_protocols=()))
    honest = compare(curves.assign(protocol="subject"))
    assert not any("leaks" in row["sentence"] for row in honest)


def test_roles_of_arms_are_the_catalogs_where_none_are_given():
    curves = make_curves(make_levels({"transferred": 0.06}, spread=0.01))
    assert compare(curves) == compare(curves, roles=ROLES) == compare(curves, arms=ARMS[:7])
    pd.testing.assert_frame_equal(compare_measures(curves), compare_measures(curves, roles=ROLES))
    renamed = curves.assign(arm=curves["arm"].replace("transferred", "mine"))
    with pytest.raises(BiotransferError, match=r"arm='mine' is no name.*Pass roles=.*'mine': 'transfer'"):
        compare(renamed)


def test_the_tables_of_several_splits_are_one():
    curves = make_curves(make_levels({"transferred": 0.06}, spread=0.01))
    parts = [part for _, part in curves.groupby("subject", sort=False)]
    assert compare(parts) == compare(pd.concat(parts))
    with pytest.raises(BiotransferError, match="to_frame"):
        compare([])


def test_sentences_name_network_and_protocol_only_when_there_are_several():
    one = make_curves(make_levels({}, spread=0.01))
    two = make_curves(make_levels({}, spread=0.01, seed=1), network="cnn_image")
    three = make_curves(make_levels({}, spread=0.01, seed=2), protocol="block")
    assert " (mlp" not in compare(one)[0]["sentence"]
    assert "accuracy (mlp) by" in compare(pd.concat([one, two]))[0]["sentence"]
    assert "accuracy (mlp, subject) by" in compare(pd.concat([one, two, three]))[0]["sentence"]


def test_an_arm_without_a_phrase_of_its_own_is_named():
    levels = {"scratch": np.linspace(0.5, 0.6, 8), "mine": np.linspace(0.52, 0.61, 8)}
    curves, roles = make_curves(levels, seeds=1), {"mine": "transfer"}
    (row,) = compare(curves, roles=roles)
    assert row["sentence"].startswith("The arm mine from EMG changed EEG balanced accuracy")
    (row,) = compare(curves, roles=roles, phrases={"mine": "L2-SP on {source}"})
    assert row["sentence"].startswith("L2-SP on EMG changed EEG balanced accuracy")
    assert ", 1 seed, " in row["sentence"]


def test_headline_gives_each_direction_its_honest_verdict_on_transfer():
    there, back = make_levels({"transferred": 0.06}, spread=0.01), make_levels({}, spread=0.01, seed=1)
    curves = pd.concat(
        [
            make_curves(back, direction="eeg->emg", protocol="shuffled_windows"),
            make_curves(there, protocol="shuffled_windows"),
            make_curves(there),
        ]
    )
    rows = compare(curves, leaking_protocols={"shuffled_windows"})
    text = headline(rows)
    honest = only(rows, "transferred", direction="emg->eeg", protocol="subject")["sentence"]
    leaking = only(rows, "transferred", direction="eeg->emg")["sentence"]
    assert text == f"{honest} {leaking}"
    assert headline([row for row in rows if row["arm"] != "transferred"]).count("against random weights") == 2
    assert headline([]) == ""


def test_a_study_of_scratch_alone_has_no_verdicts():
    levels = {"scratch": make_levels({})["scratch"]}
    assert compare(make_curves(levels)) == []
    assert compare_measures(make_curves(levels)).empty


def test_impossible_requests_are_refused():
    curves = make_curves(make_levels({}))
    one_person = make_curves(make_levels({}, n_subjects=1))
    absent = curves[(curves["seed"] == 0) | (curves["subject"] != "S3")]
    for call, message in [
        (lambda: compare(curves, roles={**ROLES, "permuted": "contrl"}), "Did you mean 'control'"),
        (lambda: compare(curves.replace({"arm": {"permuted": "mine"}})), "Pass roles={'mine': 'transfer'}"),
        (lambda: compare(curves, measure="asymptot"), "Did you mean 'asymptote'"),
        (lambda: compare(curves, against="scrach"), "Did you mean 'scratch'"),
        (lambda: compare(curves, margin=0), "margin"),
        (lambda: compare(curves, alpha=5), "alpha"),
        (
            lambda: compare(curves[(curves["seed"] == 0) | (curves["subject"] != "S3")]),
            "every person",
        ),
        (lambda: compare(absent), "not every person has every seed"),
        (lambda: compare(one_person), "one person"),
        (lambda: compare(curves.assign(direction="both")), "source->target"),
        (lambda: compare_measures(curves, measures=["peak"]), "peak"),
        (lambda: decide([[0.1]]), "two people"),
        (lambda: decide([Claim([0.1, 0.2], [[0.1]])]), "controls"),
    ]:
        with pytest.raises(BiotransferError, match=message):
            call()


def test_comparisons_that_cannot_be_significant_cost_the_others_nothing():
    """Tarone 1990: four people never reach 0.05, so their comparisons are no chances of a false claim."""
    rng = np.random.default_rng(0)
    large = [rng.normal(0.02, 0.03, 12) for _ in range(3)]
    few = [rng.normal(0, 0.03, 4) for _ in range(7)]
    alone, together = decide(large), decide([*large, *few])
    assert [d.p_holm for d in together[:3]] == [d.p_holm for d in alone]
    assert all(d.n_claims == 3 for d in together[:3])
    for d in together[3:]:
        assert d.p_holm >= d.p
        assert d.verdict == "not_assayable"
