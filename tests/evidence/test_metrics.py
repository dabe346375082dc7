"""Metrics against scikit-learn, curve measures against numbers worked out by hand."""

import numpy as np
import pandas as pd
import pytest
import sklearn.metrics
from sklearn.calibration import calibration_curve

from biotransfer.errors import BiotransferError
from biotransfer.evidence.metrics import (
    MEASURES,
    METRICS,
    accuracy,
    balanced_accuracy,
    chance_level,
    confusion,
    curve_measures,
    expected_calibration_error,
    log_loss,
    measure_curves,
    time_to_threshold,
)
from biotransfer.results import CURVES

rng = np.random.default_rng(0)
Y = rng.integers(0, 4, 57)
PREDICTED = np.where(rng.random((3, 2, 57)) < 0.4, Y, rng.integers(0, 4, (3, 2, 57)))
PROBABILITIES = rng.dirichlet(np.full(4, 0.5), (3, 57))


def test_confusion_equals_sklearn_for_each_set_of_predictions():
    counts = confusion(Y, PREDICTED, 5)
    assert counts.shape == (3, 2, 5, 5)
    for i in np.ndindex(3, 2):
        np.testing.assert_array_equal(
            counts[i], sklearn.metrics.confusion_matrix(Y, PREDICTED[i], labels=range(5))
        )


def test_labels_may_differ_between_sets():
    labels = rng.integers(0, 3, (2, 20))
    predicted = rng.integers(0, 3, (2, 20))
    for i in range(2):
        np.testing.assert_array_equal(
            confusion(labels, predicted, 3)[i],
            sklearn.metrics.confusion_matrix(labels[i], predicted[i], labels=range(3)),
        )
        assert balanced_accuracy(labels, predicted)[i] == pytest.approx(
            sklearn.metrics.balanced_accuracy_score(labels[i], predicted[i])
        )


@pytest.mark.parametrize(
    ("ours", "reference"),
    [
        (accuracy, sklearn.metrics.accuracy_score),
        (balanced_accuracy, sklearn.metrics.balanced_accuracy_score),
    ],
)
def test_accuracies_equal_sklearn(ours, reference):
    values = ours(Y, PREDICTED)
    assert values.shape == (3, 2)
    for i in np.ndindex(3, 2):
        assert values[i] == pytest.approx(reference(Y, PREDICTED[i]), abs=1e-15)


