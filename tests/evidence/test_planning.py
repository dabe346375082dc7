"""What a design finds is what the verdict's tests find in drawn tables."""

from dataclasses import replace

import numpy as np
import pytest
import scipy.stats
from statsmodels.stats.power import TTestPower

from biotransfer.errors import BiotransferError
from biotransfer.evidence.stats import (
    Design,
    Parts,
    detectable_gain,
    people_needed,
    positive_rate,
)
from biotransfer.evidence.stats.drawing import draw_tables
from biotransfer.evidence.verdicts import Claim, decide

PARTS = Parts(0.034, 0.007, 0.045)


@pytest.mark.parametrize(
    ("n_people", "n_seeds", "n_claims", "gain"),
    [(7, 3, 1, 0.085), (9, 5, 4, 0.08), (13, 3, 1, 0.06), (17, 5, 1, 0.038), (30, 10, 2, 0.027)],
)
def test_the_rate_is_that_of_the_rule_on_drawn_tables(n_people, n_seeds, n_claims, gain):
    design = Design(n_people, n_seeds, n_controls=2, n_claims=n_claims, correlation=0.6)
    tables = draw_tables(design, PARTS, 150, np.random.default_rng(3)) + gain
    nothing = [Claim(np.zeros((n_people, n_seeds)))] * (n_claims - 1)
    found = sum(decide([Claim(t[0], t[1:]), *nothing])[0].verdict == "positive" for t in tables)
    rate = positive_rate(gain, design, PARTS)
    assert 0.3 < rate.value < 0.95
    assert scipy.stats.binomtest(found, 150, rate.value).pvalue > 0.01


def test_seeds_alone_are_a_test_over_people():
    design = Design(12, 1, n_controls=0)
    found = detectable_gain(design, Parts(0.05, 0.0, 0.0))
    assert TTestPower().power(found.value / 0.05, 12, 0.05) == pytest.approx(0.8, abs=0.03)


def test_detectable_gain_and_people_agree_with_the_rate():
    design = Design(14, 5, n_controls=2, n_claims=3)
    gain = detectable_gain(design, PARTS)
    assert gain.low < gain.value < gain.high
    assert positive_rate(gain.value, design, PARTS).value == pytest.approx(0.8, abs=0.002)
    people = people_needed(0.04, design, PARTS, n_tables=4000)
    assert people.low <= people.value <= people.high
    assert positive_rate(0.04, replace(design, n_people=people.value), PARTS).value >= 0.8
    assert positive_rate(0.04, replace(design, n_people=people.value - 1), PARTS).value < 0.8


def test_controls_claims_few_people_and_few_seeds_cost_power():
    base = Design(12, 5, n_controls=0)
    rates = [
        positive_rate(0.04, replace(base, **change), PARTS).value
        for change in (
            {"n_people": 20},
            {"n_seeds": 10},
            {},
            {"n_controls": 4},
            {"n_claims": 4},
            {"n_seeds": 3},
        )
    ]
    assert rates[0] > rates[1] > rates[2] > max(rates[3:])
    four = replace(base, n_controls=4)
    assert positive_rate(0.04, four, PARTS, over_controls=0.02).value > rates[3] + 0.02
    spread = positive_rate(0.06, base, PARTS, between=0.02)
    assert spread.value < positive_rate(0.06, base, PARTS).value - 0.02


def test_too_few_people_find_nothing_and_the_luck_of_seeds_is_not_averaged_by_people():
    design = Design(5, 5)
    assert detectable_gain(design, PARTS) == (None, None, None)
    assert positive_rate(1.0, design, PARTS).value == 0.0
    assert people_needed(0.01, Design(6, 3), Parts(0.01, 0.02, 0.0)).value is None


def test_parts_give_the_spread_of_the_mean():
    parts = Parts(0.03, 0.0, 0.04)
    assert parts.spread(12, 4) == pytest.approx(np.hypot(0.03, 0.02))
    tables = draw_tables(Design(12, 4, n_controls=0), Parts(0.03, 0.02, 0.04), 4000, np.random.default_rng(0))
    measured = tables.mean((-2, -1)).std() * np.sqrt(12)
    assert measured == pytest.approx(Parts(0.03, 0.02, 0.04).spread(12, 4), rel=0.05)
    assert PARTS.scaled_to(0.08, 12, 5).spread(12, 5) == pytest.approx(0.08)


@pytest.mark.parametrize(
    "call",
    [
        lambda: Design(1, 5),
        lambda: Design(6, 5, correlation=2.0),
        lambda: Design(6, 5, n_claims=0),
        lambda: Design(6, 5, alpha=0.0),
        lambda: people_needed(0.0, Design(6, 5), PARTS),
        lambda: detectable_gain(Design(6, 5), PARTS, power=0.01),
    ],
)
def test_impossible_designs_are_refused(call):
    with pytest.raises(BiotransferError, match=r"\. "):
        call()
