"""The toolkits' methods on pairs of which it is known what they share: one where each must help, one not.

Every case is the one for which the method's own paper made it, in 24 columns, with 8 people on the source's
side and 10 on the target's. Alignments are judged as their papers do: a classifier of the aligned source
names the classes of the target's people who were not looked at (the sides share their classes here, as no two
modalities do). Ways to pretrain are judged on new people of the source's own kind, or by six labelled windows
of the target. Window weights: see test_weighting.py; adaptation to a person: test_adaptation.py.
"""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from scipy.linalg import expm
from sklearn.linear_model import LogisticRegression

from biotransfer.learning.networks import build_network
from biotransfer.learning.networks.forward import run_network
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.signals.splits import Split
from biotransfer.transfer.align import fit_alignment
from biotransfer.transfer.carry import make_arms
from biotransfer.transfer.pretrain.held_out import hold_out_people
from biotransfer.transfer.pretrain.training import pretrain
from tests.builders import make_windows
from tests.transfer.test_levers_truth import (
    FEW,
    NETWORK,
    OTHERS,
    SCHEDULE,
    SEEDS,
    SHARED,
    STRUCTURELESS,
    TARGET,
    TEST,
    UNRELATED,
    _scores,
    _side,
)

pytestmark = pytest.mark.slow
CENTERS = np.random.default_rng(3).normal(size=(3, 3)) * 2.0
SECOND, THIRD, MOVES = (np.random.default_rng(seed).normal(size=(3, 24)) for seed in (2, 4, 13))
SIDES = ((1, "emg", 8), (9, "eeg", 10))
SQUARE = np.random.default_rng(5).normal(size=(24, 24))


def _drawn(seed, modality, n_people):
    """Windows of plain noise, three variables that carry the classes, and what draws the rest."""
    windows = make_windows(n_subjects=n_people, n_features=24, signal=0.0, seed=seed, modality=modality)
    rng = np.random.default_rng([seed, 1])
    return windows, CENTERS[windows.y] + rng.normal(size=(len(windows), 3)), rng


def _with(windows, X):
    return replace(windows, X=X.astype(np.float32))


def _named(sides, spec, scale="none", few=False):
    """Share of the target's windows that a classifier of the aligned source names right.

    With ``few`` it is fitted on the target's six labelled windows, too.
    """
    source, target = sides
    found = fit_alignment(source, target.take(np.concatenate([FEW, OTHERS])), spec, scale=scale)
    X, Z = (
        mapping.apply(w).X.reshape(len(w), -1)
        for mapping, w in zip((found.source, found.target), sides, strict=True)
    )
    if few:
        fitted = np.concatenate([X, Z[FEW]]), np.concatenate([source.y, target.y[FEW]])
    else:
        fitted = X, source.y
    classifier = LogisticRegression(max_iter=2000).fit(*fitted)
    return float(np.mean(classifier.predict(Z[TEST]) == target.y[TEST]))


@cache
def _alike():
    return _side(SHARED), TARGET


@cache
def _mapped():
    """The target's columns are mixed by a symmetric positive matrix: the map between two Gaussians."""
    turn = np.linalg.qr(SQUARE)[0]
    spread = np.exp(1.5 * np.random.default_rng(6).normal(size=24))
    return _side(SHARED), _with(TARGET, TARGET.X @ (turn * spread) @ turn.T)


@cache
def _turned():
    """The target's subspace of the classes is turned against the source's by some 80 degrees at most."""
    skew = SQUARE - SQUARE.T
    return _side(SHARED), _with(TARGET, TARGET.X @ expm(1.4 * skew / np.linalg.norm(skew, 2)))


@cache
def _moved():
    """The target lies far away, along a direction in which classes differ, too."""
    return _side(SHARED), _with(TARGET, TARGET.X + 30 * SHARED[0] / np.linalg.norm(SHARED[0]))


@cache
def _hidden(hidden):
    """Six directions have far more variance than the classes' three, or far less."""
    sides = []
    for place in SIDES:
        windows, latent, rng = _drawn(*place)
        mixing = np.random.default_rng(12).normal(size=(6, 24))
        more = rng.normal(size=(len(windows), 6)) * (6.0 if hidden else 0.6)
        sides.append(_with(windows, latent @ SHARED + more @ mixing + windows.X))
    return tuple(sides)


