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
    SHARE_DIFFERENCES,
    SHARES,
    crossed_test,
    difference_p,
    equivalence_p,
    fewest_for_equivalence,
    holm,
    mean_interval,
    paired_power,
    sign_flip_interval,
    sign_flip_p,
    smallest_p,
    unseen_p,
)
from biotransfer.evidence.stats.crossed import quasi_t, reach, tail_p

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


@pytest.mark.parametrize("n", [6, 9, 12, 24])
@pytest.mark.parametrize("level", [0.8, 0.95])
def test_sign_flip_interval_holds_the_means_that_the_test_does_not_reject(n, level):
    d = np.random.default_rng(n).gamma(1.0, 1.0, n)
    low, high = sign_flip_interval(d, level, n_resamples=2000)
    for end, outside in ((low, -1e-6), (high, 1e-6)):
        assert sign_flip_p(d - end - outside, n_resamples=2000) < 1 - level
        assert sign_flip_p(d - end + outside, n_resamples=2000) >= 1 - level


def test_sign_flip_interval_is_infinite_where_nothing_can_be_rejected():
    assert sign_flip_interval([0.1, 0.2, 0.3, 0.4]) == (-np.inf, np.inf)
    assert sign_flip_interval([0.1] * 5) == (-np.inf, np.inf)
    assert sign_flip_interval([0.1] * 6) == pytest.approx((0.1, 0.1))


@pytest.mark.parametrize("n_people", [6, 9, 14, 22])
@pytest.mark.parametrize("n_seeds", [1, 3, 5])
def test_an_interval_excludes_what_its_test_rejects(n_people, n_seeds):
    rng = np.random.default_rng([n_people, n_seeds])
    rejected = 0
    for _ in range(40):
        d = (
            rng.normal(5 / n_people, 1, (n_people, 1))
            + rng.normal(0, 0.3, n_seeds)
            + rng.gamma(1, 1, (n_people, n_seeds))
        )
        d -= 1
        low, high = mean_interval(d)
        assert (difference_p(d) < 0.05) == (not low <= 0 <= high)
        inside, outside = low + 1e-6, low - 1e-6
        assert difference_p(d, mean=inside) >= 0.05 > difference_p(d, mean=outside)
        rejected += difference_p(d) < 0.05
    assert 0 < rejected < 40


@pytest.mark.parametrize("n", [4, 5])
def test_below_six_people_the_interval_is_that_of_t(n):
    d = np.random.default_rng(n).normal(0.1, 0.05, n)
    t = scipy.stats.ttest_1samp(d, 0).confidence_interval(0.95)
    assert mean_interval(d) == pytest.approx((t.low, t.high))
    assert difference_p(d) >= smallest_p(n)


def test_an_interval_is_never_wider_than_what_can_be():
    rng = np.random.default_rng(0)
    known = 0
    for n in (1, 2, 3, 4, 8):
        for scale in (0.01, 0.1, 0.4):
            d = np.clip(rng.normal(0.1, scale, n), -1, 1)
            low, high = mean_interval(d, limits=SHARE_DIFFERENCES)
            assert np.isnan(low) == np.isnan(high)
            assert np.isnan(low) or -1 <= low <= d.mean() <= high <= 1
            known += not np.isnan(low)
    assert 5 < known < 15
    assert np.isnan(mean_interval([0.1, 0.4], limits=SHARES)).all()
    assert mean_interval([0.97, 0.99, 1.0, 1.0], limits=SHARES).high == 1.0


def test_interval_of_degenerate_data_is_defined():
    assert np.isnan(mean_interval([0.1])).all()
    assert mean_interval([0.2, 0.2, 0.2]) == (0.2, 0.2)
    assert mean_interval(np.zeros(8)) == (0.0, 0.0)
    assert mean_interval(np.full((4, 3), 0.1)) == pytest.approx((0.1, 0.1))
    assert difference_p(np.full((6, 3), 0.1)) == 1 / 32
    assert difference_p(np.zeros((6, 3))) == 1.0


