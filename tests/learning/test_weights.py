import contextlib
import json

import numpy as np
import pytest

from biotransfer import __version__
from biotransfer.errors import BiotransferError
from biotransfer.learning.networks import network_of
from biotransfer.learning.networks.forward import run_network
from biotransfer.learning.weights import (
    FORMAT_VERSION,
    UPGRADES,
    Weights,
    card_lines,
    load_weights,
    permute_values,
    redraw_values,
    save_weights,
)
from tests import ROOT


@pytest.fixture
def weights():
    rng = np.random.default_rng(0)
    return Weights(
        {"a.weight": rng.normal(size=(3, 4)).astype(np.float32), "a.bias": np.zeros(3, np.float32)},
        {"classes": ["x", "y"], "sfreq": 256.0},
    )


def test_round_trip(weights, tmp_path):
    path = save_weights(weights, tmp_path / "net")
    again = load_weights(path)
    assert again.card == {**weights.card, "library": __version__}
    assert all(np.array_equal(again.tensors[k], v) for k, v in weights.tensors.items())
    assert sorted(p.name for p in tmp_path.iterdir()) == ["net.json", "net.safetensors"]


@pytest.mark.parametrize("harm", ["truncate", "other numbers", "newer", "no card", "no json"])
def test_a_damaged_file_is_refused(weights, tmp_path, harm):
    path = save_weights(weights, tmp_path / "net")
    card = path.with_suffix(".json")
    if harm == "truncate":
        path.write_bytes(path.read_bytes()[:-5])
    elif harm == "other numbers":
        save_weights(Weights({k: v + 1 for k, v in weights.tensors.items()}), tmp_path / "other")
        path.write_bytes((tmp_path / "other.safetensors").read_bytes())
    elif harm == "newer":
        card.write_text(json.dumps(json.loads(card.read_text()) | {"format_version": FORMAT_VERSION + 1}))
    elif harm == "no card":
        card.unlink()
    else:
        card.write_text("{")
    with pytest.raises(BiotransferError, match="net"):
        load_weights(path)


OLD = ROOT / "tests" / "data" / "weights_format_1.safetensors"


def test_format_1_stays_readable_and_computes_the_same(tmp_path):
    """A file as format 1 wrote it."""
    raw = json.loads(OLD.with_suffix(".json").read_text())
    assert (raw["format_version"], FORMAT_VERSION) == (1, 3)
    weights = load_weights(OLD)
    assert weights.digest() == raw["digest"]
    assert weights.card["history"] == raw["preprocessing"]
    assert "preprocessing" not in weights.card
    parameters = {**raw["network"]["parameters"], "head": {"name": "linear"}}
    assert weights.card["network"]["parameters"] == parameters
    kept = {k: v for k, v in raw.items() if k not in ("format_version", "digest", "preprocessing", "network")}
    assert weights.card.items() >= kept.items()
    x = np.random.default_rng(0).normal(size=(5, 12))
    t = weights.tensors
    hidden = x
    for name in ("stem_0", "body_1"):
        hidden = np.maximum(hidden @ t[f"{name}.weight"].T + t[f"{name}.bias"], 0)
    logits = hidden @ t["head.weight"].T + t["head.bias"]
    assert np.allclose(run_network(network_of(weights), t, x).logits, logits, atol=1e-5)
    again = load_weights(save_weights(weights, tmp_path / "new"))
    assert again.digest() == weights.digest()
    assert {k: v for k, v in again.card.items() if k != "library"} == weights.card
    assert json.loads((tmp_path / "new.json").read_text())["format_version"] == FORMAT_VERSION


def test_format_2_stays_readable():
    path = ROOT / "tests" / "data" / "weights_format_2"
    weights, raw = load_weights(path), json.loads(path.with_suffix(".json").read_text())
    assert "checksum" not in raw
    assert weights.digest() == raw["digest"]
    assert weights.card == {k: v for k, v in raw.items() if k not in ("format_version", "digest")}


CARD_FACTS = {
    "network": {"name": "mlp", "parameters": {}, "input_shape": [4], "n_outputs": 2}, "modality": "emg",
    "classes": ["x", "y"], "names": ["a"], "sfreq": 200.0, "ledger": [{"action": "copied"}], "seed": 3,
    "metrics": {"accuracy": 0.5}, "train": {"epochs": 2},
}  # fmt: skip


