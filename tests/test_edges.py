"""Private parts of others: the known answer, the path without them, and that what they do is done."""

import ctypes
import subprocess
import sys

import numpy as np
import pytest
import torch

from biotransfer import edges
from biotransfer.errors import BiotransferError

NAMES = {"sgemm": "biotransfer_test_sgemm", "dgemm": "biotransfer_test_dgemm"}


@pytest.fixture
def published(monkeypatch):
    """What is made known to compiled code, kept from it."""
    from llvmlite import binding

    found = {}
    monkeypatch.setattr(binding, "add_symbol", lambda symbol, address: found.update({symbol: address}))
    return found


def _broken(letter):
    """Return a product that writes the right answer with one value wrong, and its address."""
    number = {"s": ctypes.c_float, "d": ctypes.c_double}[letter]
    kind = ctypes.CFUNCTYPE(None, *[ctypes.c_void_p] * 13)

    def product(*given):
        out = ctypes.cast(given[11], ctypes.POINTER(number))
        for i, value in enumerate((58, -83, 24, 11)):
            out[i] = value

    function = kind(product)
    return function, ctypes.cast(function, ctypes.c_void_p).value


@pytest.mark.parametrize("name", NAMES)
def test_scipys_products_give_the_known_answer_and_a_wrong_one_does_not(name):
    assert edges.multiplies(name, edges._scipy_product(name))
    function, address = _broken(name[0])
    assert not edges.multiplies(name, address)
    del function


def test_a_wrong_product_of_torch_is_replaced_by_scipys_and_said(published, monkeypatch):
    function, address = _broken("d")
    real = edges._scipy_product
    monkeypatch.setattr(edges, "_torch_product", lambda name: address if name == "dgemm" else real(name))
    assert edges.publish_products(NAMES) == "scipy"
    assert published == {symbol: real(name) for name, symbol in NAMES.items()}
    monkeypatch.setattr(edges, "_scipy_product", lambda name: address)
    with pytest.raises(BiotransferError, match="dgemm does not give the known answer"):
        edges.publish_products({"dgemm": NAMES["dgemm"]})
    del function


def test_torchs_products_are_taken_where_they_are_right(published):
    if edges._torch_product("sgemm") is None:
        pytest.skip("this build of torch exports no products")
    assert edges.publish_products(NAMES) == "torch"
    assert published == {symbol: edges._torch_product(name) for name, symbol in NAMES.items()}


def test_segments_move_as_torchs_own_optimiser_moves_a_parameter():
    start, slopes = torch.randn(5, generator=torch.Generator().manual_seed(0)), (0.5, -2.0, 1.0)
    parameter = torch.nn.Parameter(start.clone())
    optimizer = torch.optim.AdamW([parameter], lr=0.1, weight_decay=0.2, fused=True)
    value, mean, square, step = start.clone(), torch.zeros(5), torch.zeros(5), torch.zeros(())
    for slope in slopes:
        parameter.grad = torch.full((5,), slope)
        optimizer.step()
        step += 1
        edges.update_by_adamw(
            [value], [torch.full((5,), slope)], [mean], [square], step,
            rate=0.1, betas=(0.9, 0.999), weight_decay=0.2, eps=1e-8,
        )  # fmt: skip
    np.testing.assert_array_equal(value.numpy(), parameter.detach().numpy())
    assert not np.allclose(value.numpy(), start.numpy())


def test_the_limit_of_a_worker_is_there_and_lifted():
    script = (
        "from joblib.externals.loky import process_executor as loky; from biotransfer import edges; "
        "before = loky._MAX_MEMORY_LEAK_SIZE; edges.keep_grown_process(); "
        "print(before < 1e9 < loky._MAX_MEMORY_LEAK_SIZE)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "True"


def test_another_pooch_is_refused_with_what_to_install(monkeypatch, tmp_path):
    import pooch

    monkeypatch.delattr(pooch.core, "stream_download")
    with pytest.raises(BiotransferError, match="pip install 'pooch<"):
        edges.stream_file("https://example.org/x", tmp_path / "x", None, print, 1)
