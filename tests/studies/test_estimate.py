"""The estimate of a study's time, by a clock that the test sets."""

import pytest

from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import estimate, lay_out, prepare
from biotransfer.studies.running.tasks import TargetTask

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


def _rows(plan, task):
    """How many windows a task trains on."""
    if isinstance(task, TargetTask):
        split = plan.split(task.direction, task.network, task.protocol, task.fold, task.budget)
        return len(split.train)
    return len(plan.sides[task.direction.source].signals)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2])
def test_a_rehearsal_gives_the_time_of_all_trials(monkeypatch, workers):
    """So many seconds per trial, and per trial, epoch and window: the estimate grows by their sum."""
    clock, pace = [0.0], [1.0]
    real = estimate.carry_out

    def seconds(plan, entry, epochs):
        return len(entry.trials) * (1.0 + epochs * _rows(plan, entry.task) / 1000)

    def carry_out(plan, order, device):
        clock[0] += pace[0] * seconds(plan, order, plan.recipe["train"]["epochs"])
        return real(plan, order, device)

    monkeypatch.setattr(estimate, "carry_out", carry_out)
    monkeypatch.setattr(estimate.time, "perf_counter", lambda: clock[0])
    plan = prepare(load_recipe(RECIPE))
    true = sum(seconds(plan, entry, RECIPE["train"]["epochs"]) for entry in lay_out(plan))
    said = []
    for pace[0] in (1.0, 3.0):
        begun = clock[0]
        said.append(estimate.estimate_seconds(plan, workers))
        assert clock[0] - begun < pace[0] * true / 5
    assert said[1] - said[0] == pytest.approx(2 * true / workers, rel=1e-9)
    assert 0 < said[0] - true / workers < 60, "what a study takes besides its trials"
