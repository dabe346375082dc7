"""What a study could find, said before it runs, and what its verdicts then say."""

import json

import pytest

from biotransfer.errors import BiotransferError
from biotransfer.evidence.stats import paired_power, subjects_needed
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import foresee, prepare, run_study
from biotransfer.studies.running.foresight import PRIOR_SPREAD

SMALL = [
    "eeg.n_subjects=7", "emg.n_subjects=3", "eeg.windows.step=1.0", "emg.windows.step=1.0", "seeds=2",
    "train.epochs=1", "arms=[scratch, transferred, redrawn]", "directions=[emg->eeg, eeg->emg]",
]  # fmt: skip


@pytest.fixture(scope="module")
def plan():
    return prepare(load_recipe("simulated_pair", SMALL))


def test_only_people_who_can_reach_significance_make_the_family(plan):
    there, back = foresee(plan, 0.03)
    assert (str(there.direction), there.n_subjects, there.n_tests) == ("emg->eeg", 7, 2)
    assert paired_power(there.detectable, 0.03, 7, alpha=0.05 / 2) == pytest.approx(0.8, abs=1e-9)
    assert there.needed == subjects_needed(0.03, 0.02, alpha=0.05 / 2)
    assert (back.n_subjects, back.detectable) == (3, None)
    assert "7 people, finds " in str(there)
    assert "nothing can be found" in str(back)


def test_without_a_number_the_measured_spread_of_the_target_counts(plan):
    assert [item.spread for item in foresee(plan)] == [PRIOR_SPREAD["eeg"], PRIOR_SPREAD["emg"]]


def test_an_earlier_study_gives_its_spread_and_its_own_verdicts_agree(plan, tmp_path):
    study = run_study(load_recipe("simulated_pair", SMALL), tmp_path / "study")
    for item in foresee(plan, tmp_path / "study"):
        (row,) = [
            row
            for row in study.results.verdict_list
            if (row["direction"], row["arm"]) == (str(item.direction), "transferred")
        ]
        assert item.spread == row["spread"]
        assert item.detectable == pytest.approx(row["detectable_difference"])
        if item.detectable is not None:
            assert item.needed == row["subjects_needed"]
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
    assert "mlp + unscaled by subject" in " ".join(map(str, found.values()))
    assert {item.n_tests for item in foresee(prepare(load_recipe("simulated_pair", [*SMALL, ways])), 0.03)
            if item.n_subjects == 7} == {3}  # fmt: skip
