"""Exact tests, intervals and power against brute force, scipy and statsmodels."""

import itertools
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
import scipy.stats
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.formula.api import ols
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.power import TTestPower

from biotransfer.errors import BiotransferError
from biotransfer.evidence.stats import (
    bootstrap_interval,
    crossed_test,
    detectable_difference,
    equivalence_p,
    holm,
    paired_power,
    sign_flip_p,
    smallest_p,
    subjects_needed,
)

whole_numbers = st.lists(st.integers(-20, 20), min_size=1, max_size=9)


@given(whole_numbers)
@settings(max_examples=60, deadline=None, derandomize=True)
def test_sign_flip_equals_counting_every_pattern_in_integers(d):
    sums = [
        sum(s * x for s, x in zip(signs, d, strict=True))
        for signs in itertools.product((1, -1), repeat=len(d))
    ]
    n, observed = len(sums), sum(d)
    assert sign_flip_p(d) == pytest.approx(sum(abs(s) >= abs(observed) for s in sums) / n, abs=1e-15)
    assert sign_flip_p(d, "greater") == pytest.approx(sum(s >= observed for s in sums) / n, abs=1e-15)
    assert sign_flip_p(d, "less") == pytest.approx(sum(s <= observed for s in sums) / n, abs=1e-15)


@given(whole_numbers, st.sampled_from([0.1, 1 / 3, 1e-7, 1e9]))
@settings(max_examples=60, deadline=None, derandomize=True)
def test_sign_flip_keeps_ties_that_rounding_breaks(d, scale):
    assert sign_flip_p(np.array(d) * scale) == sign_flip_p(d)


@pytest.mark.parametrize("alternative", ["two-sided", "greater", "less"])
@pytest.mark.parametrize("n", [3, 8, 11])
def test_sign_flip_equals_scipy(n, alternative):
    d = np.random.default_rng(n).normal(0.3, 1, n)
    reference = scipy.stats.permutation_test(
        (d,), np.mean, permutation_type="samples", alternative=alternative, n_resamples=np.inf
    )
    assert sign_flip_p(d, alternative) == pytest.approx(reference.pvalue, abs=1e-14)


def test_sign_flip_above_20_people_is_close_to_the_t_test_and_repeatable():
    d = np.random.default_rng(0).normal(0.35, 1, 40)
    p = sign_flip_p(d, seed=1)
    assert p == sign_flip_p(d, seed=1)
    assert p != sign_flip_p(d, seed=2)
    assert p == pytest.approx(scipy.stats.ttest_1samp(d, 0).pvalue, rel=0.15)
    assert sign_flip_p(d, "greater") == pytest.approx(p / 2, rel=0.1)
    assert sign_flip_p(np.ones(40), n_resamples=999) == 1 / 1000


def test_sign_flip_at_20_people_counts_all_patterns():
    assert sign_flip_p(np.ones(20)) == 2 / 2**20
    assert sign_flip_p(np.arange(1, 21), "less") == 1.0


@pytest.mark.parametrize("n", range(1, 12))
def test_smallest_p_is_what_unanimous_people_give(n):
    d = np.linspace(1, 2, n)
    assert sign_flip_p(d) == smallest_p(n)
    assert sign_flip_p(d, "greater") == smallest_p(n, "greater")


def test_smallest_p_of_four_five_and_six_people():
    assert [smallest_p(n) for n in (4, 5, 6)] == [0.125, 0.0625, 0.03125]


def test_no_difference_at_all_gives_one():
    assert sign_flip_p(np.zeros(6)) == 1.0
    assert sign_flip_p(np.zeros(30)) == 1.0


@pytest.mark.parametrize("n", [1, 2, 7, 30])
@pytest.mark.parametrize("decimals", [1, 15])
def test_holm_equals_statsmodels(n, decimals):
    p = np.round(np.random.default_rng(n).beta(0.3, 2, n), decimals)
    np.testing.assert_allclose(holm(p), multipletests(p, method="holm")[1], atol=1e-15)


def test_holm_of_nothing_is_nothing():
    assert holm([]).shape == (0,)


@pytest.mark.parametrize("seed", [0, 1, 2])
@pytest.mark.parametrize("level", [0.9, 0.95])
def test_interval_equals_scipy_bca_on_the_same_resamples(seed, level):
    d = np.random.default_rng(100 + seed).gamma(1.0, 1.0, 14) - 0.5
    reference = scipy.stats.bootstrap(
        (np.sort(d),),
        np.mean,
        confidence_level=level,
        n_resamples=9999,
        method="BCa",
        random_state=np.random.default_rng(seed),
    ).confidence_interval
    np.testing.assert_allclose(bootstrap_interval(d, level, seed=seed), reference, rtol=1e-12)


