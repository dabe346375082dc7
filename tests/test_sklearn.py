"""The classifier is scikit-learn's, and the training is ours."""

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV, LeaveOneGroupOut, cross_val_score
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network, initial_tensors
from biotransfer.learning.networks.forward import run_network
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.learning.weights import Weights, save_weights
from biotransfer.signals.splits import Split
from biotransfer.sklearn import TransferClassifier
from biotransfer.transfer.align.transform import fit_scaler
from biotransfer.transfer.carry import make_arms
from tests.builders import make_windows

FAST = {"epochs": 15, "learning_rate": 1e-2, "batch_size": 16}
FEATURES = make_windows(n_subjects=4, n_windows=4, n_features=10)
SIGNALS = make_windows(n_subjects=3, n_windows=3, n_features=4, n_times=64)


def source(n_features=10, n_outputs=4, spec="mlp"):
    shape = (n_features,) if spec == "mlp" else (n_features, 64)
    network = build_network(spec, shape, n_outputs)
    return Weights(initial_tensors(network, 9, stream="source"), {"network": network.describe()})


BATCHES = "windows are trained on in batches, and whoever is repeated falls into several of them"


@parametrize_with_checks(
    [TransferClassifier(**FAST)],
    expected_failed_checks=lambda _: {"check_sample_weight_equivalence_on_dense_data": BATCHES},
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.mark.parametrize("arm", ["scratch", "transferred", "frozen_body", "permuted", {"name": "l2_sp"}])
@pytest.mark.parametrize(
    ("windows", "spec"), [(FEATURES, "mlp"), (SIGNALS, "cnn_signal")], ids=["mlp", "cnn"]
)
def test_it_is_the_same_training_number_by_number(windows, spec, arm):
    weights = source(windows.shape[0], spec=spec)
    names = np.array(windows.classes)[windows.y]
    model = TransferClassifier(weights, spec, arm, seed=3, **FAST).fit(windows.X, names)

    scaled = fit_scaler(windows, "standard").apply(windows)
    network = build_network(spec, windows.shape, 3)
    arms = make_arms([arm], {"supervised": weights}, network, 3)
    rows = np.arange(len(windows))
    curves = train(network, arms, scaled, Split("all", "all", rows, rows[:0]), Schedule(**FAST))
    assert set(curves.tensors[0]) == set(model.weights_.tensors)
    assert all(np.array_equal(v, model.weights_.tensors[k]) for k, v in curves.tensors[0].items())
    logits = run_network(network, curves.tensors[0], scaled.X).logits
    assert np.array_equal(model.predict(windows.X), np.array(windows.classes)[logits.argmax(axis=1)])
    odds = np.exp(logits - logits.max(axis=1, keepdims=True))
    assert np.allclose(model.predict_proba(windows.X), odds / odds.sum(axis=1, keepdims=True), atol=1e-6)
    assert model.arm_.ledger == arms[0].ledger


def test_seeds_differ_and_repeat():
    fitted = []
    for seed in (0, 0, 1):
        model = TransferClassifier(seed=seed, epochs=2).fit(FEATURES.X, FEATURES.y)
        fitted.append(model.weights_.digest())
    assert fitted[0] == fitted[1] != fitted[2]


def test_cross_validation_over_people_and_search():
    people = FEATURES.metadata["subject"].to_numpy()
    model = make_pipeline(StandardScaler(), TransferClassifier(source(), **FAST))
    scores = cross_val_score(model, FEATURES.X, FEATURES.y, groups=people, cv=LeaveOneGroupOut())
    assert len(scores) == 4
    assert scores.mean() > 0.8
    grid = {
        "transferclassifier__arm": ["transferred", "frozen_body", {"name": "partial_carry", "layers": 1}],
        "transferclassifier__network": ["mlp", {"name": "mlp", "head": "spinal"}],
    }
    search = GridSearchCV(model, grid, cv=2, error_score="raise").fit(FEATURES.X, FEATURES.y)
    assert len(search.cv_results_["params"]) == 6
    assert search.best_score_ > 0.8


def test_signals_pass_through_a_pipeline_and_any_channel_count_may_carry():
    weights = source(8, spec="channel_wise")
    model = TransferClassifier(weights, "channel_wise", epochs=2)
    model = make_pipeline(FunctionTransformer(lambda X: X * 1e-6), model)
    labels = np.where(SIGNALS.y == 0, "left", "right")
    scores = cross_val_score(model, SIGNALS.X, labels, cv=3, scoring="roc_auc")
    assert np.isfinite(scores).all()
    fitted = model.fit(SIGNALS.X, labels)[-1]
    assert {row.action for row in fitted.arm_.ledger if row.part != "head"} == {"copied"}


def test_weights_may_be_a_file_and_go_on(tmp_path):
    path = save_weights(source(), tmp_path / "emg")
    models = [
        TransferClassifier(origin, epochs=1).fit(FEATURES.X, FEATURES.y)
        for origin in (source(), path, str(path.with_suffix("")))
    ]
    assert len({m.weights_.digest() for m in models}) == 1
    further = TransferClassifier(models[0].weights_, arm="frozen_body", epochs=1).fit(FEATURES.X, FEATURES.y)
    for name, value in models[0].weights_.tensors.items():
        assert name.startswith("head") or np.array_equal(further.weights_.tensors[name], value)
    again = pickle.loads(pickle.dumps(models[0]))
    assert np.array_equal(again.predict_proba(FEATURES.X), models[0].predict_proba(FEATURES.X))
    assert clone(models[1]).get_params()["source_weights"] == path


def test_a_library_network_needs_its_sampling_rate():
    with pytest.raises(BiotransferError, match="sampling rate"):
        TransferClassifier(network="EEGNet").fit(SIGNALS.X, SIGNALS.y)
    model = TransferClassifier(network="EEGNet", sfreq=64.0, epochs=1).fit(SIGNALS.X, SIGNALS.y)
    assert np.allclose(model.predict_proba(SIGNALS.X).sum(axis=1), 1)


@pytest.mark.parametrize(
    ("X", "theirs", "network"),
    [
        (FEATURES.X, {"name": "mlp", "hidden": [8]}, {"name": "mlp", "hidden": [16]}),
        (FEATURES.X[:, :9], {"name": "mlp", "hidden": [8]}, {"name": "cnn_image", "filters": [3]}),
        (SIGNALS.X, {"name": "cnn_signal", "filters": [4]}, {"name": "cnn_signal", "filters": [5]}),
    ],
)
@pytest.mark.parametrize("saved", [False, True])
def test_weights_of_which_nothing_fits_are_refused_as_recipes_do(X, theirs, network, saved, tmp_path):
    y = np.arange(len(X)) % 2
    weights = TransferClassifier(network=theirs, epochs=1).fit(X, y).weights_
    given = save_weights(weights, tmp_path / "theirs") if saved else weights
    for arm in (None, "frozen_body", "permuted"):
        with pytest.raises(
            BiotransferError, match=r"source_weights: nothing of them fits network .* below its head"
        ):
            TransferClassifier(given, network, arm, epochs=1).fit(X, y)
    assert TransferClassifier(given, network, "scratch", epochs=1).fit(X, y).arm_.name == "scratch"


def test_divergence_is_said_though_nothing_is_tested():
    with pytest.raises(BiotransferError, match="diverged, its loss is not finite"):
        TransferClassifier(learning_rate=1e30, epochs=5).fit(FEATURES.X, FEATURES.y)
    for scale in ("none", "standard"):
        with pytest.raises(BiotransferError, match="single precision"):
            TransferClassifier(scale=scale, epochs=1).fit(FEATURES.X.astype(float) * 1e39, FEATURES.y)
    fitted = TransferClassifier(scale="none", epochs=1).fit(FEATURES.X, FEATURES.y)
    with pytest.raises(BiotransferError, match="single precision"):
        fitted.predict(FEATURES.X.astype(float) * 1e39)


def test_classes_and_windows_count_as_asked():
    rng = np.random.default_rng(0)
    y = np.repeat(["often", "rarely"], [190, 10])
    X = rng.normal(size=(200, 10))
    X[y == "rarely", :2] += 1.5
    rare = {}
    for name, options, counts in (
        ("plain", {}, None),
        ("balanced", {"class_weight": "balanced"}, None),
        ("mapping", {"class_weight": {"rarely": 19.0}}, None),
        ("counts", {}, np.where(y == "rarely", 19.0, 1.0)),
        ("both", {"class_weight": {"rarely": 1 / 19}}, np.where(y == "rarely", 19.0, 1.0)),
    ):
        model = TransferClassifier(epochs=20, **options)
        rare[name] = model.fit(X, y, sample_weight=counts).predict_proba(X)[:, 1]
    assert (rare["plain"] > 0.5).sum() == 0 < 8 <= (rare["balanced"] > 0.5).sum()
    np.testing.assert_allclose(rare["mapping"], rare["balanced"], atol=1e-4)
    np.testing.assert_allclose(rare["counts"], rare["balanced"], atol=1e-4)
    np.testing.assert_allclose(rare["both"], rare["plain"], atol=1e-4)
    with pytest.raises(BiotransferError, match="class_weight names 'seldom'"):
        TransferClassifier(class_weight={"seldom": 2}).fit(X, y)
    with pytest.raises(BiotransferError, match="sample_weight has the shape"):
        TransferClassifier().fit(X, y, sample_weight=[1.0])


def test_in_one_batch_a_count_is_a_repetition():
    rng = np.random.default_rng(0)
    X, y, counts = rng.normal(size=(40, 6)), np.arange(40) % 3, rng.integers(0, 4, 40)
    models = [TransferClassifier(epochs=5, batch_size=1000, scale="none") for _ in range(2)]
    weighed = models[0].fit(X, y, sample_weight=counts)
    repeated = models[1].fit(np.repeat(X, counts, axis=0), np.repeat(y, counts))
    np.testing.assert_allclose(weighed.predict_proba(X), repeated.predict_proba(X), atol=1e-4)


def test_what_does_not_fit_is_said():
    with pytest.raises(BiotransferError, match=r"source_weights is not given"):
        TransferClassifier(arm="transferred").fit(FEATURES.X, FEATURES.y)
    with pytest.raises(BiotransferError, match="takes features"):
        TransferClassifier().fit(SIGNALS.X, SIGNALS.y)
    fitted = TransferClassifier(network="cnn_signal", epochs=1).fit(SIGNALS.X, SIGNALS.y)
    with pytest.raises(BiotransferError, match=r"shape \(4, 32\), fitted were \(4, 64\)"):
        fitted.predict(SIGNALS.X[:, :, :32])
    with pytest.raises(BiotransferError, match="Did you mean 'mlp'"):
        TransferClassifier(network="mpl").fit(FEATURES.X, FEATURES.y)
