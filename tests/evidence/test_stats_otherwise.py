"""Bayes, mixed models and survival against baycomp, statsmodels and closed forms."""

import baycomp
import numpy as np
import pandas as pd
import pytest
import scipy.stats
import statsmodels.formula.api as smf
from statsmodels.duration.survfunc import SurvfuncRight, survdiff

from biotransfer.errors import BiotransferError
from biotransfer.evidence.stats import (
    bayes_rope,
    kaplan_meier,
    log_rank_scores,
    mixed,
    mixed_model,
    paired_survival_p,
)
from biotransfer.evidence.verdicts import ask_otherwise, calibration_errors
from tests.evidence.test_verdicts import ARMS, make_curves, make_levels


@pytest.mark.parametrize("n", [2, 6, 12, 30])
@pytest.mark.parametrize("margin", [0.01, 0.05])
def test_bayes_equals_baycomp_and_the_t_distribution(n, margin):
    d = np.sort(np.random.default_rng(n).normal(0.02, 0.04, n))
    wider = d.mean() + (d - d.mean()) * np.sqrt(1 + n / (n - 1))  # theirs are folds that share training data
    assert bayes_rope(wider, margin) == pytest.approx(
        baycomp.CorrelatedTTest.probs(np.zeros(n), d, rope=margin), abs=1e-10
    )
    alone = scipy.stats.t(n - 1, d.mean(), d.std(ddof=1) / np.sqrt(n))
    found = bayes_rope(d, margin)
    assert found.worse == pytest.approx(alone.cdf(-margin), abs=1e-10)
    assert found.better == pytest.approx(alone.sf(margin), abs=1e-10)
    assert sum(found) == pytest.approx(1, abs=1e-12)


def test_bayes_without_spread_is_certain():
    assert bayes_rope([0.1, 0.1, 0.1], 0.02) == (0.0, 0.0, 1.0)
    assert bayes_rope([0.0, 0.0], 0.02) == (0.0, 1.0, 0.0)
    assert bayes_rope([-0.1, -0.1], 0.02) == (1.0, 0.0, 0.0)


@pytest.mark.parametrize(("n_people", "n_seeds", "people"), [(6, 2, 1.0), (12, 5, 0.5), (20, 3, 2.0)])
def test_mixed_model_equals_the_balanced_closed_form_and_statsmodels(n_people, n_seeds, people):
    rng = np.random.default_rng(n_people)
    d = 0.3 + rng.normal(0, people, (n_people, 1)) + rng.normal(0, 0.4, (n_people, n_seeds))
    found = mixed_model(d)
    between = n_seeds * d.mean(1).var(ddof=1)
    within = ((d - d.mean(1, keepdims=True)) ** 2).sum() / (n_people * (n_seeds - 1))
    assert between > within
    assert found.difference == pytest.approx(d.mean(), rel=1e-10)
    assert found.error == pytest.approx(np.sqrt(between / d.size), rel=1e-4)
    assert found.rest == pytest.approx(np.sqrt(within), rel=1e-4)
    assert found.people == pytest.approx(np.sqrt((between - within) / n_seeds), rel=1e-4)
    table = pd.DataFrame({"d": d.ravel(), "person": np.repeat(np.arange(n_people), n_seeds)})
    reference = smf.mixedlm("d ~ 1", table, groups="person").fit(reml=True)
    assert found.p == pytest.approx(float(reference.pvalues["Intercept"]), rel=1e-3)


@pytest.mark.parametrize("seed", range(4))
def test_kaplan_meier_equals_statsmodels(seed):
    rng = np.random.default_rng(seed)
    times, censored = rng.integers(1, 12, 30).astype(float), rng.random(30) < 0.4
    found, reference = kaplan_meier(times, censored), SurvfuncRight(times, ~censored)
    keep = np.isin(reference.surv_times, found.times)
    np.testing.assert_allclose(found.share, reference.surv_prob[keep], atol=1e-10)
    if found.median is not None:
        assert found.median == reference.quantile(0.5)


