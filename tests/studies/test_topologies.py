"""The search for a topology: objectives, front, choice, resuming, and whose windows it sees."""

import contextlib
import json
import subprocess
import sys
import time
from dataclasses import replace
from itertools import product

import numpy as np
import pandas as pd
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.files import read_proven
from biotransfer.learning.networks import NETWORKS, build_network
from biotransfer.learning.training import Schedule
from biotransfer.pages.report import write_report
from biotransfer.signals.splits import Split, inner_splits
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import lay_out, prepare, run_study
from biotransfer.studies.running.tasks.topologies import _inner_folds
from biotransfer.studies.topologies import (
    SPACES,
    Candidate,
    choose,
    evaluation,
    on_front,
    read_space,
    run_search,
)
from biotransfer.studies.topologies.evaluation import evaluate_topology
from tests.builders import make_windows

SPACE = read_space("mlp", {"hidden": {"length": [1, 2], "of": [4, 8, 16]}})
SCHEDULE = Schedule(epochs=3, batch_size=16, learning_rate=1e-2)


class Counter:
    """A known landscape: the error falls with the first layer, the cost grows with all of them."""

    def __init__(self, stop_after=None):
        self.tried, self.stop_after = [], stop_after

    def __call__(self, spec):
        if len(self.tried) == self.stop_after:
            raise KeyboardInterrupt
        self.tried.append(spec)
        sizes = spec["hidden"]
        error = 1 / sizes[0] + 0.01 * len(sizes)
        return Candidate(dict(spec), error, 0.01, sum(sizes), float(np.prod(sizes)))


def test_every_space_builds_and_every_searched_network_is_in_the_catalog():
    class Largest:
        def suggest_int(self, name, low, high):
            return high

        def suggest_categorical(self, name, choices):
            return choices[-1]

    for name, space in SPACES.items():
        shape = (256,) if NETWORKS[name].facts["takes"] == "features" else (4, 512)
        spec = {key: what.suggest(Largest(), key) for key, what in space.items()}
        assert build_network({"name": name, **spec}, shape, 3, sfreq=250.0).n_parameters > 0


def test_the_search_finds_the_whole_front_of_a_small_space():
    counter = Counter()
    found = run_search(counter, SPACE, generations=12, population=10, seed=1)
    every = [counter({"hidden": list(h)}) for n in (1, 2) for h in product((4, 8, 16), repeat=n)]
    best = {repr(c.parameters_of) for c, good in zip(every, on_front(every), strict=True) if good}
    assert {repr(c.parameters_of) for c, good in zip(found, on_front(found), strict=True) if good} == best
    assert len({repr(c.parameters_of) for c in found}) == len(found)


def test_a_topology_is_trained_once():
    counter = Counter()
    run_search(counter, SPACE, generations=6, population=8, seed=0)
    assert len(counter.tried) == len({repr(s) for s in counter.tried}) <= 12


@pytest.mark.parametrize("stop_after", [1, 3, 5])
def test_a_stopped_search_continues_as_if_nothing_had_happened(stop_after, tmp_path):
    whole = run_search(Counter(), SPACE, generations=5, population=5, seed=3)
    journal = tmp_path / "journal.json"
    first = Counter(stop_after)
    with contextlib.suppress(KeyboardInterrupt):
        run_search(first, SPACE, generations=5, population=5, seed=3, journal=journal)
    second = Counter()
    assert run_search(second, SPACE, generations=5, population=5, seed=3, journal=journal) == whole
    assert [c.parameters_of for c in whole] == first.tried + second.tried
    assert len(first.tried) == stop_after
    again = Counter()
    assert run_search(again, SPACE, generations=5, population=5, seed=3, journal=journal) == whole
    assert not again.tried


def test_a_journal_that_cannot_be_read_is_no_journal(tmp_path):
    journal = tmp_path / "journal.json"
    journal.write_text('[{"error": 1}]', encoding="utf-8")
    found = run_search(Counter(), SPACE, generations=2, population=3, seed=0, journal=journal)
    assert found == run_search(Counter(), SPACE, generations=2, population=3, seed=0)