@cache
def _pivots(tied):
    """Columns 1 to 8 speak in the source alone, 17 to 24 in the target; 9 to 16 link them weakly, or not."""
    sides = []
    for seed, modality, n_people in SIDES:
        windows, latent, rng = _drawn(seed, modality, n_people)
        linking = latent if tied else CENTERS[rng.permutation(windows.y)] + rng.normal(size=latent.shape)
        X = np.zeros((len(windows), 24))
        X[:, 8:16] = 0.3 * linking @ SHARED[:, 8:16]
        own = slice(0, 8) if modality == "emg" else slice(16, 24)
        X[:, own] = latent @ SHARED[:, own]
        sides.append(_with(windows, X + windows.X))
    return tuple(sides)


@cache
def _columns(differ):
    """Half of the columns tell the classes best in the source; in the target they are noise, or tell, too."""
    sides = []
    for seed, modality, n_people in SIDES:
        windows, latent, rng = _drawn(seed, modality, n_people)
        loud = 2 * CENTERS[windows.y] + rng.normal(size=latent.shape)
        if differ and modality == "eeg":
            loud = 3 * rng.normal(size=latent.shape)
        X = np.concatenate([0.5 * latent @ SHARED[:, :12], loud @ SHARED[:, 12:]], axis=1)
        sides.append(_with(windows, X + windows.X))
    return tuple(sides)


@cache
def _unsteady(moves):
    """Three directions tell the classes best in the source; in the target they move and tell none, or not."""
    sides = []
    for seed, modality, n_people in SIDES:
        windows, latent, rng = _drawn(seed, modality, n_people)
        loud = 1.5 * CENTERS[windows.y] + rng.normal(size=latent.shape)
        if moves and modality == "eeg":
            loud = rng.normal(size=latent.shape) * np.array([6.0, 8.0, 10.0]) + 5
        sides.append(_with(windows, 0.5 * latent @ SHARED + loud @ MOVES + 0.5 * windows.X))
    return tuple(sides)


@cache
def _conflict(conflict):
    """Half of the columns say the same of a class on both sides; in the others classes change places."""
    sides = []
    for seed, modality, n_people in SIDES:
        windows, latent, rng = _drawn(seed, modality, n_people)
        said = (windows.y + (conflict and modality == "eeg")) % 3
        other = CENTERS[said] + rng.normal(size=latent.shape)
        X = np.concatenate([0.5 * latent @ SHARED[:, :12], other @ SHARED[:, 12:]], axis=1)
        sides.append(_with(windows, X + 2 * windows.X))
    return tuple(sides)


@cache
def _drifting(source_drift):
    """Classes lie in fast waves; the target's signals drift slowly, the source's as much, or not."""
    sides = []
    fast = np.fft.rfft(np.random.default_rng(8).normal(size=(3, 4, 40)), axis=2)
    fast[:, :, :6] = 0
    waves, t = np.fft.irfft(fast, 40, axis=2), np.arange(40) / 40
    for (seed, modality, n_people), drift in zip(SIDES, (source_drift, 8.0), strict=True):
        windows = make_windows(n_subjects=n_people, n_features=4, n_times=40, signal=0.0, seed=seed,
                               modality=modality)  # fmt: skip
        rng, shape = np.random.default_rng([seed, 3]), (len(windows), 4, 1)
        slow = sum(
            rng.normal(size=shape) * np.cos(2 * np.pi * (k * t + rng.random(shape))) for k in (1, 2, 3)
        )
        sides.append(_with(windows, 0.35 * waves[windows.y] + drift * slow + windows.X))
    return tuple(sides)


def _all(name, **more):
    return {"name": name, "first": "none", **more}


