"""The verdict on simulated pairs whose truth is known; benchmarks/bench_truth.py runs hundreds of them."""

import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis

from biotransfer.errors import BiotransferError
from biotransfer.evidence.truth import TruthStudy, confusion, interval_of_rate, run_truth
from biotransfer.evidence.truth.planted import feature_windows
from biotransfer.learning.training import Schedule
from biotransfer.signals.simulate import STRUCTURES, simulate_features


def _directions(table, loud=False):
    """The subspace of four directions in which classes (or single windows) differ most."""
    cells = pd.Series(range(len(table.y))).groupby([table.subject, table.y]).groups
    means = np.stack([table.X[rows].mean(0) for rows in cells.values()])
    if loud:
        residual = np.concatenate([table.X[rows] - table.X[rows].mean(0) for rows in cells.values()])
        return np.linalg.svd(residual, full_matrices=False)[2][:4]
    people = pd.Index([key[0] for key in cells])
    centered = means - pd.DataFrame(means).groupby(people).transform("mean").to_numpy()
    return np.linalg.svd(centered, full_matrices=False)[2][: table.n_classes - 1]


def _overlap(a, b):
    """Mean squared cosine between the rows of ``a`` and the subspace of ``b``."""
    return float(((a @ b.T) ** 2).sum() / len(a))


LARGE = {"n_source": 8, "n_target": 8, "n_windows": 200, "contrast": 3.0, "loud": 4.0, "variability": 0.1}


@pytest.mark.parametrize("seed", [0, 1])
def test_only_what_is_named_is_shared(seed):
    targets = []
    for structure in STRUCTURES:
        source, target = simulate_features(structure, **LARGE, seed=seed)
        targets.append(target.X / (0.05 if structure == "scale" else 1.0))
        told, loud = _directions(target), _directions(target, loud=True)
        theirs, their_loud = _directions(source), _directions(source, loud=True)
        assert _overlap(told, loud) < 0.05
        if structure == "useful":
            assert _overlap(told, theirs) > 0.9
            assert _overlap(theirs, loud) < 0.05
        elif structure == "harmful":
            assert _overlap(theirs, loud) > 0.9
            assert _overlap(told, their_loud) > 0.9
        else:
            assert _overlap(told, theirs) < 0.05
            assert _overlap(told, their_loud) < 0.05
    for X in targets[1:]:
        np.testing.assert_allclose(X, targets[0], rtol=1e-4, atol=1e-5)


def test_half_shared_is_half_the_squared_cosine():
    source, target = simulate_features("useful", **LARGE, shared=0.5, seed=3)
    whole, _ = simulate_features("useful", **LARGE, shared=1.0, seed=3)
    told = _directions(target)
    ratio = _overlap(told, _directions(source)) / _overlap(told, _directions(whole))
    assert ratio == pytest.approx(0.5, abs=0.05)


def test_an_empty_source_has_classes_that_do_not_differ():
    source, target = simulate_features("empty", n_source=6, n_windows=80, seed=0)
    half = source.run < 2
    learner = LinearDiscriminantAnalysis().fit(source.X[half], source.y[half])
    hits = int((learner.predict(source.X[~half]) == source.y[~half]).sum())
    assert binomtest(hits, int((~half).sum()), 0.2).pvalue > 0.001
    windows = feature_windows(target, "eeg")
    assert len(windows.subjects) == 12
    assert windows.metadata["uid"].is_unique


QUICK = Schedule(epochs=8, learning_rate=3e-3, batch_size=64)


def test_people_need_not_divide_evenly_into_folds():
    design = TruthStudy("useful", {"n_target": 5, "n_windows": 8}, seeds=2, folds=2, schedule=QUICK)
    table = run_truth(design, 1)
    assert set(table["n_subjects"]) == {5}
    assert np.isfinite(table["difference"]).all()


@pytest.mark.slow
def test_verdicts_follow_the_truth():
    """A small version of the benchmark: every bound can be missed, none is close to the expected rate."""
    design = {"seeds": 4, "schedule": Schedule(epochs=10, learning_rate=3e-3, batch_size=32)}
    tables = [
        run_truth(TruthStudy(name, **design), n)
        for name, n in (("nothing", 12), ("useful", 8), ("harmful", 8))
    ]
    table = confusion(pd.concat(tables)).set_index("structure")
    assert table.loc["nothing", "positive"] <= 2
    assert table.loc["useful", "positive"] >= 2
    assert table.loc["useful", "negative"] == 0
    assert table.loc["useful", "difference"] > 0.025
    assert table.loc["harmful", "negative"] >= 5
    assert table.loc["harmful", "positive"] == 0


@pytest.mark.slow
def test_a_benefit_of_scale_alone_is_seen_by_the_controls():
    table = run_truth(TruthStudy("scale", hidden=(16,) * 5, seeds=3), 6)
    gains = table.groupby("arm")["difference"].mean()
    assert min(gains["redrawn"], gains["permuted"]) > 0.02
    assert gains["transferred"] < gains["redrawn"] + 0.02
    assert confusion(table).loc[0, "positive"] == 0


@pytest.mark.slow
def test_where_nothing_can_be_learned_nothing_is_assayable():
    table = run_truth(TruthStudy("nothing", {"contrast": 0.0}, seeds=3), 6)
    claims = table[table["role"] == "transfer"]
    assert set(claims["verdict"]) <= {"not_assayable", "positive"}
    assert (claims["verdict"] == "not_assayable").sum() >= 5


def test_a_study_is_the_same_alone_and_among_others():
    design = TruthStudy("useful", {"n_target": 6, "n_windows": 8}, seeds=2, folds=2, schedule=QUICK)
    together, alone = run_truth(design, 3), run_truth(design, 1, first=2)
    pd.testing.assert_frame_equal(
        together[together["study"] == 2].reset_index(drop=True), alone, rtol=1e-4, atol=2e-3
    )


@pytest.mark.parametrize(("count", "n"), [(0, 400), (20, 400), (7, 7), (3, 11)])
def test_intervals_of_rates_are_those_of_the_binomial_tails(count, n):
    from scipy.stats import binom

    low, high = interval_of_rate(count, n)
    assert low <= count / n <= high
    if count:
        assert binom.sf(count - 1, n, low) == pytest.approx(0.025, rel=1e-6)
    if count < n:
        assert binom.cdf(count, n, high) == pytest.approx(0.025, rel=1e-6)


def test_impossible_requests_are_refused():
    for call, message in [
        (lambda: simulate_features("usefull"), "Did you mean 'useful'"),
        (lambda: simulate_features("useful", shared=2), "shared"),
        (lambda: simulate_features("useful", n_features=8), "16 directions"),
        (lambda: simulate_features("useful", n_windows=30), "multiple of 4"),
        (lambda: simulate_features("useful", n_target=1), "2 or more people"),
        (lambda: simulate_features("useful", loud=-1), "loud"),
        (lambda: run_truth(TruthStudy("useful"), 0), "n_studies"),
        (lambda: interval_of_rate(3, 2), "count"),
    ]:
        with pytest.raises(BiotransferError, match=message):
            call()