def test_the_front_equals_brute_force():
    rng = np.random.default_rng(0)
    points = rng.integers(0, 4, (40, 3))
    candidates = [Candidate({}, float(e), 0.0, int(p), float(o)) for e, p, o in points]
    expected = [not any(np.all(q <= p) and np.any(q < p) for q in points) for p in points]
    assert on_front(candidates) == expected


def test_one_standard_error_takes_the_cheapest_that_is_as_good():
    big = Candidate({"hidden": [256]}, 0.20, 0.03, 900, 900.0)
    mid = Candidate({"hidden": [64]}, 0.22, 0.03, 200, 200.0)
    small = Candidate({"hidden": [8]}, 0.24, 0.03, 20, 20.0)
    assert choose([small, big, mid]) is mid
    assert choose([small, big, mid], "least_error") is big
    assert choose([small, replace(big, standard_error=0.0), mid]).parameters_of == {"hidden": [256]}


def test_candidates_are_validated_on_people_outside_their_training_rows_and_never_on_test_rows():
    windows = make_windows(n_subjects=5, signal=2.0, n_features=6)
    people = windows.metadata["subject"].to_numpy()
    outer = Split("subject=s0", "subject", np.flatnonzero(people != "s0"), np.flatnonzero(people == "s0"))
    folds = [(windows, inner) for inner in inner_splits(windows, outer, folds=2)]
    specs = [{"hidden": [16]}, {"hidden": [1]}]
    found = [evaluate_topology(spec, {"name": "mlp"}, folds, SCHEDULE, [0, 1]) for spec in specs]
    assert found[0].error < 0.3 < found[1].error
    poisoned = windows.X.copy()
    poisoned[people == "s0"] = np.nan
    folds = [(replace(windows, X=poisoned), inner) for _, inner in folds]
    assert [evaluate_topology(spec, {"name": "mlp"}, folds, SCHEDULE, [0, 1]) for spec in specs] == found


def test_cost_is_counted_as_the_networks_count_it():
    windows = make_windows(n_subjects=4, n_features=6)
    outer = Split("all", "subject", np.arange(len(windows)), np.empty(0, dtype=np.int64))
    folds = [(windows, inner) for inner in inner_splits(windows, outer, folds=2)]
    found = evaluate_topology({"hidden": [8, 4]}, {"name": "mlp"}, folds, SCHEDULE, [0])
    network = build_network({"name": "mlp", "hidden": [8, 4]}, (6,), 3)
    assert found.parameters == network.n_parameters == 6 * 8 + 8 + 8 * 4 + 4 + 4 * 3 + 3
    assert found.operations == 3 * 3 * 2 * (6 * 8 + 8 * 4 + 4 * 3) * len(windows) / 2


@pytest.mark.parametrize(
    ("network", "given", "message"),
    [
        ("EEGNet", None, "no topology to search"),
        ("mlp", {"hiden": [1]}, "Did you mean 'hidden'"),
        ("mlp", {"hidden": [8, 16]}, "length"),
        ("mlp", {"hidden": {"length": [3, 1], "of": [8]}}, "length"),
        ("cnn_image", {"kernel": 3}, "Expected a list"),
    ],
)
def test_bad_spaces_say_what_would_do(network, given, message):
    with pytest.raises(BiotransferError, match=message):
        read_space(network, given)


STUDY = {
    "title": "a search",
    "eeg": {"data": "simulated", "n_subjects": 4, "preprocess": "none"},
    "emg": {"data": "simulated", "n_subjects": 4, "preprocess": "none"},
    "directions": ["emg->eeg"],
    "features": "band_power",
    "align": {"name": "top_k", "k": 8},
    "network": [{"name": "mlp", "norm": True}],
    "arms": ["scratch", "transferred", "permuted"],
    "train": {"epochs": 2},
    "seeds": 1,
    "search": {"generations": 2, "population": 3, "inits": 1, "space": {"mlp": {"hidden": {
        "length": [1, 2], "of": [2, 4, 8]}}}},
}  # fmt: skip