SIX, FOUR = {"components": 6}, {"components": 4}
ALIGNED = {
    "coral": ("none", _all("coral"), _mapped, _alike, "standard", 0.2),
    "linear_transport": ("none", _all("linear_transport"), _mapped, _alike, "standard", 0.2),
    "optimal_transport": ("none", _all("optimal_transport"), _mapped, _alike, "standard", 0.2),
    "subspace_alignment": ("none", _all("subspace_alignment", components=3), _turned, _alike, "standard",
                           0.1),
    "gfk": ("none", _all("gfk", components=3), _turned, _alike, "standard", 0.1),
    "cca": ("none", {"name": "cca", "components": 3}, _turned, _alike, "standard", 0.1),
    "tca": ("none", _all("tca", mu=100.0, **SIX), _moved, _alike, "none", 0.2),
    "mida": ("none", _all("mida", **SIX), _moved, _alike, "none", 0.2),
    "sstca_sides": ("none", _all("sstca", mu=100.0, **SIX), _moved, _alike, "none", 0.2),
    "smida_sides": ("none", _all("smida", **SIX), _moved, _alike, "none", 0.2),
    "sstca": (_all("tca", **FOUR), _all("sstca", **FOUR), lambda: _hidden(True), lambda: _hidden(False),
              "none", 0.2),
    "smida": (_all("mida", **FOUR), _all("smida", **FOUR), lambda: _hidden(True), lambda: _hidden(False),
              "none", 0.2),
    "ssa": ("none", _all("ssa", **SIX), lambda: _unsteady(True), lambda: _unsteady(False), "none", 0.1),
    "msda": ("none", _all("msda", corruption=0.8), lambda: _pivots(True), lambda: _pivots(False), "none",
             0.2),
    "fmmd": ("none", _all("fmmd", keep_columns=12), lambda: _columns(True), lambda: _columns(False),
             "standard", 0.2),
    "fda": ("none", {"name": "fda", "share": 0.2}, lambda: _drifting(0.0), lambda: _drifting(8.0), "none",
            0.2),
}  # fmt: skip
"""By name: without it, with it, the pair on which it must help, that on which not, scaling, least gain."""


@pytest.mark.parametrize("name", ALIGNED)
def test_an_alignment_helps_where_its_own_difference_lies_and_not_where_there_is_none(name):
    without, spec, must, must_not, scale, least = ALIGNED[name]
    gain = _named(must(), spec, scale) - _named(must(), without, scale)
    nothing = _named(must_not(), spec, scale) - _named(must_not(), without, scale)
    assert gain > least, (gain, nothing)
    assert nothing < 0.06, (gain, nothing)


def test_augmented_features_help_where_sides_conflict_and_cost_where_they_agree():
    """Daume's own setting: one classifier of the source and of a few labelled windows of the target."""
    spec = _all("feature_augmentation")
    must, must_not = (_named(_conflict(c), spec, few=True) - _named(_conflict(c), "none", few=True)
                      for c in (True, False))  # fmt: skip
    assert must > 0.2, must
    assert must_not < 0.02, must_not


PLACES = np.array([(0, 1, 2), (1, 2, 0), (2, 0, 1), (0, 2, 1), (1, 0, 2), (2, 1, 0)])


@pytest.mark.parametrize("method", ["maml", "protonet", "fomaml", "reptile"])
def test_learning_to_learn_helps_where_labels_mean_something_else_in_every_person(method):
    """A network that serves all people at once has nothing to learn there; one that asks who it is has."""
    source, arms = _side(SHARED), ["scratch", "frozen_body"]
    person = source.metadata["subject"].str[1:].astype(int).to_numpy()
    own = replace(source, y=PLACES[person % 6, source.y])
    found, blind, nothing = (
        _scores(windows, arms, method=how)
        for windows, how in ((own, method), (own, "supervised"), (STRUCTURELESS, method))
    )
    assert found["frozen_body"] > blind["frozen_body"] + 0.1, (found, blind)
    assert found["frozen_body"] > nothing["frozen_body"] + 0.1, (found, nothing)
    assert nothing["frozen_body"] < nothing["scratch"] - 0.1, nothing


def _people(said, seed=1, n_people=8, *, quiet, apart):
    """People with two sets of directions, of which the second says of a class what ``said`` tells.

    The classes' own directions are ``quiet`` times as strong; people lie ``apart`` in three others.
    """
    windows, _, rng = _drawn(seed, "emg", n_people)
    person = windows.metadata["subject"].str[1:].astype(int).to_numpy()
    latent = quiet * CENTERS[windows.y] + rng.normal(size=(len(windows), 3))
    second = CENTERS[said(windows.y, person, rng)] + 0.3 * rng.normal(size=latent.shape)
    where = apart * rng.normal(size=(n_people, 3))[person] + 0.3 * rng.normal(size=latent.shape)
    return _with(windows, latent @ SHARED + second @ SECOND + where @ THIRD + 2 * windows.X)


