"""Pooled studies: the numbers of others, planted truth, everyone once, and what is refused."""

import itertools
import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student

from biotransfer import pool_studies
from biotransfer.errors import BiotransferError
from biotransfer.evidence.pooling import POOLED, SHARES
from biotransfer.evidence.stats import combine_means, crossed_test
from biotransfer.results import SOURCES, load_results, save_results
from tests.evidence.pools import drawn, make_study

# Colditz et al. 1994, JAMA 271:698: tuberculosis and none, vaccinated and not.
BCG = np.array(
    [
        (4, 119, 11, 128), (6, 300, 29, 274), (3, 228, 11, 209), (62, 13536, 248, 12619),
        (33, 5036, 47, 5761), (180, 1361, 372, 1079), (8, 2537, 10, 619),
        (505, 87886, 499, 87892), (29, 7470, 45, 7232),
        (17, 1699, 65, 1600), (186, 50448, 141, 27197), (5, 2493, 3, 2338), (27, 16886, 29, 17825),
    ],
    float,
)  # fmt: skip


def bcg() -> tuple[np.ndarray, np.ndarray]:
    """Log risk ratios and their errors."""
    a, b, c, d = BCG.T
    return np.log(a / (a + b)) - np.log(c / (c + d)), np.sqrt(1 / a - 1 / (a + b) + 1 / c - 1 / (c + d))


def test_published_numbers_of_the_vaccine_trials():
    """Viechtbauer 2010, doi:10.18637/jss.v036.i03: Q = 152.23 on 12, fixed -0.4303 (-0.5097 to -0.3509)."""
    found = combine_means(*bcg())
    assert found.q == pytest.approx(152.2330, abs=5e-5)
    assert [found.here, found.here_low, found.here_high] == pytest.approx(
        [-0.4303, -0.5097, -0.3509], abs=5e-5
    )
    assert found.tau**2 == pytest.approx(0.318, abs=1e-3)
    # Restricted maximum likelihood gives -0.7145, with Knapp and Hartung's test -1.1082 to -0.3208.
    assert [found.mean, found.low, found.high] == pytest.approx([-0.7145, -1.1082, -0.3208], abs=2e-3)


@pytest.mark.parametrize("seed", range(20))
def test_equals_statsmodels(seed):
    meta = pytest.importorskip("statsmodels.stats.meta_analysis")
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 9))
    errors = rng.uniform(0.5, 2.0, n)
    means = rng.normal(1.0, [0.0, 3.0][seed % 2], n) + errors * rng.standard_normal(n)
    theirs = meta.combine_effects(means, errors**2, "iterated", maxiter=500)
    ours = combine_means(means, errors)
    assert ours.tau**2 == pytest.approx(max(float(theirs.tau2), 0.0), abs=1e-4)
    assert ours.mean == pytest.approx(float(theirs.mean_effect_re), abs=1e-5)
    assert ours.q == pytest.approx(float(theirs.q))
    assert ours.weights == pytest.approx(np.asarray(theirs.weights_rel_re), abs=1e-5)
    hksj = theirs.conf_int(use_t=True)[3] if theirs.scale_hksj_re >= 1 else theirs.conf_int(use_t=True)[1]
    assert [ours.low, ours.high] == pytest.approx(hksj, abs=1e-4)
    assert ours.p() == pytest.approx(2 * student.sf(abs(ours.mean / ours.error), n - 1))


@pytest.mark.parametrize("seed", range(50))
def test_data_sets_differ_exactly_where_their_squares_exceed_chance(seed):
    rng = np.random.default_rng(seed)
    n = int(rng.integers(3, 12))
    found = combine_means(rng.normal(0, 1, n), rng.uniform(0.05, 2, n))
    assert (found.tau > 0) == (found.q > n - 1) == (found.i2 > 0)
    assert found.next_low < found.low < found.mean < found.high < found.next_high


def test_scale_and_order_do_not_matter():
    y, s = bcg()
    found, other = combine_means(y, s), combine_means(100 * y[::-1], 100 * s[::-1])
    assert np.divide([other.mean, other.low, other.tau, other.next_high], 100) == pytest.approx(
        [found.mean, found.low, found.tau, found.next_high]
    )
    assert other.p() == pytest.approx(found.p())


@pytest.mark.parametrize("tau", [0.01, 0.03])
def test_interval_and_next_data_set_cover_the_truth(tau):
    rng, sizes = np.random.default_rng(1), [5, 10, 14, 22, 38]
    inside = np.empty((400, 2))
    for row in inside:
        people = [rng.normal(rng.normal(0.02, tau), 0.043, n) for n in sizes]
        found = combine_means([d.mean() for d in people], [d.std(ddof=1) / len(d) ** 0.5 for d in people])
        row[:] = found.low < 0.02 < found.high, found.next_low < rng.normal(0.02, tau) < found.next_high
    interval, ahead = inside.mean(0)
    assert 0.91 < interval < 0.99
    assert ahead > 0.86