@pytest.mark.parametrize("n", [9, 25])
def test_the_order_of_people_and_seeds_does_not_matter(n):
    rng = np.random.default_rng(n)
    d = rng.normal(0.2, 1, (n, 3))
    other = rng.permutation(rng.permutation(d).T).T
    assert mean_interval(d) == pytest.approx(mean_interval(other), abs=1e-12)
    assert difference_p(d) == pytest.approx(difference_p(other), abs=1e-12)
    assert sign_flip_p(d[:, 0]) == sign_flip_p(rng.permutation(d[:, 0]))
    assert equivalence_p(d, 0.5, worst=1) == pytest.approx(equivalence_p(other, 0.5, worst=1), abs=1e-12)


@pytest.mark.parametrize(("n_people", "n_seeds"), [(4, 3), (6, 5), (14, 3)])
@pytest.mark.parametrize("luck", [0.0, 1.0])
def test_claims_without_an_effect_keep_their_rate_and_intervals_cover(n_people, n_seeds, luck):
    rng = np.random.default_rng([n_people, n_seeds, int(luck)])
    n = 4000
    d = rng.normal(0, 1, (n, n_people, 1)) + luck * rng.normal(0, 1, (n, 1, n_seeds))
    d += rng.normal(0, 1, (n, n_people, n_seeds))
    found = quasi_t(d)
    claims = int((tail_p(found.statistic, found.share, d.shape) < 0.05).sum())
    assert scipy.stats.binom.sf(claims - 1, n, 0.05) > 0.001
    half = found.error * reach(found.share, d.shape)
    assert int((np.abs(d.mean((1, 2))) > half).sum()) == claims
    assert claims > 0.01 * n


def test_seeds_enter_without_a_jump():
    rng = np.random.default_rng(1)
    d = rng.normal(0.6, 1, (8, 1)) + rng.normal(0, 1, (8, 3))
    luck = np.array([-1.0, 0.0, 1.0])
    d -= d.mean(0) - d.mean()
    sizes = np.linspace(0, 1, 2001)
    ends = np.array([mean_interval(d + size * luck) for size in sizes])
    p = np.array([difference_p(d + size * luck) for size in sizes])
    jumped = [(quasi_t(d + size * luck).squares[1] > quasi_t(d + size * luck).squares[2]) for size in sizes]
    assert not jumped[0]
    assert jumped[-1]
    assert np.abs(np.diff(ends, axis=0)).max() < 0.02
    assert np.abs(np.diff(p)).max() < 0.002
    assert p[-1] > p[0] + 0.05


def test_equivalence_needs_both_sides():
    d = np.array([0.001, -0.004, 0.003, 0.0, -0.002, 0.004])
    assert equivalence_p(d, 0.02, worst=0) == 1 / 64
    assert equivalence_p(d + 0.03, 0.02, worst=0) > 0.9
    assert equivalence_p(d - 0.03, 0.02, worst=0) > 0.9
    many = np.tile(d, 8)
    assert equivalence_p(many, 0.02) == pytest.approx(equivalence_p(-many, 0.02))
    assert equivalence_p(many, 0.02) < 0.05
    assert equivalence_p(many + 0.03, 0.02) > 0.9


def test_equivalence_holds_its_error_rate_at_the_margin_of_normal_differences():
    rng = np.random.default_rng(8)
    claims = sum(equivalence_p(rng.normal(0.02, 0.02, 10), 0.02, worst=0) < 0.05 for _ in range(600))
    assert scipy.stats.binom.sf(claims - 1, 600, 0.05) > 0.001
    assert claims > 5


@pytest.mark.parametrize("n", [5, 14, 29, 46])
@pytest.mark.parametrize("spread", [0.001, 0.02])
def test_one_person_in_ten_who_loses_much_does_not_look_equivalent(n, spread):
    rng = np.random.default_rng(n)
    claims = naive = 0
    for _ in range(200):
        d = rng.normal(0, spread, n) - 0.2 * (rng.random(n) < 0.1)
        naive += scipy.stats.ttest_1samp(d, -0.02, alternative="greater").pvalue < 0.05
        claims += max(unseen_p(d, 0.02), unseen_p(-d, 0.02)) < 0.05
    assert scipy.stats.binom.sf(claims - 1, 200, 0.05) > 0.001
    assert naive > claims