@pytest.mark.parametrize("seed", range(4))
def test_log_rank_scores_sum_to_the_log_rank_test_of_statsmodels(seed):
    rng = np.random.default_rng(10 + seed)
    times, censored = rng.integers(1, 9, 24).astype(float), rng.random(24) < 0.3
    group = np.repeat([0, 1], 12)
    scores = log_rank_scores(times, censored)
    assert scores.sum() == pytest.approx(0, abs=1e-10)
    variance = 0.0
    for moment in np.unique(times[~censored]):
        at_risk, events = (times >= moment).sum(), ((times == moment) & ~censored).sum()
        share = ((times >= moment) & (group == 1)).sum() / at_risk
        if at_risk > 1:
            variance += events * share * (1 - share) * (at_risk - events) / (at_risk - 1)
    statistic, _ = survdiff(times, ~censored, group)
    assert scores[group == 1].sum() ** 2 / variance == pytest.approx(statistic, rel=1e-10)


def test_paired_survival_sees_what_comes_sooner_and_keeps_its_level():
    base = np.arange(10.0, 20.0)
    sooner = paired_survival_p(base - 8, np.zeros(10, bool), base, np.zeros(10, bool))
    assert sooner == 2 / 2**10
    never = np.ones(10, bool)
    assert paired_survival_p(base, never, base, never) == 1.0
    rng = np.random.default_rng(0)
    claims = 0
    for _ in range(400):
        t = rng.exponential(10, (2, 12)) + rng.exponential(5, 12)
        censored = t > 20
        t = np.minimum(np.ceil(t), 20)
        claims += paired_survival_p(t[0], censored[0], t[1], censored[1]) < 0.05
    assert scipy.stats.binom.sf(claims - 1, 400, 0.05) > 0.001
    assert claims > 5


def test_mixed_model_without_statsmodels_says_what_to_type(monkeypatch):
    monkeypatch.setattr(mixed, "find_spec", lambda name: None)
    with pytest.raises(BiotransferError, match=r"statsmodels.*Type: pip install 'biotransfer\[evidence\]'"):
        mixed_model(np.arange(12.0).reshape(6, 2))


def test_every_comparison_is_asked_otherwise():
    curves = make_curves(
        make_levels({"transferred": 0.06, "permuted": -0.06}, spread=0.01), seeds=3, seed_noise=0.01
    )
    table = ask_otherwise(curves).set_index("arm")
    assert table.index.tolist() == ARMS[1:]
    assert table.loc["transferred", "better"] > 0.99
    assert table.loc["permuted", "worse"] > 0.99
    assert table.loc["transferred", "mixed_difference"] == pytest.approx(0.06, abs=0.02)
    assert table.loc["transferred", "mixed_p"] < 1e-6
    np.testing.assert_allclose(table[["worse", "same", "better"]].sum(axis=1), 1)
    four = ask_otherwise(make_curves(make_levels({}, n_subjects=4, spread=0.01), seeds=3)).set_index("arm")
    assert four["mixed_p"].isna().all()


def test_calibration_is_of_people():
    predictions = pd.DataFrame(
        {
            "direction": "emg->eeg", "network": "mlp", "variant": "", "protocol": "subject", "budget": "all",
            "arm": "scratch", "subject": ["a", "a", "b", "b"], "y_true": [0, 0, 0, 1], "y_pred": 0,
            "probabilities": [np.array([0.75, 0.25])] * 4,
        }
    )  # fmt: skip
    (error,) = calibration_errors(predictions)["expected_calibration_error"]
    assert error == pytest.approx((0.25 + 0.25) / 2, abs=1e-7)


@pytest.mark.parametrize(
    "call",
    [
        lambda: bayes_rope([0.1], 0.02),
        lambda: bayes_rope([0.1, 0.2], 0.0),
        lambda: mixed_model(np.ones((5, 3))),
        lambda: mixed_model(np.ones((8, 3))),
        lambda: mixed_model(np.full((8, 3), np.nan)),
        lambda: kaplan_meier([], []),
        lambda: kaplan_meier([1.0, np.nan], [False, True]),
        lambda: paired_survival_p([1.0], [False], [1.0, 2.0], [False, True]),
    ],
)
def test_impossible_requests_are_refused(call):
    with pytest.raises(BiotransferError, match=r"\. "):
        call()