def four_sets(**changes):
    """Three studies of four data sets in which everyone gains about 5 points."""
    return [
        make_study({"a": drawn(0.05, 12, 1)}, seed=1, **changes),
        make_study({"b": drawn(0.06, 14, 2)}, seed=2, **changes),
        make_study({"c": drawn(0.045, 20, 3), "d": drawn(0.055, 8, 4)}, seed=3, **changes),
    ]


def only(pooled, arm="transferred"):
    (claim,) = [claim for claim in pooled.claim_list if claim["arm"] == arm]
    return claim


def test_planted_gain_is_found_over_data_sets_and_controls():
    pooled = pool_studies(four_sets())
    claim = only(pooled)
    assert claim["verdict"] == "positive"
    assert (claim["n_data_sets"], claim["n_studies"], claim["n_people"]) == (4, 3, 54)
    assert claim["ci_low"] < 0.05 < claim["ci_high"]
    shares = pooled.shares_of(claim)
    assert [share["n_people"] for share in shares] == [12, 14, 20, 8]
    assert sum(share["weight"] for share in shares) == pytest.approx(1)
    assert claim["assay"]["difference"] == pytest.approx(0.05, abs=0.005)
    assert set(claim["controls"]) == {"permuted", "noise_source"}
    assert list(pooled.claims) == POOLED
    assert list(pooled.shares) == SHARES
    assert "4 data sets" in claim["sentence"]
    assert "3 studies" in repr(pooled)
    assert "positive" in pooled._repr_html_()


def test_one_study_whose_training_exploded_takes_the_pooled_verdict():
    studies = four_sets()
    curves = studies[1].curves
    first = curves.iloc[:1].assign(metric="log_loss", step=0, value=1.0)
    lost = pd.concat([curves, first, first.assign(step=50, value=1e4)], ignore_index=True)
    studies[1] = replace(studies[1], curves=lost)
    arm = str(first["arm"].iloc[0])
    claims = [c for c in pool_studies(studies).claim_list if arm in (c["arm"], c["against"], *c["controls"])]
    assert claims
    assert {claim["verdict"] for claim in claims} == {"not_assayable"}
    assert all("diverged" in claim["sentence"] for claim in claims)


@pytest.mark.parametrize(
    ("gain", "lift", "seeds", "verdict"),
    [
        (0.05, {"permuted": 0.05}, 3, "inconclusive"),
        (0.05, {"transferred_own_donors": 0.0}, 3, "positive"),
        (0.05, {}, 2, "inconclusive"),
        (-0.05, {}, 3, "negative"),
        (-0.05, {"transferred_own_donors": 0.0}, 3, "not_assayable"),
        (0.0, {}, 3, "equivalent"),
        (0.0, {"transferred_own_donors": 0.01}, 3, "not_assayable"),
    ],
)
def test_verdicts(gain, lift, seeds, verdict):
    studies = [
        make_study({name: drawn(gain, n, i, 0.01)}, seed=i, lift=lift, seeds=seeds)
        for i, (name, n) in enumerate({"a": 12, "b": 14, "c": 20, "d": 16}.items())
    ]
    claim = only(pool_studies(studies))
    assert claim["verdict"] == verdict
    assert verdict.replace("_", " ") in claim["sentence"]


def test_a_data_set_at_chance_says_nothing_of_a_loss_and_takes_no_gain_away():
    weak = pd.DataFrame(
        [{**dict.fromkeys(SOURCES, ""), "network": "mlp", "direction": "source->target0",
          "source": "supervised", "method": "supervised", "seed": s, "subjects": "a, b, c, d",
          "balanced_accuracy": 0.51, "chance": 0.5} for s in range(3)]
    )[SOURCES]  # fmt: skip
    for gain, verdict in ((-0.05, "not_assayable"), (0.05, "positive")):
        a, b, c = (make_study({n: drawn(gain, 14, i, 0.01)}, seed=i) for i, n in enumerate("abc"))
        assert only(pool_studies([a, b, c]))["verdict"] in ("negative", "positive")
        claim = only(pool_studies([a, replace(b, sources=weak), c]))
        assert claim["verdict"] == verdict
        if verdict == "not_assayable":
            assert "b (b): the source is at chance" in claim["sentence"]
    lost = make_study({"a": drawn(0.0, 14, 1, 0.01)}, seed=1, level=0.5, lift={"transferred_own_donors": 0.0})
    claim = only(pool_studies([make_study({"d": drawn(0, 14, 7, 0.01)}, seed=7), lost]))
    assert "the target is at chance" in claim["reason"]


