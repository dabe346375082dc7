"""Whatever the catalogs hold ends on degenerate inputs in finite numbers or in a named refusal."""

from dataclasses import replace

import mne
import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.evidence.baselines import BASELINES
from biotransfer.evidence.baselines.shallow import fit_baseline
from biotransfer.evidence.transferability import SCORES
from biotransfer.learning.networks import HEADS, NETWORKS, build_network, initial_tensors
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.learning.weights import Weights
from biotransfer.signals.features import FEATURES, extract_features
from biotransfer.signals.preprocessing import STEPS, preprocess
from biotransfer.signals.simulate import simulate_eeg, simulate_emg
from biotransfer.signals.splits import make_splits
from biotransfer.transfer.align import ALIGN, fit_alignment
from biotransfer.transfer.carry import ARMS, make_arms
from biotransfer.transfer.pretrain import METHODS
from biotransfer.transfer.pretrain.training import pretrain
from tests.builders import make_windows

pytestmark = pytest.mark.slow
_EDGE = 3e38
"""Near the largest float32."""


def _twice(X):
    X[:, 1] = X[:, 0]
    return X


def _one_dead(X):
    X[:, 1] = 0
    return X


CHANGES = {
    "as they are": lambda X: X,
    "zero": lambda X: X * 0,
    "constant": lambda X: X * 0 + 2,
    "twice the same column": _twice,
    "one dead column": _one_dead,
    "huge": lambda X: X * 1e18,
    "tiny": lambda X: X * 1e-30,
    "at the edge of float32": lambda X: X / np.abs(X).max() * _EDGE,
}
PICKS = {
    "one window": lambda w: w.take(np.arange(1)),
    "two windows": lambda w: w.take(np.array([0, len(w) - 1])),
    "few windows": lambda w: w.take(np.arange(0, len(w), len(w) // 5)),
    "one column": lambda w: w.pick([w.names[0]]),
    "one class": lambda w: w.take(w.y == 0),
}


def _changed(windows, change):
    X = change(windows.X.astype(np.float64).copy())
    return replace(windows, X=X.astype(np.float32), unit="none")


def degenerate(windows):
    """Yield windows by what is wrong with them."""
    for name, change in CHANGES.items():
        yield name, _changed(windows, change)
    for name, pick in PICKS.items():
        yield name, pick(windows)


def ends_well(what, make):
    """Whether what is made is finite, or refused by name."""
    try:
        made = make()
    except BiotransferError:
        return
    assert np.isfinite(np.asarray(made, dtype=np.float64)).all(), what


SIGNALS = replace(
    make_windows(n_features=4, n_times=200, n_subjects=2, n_windows=3, modality="emg"), sfreq=200.0
)
FEW_FEATURES = make_windows(n_features=8, n_subjects=3, n_windows=3)
OTHER = make_windows(n_features=10, n_subjects=3, n_windows=4, modality="emg", seed=1)
SHORT = make_windows(n_features=4, n_times=120, n_subjects=3, n_windows=2)
SCHEDULE = Schedule(epochs=2, batch_size=8)
SMALL = {"name": "mlp", "hidden": [8]}
FEW_MAPS = make_windows(n_features=2, n_times=16, n_subjects=3, n_windows=3)
SMALL_MAPS = {"name": "cnn_signal", "filters": [4, 4], "kernel": 3, "pool": 2}


@pytest.mark.parametrize("name", FEATURES)
def test_features(name):
    for what, windows in degenerate(SIGNALS):
        ends_well(what, lambda w=windows: extract_features(w, name).X)
    ends_well("three samples", lambda: extract_features(replace(SIGNALS, X=SIGNALS.X[:, :, :3]), name).X)


@pytest.fixture(scope="module")
def recordings():
    return simulate_emg(n_subjects=1, seed=0)[0], simulate_eeg(n_subjects=1, seed=0)[0]


def _with_data(recording, change):
    raw = recording.raw.copy()
    raw._data[:] = change(raw.get_data())
    return recording.with_raw(raw)


RECORDED = {
    "zero": lambda r: _with_data(r, lambda X: X * 0),
    "constant": lambda r: _with_data(r, lambda X: X * 0 + 1e-5),
    "the same channel twice": lambda r: _with_data(r, lambda X: np.concatenate([X[:1], X[:1], X[2:]])),
    "a dead channel": lambda r: _with_data(r, lambda X: np.concatenate([X[:1], X[1:2] * 0, X[2:]])),
    "half a volt": lambda r: _with_data(r, lambda X: X / np.abs(X).max() / 2),
    "nanovolts": lambda r: _with_data(r, lambda X: X * 1e-4),
    "one channel": lambda r: r.with_raw(r.raw.copy().pick([r.ch_names[0]])),
    "50 ms": lambda r: r.with_raw(r.raw.copy().crop(0, 0.05)),
}


@pytest.mark.parametrize("step", STEPS)
def test_steps(step, recordings):
    for recording in recordings:
        for what, change in RECORDED.items():

            def make(one=recording, change=change):
                with mne.utils.use_log_level("error"):
                    done = preprocess([change(one)], [step])
                return np.concatenate([r.raw.get_data(picks=r.picks).ravel() for r in done])

            ends_well(f"{recording.modality}, {what}", make)


@pytest.mark.parametrize("name", ALIGN)
def test_alignments(name):
    for (what, ours), (_, theirs) in zip(degenerate(FEW_FEATURES), degenerate(OTHER), strict=True):
        for source, target in ((ours, OTHER), (FEW_FEATURES, theirs), (ours, theirs)):

            def make(source=source, target=target):
                found = fit_alignment(source, target, name)
                sides = found.source.apply(source).X, found.target.apply(target).X
                return np.concatenate([X.ravel() for X in sides])

            ends_well(what, make)
    if any(parameter.name == "k" for parameter in ALIGN[name].parameters):
        wide = {"name": name, "k": 500}
        ends_well("k", lambda: fit_alignment(FEW_FEATURES, OTHER, wide).source.apply(FEW_FEATURES).X)


@pytest.mark.parametrize("name", SCORES)
def test_scores(name):
    rng, needs = np.random.default_rng(0), SCORES[name].facts["needs"]
    n_classes, plain = 3, FEW_FEATURES.X.astype(np.float64)
    P = rng.dirichlet(np.ones(n_classes), len(plain))
    for what, windows in degenerate(FEW_FEATURES):
        F, y, p = windows.X.astype(np.float64), windows.y, P[: len(windows)]
        other = plain if F.shape[1] == plain.shape[1] else F
        labels = FEW_FEATURES.y if other is plain else y
        given = {
            "features": (F, y),
            "source_probabilities": (p, y),
            "labelled_sides": (F, y, other, labels),
            "grouped_sides": (F, np.arange(len(F)) % 4, other, labels),
            "two_layers": (F, F),
        }[needs]
        undefined = needs == "two_layers" and not np.ptp(F, axis=0).any()
        if undefined:
            assert np.isnan(SCORES[name].function(*given)), what
        else:
            ends_well(what, lambda given=given: SCORES[name].function(*given))


@pytest.mark.parametrize("name", BASELINES)
def test_shallow_classifiers(name):
    for what, windows in degenerate(FEW_FEATURES):
        if what != "at the edge of float32":
            ends_well(what, lambda w=windows: fit_baseline(name, w.X, w.y).predict(w.X))


def _train(spec, windows, arms=("scratch",), rows=None):
    network = build_network(spec, windows.shape, 3, sfreq=windows.sfreq)
    kinds = sorted({entry.facts["starts_from"] for entry in ARMS.values()} - {None})
    sources = {
        kind: Weights(initial_tensors(network, i, stream="source"), {"network": network.describe()})
        for i, kind in enumerate(kinds)
    }
    split = make_splits(windows, "subject")[0]
    split = split if rows is None else replace(split, train=split.train[:rows])
    made = make_arms(list(arms), sources, network, 0, target=windows.take(split.train))
    curves = train(network, made, windows, split, SCHEDULE)
    return np.concatenate([curves.loss.ravel(), *(t.ravel() for t in curves.tensors[0].values())])


def _trains(spec, windows, **more):
    for what, change in CHANGES.items():
        ends_well(what, lambda c=change: _train(spec, _changed(windows, c), **more))
    ends_well("one window", lambda: _train(spec, windows, rows=1, **more))


@pytest.mark.parametrize("name", NETWORKS)
def test_networks(name):
    _trains(name, FEW_FEATURES if NETWORKS[name].facts["takes"] == "features" else SHORT)


@pytest.mark.parametrize("head", HEADS)
def test_heads(head):
    _trains({**SMALL, "head": head}, FEW_FEATURES)


@pytest.mark.parametrize("arm", ARMS)
def test_arms(arm):
    _trains(SMALL, FEW_FEATURES, arms=[arm])


@pytest.mark.parametrize("method", METHODS)
def test_ways_to_pretrain(method):
    few, network = (FEW_MAPS, SMALL_MAPS) if METHODS[method].facts["maps"] else (FEW_FEATURES, SMALL)
    for what, windows in degenerate(few):

        def make(w=windows):
            joint = {"target": w} if METHODS[method].facts["joint"] else {}
            made = pretrain(w, network=network, schedule=SCHEDULE, method=method, **joint)[0]
            return np.concatenate([tensor.ravel() for tensor in made.weights.tensors.values()])

        ends_well(what, make)
