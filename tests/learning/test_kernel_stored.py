"""The kernel computes the same bits in the process that finds it missing as in every later one."""

import inspect
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from biotransfer.learning.networks import build_network
from biotransfer.learning.training import Schedule, compiled, compiled_maps, stacked
from biotransfer.learning.training.kernel import driver
from biotransfer.learning.training.kernel_maps import driver as driver_maps
from biotransfer.learning.training.running import train
from biotransfer.signals.splits import make_splits
from biotransfer.transfer.carry import make_arms
from tests import ROOT
from tests.builders import make_windows

SCRIPT = """
import hashlib
import numpy as np
from biotransfer.learning.networks import build_network
from biotransfer.learning.training import Schedule
from biotransfer.learning.training.running import train
from biotransfer.signals.splits import Split
from biotransfer.transfer.carry import make_arms
from tests.builders import make_windows

windows = make_windows(n_subjects=4, n_features=16)
half = len(windows) // 2
split = Split("s", "subject", np.arange(half), np.arange(half, len(windows)))
network = build_network({"name": "mlp", "hidden": [64, 32]}, windows.shape, 3)
curves = train(network, make_arms(["scratch"], {}, network, 0), windows, split, Schedule(epochs=3))
assert curves.path[0].startswith("kernel"), curves.path
print(hashlib.sha256(curves.loss.tobytes()).hexdigest())
"""


ORDERS = {
    "usual": "",
    "other packages first": "import scipy.linalg, pandas, sklearn.svm, matplotlib",
    "something compiled before": """
from numba import njit
njit(fastmath=True)(lambda x: x.sum() * 2.0)(__import__("numpy").ones(9, "float32"))
""",
    "the other precision first": """
from biotransfer.learning.training.compiled import compile_kernel
compile_kernel("float64")
""",
}


@pytest.mark.slow
def test_bits_do_not_depend_on_when_where_and_after_what_it_was_compiled(tmp_path: Path) -> None:
    said = {}
    for i, (order, before) in enumerate(ORDERS.items()):
        folder = tmp_path / f"cache {i}{'x' * 40 * i}"
        environment = {
            **os.environ,
            "NUMBA_CACHE_DIR": str(folder),
            "PYTHONPATH": str(ROOT),
            "PYTHONHASHSEED": str(i),
            "OMP_NUM_THREADS": str(1 + i),
            "OPENBLAS_NUM_THREADS": str(1 + i),
        }
        for part in ("", "*train_epoch*", "*find_logits*"):
            for path in folder.rglob(part) if part and i == 0 else ():
                path.unlink()
            if part and i:
                continue
            done = subprocess.run(
                [sys.executable, "-c", before + SCRIPT],
                env=environment, capture_output=True, text=True, check=True,
            )  # fmt: skip
            said[order, part] = done.stdout.strip()
    assert len(said) == len(ORDERS) + 2
    assert len(set(said.values())) == 1, said


@pytest.mark.parametrize(
    ("entry", "sources"),
    [(driver.train_epoch, driver.sources()), (driver_maps.run, driver_maps.sources())],
    ids=["kernel", "kernel_maps"],
)
def test_all_that_is_compiled_into_what_is_stored_stands_in_its_sources(entry, sources) -> None:
    seen, todo = set(), [entry.py_func]
    while todo:
        function = todo.pop()
        seen.add(function)
        known = [function.__globals__.get(name) for name in function.__code__.co_names]
        inner = [inspect.unwrap(one) for one in known if callable(one)]
        todo += {one for one in inner if inspect.isfunction(one)} - seen
    assert len(seen) > 20
    files = {Path(inspect.getsourcefile(function)) for function in seen}
    folder = Path(inspect.getsourcefile(entry.py_func)).parent
    assert files <= set(sources)
    assert files >= {
        path for path in folder.glob("*.py") if path.stem not in ("__init__", "compiling", "records")
    }


@pytest.mark.slow
def test_what_a_process_compiles_for_itself_says_so(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    for own, told in (({"BIOTRANSFER_COMPILES": "1"}, True), ({}, False)):
        done = subprocess.run(
            [sys.executable, "-c", f"{SCRIPT}print(curves.path[0])"],
            env=environment | own, capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert done.stdout.strip().endswith("compiled in this process") == told


@pytest.mark.parametrize(
    ("module", "compiles", "network", "sizes"),
    [
        (compiled, "compile_kernel", {"name": "mlp", "hidden": [5]}, {"n_features": 6}),
        (compiled_maps, "compile_maps", {"name": "EEGNet"}, {"n_features": 3, "n_times": 128}),
    ],
    ids=["dense", "maps"],
)
def test_where_nothing_can_be_compiled_torch_trains_and_says_so(
    module, compiles, network, sizes, monkeypatch
) -> None:
    windows = make_windows(n_subjects=3, **sizes)
    split = make_splits(windows, "subject")[0]
    network = build_network(network, windows.shape, 3, sfreq=windows.sfreq)
    arms, schedule = make_arms(["scratch"], {}, network, 0), Schedule(epochs=2)
    usual = train(network, arms, windows, split, schedule)

    def refuse(dtype: str) -> None:
        raise RuntimeError("no LLVM for this processor")

    monkeypatch.setattr(module, compiles, refuse)
    stacked.why_no_kernel.cache_clear()
    try:
        with pytest.warns(RuntimeWarning, match="no LLVM for this processor.*torch trains instead"):
            found = train(network, arms, windows, split, schedule)
    finally:
        stacked.why_no_kernel.cache_clear()
    assert usual.path[0].startswith("kernel")
    assert not found.path[0].startswith("kernel")
    np.testing.assert_allclose(found.loss, usual.loss, atol=1e-4)


@pytest.mark.slow
def test_the_first_process_of_an_installation_computes_what_every_later_one_does(tmp_path: Path) -> None:
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path), "PYTHONPATH": str(ROOT)}
    said, stored = [], []
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", SCRIPT], env=environment, capture_output=True, text=True, check=True
        )
        said.append(done.stdout.strip())
        stored.append(sorted(path.name for path in tmp_path.rglob("*.nbc")))
    assert said[0] == said[1]
    assert stored[0] == stored[1]
    assert len(stored[0]) == 2, "one form of each entry: what is compiled ahead is what trains"
