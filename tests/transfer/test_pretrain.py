import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network, initial_tensors
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.signals.splits import make_splits
from biotransfer.transfer.carry import make_arms
from biotransfer.transfer.pretrain import SOURCES
from biotransfer.transfer.pretrain.held_out import hold_out_people
from biotransfer.transfer.pretrain.making import make_source
from biotransfer.transfer.pretrain.sources import invent_labels, noise, shuffled_labels
from biotransfer.transfer.pretrain.training import pretrain
from tests.builders import make_windows

FAST = Schedule(epochs=15, batch_size=16, learning_rate=0.01)


def test_held_out_people_are_strangers():
    windows = make_windows(n_subjects=10)
    split = hold_out_people(windows, 0.2)
    subjects = windows.metadata["subject"]
    assert len(set(subjects.iloc[split.test])) == 2
    assert not set(subjects.iloc[split.test]) & set(subjects.iloc[split.train])


def test_one_person_gives_up_recordings_instead():
    windows = make_windows(n_subjects=1, n_recordings=5)
    split = hold_out_people(windows, 0.2)
    assert split.rule == "recording"
    assert set(windows.metadata["run"].iloc[split.test]) == {"c0r4", "c1r4", "c2r4"}
    with pytest.raises(BiotransferError, match="nothing can be held out"):
        hold_out_people(make_windows(n_subjects=1, n_recordings=1))


def test_a_source_is_made_by_name():
    windows = make_windows(n_times=32)
    assert make_source(windows) is windows
    for name in ("shuffled_labels", "noise", "phase"):
        made = make_source(windows, name, 3)
        assert len(made) == len(windows)
        assert not (np.array_equal(made.X, windows.X) and np.array_equal(made.y, windows.y))
        assert (
            made.digest() == make_source(windows, name, 3).digest() != make_source(windows, name, 4).digest()
        )
    white = make_source(windows, "noise", 3)
    np.testing.assert_array_equal(white.y, invent_labels(noise(windows, 3), 3).y)
    phases = make_source(windows, "noise", 3, kind="phase")
    np.testing.assert_array_equal(phases.y, windows.y)
    described = make_source(windows, "phase", 3, features="time_domain")
    assert not described.is_signal
    with pytest.raises(BiotransferError, match="made from signals"):
        make_source(make_windows(), "noise")
    with pytest.raises(BiotransferError, match="Did you mean 'shuffled_labels'"):
        make_source(windows, "shuffled_label")


def test_pretraining_takes_one_windows_and_holds_people_out_by_itself():
    windows = make_windows(n_subjects=4)
    spec = {"name": "mlp", "hidden": [8]}
    (one,) = pretrain(windows, network=spec, seeds=[1], schedule=FAST)
    (many,) = pretrain([windows], hold_out_people(windows), spec, [1], FAST)
    assert one.weights.digest() == many.weights.digest()
    (usual,) = pretrain(windows)
    assert (usual.weights.card["seed"], usual.weights.card["network"]["name"]) == (0, "mlp")


def test_the_windows_that_do_not_fit_the_first_are_named():
    wide = make_windows(n_subjects=4, n_features=13)
    with pytest.raises(BiotransferError, match=r"windows\[1\], <Windows: .* shape \(13,\)"):
        pretrain([make_windows(n_subjects=4), wide], None, "mlp", [0, 1], FAST)


def test_pretraining_knows_strangers_and_its_controls_do_not():
    windows = make_windows(n_subjects=10, n_recordings=6, n_windows=3, n_times=32)
    split = hold_out_people(windows)
    reached = {}
    for name in SOURCES:
        seeds = list(range(8))
        drawn = [SOURCES[name].function(windows, seed) for seed in seeds]
        if name == "noise":
            drawn = [invent_labels(w, seed) for w, seed in zip(drawn, seeds, strict=True)]
        trained = pretrain(drawn, split, "cnn_signal", seeds, Schedule(epochs=5, learning_rate=0.01))
        reached[name] = np.mean([np.mean(t.y_pred == windows.y[split.test]) for t in trained])
    assert reached["supervised"] > 0.8
    assert abs(reached["shuffled_labels"] - 1 / 3) < 0.25
    assert abs(reached["noise"] - 1 / 3) < 0.25


def test_one_windows_for_all_seeds_equals_one_each():
    windows = make_windows(n_subjects=4)
    split = hold_out_people(windows)
    spec = {"name": "mlp", "hidden": [8]}
    together = pretrain([windows], split, spec, [0, 1], FAST)
    apart = [pretrain([windows], split, spec, [seed], FAST)[0] for seed in (0, 1)]
    pooled = pretrain([windows, windows], split, spec, [0, 1], FAST)
    for one, two, three in zip(together, apart, pooled, strict=True):
        for name, value in one.weights.tensors.items():
            np.testing.assert_allclose(value, two.weights.tensors[name], atol=1e-5)
            np.testing.assert_allclose(value, three.weights.tensors[name], atol=1e-5)