def test_balanced_accuracy_counts_only_classes_that_occur():
    assert balanced_accuracy([0, 0, 2, 2], [0, 1, 2, 2]) == pytest.approx(0.75)
    assert balanced_accuracy([1, 1], [1, 1]) == 1.0


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_log_loss_equals_sklearn(dtype):
    given = PROBABILITIES.astype(dtype)
    given[0, 0] = np.eye(4, dtype=dtype)[(Y[0] + 1) % 4]
    given[0, 1] = np.eye(4, dtype=dtype)[Y[1]]
    for i in range(3):
        reference = sklearn.metrics.log_loss(Y, given[i].astype(dtype), labels=range(4))
        assert log_loss(Y, given)[i] == pytest.approx(reference, rel=1e-6 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("n_bins", [1, 7, 15])
def test_calibration_error_equals_sklearn_bins(n_bins):
    values = expected_calibration_error(Y, PROBABILITIES, n_bins=n_bins)
    edges = np.linspace(0, 1, n_bins + 1)
    for i, given in enumerate(PROBABILITIES):
        confidence = given.max(-1)
        right = given.argmax(-1) == Y
        share, predicted = calibration_curve(right, confidence, n_bins=n_bins)
        size = np.histogram(confidence, edges)[0]
        reference = (np.abs(share - predicted) * size[size > 0]).sum() / len(Y)
        assert values[i] == pytest.approx(reference, abs=1e-12)


def test_perfect_and_overconfident_networks_sit_at_the_ends_of_calibration():
    certain = np.eye(2)[[0, 1, 0, 1]]
    assert expected_calibration_error([0, 1, 0, 1], certain) == 0
    assert expected_calibration_error([1, 0, 1, 0], certain) == 1


def test_calibration_bins_include_their_upper_edge():
    given = np.array([[0.5, 0.5], [0.6, 0.4]])
    assert expected_calibration_error([0, 1], given, n_bins=2) == pytest.approx((0.5 + 0.6) / 2)


@pytest.mark.parametrize("labels", [Y, np.array([0, 0, 0, 2])])
def test_chance_is_what_constant_predictions_reach(labels):
    constant = [np.full_like(labels, k) for k in range(4)]
    assert chance_level(labels) == pytest.approx(max(balanced_accuracy(labels, c) for c in constant))
    assert chance_level(labels, "accuracy") == pytest.approx(max(accuracy(labels, c) for c in constant))
    share = np.bincount(labels, minlength=4) / len(labels)
    rows = np.broadcast_to(share, (len(labels), 4)).copy()
    assert chance_level(labels, "log_loss") == pytest.approx(float(log_loss(labels, rows)))
    assert chance_level(counts=np.bincount(labels, minlength=4)) == chance_level(labels)


def test_catalog_functions_take_what_they_declare():
    for entry in METRICS.values():
        given = PREDICTED[0, 0] if entry.facts["needs"] == "y_pred" else PROBABILITIES[0]
        assert np.ndim(entry.function(Y, given)) == 0
        better = PREDICTED[0, 0] * 0 + Y if entry.facts["needs"] == "y_pred" else np.eye(4)[Y]
        gain = entry.function(Y, better) - entry.function(Y, given)
        assert (gain > 0) == entry.facts["larger_is_better"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: confusion([0, 1, 2], [0, 1, 1], 2),
        lambda: accuracy([0, 1], [0, 1, 1]),
        lambda: accuracy([], []),
        lambda: accuracy([0.0, 1.0], [0.0, 1.0]),
        lambda: accuracy([0, -1], [0, 1]),
        lambda: log_loss([0, 1], np.array([[0.5, 0.6], [0.5, 0.5]])),
        lambda: log_loss([0, 1], np.array([[np.nan, 0.6], [0.5, 0.5]])),
        lambda: log_loss([0, 2], np.full((2, 2), 0.5)),
        lambda: log_loss([0, 1], np.ones((2, 2), int)),
        lambda: expected_calibration_error([0, 1], np.full((2, 2), 0.5), n_bins=0),
        lambda: chance_level(),
        lambda: chance_level([0, 1], counts=[1, 1]),
        lambda: chance_level(counts=[0, 0]),
        lambda: chance_level([0, 1], "expected_calibration_error"),
        lambda: chance_level([0, 1], "acuracy"),
        lambda: curve_measures([0.1, 0.2], [0, 2]),
        lambda: curve_measures([0.1, 0.2], [1, 2]),
        lambda: curve_measures([0.1, 0.2], [0, 1, 2]),
        lambda: curve_measures([0.1, 0.2], [0, 1], last=0),
    ],
)
def test_impossible_requests_are_refused(call):
    with pytest.raises(BiotransferError, match=r"\.( |$)"):
        call()


def test_area_is_an_integral_and_ignores_how_it_is_sampled():
    fine = np.linspace(0, 10, 101)
    curve = 0.3 + 0.4 * (1 - np.exp(-fine))
    exact = 0.7 - 0.4 * (1 - np.exp(-10)) / 10
    assert curve_measures(curve, fine)["area"] == pytest.approx(exact, abs=1e-4)
    uneven = np.array([0.0, 1.0, 2.0, 5.0, 10.0])
    assert curve_measures(0.2 + 0.05 * uneven, uneven)["area"] == pytest.approx(0.2 + 0.25)


def test_asymptote_never_includes_step_0():
    assert curve_measures([0.0, 0.6], [0, 1], last=3)["asymptote"] == 0.6
    assert curve_measures([0.0, 0.6, 0.8, 0.1], [0, 1, 2, 3], last=2)["asymptote"] == pytest.approx(0.45)


