"""Training that explodes but stays finite is told by its loss, whatever trains it."""

from dataclasses import replace

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.evidence.divergence import diverged_trainings
from biotransfer.learning.networks import build_network
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.signals.splits import make_splits
from biotransfer.sklearn import TransferClassifier
from biotransfer.transfer.carry import make_arms
from biotransfer.transfer.pretrain import METHODS
from biotransfer.transfer.pretrain.training import pretrain
from tests.builders import make_windows

FEATURES = make_windows(n_features=16, n_subjects=4, n_windows=6)
SIGNALS = make_windows(n_features=3, n_times=40, n_subjects=3, n_windows=4)
WAYS = {
    "kernel": (FEATURES, "mlp", "stacked", ["scratch", "transferred"]),
    "kernel, signals": (SIGNALS, {"name": "cnn_signal", "filters": [4], "kernel": 5}, "stacked", ["scratch"]),
    "gradients written out": (FEATURES, "mlp", "stacked", [{"name": "lora", "rank": 2}]),
    "stacked modules": (FEATURES, {"name": "cnn_image", "filters": [3], "hidden": 5}, "stacked", ["scratch"]),
    "loop": (FEATURES, "mlp", "loop", ["scratch", "transferred"]),
    "loop, signals": (SIGNALS, {"name": "cnn_signal", "filters": [4], "kernel": 5}, "loop", ["scratch"]),
}


def _curves(way, rate, dtype="float32", **schedule):
    windows, spec, engine, arms = WAYS[way]
    network = build_network(spec, windows.shape, 3)
    source = pretrain(windows, network=spec, schedule=Schedule(epochs=1))[0].weights
    split = make_splits(windows, "subject")[0]
    made = make_arms(arms, {"supervised": source}, network, 0, target=windows.take(split.train))
    schedule = Schedule(epochs=4, batch_size=16, learning_rate=rate, **schedule)
    return train(network, made, windows, split, schedule, engine=engine, dtype=dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("way", WAYS)
def test_every_engine_tells_an_explosion_from_learning(way, dtype):
    learned, exploded = (_curves(way, rate, dtype) for rate in (1e-2, 1e4))
    assert np.isfinite(exploded.loss).all()
    assert (learned.diverged.any(), exploded.diverged.all()) == (False, True)
    for curves, n in ((learned, 0), (exploded, len(exploded.loss))):
        assert len(diverged_trainings(curves.to_frame("a->b"))) == n


def test_an_explosion_counts_though_the_loss_comes_back():
    curves = _curves("kernel", 1e4)
    curves.train_loss[:, -1], curves.loss[:, -1] = 1.0, 1.0
    assert curves.diverged.all()


def test_one_update_is_told_by_what_it_leaves():
    curves = _curves("kernel", 1e5)
    alone = replace(curves, train_loss=np.full_like(curves.train_loss, np.nan))
    assert alone.diverged.all()
    assert not replace(alone, loss=np.ones_like(alone.loss)).diverged.any()


@pytest.mark.parametrize("method", METHODS)
def test_every_way_to_pretrain_says_that_it_exploded(method):
    joint = {"target": FEATURES} if METHODS[method].facts["joint"] else {}
    maps = {"name": "cnn_signal", "filters": [4, 4], "kernel": 3}
    windows, network = (SIGNALS, maps) if METHODS[method].facts["maps"] else (FEATURES, "mlp")
    for rate in (1e-3, 1e4):
        schedule = Schedule(epochs=3, batch_size=16, learning_rate=rate)
        try:
            made = pretrain(windows, network=network, schedule=schedule, method=method, **joint)[0]
            told = made.diverged
            assert told == ("diverged" in made.weights.card["metrics"])
        except BiotransferError as error:
            told = "diverged, its loss is not finite" in str(error)
        assert told == (rate > 1)


@pytest.mark.parametrize("engine", ["loop", "stacked"])
def test_the_classifier_refuses_weights_of_an_explosion(engine):
    model = TransferClassifier(learning_rate=1e4, epochs=3, engine=engine)
    with pytest.raises(BiotransferError, match=r"diverged, its loss is .* nats"):
        model.fit(FEATURES.X, FEATURES.y)


@pytest.mark.parametrize("engine", ["loop", "stacked"])
def test_a_method_that_explodes_is_told_among_the_others_and_changes_none(engine):
    """What a method adds to the loss may be no number; only a loss of one's own means the learning rate."""
    windows = make_windows(n_subjects=4, n_features=10, n_recordings=2, n_windows=6)
    split = make_splits(windows, "new_person")[0]
    network = build_network("mlp", windows.shape, 3)
    arms = make_arms(["scratch", {"name": "deep_coral", "strength": 1e60}, "dan"], {}, network, 0)
    curves = train(network, arms, windows, split, Schedule(epochs=3), engine=engine)
    assert curves.diverged.tolist() == [False, True, False]
    table = curves.to_frame("a->a", budget="all")
    assert diverged_trainings(table)["arm"].tolist() == ["deep_coral"]
    assert np.isfinite(table["value"]).all()
    np.testing.assert_allclose(curves.probabilities.sum(axis=-1), 1.0, rtol=1e-5)
    for a in (0, 2):
        alone = train(network, [arms[a]], windows, split, Schedule(epochs=3), engine=engine)
        assert (alone.predicted[0] == curves.predicted[a]).all()
        np.testing.assert_allclose(alone.loss[0], curves.loss[a], rtol=1e-5)