def test_weights_say_what_they_are():
    windows = make_windows(n_subjects=4)
    card = pretrain([windows], hold_out_people(windows), "mlp", [7], FAST, card={"source": "supervised"})[0]
    facts = card.weights.card
    assert facts["classes"] == ["class0", "class1", "class2"]
    assert facts["seed"] == 7
    assert facts["n_subjects"] == 3
    assert facts["network"]["name"] == "mlp"
    assert facts["source"] == "supervised"
    assert facts["metrics"]["accuracy"] == pytest.approx(np.mean(card.y_true == card.y_pred))


def test_shuffled_labels_move_whole_recordings_and_keep_their_number():
    windows = make_windows(n_subjects=3, n_recordings=4)
    out = shuffled_labels(windows, 0)
    assert not np.array_equal(out.y, windows.y)
    assert (out.metadata.assign(y=out.y).groupby("recording")["y"].nunique() == 1).all()
    for _, rows in windows.metadata.groupby("subject").groups.items():
        assert sorted(out.y[rows]) == sorted(windows.y[rows])
    assert np.array_equal(out.X, windows.X)


def test_shuffling_is_more_than_renaming_where_each_class_was_recorded_once():
    windows = make_windows(n_subjects=4, n_recordings=1, n_windows=20)
    out = shuffled_labels(windows, 0)
    for _, rows in windows.metadata.groupby("subject").groups.items():
        pairs = set(zip(windows.y[rows].tolist(), out.y[rows].tolist(), strict=True))
        assert len(pairs) > len(windows.classes)


def test_invented_labels_are_the_same_labels_elsewhere():
    windows = make_windows()
    out = invent_labels(windows, 0)
    assert sorted(out.y) == sorted(windows.y)
    assert np.mean(out.y == windows.y) < 0.5
    assert np.array_equal(out.y, invent_labels(windows, 0).y)


def test_gaussian_noise_has_the_channels_deviation_and_no_class():
    windows = make_windows(n_features=3, n_times=100, n_windows=20)
    windows.X[:, 1] *= 10
    out = noise(windows, 0)
    np.testing.assert_allclose(out.X.std(axis=(0, 2)), windows.X.std(axis=(0, 2)), rtol=0.05)
    means = np.array([out.X[out.y == c].mean(axis=(0, 2)) for c in range(3)])
    assert np.ptp(means, axis=0).max() < 0.5


@pytest.mark.parametrize("n_times", [64, 65])
def test_random_phases_keep_spectra_and_covariances(n_times):
    windows = make_windows(n_features=3, n_times=n_times, n_windows=4)
    out = noise(windows, 0, kind="phase")
    assert np.array_equal(out.y, windows.y)
    assert not np.allclose(out.X, windows.X, atol=0.1)
    np.testing.assert_allclose(
        np.abs(np.fft.rfft(out.X, axis=2)), np.abs(np.fft.rfft(windows.X, axis=2)), atol=1e-3
    )
    centered = [w.X - w.X.mean(axis=2, keepdims=True) for w in (out, windows)]
    covariances = [np.einsum("nct,ndt->ncd", c, c) for c in centered]
    np.testing.assert_allclose(covariances[0], covariances[1], atol=1e-2)


def test_a_source_of_one_class_is_refused():
    windows = make_windows(n_classes=1, n_subjects=3)
    with pytest.raises(BiotransferError, match="single class"):
        pretrain([windows], hold_out_people(windows), "mlp", [0])


def test_noise_needs_signals():
    with pytest.raises(BiotransferError, match="needs signals"):
        noise(make_windows(), 0)


def test_a_target_does_not_start_where_its_source_started():
    """With one stream for both, the "fresh" head would be the one the source's body was trained against."""
    windows = make_windows(n_subjects=3)
    still = Schedule(epochs=1, learning_rate=1e-12)
    source = pretrain([windows], hold_out_people(windows), "mlp", [5], still)[0].weights
    target = initial_tensors(build_network("mlp", windows.shape, 3), 5)
    for name, value in target.items():
        if value.size < 30:
            assert not np.allclose(value, source.tensors[name], atol=1e-3), name
            continue
        assert abs(np.corrcoef(value.ravel(), source.tensors[name].ravel())[0, 1]) < 0.5, name


def test_a_fresh_head_on_a_trained_body_stands_at_chance():
    windows = make_windows(n_subjects=6, signal=2.0)
    split = make_splits(windows)[0]
    network = build_network("mlp", windows.shape, 3)
    reached = []
    for seed in range(20):
        source = pretrain([windows], hold_out_people(windows), "mlp", [seed], FAST)[0].weights
        arms = make_arms(["transferred"], {"supervised": source}, network, seed)
        curves = train(network, arms, windows, split, Schedule(epochs=1))
        reached.append(np.mean(curves.predicted[0, 0] == windows.y[split.test]))
    assert abs(np.mean(reached) - 1 / 3) < 4 * np.std(reached) / np.sqrt(20)
