"""Words and readers of results: said once, for figures, report and verdicts alike."""

from dataclasses import replace

import pytest

from biotransfer.errors import BiotransferError
from biotransfer.evidence.metrics import MEASURES, Compare
from biotransfer.evidence.reading import (
    Condition,
    compared,
    condition_label,
    conditions_of,
    end_labels,
    ends_in,
    measure_label,
    measure_phrase,
    people_measures,
    rows_of,
    target_of,
)
from biotransfer.evidence.verdicts import compare
from biotransfer.results import Direction
from tests.factories import make_results


@pytest.fixture(scope="module")
def results():
    return make_results(arms=("scratch", "transferred"), n_subjects=3, n_seeds=1, n_epochs=2)


def test_ends_are_the_same_only_where_they_are_one_set():
    assert end_labels(Direction("muse", "muse")) == ("other people's muse", "muse")
    assert end_labels(Direction("eeg", "EEG")) == ("EEG", "EEG")


def test_what_is_compared_is_the_recipes_and_defaults_where_an_old_recipe_is_silent(results):
    assert compared(results) == Compare()
    other = replace(results, recipe={**results.recipe, "compare": {"measure": "area", "margin": 0.5}})
    assert compared(other) == Compare(measure="area", margin=0.5)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [({"margin": 0.0}, "margin=0.0"), ({"alpha": 1.0}, "alpha=1.0"), ({"metric": "log_loss"}, "'log_loss'"),
     ({"measure": "end"}, "measure='end'")],
)  # fmt: skip
def test_what_cannot_be_compared_is_refused_wherever_it_is_asked(results, wrong, message):
    with pytest.raises(BiotransferError, match=message):
        Compare(**wrong)
    roles = {"scratch": "baseline", "transferred": "transfer"}
    with pytest.raises(BiotransferError, match=message):
        compare(results.curves, **wrong, roles=roles)


def test_every_measure_has_a_label_and_goes_on_in_a_sentence():
    labels = [measure_label(measure) for measure in MEASURES]
    phrases = [measure_phrase(measure) for measure in MEASURES]
    assert len(set(labels)) == len(set(phrases)) == len(MEASURES)
    assert all(not phrase or phrase.startswith(" ") for phrase in phrases)


def test_ways_to_transfer_are_conditions_of_their_own(results):
    curves = results.curves.assign(variant="coral")
    (first, second) = conditions_of(results.curves, "emg->eeg")
    assert first == Condition("mlp", "", "subject")
    other = conditions_of(curves, "emg->eeg")[0]
    assert condition_label(first, [first, second]) == "new people"
    assert condition_label(other, [first, other]) == "mlp + coral · new people"
    assert condition_label(first, [first, other]) == "mlp · new people"
    assert rows_of(results.curves, **other._asdict()).empty
    assert len(rows_of(curves, **other._asdict())) == (curves["protocol"] == "subject").sum()
    with pytest.raises(BiotransferError, match="Did you mean 'emg->eeg'"):
        conditions_of(curves, "emg->egg")


def test_the_target_of_a_direction_is_looked_up(results):
    assert target_of(results, "emg->eeg") is results.data["eeg"]
    assert ends_in(results, "emg") == ["eeg->emg"]
    with pytest.raises(BiotransferError, match="direction='emg->muse' is unknown"):
        target_of(results, "emg->muse")
    with pytest.raises(BiotransferError, match="ends in 'eeg' but"):
        target_of(replace(results, data={}), "emg->eeg")


def test_measures_of_people_are_of_the_compared_metric(results):
    mine = people_measures(results)
    accuracy = people_measures(results, "accuracy")
    assert (mine["asymptote"] < accuracy["asymptote"]).any()
    recipe = {**results.recipe, "compare": {"metric": "accuracy"}}
    assert people_measures(replace(results, recipe=recipe)).equals(accuracy)
