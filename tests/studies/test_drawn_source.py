"""Source people drawn anew for each seed: the same for a source and its controls, others for other seeds."""

import numpy as np
import pandas as pd
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.results import Direction
from biotransfer.signals.simulate import simulate_emg
from biotransfer.signals.windows import cut_windows
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare, run_study
from biotransfer.studies.running.tasks import source
from biotransfer.transfer.carry import ARMS
from biotransfer.transfer.pretrain.drawing import draw_people
from biotransfer.transfer.pretrain.held_out import hold_out_people

SHAMS = [name for name, entry in ARMS.items() if entry.facts["role"] == "control" and entry.facts["standard"]]
DONORS = ("own_donors", "same_modality")
RECIPE = {
    "eeg": {"data": "simulated", "n_subjects": 5},
    "emg": {"data": "simulated", "n_subjects": 8},
    "directions": ["emg->eeg"],
    "features": "statistical",
    "align": {"name": "top_k", "k": 8},
    "network": {"name": "mlp", "hidden": [5]},
    "arms": ["scratch", "transferred", "same_modality", *SHAMS],
    "same_modality": {"eeg": {"people": 2}},
    "pretrain": {"draw_people": 0.5},
    "train": {"epochs": 2, "batch_size": 32},
    "seeds": 4,
    "nuisance": False,
    "baselines": [],
}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("drawn") / "out")


def test_a_seed_draws_the_same_people_for_the_source_and_all_its_controls(study):
    table = study.results.sources
    mine = table[~table["source"].isin(DONORS)]
    assert mine["source"].nunique() >= 3
    by_seed = mine.groupby("seed")["trained_on"]
    assert set(by_seed.nunique()) == {1}
    assert by_seed.first().nunique() > 1
    assert {text.count(",") for text in mine["trained_on"]} == {3}
    for row in mine.itertuples():
        learned, strangers = set(row.trained_on.split(", ")), set(row.subjects.split(", "))
        assert not learned & strangers
        assert len(learned | strangers) == 8


def test_donors_are_drawn_by_their_own_number(study):
    table = study.results.sources
    donors = table[table["source"].isin(DONORS)]
    assert set(donors["source"]) == set(DONORS)
    assert {text.count(",") for text in donors["trained_on"]} == {0}


def test_the_target_does_not_see_the_draw(study, tmp_path):
    everybody = {**RECIPE, "pretrain": "supervised"}
    whole = run_study(everybody, tmp_path / "out").results

    def of(results, arm):
        return results.curves[results.curves["arm"] == arm].reset_index(drop=True)

    pd.testing.assert_frame_equal(of(whole, "scratch"), of(study.results, "scratch"))
    assert not of(whole, "transferred")["value"].equals(of(study.results, "transferred")["value"])
    assert whole.sources.groupby("source")["trained_on"].nunique()["supervised"] == 1


def test_the_draw_is_in_the_address_of_what_starts_from_it():
    frames = [prepare(load_recipe({**RECIPE, "pretrain": {"draw_people": share}})) for share in (0.5, 0.75)]
    one, two = (
        source.trials(
            frame, source.source_task(frame, "supervised", Direction("emg", "eeg"), "mlp", "subject", 0)
        )
        for frame in frames
    )
    assert not {t.ref for t in one} & {t.ref for t in two}


@pytest.mark.parametrize("share", [0.2, 0.5, 0.75])
@pytest.mark.parametrize("n", [3, 6, 11])
def test_a_draw_repeats_nobody_and_makes_strangers_of_all_others(n, share):
    windows = cut_windows(simulate_emg(n_subjects=n, seconds=2))
    split = hold_out_people(windows)
    subjects = windows.metadata["subject"].to_numpy(dtype=str)
    people = set(subjects[split.train])
    draws = []
    for seed in range(12):
        drawn = draw_people(windows, split, share, seed)
        mine = set(subjects[drawn.train])
        assert mine <= people
        assert len(mine) == max(1, round(share * len(people)))
        assert set(drawn.train) == set(np.flatnonzero(np.isin(subjects, list(mine))))
        assert set(split.test) <= set(drawn.test)
        np.testing.assert_array_equal(drawn.test, np.setdiff1d(np.arange(len(subjects)), drawn.train))
        np.testing.assert_array_equal(drawn.train, draw_people(windows, split, share, seed).train)
        draws.append(frozenset(mine))
    assert len(set(draws)) > 1 or len(draws[0]) == len(people)
    assert draw_people(windows, split, 1, 0) is split


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"pretrain": {"draw_people": 0}}, "draw_people=0"),
        ({"pretrain": {"draw_people": 1.5}}, "draw_people=1.5"),
        ({"align": "coral"}, "align 'coral' fits the target to all of them"),
        ({"select": "separable_classes"}, "Leave one of them out"),
    ],
)
def test_what_cannot_be_drawn_is_said(change, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**RECIPE, **change})
