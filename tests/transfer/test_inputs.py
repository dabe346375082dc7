"""Weights stand for named inputs: whatever their order, the network sees the same; what differs is said."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import yaml

from biotransfer import Schedule, hold_out_people, make_splits, pretrain, run_study, save_weights
from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import build_network
from biotransfer.learning.networks.forward import run_network
from biotransfer.learning.weights import Weights
from biotransfer.signals.preprocessing import preprocess
from biotransfer.signals.simulate import simulate_pair
from biotransfer.signals.windows import cut_windows
from biotransfer.sklearn import TransferClassifier
from biotransfer.studies.recipe import load_recipe
from biotransfer.transfer.align import ALIGN
from biotransfer.transfer.align.transform import fit_scaler
from biotransfer.transfer.carry import make_arms
from tests.builders import make_windows

SIGNALS = make_windows(n_features=4, n_times=64, n_subjects=3, n_windows=3)
FEATURES = make_windows(n_features=16, n_subjects=3, n_windows=3)
NETWORKS = {
    "mlp": (FEATURES, {"name": "mlp", "hidden": [8]}),
    "mlp_norm": (FEATURES, {"name": "mlp", "hidden": [8, 6], "norm": True}),
    "cnn_signal": (SIGNALS, {"name": "cnn_signal", "filters": [4, 8], "kernel": 5}),
    "channel_wise": (SIGNALS, "channel_wise"),
    "EEGNet": (SIGNALS, "EEGNet"),
}


def source_of(windows, spec, **card):
    """Trained weights of a network on ``windows``, as ``pretrain`` leaves them."""
    trained = pretrain([windows], make_splits(windows)[0], spec, [0], Schedule(epochs=1), card=card)
    return trained[0].weights


def shuffled(windows, seed=0):
    order = np.random.default_rng(seed).permutation(len(windows.names))
    return windows.pick([windows.names[i] for i in order])


@pytest.mark.parametrize("name", NETWORKS)
def test_columns_in_another_order_are_put_right_by_name(name):
    windows, spec = NETWORKS[name]
    weights = source_of(windows, spec)
    network = build_network(spec, windows.shape, len(windows.classes), sfreq=windows.sfreq)
    target = shuffled(windows)
    head = {k for k, part in network.tensor_parts.items() if part == "head"}
    answers = []
    for given in (windows, target):
        (arm,) = make_arms(["transferred"], weights, network, 0, target=given)
        carried = {**arm.tensors, **{k: weights.tensors[k] for k in head}}
        answers.append(run_network(network, carried, given.X).logits)
        said = [row.reason for row in arm.ledger if row.part == "stem"]
        assert all("order of channels" in reason for reason in said) == (given is target)
    np.testing.assert_allclose(answers[0], answers[1], atol=1e-4)


def test_a_network_whose_inputs_have_places_refuses_another_order():
    weights = source_of(FEATURES, {"name": "cnn_image", "filters": [3, 4], "hidden": 5})
    network = build_network({"name": "cnn_image", "filters": [3, 4], "hidden": 5}, (16,), 3)
    make_arms(["transferred"], weights, network, 0, target=FEATURES)
    with pytest.raises(BiotransferError, match=r"another order.*target\.pick"):
        make_arms(["transferred"], weights, network, 0, target=shuffled(FEATURES))
    put = shuffled(FEATURES).pick(weights.card["names"])
    np.testing.assert_array_equal(put.X, FEATURES.X)
    make_arms(["transferred"], weights, network, 0, target=put)


@pytest.mark.parametrize("name", ALIGN)
def test_names_count_where_columns_are_what_they_are_named_after(name):
    spec = {"name": "mlp", "hidden": [8]}
    weights = source_of(FEATURES, spec, align={"name": name})
    network = build_network(spec, FEATURES.shape, 3)
    (arm,) = make_arms(["transferred"], weights, network, 0, target=shuffled(FEATURES))
    moved = not np.array_equal(arm.tensors["stem_0.weight"], weights.tensors["stem_0.weight"])
    assert moved == ALIGN[name].facts["meaning"] == ("order of channels" in arm.ledger[0].reason)


def test_what_was_paired_by_rank_stays_so():
    spec = {"name": "mlp", "hidden": [8]}
    weights = source_of(replace(FEATURES, history=("top 16 by anova",)), spec)
    network = build_network(spec, FEATURES.shape, 3)
    (arm,) = make_arms(["transferred"], weights, network, 0, target=shuffled(FEATURES))
    assert np.array_equal(arm.tensors["stem_0.weight"], weights.tensors["stem_0.weight"])


def test_other_names_are_said_and_half_of_them_in_other_places_refused():
    spec = {"name": "mlp", "hidden": [8]}
    weights = source_of(FEATURES, spec)
    network = build_network(spec, FEATURES.shape, 3)
    others = replace(FEATURES, names=tuple(f"other {i}" for i in range(16)))
    (arm,) = make_arms(["transferred"], weights, network, 0, target=others)
    assert "paired by position" in arm.ledger[0].reason
    assert "paired" not in arm.ledger[-1].reason
    half = replace(FEATURES, names=(*FEATURES.names[1:], "new"))
    with pytest.raises(BiotransferError, match="would be paired with others"):
        make_arms(["transferred"], weights, network, 0, target=half)
    other_kind = replace(half, modality={"eeg": "emg", "emg": "eeg"}[half.modality])
    (arm,) = make_arms(["transferred"], weights, network, 0, target=other_kind)
    assert "paired by position" in arm.ledger[0].reason


def test_another_rate_is_refused_and_another_preparation_said():
    spec = {"name": "cnn_signal", "filters": [4], "kernel": 5}
    weights = source_of(SIGNALS, spec)
    network = build_network(spec, SIGNALS.shape, 3)
    with pytest.raises(BiotransferError, match=r"sfreq=.* Hz on their card.*Write preprocess: {.*}") as said:
        make_arms(["transferred"], weights, network, 0, target=replace(SIGNALS, sfreq=2 * SIGNALS.sfreq))
    written = yaml.safe_load(str(said.value).partition("Write ")[2].partition(" in the target")[0])
    target = {"data": "simulated", **written}
    load_recipe({"title": "t", "eeg": target, "emg": {"data": "simulated"}, "directions": ["emg->eeg"],
                 "features": "statistical"})  # fmt: skip
    other_kind = {"eeg": "emg", "emg": "eeg"}[SIGNALS.modality]
    faster = replace(SIGNALS, sfreq=2 * SIGNALS.sfreq, modality=other_kind)
    (arm,) = make_arms(["transferred"], weights, network, 0, target=faster)
    assert "at another sampling rate: 100 Hz in the source, 200 Hz here" in arm.ledger[0].reason
    filtered = replace(SIGNALS, history=(*SIGNALS.history, "notch 50 Hz"))
    (arm,) = make_arms(["transferred"], weights, network, 0, target=filtered)
    assert "prepared otherwise: nothing more in the source, notch 50 Hz here" in arm.ledger[0].reason
    unknown = Weights(weights.tensors, {"network": weights.card["network"]})
    (arm,) = make_arms(["transferred"], unknown, network, 0, target=filtered)
    assert arm.ledger[0].reason == "same name and shape"


def test_the_classifier_matches_by_name_as_well():
    columns = [f"f{i}" for i in range(10)]
    rng = np.random.default_rng(0)
    X, y = pd.DataFrame(rng.normal(size=(60, 10)), columns=columns), np.tile([0, 1], 30)
    spec = {"name": "mlp", "hidden": [8]}
    weights = TransferClassifier(network=spec, epochs=3).fit(X, y).weights_
    assert weights.card["names"] == columns
    still = {"arm": "frozen_body", "network": spec, "epochs": 1}
    plain = TransferClassifier(weights, **still).fit(X, y)
    turned = TransferClassifier(weights, **still).fit(X[columns[::-1]], y)
    np.testing.assert_allclose(plain.predict_proba(X), turned.predict_proba(X[columns[::-1]]), atol=1e-5)
    named = TransferClassifier(weights, names=columns[::-1], **still).fit(X.to_numpy()[:, ::-1], y)
    np.testing.assert_allclose(plain.predict_proba(X), named.predict_proba(X.to_numpy()[:, ::-1]), atol=1e-5)
    assert "order of channels" in turned.arm_.ledger[0].reason
    otherwise = TransferClassifier(weights, scale="none", **still).fit(X, y)
    assert "prepared otherwise" in otherwise.arm_.ledger[0].reason
    for wrong in (["a"], ["a"] * 10, 3, {"a": 1}):
        with pytest.raises(BiotransferError, match="names"):
            TransferClassifier(names=wrong, epochs=1).fit(X.to_numpy(), y)


def test_a_recipe_matches_its_weights_by_name_and_its_report_says_so(tmp_path):
    eeg, emg = simulate_pair(n_subjects=3, seed=0)
    windows = cut_windows([preprocess(r) for r in eeg])
    scaled = fit_scaler(windows, "standard").apply(windows)
    trained = pretrain([scaled], hold_out_people(scaled), "cnn_signal", [0], Schedule(epochs=1))[0]
    save_weights(trained.weights, tmp_path / "theirs")
    turned = [r.with_raw(r.raw.copy().reorder_channels(r.raw.ch_names[::-1])) for r in eeg]
    side = {"data": "given", "windows": {"length": 1.0, "step": 0.5}}
    recipe = {
        "title": "t", "eeg": side, "emg": {**side, "preprocess": {"preset": "emg", "sfreq": 256}},
        "directions": ["emg->eeg"], "align": "none", "network": "cnn_signal", "seeds": 1, "nuisance": False,
        "arms": ["scratch", {"name": "transferred", "weights": str(tmp_path / "theirs"), "label": "theirs"}],
        "split": {"by": "subject"}, "train": {"epochs": 1, "class_weight": "balanced"}, "baselines": [],
    }  # fmt: skip
    given = {"eeg": turned, "emg": emg}
    results = run_study(recipe, tmp_path / "study", recordings=given).results
    stem = results.ledger[(results.ledger["arm"] == "theirs") & (results.ledger["part"] == "stem")]
    assert len(stem)
    assert stem["reason"].str.contains("order of channels").all()
    (finding,) = [item for item in results.checks if item["name"] == "inputs_of_weights"]
    assert finding["severity"] != "ok"
    assert "order of channels" in finding["message"]