def test_interval_covers_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    inside = 0
    for trial in range(300):
        low, high = bootstrap_interval(rng.normal(0.02, 0.05, 25), n_resamples=1000, seed=trial)
        inside += low <= 0.02 <= high
    assert scipy.stats.binom.cdf(inside, 300, 0.92) > 0.001
    assert inside < 300


def test_interval_of_degenerate_data_is_defined():
    assert bootstrap_interval([0.1, 0.3]) == (0.1, 0.3)
    assert bootstrap_interval([0.2, 0.2, 0.2]) == (0.2, 0.2)
    assert bootstrap_interval(np.zeros(5)) == (0.0, 0.0)
    almost = bootstrap_interval([0.0, 0.0, 0.0, 0.0, 1e-9])
    assert np.isfinite(almost).all()
    assert almost[0] <= 2e-10 <= almost[1]
    tiny = bootstrap_interval(np.array([1.0, 2.0, 4.0]) * 1e-200)
    np.testing.assert_allclose(np.array(tiny) * 1e200, bootstrap_interval([1.0, 2.0, 4.0]))


def test_interval_is_repeatable_and_follows_its_seed():
    d = np.random.default_rng(5).normal(size=9)
    assert bootstrap_interval(d, seed=4) == bootstrap_interval(d, seed=4)
    assert bootstrap_interval(d, seed=4) != bootstrap_interval(d, seed=5)


@pytest.mark.parametrize("n", [9, 25])
def test_the_order_of_people_does_not_matter(n):
    rng = np.random.default_rng(n)
    d = rng.normal(0.2, 1, n)
    other = rng.permutation(d)
    assert bootstrap_interval(d) == bootstrap_interval(other)
    assert sign_flip_p(d) == sign_flip_p(other)
    assert equivalence_p(d, 0.5) == equivalence_p(other, 0.5)


def test_equivalence_needs_both_sides():
    d = np.array([0.001, -0.004, 0.003, 0.0, -0.002, 0.004])
    assert equivalence_p(d, 0.02) == 1 / 64
    assert equivalence_p(d + 0.03, 0.02) > 0.9
    assert equivalence_p(d - 0.03, 0.02) > 0.9
    assert equivalence_p(d, 0.02) == equivalence_p(-d, 0.02)
    assert equivalence_p(d[:4], 0.02) == 0.0625


def test_equivalence_holds_its_error_rate_at_the_margin():
    rng = np.random.default_rng(8)
    claims = sum(equivalence_p(rng.normal(0.02, 0.02, 10), 0.02) < 0.05 for _ in range(600))
    assert scipy.stats.binom.sf(claims - 1, 600, 0.05) > 0.001
    assert claims > 5


@pytest.mark.parametrize(("n", "alpha"), [(6, 0.05), (12, 0.05), (12, 0.05 / 14), (40, 0.01)])
@pytest.mark.parametrize("power", [0.8, 0.95])
def test_power_and_detectable_difference_equal_statsmodels(n, alpha, power):
    found = detectable_difference(0.03, n, alpha=alpha, power=power)
    reference = TTestPower().solve_power(nobs=n, alpha=alpha, power=power)
    assert found == pytest.approx(0.03 * reference, rel=1e-5)
    assert TTestPower().power(found / 0.03, n, alpha) == pytest.approx(power, abs=1e-10)
    assert paired_power(0.02, 0.03, n, alpha=alpha) == pytest.approx(
        TTestPower().power(2 / 3, n, alpha), abs=1e-10
    )


def test_power_is_a_number_and_grows_over_the_whole_range():
    for n in (2, 6, 12, 20, 40, 200):
        curve = [paired_power(effect, 1.0, n) for effect in np.linspace(0, 6, 121)]
        assert np.isfinite(curve).all()
        assert np.all(np.diff(curve) >= -1e-12)
        assert curve[0] == pytest.approx(0.05, abs=1e-12)


def test_nothing_is_detectable_where_significance_cannot_be_reached():
    assert detectable_difference(0.05, 5) is None
    assert detectable_difference(0.05, 6) is not None
    assert detectable_difference(0.05, 8, alpha=0.05 / 14) is None
    assert detectable_difference(0.0, 6) == 0.0


