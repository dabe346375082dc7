"""Pairs of which it is known what they share: for each lever one where it must help, one where it must not.

Three latent variables carry the classes; a matrix mixes them into 24 features. Source and target share the
matrix, or not. The target has one labelled window per class of two people. Selection: see test_selection.py.
"""

from dataclasses import replace

import numpy as np
import pytest

from biotransfer.learning.networks import build_network
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.signals.splits import Split
from biotransfer.transfer.align import fit_alignment
from biotransfer.transfer.carry import make_arms
from biotransfer.transfer.pretrain.held_out import hold_out_people
from biotransfer.transfer.pretrain.training import pretrain
from tests.builders import make_windows

pytestmark = pytest.mark.slow
NETWORK = {"name": "mlp", "hidden": [12, 6]}
SCHEDULE = Schedule(epochs=30, batch_size=16, learning_rate=0.01)
SEEDS = (0, 1, 2, 3)
SHARED = np.random.default_rng(0).normal(size=(3, 24))
UNRELATED = np.random.default_rng(1).normal(size=(3, 24))


def _side(mixing, *, seed=1, modality="emg", labels=True, n_subjects=8):
    windows = make_windows(n_subjects=n_subjects, n_features=24, signal=0.0, seed=seed, modality=modality)
    rng = np.random.default_rng([seed, 1])
    centers = np.random.default_rng(3).normal(size=(3, 3)) * 2.0
    latent = centers[windows.y] + rng.normal(size=(len(windows), 3))
    X = latent @ mixing + 2.0 * windows.X
    y = windows.y if labels else rng.permutation(windows.y)
    return replace(windows, X=X.astype(np.float32), y=y)


TARGET = _side(SHARED, seed=9, modality="eeg", n_subjects=10)
PERSON = TARGET.metadata["subject"].str[1:].astype(int).to_numpy()
FEW = np.array([np.flatnonzero((p == PERSON) & (TARGET.y == k))[0] for p in range(2) for k in range(3)])
OTHERS = np.setdiff1d(np.flatnonzero(PERSON < 6), FEW)
TEST = np.flatnonzero(PERSON >= 6)
STRUCTURELESS = make_windows(n_subjects=8, n_features=24, signal=0.0, modality="emg")


def _scores(source, specs, *, target=TARGET, method="supervised", align="none"):
    """Accuracy on people never seen after the last update, averaged over seeds, by arm."""
    held = hold_out_people(source)
    split = Split("few", "subject", FEW, TEST, unlabelled=OTHERS)
    seen = target.take(np.concatenate([FEW, OTHERS]))
    alignment = fit_alignment(source.take(held.train), seen, align)
    ours, theirs = alignment.source.apply(source), alignment.target.apply(target)
    items = pretrain([ours], held, NETWORK, list(SEEDS), SCHEDULE, method=method)
    record = build_network(NETWORK, theirs.shape, 3)
    arms = []
    for seed, item in zip(SEEDS, items, strict=True):
        arms += make_arms(specs, {"supervised": item.weights}, record, seed, target=theirs.take(FEW))
    curves = train(record, arms, theirs, split, SCHEDULE)
    hit = (curves.predicted[:, -1] == target.y[TEST]).mean(axis=1).reshape(len(SEEDS), -1).mean(axis=0)
    return dict(zip((arm.name for arm in arms), hit.tolist(), strict=False))


CARRY = ["scratch", "transferred", "frozen_body", {"name": "l2_sp", "alpha": 1.0}, "probe_then_finetune",
         "gradual_unfreezing", "layerwise_decay", {"name": "lora", "rank": 2}, "delta", "co_tuning", "lwf",
         "bss", "discriminability_based", "permuted",
         {"name": "discriminability_based", "start": "permuted", "label": "sham"}]  # fmt: skip


def test_carrying_helps_where_the_structure_is_shared_and_holding_on_harms_where_it_is_not():
    shared, unrelated = (_scores(_side(mixing), CARRY) for mixing in (SHARED, UNRELATED))
    for name, value in shared.items():
        if name not in ("scratch", "permuted", "sham"):
            assert value > shared["scratch"] + 0.03, (name, value, shared["scratch"])
    assert shared["permuted"] < shared["transferred"] - 0.05
    for name in ("frozen_body", "l2_sp", "delta"):  # what holds the weights or features pays for it
        assert shared[name] > shared["transferred"] - 0.05, name
        assert unrelated[name] < unrelated["scratch"], name
    gains = [unrelated[name] - unrelated["scratch"] for name in CARRY[1:] if isinstance(name, str)]
    assert np.mean(gains) < 0.02
    assert shared["discriminability_based"] > shared["sham"] + 0.05
    assert unrelated["discriminability_based"] < unrelated["sham"] + 0.02
    assert unrelated["bss"] == pytest.approx(unrelated["transferred"], abs=0.02)  # BSS does not mend it here


@pytest.mark.parametrize("method", ["masked", "contrastive"])
def test_pretraining_without_labels_finds_structure_and_nothing_in_noise(method):
    """Labels of the source say nothing: supervised pretraining cannot help, these methods do."""
    arms = ["scratch", "frozen_body"]
    found = _scores(_side(SHARED, labels=False), arms, method=method)
    blind = _scores(_side(SHARED, labels=False), arms)
    nothing = _scores(STRUCTURELESS, arms, method=method)
    assert found["frozen_body"] > blind["frozen_body"] + 0.1, (found, blind)
    assert found["frozen_body"] > nothing["frozen_body"] + 0.1, (found, nothing)
    assert nothing["frozen_body"] < nothing["scratch"]


@pytest.mark.parametrize("align", [{"name": "pca", "k": 3}, "gromov_wasserstein"], ids=["pca", "gromov"])
def test_aligning_finds_a_rotated_subspace_and_cannot_make_one(align):
    turn = np.linalg.qr(np.random.default_rng(5).normal(size=(24, 24)))[0]
    turned = replace(TARGET, X=(TARGET.X @ turn).astype(np.float32))
    arms = ["scratch", "frozen_body"]
    plain = _scores(_side(SHARED), arms, target=turned)
    found = _scores(_side(SHARED), arms, target=turned, align=align)
    nothing = _scores(STRUCTURELESS, arms, target=turned, align=align)
    assert plain["frozen_body"] < plain["scratch"] - 0.1
    assert found["frozen_body"] > plain["frozen_body"] + 0.1, (found, plain)
    assert found["frozen_body"] > nothing["frozen_body"] + 0.1, (found, nothing)
    assert nothing["frozen_body"] < nothing["scratch"]


def test_self_training_is_as_good_as_its_teacher():
    """A teacher with little to go by passes its errors on; one that starts from a good source does not."""
    own = {"name": "self_training", "ratio": 3, "label": "own"}
    led = {"name": "self_training", "teacher": "transferred", "ratio": 3, "label": "led"}
    good, bad = (_scores(_side(mixing), ["scratch", own, led]) for mixing in (SHARED, UNRELATED))
    assert good["led"] > good["scratch"] + 0.05, good
    assert good["led"] > good["own"] + 0.05, good
    assert good["own"] == bad["own"] < good["scratch"] + 0.02, good
    assert bad["led"] < good["led"] - 0.03, (bad, good)  # what it gains from a strange source is luck
