"""The kernel computes the same bits in the process that finds it missing as in every later one."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests import ROOT

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