def _nothing_said(y, person, rng):
    return rng.integers(0, 3, len(y))


def _most_agree(y, person, rng):
    return np.where(person % 4 == 3, rng.integers(0, 3, len(y)), y)


def _own_places(y, person, rng):
    return PLACES[person % 6, y]


def _all_agree(y, person, rng):
    return y


SETS = range(8)


@cache
def _of_new_people(says, method, quiet, apart):
    """Accuracy of a source network on new people to whom the sign says nothing, for every drawn set."""
    how = {"quiet": quiet, "apart": apart}
    sources = [_people(says, seed=seed, **how) for seed in SETS]
    spec, _, step = method.partition(" step ")
    method = {"name": spec, "step": float(step)} if step else spec
    schedule = Schedule(epochs=30, batch_size=32, learning_rate=0.01)
    split = hold_out_people(sources[0], 0.1)
    items = pretrain(sources, split, NETWORK, list(SETS), schedule, method=method)
    record = build_network(NETWORK, sources[0].shape, 3)
    found = []
    for seed, item in zip(SETS, items, strict=True):
        new = _people(_nothing_said, seed=seed + 50, n_people=4, **how)
        said = run_network(record, item.weights.tensors, new.X).probabilities.argmax(axis=1)
        found.append(np.mean(said == new.y))
    return np.array(found)


def _gain(says, method, **how):
    return float(np.mean(_of_new_people(says, method, **how) - _of_new_people(says, "supervised", **how)))


def test_the_worst_person_is_served_where_most_share_what_misleads():
    """Sagawa's setting: in most people a strong sign goes with the class, in a few and in new ones not.

    Where it goes with the class in everybody nobody is served worse, and no weight of a person can help.
    """
    must, must_not = (
        _gain(says, "group_dro step 1.0", quiet=0.5, apart=0.0) for says in (_most_agree, _all_agree)
    )
    assert must > 0.02, (must, must_not)
    assert abs(must_not) < 0.01, (must, must_not)


def test_people_made_alike_help_where_a_sign_means_another_class_in_each():
    """A strong sign tells the class of those whose places are known; new people's places are not.

    Features that do not tell people apart cannot use it; where the sign tells nothing, nothing is to be won.
    Of the critic (dann) it is seen. Making covariances (deep_coral), distributions (mmd) or the windows of a
    class (ccsa) alike adds little, and which of them does depends on the draw: docs/toolkits.md.
    """
    gains = {
        method: [_gain(says, method, quiet=1.0, apart=2.0) for says in (_own_places, _nothing_said)]
        for method in ("dann", "deep_coral", "mmd", "ccsa")
    }
    must, must_not = gains.pop("dann")
    assert must > must_not + 0.015, (must, must_not)
    assert must > 0.02
    assert abs(must_not) < 0.02
    for method, (won, nothing) in gains.items():
        assert abs(nothing) < 0.03, (method, won, nothing)
        assert abs(won) < 0.06, (method, won, nothing)


def _styled(style, seed, n_people):
    """Waves whose frequency is the class; people's channels have gains and levels of their own, or not."""
    windows = make_windows(n_subjects=n_people, n_features=3, n_times=40, signal=0.0, seed=seed)
    rng = np.random.default_rng([seed, 7])
    person = windows.metadata["subject"].str[1:].astype(int).to_numpy()
    turns = np.array([4, 7, 10])[windows.y][:, None, None] * np.arange(40) / 40
    X = np.sin(2 * np.pi * (turns + rng.random((len(windows), 3, 1)))) + windows.X
    gain = np.exp(style * rng.normal(size=(n_people, 3, 1)))[person]
    return _with(windows, X * gain + 2 * style * rng.normal(size=(n_people, 3, 1))[person])