def test_a_loss_that_controls_share_says_how_much():
    studies = [
        make_study({n: drawn(-0.05, 14, i, 0.01)}, seed=i, lift={"permuted": -0.06})
        for i, n in enumerate("abc")
    ]
    claim = only(pool_studies(studies))
    assert (claim["verdict"], claim["shared"]) == ("negative", 1.0)
    assert "shared by permuted (100 % of the loss)" in claim["sentence"]


def test_two_studies_of_one_target_may_share_their_baseline():
    names = [f"p{i}" for i in range(10)]
    one = make_study({"a": drawn(0.05, 10, 1)}, names=names, seed=1, title="first")
    two = make_study({"a": drawn(0.03, 10, 2)}, names=names, seed=2, title="second")
    kept = two.curves[two.curves["arm"] != "scratch"]
    mine = one.curves[one.curves["arm"] == "scratch"]
    pooled = pool_studies(
        [one, replace(two, curves=pd.concat([mine, kept])), make_study({"b": drawn(0.05, 9, 3)}, seed=3)]
    )
    assert pooled.shares_of(only(pooled))[0]["studies"] == ["first", "second"]


def test_data_sets_that_disagree_are_no_gain():
    gains = {"a": 0.06, "b": 0.05, "c": -0.05, "d": 0.02}
    claim = only(
        pool_studies([make_study({n: drawn(g, 20, 1)}, seed=i) for i, (n, g) in enumerate(gains.items())])
    )
    assert claim["verdict"] == "inconclusive"
    assert claim["tau"] > 0.03
    assert claim["i2"] > 0.8
    assert claim["next_low"] < -0.05


def test_order_of_studies_does_not_matter():
    first, *others = (pool_studies(order).plain() for order in itertools.permutations(four_sets()))
    assert all(other == first for other in others)


def test_a_person_in_two_studies_counts_once():
    gains, names = drawn(0.05, 12, 1), [f"p{i}" for i in range(12)]
    one = make_study({"a": gains}, names=names, seed=1, title="first")
    again = make_study({"a": [g - 0.02 for g in gains[:6]]}, names=names[:6], seed=5, title="second")
    other = make_study({"b": drawn(0.06, 14, 2)}, seed=2)
    pooled = pool_studies([one, again, other])
    share = pooled.shares_of(only(pooled))[0]
    assert (share["n_people"], share["studies"]) == (12, ["first", "second"])
    assert share["difference"] == pytest.approx(0.05 - 0.01 * 6 / 12, abs=0.003)
    assert only(pooled)["n_people"] == 26
    assert any("6 people of a are in 2 comparisons" in note for note in pooled.notes)


def test_declared_people_count_in_the_set_first_by_name():
    same = {"same_people": [["target0/b-0", "target1/a-3"], ["target1/a-4", "target0/b-1"]]}
    both = make_study({"b": drawn(0.05, 12, 1), "a": drawn(0.05, 10, 2)}, recipe=same)
    pooled = pool_studies([both])
    assert {s["data_set"]: s["n_people"] for s in pooled.shares_of(only(pooled))} == {"a": 10, "b": 10}
    assert "b-0 of b is a-3 of a, and counts there" in pooled.notes


def test_the_excerpt_is_part_of_two_data_sets():
    names = [f"{i:02d}" for i in range(8)]
    whole = make_study({"mental-arithmetic": drawn(0.05, 8, 1)}, names=names, seed=1)
    part = make_study({"excerpt": drawn(0.05, 8, 2)}, names=names, seed=2)
    with pytest.raises(BiotransferError, match="all were tested on mental-arithmetic"):
        pool_studies([whole, part])


def test_simulated_people_of_another_seed_are_others():
    simulated = {"simulated": True}
    studies = [
        make_study({"simulated": drawn(0.05, 8, s)}, seed=s, data=simulated, title=f"s{s}") for s in (1, 2)
    ]
    seeded = [
        replace(s, recipe={**s.recipe, "sets": {**s.recipe["sets"], "target0": {
            "modality": "eeg", "data": {"name": "simulated", "seed": seed}}}})
        for seed, s in enumerate(studies)
    ]  # fmt: skip
    assert only(pool_studies(seeded))["n_people"] == 16