@pytest.mark.parametrize(("sd", "difference"), [(0.05, 0.05), (0.05, -0.02), (0.05, 0.004), (0.01, 0.2)])
def test_subjects_needed_is_the_first_number_with_enough_power(sd, difference):
    n = subjects_needed(sd, difference)
    assert paired_power(difference, sd, n) >= 0.8
    assert n == 6 or paired_power(difference, sd, n - 1) < 0.8
    assert detectable_difference(sd, n) <= abs(difference)


@pytest.mark.parametrize(("n_people", "n_seeds"), [(2, 2), (6, 3), (12, 10)])
def test_crossed_test_rests_on_the_mean_squares_of_statsmodels(n_people, n_seeds):
    rng = np.random.default_rng(n_people)
    d = (
        0.1
        + rng.normal(0, 1, (n_people, 1))
        + rng.normal(0, 2, n_seeds)
        + rng.normal(0, 0.5, (n_people, n_seeds))
    )
    person, seed = np.indices(d.shape)
    table = pd.DataFrame({"d": d.ravel(), "person": person.ravel(), "seed": seed.ravel()})
    anova = anova_lm(ols("d ~ C(person) + C(seed)", table).fit())
    square, df = (anova["sum_sq"] / anova["df"]).to_numpy(), anova["df"].to_numpy()
    assert square[1] > square[2]
    total = square[0] + square[1] - square[2]
    freedom = total**2 / (square**2 / df).sum()
    found = crossed_test(d)
    assert found.df == pytest.approx(freedom, rel=1e-10)
    assert found.statistic == pytest.approx(d.mean() / np.sqrt(total / d.size), rel=1e-10)
    assert found.p == pytest.approx(2 * scipy.stats.t.sf(abs(found.statistic), freedom), rel=1e-10)
    assert (found.seeds, found.rest) == pytest.approx(
        (np.sqrt((square[1] - square[2]) / n_people), np.sqrt(square[2])), rel=1e-10
    )


def test_crossed_test_is_the_t_test_over_people_where_seeds_share_nothing():
    rng = np.random.default_rng(2)
    d = rng.normal(0.3, 1, (9, 4))
    d -= d.mean(0) - d.mean()
    for alternative in ("two-sided", "greater", "less"):
        plain = scipy.stats.ttest_1samp(d.mean(1), 0.1, alternative=alternative)
        found = crossed_test(d, alternative, mean=0.1)
        assert (found.statistic, found.df, found.p) == pytest.approx(
            (plain.statistic, plain.df, plain.pvalue), rel=1e-10
        )
    assert found.seeds == 0


def test_crossed_test_treats_people_and_seeds_alike_and_is_defined_without_spread():
    d = np.random.default_rng(3).normal(0.3, 1, (5, 4)) + np.arange(4) + np.arange(5)[:, None]
    assert crossed_test(d).p == pytest.approx(crossed_test(d.T).p, rel=1e-12)
    assert crossed_test(np.zeros((3, 2))).p == 1.0
    assert crossed_test(np.full((3, 2), 0.1)).p == 0.0
    assert crossed_test(np.full((3, 2), 0.1), "less").p == 1.0


@pytest.mark.parametrize(
    "call",
    [
        lambda: crossed_test([[0.1, 0.2]]),
        lambda: crossed_test([[0.1], [0.2]]),
        lambda: crossed_test([[0.1, np.nan], [0.2, 0.1]]),
        lambda: sign_flip_p([]),
        lambda: sign_flip_p([0.1, np.nan]),
        lambda: sign_flip_p([[0.1, 0.2]]),
        lambda: sign_flip_p([0.1], "bigger"),
        lambda: smallest_p(0),
        lambda: holm([0.5, 1.2]),
        lambda: bootstrap_interval([0.1]),
        lambda: bootstrap_interval([0.1, 0.2], level=95),
        lambda: equivalence_p([0.1, 0.2], 0.0),
        lambda: detectable_difference(-1.0, 10),
        lambda: detectable_difference(1.0, 10, power=0.01),
        lambda: detectable_difference(1.0, 10, alpha=5),
        lambda: paired_power(0.1, 0.0, 10),
        lambda: paired_power(0.1, 1.0, 1),
        lambda: subjects_needed(0.1, 0.0),
        lambda: subjects_needed(1.0, 1e-9),
    ],
)
def test_impossible_requests_are_refused(call):
    with pytest.raises(BiotransferError, match=r"\. "):
        call()


def test_importing_the_statistics_leaves_scipy_stats_alone():
    heavy = ["scipy.stats", "sklearn", "torch", "matplotlib"]
    code = (
        "import sys; from biotransfer.evidence import metrics, stats, verdicts; "
        f"print([m for m in {heavy} if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
