import json

import numpy as np
import pytest

from biotransfer.errors import BiotransferError
from biotransfer.weights import (
    FORMAT_VERSION,
    Weights,
    load_weights,
    permute_values,
    redraw_values,
    save_weights,
)


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
    assert again.facts == weights.facts
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


def test_format_version_1_stays_readable(tmp_path):
    """The layout of the first released format, written by hand."""
    from safetensors.numpy import save_file

    value = np.arange(6, dtype=np.float32).reshape(2, 3)
    save_file({"head.weight": value}, tmp_path / "old.safetensors")
    digest = Weights({"head.weight": value}).digest()
    (tmp_path / "old.json").write_text(
        json.dumps({"format_version": 1, "digest": digest, "classes": ["a", "b"]})
    )
    assert load_weights(tmp_path / "old").facts == {"classes": ["a", "b"]}


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