@pytest.mark.parametrize("margin", [0.02, 0.03, 0.05])
@pytest.mark.parametrize("alpha", [0.05, 0.0125])
def test_fewest_people_for_equivalence_is_where_it_begins(margin, alpha):
    n = fewest_for_equivalence(margin, alpha=alpha)
    assert unseen_p(np.zeros(n), margin) < alpha <= unseen_p(np.zeros(n - 1), margin)
    assert fewest_for_equivalence(0.3) == 5


@given(st.lists(st.integers(-9, 9), min_size=3, max_size=8), st.integers(1, 4))
@settings(max_examples=15, deadline=None, derandomize=True)
def test_unseen_losses_equal_drawing_the_weights_of_people(d, margin):
    q1, q3 = np.quantile(d, [0.25, 0.75])
    inside = [q1 - 1.5 * (q3 - q1) <= v <= q3 + 1.5 * (q3 - q1) for v in d]
    center = np.mean([v for v, keep in zip(d, inside, strict=True) if keep])
    placed = [center if keep else v for v, keep in zip(d, inside, strict=True)] + [min(-10, *d)]
    weights = np.random.default_rng(0).dirichlet(np.ones(len(placed)), 20_000)
    drawn = np.mean(weights @ placed <= -margin)
    assert unseen_p(d, margin, worst=10) == pytest.approx(drawn, abs=0.015)


@pytest.mark.parametrize(("n", "alpha"), [(6, 0.05), (12, 0.05), (12, 0.05 / 14), (40, 0.01)])
def test_power_equals_statsmodels(n, alpha):
    assert paired_power(0.02, 0.03, n, alpha=alpha) == pytest.approx(
        TTestPower().power(2 / 3, n, alpha), abs=1e-10
    )


def test_power_is_a_number_and_grows_over_the_whole_range():
    for n in (2, 6, 12, 20, 40, 200):
        curve = [paired_power(effect, 1.0, n) for effect in np.linspace(0, 6, 121)]
        assert np.isfinite(curve).all()
        assert np.all(np.diff(curve) >= -1e-12)
        assert curve[0] == pytest.approx(0.05, abs=1e-12)


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
    allowed = square[1] - square[2] + square[2] / df[1]
    found = crossed_test(d)
    assert found.share == pytest.approx(allowed / (square[0] + allowed), rel=1e-10)
    assert found.statistic == pytest.approx(d.mean() / np.sqrt(total / d.size), rel=1e-10)
    people, seeds = 2 * scipy.stats.t.sf(abs(found.statistic), df[:2])
    assert found.p == pytest.approx((1 - found.share) * people + found.share * seeds, rel=1e-10)
    assert (found.seeds, found.rest) == pytest.approx(
        (np.sqrt((square[1] - square[2]) / n_people), np.sqrt(square[2])), rel=1e-10
    )


def test_crossed_test_is_the_t_test_over_people_where_seeds_share_nothing():
    rng = np.random.default_rng(2)
    d = np.repeat(rng.normal(0.3, 1, (9, 1)), 4, axis=1)
    for alternative in ("two-sided", "greater", "less"):
        plain = scipy.stats.ttest_1samp(d.mean(1), 0.1, alternative=alternative)
        found = crossed_test(d, alternative, mean=0.1)
        assert (found.statistic, found.share, found.p) == pytest.approx(
            (plain.statistic, 0.0, plain.pvalue), rel=1e-10
        )
    assert found.seeds == 0


def test_crossed_test_is_defined_without_spread():
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
        lambda: mean_interval([]),
        lambda: mean_interval([0.1, np.nan]),
        lambda: mean_interval([0.1, 0.2], level=95),
        lambda: difference_p([0.1]),
        lambda: equivalence_p([0.1, 0.2], 0.02, worst=-1),
        lambda: equivalence_p([0.1, 0.2], 0.0),
        lambda: paired_power(0.1, 0.0, 10),
        lambda: paired_power(0.1, 1.0, 1),
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