def test_time_to_threshold_is_the_first_crossing_or_censored():
    steps = np.array([[0, 5, 10], [0, 7, 14]])
    np.testing.assert_array_equal(time_to_threshold([[0.5, 0.4, 0.9], [0.1, 0.2, 0.5]], steps, 0.5), [0, 14])
    assert np.isnan(time_to_threshold([0.1, 0.2, 0.3], [0, 5, 10], 0.31))


def table(curves, *, splits=("s",), seeds=(0,), steps_per_epoch=10, direction="emg->eeg", protocol="subject"):
    """Long curves from {arm: {subject: values}}; every split and seed repeats them."""
    rows = [
        (direction, "mlp", "", protocol, "all", arm, split, subject, seed, epoch * steps_per_epoch, epoch,
         "test", "balanced_accuracy", value)
        for arm, people in curves.items()
        for subject, values in people.items()
        for split in splits
        for seed in seeds
        for epoch, value in enumerate(values)
    ]  # fmt: skip
    return pd.DataFrame(rows, columns=CURVES)


CASE = {
    "scratch": {"a": [0.3, 0.4, 0.6, 0.7, 0.7], "b": [0.4, 0.4, 0.4, 0.5, 0.5]},
    "transferred": {"a": [0.3, 0.6, 0.7, 0.8, 0.8], "b": [0.4, 0.5, 0.5, 0.3, 0.3]},
}


def test_measures_of_a_small_study_worked_out_by_hand():
    found = measure_curves(table(CASE), last=2, threshold=0.7).set_index(["arm", "subject"])
    a, b = found.loc[("transferred", "a")], found.loc[("transferred", "b")]
    scratch = found.loc[("scratch", "a")]
    assert a["step0"] == 0.3
    assert a["after_epoch_1"] == 0.6
    assert a["asymptote"] == pytest.approx(0.8)
    assert a["final"] == 0.8
    assert a["area"] == pytest.approx((0.45 + 0.65 + 0.75 + 0.8) / 4)
    assert a["jumpstart_step0"] == 0
    assert a["jumpstart_epoch1"] == pytest.approx(0.2)
    assert a["asymptote_gain"] == pytest.approx(0.1)
    assert a["area_gain"] == pytest.approx(0.6625 - 0.55)
    assert a["transfer_ratio"] == pytest.approx(0.6625 / 0.55 - 1)
    assert (a["time_to_threshold"], scratch["time_to_threshold"]) == (20, 30)
    assert a["savings"] == pytest.approx(1 / 3)
    assert b["asymptote_gain"] == pytest.approx(-0.2)
    assert b["censored"]
    assert np.isnan(b["savings"])
    assert np.isnan(b["time_to_threshold"])
    assert not a["censored"]
    assert found["n_seeds"].tolist() == [1, 1, 1, 1]


def test_the_baseline_gains_nothing_over_itself():
    found = measure_curves(table(CASE), last=2)
    base = found[found["arm"] == "scratch"]
    gains = ["jumpstart_step0", "jumpstart_epoch1", "asymptote_gain", "area_gain", "transfer_ratio"]
    assert (base[gains] == 0).all(axis=None)
    assert base["savings"].dropna().eq(0).all()


def test_default_threshold_is_95_percent_of_the_way_of_the_baseline():
    found = measure_curves(table(CASE), last=2)
    start, end = (0.3 + 0.4) / 2, (0.7 + 0.5) / 2
    np.testing.assert_allclose(found["threshold"], start + 0.95 * (end - start))


def test_arms_and_people_keep_their_order():
    found = measure_curves(table({"scratch": CASE["scratch"], "a_control": CASE["transferred"]}))
    assert found["arm"].tolist() == ["scratch", "scratch", "a_control", "a_control"]
    assert found["subject"].tolist() == ["a", "b", "a", "b"]


