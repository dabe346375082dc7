"""The Statistics paragraph says exactly the analysis that was done."""

import re

import numpy as np
import pytest

from biotransfer.evidence.metrics import Compare
from biotransfer.evidence.stats import crossed_test, fewest_for_equivalence, smallest_p
from biotransfer.evidence.verdicts import compare
from biotransfer.pages.report.analysis import SOURCES, describe_analysis
from tests.evidence.test_verdicts import make_curves

PLAIN = ("scratch", "transferred", "permuted", "noise_source", "transferred_own_donors")
FROZEN = (*PLAIN, "frozen_body", "frozen_body_scratch", "frozen_body_permuted", "frozen_body_own_donors")
BARE = ("scratch", "transferred")


def said(arms, *, people=12, seeds=3, gain=0.0, own=0.08, registration=None, **asked):
    rng = np.random.default_rng(0)
    gains = {arm: own * arm.endswith("own_donors") + gain * (arm == "transferred") for arm in arms}
    skill = rng.uniform(0.5, 0.8, people)
    levels = {arm: skill + gains[arm] + rng.normal(0, 0.01, people) for arm in arms}
    curves = make_curves(levels, seeds=seeds, seed_noise=0.01, luck=0.3)
    rows = [{**row, "preregistration": registration} for row in compare(curves, **asked)]
    cited = []
    text = describe_analysis(rows, Compare(**asked), lambda name: cited.append(SOURCES[name]) or "")
    return text, rows, cited


@pytest.mark.parametrize("people", [4, 6, 12, 24])
@pytest.mark.parametrize("alpha", [0.05, 0.01])
def test_numbers_are_those_of_the_settings(people, alpha):
    text, rows, _ = said(PLAIN, people=people, alpha=alpha, margin=0.03)
    assert f"With {people} people the smallest p that can be reached is {smallest_p(people):.3g}." in text
    assert f"at α = {alpha:g}" in text
    assert "gained 3 points or more" in text
    fewest = fewest_for_equivalence(0.03, alpha=alpha)
    assert f"which takes {fewest} people or more ({int(people >= fewest)} of 1 claim)" in text
    assert f"of 1 claim {int(smallest_p(people) < alpha)} had people enough" in text
    assert ("100 000 random ones" in text) == (people > 20)


@pytest.mark.parametrize("seeds", [1, 2, 3, 5])
def test_the_seeds_and_their_share_are_told_where_there_are_several(seeds):
    text, rows, cited = said(PLAIN, seeds=seeds)
    assert ("over people and seeds" in text) == (seeds > 1) == (SOURCES["crossed"] in cited)
    assert ("exploratory" in text) == (seeds < 3)
    shares = [row["seed_share"] for row in rows]
    if seeds == 1:
        assert shares == [None] * len(rows)
        return
    found = re.search(r"seeds weighed (\d+) % in the median comparison and (\d+) % at most", text)
    assert [int(n) for n in found.groups()] == [
        round(100 * float(np.median(shares))), round(100 * max(shares)),
    ]  # fmt: skip
    assert max(shares) > 0.1


def test_the_share_of_a_row_is_that_of_its_test():
    rng = np.random.default_rng(1)
    levels = {arm: rng.uniform(0.5, 0.8, 10) for arm in PLAIN}
    curves = make_curves(levels, seeds=4, seed_noise=0.02, luck=1.0)
    last = curves[curves["epoch"] > 1].groupby(["arm", "subject", "seed"])["value"].mean()
    for row in compare(curves):
        d = (last[row["arm"]] - last["scratch"]).unstack("seed").to_numpy()
        assert row["seed_share"] == pytest.approx(crossed_test(d).share)


def test_baselines_controls_and_positive_controls_are_those_that_ran():
    text, _, _ = said(FROZEN)
    assert "Arms were compared with scratch; frozen body, whose carried weights stay still, with" in text
    assert "(permuted, noise source and frozen body permuted)" in text
    assert "so it was for 2 of 2 claims" in text
    assert "so it was for 0 of 1 claim" in said(PLAIN, own=0.0)[0]
    bare, _, cited = said(BARE)
    assert "no control arm ran" in bare
    assert "No positive control ran" in bare
    assert SOURCES["union"] not in cited
    assert "No arm claimed transfer" in said(("scratch", "permuted"))[0]


def test_a_registration_is_told_with_its_date():
    registration = {"hash": "abc", "date": "2026-01-02"}
    assert "registered on 2026-01-02 (abc)" in said(PLAIN, registration=registration)[0]
    assert "registered" not in said(PLAIN)[0]
