"""The estimate of a study's time, by a clock that the test sets."""

import pytest

from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import estimate, lay_out, prepare

RECIPE = {
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 4},
    "features": "band_power",
    "align": {"name": "top_k", "k": 8},
    "network": {"name": "mlp", "hidden": [8, 6]},
    "arms": ["scratch", "transferred", "shuffled_source"],
    "nuisance": False,
    "baselines": [],
    "train": {"epochs": 50},
    "seeds": 20,
}


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_rehearsal_gives_the_time_of_all_trials(monkeypatch, workers):
    """One unit per trial, and one per trial, epoch and thousand windows: the estimate must be their sum."""
    clock = [0.0]
    real = estimate.carry_out

    def seconds(plan, entry, epochs):
        return len(entry.trials) * (1.0 + epochs * estimate._rows(plan, entry) / 1000)

    def carry_out(plan, order, device):
        clock[0] += seconds(plan, order, plan.recipe["train"]["epochs"])
        return real(plan, order, device)

    monkeypatch.setattr(estimate, "carry_out", carry_out)
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: clock[0])
    plan = prepare(load_recipe(RECIPE))
    said = estimate.estimate_seconds(plan, workers)
    planned = lay_out(plan)
    true = sum(seconds(plan, entry, 50) for entry in planned)
    assert clock[0] < true / 5
    n_trials = sum(len(entry.trials) for entry in planned)
    start = estimate._START_SECONDS if workers > 1 else 0.0
    around = start + estimate._END_SECONDS + estimate._SECONDS_PER_TRIAL * n_trials
    assert said == pytest.approx(true / workers + around, rel=1e-9)
