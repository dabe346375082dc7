"""What a study could find, said before it runs, and what its verdicts then say."""

import json
from dataclasses import replace

import pytest

from biotransfer.errors import BiotransferError
from biotransfer.evidence.stats import people_needed, positive_rate
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import foresee, prepare, run_study
from biotransfer.studies.running.checking import Checked
from biotransfer.studies.running.foresight import PRIOR_PARTS

SMALL = [
    "eeg.n_subjects=7", "emg.n_subjects=3", "eeg.windows.step=1.0", "emg.windows.step=1.0", "seeds=3",
    "train.epochs=1", "arms=[scratch, transferred, redrawn]", "directions=[emg->eeg, eeg->emg]",
    "own_donors=none",
]  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    return prepare(load_recipe("simulated_pair", SMALL))


def test_only_claims_of_people_who_can_reach_significance_make_the_family(plan):
    there, back = foresee(plan, 0.03)
    assert str(there.direction) == "emg->eeg"
    assert (there.design.n_people, there.design.n_seeds) == (7, 3)
    assert (there.design.n_controls, there.design.n_claims) == (1, 1)
    assert there.spread == pytest.approx(0.03)
    found = positive_rate(there.detectable.value, there.design, there.parts)
    assert found.value == pytest.approx(0.8, abs=0.002)
    assert there.detectable.low < there.detectable.value < there.detectable.high
    assert there.needed == people_needed(0.02, there.design, there.parts)
    assert (back.design.n_people, back.detectable.value) == (3, None)
    assert "7 people, finds " in str(there)
    assert "(Holm over 1 claim, 1 controls to beat); 2 points would need " in str(there)
    assert "nothing can be found: p is 0.25 or more" in str(back)


def test_two_seeds_claim_nothing():
    (item, _) = foresee(prepare(load_recipe("simulated_pair", [*SMALL, "seeds=2"])), 0.03)
    assert item.detectable.value is None
    assert "nothing can be claimed: 2 seeds explore, a claim takes 3" in str(item)


@pytest.mark.parametrize(
    ("n_people", "n_seeds", "n_claims", "said"),
    [
        (5, 5, 1, "with 5 people p is 0.062 or more, whatever is found. Six people are the least."),
        (6, 5, 4, "which allows 1 claim, and this study makes 4"),
        (7, 5, 4, "which allows 3 claims, and this study makes 4"),
        (7, 2, 1, "2 seeds explore, a claim takes 3. Raise seeds."),
        (7, 5, 3, "seeds or people are too few"),
    ],
)
def test_what_can_find_nothing_is_told_what_would_do(plan, n_people, n_seeds, n_claims, said):
    seen = foresee(plan, 0.03)[0]
    design = replace(seen.design, n_people=n_people, n_seeds=n_seeds, n_claims=n_claims)
    nothing = seen.detectable._replace(value=None)
    found = Checked("t", "u", {}, [], [], [replace(seen, design=design, detectable=nothing)])
    assert said in found.outcome


def test_without_a_number_the_measured_parts_of_the_target_count(plan):
    assert [item.parts for item in foresee(plan)] == [PRIOR_PARTS["eeg"], PRIOR_PARTS["emg"]]
    assert PRIOR_PARTS["emg"].spread(14, 5) == pytest.approx(0.008, rel=0.05)


def test_an_earlier_study_gives_its_spread(plan, tmp_path):
    study = run_study(load_recipe("simulated_pair", SMALL), tmp_path / "study")
    for item in foresee(plan, tmp_path / "study"):
        (row,) = [
            row
            for row in study.results.verdict_list
            if (row["direction"], row["arm"]) == (str(item.direction), "transferred")
        ]
        assert item.spread == pytest.approx(row["spread"])
        assert (item.detectable.value is None) == (row["detectable_difference"] is None)
        assert "transferred" in item.origin


@pytest.mark.parametrize(
    ("spread", "message"),
    [("nowhere", "no finished study"), ("4.3", "share such as"), ("0", "share such as")],
)
def test_what_is_no_spread_is_refused(plan, spread, message):
    with pytest.raises(BiotransferError, match=message):
        foresee(plan, spread)


def test_a_study_of_other_targets_gives_no_spread(plan, tmp_path):
    (tmp_path / "verdicts.json").write_text(
        json.dumps([{"target": "x", "arm": "transferred", "spread": 0.1}])
    )
    with pytest.raises(BiotransferError, match="no verdict on 'transferred'"):
        foresee(plan, tmp_path)


def test_every_further_way_to_transfer_makes_the_family_larger():
    ways = "methods=[{label: unscaled, scale: none, arms: [scratch, transferred]}]"
    found = {
        (item.network, item.variant): item
        for item in foresee(prepare(load_recipe("simulated_pair", [*SMALL, ways])), 0.03)
    }
    assert set(found) == {("mlp", ""), ("mlp", "unscaled")}
    assert "mlp + unscaled, tested on new people" in " ".join(map(str, found.values()))
    assert {item.design.n_claims for item in found.values()} == {2}
