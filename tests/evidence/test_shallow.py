"""Shallow classifiers on the networks' inputs, and chance by permuting the labels of whole recordings."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import balanced_accuracy_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from biotransfer.evidence.baselines import BASELINES, fit_baseline, permute_labels
from biotransfer.evidence.baselines.unlabelled import graph_laplacian
from biotransfer.evidence.checks.levels import level_table
from biotransfer.pages.report.page import render
from biotransfer.studies.recipe import load_recipe
from biotransfer.studies.running import prepare, run_study

RECIPE = {
    "title": "shallow",
    "eeg": {"data": "simulated", "n_subjects": 3},
    "emg": {"data": "simulated", "n_subjects": 2},
    "directions": ["emg->eeg"],
    "features": "band_power",
    "align": "none",
    "network": {"name": "mlp", "hidden": [4]},
    "arms": ["scratch", "redrawn"],
    "train": {"epochs": 2},
    "seeds": 1,
    "permutations": 19,
    "nuisance": False,
}


@pytest.fixture(scope="module")
def results(tmp_path_factory):
    return run_study(RECIPE, tmp_path_factory.mktemp("shallow") / "out").results


@pytest.mark.parametrize("name", BASELINES)
@pytest.mark.parametrize(("n_windows", "n_features"), [(40, 60), (120, 30)])
def test_every_classifier_works_with_fewer_windows_than_features(name, n_windows, n_features):
    rng = np.random.default_rng(0)
    y = np.repeat([0, 1, 2], n_windows // 3)
    X = rng.standard_normal((2, len(y), n_features))
    X[:, :, :20] += 1.5 * y[:, None]
    fitted = fit_baseline(name, X[0], y)
    assert (fitted.predict(X[1]) == y).mean() > 0.75
    assert np.isfinite(fitted.predict_proba(X[1])).all()


SHAPES = {
    "plain": lambda X, y, rng: X,
    "copies": lambda X, y, rng: np.repeat(X[:, :1], X.shape[1], axis=1),
    "two directions": lambda X, y, rng: X[:, [0, -1]] @ rng.normal(size=(2, X.shape[1])),
    "huge": lambda X, y, rng: X * 1e30,
    "tiny": lambda X, y, rng: X * 1e-30,
    "a class without spread": lambda X, y, rng: np.where((y == 0)[:, None], 0.0, X),
    "hardly any spread": lambda X, y, rng: 1e8 + X * 1e-8,
    "few values": lambda X, y, rng: np.round(X),
}


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", [name for name in BASELINES if name != "random_forest"])
@given(
    counts=st.lists(st.integers(1, 30), min_size=2, max_size=4),
    n_features=st.sampled_from([1, 2, 7, 33, 166]),
    seed=st.integers(0, 9),
)
@settings(max_examples=8, deadline=None)
def test_no_shape_of_windows_stops_a_classifier(name, shape, counts, n_features, seed):
    rng = np.random.default_rng(seed)
    y = np.repeat(np.arange(len(counts)), counts)
    X = SHAPES[shape](rng.normal(size=(len(y), n_features)), y, rng)
    fitted = fit_baseline(name, X, y)
    assert set(fitted.predict(X)) <= set(y)
    odds = fitted.predict_proba(X)
    assert np.isfinite(odds).all()
    np.testing.assert_allclose(odds.sum(axis=1), 1.0)


def test_permuted_recordings_keep_one_label_and_every_person_as_many_of_each():
    rng = np.random.default_rng(0)
    subjects = np.repeat(["a", "b"], 60)
    recordings = np.char.add(subjects, np.tile(np.repeat([str(i) for i in range(6)], 10), 2))
    y = np.tile(np.repeat([0, 1, 2, 0, 1, 2], 10), 2)
    order = rng.permutation(120)
    y, recordings, subjects = y[order], recordings[order], subjects[order]
    seen = set()
    for seed in range(30):
        permuted = permute_labels(y, recordings, subjects, seed=seed)
        for name in np.unique(recordings):
            assert len(set(permuted[recordings == name])) == 1
        for person in "ab":
            mine = subjects == person
            np.testing.assert_array_equal(np.bincount(permuted[mine]), np.bincount(y[mine]))
        seen.add(permuted.tobytes())
    assert len(seen) > 25


def test_lda_equals_scikit_learn_on_the_same_rows(results):
    plan = prepare(load_recipe(RECIPE))
    windows = plan.sides["eeg"].windows("mlp")
    table = results.extras["baselines"]
    table = table[table["permutation"] == 0].set_index("split")
    for split in plan.splits["eeg", "subject", "mlp"]:
        model = make_pipeline(StandardScaler(), LinearDiscriminantAnalysis(solver="lsqr", shrinkage="auto"))
        model.fit(windows.X[split.train].astype(float), windows.y[split.train])
        told = model.predict(windows.X[split.test].astype(float))
        expected = balanced_accuracy_score(windows.y[split.test], told)
        assert table.loc[split.name, "balanced_accuracy"] == pytest.approx(expected, abs=0.02)


def test_levels_stand_beside_what_permuted_labels_give(results):
    table = level_table(results).set_index(["kind", "name"])
    shallow = table.loc[("baseline", "lda")]
    assert shallow["n_permutations"] == 19
    assert shallow["null_mean"] == pytest.approx(1 / 3, abs=0.06)
    assert shallow["p"] == pytest.approx(1 / 20)
    assert shallow["value"] > shallow["null_95"]
    arm = table.loc[("arm", "scratch")]
    assert arm["null_mean"] == pytest.approx(1 / 3, abs=0.03)
    assert arm["n_permutations"] == 1999


def test_the_report_shows_them(results):
    page = render(results)
    assert "Shallow classifiers on the same inputs" in page
    assert "lda (shallow, same inputs)" in page


@pytest.mark.parametrize("seconds", [0, 1])
def test_budgets_too_small_for_a_shallow_classifier_have_none(seconds, tmp_path):
    recipe = {
        "eeg": {"data": "simulated", "n_subjects": 3, "preprocess": "none"},
        "emg": {"data": "simulated", "n_subjects": 3, "preprocess": "none"},
        "directions": ["emg->eeg"], "features": "band_power", "align": {"name": "pca", "k": 6},
        "network": {"name": "mlp", "hidden": [4]}, "arms": ["scratch", "transferred"],
        "nuisance": False, "budget": {"seconds": [seconds], "epochs": 2}, "train": {"epochs": 2}, "seeds": 1,
    }  # fmt: skip
    assert "baselines" not in run_study(recipe, tmp_path / "out").results.extras


def _moons(shaped):
    """Two moons, two labels on each, and windows that lie on them, or anywhere."""
    from sklearn.datasets import make_moons

    X, y = make_moons(400, noise=0.08, random_state=1)
    few = np.concatenate([np.flatnonzero(y == c)[:2] for c in (0, 1)])
    rest = np.setdiff1d(np.arange(400), few)
    more = X[rest[:200]] if shaped else np.random.default_rng(0).uniform(-3, 3, (200, 2))
    return X[few], y[few], more, X[rest[200:]], y[rest[200:]]


def _gap(shaped):
    """Two classes with a gap between them in one of ten columns, six labels, windows beside it, or in it."""
    rng = np.random.default_rng(2)
    y = np.arange(400) % 2
    X = rng.normal(size=(400, 10))
    X[:, 0] = np.where(y > 0, 1.5, -1.5) + 0.4 * rng.normal(size=400)
    more = X[6:200] if shaped else rng.normal(size=(194, 10))
    return X[:6], y[:6], more, X[200:], y[200:]


UNLABELLED = [name for name, entry in BASELINES.items() if entry.facts["unlabelled"]]


@pytest.mark.parametrize("name", UNLABELLED)
def test_windows_without_labels_help_where_they_show_the_classes_shape_and_little_where_not(name):
    """Belkin's case of two moons, and Joachims's of a gap that few labels do not show."""
    spec, case = {"name": name}, _gap
    if name != "tsvm":
        spec, case = {"name": name, "smooth": 10.0, "gamma": 10.0}, _moons
    gains = []
    for shaped in (True, False):
        X, y, more, Z, z = case(shaped)
        before = more.copy()
        alone, helped = (
            np.mean(fit_baseline(spec, X, y, unlabelled=given).predict(Z) == z) for given in (None, more)
        )
        assert np.array_equal(more, before)
        gains.append(helped - alone)
    assert gains[0] > 0.15, gains
    assert gains[1] < 0.1, gains


def test_laprls_solves_the_papers_system_and_without_smoothness_both_are_scikit_learns():
    from sklearn.kernel_ridge import KernelRidge
    from sklearn.metrics.pairwise import rbf_kernel
    from sklearn.svm import SVC

    rng = np.random.default_rng(3)
    X, more, Z = rng.normal(size=(12, 4)), rng.normal(size=(9, 4)), rng.normal(size=(5, 4))
    y = np.arange(12) % 3
    signs = np.where(y[:, None] == np.arange(3), 1.0, -1.0)
    ridge, smooth, both = 0.05, 0.7, np.concatenate([X, more])
    J = np.diag(np.repeat([1.0, 0.0], [12, 9]))
    K, L = rbf_kernel(both, both, gamma=0.25), graph_laplacian(both, 3)
    system = J @ K + ridge * 12 * np.eye(21) + ridge * 12 * smooth * L @ K
    alpha = np.linalg.solve(system, np.concatenate([signs, np.zeros((9, 3))]))
    fitted = BASELINES["lap_rls"].function(0, smooth=smooth, ridge=ridge, neighbors=3).fit(X, y, more)
    np.testing.assert_allclose(fitted.scores_(Z), rbf_kernel(Z, both, gamma=0.25) @ alpha, atol=1e-9)
    plain = BASELINES["lap_rls"].function(0, smooth=0.0, ridge=ridge).fit(X, y, more)
    theirs = KernelRidge(alpha=ridge * 12, kernel="rbf", gamma=0.25).fit(X, signs)
    np.testing.assert_allclose(plain.scores_(Z), theirs.predict(Z), atol=1e-9)
    vectors = BASELINES["lap_svm"].function(0, smooth=0.0).fit(X, y, more)
    for c in range(3):
        svc = SVC(C=1.0, kernel="rbf", gamma=0.25).fit(X, signs[:, c])
        np.testing.assert_allclose(vectors.scores_(Z)[:, c], svc.decision_function(Z), atol=1e-6)


def test_tsvm_without_further_windows_is_the_plain_one_and_keeps_the_share_of_classes():
    from sklearn.svm import LinearSVC

    X, y, more, Z, _ = _gap(True)
    signs = np.where(y > 0, 1.0, -1.0)
    plain = LinearSVC(C=0.1, dual=False).fit(X, signs).decision_function(Z)
    found = BASELINES["tsvm"].function(0).fit(X, y).predict(Z)
    assert np.array_equal(found, (plain > 0).astype(int))
    said = BASELINES["tsvm"].function(0).fit(X, y, more).predict(more)
    assert abs(np.mean(said) - np.mean(y)) < 0.1


def test_a_new_persons_windows_reach_the_classifiers_that_look_at_them(tmp_path, monkeypatch):
    seen = []
    from biotransfer.studies.running.tasks import shallow

    def remember(spec, X, y, *, seed, unlabelled):
        seen.append((len(y), len(unlabelled)))
        return fit_baseline(spec, X, y, seed=seed, unlabelled=unlabelled)

    monkeypatch.setattr(shallow, "fit_baseline", remember)
    recipe = {**RECIPE, "split": "new_person", "directions": ["eeg->eeg"], "permutations": 0,
              "same_modality": {"eeg": {"people": 1}}, "arms": ["scratch"], "seeds": 1,
              "baselines": ["lap_svm"], "train": {"epochs": 1}}  # fmt: skip
    results = run_study(recipe, tmp_path / "out").results
    assert seen
    assert all(more > 0 for _, more in seen)
    assert set(results.extras["baselines"]["baseline"]) == {"lap_svm"}