def test_seeds_and_splits_are_averaged_inside_the_person():
    low = table(CASE, seeds=(0,), splits=("fold=1",))
    high = table(CASE, seeds=(1,), splits=("fold=1",)).assign(value=lambda t: t["value"] + 0.1)
    other = table(CASE, seeds=(0, 1), splits=("fold=2",), steps_per_epoch=12)
    found = measure_curves(pd.concat([low, high, other]))
    plain = measure_curves(table(CASE))
    assert len(found) == len(plain) == 4
    np.testing.assert_allclose(found[list(MEASURES)], plain[list(MEASURES)] + 0.025)
    assert found["n_seeds"].unique() == 2
    np.testing.assert_allclose(
        measure_curves(other, threshold=0.7)["time_to_threshold"],
        measure_curves(table(CASE), threshold=0.7)["time_to_threshold"] * 1.2,
    )


def test_training_rows_other_metrics_and_row_order_do_not_matter():
    curves = table(CASE)
    noise = curves.assign(split_part="train", subject="*").drop_duplicates([*CURVES[:8], "epoch"])
    other = curves.assign(metric="accuracy", value=0.0)
    mixed = pd.concat([noise, other, curves]).sample(frac=1, random_state=0)
    keys = ["arm", "subject"]
    got, want = (measure_curves(t).sort_values(keys, ignore_index=True) for t in (mixed, curves))
    pd.testing.assert_frame_equal(got, want)


def test_categorical_columns_as_parquet_gives_them():
    curves = table(CASE)
    packed = curves.astype(dict.fromkeys(["direction", "network", "protocol", "arm", "subject"], "category"))
    pd.testing.assert_frame_equal(measure_curves(packed), measure_curves(curves))


def test_studies_are_kept_apart():
    back = {arm: {s: [v / 2 for v in values] for s, values in p.items()} for arm, p in CASE.items()}
    both = pd.concat([table(CASE), table(back, direction="eeg->emg"), table(back, protocol="block")])
    found = measure_curves(both)
    assert len(found) == 12
    mine = found[(found["direction"] == "emg->eeg") & (found["protocol"] == "subject")]
    pd.testing.assert_frame_equal(mine.reset_index(drop=True), measure_curves(table(CASE)))


def test_incomplete_or_broken_curves_are_refused():
    curves = table(CASE, seeds=(0, 1))
    lost_run = curves[
        ~((curves["arm"] == "transferred") & (curves["subject"] == "b") & (curves["seed"] == 1))
    ]
    lost_epoch = curves.drop(index=curves.index[(curves["epoch"] == 4) & (curves["seed"] == 1)][:1])
    for broken, message in [
        (lost_run, "not paired"),
        (lost_epoch, "same epochs"),
        (curves[curves["epoch"] > 0], "lack 0 or 1"),
        (pd.concat([curves, curves[:1]]), "two values"),
        (curves.assign(value=np.nan), "not finite"),
        (curves.drop(columns="split"), "columns split"),
        (curves.assign(split_part="train"), "no test rows"),
        (curves[curves["arm"] == "transferred"], "against"),
        (curves.assign(metric="loss"), "not in the curves"),
    ]:
        with pytest.raises(BiotransferError, match=message):
            measure_curves(broken)
    with pytest.raises(BiotransferError, match="balanced_accuracy"):
        measure_curves(curves, metric="log_loss")


def test_a_split_that_was_chosen_to_train_shorter_holds_its_last_values():
    short = {arm: {"b": people["b"][:3]} for arm, people in CASE.items()}
    whole = {arm: {"a": people["a"]} for arm, people in CASE.items()}
    curves = pd.concat([table(whole, splits=["s1"]), table(short, splits=["s2"])], ignore_index=True)
    found = measure_curves(curves, last=2).set_index(["arm", "subject"])
    alone = measure_curves(table(whole, splits=["s1"]), last=2).set_index(["arm", "subject"])
    assert found.loc[("transferred", "b"), "asymptote"] == CASE["transferred"]["b"][2]
    assert found.loc[("transferred", "a"), "asymptote"] == alone.loc[("transferred", "a"), "asymptote"]