@pytest.mark.parametrize("name", [*CARD_FACTS, "digest", "library"])
def test_every_fact_of_a_card_is_inside_its_checksum(weights, tmp_path, name):
    path = save_weights(Weights(weights.tensors, CARD_FACTS), tmp_path / "net")
    card = path.with_suffix(".json")
    raw = json.loads(card.read_text())
    for changed in ({**raw, name: "other"}, {k: v for k, v in raw.items() if k != name}, {**raw, "more": 1}):
        card.write_text(json.dumps(changed))
        with pytest.raises(BiotransferError, match="net"):
            load_weights(path)


@pytest.mark.parametrize("name", [n for n in CARD_FACTS if n not in ("seed", "metrics")])
@pytest.mark.parametrize("value", [0, True, "x", [[]], [None], {"a": 1}, {"name": {}}])
def test_a_card_says_what_others_read_of_it_in_its_own_kind(weights, tmp_path, name, value):
    """Also a card whose checksum its writer made anew."""
    facts = {**CARD_FACTS, name: value}
    path = save_weights(Weights(weights.tensors, facts), tmp_path / "net")
    with contextlib.suppress(BiotransferError):
        again = load_weights(path)
        assert type(again.card[name]) in (type(CARD_FACTS[name]), type(value))
        card_lines(again)
        repr(again)


def _with_header(path, header):
    path.write_bytes(len(header).to_bytes(8, "little") + header + b"\0" * 64)


@pytest.mark.parametrize(
    "header",
    [
        b'{"a":{"dtype":"BF16","shape":[2],"data_offsets":[0,4]}}', b'{"\xff":{}}', b"{", b"", b"[]",
        b'{"a":{"dtype":"F8_E4M3","shape":[4],"data_offsets":[0,4]}}', b"[" * 100_000,
        b'{"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,64]}}',
        b'{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}',
    ],
)  # fmt: skip
def test_a_header_that_is_none_is_refused(weights, tmp_path, header):
    path = save_weights(weights, tmp_path / "net")
    _with_header(path, header)
    with pytest.raises(BiotransferError, match="net"):
        load_weights(path)
    path.write_bytes((2**62).to_bytes(8, "little"))
    with pytest.raises(BiotransferError, match="net"):
        load_weights(path)


def test_every_older_format_has_a_rule():
    assert sorted(UPGRADES) == list(range(1, FORMAT_VERSION))


def test_the_card_is_readable():
    lines = card_lines(load_weights(OLD))
    assert lines["network"] == "mlp: 12 -> 4 classes"
    assert lines["network parameters"] == "head linear, hidden 6, 4, norm False"
    assert lines["size"] == "126 parameters in 6 tensors"
    assert lines["names"].endswith("... (12 in all)")
    assert lines["metrics"] == "unseen subject, accuracy 0.2375, n_windows 80"
    assert "sfreq" not in lines
    html = load_weights(OLD)._repr_html_()
    assert "<th>classes</th><td>gesture_1, gesture_2" in html


def test_permuting_keeps_the_values_and_breaks_the_order():
    value = np.arange(200, dtype=np.float32).reshape(10, 20)
    out = permute_values(value, np.random.default_rng(0))
    assert np.array_equal(np.sort(out.ravel()), value.ravel())
    assert abs(np.corrcoef(out.ravel(), value.ravel())[0, 1]) < 0.2


def test_redrawing_keeps_mean_and_deviation_only():
    value = np.random.default_rng(1).exponential(size=(200, 200)).astype(np.float32)
    out = redraw_values(value, np.random.default_rng(0))
    assert out.dtype == value.dtype
    assert out.mean() == pytest.approx(value.mean(), abs=0.02)
    assert out.std() == pytest.approx(value.std(), abs=0.02)
    assert out.min() < 0 <= value.min()


def test_names_with_dots_stay_apart(weights, tmp_path):
    for name in ("v1.0", "v1.1"):
        save_weights(weights, tmp_path / name)
    assert len(list(tmp_path.glob("*.safetensors"))) == 2
    assert load_weights(tmp_path / "v1.1.json").digest() == weights.digest()