def test_one_comparison_has_the_error_of_the_crossed_test():
    study = make_study({"a": drawn(0.05, 12, 1), "b": drawn(0.05, 10, 2)}, luck=0.03, seeds=4)
    share = pool_studies([study]).shares_of(only(pool_studies([study])))[0]
    wide = study.curves[(study.curves["direction"] == "source->target0") & (study.curves["epoch"] > 0)]
    means = wide.groupby(["arm", "subject", "seed"])["value"].mean()
    d = (means["transferred"] - means["scratch"]).unstack()
    assert share["error"] == pytest.approx(crossed_test(d.to_numpy()).error)
    assert share["error"] > 1.5 * d.mean(axis=1).std() / 12**0.5


def test_two_data_sets_say_what_cannot_be_known():
    pooled = pool_studies(four_sets()[:2])
    claim = only(pooled)
    assert [claim[key] for key in ("tau", "i2", "next_low", "next_high")] == [None] * 4
    assert "in these two alone" in claim["sentence"]
    assert claim["verdict"] == "inconclusive"
    far = [make_study({n: drawn(g, 8, 1)}, seed=i) for i, (n, g) in enumerate({"a": 0.2, "b": -0.2}.items())]
    wide = only(pool_studies(far))
    assert (wide["ci_low"], wide["ci_high"]) == (None, None)
    assert "not estimable" in wide["sentence"]


def test_only_what_agrees_is_pooled():
    a, b, rest = four_sets()
    other = {"align": {"name": "pca", "k": 8}}
    pooled = pool_studies([a, b, make_study({"e": drawn(0.05, 9, 7)}, recipe=other, seed=7)])
    assert only(pooled)["n_data_sets"] == 2
    assert any("pca (k=8)" in item and "only on e" in item for item in pooled.left_out)
    back = make_study({"m": drawn(0.0, 9, 7), "n": drawn(0.0, 9, 8)}, direction=("eeg", "emg"), seed=9)
    both = pool_studies([a, b, back])
    assert set(both.claims["direction"]) == {"emg->eeg", "eeg->emg"}


def test_refusals(tmp_path):
    a, b, _ = four_sets()
    refused = {
        "alone, tested on a": [a],
        "is empty": [],
        "hold the same trainings": [a, b, replace(a, recipe={**a.recipe, "title": "again"})],
        "margin 0.02 and 0.05": [a, make_study({"b": drawn(0, 8, 1)}, recipe={
            "compare": {**b.recipe["compare"], "margin": 0.05}})],
        "metric 'balanced_accuracy' and 'accuracy'": [a, replace(b, recipe={
            **b.recipe, "compare": {**b.recipe["compare"], "metric": "accuracy"}})],
        "measure 'asymptote' and 'final'": [a, replace(b, recipe={
            **b.recipe, "compare": {**b.recipe["compare"], "measure": "final"}})],
        "against 'scratch' and 'permuted'": [a, replace(b, recipe={
            **b.recipe, "compare": {**b.recipe["compare"], "against": "permuted"}})],
        "no claim in common: they differ in inputs": [a, make_study({"b": drawn(0, 8, 1)}, recipe={
            "align": {"name": "top_k", "k": 8}})],
        "no arm is set up alike": [a, make_study({"b": drawn(0, 8, 1)}, recipe={
            "network": [{"name": "mlp", "hidden": [8]}]})],
        "smoke run": [a, replace(b, recipe={**b.recipe, "smoke": True})],
        "no finished study": [a, tmp_path],
    }  # fmt: skip
    for said, studies in refused.items():
        with pytest.raises(BiotransferError, match=said):
            pool_studies(studies)
    with pytest.raises(BiotransferError, match="Pass a list"):
        pool_studies(tmp_path)


def test_folders_are_read_and_later_formats_refused(tmp_path):
    for name, study in zip("abc", four_sets(), strict=True):
        save_results(study, tmp_path / name)
    pooled = pool_studies([tmp_path / name for name in "abc"])
    assert [study["name"] for study in pooled.studies] == ["a", "b", "c"]
    assert only(pooled)["difference"] == pytest.approx(only(pool_studies(four_sets()))["difference"])
    with pytest.raises(BiotransferError, match="named twice"):
        pool_studies([tmp_path / "a", tmp_path / "b" / ".." / "a"])
    facts = json.loads((tmp_path / "a" / "provenance.json").read_text())
    (tmp_path / "a" / "provenance.json").write_text(json.dumps({**facts, "format": 99}))
    (tmp_path / "a" / "index.json").unlink()
    with pytest.raises(BiotransferError, match="format 99"):
        pool_studies([tmp_path / "a", tmp_path / "b"])
    assert load_results(tmp_path / "b").recipe["title"] == "b"