@pytest.mark.parametrize("side", ["source", "target"])
def test_every_arm_of_a_study_gets_the_topology_that_was_found(side, tmp_path):
    study = run_study({**STUDY, "search": {**STUDY["search"], "side": side}}, tmp_path / "out")
    found, ledger = study.results.extras["search"], study.results.ledger
    assert found.groupby(["protocol", "fold"])["chosen"].sum().eq(1).all()
    assert len(found.groupby(["protocol", "fold"])) == (1 if side == "source" else 4)
    for name in study.results.sources.itertuples():
        assert (name.protocol == "") == (side == "source")
    if side == "source":
        sizes = json.loads(found.loc[found["chosen"], "topology"].item())["hidden"]
        expected = 8 * sizes[0] + sizes[0]
        stem = ledger[ledger["tensor"].isin(["stem_0.weight", "stem_0.bias"])]
        assert stem.groupby("arm")["parameters"].sum().eq(expected).all()
        assert ledger["tensor"].str.contains("norm").any()
    page = write_report(study.results, tmp_path / "report.html").read_text(encoding="utf-8")
    assert "Search for a topology" in page


@pytest.mark.slow
def test_a_killed_study_trains_the_candidates_that_it_has_not_trained(tmp_path, monkeypatch):
    recipe = {**STUDY, "search": {**STUDY["search"], "generations": 6, "population": 6, "side": "source"}}
    whole = run_study(recipe, tmp_path / "whole").results.extras["search"]
    out = tmp_path / "killed"
    code = f"from biotransfer import run_study; run_study({recipe!r}, {str(out)!r})"
    process = subprocess.Popen([sys.executable, "-c", code])
    while not (journal := list(out.glob("trials/*/candidates.json"))):
        assert process.poll() is None
        time.sleep(0.01)
    process.kill()
    process.wait()
    before = [json.dumps(candidate["parameters_of"]) for candidate in read_proven(journal[0])["candidates"]]
    assert 0 < len(before) < len(whole)
    trained = []
    evaluate = evaluation.evaluate_topology

    def watched(spec, *given, **options):
        trained.append(json.dumps(spec))
        return evaluate(spec, *given, **options)

    monkeypatch.setattr(evaluation, "evaluate_topology", watched)
    found = run_study(recipe, out).results.extras["search"]
    pd.testing.assert_frame_equal(found, whole, check_exact=True)
    assert before + trained == whole["topology"].tolist()


def test_a_search_on_the_target_never_uses_test_people():
    plan = prepare(load_recipe({**STUDY, "search": {**STUDY["search"], "side": "target"}}))
    for entry in lay_out(plan, ("choices",)):
        people = plan.sides["eeg"].windows("mlp").metadata["subject"].to_numpy()
        test = people[plan.split(entry.task.direction, "mlp", "subject", entry.task.fold).test]
        for windows, inner in _inner_folds(plan, entry.task):
            seen = windows.metadata["subject"].to_numpy()[np.concatenate([inner.train, inner.test])]
            assert not set(seen) & set(test)


@pytest.mark.parametrize(
    ("search", "message"),
    [
        ({"side": "sauce"}, "Did you mean 'source'"),
        ({"networks": ["cnn_image"]}, "Use one of: mlp"),
        ({"generations": 0}, "generations=0"),
        ({"poplation": 3}, "Did you mean 'population'"),
        ({"space": {"mlp": {"hiden": []}}}, "Did you mean 'hidden'"),
    ],
)
def test_bad_searches_are_refused_before_anything_runs(search, message):
    with pytest.raises(BiotransferError, match=message):
        load_recipe({**STUDY, "search": search})