def test_mixed_styles_help_where_a_few_people_differ_in_style_and_not_where_nobody_does():
    """Three people train, six new ones are asked, in 24 draws."""
    spec = {"name": "cnn_signal", "filters": [8, 8], "kernel": 5, "pool": 2}
    schedule, draws, gains = Schedule(epochs=15, batch_size=32, learning_rate=0.01), range(24), {}
    for style in (0.7, 0.0):
        sources = [_styled(style, seed, 4) for seed in draws]
        record, hits = build_network(spec, sources[0].shape, 3), []
        for method in ("supervised", "mix_style"):
            split = hold_out_people(sources[0], 0.1)
            items = pretrain(sources, split, spec, list(draws), schedule, method=method)
            new = [_styled(style, seed + 50, 6) for seed in draws]
            hits.append([np.mean(run_network(record, item.weights.tensors, w.X).probabilities.argmax(axis=1)
                                 == w.y) for item, w in zip(items, new, strict=True)])  # fmt: skip
        gains[style] = float(np.mean(np.subtract(*reversed(hits))))
    assert gains[0.7] > 0.02, gains
    assert gains[0.0] < 0.01, gains


def test_what_a_source_taught_is_distilled_where_structure_is_shared_and_is_nothing_where_it_is_not():
    """And contrasts of windows by class add nothing to fine-tuning, in either case."""
    arms = ["scratch", "transferred", "bi_tuning", "knowledge_distillation"]
    shared, unrelated = (_scores(_side(mixing), arms) for mixing in (SHARED, UNRELATED))
    assert shared["knowledge_distillation"] > shared["scratch"] + 0.03, shared
    assert unrelated["knowledge_distillation"] < unrelated["scratch"] + 0.02, unrelated
    assert shared["bi_tuning"] > shared["scratch"] + 0.1, shared
    assert unrelated["bi_tuning"] < unrelated["scratch"], unrelated
    for found in (shared, unrelated):
        assert found["bi_tuning"] < found["transferred"] + 0.02, found


@pytest.mark.parametrize(("stem", "least"), [("source", 0.1), ("target", 0.02)])
def test_a_body_learned_with_both_tasks_helps_where_they_share_their_structure(stem, least):
    """With a stem of the target's own, six windows have to teach it, and little is left to gain."""
    held, split = hold_out_people(_side(SHARED)), Split("few", "subject", FEW, TEST)
    record, found = build_network(NETWORK, TARGET.shape, 3), []
    for source in (_side(SHARED), STRUCTURELESS):
        items = pretrain([source], held, NETWORK, list(SEEDS), SCHEDULE, target=TARGET.take(FEW),
                         method={"name": "multi_task", "stem": stem})  # fmt: skip
        arms = []
        for seed, item in zip(SEEDS, items, strict=True):
            arms += make_arms(["scratch", "frozen_body"], {"supervised": item.weights}, record, seed)
        curves = train(record, arms, TARGET, split, SCHEDULE)
        hit = (curves.predicted[:, -1] == TARGET.y[TEST]).mean(axis=1).reshape(len(SEEDS), -1)
        found.append(float(np.mean(hit[:, 1] - hit[:, 0])))
    assert found[0] > least, found
    assert found[1] < 0.02, found


def test_the_sources_statistics_add_nothing_to_fine_tuning():
    """StochNorm on waves of classes and six labelled windows: no case is shown in which it helps."""
    waves, spec = np.random.default_rng(8).normal(size=(3, 4, 64)), {"name": "EEGNet"}
    sides = []
    for seed, modality, n_people in SIDES:
        windows = make_windows(n_subjects=n_people, n_features=4, n_times=64, signal=0.0, seed=seed,
                               modality=modality)  # fmt: skip
        sides.append(_with(replace(windows, sfreq=64.0), 0.8 * waves[windows.y] + windows.X))
    source, target = sides
    schedule = Schedule(epochs=8, batch_size=32, learning_rate=0.005)
    items = pretrain([source], None, spec, list(SEEDS), schedule)
    record, arms = build_network(spec, target.shape, 3, sfreq=64.0), []
    for seed, item in zip(SEEDS, items, strict=True):
        arms += make_arms(
            ["scratch", "transferred", "stoch_norm"], {"supervised": item.weights}, record, seed
        )
    few = Split("few", "subject", FEW, TEST)
    curves = train(record, arms, target, few, replace(schedule, epochs=20))
    hit = (curves.predicted[:, -1] == target.y[TEST]).mean(axis=1).reshape(len(SEEDS), -1).mean(axis=0)
    assert hit[2] > hit[0] + 0.1, hit
    assert hit[2] < hit[1] + 0.02, hit
